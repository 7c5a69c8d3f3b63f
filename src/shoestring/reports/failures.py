"""The failures of a run by class: how many, what they cost, and the first line of each. It judges none of them."""

from __future__ import annotations

from dataclasses import dataclass, field

from shoestring.budget import Cost, plural_of
from shoestring.engine.run import Run, StoredTrial
from shoestring.reports.spending import amount, cost_by_trial
from shoestring.reports.table import Cell, Datum, Table, cell, table

_LONGEST = 160


@dataclass
class _Class:
    first: StoredTrial
    message: str
    trials: int = 0
    cost: Cost = field(default_factory=Cost)


def failure_table(run: Run) -> Table | None:
    """Returns one row for each class of failure, None if nothing failed."""
    costs, classes = cost_by_trial(run), dict[str, _Class]()
    for trial in run.trials:
        if trial.state not in ("failed", "diverged"):
            continue
        kind = trial.error["type"] if trial.error else trial.state
        first = next(iter((trial.error["message"] if trial.error else "").splitlines()), "")
        own = classes.setdefault(kind, _Class(trial, first or f"{run.question.metric} was not finite"))
        own.trials += 1
        own.cost += costs.get(trial.id, Cost())
    unit = run.question.unit
    rows: list[list[Datum | Cell]] = [
        [
            kind,
            own.trials,
            own.cost.units,
            cell(own.cost.wall_s, amount("wall_s", own.cost.wall_s, unit)),
            own.first.id,
            own.message[:_LONGEST],
        ]
        for kind, own in sorted(classes.items(), key=lambda entry: (-entry[1].trials, entry[0]))
    ]
    for outcome in ("lost", "killed"):
        leases, cost = run.by_outcome().get(outcome, (0, Cost()))
        if leases:
            wall = cell(cost.wall_s, amount("wall_s", cost.wall_s, unit))
            first_row = next(row for row in run.ledger if row["outcome"] == outcome)
            rows.append([f"lease {outcome}", leases, cost.units, wall, first_row["trial_id"], (first_row["note"] or "")[:_LONGEST]])
    if not rows:
        return None
    return table(
        "What went wrong, by class. What it cost is part of what was spent.",
        ("class", "how many", plural_of(unit), "clock", "first trial", "first line"),
        rows,
    )
