from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import trim_mean

from shoestring.stats.iqm import iqm, iqm_interval


def test_by_hand():
    assert iqm([[1, 100, 3], [2, -50, 4, 5, 6]]) == pytest.approx((2 + 3 + 4 + 5) / 4)


@pytest.mark.parametrize("n", [4, 5, 7, 30, 101])
def test_it_agrees_with_scipy(n):
    scores = np.random.default_rng(n).normal(size=n)
    assert iqm([scores]) == pytest.approx(trim_mean(scores, 0.25))


def test_the_interval_covers_as_often_as_it_says_with_many_seeds():
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(300):
        low, high = iqm_interval(rng.normal(size=(5, 40)) + np.array([0, 0, 0, 0, 0.0])[:, None], rng, draws=300)
        covered += low <= 0 <= high
    assert covered / 300 == pytest.approx(0.95, abs=0.04)


def test_tasks_are_kept_and_seeds_are_drawn_again():
    low, high = iqm_interval([[1.0] * 5, [2.0] * 5, [3.0] * 5], np.random.default_rng(0))  # seeds change nothing
    assert low == high == pytest.approx(iqm([[1.0] * 5, [2.0] * 5, [3.0] * 5]))


def test_the_same_rng_gives_the_same_interval():
    scores = np.random.default_rng(1).normal(size=(4, 6))
    assert iqm_interval(scores, np.random.default_rng(5)) == iqm_interval(scores, np.random.default_rng(5))


def test_too_few_or_missing_scores_are_refused():
    with pytest.raises(ValueError, match="at least 4"):
        iqm([[1.0, 2.0, 3.0]])
    with pytest.raises(ValueError, match="task 1"):
        iqm([[1.0, 2.0, 3.0, 4.0], [float("nan")]])
