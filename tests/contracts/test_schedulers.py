"""What every scheduler must hold, whatever its workers do: one table of members, one list of properties."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shoestring.errors import UsageError
from shoestring.schedulers import NAMES, AsyncHyperband, Fixed, Hyperband, OneStep, SuccessiveHalving, make_scheduler
from shoestring.values.orders import Advance, Config, Observation, Order, Sampler, Scheduler, Start

MEMBERS: dict[str, Callable[[Sampler, int, int], Scheduler]] = {
    "fixed": lambda sampler, horizon, eta: Fixed(sampler, horizon),
    "halving": SuccessiveHalving,
    "halving, n=10, for ever": lambda sampler, horizon, eta: SuccessiveHalving(sampler, horizon, eta, n=10, rounds=None),
    "hyperband": Hyperband,
    "hyperband, table 1, one round": lambda sampler, horizon, eta: Hyperband(sampler, horizon, eta, table1=True, rounds=1),
    "async-hyperband": AsyncHyperband,
    "async-hyperband, two brackets": lambda sampler, horizon, eta: AsyncHyperband(
        sampler, horizon, eta, n_brackets=1 if horizon < eta else 2
    ),
    "one-step": lambda sampler, horizon, eta: OneStep(sampler, horizon, n_trials=12),
}
ENDLESS = {"fixed", "halving, n=10, for ever", "hyperband", "async-hyperband", "async-hyperband, two brackets"}

members = pytest.mark.parametrize("make", MEMBERS.values(), ids=MEMBERS)
worlds = given(
    horizon=st.one_of(st.integers(1, 100), st.sampled_from([1, 16, 27, 81, 243, 300, 1000])),
    eta=st.sampled_from([2, 3, 4, 10]),
    n_configs=st.integers(0, 60),
    n_workers=st.integers(1, 12),
    seed=st.integers(0, 2**32),
)
quick = settings(max_examples=20, deadline=None, derandomize=True)


@dataclass
class Grid:
    """Proposes ``n`` configurations and keeps what it is told."""

    n: float
    told: list[Observation] = field(default_factory=list)

    def ask(self, trial_id: int) -> Config | None:
        return {"x": trial_id} if trial_id < self.n else None

    def adopt(self, trial_id: int, config: Config) -> None:
        raise AssertionError("a scheduler never adopts")

    def tell(self, observation: Observation) -> None:
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
        self.rng = Random(self.seed)
        while self._order() or self.under_way:
            assert len(self.log) < 10_000, "it does not end"
            self._observe(self.rng.choice(sorted(self.under_way)))
        return self

    def _order(self) -> bool:
        while len(self.under_way) < self.n_workers:
            self.log.append(order := self.scheduler.ask())
            if order is None:
                return False
            assert order.trial_id not in self.under_way, "ordered twice at once"
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

    @property
    def orders(self) -> list[Order]:
        return [entry for entry in self.log if isinstance(entry, Start | Advance)]


def replay(scheduler: Scheduler, log: list[Order | Observation | None]) -> list[Order | None]:
    orders = []
    for entry in log:
        if isinstance(entry, Observation):
            scheduler.tell(entry)
        else:
            orders.append(scheduler.ask())
    return orders


@members
@quick
@worlds
def test_it_ends_without_deadlock(make, horizon, eta, n_configs, n_workers, seed) -> None:
    world = World(make(Grid(n_configs), horizon, eta), horizon, n_workers, seed).run()
    assert world.scheduler.ask() is None


@members
@quick
@worlds
def test_trials_are_numbered_in_the_order_of_starting(make, horizon, eta, n_configs, n_workers, seed) -> None:
    world = World(make(Grid(n_configs), horizon, eta), horizon, n_workers, seed).run()
    starts = [order for order in world.orders if isinstance(order, Start)]
    assert [(start.trial_id, start.config) for start in starts] == [(i, {"x": i}) for i in range(len(starts))]


@members
@quick
@worlds
def test_an_advance_leads_a_living_trial_further_but_not_beyond_the_horizon(make, horizon, eta, n_configs, n_workers, seed) -> None:
    world = World(make(Grid(n_configs), horizon, eta), horizon, n_workers, seed).run()
    last: dict[int, Observation] = {}
    for entry in world.log:
        if isinstance(entry, Observation) and not (entry.trial_id in last and last[entry.trial_id].ended):
            last[entry.trial_id] = entry
        elif isinstance(entry, Start):
            assert 1 <= entry.to <= horizon
        elif isinstance(entry, Advance):
            assert last[entry.trial_id].unit < entry.to <= horizon
            assert not last[entry.trial_id].ended
            assert last[entry.trial_id].loss < math.inf


@members
@quick
@worlds
def test_the_same_asks_and_tells_give_the_same_orders(make, horizon, eta, n_configs, n_workers, seed) -> None:
    world = World(make(Grid(n_configs), horizon, eta), horizon, n_workers, seed).run()
    asked = [entry for entry in world.log if not isinstance(entry, Observation)]
    assert replay(make(Grid(n_configs), horizon, eta), world.log) == asked


@members
@quick
@worlds
def test_asking_in_vain_changes_nothing(make, horizon, eta, n_configs, n_workers, seed) -> None:
    world = World(make(Grid(n_configs), horizon, eta), horizon, n_workers, seed).run()
    assert replay(make(Grid(n_configs), horizon, eta), [entry for entry in world.log if entry is not None]) == world.orders


@members
@quick
@worlds
def test_the_sampler_learns_everything_once(make, horizon, eta, n_configs, n_workers, seed) -> None:
    grid = Grid(n_configs)
    world = World(make(grid, horizon, eta), horizon, n_workers, seed).run()
    assert grid.told == list(dict.fromkeys(entry for entry in world.log if isinstance(entry, Observation)))


@members
@quick
@worlds
def test_without_trouble_someone_reaches_the_horizon(make, horizon, eta, n_configs, n_workers, seed) -> None:
    world = World(make(Grid(n_configs), horizon, eta), horizon, n_workers, seed, trouble=False).run()
    assert max(world.units.values(), default=0) == (horizon if n_configs else 0)


@members
@quick
@worlds
def test_if_nothing_works_nothing_is_promoted(make, horizon, eta, n_configs, n_workers, seed) -> None:
    scheduler = make(Grid(n_configs), horizon, eta)
    while (order := scheduler.ask()) is not None:
        assert isinstance(order, Start)
        scheduler.tell(Observation(order.trial_id, 0, math.inf, ended=True))


@pytest.mark.parametrize("name", sorted(ENDLESS))
@quick
@worlds
def test_no_worker_is_ever_idle_while_there_are_trials_to_start(name, horizon, eta, n_configs, n_workers, seed) -> None:
    world = World(MEMBERS[name](Grid(n_configs), horizon, eta), horizon, n_workers, seed).run()
    in_vain = world.log.index(None)
    assert sum(isinstance(entry, Start) for entry in world.log[:in_vain]) == n_configs


@members
def test_a_trial_that_was_never_started_is_refused(make) -> None:
    with pytest.raises(UsageError, match="trial 0, but only 0 were started"):
        make(Grid(5), 9, 3).tell(Observation(0, 1, 0.5))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("horizon", "eta"), [(0, 3), (-1, 3), (9, 1), (9, 0), (2.5, 3)])
def test_senseless_numbers_are_refused_in_one_sentence(name, horizon, eta) -> None:
    if eta < 2 and name == "fixed":
        pytest.skip("fixed has no eta")
    with pytest.raises(UsageError, match="must be a whole number of at least"):
        make_scheduler(name, Grid(5), horizon, eta)
