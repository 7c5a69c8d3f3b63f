"""What a report shows of a law."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import numpy as np

from shoestring.engine.run import Run
from shoestring.questions.scale.finding import Law
from shoestring.questions.scale.question import Scale
from shoestring.reports.figures.curves import by_size
from shoestring.reports.figures.law import law_plot
from shoestring.reports.intervals import interval_text, spread
from shoestring.reports.table import Cell, Datum, Table, flat, table
from shoestring.reports.view import Sections, Verdict, View, sentence


def _law(run: Run) -> Law:
    return cast(Law, run.finding)


def _verdict(run: Run) -> Verdict:
    finding = _law(run)
    means, *lines = map(sentence, finding.lines())
    if finding.refused:
        first = next((line for line in lines if line.startswith("No law")), f"No law: {finding.refused}.")
        rest = tuple(line for line in lines if line != first)
        return Verdict(
            first, means, "It may not be claimed that the metric follows any of these laws, nor what it is at another size.", rest
        )
    law, *rest_lines = lines
    not_claimed = (
        "It may not be claimed that the law holds beyond the sizes that were run: a prediction holds if the curve keeps one of these "
        "forms, and no interval guards against a bend that lies beyond the data."
    )
    return Verdict(law, means, not_claimed, tuple(rest_lines))


def _tables(run: Run) -> Iterator[Table]:
    finding = _law(run)
    rows: list[list[Datum | Cell]] = [
        [size, len(own), sum(own) / len(own) if own else None, spread(own), crashed]
        for size, own, crashed in zip(finding.sizes, finding.runs, finding.crashes, strict=True)
    ]
    caption = f"{finding.metric} by size; SD is the standard deviation among runs, not an interval."
    yield table(caption, (finding.over, "runs", "mean", "SD", "crashed"), rows)
    if finding.forms:
        yield table(
            "The fitted forms, the best first. The interval of the exponent is a 95% profile interval.",
            ("form", "formula", "exponent", "95% interval", "fits within the noise", "counts in the envelope"),
            [
                [
                    form.form,
                    form.formula(finding.over),
                    form.b if form.exponent_interval else None,
                    interval_text(form.exponent_interval) if form.exponent_interval else None,
                    "yes" if form.fits else "no",
                    "yes" if form.kept else "no",
                ]
                for form in finding.forms
            ],
        )
    if finding.predictions:
        trust = (
            "The law is refused, so they are not to be trusted." if finding.refused else "They hold if the curve keeps one of these forms."
        )
        yield table(
            f"Predictions with 95% intervals. {trust}",
            (finding.over, finding.metric, "95% interval"),
            [[made.size, made.value, interval_text((made.lower, made.upper))] for made in finding.predictions],
        )


def _rows(run: Run) -> Iterator[dict[str, Any]]:
    finding = _law(run)
    for size, own, crashed in zip(finding.sizes, finding.runs, finding.crashes, strict=True):
        yield flat("mean at size", f"{size:g}", len(own), sum(own) / len(own) if own else None, crashes=crashed)
    for made in finding.predictions:
        limits = {"low": made.lower, "high": made.upper, "level": "95%"}
        yield flat("prediction at size", f"{made.size:g}", 0, made.value) | limits


def _sections(run: Run, rng: np.random.Generator) -> Sections:
    return Sections([("The law and its envelope", lambda: law_plot(_law(run), rng))])


def _error_bars(run: Run) -> str | None:
    drawn = "95% parametric bootstrap over seeds at each size, widened by a backtest on the two largest sizes"
    return f"predictions: {drawn}; exponents: 95% profile intervals" if _law(run).forms else None


SCALE = View(
    verdict=_verdict,
    tables=_tables,
    rows=_rows,
    sections=_sections,
    curves=lambda run, trials: by_size(run, trials, cast(Scale, run.question).over),
    error_bars=_error_bars,
)
