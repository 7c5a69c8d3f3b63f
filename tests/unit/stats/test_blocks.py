"""Block permutation: what four blocks can decide, and its level over all labellings."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from shoestring.stats.blocks import BlockFlip, block_stops, cheap_runs


@pytest.mark.parametrize(("expensive", "cheap", "k"), [(1, 1, 1), (10, 1, 3), (30, 1, 5), (1, 10, 1)])
def test_the_root_of_the_cost_ratio_says_how_many_cheap_runs(expensive, cheap, k):
    assert cheap_runs(expensive, cheap) == k


def test_four_blocks_of_three_cheap_runs_can_decide():
    cheap = np.random.default_rng(0).normal(size=(4, 3))
    test = BlockFlip(20, 3, 0.05, seed=0)

    assert test.stop(cheap.max(axis=1) + 3, cheap).n == 4
    assert test.stop(cheap.min(axis=1) - 3, cheap).sign == -1
    assert test.interval(cheap[:, 0], cheap)[0] < 0 < test.interval(cheap[:, 0], cheap)[1]


def test_over_all_labellings_the_level_is_kept():
    runs = np.random.default_rng(1).normal(size=(5, 3))
    studies = np.array(
        [[np.roll(block, -j) for block, j in zip(runs, labels, strict=True)] for labels in itertools.product(range(3), repeat=5)]
    )
    rates = [np.mean(block_stops(studies, 5, 0.1, seed)[0] > 0) for seed in range(40)]

    assert np.mean(rates) <= 0.105


def test_the_interval_leaves_out_zero_if_and_only_if_the_test_stopped():
    rng = np.random.default_rng(2)
    for test in (BlockFlip(8, 2, 0.05, 0), BlockFlip(8, 2, 0.05, 0, one_sided=True)):
        for shift in (0.0, 1.0, 2.0):
            expensive, cheap = rng.normal(shift, 1, 8), rng.normal(0, 1, (8, 2))
            low, high = test.interval(expensive, cheap)
            assert (low > 0 or (high < 0 and not test.one_sided)) == (test.stop(expensive, cheap) is not None)


def test_cheap_runs_of_the_wrong_number_are_refused():
    with pytest.raises(ValueError, match=r"need \(2, 3\)"):
        BlockFlip(8, 3, 0.05, 0).stop([1.0, 2.0], np.zeros((2, 2)))
