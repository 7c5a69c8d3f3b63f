"""How far a search had come at each point of its budget, and what a search of fewer trials would have found. No trial is run or judged."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shoestring.engine.run import Run, StoredTrial
from shoestring.questions.search.question import Search
from shoestring.reports.spending import main_resource
from shoestring.stats.expected_best import ExpectedBest, expected_best_with_band

DRAWS = 400
LEVEL = 0.9
_INDEPENDENT = ("random", "sobol", "grid")


@dataclass(frozen=True)
class SearchPath:
    """Progress of a search.

    Attributes:
        resource: what the budget is counted in.
        spent: ``(n,)``, at each settled lease of a trial that searched.
        best: ``(n,)``, the best value of the metric by then; NaN before there is one.
        expected: the expected best of 1, 2, ... trials, None where fewer than two showed anything.
        each: what a trial cost on average, those without a result included; the expected best of k stands at k times this.
        independent: whether the trials were drawn without looking at each other and trained equally long.
    """

    resource: str
    spent: NDArray[np.float64]
    best: NDArray[np.float64]
    expected: ExpectedBest | None
    each: float
    independent: bool


def search_path(run: Run, question: Search, rng: np.random.Generator) -> SearchPath:
    """Returns how a search went along."""
    resource = main_resource(run)
    shown = {(row["trial_id"], row["unit"]): row["token"] for row in reversed(run.observations)}
    by_token: dict[int, float] = {}
    for trial in searched(run):
        for unit, metrics in trial.curve.items():
            loss, token = question.loss(metrics.get(question.metric, math.nan)), shown[trial.id, unit]
            by_token[token] = min(loss, by_token.get(token, math.inf))
    rows = [row for row in run.ledger if row["purpose"] != "confirmation"]
    rows.sort(key=lambda row: (row["closed_at"] or math.inf, row["token"]))
    spent = np.cumsum([row[resource] for row in rows]) if rows else np.zeros(0)
    losses = np.minimum.accumulate([by_token.get(row["token"], math.inf) for row in rows]) if rows else np.zeros(0)
    sign = 1.0 if question.goal == "min" else -1.0
    finals = [value for _, value, _ in run.ranked()]
    expected = expected_best_with_band(finals, question.goal, rng, draws=DRAWS, level=LEVEL) if len(finals) > 1 else None
    equally_long = question.scheduler == "fixed" or question.horizon == 1
    return SearchPath(
        resource,
        spent,
        np.where(np.isfinite(losses), sign * losses, np.nan),
        expected,
        float(spent[-1]) / max(1, len(finals)) if len(spent) else 0.0,
        equally_long and question.sampler in _INDEPENDENT,
    )


def searched(run: Run) -> list[StoredTrial]:
    """Returns the trials that searched, without those that confirmed."""
    return [trial for trial in run.trials if trial.purpose == "useful"]


def comparable(run: Run) -> tuple[int, list[tuple[StoredTrial, float]]]:
    """Returns the most trained unit that a third of the trials reached, and these trials with what they showed there.

    Values after different amounts of training cannot be compared; with fewer than ten trials at a later unit the first unit is taken.
    """
    metric, trials = run.question.metric, searched(run)
    finite = [
        (trial, {unit: value for unit, m in trial.curve.items() if math.isfinite(value := m.get(metric, math.nan))}) for trial in trials
    ]
    finite = [(trial, curve) for trial, curve in finite if curve]
    if not finite:
        return 0, []
    enough = max(10, math.ceil(len(finite) / 3))
    units = sorted({unit for _, curve in finite for unit in curve}, reverse=True)
    unit = next((unit for unit in units if sum(unit in curve for _, curve in finite) >= enough), units[-1])
    return unit, [(trial, curve[unit]) for trial, curve in finite if unit in curve]
