"""What a report shows of the search for the largest size that is still solved."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, cast

import numpy as np

from shoestring.engine.run import Run
from shoestring.questions.largest.finding import Capacity
from shoestring.questions.largest.question import Largest
from shoestring.reports.figures.capacity import capacity_plot
from shoestring.reports.figures.curves import by_size
from shoestring.reports.table import Cell, Datum, Table, flat, table
from shoestring.reports.view import Sections, Verdict, View, sentence


def _capacity(run: Run) -> Capacity:
    return cast(Capacity, run.finding)


def _verdict(run: Run) -> Verdict:
    finding = _capacity(run)
    found, rests_on, *more = map(sentence, finding.lines())
    not_claimed = (
        f"It may not be claimed that every size up to there is solved, nor that it is so for another condition than {finding.condition}."
    )
    if not finding.complete:
        not_claimed += " Nor is the interval as narrow as was asked for."
    return Verdict(found, rests_on, not_claimed, tuple(more))


def _tables(run: Run) -> Iterator[Table]:
    finding = _capacity(run)
    tried: dict[float, list[bool]] = {}
    for size, ok in finding.trials:
        tried.setdefault(size, []).append(ok)
    rows: list[list[Datum | Cell]] = [[size, len(own), sum(own)] for size, own in sorted(tried.items())]
    yield table(f"Runs by size; solved means {finding.condition}.", (finding.over, "runs", "solved"), rows)


def _rows(run: Run) -> Iterator[dict[str, Any]]:
    finding = _capacity(run)
    upper = None if math.isinf(finding.upper) else finding.upper
    limits = {"low": finding.lower, "high": upper, "level": f"{finding.level:.0%}"}
    yield flat("largest size solved", finding.over, len(finding.trials), finding.estimate) | limits


def _sections(run: Run, _: np.random.Generator) -> Sections:
    return Sections([("The search for the largest size", lambda: capacity_plot(_capacity(run)))])


def _error_bars(run: Run) -> str:
    finding = _capacity(run)
    return f"interval of the largest size: {finding.level:.0%} ({finding.method}), from runs that solve their size or not"


LARGEST = View(
    verdict=_verdict,
    tables=_tables,
    rows=_rows,
    sections=_sections,
    curves=lambda run, trials: by_size(run, trials, cast(Largest, run.question).over),
    error_bars=_error_bars,
)
