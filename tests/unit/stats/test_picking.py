from __future__ import annotations

import numpy as np
import pytest

from shoestring.stats.picking import PICKED, Picking


def run(picking: Picking, table):
    counts = [0] * picking.n_arms
    while (state := picking.state([table[arm][:n] for arm, n in enumerate(counts)])).ended is None:
        for arm in state.wants:
            counts[arm] += 1
    return state, counts


def test_the_rungs_of_five_arms_and_thirty_seeds():
    picking = Picking(5, 30)

    assert picking.rungs() == (2, 6, 14)
    assert picking.units() == (5, 3, 2)


@pytest.mark.parametrize("n_arms", [2, 3, 4, 5, 8, 9, 20, 64])
@pytest.mark.parametrize("horizon", [6, 7, 8, 20, 30, 100])
def test_rungs_increase_up_to_the_horizon_and_leave_one(n_arms, horizon):
    picking = Picking(n_arms, horizon)

    assert list(picking.rungs()) == sorted(set(picking.rungs()))
    assert picking.rungs()[0] >= 1 and picking.rungs()[-1] <= horizon
    assert picking.units()[-1] == 2


def test_the_best_of_clearly_different_arms_is_picked_cheaply():
    table = np.random.default_rng(0).normal(size=(5, 30)) * 0.1 + np.arange(5)[:, None]

    state, counts = run(Picking(5, 30), table)

    assert (state.best, state.ended, state.wants) == (4, PICKED, ())
    assert counts == [2, 2, 6, 14, 14]
    assert state.parked == {0: 4, 1: 4, 2: 4, 3: 4}


def test_equal_results_are_settled_by_number():
    state, _ = run(Picking(3, 9), np.zeros((3, 9)))

    assert state.best == 0


def test_results_that_come_early_wait():
    picking, table = Picking(3, 9), np.random.default_rng(1).normal(size=(3, 9))

    assert picking.state([table[0], table[1], []]).wants == (2,)
    assert picking.state(table).best == run(picking, table)[0].best


def test_cheaper_arms_go_first():
    assert Picking(3, 9, costs=(3.0, 1.0, 2.0)).state([[], [], []]).wants == (1, 2, 0)


@pytest.mark.parametrize(("n_arms", "horizon"), [(1, 10), (5, 2), (2, 0)])
def test_senseless_settings_are_refused(n_arms, horizon):
    with pytest.raises(ValueError, match="cannot be used"):
        Picking(n_arms, horizon)


def test_scores_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="one list an arm"):
        Picking(3, 10).state([[]])
