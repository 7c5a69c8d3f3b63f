"""Which plots a run's report has, by section. It draws none itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from shoestring.engine.run import Run
from shoestring.questions.compare.finding import Comparison
from shoestring.questions.largest.finding import Capacity
from shoestring.questions.scale.finding import Law
from shoestring.questions.search.finding import Selection
from shoestring.questions.search.question import Search
from shoestring.reports.drawing import Plot, undrawable
from shoestring.reports.evidence import evidence
from shoestring.reports.figures.arms import arms
from shoestring.reports.figures.budget import budget
from shoestring.reports.figures.capacity import capacity_plot
from shoestring.reports.figures.curves import curves
from shoestring.reports.figures.differences import differences
from shoestring.reports.figures.evidence import evidence_path
from shoestring.reports.figures.importance import importances
from shoestring.reports.figures.law import law_plot
from shoestring.reports.figures.parallel import parallel
from shoestring.reports.figures.progress import progress
from shoestring.reports.figures.slices import slices
from shoestring.reports.importance import importance
from shoestring.reports.search_path import comparable, search_path

_SEED = 20171106  # of resamples and shuffles: the same run gives the same page
Making: TypeAlias = tuple[str, Callable[[], Plot | None]]  # a plot's title, and what makes it


@dataclass(frozen=True)
class Plots:
    """The plots of a run, by section.

    Attributes:
        unimportant: why no importance of parameters is given; empty where it is.
    """

    spent: tuple[Plot, ...]
    results: tuple[Plot, ...]
    progress: tuple[Plot, ...]
    curves: tuple[Plot, ...]
    space: tuple[Plot, ...]
    unimportant: str = ""

    def all(self) -> Iterator[Plot]:
        """Yields all of them in the order of the page."""
        yield from (*self.spent, *self.results, *self.progress, *self.curves, *self.space)


def plots(run: Run) -> Plots:
    """Returns the plots of a run; sections that its question does not have are empty."""
    rng = np.random.default_rng(_SEED)
    spent, trained = _made(("Where the budget went", lambda: budget(run))), _made(("Learning curves", lambda: curves(run)))
    results = _made(*_results(run, rng))
    if not isinstance(run.question, Search):
        return Plots(spent, results, (), trained, ())
    space, unimportant = _parameters(run, run.question, rng)
    along = _made(("Best value against budget", lambda: progress(run, search_path(run, rng))))
    return Plots(spent, results, along, trained, space, unimportant)


def _results(run: Run, rng: np.random.Generator) -> Iterator[Making]:
    finding = run.finding
    tested = finding.confirmation if isinstance(finding, Selection) else finding
    if isinstance(tested, Comparison):
        yield "Results of the arms", lambda: arms(tested)
        yield "Paired differences", lambda: differences(tested)
        yield "The path of the evidence", lambda: evidence_path(tested, evidence(run, tested))
    elif isinstance(finding, Law):
        yield "The law and its envelope", lambda: law_plot(finding, rng)
    elif isinstance(finding, Capacity):
        yield "The search for the largest size", lambda: capacity_plot(finding)


def _parameters(run: Run, question: Search, rng: np.random.Generator) -> tuple[tuple[Plot, ...], str]:
    """Returns the plots of the parameters, and why no importance is given, empty where it is."""
    unit, trials = comparable(run)
    found = importance(question.space, [trial.config for trial, _ in trials], [question.loss(value) for _, value in trials], rng)
    each: list[Making] = [
        ("Each parameter against the metric", lambda: slices(question, names, unit, trials)),
        ("All parameters at once", lambda: parallel(question, names, unit, trials)),
    ]
    if isinstance(found, str):
        names: Sequence[str] = question.space.names
        return _made(*each), found
    names = found.names
    return _made(("What the parameters account for", lambda: importances(run, found, unit)), *each), ""


def _made(*makings: Making) -> tuple[Plot, ...]:
    """Returns the plots that there is something to draw for; one whose making fails becomes a sentence."""
    made: list[Plot] = []
    for title, make in makings:
        try:
            plot = make()
        except Exception as error:  # the edge: whatever one plot needs may fail, the others are drawn
            plot = undrawable(title.lower().replace(" ", "-"), title, error)
        made += [] if plot is None else [plot]
    return tuple(made)
