"""A scheduler that looks once: a trial that is worse than the median of all before it, halfway, goes no further."""

from __future__ import annotations

import math
import statistics

from shoestring.errors import UsageError
from shoestring.values.orders import Advance, Observation, Order, Sampler, Start


class Halfway:
    """The median stopping rule (Golovin et al., 2017, section 3.2.2), applied once, halfway to the horizon."""

    def __init__(self, sampler: Sampler, horizon: int, eta: int = 3, n_trials: int | None = None) -> None:
        self._sampler, self._horizon, self._n_trials = sampler, horizon, n_trials
        self._middle = max(1, horizon // 2)
        self._started = 0
        self._seen: dict[int, float] = {}  # losses halfway
        self._good: list[int] = []  # trials to be taken on
        self._told: set[Observation] = set()  # a trial that trains a unit again reports it again
        self._over: set[int] = set()

    def ask(self) -> Order | None:
        """Returns an order: first those that passed the look, then a new trial."""
        if self._good:
            return Advance(self._good.pop(0), self._horizon)
        if self._started == self._n_trials or (config := self._sampler.ask(self._started)) is None:
            return None
        self._started += 1
        return Start(self._started - 1, config, self._middle)

    def tell(self, observation: Observation) -> None:
        """Hears a result; decides when a trial has come halfway."""
        number, loss = observation.trial_id, observation.loss
        if number >= self._started:
            raise UsageError(f"trial {number} was never started.")
        if observation in self._told or number in self._over:
            return
        self._told.add(observation)
        self._sampler.tell(observation)
        if observation.ended:
            self._over.add(number)
            self._good = [other for other in self._good if other != number]
        elif observation.unit == self._middle < self._horizon:
            if math.isfinite(loss) and loss <= statistics.median(self._seen.values() or [loss]):
                self._good.append(number)
            self._seen[number] = loss
