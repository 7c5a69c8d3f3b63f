from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from shoestring.stats.expected_best import expected_best, expected_best_with_band


@pytest.mark.parametrize(("goal", "best"), [("max", max), ("min", min)])
def test_it_is_the_mean_over_all_choices(goal, best):
    values = [3.0, 1.0, 4.0, 1.5, 9.0, 2.6]
    enumerated = [np.mean([best(chosen) for chosen in combinations(values, k)]) for k in range(1, 7)]
    assert expected_best(values, goal) == pytest.approx(enumerated, rel=1e-12)


def test_it_starts_at_the_mean_ends_at_the_best_and_never_gets_worse():
    values = np.random.default_rng(1).normal(size=300)
    curve = expected_best(values, "max")
    assert curve[0] == pytest.approx(values.mean())
    assert curve[-1] == pytest.approx(values.max())
    assert np.all(np.diff(curve) > -1e-9)


def test_it_is_unbiased_for_uniform_values():
    values = np.random.default_rng(2).uniform(size=(4000, 12))
    means = np.mean([expected_best(row, "max") for row in values], axis=0)
    k = np.arange(1, 13)
    assert means == pytest.approx(k / (k + 1), abs=0.006)  # E max of k uniforms


def test_the_band_surrounds_the_curve_and_follows_the_rng():
    values = np.random.default_rng(3).normal(size=40)
    one = expected_best_with_band(values, "max", np.random.default_rng(0), draws=300)
    two = expected_best_with_band(values, "max", np.random.default_rng(0), draws=300)
    assert np.all(one.lower[:20] < one.middle[:20]) and np.all(one.middle[:20] < one.upper[:20])
    assert np.array_equal(one.lower, two.lower)


@pytest.mark.parametrize("bad", [[], [float("inf")], [[1.0, 2.0]]])
def test_senseless_values_are_refused(bad):
    with pytest.raises(ValueError, match="finite"):
        expected_best(bad, "max")


def test_another_goal_is_refused():
    with pytest.raises(ValueError, match="'min' or 'max'"):
        expected_best([1.0], "best")
