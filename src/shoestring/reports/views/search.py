"""What a report shows of a search: the best trials, how it went along, what the parameters account for, and the confirmation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, cast

import numpy as np

from shoestring.engine.run import Run
from shoestring.questions.compare.finding import Comparison
from shoestring.questions.compare.question import Arm, Compare
from shoestring.questions.search.finding import Selection
from shoestring.questions.search.question import Search
from shoestring.reports.comparison import comparison_plots, comparison_rows, comparison_tables, statistics_sentence
from shoestring.reports.figures.importance import importances
from shoestring.reports.figures.parallel import parallel
from shoestring.reports.figures.progress import progress
from shoestring.reports.figures.slices import slices
from shoestring.reports.importance import importance
from shoestring.reports.search_path import comparable, search_path
from shoestring.reports.table import Table, flat, table
from shoestring.reports.view import Making, Sections, Verdict, View, sentence
from shoestring.reports.wording import in_words, n_started, plural, short
from shoestring.values.orders import Config

_SHOWN = 10
_SHOWN_ON_TERMINAL = 5


def _search(run: Run) -> Search:
    return cast(Search, run.question)


def _selection(run: Run) -> Selection:
    return cast(Selection, run.finding)


def _verdict(run: Run) -> Verdict:
    finding = _selection(run)
    question, best = run.question, finding.best
    started, shown = n_started(run), plural(len(run.ranked()), "trial")
    if best is None:
        return Verdict(
            f"No trial showed a finite {question.metric}.",
            f"{plural(started, 'trial')} {'was' if started == 1 else 'were'} started.",
            "Nothing may be claimed.",
        )
    after = plural(best.unit, question.unit)
    found = f"The best {question.metric} seen is {best.value:.6g}, after {after} of trial {best.trial}: {in_words(best.config)}."
    selected = (
        f"{best.value:.6g} was selected for being best among the {shown} that showed a value, so it is optimistic: "
        "it may not be reported as the performance of this configuration."
    )
    confirmation = finding.confirmation
    if confirmation is None:
        why = finding.unconfirmed or "the run has not come to that"
        rests_on = f"It rests on one run with one seed and was not confirmed on fresh seeds: {why}."
        if finding.deterministic:
            return Verdict(found, sentence(f"not confirmed: {why}"), "It may not be claimed that other data would give the same.")
        return Verdict(found, rests_on, selected, ("Trained once with one seed each, the trials do not tell skill from luck.",))
    lines = list(confirmation.confirming_lines())
    rests_on = sentence("; ".join(lines[:2]))
    if not finding.confirmed:
        selected += " Nor may it be claimed that it is better than the default."
    return Verdict(found, rests_on, selected, tuple(map(sentence, lines[2:])))


def _tables(run: Run) -> Iterator[Table]:
    yield _best_table(run)
    if (confirmation := _selection(run).confirmation) is not None:
        yield from comparison_tables(confirmation)


def _best_table(run: Run) -> Table:
    question, ranked = _search(run), run.ranked()
    names = question.space.names
    rows = [[trial.id, value, at, trial.state, *(_parameter(trial.config, name) for name in names)] for trial, value, at in ranked[:_SHOWN]]
    caption = (
        f"The best of the {plural(len(ranked), 'trial')} that showed a value, each by its best {question.metric}, "
        "one seed each. All of these values are selected, and so optimistic."
    )
    return table(caption, ("trial", question.metric, question.unit, "state", *names), rows)


def _parameter(config: Config, name: str) -> str | int | float | None:
    """Returns a parameter's value for a table; None where it does not exist."""
    if name not in config:
        return None
    value = config[name]
    return value if isinstance(value, int | float) and not isinstance(value, bool) else short(value)


def _rows(run: Run) -> Iterator[dict[str, Any]]:
    finding = _selection(run)
    if finding.best is not None:
        yield flat("selected best", f"trial {finding.best.trial}", 1, finding.best.value)
    if finding.confirmation is not None:
        yield from comparison_rows(finding.confirmation)


def _sections(run: Run, rng: np.random.Generator) -> Sections:
    question, confirmation = _search(run), _selection(run).confirmation
    results = comparison_plots(run, confirmation, _confirming(run, confirmation)) if confirmation is not None else ()
    along = [("Best value against budget", lambda: progress(run, search_path(run, question, rng)))]
    unit, trials = comparable(run)
    found = importance(question.space, [trial.config for trial, _ in trials], [question.loss(value) for _, value in trials], rng)
    each: list[Making] = [
        ("Each parameter against the metric", lambda: slices(question, names, unit, trials)),
        ("All parameters at once", lambda: parallel(question, names, unit, trials)),
    ]
    if isinstance(found, str):
        names: Sequence[str] = question.space.names
        return Sections(results, along, each, found)
    names = found.names
    return Sections(results, along, [("What the parameters account for", lambda: importances(run, found, unit)), *each])


def _confirming(run: Run, finding: Comparison) -> Compare:
    """Returns the comparison that a confirmation is."""
    question = _search(run)
    arms = tuple(Arm(arm.name, arm.config) for arm in finding.arms)
    return Compare(
        question.target,
        arms,
        question.metric,
        "min" if question.goal == "min" else "max",
        question.horizon,
        question.unit,
        question.seed,
        seeds=finding.horizon,
        alpha=finding.alpha,
        one_sided=finding.one_sided,
    )


def _status(run: Run) -> Iterator[str]:
    question = run.question
    for trial, value, at in run.ranked()[:_SHOWN_ON_TERMINAL]:
        yield f"{trial.id:6d}   {question.metric} {value:.6g} at {question.unit} {at}, {trial.state}: {in_words(trial.config)}"


def _best(run: Run) -> str | None:
    best = _selection(run).best
    return None if best is None else str(dict(best.config))


def _error_bars(run: Run) -> str | None:
    confirmation = _selection(run).confirmation
    return None if confirmation is None else statistics_sentence(confirmation)


SEARCH = View(verdict=_verdict, tables=_tables, rows=_rows, sections=_sections, status=_status, best=_best, error_bars=_error_bars)
