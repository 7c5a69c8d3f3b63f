"""Where the budget of a run went: by outcome, in every resource, as the ledger has it. It measures nothing itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from shoestring.budget import RESOURCES, Cost, describe, duration, plural_of
from shoestring.engine.run import Run, cost_of
from shoestring.reports.table import Cell, Datum, Table, cell, table

MEANINGS: Mapping[str, str] = {
    "useful": "trials that did what they were asked",
    "confirmation": "fresh seeds for the winner",
    "pilot": "to learn what a trial costs",
    "failed": "trials that failed",
    "killed": "stopped by force at a limit",
    "lost": "by a crash or preemption",
    "engine": "between leases",
    "running": "not settled yet",
}


@dataclass(frozen=True, slots=True)
class Share:
    """What one outcome cost.

    Attributes:
        outcome: of the leases; ``"left"`` is what was not spent.
        leases: how many had it.
        cost: what they cost together.
    """

    outcome: str
    leases: int
    cost: Cost


def shares(run: Run) -> list[Share]:
    """Returns what each outcome cost, in the order of ``MEANINGS``."""
    found = run.by_outcome()
    known = [name for name in MEANINGS if name in found]
    return [Share(name, *found[name]) for name in (*known, *sorted(found.keys() - MEANINGS.keys()))]


def main_resource(run: Run) -> str:
    """Returns the resource that the budget limits, of several the one that is used up most."""
    spent = run.spent()
    return max(run.budget.limits, key=lambda name: getattr(spent, name) / run.budget.limits[name])


def amount(name: str, value: float, unit: str) -> str:
    """Returns an amount of a resource for a table, where ``0`` needs no unit of measure."""
    return "0" if not value else duration(value) if name.endswith("_s") else str(int(value)) if name == "units" else f"{value:.3g}"


def outcome_table(run: Run) -> Table:
    """Returns the sums of the ledger by outcome, with their total; resources that nothing used are left out."""
    unit, main, parts, total = run.question.unit, main_resource(run), shares(run), run.spent()
    used = [name for name in RESOURCES if getattr(total, name)] or ["units"]
    whole = getattr(total, main)

    def row(name: str, meaning: str, leases: int, cost: Cost) -> list[Datum | Cell]:
        share = getattr(cost, main) / whole if whole else 0.0
        spent = [cell(getattr(cost, resource), amount(resource, getattr(cost, resource), unit)) for resource in used]
        return [name, meaning, leases, *spent, cell(share, f"{share:.1%}")]

    rows = [row(part.outcome, MEANINGS.get(part.outcome, ""), part.leases, part.cost) for part in parts]
    return table(
        f"What the budget went into. Shares are of the {heading(main, unit)} spent.",
        ("outcome", "what it is", "leases", *(heading(name, unit) for name in used), "share"),
        rows,
        row("all", "", sum(part.leases for part in parts), total),
    )


def heading(resource: str, unit: str) -> str:
    """Returns what a column of a resource is called."""
    return {"units": plural_of(unit), "wall_s": "clock", "cpu_s": "CPU time", "gpu_s": "GPU time", "kwh": "kWh", "usd": "USD"}[resource]


def in_vain(run: Run) -> str:
    """Returns a sentence about units that were trained for nothing."""
    lost, unit = sum(row["lost_units"] for row in run.ledger), run.question.unit
    if not lost:
        return f"No {unit} was lost."
    return f"{describe('units', lost, unit)} {'was' if lost == 1 else 'were'} lost: trained, but not in a checkpoint when the trial ended."


def by_source(run: Run, resource: str) -> dict[str, float]:
    """Returns how much of a resource was measured, sampled or estimated; ``unknown`` where the ledger does not say."""
    sums: dict[str, float] = {}
    for row in run.ledger:
        if row[resource]:
            source = json.loads(row["provenance"]).get(resource, "unknown")
            sums[source] = sums.get(source, 0.0) + row[resource]
    return sums


def cost_by_trial(run: Run) -> dict[int, Cost]:
    """Returns what each trial has cost, over all its leases."""
    sums: dict[int, Cost] = {}
    for row in run.ledger:
        if row["trial_id"] is not None:
            sums[row["trial_id"]] = sums.get(row["trial_id"], Cost()) + cost_of(row)
    return sums
