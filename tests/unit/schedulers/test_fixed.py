from __future__ import annotations

from shoestring.schedulers import Fixed
from shoestring.values.orders import Start


def test_everyone_goes_to_the_horizon(counting, orders) -> None:
    assert orders(Fixed(counting(), horizon=9, n_trials=3), loss=float) == [Start(i, {"x": i}, 9) for i in range(3)]


def test_without_n_trials_it_goes_on_as_long_as_the_sampler(counting, orders) -> None:
    assert len(orders(Fixed(counting(), horizon=9), loss=float, n=500)) == 500
    assert len(orders(Fixed(counting(7), horizon=9), loss=float)) == 7


def test_it_never_waits(counting) -> None:
    fixed = Fixed(counting(), horizon=9)
    assert [order and order.trial_id for order in (fixed.ask() for _ in range(100))] == list(range(100))
