"""What a search would do with its budget, before it is spent: a charged pilot, then the same study replayed on a virtual clock."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np

from shoestring.budget import Budget, Cost, Price, describe, duration
from shoestring.engine.asked import Asked
from shoestring.engine.launch import make_strategy
from shoestring.engine.ledger import Ledger
from shoestring.engine.run import Run, cost_of
from shoestring.engine.spending import check_feasible
from shoestring.engine.study import Study
from shoestring.errors import BudgetTooSmall
from shoestring.questions.search.question import Search
from shoestring.questions.search.strategy import RESEEDED, too_small
from shoestring.runners.process import default_workers
from shoestring.runners.replay import ReplayRunner
from shoestring.schedulers import brackets
from shoestring.stats.confirmation import least_trainings
from shoestring.store.layout import is_run
from shoestring.store.store import Store
from shoestring.values.orders import Config

MOST_UNITS = 20_000  # a replay of more would take longer than it tells


@dataclass(frozen=True)
class Plan:
    """What a search would do with its budget.

    Attributes:
        question: what is asked.
        budget: the limits.
        workers: how many trials run at once.
        pilot: what the pilot cost; zero if the run already had measurements.
        unit_s: seconds a unit takes, as measured, the start of a trial included.
        units: units of training that what is left of the budget pays for.
        limited_by: the resource that runs out first.
        n_trials: trials that would be begun with that.
        n_complete: how many of them would reach the horizon.
        n_confirming: how many runs would confirm the best against the default.
        seconds: expected time on the clock.
        capped: True if only the first ``MOST_UNITS`` units were replayed.
    """

    question: Search
    budget: Budget
    workers: int
    pilot: Cost
    unit_s: float
    units: int
    limited_by: str
    n_trials: int
    n_complete: int
    n_confirming: int
    seconds: float
    capped: bool

    def to_json(self) -> dict[str, Any]:
        """Returns the plan as plain data."""
        names = ("workers", "unit_s", "units", "limited_by", "n_trials", "n_complete", "n_confirming", "seconds", "capped")
        return {name: getattr(self, name) for name in names} | {"pilot": self.pilot.as_dict(), "budget": dict(self.budget.limits)}

    def __str__(self) -> str:
        question, unit = self.question, self.question.unit
        one = describe("units", 1, unit)
        lines = [
            f"question  best {question.metric} ({question.goal}); {describe('units', question.horizon, unit)} a full training; "
            f"{question.sampler} sampler",
            f"schedule  {_schedule(question)}",
            f"pilot     {describe('units', self.pilot.units, unit)} in {duration(self.pilot.wall_s)}, charged to this budget"
            if self.pilot.units
            else "pilot     not needed: this run has been measured before",
            f"one unit  {one} takes about {duration(self.unit_s)}; a full training {duration(self.unit_s * question.horizon)}",
            f"budget    {self.budget}, {self.workers} at once: pays for about {describe('units', self.units, unit)} "
            f"(first spent: {self.limited_by})",
            f"trials    about {self.n_trials}{' or more' if self.capped else ''}, of them {self.n_complete} to the full {question.horizon}",
            f"confirm   about {self.n_confirming // 2} fresh trainings of both the best and the default, at most"
            if self.n_confirming
            else self._unconfirmed(),
            f"time      about {duration(self.seconds)}",
        ]
        return "\n".join(lines)

    def _unconfirmed(self) -> str:
        question = self.question
        if not question.confirm:
            return "confirm   not asked for"
        needed = least_trainings() * question.horizon
        return f"confirm   not at this budget: {too_small(question)}: about {duration(needed * self.unit_s / self.workers)}"


def plan_search(asked: Asked) -> Plan:
    """Plans a search; runs one lease of it as a charged pilot if nothing of it has been measured yet.

    Raises:
        BudgetTooSmall: it does not pay for one full trial.
        UsageError, StoreError: as ``search``.
    """
    question, spending = cast(Search, asked.question), asked.spending
    check_feasible(question, spending.budget)
    pilot = Cost()
    measured = _measured(asked.folder)
    if measured is None:
        pilot = asked.run(pilot=True).spent
        measured = _measured(asked.folder) or ([], pilot)
    rows, spent = measured
    unit_s, per_unit = _costs(rows or [pilot])
    workers = spending.workers or (default_workers() if asked.runner == "process" else 1)
    units, limited_by = _affordable(spending.budget, spending.price, spent, per_unit, unit_s, workers)
    if units < question.horizon and not spent.units >= question.horizon:
        raise BudgetTooSmall(
            f"budget of {spending.budget} pays for about {describe('units', units, question.unit)} after the pilot, less than one trial to "
            f"horizon={question.horizon}, which takes about {duration(unit_s * question.horizon)}. Lower --horizon or raise --budget.",
            given=units,
            needed=question.horizon,
        )
    piloted = spent.units if spent.units <= question.horizon else 0  # what a pilot trained, the search goes on from
    replayed = min(units, MOST_UNITS)
    n_trials, n_complete, n_confirming = _replay(question, replayed + piloted, workers)
    return Plan(
        question,
        spending.budget,
        workers,
        pilot,
        unit_s,
        units,
        limited_by,
        n_trials,
        n_complete,
        n_confirming,
        units * unit_s / workers,
        replayed < units,
    )


def _measured(folder: Path | None) -> tuple[list[Cost], Cost] | None:
    if folder is None or not is_run(folder):
        return None
    run = Run.read(folder)
    rows = [replace(cost_of(row), wall_s=row["busy_s"]) for row in run.ledger if row["units"] and row["outcome"] in ("useful", "pilot")]
    return (rows, run.spent()) if rows else None


def _costs(rows: Sequence[Cost]) -> tuple[float, Cost]:
    total = sum(rows, Cost())
    n = max(1, total.units)
    return total.wall_s / n, Cost(1, total.wall_s / n, total.cpu_s / n, total.gpu_s / n, total.kwh / n, total.usd / n)


def _affordable(budget: Budget, price: Price, spent: Cost, per_unit: Cost, unit_s: float, workers: int) -> tuple[int, str]:
    costs = per_unit.as_dict() | {"wall_s": unit_s / workers}
    costs["usd"] = price.of(costs)
    affordable = {name: left / costs[name] if costs[name] else math.inf for name, left in budget.left(spent).items()}
    first = min(affordable, key=lambda name: affordable[name])
    return int(min(affordable[first], 10**9)), {"wall_s": "time", "units": "units"}.get(first, first.removesuffix("_s"))


def _replay(question: Search, units: int, workers: int) -> tuple[int, int, int]:
    """Returns how many trials begin, how many reach the horizon, and how many confirm the best, if losses came by chance."""
    rng = np.random.default_rng(question.seed)

    def curve(_config: Config, _seed: int) -> list[dict[str, float]]:
        return [{question.metric: float(rng.random())}] * question.horizon

    if units < 1:
        return 0, 0, 0
    chance = replace(question, sampler="random")
    store = Store.in_memory()
    runner = ReplayRunner(curve, workers)
    study = Study(
        chance, make_strategy(chance, store), runner, store, Ledger(store, Budget(f"{units} units"), clock=runner.now, slots=workers)
    )
    study.run()
    store.close()
    searched = [trial for trial in study.trials.values() if trial.purpose == "useful" and trial.begun]
    n_confirming = sum(trial.purpose == "confirmation" and trial.arm != RESEEDED for trial in study.trials.values())
    return len(searched), sum(trial.state == "complete" for trial in searched), n_confirming


def _schedule(question: Search) -> str:
    if question.scheduler in ("fixed", "one-step") or question.horizon == 1:
        return question.scheduler
    table = brackets(question.horizon, question.eta)
    if question.scheduler == "hyperband":
        return "hyperband, " + "; ".join(", ".join(f"{n} to {to}" for n, to in bracket.rungs) for bracket in table)
    return f"{question.scheduler}, judged at {', '.join(str(to) for _, to in table[0].rungs)}"
