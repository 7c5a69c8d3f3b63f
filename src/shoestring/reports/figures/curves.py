"""The plot of learning curves: of the trials of a search, or of the runs of the arms of a comparison."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from shoestring.engine.run import Run, StoredTrial
from shoestring.questions.compare.question import Compare
from shoestring.questions.largest.question import Largest
from shoestring.questions.scale.question import Scale
from shoestring.questions.search.question import Search
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


def curves(run: Run) -> Plot | None:
    """Returns the plot; None where no trial showed a finite value at two units."""
    question = run.question
    trials = [trial for trial in searched(run) if sum(map(math.isfinite, _values(run, trial))) > 1]
    if not trials:
        return None
    groups, rest, left_out = _groups(run, trials)

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        if rest:
            axes.plot(*_joined(run, rest), color=FAINT, linewidth=0.7)
        for i, (name, members) in enumerate(groups):
            style = STYLES[i % len(STYLES)]
            axes.plot(*_joined(run, members), color=SERIES[i % len(SERIES)], linewidth=1.3, linestyle=style, label=clipped(name, 22))
        axes.set_xlabel(question.unit)
        axes.set_ylabel(clipped(question.metric))
        _frame(axes, np.concatenate([_values(run, trial) for trial in trials]), question.goal)
        axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.03), borderaxespad=0.3)

    what = "one line a run" if not isinstance(question, Search) else f"the best {len(groups)} in colour, the others grey"
    drawn = len(trials) - left_out
    caption = f"{question.metric} after each {question.unit}, {plural(drawn, 'trial')}: {what}."
    if not isinstance(question, Search):
        caption += f" {left_out} more are not drawn." if left_out else ""
        alt = f"Learning curves of {question.metric} for {', '.join(name for name, _ in groups)}."
        return Plot("curves", "Learning curves", alt, caption, draw)
    if left_out:
        caption += f" {left_out} more are not drawn: of those not among the best, 1 in {math.ceil(len(trials) / MOST)} is."
    caption += " Lines end where a trial was stopped, failed or diverged; values far from the others are beyond the frame."
    alt = f"Learning curves of {plural(drawn, 'trial')}, {question.metric} against {question.unit}; the best is trial {groups[0][1][0].id}."
    return Plot("curves", "Learning curves", alt, caption, draw)


def _groups(run: Run, trials: list[StoredTrial]) -> tuple[list[tuple[str, list[StoredTrial]]], list[StoredTrial], int]:
    """Returns what is drawn in colour, by name; what is drawn in grey; and how many are not drawn."""
    if isinstance(run.question, Scale | Largest):
        over, sizes = run.question.over, sorted({float(str(trial.config[run.question.over])) for trial in trials})
        by_size = [(f"{over} {size:g}", [t for t in trials if float(str(t.config[over])) == size]) for size in sizes]
        return by_size[:MOST_GROUPS], [], sum(len(own) for _, own in by_size[MOST_GROUPS:])
    if isinstance(run.question, Compare):
        names = [arm.name for arm in run.question.arms]
        groups = [(name, [trial for trial in trials if trial.arm == name]) for name in names]
        shown = [(name, members) for name, members in groups if members]
        return shown[:MOST_GROUPS], [], sum(len(own) for _, own in shown[MOST_GROUPS:])
    drawable = {trial.id for trial in trials}
    best = [trial for trial, _, _ in run.ranked() if trial.id in drawable][:BEST]
    others = [trial for trial in trials if trial not in best]
    kept = others[:: math.ceil(len(trials) / MOST)]
    return [(f"trial {trial.id}", [trial]) for trial in best], kept, len(others) - len(kept)


def _values(run: Run, trial: StoredTrial) -> list[float]:
    return [metrics.get(run.question.metric, math.nan) for metrics in trial.curve.values()]


def _joined(run: Run, trials: list[StoredTrial]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
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
