"""The plot of all parameters of all trials at once: one line a trial across one axis a parameter."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from shoestring.engine.run import StoredTrial
from shoestring.questions.search.question import Search
from shoestring.reports.drawing import FAINT, INK, SERIES, Plot, clipped
from shoestring.reports.wording import plural, short
from shoestring.space.parameter import Choice, Parameter

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST = 7
MOST_LINES = 300
_BEST_SHARE = 0.1


def parallel(question: Search, names: Sequence[str], unit: int, trials: Sequence[tuple[StoredTrial, float]]) -> Plot | None:
    """Returns the plot; None with fewer than two parameters or three trials.

    Args:
        names: the parameters, the most important first.
        unit: after how many units the trials are compared.
        trials: with what they showed there.
    """
    if len(names) < 2 or len(trials) < 3:
        return None
    shown, space = names[:MOST], question.space
    ordered = sorted(trials, key=lambda entry: question.loss(entry[1]))
    n_best = max(1, math.ceil(_BEST_SHARE * len(ordered)))
    step = math.ceil(len(ordered) / MOST_LINES)
    best, rest = ordered[:n_best], ordered[n_best::step]
    index = [space.names.index(name) for name in shown]

    def lines(some: Sequence[tuple[StoredTrial, float]]) -> tuple[list[float], list[float]]:
        xs: list[float] = []
        ys: list[float] = []
        for trial, _ in some:
            places = space.encode(trial.config)[index]
            xs += [*range(len(shown)), math.nan]
            ys += [*(place if name in trial.config else math.nan for place, name in zip(places.tolist(), shown, strict=True)), math.nan]
        return xs, ys

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        axes.plot(*lines(rest), color=FAINT, linewidth=0.6)
        axes.plot(*lines(best), color=SERIES[1], linewidth=1.0)
        axes.vlines(range(len(shown)), 0, 1, color=INK, linewidth=0.8)
        for x, name in enumerate(shown):
            for y, mark in _marks(space.params[name]):
                axes.text(x + 0.03, y, mark, va="center", fontsize=7, color=INK)
        axes.set_xticks(range(len(shown)), [clipped(name, 16) for name in shown], rotation=0 if len(shown) < 6 else 20)
        axes.set_xlim(-0.15, len(shown) - 0.6)
        axes.set_ylim(-0.04, 1.04)
        axes.set_yticks([])
        axes.grid(visible=False)
        axes.tick_params(axis="x", length=0)
        for side in ("left", "bottom"):
            axes.spines[side].set_visible(False)

    caption = (
        f"Configurations of {plural(len(best) + len(rest), 'trial')}; in colour the best {plural(n_best, 'trial')} by {question.metric} at "
        f"{question.unit} {unit}. Each axis is on its parameter's own scale; a line breaks where a parameter does not exist."
    )
    if step > 1:
        caption += f" Of the others 1 in {step} is drawn."
    if len(names) > MOST:
        caption += f" {len(names) - MOST} less important parameters are left out."
    best_trial = best[0][0]
    alt = f"Parallel coordinates over {', '.join(shown)}; the best trial here is {best_trial.id}."
    return Plot("parallel", "All parameters at once", alt, caption, draw, 3.0)


def _marks(param: Parameter) -> list[tuple[float, str]]:
    if isinstance(param, Choice):
        return [((i + 0.5) / len(param.options), clipped(short(option), 12)) for i, option in enumerate(param.options)]
    places = np.linspace(0.0, 1.0, 3)
    return [(float(place), short(value)) for place, value in zip(places, (param.low, param.decode(0.5), param.high), strict=True)]
