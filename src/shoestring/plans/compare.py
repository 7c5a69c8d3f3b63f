"""What a comparison would find with its budget, before it is spent: a charged pilot of three seeds, then the arithmetic of power."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any, cast

import numpy as np

from shoestring.budget import Budget, Cost, describe
from shoestring.engine.asked import Asked
from shoestring.engine.run import Run, cost_of
from shoestring.errors import BudgetTooSmall, NotARun
from shoestring.questions.compare.finding import Comparison
from shoestring.questions.compare.question import MOST_SEEDS, OPEN, PILOT_SEEDS, Compare
from shoestring.stats.blocks import cheap_runs
from shoestring.stats.choose import MIN_EXACT_HORIZON, MIN_HORIZON
from shoestring.stats.power import PowerPlan, plan_power, sd_range

LEAST_FOR_EXACT = 6  # pairs below which nothing is shown without assuming normal differences


@dataclass(frozen=True)
class ComparePlan:
    """What a comparison would find with its budget.

    Attributes:
        question: what is asked.
        budget: the limits.
        pilot: what is spent so far, on the pilot.
        seed_cost: what one more seed of every arm costs.
        n: seeds of every arm that the budget pays for, the pilot's included.
        sd: standard deviation of one paired difference in the pilot, in the metric's units; None where it is 0.
        sd_interval: 80 % interval of the true one.
        power: what so many seeds can see; None with too few seeds, or an open horizon.
        repeats: an arm that is cheap beside the other, and how often it should run on each seed; None where costs are alike.
    """

    question: Compare
    budget: Budget
    pilot: Cost
    seed_cost: Cost
    n: int
    sd: float | None
    sd_interval: tuple[float, float]
    power: PowerPlan | None
    repeats: tuple[str, int] | None

    @property
    def smallest(self) -> float | None:
        """The smallest difference found with a power of 80 %, in the metric's units."""
        return None if self.power is None or self.sd is None else self.power.smallest * self.sd

    def to_json(self) -> dict[str, Any]:
        """Returns the plan as plain data."""
        power = self.power
        return {
            "n": self.n,
            "method": power and power.method,
            "smallest": self.smallest,
            "smallest_interval": power and self.sd and [power.smallest * limit for limit in self.sd_interval],
            "sd": self.sd,
            "seeds_if_real": power and power.seeds_if_real,
            "seeds_if_null": power and power.seeds_if_null,
            "smallest_with_twice_the_seeds": power and self.sd and power.smallest_doubled * self.sd,
            "pilot": self.pilot.as_dict(),
            "seed_cost": self.seed_cost.as_dict(),
            "budget": dict(self.budget.limits),
        }

    def __str__(self) -> str:
        question, unit = self.question, self.question.unit
        costs = ", ".join(describe(name, getattr(self.seed_cost, name), unit) for name in {"units": 0, "wall_s": 0, **self.budget.limits})
        lines = [
            f"question  {' against '.join(arm.name for arm in question.arms)}: {question.metric} ({question.goal}), "
            f"{describe('units', question.horizon, unit)} a run",
            f"pilot     {PILOT_SEEDS} seeds: {describe('units', self.pilot.units, unit)}, charged; the comparison continues from there",
            f"one seed  of every arm costs {costs}",
            f"budget    {self.budget}: pays for {self.n} seeds",
        ]
        return "\n".join([*lines, *self._found()])

    def _found(self) -> list[str]:
        power, metric = self.power, self.question.metric
        if self.question.seeds == OPEN:
            return ["horizon   open: the sign-flip e-process has no last look, so nothing is planned"]
        if power is None:
            return [f"power     {self.n} seeds are too few for any test; {MIN_HORIZON} are needed, better {MIN_EXACT_HORIZON}"]
        if self.sd is None:
            lines = ["power     every difference in the pilot was the same: no spread is known, so no power can be told"]
        else:
            low, high = self.sd_interval
            lines = [
                f"power     a true difference of {power.smallest * self.sd:.3g} in {metric} is found with 80% ({power.method}, "
                f"alpha {power.alpha:g}, on about {power.seeds_if_real:.0f} seeds); from {PILOT_SEEDS} pilot seeds that is uncertain: "
                f"{power.smallest * low:.2g} to {power.smallest * high:.2g}",
                f"no effect about {power.seeds_if_null:.0f} seeds until it stops as undecided",
                f"twice     the seeds would find {power.smallest_doubled * self.sd:.3g}",
            ]
        if self.n < LEAST_FOR_EXACT:
            lines.append(f"caution   fewer than {LEAST_FOR_EXACT} seeds show nothing without assuming that differences are normal")
        if self.repeats:
            lines.append(
                f"cheaper   {self.repeats[0]} costs little: with --repeats {self.repeats[0]}:{self.repeats[1]} the same budget tells more"
            )
        return lines


