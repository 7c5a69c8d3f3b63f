"""Shoestring: its schedulers and samplers at work for one worker, in a short loop or in the whole engine."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tasks import Choice as TableChoice
from tasks import Meter, Spent

from shoestring.budget import Budget
from shoestring.engine.ledger import Ledger
from shoestring.engine.study import Study
from shoestring.questions.search.question import Search
from shoestring.questions.search.strategy import Searching
from shoestring.runners.replay import ReplayRunner
from shoestring.samplers import make_sampler
from shoestring.schedulers import make_scheduler
from shoestring.space import Choice, Float, Space
from shoestring.store.store import Store
from shoestring.values.orders import Observation, Start


def run(meter: Meter, seed: int, scheduler: str, sampler: str) -> None:
    """Carries out each order at once and tells every unit, which is what a study with one worker does.

    It is not the engine for want of time: that writes every unit down, which takes 1.5 ms a unit against 0.2 ms here.
    """
    strategy = _strategy(_question(meter, seed, scheduler, sampler))
    configs: dict[int, Mapping[str, Any]] = {}
    reached: dict[int, int] = {}
    while (order := strategy.ask()) is not None:
        if isinstance(order, Start):
            configs[order.trial_id] = order.config
        for unit, loss in meter.train(configs[order.trial_id], reached.get(order.trial_id, 0), order.to):
            strategy.tell(Observation(order.trial_id, unit, loss))
            reached[order.trial_id] = unit
            if math.isinf(loss):
                strategy.tell(Observation(order.trial_id, unit, loss, ended=True))
                break


def run_engine(meter: Meter, seed: int, scheduler: str, sampler: str) -> None:
    """Runs the study itself on a replay runner and a store in memory; ``search.py --engine`` checks with it that ``run`` does the same."""
    runner = ReplayRunner(lambda config, _seed: _Curve(meter, meter.task.row(config)))
    question = _question(meter, seed, scheduler, sampler)
    store = Store.in_memory()
    try:
        ledger = Ledger(store, Budget(f"{meter.budget} epochs"), clock=runner.now)
        Study(question, _strategy(question), runner, store, ledger).run()
    finally:
        store.close()
    raise Spent


class _Curve(Sequence[Mapping[str, float]]):
    """A learning curve that is paid for unit by unit as one lease reads it."""

    def __init__(self, meter: Meter, row: int) -> None:
        self._meter, self._row = meter, row
        self._has_begun = False

    def __len__(self) -> int:
        return self._meter.task.horizon

    def __getitem__(self, done: Any) -> Any:
        self._meter.restarted += 0 if self._has_begun else done
        self._has_begun = True
        return {"loss": self._meter.unit(self._row, done + 1)}

    def __iter__(self) -> Iterator[Mapping[str, float]]:
        return (self[done] for done in range(len(self)))


def _question(meter: Meter, seed: int, scheduler: str, sampler: str) -> Search:
    """Returns the search; where there is only one step, one-step is to train everyone in full."""
    horizon, space = meter.task.horizon, _space(meter)
    scheduler = "fixed" if horizon == 1 else scheduler
    return Search("table", space, "loss", "min", horizon, seed=seed, scheduler=scheduler, sampler=sampler, confirm=False)


def _strategy(question: Search) -> Searching:
    sampler = make_sampler(question.sampler, question.space, question.seed)
    return Searching(question, make_scheduler(question.scheduler, sampler, question.horizon))


def _space(meter: Meter) -> Space:
    params = meter.task.space.items()
    return Space({name: Choice(p.choices) if isinstance(p, TableChoice) else Float(p.low, p.high, log=True) for name, p in params})
