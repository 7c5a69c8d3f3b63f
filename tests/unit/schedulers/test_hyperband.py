from __future__ import annotations

import random

import pytest

from shoestring.schedulers import Hyperband, brackets
from shoestring.values.orders import Advance, Observation, Start


def sequential(horizon: int, eta: int, losses: list[float]):
    """Algorithm 1 of arXiv:1603.06560, taken by the word."""
    trial_id = 0
    for bracket in brackets(horizon, eta):
        survivors = list(range(trial_id, trial_id + bracket.n))
        trial_id += bracket.n
        for n, to in bracket.rungs:
            survivors = sorted(survivors, key=lambda i: losses[i])[:n] if to > bracket.rungs[0][1] else survivors
            yield from ((i, to) for i in survivors)


@pytest.mark.parametrize(("horizon", "eta"), [(9, 3), (81, 3), (243, 3), (300, 4), (16, 2), (100, 10), (50, 3)])
def test_with_one_worker_the_order_is_the_papers(counting, orders, horizon: int, eta: int) -> None:
    losses = [random.Random(0).random() for _ in range(2000)]
    ordered = orders(Hyperband(counting(), horizon, eta, rounds=1), loss=losses.__getitem__)
    assert [(order.trial_id, order.to) for order in ordered] == list(sequential(horizon, eta, losses))


def test_table_1_on_demand(counting, orders) -> None:
    ordered = orders(Hyperband(counting(), 81, table1=True, rounds=1), loss=float)
    assert sum(isinstance(order, Start) for order in ordered) == 81 + 27 + 9 + 6 + 5


def test_rounds_go_on_for_ever_unless_counted(counting, orders) -> None:
    assert len(orders(Hyperband(counting(), 9), loss=float, n=1000)) == 1000
    starts = [order for order in orders(Hyperband(counting(), 9, rounds=3), loss=float) if isinstance(order, Start)]
    assert [start.to for start in starts] == ([1] * 9 + [3] * 5 + [9] * 3) * 3


def test_workers_left_free_by_a_rung_that_waits_start_the_next_bracket(counting) -> None:
    hyperband = Hyperband(counting(), 9)
    starts = [hyperband.ask() for _ in range(11)]
    assert [start.to for start in starts] == [1] * 9 + [3] * 2
    for trial_id in range(9):
        hyperband.tell(Observation(trial_id, 1, loss=trial_id))
    assert [hyperband.ask() for _ in range(4)] == [Advance(0, 3), Advance(1, 3), Advance(2, 3), Start(11, {"x": 11}, 3)]


def test_a_straggler_holds_up_its_own_bracket_only(counting, orders) -> None:
    hyperband = Hyperband(counting(), 9, rounds=2)
    straggler = hyperband.ask()
    assert straggler == Start(0, {"x": 0}, 1)
    others = orders(hyperband, loss=float)
    assert sum(order.to == 9 for order in others) == 2 * (1 + 1 + 3) - 1
    hyperband.tell(Observation(0, 1, loss=-1.0))
    assert [order.trial_id for order in orders(hyperband, loss=float)] == [0, 1, 2, 0]
