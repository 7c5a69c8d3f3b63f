"""What a question about size would cost with its budget: one charged lease tells the price of a unit, the rest is arithmetic."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np

from shoestring.budget import Budget, Cost, describe, duration
from shoestring.engine.asked import Asked
from shoestring.engine.run import Run, cost_of
from shoestring.questions.largest.question import Largest
from shoestring.questions.protocol import Question
from shoestring.questions.scale.question import Scale
from shoestring.stats.capacity_bayes import CapacityBayes, CapacityPlan
from shoestring.stats.capacity_strict import CapacityStrict
from shoestring.store.layout import is_run

_STUDIES = 100  # simulated searches for the capacity
_FARTHEST_PLANNED = 256  # times the first size: places of the capacity that the plan averages over


@dataclass(frozen=True)
class ScalePlan:
    """What a question about size would cost.

    Attributes:
        question: what is asked.
        over: the parameter that grows.
        smallest: its first value.
        budget: the limits.
        pilot: what the pilot cost; zero if the run already had measurements.
        run_cost: what a run of the smallest size costs.
        runs: how many runs are asked for; expected ones for the largest size.
        affordable: how many the budget pays for if all cost what the smallest does.
        capacity: what the search for the largest size is expected to take, None for a law.
        asked: what is asked for, in lines for people.
    """

    question: Question
    over: str
    smallest: float
    budget: Budget
    pilot: Cost
    run_cost: Cost
    runs: float
    affordable: float
    capacity: CapacityPlan | None
    asked: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Returns the plan as plain data."""
        capacity = self.capacity and {"trials": self.capacity.trials, "cost": self.capacity.cost, "cost_90": self.capacity.cost_90}
        return {
            "runs": self.runs,
            "affordable": self.affordable if math.isfinite(self.affordable) else None,
            "capacity": capacity,
            "run_cost": self.run_cost.as_dict(),
            "pilot": self.pilot.as_dict(),
            "budget": dict(self.budget.limits),
        }

    def __str__(self) -> str:
        question, unit = self.question, self.question.unit
        price = f"{describe('units', question.horizon, unit)}, {duration(self.run_cost.wall_s)}"
        pilot = f"pilot     {describe('units', self.pilot.units, unit)}, charged; the question continues from there"
        lines = [pilot] * bool(self.pilot.units) + [f"one run   at {self.over} {self.smallest:g} costs {price}", *self.asked]
        lines.append(f"budget    {self.budget}: pays for {self.affordable:.0f} runs of the smallest size")
        return "\n".join(lines)


def plan_law(asked: Asked) -> ScalePlan:
    """Plans a question about growth; runs one lease of it as a charged pilot if nothing of it has been measured yet.

    Raises:
        UsageError, StoreError: as ``scale``.
    """
    question = cast(Scale, asked.question)
    pilot, run_cost, affordable = _priced(asked)
    n_runs = len(question.sizes) * question.seeds
    runs = f"{len(question.sizes)} sizes on {question.seeds} seeds: {n_runs}, larger ones cost more time"
    return ScalePlan(
        question, question.over, question.sizes[0], asked.spending.budget, pilot, run_cost, n_runs, affordable, None, (f"runs      {runs}",)
    )


def plan_largest(asked: Asked) -> ScalePlan:
    """Plans a question about the largest size; runs one lease of it as a charged pilot if nothing of it has been measured yet.

    Raises:
        UsageError, StoreError: as ``largest``.
    """
    question = cast(Largest, asked.question)
    pilot, run_cost, affordable = _priced(asked)
    most = min(question.most, question.start * _FARTHEST_PLANNED)
    settings: CapacityBayes | CapacityStrict
    if question.strict:
        settings = CapacityStrict(question.start, question.p_star, smallest=question.smallest, largest=most)
    else:
        settings = CapacityBayes(question.start, question.p_star, question.ratio, question.max_trials, question.smallest, most)
    capacity = settings.plan(np.random.default_rng(question.seed), _STUDIES)
    lines = [
        f"runs      about {capacity.trials:.0f}, together about {capacity.cost:.0f} times a run at the size sought "
        f"(nine times in ten below {capacity.cost_90:.0f}), if a run costs in proportion to its size"
    ]
    if question.p_star >= 0.9:
        lines.append(f"caution   a chance of {question.p_star:g} takes 29 solved runs in a row to prove, and 2 failures in 2 to refute")
    return ScalePlan(
        question, question.over, question.start, asked.spending.budget, pilot, run_cost, capacity.trials, affordable, capacity, tuple(lines)
    )


def _priced(asked: Asked) -> tuple[Cost, Cost, float]:
    """Returns what a pilot cost, what a run costs, and how many runs the budget pays for."""
    pilot = Cost()
    if (measured := _measured(asked.folder)) is None:
        pilot = asked.run(pilot=True).spent
        measured = _measured(asked.folder) or pilot
    horizon = asked.question.horizon
    costs = {name: amount * horizon / max(1, measured.units) for name, amount in measured.as_dict().items()}
    run_cost = Cost(**costs | {"units": horizon})  # type: ignore[arg-type]  # units are whole
    return pilot, run_cost, min(limit / costs[name] if costs[name] else math.inf for name, limit in asked.spending.budget.limits.items())


def _measured(folder: Path | None) -> Cost | None:
    if folder is None or not is_run(folder):
        return None
    spent = sum((cost_of(row) for row in Run.read(folder).ledger if row["units"]), Cost())
    return spent if spent.units else None
