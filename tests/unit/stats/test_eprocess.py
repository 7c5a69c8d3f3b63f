"""The sign-flip e-process: a fair game under symmetry, and what few seeds can reach."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from shoestring.stats.eprocess import SignFlipProcess, log_e, log_wealth


def test_over_all_sign_patterns_e_is_one_on_average_after_every_seed():
    magnitudes = np.array([1.2, 0.3, 2.0, 0.7, 5.0, 0.1])
    studies = np.array(list(itertools.product([-1, 1], repeat=6))) * magnitudes

    assert np.exp(log_e(*log_wealth(studies))).mean(axis=0) == pytest.approx(np.ones(6), abs=1e-12)
    assert np.exp(log_wealth(studies)[0]).mean(axis=0) == pytest.approx(np.ones(6), abs=1e-12)


def test_one_seed_is_worth_nothing_and_zeros_change_nothing():
    assert SignFlipProcess(0.05).e_value([3.0]) == pytest.approx(1.0)
    assert SignFlipProcess(0.05).e_value([0.0, 0.0, 0.0]) == pytest.approx(1.0)


def test_two_seeds_by_hand():
    bets = [0.25, 0.5, 1, 2, 4]
    root = math.sqrt((1 + 4) / 2)
    by_hand = sum((1 + s * math.tanh(b)) * (1 + s * math.tanh(b * 2 / root)) for b in bets for s in (1, -1)) / 10

    assert SignFlipProcess(0.05).e_value([1.0, 2.0]) == pytest.approx(by_hand, rel=1e-12)


def test_six_seeds_are_the_least_for_a_two_sided_five_percent():
    growing = 10.0 ** np.arange(8)

    assert SignFlipProcess(0.05).stop(growing[:5]) is None
    assert SignFlipProcess(0.05).stop(growing).n == 6


def test_a_thousand_seeds_overflow_nothing():
    e_value = SignFlipProcess(0.05).p_value(np.full(1000, 1e200))

    assert 0 <= e_value < 1e-100


def test_the_interval_leaves_out_zero_if_and_only_if_the_test_stopped():
    for test, seed in itertools.product((SignFlipProcess(0.05), SignFlipProcess(0.05, one_sided=True)), range(20)):
        differences = np.random.default_rng(seed).normal(0.6, 1.0, 20)
        low, _ = test.interval(differences)
        assert (low > 0) == (test.stop(differences) is not None)
