"""Several runs summed up: what a whole project took, with what failed, was lost or only tried. It compares no results."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from shoestring.budget import RESOURCES, Cost
from shoestring.cleaning import for_latex
from shoestring.engine.run import Run
from shoestring.errors import NotARun, StoreError
from shoestring.reports.checklist import checklist
from shoestring.reports.machine import is_virtual
from shoestring.reports.page import render
from shoestring.reports.spending import MEANINGS, amount, heading
from shoestring.reports.table import Cell, Datum, Table, cell, table
from shoestring.reports.verdict import verdict
from shoestring.reports.wording import amounts, n_started, plural, title
from shoestring.store.layout import runs_in


def read_project(folder: Path) -> tuple[list[Run], list[str]]:
    """Returns the runs that lie in a folder, and a sentence for each that cannot be read.

    Raises:
        NotARun: there is none that can be read.
    """
    runs, unread = [], []
    for run in sorted(runs_in(folder)):
        try:
            runs.append(Run.read(run))
        except StoreError as error:
            unread.append(str(error))
    if not runs:
        raise NotARun(f"there is no run in {folder} that can be read; give the folder in which the folders of the runs lie.")
    return runs, unread


def project_page(runs: Sequence[Run], folder: Path, unread: Sequence[str] = ()) -> str:
    """Returns the page of a project."""
    return render(
        "project.html.j2",
        heading=f"{folder.resolve().name}: {plural(len(runs), 'run')} together",
        spent=_spent(runs),
        unread=unread,
        outcomes=outcome_table(runs),
        runs=_runs_table(runs),
        checklist=checklist(runs),
    )


def project_rows(runs: Sequence[Run]) -> list[dict[str, Any]]:
    """Returns what each run spent, by outcome, as flat rows."""
    return [
        {"run": run.folder.name, "question": run.question.to_json()["question"], "outcome": outcome, "leases": n, "unit": run.question.unit}
        | cost.as_dict()
        for run in runs
        for outcome, (n, cost) in sorted(run.by_outcome().items())
    ]


def project_tex(runs: Sequence[Run]) -> str:
    """Returns a paragraph on the compute of the whole project."""
    total = _total(runs)
    wasted = sum(
        (cost for run in runs for outcome, (_, cost) in run.by_outcome().items() if outcome in ("pilot", "failed", "lost", "killed")),
        Cost(),
    )
    share = f" ({wasted.wall_s / total.wall_s:.1%} of the clock)" if total.wall_s else ""
    lines = [
        f"All {plural(len(runs), 'study')}".replace("studys", "studies") + f" of this project together used {amounts(total, _unit(runs))}.",
        f"Of this, pilot, failed, lost and killed work took {amounts(wasted, _unit(runs))}{share}.",
    ]
    if any(is_virtual(run) for run in runs):
        lines.append("[Replayed runs are on a virtual clock, are not in these sums, and need a statement of their own.]")
    return "\n".join(map(for_latex, lines)) + "\n"


def outcome_table(runs: Sequence[Run]) -> Table:
    """Returns the sums over all runs by outcome; replayed runs, on their virtual clock, are left out."""
    unit, total = _unit(runs), _total(runs)
    sums: dict[str, tuple[int, Cost]] = {}
    for run in _real(runs):
        for outcome, (n, cost) in run.by_outcome().items():
            before = sums.get(outcome, (0, Cost()))
            sums[outcome] = (before[0] + n, before[1] + cost)
    used = [name for name in RESOURCES if getattr(total, name)] or ["units"]
    rows: list[list[Datum | Cell]] = [
        [name, MEANINGS[name], n, *(cell(getattr(cost, r), amount(r, getattr(cost, r), unit)) for r in used)]
        for name in MEANINGS
        if name in sums
        for n, cost in [sums[name]]
    ]
    whole = [cell(getattr(total, name), amount(name, getattr(total, name), unit)) for name in used]
    last: list[Datum | Cell] = ["all", "", sum(n for n, _ in sums.values()), *whole]
    columns = ("outcome", "what it is", "leases", *(heading(name, unit) for name in used))
    return table("What all runs together went into.", columns, rows, last)


def _runs_table(runs: Sequence[Run]) -> Table:
    rows: list[list[Datum | Cell]] = [
        [
            run.folder.name,
            title(run),
            "unfinished" if not run.ended else run.ended["status"].lower().replace("_", " "),
            n_started(run),
            cell(run.spent().wall_s, amount("wall_s", run.spent().wall_s, "") + (" (virtual)" if is_virtual(run) else "")),
            verdict(run).found,
        ]
        for run in runs
    ]
    return table("The runs.", ("run", "question", "state", "trials", "clock", "found"), rows)


def _spent(runs: Sequence[Run]) -> str:
    virtual = sum(map(is_virtual, runs))
    left_out = f" {plural(virtual, 'replayed run')} on a virtual clock left out of the sums." if virtual else ""
    return f"Spent: {amounts(_total(runs), _unit(runs))}.{left_out}"


def _real(runs: Sequence[Run]) -> list[Run]:
    return [run for run in runs if not is_virtual(run)]


def _total(runs: Sequence[Run]) -> Cost:
    return sum((run.spent() for run in _real(runs)), Cost())


def _unit(runs: Sequence[Run]) -> str:
    units = {run.question.unit for run in runs}
    return units.pop() if len(units) == 1 else "unit"
