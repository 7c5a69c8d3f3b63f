from __future__ import annotations

import numpy as np
import pytest

from shoestring.stats.pair_test import Stop
from shoestring.stats.race import BEAT_ALL, CIRCLE, HOPELESS, HORIZON, Race, standing


def run(race: Race, table):
    """Runs a race over a full table of scores, (n_arms, horizon), and returns its end and how many seeds each arm took."""
    counts = [0] * race.n_arms
    while (state := race.state([table[arm][:n] for arm, n in enumerate(counts)])).ended is None:
        for arm in state.wants:
            counts[arm] += 1
    return state, counts


def decided(stops: dict[tuple[int, int], Stop]):
    return lambda i, j: stops.get((i, j))


def never(i: int, j: int) -> bool:
    return False


def test_all_arms_start_together_cheapest_first():
    assert Race(3, 10, costs=(4.0, 1.0, 2.0)).state([[], [], []]).wants == (1, 2, 0)


def test_an_arm_that_is_ahead_waits_for_the_others():
    assert Race(3, 10).state([[1.0], [], [2.0]]).wants == (1,)


@pytest.mark.parametrize("assume_normal", [False, True])
def test_a_clear_winner_beats_all_and_the_beaten_are_parked(assume_normal):
    table = np.random.default_rng(0).normal(size=(4, 20)) * 0.3 + np.array([0.0, 3.0, 0.0, 0.0])[:, None]

    state, counts = run(Race(4, 20, assume_normal=assume_normal), table)

    assert (state.best, state.ended, state.surviving, state.wants) == (1, BEAT_ALL, (1,), ())
    assert state.parked == {0: 1, 2: 1, 3: 1}
    assert max(counts) < 10


def test_equal_arms_end_without_a_best():
    state, counts = run(Race(3, 20), np.random.default_rng(1).normal(size=(3, 20)))

    assert state.best is None and state.ended == HOPELESS
    assert max(counts) < 20


def test_without_futility_equal_arms_run_to_the_horizon():
    state, counts = run(Race(3, 12, futility=False), np.random.default_rng(1).normal(size=(3, 12)))

    assert state.ended == HORIZON and counts == [12, 12, 12] and state.surviving == (0, 1, 2)


def test_the_best_must_itself_beat_an_arm_that_another_one_parked():
    race = Race(3, 20)
    stops = {(1, 2): Stop(5, 1), (0, 1): Stop(8, 1)}  # 1 beat 2 after 5 seeds, 0 beat 1 after 8

    state = standing(race, [8, 8, 5], decided(stops), never)

    assert state.alive == (0,) and state.parked == {1: 0, 2: 1} and state.best is None
    assert state.surviving == (0, 2) and state.wants == (2,)


def test_once_they_have_met_on_all_seeds_both_run_on():
    stops = {(1, 2): Stop(5, 1), (0, 1): Stop(8, 1)}

    assert standing(Race(3, 20), [8, 8, 8], decided(stops), never).wants == (0, 2)
    assert standing(Race(3, 20), [9, 8, 8], decided(stops), never).wants == (2,)
    assert standing(Race(3, 20), [20, 8, 20], decided(stops), never).ended == HORIZON
    assert standing(Race(3, 20), [9, 8, 9], decided(stops), lambda i, j: True).ended == HOPELESS


def test_arms_that_beat_each_other_in_a_circle_leave_all_of_them():
    stops = {(0, 1): Stop(7, 1), (1, 2): Stop(7, 1), (0, 2): Stop(7, -1)}

    state = standing(Race(3, 20), [9, 9, 9], decided(stops), never)

    assert (state.ended, state.best, state.alive, state.surviving) == (CIRCLE, None, (), (0, 1, 2))


def test_who_parked_an_arm_is_who_beat_it_first():
    stops = {(0, 2): Stop(9, 1), (1, 2): Stop(7, 1)}

    assert standing(Race(3, 20), [9, 9, 9], decided(stops), never).parked == {2: 1}


def test_a_pair_sees_only_the_seeds_that_both_have_run():
    table = np.random.default_rng(2).normal(size=(2, 20)) + np.array([4.0, 0.0])[:, None]
    race = Race(2, 20)

    assert race.state([table[0], table[1][:3]]).best is None
    assert race.state([table[0], table[1][:3]]).wants == (1,)
    assert race.state([table[0], table[1]]).best == 0


def test_asking_in_any_order_and_interleaving_gives_the_same():
    table = np.random.default_rng(3).normal(size=(3, 15)) + np.array([1.0, 0.5, 0.0])[:, None]
    race, other = Race(3, 15, seed=1), Race(3, 15, seed=2)
    first = [race.state([row[:n] for row in table]) for n in range(16)]

    for n in reversed(range(16)):
        other.state([row[:n] for row in table])
        assert race.state([row[:n] for row in table]) == first[n]


def test_numbering_the_arms_otherwise_changes_nothing_else():
    table = np.random.default_rng(4).normal(size=(4, 15)) + np.array([0.0, 1.5, 0.0, 0.5])[:, None]

    state, counts = run(Race(4, 15), table)
    turned, turned_counts = run(Race(4, 15), table[::-1])

    assert turned_counts == counts[::-1] and turned.ended == state.ended
    assert sorted(3 - arm for arm in turned.surviving) == list(state.surviving)


@pytest.mark.parametrize(("n_arms", "expected"), [(2, 0.05), (3, 0.05), (5, 0.025), (11, 0.01)])
def test_strict_divides_the_error_over_the_rivals_and_is_never_laxer_than_direct(n_arms, expected):
    assert Race(n_arms, 20, mode="strict").pair_alpha == pytest.approx(expected)


def test_p_values_are_those_of_the_pairs():
    table = np.random.default_rng(5).normal(size=(3, 12)) + np.array([3.0, 0.0, 0.0])[:, None]
    race = Race(3, 12)

    p = race.p_values(table)

    assert set(p) == {(0, 1), (0, 2), (1, 2)}
    assert p[0, 1] == race.test().p_value(table[0] - table[1])
    assert p[0, 1] <= 0.05 < p[1, 2]


@pytest.mark.parametrize("wrong", [{"n_arms": 1}, {"mode": "loose"}, {"costs": (1.0,)}, {"horizon": 2}, {"alpha": 0.0}])
def test_senseless_settings_are_refused(wrong):
    with pytest.raises(ValueError, match=r"cannot be used|allows no comparison|error rate"):
        Race(**({"n_arms": 3, "horizon": 10} | wrong))


def test_scores_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="one list an arm"):
        Race(3, 10).state([[], []])
    with pytest.raises(ValueError, match="at most 10"):
        Race(2, 10).state([[0.0] * 11, []])
    with pytest.raises(ValueError, match="finite"):
        Race(2, 10).state([[float("nan")], []])
