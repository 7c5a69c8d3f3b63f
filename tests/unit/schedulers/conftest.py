"""A sampler that counts, and a single worker that does as it is ordered."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice

import pytest

from shoestring.values.orders import Config, Observation, Order, Scheduler


class Counting:
    def __init__(self, n: int | None = None) -> None:
        self.n = n
        self.told: list[Observation] = []

    def ask(self, trial_id: int) -> Config | None:
        return None if trial_id == self.n else {"x": trial_id}

    def adopt(self, trial_id: int, config: Config) -> None:
        raise AssertionError("schedulers never adopt")

    def tell(self, observation: Observation) -> None:
        self.told.append(observation)


def _orders(scheduler: Scheduler, loss: Callable[[int], float], n: int | None = None) -> list[Order]:
    orders = []
    for order in islice(iter(scheduler.ask, None), n):
        assert order is not None
        orders.append(order)
        scheduler.tell(Observation(order.trial_id, order.to, loss(order.trial_id)))
    return orders


@pytest.fixture
def counting() -> type[Counting]:
    """``Counting(n)`` proposes ``{"x": trial_id}`` n times; without n, for ever."""
    return Counting


@pytest.fixture
def orders() -> Callable[..., list[Order]]:
    """``orders(scheduler, loss, n)``: the orders that one worker gets whose trials have a constant loss, at most n of them."""
    return _orders
