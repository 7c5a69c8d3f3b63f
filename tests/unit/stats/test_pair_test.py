"""What all pair tests share: checked input, replay, symmetry, one table of tests and one list of properties."""

from __future__ import annotations

import numpy as np
import pytest

from shoestring.stats.choose import choose_test
from shoestring.stats.eprocess import SignFlipProcess
from shoestring.stats.pair_test import finite, within
from shoestring.stats.reserve import with_reserve
from shoestring.stats.seqflip import SeqFlip
from shoestring.stats.tmix import TMix

TESTS = {
    "seq-flip": SeqFlip(12, 0.05, 1),
    "seq-flip mean": SeqFlip(12, 0.05, 1, winsor=None),
    "seq-flip one-sided": SeqFlip(12, 0.05, 1, one_sided=True),
    "t-mix": TMix(12, 0.05),
    "t-mix one-sided": TMix(12, 0.05, one_sided=True),
    "t-mix open": TMix(None, 0.05, g=1.0),
    "e-process": SignFlipProcess(0.05),
    "e-process one-sided": SignFlipProcess(0.05, one_sided=True),
    "reserve": with_reserve(lambda horizon, alpha: TMix(horizon, alpha), 6, 12, 0.05, extended=True),
}
each_test = pytest.mark.parametrize("test", TESTS.values(), ids=TESTS)


def drawn(shift: float, n: int = 12, seed: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).normal(shift, 1.0, n)


@each_test
def test_a_clear_difference_is_found_and_none_is_not(test):
    found, not_found = test.stop(drawn(3.0)), test.stop(drawn(0.0))

    assert found is not None and found.sign == 1
    assert not_found is None


@each_test
def test_a_decision_does_not_depend_on_what_came_later(test):
    differences = drawn(3.0)
    stop = test.stop(differences)

    assert test.stop(differences[: stop.n]) == stop
    assert test.stop(differences[: stop.n - 1]) is None


@each_test
def test_asking_in_between_changes_nothing(test):
    differences = drawn(0.8)
    first = (test.stop(differences), test.p_value(differences), test.interval(differences))
    test.stop(drawn(2.0, seed=9))
    test.interval(differences[:7])

    assert (test.stop(differences), test.p_value(differences), test.interval(differences)) == first


@each_test
@pytest.mark.parametrize("shift", [0.0, 0.5, 1.0])
def test_the_p_value_is_at_most_alpha_if_and_only_if_the_test_stopped(test, shift):
    for seed in range(8):
        differences = drawn(shift, seed=seed)

        assert (test.p_value(differences) <= test.alpha) == (test.stop(differences) is not None)


@each_test
@pytest.mark.parametrize("factor", [3.0, 1e-9, 1e9])
def test_the_unit_of_the_metric_changes_nothing(test, factor):
    differences = drawn(0.8)
    low, high = test.interval(differences)

    assert test.stop(factor * differences) == test.stop(differences)
    assert test.interval(factor * differences) == pytest.approx((factor * low, factor * high), rel=1e-2)
    assert test.centre(factor * differences) == pytest.approx(factor * test.centre(differences), rel=1e-12)


@each_test
def test_swapping_the_arms_swaps_the_sign(test):
    differences = drawn(3.0)
    stop = test.stop(-differences)

    assert stop is None if test.one_sided else (stop.n, stop.sign) == (test.stop(differences).n, -1)


@each_test
def test_the_interval_at_stopping_leaves_out_zero_and_surrounds_the_centre(test):
    differences = drawn(3.0)
    seen = differences[: test.stop(differences).n]
    low, high = test.interval(seen)

    assert 0 < low < test.centre(seen) < high < np.inf


@each_test
def test_nothing_can_be_said_of_one_seed(test):
    assert test.stop([1.0]) is None
    assert test.interval([1.0]) == (-np.inf, np.inf)
    assert test.p_value([1.0]) > 0.5


@each_test
def test_equal_arms_are_never_called_different(test):
    assert test.stop(np.zeros(12)) is None
    assert test.p_value(np.zeros(12)) == 1.0


@each_test
def test_a_result_that_is_no_number_is_refused_by_name(test):
    with pytest.raises(ValueError, match=r"shape \(3,\) hold .* at index 1"):
        test.stop([0.5, np.nan, 1.0])


@each_test
@pytest.mark.parametrize("factor", [1e-9, 1.0, 1e9])
def test_an_arm_that_crashes_on_every_seed_loses(test, factor):
    differences = np.full(12, np.inf)
    differences[-1] = -factor  # but one, on which the other did a little better

    assert test.stop(differences).sign == 1
    assert test.p_value(differences) <= test.alpha
    assert not any(map(np.isnan, test.interval(differences)))


@each_test
@pytest.mark.parametrize("factor", [1e-9, 1e9])
def test_a_crash_counts_the_same_in_any_unit(test, factor):
    differences = drawn(0.8)
    differences[[2, 7]] = np.inf, -np.inf

    assert test.stop(factor * differences) == test.stop(differences)
    assert test.p_value(factor * differences) == pytest.approx(test.p_value(differences))


@each_test
def test_a_loss_that_exploded_is_borne(test):
    differences = np.r_[drawn(1.0, n=6), -1e300, 1e200, drawn(1.0, n=4, seed=5)]

    assert test.stop(differences) is None
    assert 0 < test.p_value(differences) <= 1
    assert test.interval(differences)[0] < test.centre(differences) < test.interval(differences)[1]


@each_test
def test_no_seeds_have_no_centre(test):
    assert test.stop([]) is None and test.interval([]) == (-np.inf, np.inf) and test.p_value([]) == 1.0
    with pytest.raises(ValueError, match="at least one"):
        test.centre([])


def test_more_seeds_than_planned_are_refused():
    with pytest.raises(ValueError, match="planned for at most 12"):
        SeqFlip(12, 0.05, 1).stop(drawn(0.0, n=13))


def test_a_table_of_differences_is_refused():
    with pytest.raises(ValueError, match="one number a seed"):
        finite(np.zeros((3, 2)))


def test_whole_numbers_are_taken_and_an_open_horizon_has_no_end():
    assert within([1, 2, 3], None).dtype == np.float64


@pytest.mark.parametrize(
    ("horizon", "assume_normal", "name"),
    [(3, False, "T-MIX"), (7, False, "T-MIX"), (8, False, "SEQ-FLIP"), (8, True, "T-MIX"), (None, False, "sign-flip e-process")],
)
def test_the_horizon_chooses_the_test(horizon, assume_normal, name):
    assert choose_test(horizon, 0.05, seed=0, assume_normal=assume_normal).name == name


def test_a_horizon_below_three_is_refused():
    with pytest.raises(ValueError, match="fewer than 3 seeds"):
        choose_test(2, 0.05, seed=0)


@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0, -0.1])
def test_an_impossible_error_rate_is_refused(alpha):
    with pytest.raises(ValueError, match="error rate"):
        choose_test(10, alpha, seed=0)
