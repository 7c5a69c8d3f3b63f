"""The checks of a scheduler: it ends, obeys the horizon, and gives the same orders for the same observations, whatever its workers do."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product
from random import Random
from typing import TypeAlias

from shoestring.errors import UsageError
from shoestring.values.orders import Advance, Config, Observation, Order, Sampler, Scheduler, Start

Make: TypeAlias = Callable[[Sampler, int, int, int | None], Scheduler]

N_WORLDS = 24
HORIZONS = (1, 16, 27, 81, 243, 300, 1000)
ETAS = (2, 3, 4, 10)


@dataclass
class Countdown:
    """A sampler of ``n`` configurations that keeps what it is told."""

    n: int
    told: list[Observation] = field(default_factory=list)

    def ask(self, trial_id: int) -> Config | None:
        """Returns the configuration ``{"x": trial_id}``, None when all are given."""
        return {"x": trial_id} if trial_id < self.n else None

    def adopt(self, trial_id: int, config: Config) -> None:
        """Refuses: what was chosen before a restart is the engine's affair."""
        raise AssertionError(f"a scheduler never adopts, but adopted {config} as trial {trial_id}")

    def tell(self, observation: Observation) -> None:
        """Keeps an observation."""
        self.told.append(observation)


@dataclass
class World:
    """Workers that report in any order, skip and repeat units, diverge, fail and end early, each as chance has it.

    ``log`` keeps all that was asked (orders, or None) and told (observations), in turn.
    """

    scheduler: Scheduler
    horizon: int
    n_workers: int
    seed: int
    trouble: bool = True
    log: list[Order | Observation | None] = field(default_factory=list)
    units: dict[int, int] = field(default_factory=dict)
    under_way: dict[int, int] = field(default_factory=dict)

    def run(self) -> World:
        """Runs until the scheduler has nothing more to order."""
        self.rng = Random(self.seed)
        while self._order() or self.under_way:
            assert len(self.log) < 10_000, "it does not end"
            self._observe(self.rng.choice(sorted(self.under_way)))
        return self

    @property
    def orders(self) -> list[Order]:
        """What was ordered."""
        return [entry for entry in self.log if isinstance(entry, Start | Advance)]

    def _order(self) -> bool:
        while len(self.under_way) < self.n_workers:
            self.log.append(order := self.scheduler.ask())
            if order is None:
                return False
            assert order.trial_id not in self.under_way, f"trial {order.trial_id} was ordered twice at once"
            self.under_way[order.trial_id] = order.to
            self.units.setdefault(order.trial_id, 0)
        return True

    def _observe(self, trial_id: int) -> None:
        unit, to = self.units[trial_id], self.under_way[trial_id]
        unit = min(unit + self.rng.randint(1, max(1, self.horizon // 3)), self.horizon if self.trouble else to)
        loss = self.rng.choice([0.1, 0.2, 0.3, self.rng.random(), math.inf if self.trouble else 0.4])
        ended = self.trouble and self.rng.random() < 0.1
        self.units[trial_id] = unit
        self._tell(Observation(trial_id, unit, math.inf if ended and self.rng.random() < 0.5 else loss, ended))
        if ended or unit >= to:
            del self.under_way[trial_id]
            self._afterthought(trial_id, ended)

    def _afterthought(self, trial_id: int, ended: bool) -> None:
        """Some trials fail while they wait, and some report on until they are stopped."""
        chance = self.rng.random()
        if self.trouble and not ended and chance < 0.05:
            self._tell(Observation(trial_id, self.units[trial_id], math.inf, ended=True))
        elif self.trouble and not ended and chance < 0.15 and self.units[trial_id] < self.horizon:
            self.units[trial_id] += 1
            self._tell(Observation(trial_id, self.units[trial_id], self.rng.random()))

    def _tell(self, observation: Observation) -> None:
        for _ in range(self.rng.choice([1, 1, 2]) if self.trouble else 1):
            self.log.append(observation)
            self.scheduler.tell(observation)


def worlds(make: Make, *, trouble: bool = True) -> Iterator[tuple[World, Countdown, Callable[[], Scheduler]]]:
    """Yields worlds that have run, with their sampler, and with what makes such a scheduler anew; the same ones each time."""
    for seed in range(N_WORLDS):
        rng = Random(seed)
        horizon, eta, n = rng.choice([rng.randint(1, 100), rng.choice(HORIZONS)]), rng.choice(ETAS), rng.randint(0, 60)
        sampler = Countdown(n)

        def again(n: int = n, horizon: int = horizon, eta: int = eta) -> Scheduler:
            return make(Countdown(n), horizon, eta, None)

        yield World(make(sampler, horizon, eta, None), horizon, rng.randint(1, 12), seed, trouble).run(), sampler, again


def it_ends(make: Make) -> None:
    """With finitely many configurations it comes to an end, and stays there."""
    for world, _, _ in worlds(make):
        assert world.scheduler.ask() is None


def trials_are_numbered_in_the_order_of_starting(make: Make) -> None:
    """Trials are 0, 1, 2, ..., each with the configuration that the sampler proposed for it."""
    for world, _, _ in worlds(make):
        starts = [order for order in world.orders if isinstance(order, Start)]
        assert [(start.trial_id, start.config) for start in starts] == [(i, {"x": i}) for i in range(len(starts))]


def an_advance_leads_a_living_trial_further(make: Make) -> None:
    """Nothing is ordered beyond the horizon, backwards, or of a trial that has ended or diverged."""
    for world, _, _ in worlds(make):
        last: dict[int, Observation] = {}
        for entry in world.log:
            if isinstance(entry, Observation) and not (entry.trial_id in last and last[entry.trial_id].ended):
                last[entry.trial_id] = entry
            elif isinstance(entry, Start):
                assert 1 <= entry.to <= world.horizon
            elif isinstance(entry, Advance):
                seen = last[entry.trial_id]
                assert seen.unit < entry.to <= world.horizon
                assert not seen.ended
                assert seen.loss < math.inf


def the_same_observations_give_the_same_orders(make: Make) -> None:
    """It holds no randomness and no clock; asking in vain changes nothing."""
    for world, _, again in worlds(make):
        assert _replay(again(), world.log) == [entry for entry in world.log if not isinstance(entry, Observation)]
        assert _replay(again(), [entry for entry in world.log if entry is not None]) == world.orders


def the_sampler_learns_everything_once(make: Make) -> None:
    """Every observation is passed on to the sampler, repeated ones once."""
    for world, sampler, _ in worlds(make):
        assert sampler.told == list(dict.fromkeys(entry for entry in world.log if isinstance(entry, Observation)))


def without_trouble_a_trial_reaches_the_horizon(make: Make) -> None:
    """Where nothing fails, at least one trial is trained in full."""
    for world, sampler, _ in worlds(make, trouble=False):
        assert max(world.units.values(), default=0) == (world.horizon if sampler.n else 0)


def if_nothing_works_nothing_is_promoted(make: Make) -> None:
    """Where every trial fails, each is started and none is advanced."""
    for horizon, eta in product(HORIZONS, ETAS):
        scheduler = make(Countdown(20), horizon, eta, None)
        while (order := scheduler.ask()) is not None:
            assert isinstance(order, Start)
            scheduler.tell(Observation(order.trial_id, 0, math.inf, ended=True))


def a_trial_that_was_never_started_is_refused(make: Make) -> None:
    """An observation of an unknown trial is a ``UsageError``."""
    try:
        make(Countdown(5), 9, 3, None).tell(Observation(0, 1, 0.5))
    except UsageError:
        return
    raise AssertionError("an observation of a trial that was never started was taken")


def _replay(scheduler: Scheduler, log: Sequence[Order | Observation | None]) -> list[Order | None]:
    orders = []
    for entry in log:
        if isinstance(entry, Observation):
            scheduler.tell(entry)
        else:
            orders.append(scheduler.ask())
    return orders


SCHEDULER_CHECKS: tuple[Callable[[Make], None], ...] = (
    it_ends,
    trials_are_numbered_in_the_order_of_starting,
    an_advance_leads_a_living_trial_further,
    the_same_observations_give_the_same_orders,
    the_sampler_learns_everything_once,
    without_trouble_a_trial_reaches_the_horizon,
    if_nothing_works_nothing_is_promoted,
    a_trial_that_was_never_started_is_refused,
)
