from __future__ import annotations

import pytest

from shoestring.errors import UsageError
from shoestring.schedulers import OneStep


def test_everyone_gets_one_unit_and_the_best_k_the_rest(counting, orders) -> None:
    ordered = orders(OneStep(counting(), horizon=50, n_trials=6, k=2), loss=lambda i: abs(i - 4))
    assert [(order.trial_id, order.to) for order in ordered] == [*((i, 1) for i in range(6)), (4, 50), (3, 50)]


def test_nobody_is_ordered_on_where_the_step_is_the_horizon(counting, orders) -> None:
    assert [order.to for order in orders(OneStep(counting(), horizon=1, n_trials=4), loss=float)] == [1] * 4


@pytest.mark.parametrize(("n_trials", "k", "unit"), [(0, 1, 1), (5, 0, 1), (5, 6, 1), (5, 3, 0), (5, 3, 51)])
def test_senseless_numbers_are_refused(counting, n_trials: int, k: int, unit: int) -> None:
    with pytest.raises(UsageError):
        OneStep(counting(), 50, n_trials, k, unit)
