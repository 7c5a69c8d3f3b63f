"""The plot of each parameter of a search against the metric."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from shoestring.engine.run import StoredTrial
from shoestring.questions.search.question import Search
from shoestring.reports.drawing import SERIES, Plot, clipped, dots, plain_numbers
from shoestring.reports.wording import plural, short
from shoestring.space.parameter import Choice

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST = 6
_COLUMNS = 3


def slices(question: Search, names: Sequence[str], unit: int, trials: Sequence[tuple[StoredTrial, float]]) -> Plot | None:
    """Returns the plot; None with fewer than two trials.

    Args:
        names: the parameters, the most important first.
        unit: after how many units the trials are compared.
        trials: with what they showed there.
    """
    if len(trials) < 2:
        return None
    shown, space = names[:MOST], question.space
    n_rows = math.ceil(len(shown) / _COLUMNS)
    n_columns = min(len(shown), _COLUMNS)

    def draw(figure: Figure) -> None:
        grid = figure.subplots(n_rows, n_columns, sharey=True, squeeze=False)
        for axes, name in zip(grid.flat, shown, strict=False):
            _slice(axes, name, space.params[name], trials)
        for axes in grid.flat[len(shown) :]:
            axes.set_visible(False)
        values = np.array([value for _, value in trials])
        low, high = np.quantile(values, [0.0, 0.98] if question.goal == "min" else [0.02, 1.0])
        if high > low:
            grid.flat[0].set_ylim(low - 0.06 * (high - low), high + 0.06 * (high - low))
        for row in grid:
            row[0].set_ylabel(clipped(question.metric, 20))

    caption = (
        f"{question.metric} of {plural(len(trials), 'trial')} at {question.unit} {unit} against each parameter, the others as they were. "
        "Values far from the others are beyond the frame."
    )
    if len(names) > MOST:
        caption += f" {len(names) - MOST} less important parameters are left out."
    alt = f"Scatter plots of {question.metric} against {', '.join(shown)}."
    return Plot("slices", "Each parameter against the metric", alt, caption, draw, 0.4 + 1.75 * n_rows)


def _slice(axes: Axes, name: str, param: object, trials: Sequence[tuple[StoredTrial, float]]) -> None:
    there = [(trial.config[name], value) for trial, value in trials if name in trial.config]
    values = [value for _, value in there]
    if isinstance(param, Choice):
        options = list(param.options)
        spots = [options.index(option) for option, _ in there]
        jitter = (np.arange(len(spots)) * 0.618034) % 1.0 - 0.5  # spreads them evenly, the same each time
        dots(axes, np.array(spots) + 0.4 * jitter, values, SERIES[0], 3.0)
        turned = 0 if max(len(short(option)) for option in options) * len(options) < 22 else 30
        axes.set_xticks(range(len(options)), [clipped(short(option), 14) for option in options], rotation=turned)
        axes.set_xlim(-0.6, len(options) - 0.4)
    else:
        if getattr(param, "log", False):
            axes.set_xscale("log")
        dots(axes, [float(x) for x, _ in there if x is not None], values, SERIES[0], 3.0)
        if getattr(param, "log", False):
            plain_numbers(axes, "x")
    axes.set_xlabel(clipped(name, 24))
