"""The plot of learning curves: of the trials of a search, or of the runs of the arms of a comparison."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from shoestring.engine.run import Run, StoredTrial
from shoestring.reports.drawing import FAINT, SERIES, STYLES, Plot, clipped, plain_numbers
from shoestring.reports.search_path import searched
from shoestring.reports.wording import plural

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BEST = 5
MOST = 300
MOST_GROUPS = 20
_OUTLYING = 2.5  # times the range of 95% of the values: beyond it the rest is left out
_WIDE = 30.0  # the ratio of values from which on a logarithmic axis shows more


@dataclass(frozen=True)
class Groups:
    """Which curves are drawn.

    Attributes:
        shown: in colour, by name.
        grey: the others that are drawn.
        what: how they are drawn, in words.
        more: what else is to be said of them.
        alt: what the plot shows, for those who do not see it.
    """

    shown: Sequence[tuple[str, list[StoredTrial]]]
    grey: Sequence[StoredTrial]
    what: str
    more: str
    alt: str


def curves(run: Run, grouped: Callable[[Run, list[StoredTrial]], Groups]) -> Plot | None:
    """Returns the plot; None where no trial showed a finite value at two units."""
    question = run.question
    trials = [trial for trial in searched(run) if sum(map(math.isfinite, _values(run, trial))) > 1]
    if not trials:
        return None
    groups = grouped(run, trials)

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        if groups.grey:
            axes.plot(*_joined(run, groups.grey), color=FAINT, linewidth=0.7)
        for i, (name, members) in enumerate(groups.shown):
            style = STYLES[i % len(STYLES)]
            axes.plot(*_joined(run, members), color=SERIES[i % len(SERIES)], linewidth=1.3, linestyle=style, label=clipped(name, 22))
        axes.set_xlabel(question.unit)
        axes.set_ylabel(clipped(question.metric))
        _frame(axes, np.concatenate([_values(run, trial) for trial in trials]), question.goal)
        axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.03), borderaxespad=0.3)

    n_drawn = len(groups.grey) + sum(len(members) for _, members in groups.shown)
    caption = f"{question.metric} after each {question.unit}, {plural(n_drawn, 'trial')}: {groups.what}.{groups.more}"
    return Plot("curves", "Learning curves", groups.alt, caption, draw)


def the_best(run: Run, trials: list[StoredTrial]) -> Groups:
    """Returns the best trials in colour and the others in grey, of very many only some."""
    question, drawable = run.question, {trial.id for trial in trials}
    best = [trial for trial, _, _ in run.ranked() if trial.id in drawable][:BEST]
    others = [trial for trial in trials if trial not in best]
    kept = others[:: math.ceil(len(trials) / MOST)]
    more = " Lines end where a trial was stopped, failed or diverged; values far from the others are beyond the frame."
    if left_out := len(others) - len(kept):
        more = f" {left_out} more are not drawn: of those not among the best, 1 in {math.ceil(len(trials) / MOST)} is.{more}"
    drawn = plural(len(best) + len(kept), "trial")
    alt = f"Learning curves of {drawn}, {question.metric} against {question.unit}; the best is trial {best[0].id}."
    return Groups([(f"trial {trial.id}", [trial]) for trial in best], kept, f"the best {len(best)} in colour, the others grey", more, alt)


def by_name(run: Run, groups: Sequence[tuple[str, list[StoredTrial]]]) -> Groups:
    """Returns groups of trials, each in its colour."""
    shown = groups[:MOST_GROUPS]
    left_out = sum(len(own) for _, own in groups[MOST_GROUPS:])
    alt = f"Learning curves of {run.question.metric} for {', '.join(name for name, _ in shown)}."
    return Groups(shown, (), "one line a run", f" {left_out} more are not drawn." if left_out else "", alt)


def by_size(run: Run, trials: list[StoredTrial], over: str) -> Groups:
    """Returns the trials by what a parameter was."""
    sizes = sorted({float(str(trial.config[over])) for trial in trials})
    return by_name(run, [(f"{over} {size:g}", [t for t in trials if float(str(t.config[over])) == size]) for size in sizes])


def _values(run: Run, trial: StoredTrial) -> list[float]:
    return [metrics.get(run.question.metric, math.nan) for metrics in trial.curve.values()]


def _joined(run: Run, trials: Sequence[StoredTrial]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Returns all curves as one line with gaps: one path, however many trials."""
    xs: list[float] = []
    ys: list[float] = []
    for trial in trials:
        xs += [*trial.curve, math.nan]
        ys += [*(value if math.isfinite(value) else math.nan for value in _values(run, trial)), math.nan]
    return np.array(xs, dtype=np.float64), np.array(ys)


def _frame(axes: Axes, values: NDArray[np.float64], goal: str) -> None:
    """Sets the limits so that a few wild values do not flatten all others."""
    finite = values[np.isfinite(values)]
    low, high = np.quantile(finite, [0.0, 0.95] if goal == "min" else [0.05, 1.0])
    if np.ptp(finite) <= _OUTLYING * (high - low):
        low, high = finite.min(), finite.max()
    if low > 0 and finite.max() / low > _WIDE:
        axes.set_yscale("log")
        axes.set_ylim(low * 0.8, high * 1.25)
        plain_numbers(axes, "y")
    elif high > low:
        axes.set_ylim(low - 0.06 * (high - low), high + 0.06 * (high - low))
