"""Futility, equivalence, superiority, exaggeration, reserve, winsorising: values worked out by hand or known in closed form."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import binom

from shoestring.stats.equivalence import equivalent_since, is_equivalent
from shoestring.stats.exaggeration import is_exaggerated, shrunken_mean
from shoestring.stats.futility import is_hopeless, predictive_power
from shoestring.stats.pair_test import Stop
from shoestring.stats.reserve import WithReserve, extend, with_reserve
from shoestring.stats.superiority import crash_rate_bound, superiority, win_interval
from shoestring.stats.tmix import TMix, interval, log_c
from shoestring.stats.winsor import winsorised, winsorised_mean

FLAT = np.array([1.0, -1.0, 0.9, -0.9, 1.1, -1.1])


def test_seeds_that_cancel_out_are_hopeless_and_seeds_that_agree_are_not():
    assert is_hopeless(FLAT, 12, 0.05)
    assert not is_hopeless(FLAT + 2, 12, 0.05)


def test_few_seeds_are_never_called_hopeless():
    assert not is_hopeless(FLAT[:5], 12, 0.05)
    assert is_hopeless(FLAT[:4], 7, 0.05)


def test_at_the_horizon_the_predictive_power_is_zero_or_one():
    assert predictive_power(FLAT, 6, 0.05) == 0.0
    assert predictive_power(FLAT + 5, 6, 0.05) == 1.0


def test_looking_one_way_only_does_not_hope_for_the_other():
    assert predictive_power(FLAT - 2, 12, 0.05, one_sided=True) < 0.01 < 0.9 < predictive_power(FLAT - 2, 12, 0.05)


def test_one_diverged_run_does_not_make_a_comparison_hopeless_if_it_is_pulled_in():
    differences = np.array([1.2, 0.8, -90.0, 1.5, 0.9, 1.1, 0.7, 1.3])

    assert not is_hopeless(differences, 30, 0.05, one_sided=True)
    assert is_hopeless(differences, 30, 0.05, one_sided=True, winsor=None)


def test_a_difference_is_called_small_once_its_interval_fits_the_margin():
    since = equivalent_since(FLAT / 10, 0.5, 20, 0.05)

    assert since is not None and is_equivalent(FLAT / 10, 0.5, 20, 0.05)
    low, high = interval(FLAT[:since] / 10, log_c(20, 0.1))
    assert -0.5 <= low < high <= 0.5
    assert not is_equivalent(FLAT / 10 + 0.6, 0.5, 20, 0.05)


@pytest.mark.parametrize("margin", [0.0, -1.0, math.nan])
def test_a_margin_that_is_none_is_refused(margin):
    with pytest.raises(ValueError, match="must be above 0"):
        is_equivalent(FLAT, margin, 20, 0.05)


@pytest.mark.parametrize(("crashes", "n", "bound"), [(0, 7, 0.348), (0, 30, 0.095), (7, 7, 1.0)])
def test_the_crash_rate_bound_has_its_known_values(crashes, n, bound):
    assert crash_rate_bound(crashes, n, 0.05) == pytest.approx(bound, abs=5e-4)


def test_at_the_crash_rate_bound_so_few_crashes_have_a_chance_of_alpha():
    assert binom.cdf(2, 20, crash_rate_bound(2, 20, 0.05)) == pytest.approx(0.05)


def test_a_tie_counts_half():
    found = superiority([1.0, np.inf, 0.0, 0.0, -2.0, 0.0], 0.05)

    assert (found.wins, found.ties, found.share) == (2, 3, 3.5 / 6)
    assert superiority(np.zeros(40), 0.05).interval == pytest.approx(win_interval(20, 40, 0.05))


def test_the_interval_of_wins_surrounds_the_share_and_is_symmetric():
    low, high = win_interval(7, 10, 0.05)

    assert low < 0.7 < high
    assert win_interval(3, 10, 0.05) == pytest.approx((1 - high, 1 - low))
    assert win_interval(0, 10, 0.05)[0] == 0.0 and win_interval(10, 10, 0.05)[1] == 1.0


def test_the_rule_of_bouthillier_has_three_answers():
    words = [superiority(np.arange(n) - cut + 0.5, 0.05).words for n, cut in ((30, 15), (30, 3), (1000, 400))]

    assert words == ["not significant", "significant and meaningful", "significant, but too small to be meaningful"]


def test_the_shrunken_mean_is_smaller_and_the_more_so_the_fewer_seeds():
    assert shrunken_mean([1.0, 1.0]) == 0.5
    assert shrunken_mean(np.ones(30)) == pytest.approx(15 / 16)


def test_an_estimate_just_over_the_threshold_is_labelled_and_one_far_over_is_not():
    assert is_exaggerated(FLAT + 2.0, 20, 0.05)
    assert not is_exaggerated(FLAT + 9.0, 20, 0.05)


def reserve() -> WithReserve:
    return with_reserve(lambda horizon, alpha: TMix(horizon, alpha), 6, 20, 0.05)


def test_a_reserve_splits_the_error_rate_and_moves_the_horizon():
    test = reserve()

    assert (test.first.alpha, test.second.alpha) == pytest.approx((0.04, 0.01))
    assert test.alpha == pytest.approx(0.05)
    assert (test.horizon, extend(test, 20).horizon) == (6, 20)


def test_an_extension_keeps_what_was_decided_and_can_decide_later():
    early, late = np.linspace(1.0, 1.2, 20), np.r_[FLAT, np.linspace(3, 3.5, 14)]

    assert extend(reserve(), 20).stop(early) == reserve().stop(early[:6]) != None  # noqa: E711
    assert reserve().stop(late[:6]) is None and isinstance(extend(reserve(), 20).stop(late), Stop)


def test_an_extension_that_was_not_planned_is_refused_with_its_price():
    with pytest.raises(ValueError, match=r"\.073"):
        extend(TMix(10, 0.05), 30)
    with pytest.raises(ValueError, match="planned for horizon=20"):
        extend(reserve(), 30)


def test_winsorising_pulls_in_only_what_lies_far_out():
    assert winsorised(np.array([1.0, -1.0, 0.0, 50.0])).tolist() == [1.0, -1.0, 0.0, 2.5]
    assert winsorised(np.zeros(3)).tolist() == [0.0, 0.0, 0.0]
    assert winsorised(np.array([[1.0, 9.0, 2.0], [0.0, 0.0, 4.0]])).tolist() == [[1.0, 5.0, 2.0], [0.0, 0.0, 4.0]]


def test_the_winsorised_mean_moves_with_the_differences():
    differences = np.array([1.0, 2.0, 3.0, 90.0])

    assert winsorised_mean(differences + 7) == pytest.approx(winsorised_mean(differences) + 7)
