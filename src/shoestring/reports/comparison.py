"""The tables, rows and plots of a comparison: one that was asked for, or the one that confirms a search. Nothing is estimated here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from shoestring.engine.run import Run
from shoestring.questions.compare.finding import Comparison
from shoestring.questions.compare.question import Compare
from shoestring.reports.evidence import evidence
from shoestring.reports.figures.arms import arms
from shoestring.reports.figures.differences import differences
from shoestring.reports.figures.evidence import evidence_path
from shoestring.reports.intervals import interval_text, level, spread
from shoestring.reports.table import Cell, Datum, Table, cell, flat, table
from shoestring.reports.view import Making
from shoestring.reports.wording import in_words, plural


def comparison_tables(finding: Comparison) -> Iterator[Table]:
    """Yields the arms, and the differences of the pairs with their intervals."""
    yield _arms(finding)
    if not finding.deterministic and any(pair.n for pair in finding.pairs):
        yield _pairs(finding)


def comparison_rows(finding: Comparison) -> Iterator[dict[str, Any]]:
    """Yields the arms, and the differences with their intervals, as flat rows."""
    for arm in finding.arms:
        yield flat("arm mean", arm.name, len(arm.values), arm.mean, crashes=arm.crashes)
    for pair in finding.pairs:
        limits = {"low": pair.interval[0], "high": pair.interval[1], "level": level(finding)}
        yield flat("difference", f"{pair.first} - {pair.second}", pair.n, pair.difference) | limits | {"p": pair.p, "better": pair.better}


def comparison_plots(run: Run, finding: Comparison, question: Compare) -> Iterator[Making]:
    """Yields the plots of a comparison.

    Args:
        question: what was asked by it.
    """
    yield "Results of the arms", lambda: arms(finding)
    yield "Paired differences", lambda: differences(finding)
    yield "The path of the evidence", lambda: evidence_path(finding, evidence(run, finding, question))


def statistics_sentence(finding: Comparison) -> str:
    """Returns what the intervals are, as a caption in a paper has to say it."""
    one_sided = "one-sided" if finding.one_sided else "two-sided"
    horizon = "an open horizon" if finding.horizon is None else f"at most {plural(finding.horizon, 'seed')}"
    return (
        f"Differences are over paired seeds ({finding.n} in the headline pair); intervals are {level(finding)} confidence sequences that "
        f"hold at whatever moment one stops ({finding.method}, {one_sided} alpha {finding.alpha:g}, planned for {horizon}). "
        "The variation is that among seeds: whatever else the runs share, such as the split of the data, it does not cover."
    )


def _arms(finding: Comparison) -> Table:
    rows: list[list[Datum | Cell]] = []
    for arm in finding.arms:
        values = [value for value in arm.values if value is not None]
        lowest, highest = (min(values), max(values)) if values else (None, None)
        crashes = cell(arm.crashes, f"{arm.crashes} (at most {arm.crash_bound:.0%})") if arm.crashes else cell(0)
        rows.append([arm.name, len(arm.values), arm.mean, spread(values), lowest, highest, crashes, in_words(arm.config)])
    return table(
        f"The arms: {finding.metric} over the runs that gave a value. SD is the standard deviation among runs, not an interval.",
        ("arm", "runs", "mean", "SD", "lowest", "highest", "crashed", "configuration"),
        rows,
    )


def _pairs(finding: Comparison) -> Table:
    rows: list[list[Datum | Cell]] = []
    for pair in finding.pairs:
        low, high = pair.p_better_interval
        wins = cell(pair.p_better, f"{pair.p_better:.2f} [{low:.2f}, {high:.2f}]") if pair.p_better is not None else None
        rows.append(
            [
                f"{pair.first} − {pair.second}",
                pair.n,
                cell(pair.difference, None if pair.difference is None else f"{pair.difference:.4g}"),
                interval_text(pair.interval),
                cell(pair.p, f"{pair.p:.3g}"),
                wins,
                pair.better or "open",
            ]
        )
    return table(
        statistics_sentence(finding),
        ("difference", "seeds", finding.metric, f"{level(finding)} interval", "anytime p", "P(first better)", "better"),
        rows,
    )
