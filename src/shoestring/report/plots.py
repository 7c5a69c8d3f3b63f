"""Which plots a run's report has, by section. It draws none itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from shoestring.comparison import Comparison
from shoestring.questions.search import Search
from shoestring.report.drawing import Plot
from shoestring.report.evidence import evidence
from shoestring.report.figures.arms import arms
from shoestring.report.figures.budget import budget
from shoestring.report.figures.capacity import capacity_plot
from shoestring.report.figures.curves import curves
from shoestring.report.figures.differences import differences
from shoestring.report.figures.evidence import evidence_path
from shoestring.report.figures.importance import importances
from shoestring.report.figures.law import law_plot
from shoestring.report.figures.parallel import parallel
from shoestring.report.figures.progress import progress
from shoestring.report.figures.slices import slices
from shoestring.report.importance import importance
from shoestring.report.search_path import comparable, search_path
from shoestring.run import Run
from shoestring.scaling import Capacity, Law
from shoestring.selection import Selection

_SEED = 20171106  # of resamples and shuffles: the same run gives the same page


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
    finding, question = run.finding, run.question
    tested = finding if isinstance(finding, Comparison) else finding.confirmation if isinstance(finding, Selection) else None
    results = _some(arms(tested), differences(tested), evidence_path(tested, evidence(run, tested))) if tested else ()
    if isinstance(finding, Law):
        results = _some(law_plot(finding, rng))
    elif isinstance(finding, Capacity):
        results = _some(capacity_plot(finding))
    if not isinstance(question, Search):
        return Plots(_some(budget(run)), results, (), _some(curves(run)), ())
    unit, trials = comparable(run)
    found = importance(question.space, [trial.config for trial, _ in trials], [question.loss(value) for _, value in trials], rng)
    names = question.space.names if isinstance(found, str) else found.names
    space = _some(
        None if isinstance(found, str) else importances(run, found, unit),
        slices(run, names, unit, trials),
        parallel(run, names, unit, trials),
    )
    along = _some(progress(run, search_path(run, rng)))
    return Plots(_some(budget(run)), results, along, _some(curves(run)), space, found if isinstance(found, str) else "")


def _some(*made: Plot | None) -> tuple[Plot, ...]:
    return tuple(plot for plot in made if plot is not None)
