from __future__ import annotations

from itertools import product

import pytest

from shoestring.stats.binomial import above, boundary, can_still


@pytest.mark.parametrize(("p_star", "alpha"), [(0.5, 0.05), (0.5, 0.015), (0.3, 0.05), (0.8, 0.1)])
def test_the_error_is_at_most_alpha_at_every_moment_by_enumeration(p_star, alpha):
    horizon = 12
    declared = [0.0] * (horizon + 1)
    for outcomes in product([False, True], repeat=horizon):
        n = above(outcomes, horizon, p_star, alpha)
        if n:
            declared[n] += p_star ** sum(outcomes) * (1 - p_star) ** (horizon - sum(outcomes))
    for n in range(1, horizon + 1):
        assert sum(declared[: n + 1]) <= alpha * (n / horizon) ** 0.75 + 1e-12


def test_how_many_straight_successes_are_needed():
    assert above([True] * 14, 14, 0.5, 0.015) == 7
    assert above([True] * 14, 14, 0.5, 0.005) == 9
    assert above([True] * 29, 29, 0.9, 0.05) == 29  # .9**29 is the first power of .9 below .05


def test_a_chance_at_p_star_cannot_be_told_apart_from_few_trials():
    assert above([True] * 6, 14, 0.5, 0.015) is None
    assert above([True, False] * 7, 14, 0.5, 0.05) is None


def test_what_is_out_of_reach_is_known():
    assert can_still([], 14, 0.5, 0.015)
    assert can_still([False, False], 14, 0.5, 0.015)
    assert not can_still([False] * 3, 14, 0.5, 0.015)  # 12 of 14 are needed
    assert not can_still([True, False] * 7, 14, 0.5, 0.015)


def test_senseless_settings_are_refused():
    with pytest.raises(ValueError, match="horizon=0"):
        boundary(0, 0.5, 0.05)
