"""The plots of a run's report, by section. It draws none itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from shoestring.engine.run import Run
from shoestring.reports.drawing import Plot, undrawable
from shoestring.reports.figures.budget import budget
from shoestring.reports.figures.curves import curves
from shoestring.reports.view import Making
from shoestring.reports.views import view_of

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
    view = view_of(run)
    shown = view.sections(run, np.random.default_rng(_SEED))
    return Plots(
        _made(("Where the budget went", lambda: budget(run))),
        _made(*shown.results),
        _made(*shown.progress),
        _made(("Learning curves", lambda: curves(run, view.curves))),
        _made(*shown.space),
        shown.unimportant,
    )


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
