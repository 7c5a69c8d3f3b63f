from __future__ import annotations

import math
import random
from collections import Counter

import pytest

from shoestring.errors import UsageError
from shoestring.schedulers import AsyncHyperband
from shoestring.values.orders import Advance, Observation, Start


def moves(orders):
    return [(order.trial_id, order.to) for order in orders]


def naive(horizon_rungs: list[int], eta: int, losses: list[float], n: int):
    """get_job of Algorithm 2 of arXiv:1810.05934, taken by the word, with one worker."""
    results: list[list[int]] = [[] for _ in horizon_rungs]
    promoted: list[set[int]] = [set() for _ in horizon_rungs]
    started = 0
    for _ in range(n):
        for k in reversed(range(len(horizon_rungs) - 1)):
            candidates = sorted(results[k], key=lambda i: (losses[i], i))[: len(results[k]) // eta]
            promotable = [i for i in candidates if i not in promoted[k]]
            if promotable:
                promoted[k].add(promotable[0])
                trial_id, level = promotable[0], k + 1
                break
        else:
            trial_id, level, started = started, 0, started + 1
        results[level].append(trial_id)
        yield trial_id, horizon_rungs[level]


@pytest.mark.parametrize(("rungs", "eta"), [([1, 3, 9, 27, 81], 3), ([1, 2, 4, 8], 2), ([1, 4, 18, 75, 300], 4), ([1, 10, 100], 10)])
def test_with_one_worker_the_order_is_the_papers(counting, orders, rungs: list[int], eta: int) -> None:
    losses = [random.Random(0).choice(range(100)) / 100 for _ in range(800)]
    ordered = orders(AsyncHyperband(counting(), rungs[-1], eta), losses.__getitem__, n=800)
    assert moves(ordered) == list(naive(rungs, eta, losses, 800))


def test_a_promoted_trial_is_paused_not_stopped(counting, orders) -> None:
    scheduler = AsyncHyperband(counting(), horizon=3)
    assert moves(orders(scheduler, loss=lambda i: -i, n=4)) == [(0, 1), (1, 1), (2, 1), (2, 3)]
    assert moves(orders(scheduler, loss=lambda i: 10 + i, n=4)) == [(3, 1), (4, 1), (5, 1), (1, 3)]


def test_it_never_waits(counting) -> None:
    scheduler = AsyncHyperband(counting(), horizon=9)
    assert [order and order.trial_id for order in (scheduler.ask() for _ in range(100))] == list(range(100))


def test_few_trials_still_end_at_the_horizon(counting, orders) -> None:
    ordered = moves(orders(AsyncHyperband(counting(5), horizon=81), loss=lambda i: -i))
    assert ordered[-4:] == [(4, 3), (4, 9), (4, 27), (4, 81)]


def test_where_the_last_hope_fails_the_next_best_goes_on(counting, orders) -> None:
    scheduler = AsyncHyperband(counting(), horizon=3, n_trials=2)
    assert moves(orders(scheduler, loss=float, n=2)) == [(0, 1), (1, 1)]
    assert scheduler.ask() == Advance(0, 3)
    assert scheduler.ask() is None
    scheduler.tell(Observation(0, 2, math.inf, ended=True))
    assert moves(orders(scheduler, loss=float)) == [(1, 3)]


@pytest.mark.parametrize(("loss", "then"), [(0.5, None), (1.5, Advance(1, 3))])
def test_the_last_hope_of_few_trials_needs_to_beat_one_that_ended(counting, loss: float, then: Advance | None) -> None:
    scheduler = AsyncHyperband(counting(2), horizon=3)
    scheduler.ask(), scheduler.ask()
    scheduler.tell(Observation(0, 1, loss, ended=True))
    scheduler.tell(Observation(1, 1, loss=1.0))
    assert scheduler.ask() == then


def test_trials_that_diverge_count_but_are_never_promoted(counting, orders) -> None:
    ordered = orders(AsyncHyperband(counting(), horizon=9), loss=lambda i: math.inf if i % 4 else i, n=200)
    assert {order.trial_id % 4 for order in ordered if isinstance(order, Advance)} == {0}


def test_a_trial_that_reported_from_beyond_its_order_is_ranked_where_it_is(counting) -> None:
    scheduler = AsyncHyperband(counting(), horizon=9)
    for trial_id in range(3):
        scheduler.ask()
        scheduler.tell(Observation(trial_id, 4, loss=trial_id))
    assert scheduler.ask() == Advance(0, 9)
    assert scheduler.ask() == Start(3, {"x": 3}, 1)


def test_a_trial_that_reports_on_while_it_waits_is_ranked_where_it_is(counting) -> None:
    scheduler = AsyncHyperband(counting(), horizon=9)
    for trial_id in range(3):
        scheduler.tell(Observation(scheduler.ask().trial_id, 1, loss=trial_id))
    scheduler.tell(Observation(0, 3, loss=0))
    for trial_id in (3, 4, 5):
        assert scheduler.ask() == Start(trial_id, {"x": trial_id}, 1)
    for trial_id in (3, 4, 5):
        scheduler.tell(Observation(trial_id, 1, loss=trial_id))
    assert scheduler.ask() == Advance(1, 3)


def test_a_trial_under_way_is_not_disturbed_by_its_place_in_a_rung_that_it_ran_past(counting) -> None:
    scheduler = AsyncHyperband(counting(3), horizon=9)
    starts = [scheduler.ask() for _ in range(3)]
    for unit in (1, 3):
        for start in starts:
            scheduler.tell(Observation(start.trial_id, unit, loss=start.trial_id))
    assert [scheduler.ask(), scheduler.ask()] == [Advance(0, 9), None]
    scheduler.tell(Observation(0, 5, math.inf, ended=True))
    assert scheduler.ask() == Advance(1, 9)


def test_a_trial_that_failed_while_it_waited_is_passed_over(counting) -> None:
    scheduler = AsyncHyperband(counting(), horizon=3)
    for trial_id in range(6):
        scheduler.tell(Observation(scheduler.ask().trial_id, 1, loss=trial_id))
        if trial_id == 1:
            scheduler.tell(Observation(0, 1, loss=math.inf, ended=True))
    assert [scheduler.ask(), scheduler.ask()] == [Advance(1, 3), Start(6, {"x": 6}, 1)]


def test_brackets_share_the_starts_in_hyperbands_proportions(counting) -> None:
    scheduler = AsyncHyperband(counting(), horizon=9, n_brackets=3)
    assert Counter(scheduler.ask().to for _ in range(170)) == {1: 90, 3: 50, 9: 30}


def test_more_brackets_than_there_are_are_refused(counting) -> None:
    with pytest.raises(UsageError, match=r"n_brackets=4 .* there are 3"):
        AsyncHyperband(counting(), horizon=9, n_brackets=4)


def test_a_decision_among_ten_thousand_trials_costs_little_more_than_among_a_thousand(counting, orders) -> None:
    class Loss(float):
        compared = 0

        def __lt__(self, other: float) -> bool:
            Loss.compared += 1
            return float(self) < float(other)

        def __neg__(self) -> Loss:
            return Loss(-float(self))

    rng = random.Random(0)
    scheduler = AsyncHyperband(counting(), horizon=81)
    comparisons = []
    for n in (1000, 1000, 8000, 1000):
        Loss.compared = 0
        orders(scheduler, lambda i: Loss(rng.random()), n)
        comparisons.append(Loss.compared / n)
    assert comparisons[3] <= 1.5 * comparisons[1]
