from __future__ import annotations

import numpy as np
import pytest

from shoestring.stats.power import detectable, expected, plan_power, sd_range
from shoestring.stats.seqflip import flip_stops


@pytest.mark.parametrize(
    ("horizon", "smallest"), [(3, 3.32), (4, 2.18), (5, 1.81), (6, 1.60), (8, 1.29), (10, 1.14), (12, 1.03), (20, 0.78), (30, 0.64)]
)
def test_the_smallest_difference_is_that_of_the_measured_table(horizon, smallest):
    assert plan_power(horizon, 0.05, "T-MIX").smallest == pytest.approx(smallest, rel=0.02)


@pytest.mark.parametrize(("horizon", "n_studies"), [(6, 4000), (8, 4000), (12, 600)])
def test_the_test_itself_finds_the_smallest_difference_of_seqflip_four_times_in_five(horizon, n_studies):
    smallest = plan_power(horizon, 0.05, "SEQ-FLIP").smallest
    draws = np.random.default_rng(9).normal(size=(n_studies, horizon)) + smallest

    stopped, _ = flip_stops(draws, horizon, (0.05,), 0)

    assert np.mean(stopped > 0) == pytest.approx(0.8, abs=0.02 + 2 * 0.4 / n_studies**0.5)


def test_a_plan_is_consistent_in_itself():
    plan = plan_power(12, 0.05, "SEQ-FLIP")

    assert expected(12, 0.05, "SEQ-FLIP", plan.smallest).power == pytest.approx(0.8, abs=0.015)
    assert plan.smallest_doubled < plan.smallest
    assert 6 <= plan.seeds_if_null <= 9 and 7 <= plan.seeds_if_real <= 10


def test_under_the_null_little_is_found_and_few_seeds_are_used():
    null = expected(30, 0.05, "T-MIX", 0.0)

    assert null.power == pytest.approx(0.05, abs=0.01)
    assert null.seeds == pytest.approx(15.3, abs=1.0)


def test_a_difference_below_zero_is_found_as_often():
    up, down = expected(12, 0.05, "T-MIX", 1.0), expected(12, 0.05, "T-MIX", -1.0)

    assert up.power == pytest.approx(down.power, abs=0.02)


def test_one_sided_finds_more():
    assert expected(12, 0.05, "T-MIX", 0.8, one_sided=True).power > expected(12, 0.05, "T-MIX", 0.8).power + 0.05
    assert expected(12, 0.05, "T-MIX", -0.8, one_sided=True).power < 0.01


def test_what_twice_the_budget_finds_is_in_the_unit_of_the_differences():
    d = np.random.default_rng(0).normal(size=10)

    one, ten = detectable(d, 10, 0.05), detectable(10 * d, 10, 0.05)

    assert one == pytest.approx(d.std(ddof=1) * 0.82, rel=0.08)
    assert ten == pytest.approx(10 * one)


@pytest.mark.parametrize("differences", [[], [1.0], [1.0, 1.0, 1.0], [1.0, float("inf")]])
def test_what_is_not_known_is_none(differences):
    assert detectable(differences, 10, 0.05) is None
    assert detectable([1.0, 2.0, 4.0], None, 0.05) is None


def test_the_range_of_a_pilots_standard_deviation():
    assert sd_range(3) == pytest.approx((0.66, 3.08), abs=0.01)
    assert sd_range(5) == pytest.approx((0.72, 1.94), abs=0.01)


def test_what_cannot_be_planned_is_refused():
    with pytest.raises(ValueError, match="knows SEQ-FLIP and T-MIX"):
        expected(10, 0.05, "sign-flip e-process", 1.0)
    with pytest.raises(ValueError, match="at least 6"):
        plan_power(5, 0.05, "SEQ-FLIP")
    with pytest.raises(ValueError, match="at least 2 pairs"):
        sd_range(1)
