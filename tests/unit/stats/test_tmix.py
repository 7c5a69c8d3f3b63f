"""T-MIX against values computed once from its formulas, and its thresholds against an independent simulation."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from shoestring.stats.pair_test import Stop
from shoestring.stats.tmix import TMix, critical_t, log_e
from shoestring.stats.tmix_thresholds import ALPHAS, HORIZONS, derive, level_of, log_threshold, table


def with_t(t: float, n: int) -> np.ndarray:
    """``n`` differences whose t-statistic is ``t``."""
    shape = np.linspace(-1.0, 1.0, n)
    return shape / shape.std(ddof=1) + t / math.sqrt(n)


@pytest.mark.parametrize(("t", "n", "g", "e"), [(3, 5, 0.5, 2.94222), (2, 10, 0.5, 1.79580), (4, 8, 1.0, 15.71273), (0, 30, 0.5, 0.25)])
def test_e_has_its_known_values(t, n, g, e):
    assert math.exp(log_e(with_t(t, n), g)[-1]) == pytest.approx(e, abs=1e-5)


@pytest.mark.parametrize(("horizon", "c"), [(10, 4.998), (20, 7.238), (30, 8.436)])
def test_the_thresholds_have_their_known_values(horizon, c):
    assert math.exp(log_threshold(horizon, 0.05)) == pytest.approx(c, rel=0.015)


@pytest.mark.parametrize(("horizon", "c"), [(10, 5.790), (20, 8.591), (30, 10.136)])
def test_the_thresholds_of_a_reserve_have_their_known_values(horizon, c):
    assert math.exp(log_threshold(horizon, 0.04)) == pytest.approx(c, rel=0.015)


@pytest.mark.parametrize(
    ("horizon", "n", "t"),
    [(30, 5, 7.63), (30, 6, 4.67), (30, 8, 3.61), (30, 10, 3.28), (30, 20, 2.93), (30, 30, 2.885), (10, 6, 3.54), (10, 10, 2.84)],
)
def test_the_critical_t_has_its_known_values(horizon, n, t):
    assert critical_t(n, log_threshold(horizon, 0.05)) == pytest.approx(t, rel=0.01)


def test_nothing_can_stop_before_the_critical_t_is_finite():
    assert critical_t(4, log_threshold(30, 0.05)) == math.inf
    assert TMix(30, 0.05).stop(1.0 + 1e-6 * np.array([0.0, 1.0, -1.0, 2.0, -2.0])) == Stop(5, 1)


@pytest.mark.parametrize("n", [6, 10, 30])
def test_at_the_ends_of_the_interval_e_is_at_its_threshold(n):
    test = TMix(30, 0.05)
    differences = np.random.default_rng(n).normal(0.3, 2.0, n)

    for end in test.interval(differences):
        assert log_e(differences - end)[-1] == pytest.approx(test.log_c, abs=1e-9)


def test_e_is_the_same_in_any_unit_and_with_the_arms_swapped():
    differences = np.random.default_rng(0).normal(0.3, 1.0, 30)
    evidence = log_e(differences)[2:]

    for factor in (-1.0, 3.7, 1e-8):
        assert log_e(factor * differences)[2:] == pytest.approx(evidence, abs=1e-12)


def test_many_studies_at_once_are_each_as_one():
    studies = np.random.default_rng(0).normal(0.3, 1.0, (5, 12))

    assert np.array_equal(log_e(studies), np.array([log_e(study) for study in studies]))


def test_differences_without_any_spread_are_tested_as_if_it_went_to_zero():
    assert log_e(np.full(7, 0.1))[2:] == pytest.approx([(n - 1) / 2 * math.log(1 + n / 2) for n in range(3, 8)])
    assert log_e(0.1 + 1e-9 * np.arange(7.0))[2:] == pytest.approx(log_e(np.full(7, 0.1))[2:], rel=1e-6)
    assert TMix(20, 0.05, resolution=0.01).stop(np.full(20, 0.1)) == Stop(5, 1)


@pytest.mark.parametrize("differences", [[0.5, 0.5, 0.5, 0.5], [1.0, 1.0, 1.0, 0.0], [2.0, -1.0, 1.0, 3.0]])
def test_equal_magnitudes_show_nothing_against_a_stated_value(differences):
    assert TMix(4, 0.05, against_value=True).stop(differences) is None


@pytest.mark.parametrize("horizon", [3, 4, 5, 6, 7])
@pytest.mark.parametrize("one_sided", [False, True])
def test_equal_arms_of_two_values_are_told_apart_no_more_often_than_alpha(horizon, one_sided):
    test = TMix(horizon, 0.05, one_sided=one_sided)
    found = [d for d in itertools.product((-1.0, 0.0, 1.0), repeat=horizon) if test.stop(d)]

    for q in np.linspace(0.01, 0.25, 9):  # chance of either sign; that of 0 is at least a half, in the same arms
        assert sum(q ** np.count_nonzero(d) * (1 - 2 * q) ** (horizon - np.count_nonzero(d)) for d in found) <= 0.05


def test_a_one_sided_test_is_the_two_sided_one_at_twice_its_level():
    differences = np.random.default_rng(2).normal(1.0, 1.0, 20)

    assert TMix(20, 0.05, one_sided=True).stop(differences) == TMix(20, 0.1).stop(differences)
    assert TMix(20, 0.05, one_sided=True).interval(differences) == TMix(20, 0.1).interval(differences)


def test_thresholds_and_levels_are_inverse():
    for alpha in (0.002, 0.033, 0.05, 0.2):
        assert level_of(17, log_threshold(17, alpha)) == pytest.approx(alpha, rel=1e-9)


def test_the_thresholds_rise_with_the_horizon_and_fall_with_alpha():
    assert table().log_c.shape == (len(HORIZONS), len(ALPHAS))
    assert np.all(np.diff(table().log_c, axis=0) > 0) and np.all(np.diff(table().log_c, axis=1) < 0)


@pytest.mark.parametrize(("horizon", "alpha", "word"), [(30, 0.0001, "0.001"), (30, 0.49, "one-sided"), (2, 0.05, "3")])
def test_what_the_table_does_not_hold_is_refused(horizon, alpha, word):
    one_sided = word == "one-sided"
    with pytest.raises(ValueError, match="threshold|too short" if one_sided else word):
        TMix(horizon, alpha, one_sided=one_sided)


def test_beyond_the_table_the_threshold_is_that_of_ville():
    assert TMix(1001, 0.05).log_c == TMix(None, 0.05).log_c == pytest.approx(math.log(20))
    assert TMix(1000, 0.05).log_c < math.log(20)


@pytest.mark.slow
def test_the_table_can_be_derived_again():
    horizons, alphas = (3, 6, 10, 20, 30), (0.02, 0.05, 0.1)
    again = derive(1_000_000, horizons, alphas, np.random.default_rng(77))
    stored = [[log_threshold(horizon, alpha) for alpha in alphas] for horizon in horizons]

    assert again == pytest.approx(np.array(stored), abs=0.015)