def plan_compare(asked: Asked) -> ComparePlan:
    """Plans a comparison; runs three seeds of it as a charged pilot if they were not run yet.

    Raises:
        BudgetTooSmall: it does not pay for the pilot.
        UsageError, StoreError: as ``compare``.
    """
    question, spending = cast(Compare, asked.question), asked.spending
    found, costs, spent = _measured(asked.folder)
    if found is None or found.n < PILOT_SEEDS:
        answer = asked.run(pilot=True)
        assert isinstance(answer.finding, Comparison)
        found, spent = answer.finding, answer.spent
        _, costs, _ = _measured(asked.folder)
    if found.n < PILOT_SEEDS:
        raise BudgetTooSmall(
            f"budget of {spending.budget} ended in the pilot, after {found.n} of {PILOT_SEEDS} seeds of every arm. Raise --budget.",
            given=found.n,
            needed=PILOT_SEEDS,
        )
    seed_cost = Cost(*(amount / found.n for amount in spent.as_dict().values()))  # type: ignore[arg-type]
    left = spending.budget.left(spent)
    affordable = min(amount / getattr(seed_cost, name) if getattr(seed_cost, name) else math.inf for name, amount in left.items())
    n = found.n + int(min(MOST_SEEDS, max(0.0, affordable)))
    horizon = min(n, question.seeds) if isinstance(question.seeds, int) else min(n, MOST_SEEDS)
    sd = _spread(found)
    low, high = sd_range(found.n)
    power = None
    if horizon >= MIN_HORIZON and question.seeds != OPEN:
        power = plan_power(horizon, question.alpha, "SEQ-FLIP" if horizon >= MIN_EXACT_HORIZON else "T-MIX")
    interval = (0.0, 0.0) if sd is None else (sd * low, sd * high)
    return ComparePlan(question, spending.budget, spent, seed_cost, n, sd, interval, power, _worth_repeating(question, costs))


def _measured(folder: Path | None) -> tuple[Comparison | None, dict[str, float], Cost]:
    """Returns what a stored run has found, the seconds that a run of each arm took, and what was spent."""
    try:
        run = Run.read(folder) if folder is not None else None
    except NotARun:
        run = None
    if run is None or not isinstance(run.finding, Comparison):
        return None, {}, Cost()
    seconds: dict[str, float] = {}
    arms = {trial.id: trial.arm for trial in run.trials}
    for row in run.ledger:
        if row["units"] and row["trial_id"] in arms:
            arm = arms[row["trial_id"]]
            seconds[arm] = seconds.get(arm, 0.0) + row["busy_s"]
    runs = {arm: sum(trial.arm == arm for trial in run.trials) for arm in seconds}
    return run.finding, {arm: total / runs[arm] for arm, total in seconds.items()}, sum(map(cost_of, run.ledger), Cost())


def _spread(found: Comparison) -> float | None:
    """Returns the standard deviation of a paired difference, the median over the pairs of arms; None where it is 0."""
    values = [[math.nan if value is None else value for value in arm.values] for arm in found.arms]
    spreads = []
    for first, second in combinations(values, 2):
        longest = max(len(first), len(second))
        pair = [np.array(own * longest if len(own) == 1 else own) for own in (first, second)]  # a stated value stands beside every seed
        diffs = pair[0][:longest] - pair[1][:longest] if len(pair[0]) == len(pair[1]) else np.array([])
        diffs = diffs[np.isfinite(diffs)]
        if len(diffs) >= 2:
            spreads.append(float(np.std(diffs, ddof=1)))
    spread = float(np.median(spreads)) if spreads else 0.0
    return spread or None


def _worth_repeating(question: Compare, seconds: dict[str, float]) -> tuple[str, int] | None:
    names = [arm.name for arm in question.arms]
    if len(names) != 2 or any(arm.repeats > 1 for arm in question.arms) or not all(seconds.get(name) for name in names):
        return None
    cheap, dear = sorted(names, key=lambda name: seconds[name])
    n = cheap_runs(seconds[dear], seconds[cheap])
    return (cheap, n) if n > 1 else None
