from __future__ import annotations

import math

import pytest

from shoestring.schedulers import SuccessiveHalving
from shoestring.values.orders import Advance, Observation, Start


def moves(orders):
    return [(order.trial_id, order.to) for order in orders]


def test_one_bracket_best_first(counting, orders) -> None:
    halving = SuccessiveHalving(counting(), horizon=9)
    assert moves(orders(halving, loss=lambda i: -i)) == [*((i, 1) for i in range(9)), (8, 3), (7, 3), (6, 3), (8, 9)]
    assert halving.ask() is None


@pytest.mark.parametrize(
    ("n", "expected"),
    [(1, {9: 1}), (2, {9: 2}), (3, {3: 3, 9: 1}), (10, {1: 10, 3: 3, 9: 1}), (20, {1: 20, 3: 6, 9: 2})],
)
def test_n_trials_of_which_one_at_least_is_to_reach_the_horizon(counting, orders, n: int, expected: dict[int, int]) -> None:
    to = [order.to for order in orders(SuccessiveHalving(counting(), horizon=9, n=n), loss=float)]
    assert {unit: to.count(unit) for unit in to} == expected


def test_a_rung_waits_for_its_last_result(counting) -> None:
    halving = SuccessiveHalving(counting(), horizon=3)
    starts = [halving.ask() for _ in range(3)]
    assert [type(start) for start in starts] == [Start] * 3
    halving.tell(Observation(0, 1, 0.2))
    halving.tell(Observation(2, 1, 0.1))
    assert halving.ask() is None
    halving.tell(Observation(1, 1, 0.3))
    assert halving.ask() == Advance(2, 3)


def test_ties_are_broken_by_trial_number(counting, orders) -> None:
    assert moves(orders(SuccessiveHalving(counting(), horizon=9), loss=lambda i: 0.5))[9:] == [(0, 3), (1, 3), (2, 3), (0, 9)]


def test_a_grid_smaller_than_the_bracket_fills_the_rungs_as_far_as_it_goes(counting, orders) -> None:
    halving = SuccessiveHalving(counting(5), horizon=81)
    to = [order.to for order in orders(halving, loss=float)]
    assert {unit: to.count(unit) for unit in to} == {1: 5, 3: 5, 9: 5, 27: 3, 81: 1}


def test_a_trial_that_diverged_is_never_promoted(counting, orders) -> None:
    assert moves(orders(SuccessiveHalving(counting(), horizon=9), loss=lambda i: 1.0 if i == 4 else math.inf))[9:] == [(4, 3), (4, 9)]


def test_if_all_diverge_nobody_is_promoted(counting, orders) -> None:
    assert len(orders(SuccessiveHalving(counting(), horizon=9), loss=lambda i: math.inf)) == 9


def test_a_trial_that_ended_keeps_its_place_without_being_ordered(counting) -> None:
    halving = SuccessiveHalving(counting(), horizon=9, n=9)
    for trial_id in range(9):
        halving.ask()
        halving.tell(Observation(trial_id, 1, loss=trial_id, ended=trial_id == 0))
    advances = [halving.ask(), halving.ask()]
    assert advances == [Advance(1, 3), Advance(2, 3)]
    for trial_id in (1, 2):
        halving.tell(Observation(trial_id, 3, loss=trial_id))
    assert halving.ask() is None


def test_a_trial_that_fails_while_it_waits_makes_room_for_the_next(counting) -> None:
    halving = SuccessiveHalving(counting(), horizon=3)
    for trial_id in range(3):
        halving.ask()
        halving.tell(Observation(trial_id, 1, loss=trial_id))
    halving.tell(Observation(0, 1, loss=math.inf, ended=True))
    assert halving.ask() == Advance(1, 3)


def test_rounds_repeat_the_bracket_with_new_trials(counting, orders) -> None:
    to = moves(orders(SuccessiveHalving(counting(), horizon=3, rounds=2), loss=float))
    assert to == [(0, 1), (1, 1), (2, 1), (0, 3), (3, 1), (4, 1), (5, 1), (3, 3)]
