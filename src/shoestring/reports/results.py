"""The tables of results: the best trials of a search, the arms and pairs of a comparison. Nothing is estimated here."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Sequence
from typing import Any

from shoestring.budget import plural_of
from shoestring.engine.run import Run
from shoestring.questions.compare.finding import Comparison
from shoestring.questions.compare.question import Compare
from shoestring.questions.largest.finding import Capacity
from shoestring.questions.scale.finding import Law
from shoestring.questions.search.finding import Selection
from shoestring.questions.search.question import Search
from shoestring.reports.spending import amount, cost_by_trial
from shoestring.reports.table import Cell, Datum, Table, cell, table
from shoestring.reports.wording import in_words, plural, short
from shoestring.values.orders import Config

SHOWN = 10


def result_tables(run: Run) -> list[Table]:
    """Returns the tables of what was found."""
    finding = run.finding
    tables = []
    if isinstance(finding, Comparison):
        tables += [*comparison_tables(finding)]
    elif isinstance(finding, Law):
        tables += [*_law_tables(finding)]
    elif isinstance(finding, Capacity):
        tables.append(_capacity_table(finding))
    if isinstance(run.question, Search):
        tables.append(best_table(run))
    if isinstance(finding, Selection) and finding.confirmation is not None:
        tables += [*comparison_tables(finding.confirmation)]
    return tables


def best_table(run: Run) -> Table:
    """Returns the best trials of a search, one row each."""
    question, ranked = run.question, run.ranked()
    assert isinstance(question, Search)
    names = question.space.names
    rows = [[trial.id, value, at, trial.state, *(_parameter(trial.config, name) for name in names)] for trial, value, at in ranked[:SHOWN]]
    caption = (
        f"The best of the {plural(len(ranked), 'trial')} that showed a value, each by its best {question.metric}, "
        "one seed each. All of these values are selected, and so optimistic."
    )
    return table(caption, ("trial", question.metric, question.unit, "state", *names), rows)


def comparison_tables(finding: Comparison) -> Iterator[Table]:
    """Yields the arms, and the differences of the pairs with their intervals."""
    yield _arms(finding)
    if not finding.deterministic and any(pair.n for pair in finding.pairs):
        yield _pairs(finding)


def trial_table(run: Run) -> Table:
    """Returns all trials with what they showed and cost."""
    question, costs = run.question, cost_by_trial(run)
    rows: list[list[Datum | Cell]] = []
    for trial in run.trials:
        best, cost = run.best_of(trial), costs.get(trial.id)
        rows.append(
            [
                trial.id,
                trial.arm or trial.purpose,
                trial.state,
                max(trial.curve, default=0),
                best and best[0],
                cell(cost.wall_s, amount("wall_s", cost.wall_s, question.unit)) if cost else None,
                str(trial.seed),
                in_words(trial.config),
            ]
        )
    what = "arm" if isinstance(question, Compare) else "purpose"
    return table(
        f"All trials with their best {question.metric}, and the seconds of the study's clock that they took.",
        ("trial", what, "state", plural_of(question.unit), question.metric, "clock", "seed", "configuration"),
        rows,
    )


def result_rows(run: Run) -> list[dict[str, Any]]:
    """Returns the results as flat rows: the selected best, the arms, and the differences with their intervals."""
    finding, found = run.finding, []
    tested = finding if isinstance(finding, Comparison) else None
    if isinstance(finding, Selection):
        tested = finding.confirmation
        if finding.best is not None:
            found.append(_row("selected best", f"trial {finding.best.trial}", 1, finding.best.value))
    elif isinstance(finding, Law):
        found += [
            _row("mean at size", f"{size:g}", len(own), sum(own) / len(own) if own else None, crashes=crashed)
            for size, own, crashed in zip(finding.sizes, finding.runs, finding.crashes, strict=True)
        ]
        for made in finding.predictions:
            limits = {"low": made.lower, "high": made.upper, "level": "95%"}
            found.append(_row("prediction at size", f"{made.size:g}", 0, made.value) | limits)
    elif isinstance(finding, Capacity):
        upper = None if math.isinf(finding.upper) else finding.upper
        limits = {"low": finding.lower, "high": upper, "level": f"{finding.level:.0%}"}
        found.append(_row("largest size solved", finding.over, len(finding.trials), finding.estimate) | limits)
    if tested is not None:
        found += [_row("arm mean", arm.name, len(arm.values), arm.mean, crashes=arm.crashes) for arm in tested.arms]
        for pair in tested.pairs:
            row = _row("difference", f"{pair.first} - {pair.second}", pair.n, pair.difference)
            found.append(
                row | {"low": pair.interval[0], "high": pair.interval[1], "level": level(tested), "p": pair.p, "better": pair.better}
            )
    return found


def interval_text(limits: tuple[float | None, float | None]) -> str:
    """Returns an interval as it is printed, open where there is no limit."""
    low, high = limits
    if low is None and high is None:
        return "none yet"
    return f"[{'−∞' if low is None else f'{low:.4g}'}, {'∞' if high is None else f'{high:.4g}'}]"


def level(finding: Comparison) -> str:
    """Returns the level of the intervals of a comparison."""
    return f"{1 - 2 * finding.alpha if finding.one_sided else 1 - finding.alpha:.0%}"


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
        spread = _spread(values)
        lowest, highest = (min(values), max(values)) if values else (None, None)
        crashes = cell(arm.crashes, f"{arm.crashes} (at most {arm.crash_bound:.0%})") if arm.crashes else cell(0)
        rows.append([arm.name, len(arm.values), arm.mean, spread, lowest, highest, crashes, in_words(arm.config)])
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


def _law_tables(finding: Law) -> Iterator[Table]:
    rows: list[list[Datum | Cell]] = [
        [size, len(own), sum(own) / len(own) if own else None, _spread(own), crashed]
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


def _spread(values: Sequence[float]) -> float | None:
    """Returns the standard deviation; None for fewer than two values, infinity for one beyond any number."""
    try:
        return statistics.stdev(values) if len(values) > 1 else None
    except OverflowError:
        return math.inf


def _capacity_table(finding: Capacity) -> Table:
    tried: dict[float, list[bool]] = {}
    for size, ok in finding.trials:
        tried.setdefault(size, []).append(ok)
    rows: list[list[Datum | Cell]] = [[size, len(own), sum(own)] for size, own in sorted(tried.items())]
    return table(f"Runs by size; solved means {finding.condition}.", (finding.over, "runs", "solved"), rows)


def _parameter(config: Config, name: str) -> str | int | float | None:
    """Returns a parameter's value for a table; None where it does not exist."""
    if name not in config:
        return None
    value = config[name]
    return value if isinstance(value, int | float) and not isinstance(value, bool) else short(value)


def _row(what: str, name: str, n: int, value: float | None, crashes: int | None = None) -> dict[str, Any]:
    empty = dict.fromkeys(("low", "high", "level", "p", "better"))
    return {"what": what, "name": name, "n": n, "value": value, **empty, "crashes": crashes}
