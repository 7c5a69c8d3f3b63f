"""SEQ-FLIP against cases worked out by hand, and its level against all sign patterns."""

from __future__ import annotations

import numpy as np
import pytest

from shoestring.stats.pair_test import Stop
from shoestring.stats.seqflip import SeqFlip, flip_stops, sign_patterns

ALL_POSITIVE = [1.2, 0.8, 1.5, 0.3, 0.9, 1.1, 0.7]
ONE_NEGATIVE = [1.2, 0.8, -0.1, 1.5, 0.9, 1.1, 0.7, 1.3, 0.4, 1.0, 0.9, 0.6]
ONE_CRASH = [1.2, 0.8, -9.0, 1.5, 0.9, 1.1, 0.7, 1.3, 0.4, 1.0, 0.9, 0.6, 1.2, 0.8]


@pytest.mark.parametrize(("horizon", "n"), [(10, 6), (20, 7), (30, 7)])
def test_seeds_that_all_agree_decide_as_soon_as_signs_can(horizon, n):
    assert SeqFlip(horizon, 0.05, 0).stop(ALL_POSITIVE) == Stop(n, 1)


@pytest.mark.parametrize(("horizon", "n"), [(10, 8), (12, 7), (14, 8)])
def test_one_small_setback_costs_a_seed_or_two(horizon, n):
    assert SeqFlip(horizon, 0.05, 0).stop(ONE_NEGATIVE[:horizon]) == Stop(n, 1)


def test_one_crash_decides_nothing_if_it_is_pulled_in():
    assert SeqFlip(14, 0.05, 0).stop(ONE_CRASH) == Stop(14, 1)
    assert SeqFlip(14, 0.05, 0, winsor=None).stop(ONE_CRASH) is None


@pytest.mark.parametrize("winsor", [2.5, None])
def test_of_all_sign_patterns_just_as_many_stop_as_alpha_allows(winsor):
    magnitudes = np.abs(np.random.default_rng(1).normal(size=10))
    signs = 1 - 2 * (np.arange(1024)[:, None] >> np.arange(10) & 1)
    stopped, _ = flip_stops(signs * magnitudes, 10, (0.05,), 0, winsor=winsor)

    assert np.sum(stopped > 0) == 50  # the largest even number up to 51.2


def test_tied_patterns_are_rejected_whole_or_not_at_all():
    signs = 1.0 - 2 * (np.arange(1024)[:, None] >> np.arange(10) & 1)
    stopped, _ = flip_stops(signs, 10, (0.05,), 0)

    assert 0 < np.sum(stopped > 0) <= 51


def test_no_test_that_assumes_nothing_decides_before_the_sixth_seed():
    for horizon in (8, 10, 14):
        stop = SeqFlip(horizon, 0.05, 0).stop(np.ones(horizon))
        assert stop is not None and stop.n >= 6


def test_the_observed_pattern_comes_first_and_all_others_differ_up_to_fourteen_seeds():
    signs = sign_patterns(16, 5)

    assert signs.shape == (16, 8192) and np.all(signs[:, 0] == 1) and np.all(signs[0] == 1)
    assert len(np.unique(signs[:14], axis=1).T) == 8192


def test_many_studies_at_once_are_each_as_one():
    studies = np.random.default_rng(0).normal(0.6, 1.0, (12, 20))
    together, _ = flip_stops(studies, 20, (0.05,), 3)
    alone = [SeqFlip(20, 0.05, 3).stop(study) for study in studies]

    assert together[:, 0].tolist() == [stop.n if stop else 0 for stop in alone]


@pytest.mark.parametrize("shift", [0.0, 0.7, 1.4])
def test_the_interval_leaves_out_zero_if_and_only_if_the_test_stopped(shift):
    test = SeqFlip(12, 0.05, 0)
    for seed in range(5):
        differences = np.random.default_rng(seed).standard_t(3, 12) + shift
        low, high = test.interval(differences)
        assert (low > 0 or high < 0) == (test.stop(differences) is not None)


def test_moving_the_differences_moves_the_interval():
    test, differences = SeqFlip(14, 0.05, 0), np.random.default_rng(4).normal(0.2, 1.0, 14)

    assert np.array(test.interval(differences + 5)) - 5 == pytest.approx(np.array(test.interval(differences)), abs=0.005)


def test_the_p_value_is_one_of_the_levels():
    assert SeqFlip(20, 0.05, 0).p_value(np.linspace(1, 2, 20)) == 0.001
    assert SeqFlip(20, 0.025, 0, one_sided=True).p_value(np.linspace(1, 2, 20)) == 0.0005
    assert SeqFlip(20, 0.05, 0).p_value(-ALL_POSITIVE[0] * np.ones(3)) == 1.0


def test_a_level_that_signs_cannot_reach_is_refused():
    with pytest.raises(ValueError, match="128 sign patterns"):
        SeqFlip(8, 0.005, 0)


def test_a_failure_that_was_scored_far_away_is_borne():
    differences = np.array([1.2, 0.8, -1e15, 1.5, 0.9, 1.1, 0.7, 1.3, 0.4, 1.0, 0.9, 0.6, 1.2, 0.8])
    low, high = SeqFlip(14, 0.05, 0).interval(differences)

    assert SeqFlip(14, 0.05, 0).stop(differences) == Stop(14, 1)
    assert 0 < low < high < 10
