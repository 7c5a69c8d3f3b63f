"""The plot of the best so far against the budget, with the expected best of fewer trials and its band."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from shoestring.engine.run import Run
from shoestring.reports.drawing import SERIES, Plot, clipped, plain_numbers
from shoestring.reports.search_path import LEVEL, SearchPath
from shoestring.reports.spending import heading

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_FIRST = 0.02  # of the budget, in which the expected best may lie beyond the frame
_WIDE = 10.0  # the ratio of values from which on a logarithmic axis shows more
_TIMES = {"wall_s": ((3600.0, "hours"), (60.0, "minutes"), (1.0, "seconds"))}


def progress(run: Run, path: SearchPath) -> Plot | None:
    """Returns the plot; None where no trial showed anything."""
    metric, unit = run.question.metric, run.question.unit
    known = np.isfinite(path.best)
    if not known.any():
        return None
    whole = float(path.spent[-1])
    scale, word = _scale(path.resource, whole, unit)
    steps = np.flatnonzero(known & np.r_[True, path.best[1:] != path.best[:-1]])

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        if path.expected is not None:
            at = path.each * np.arange(1, len(path.expected.middle) + 1) / scale
            kept = np.unique(np.geomspace(1, len(at), 120).astype(int)) - 1
            axes.fill_between(at[kept], path.expected.lower[kept], path.expected.upper[kept], color=SERIES[0], alpha=0.2, linewidth=0)
            axes.plot(
                at[kept], path.expected.middle[kept], color=SERIES[0], linestyle=(0, (5, 1.5)), label="expected best of as many trials"
            )
        at_steps = np.r_[path.spent[steps], whole] / scale
        axes.step(at_steps, np.r_[path.best[steps], path.best[-1]], where="post", color=SERIES[1], label="best so far in this run")
        axes.set_xlabel(f"budget spent on the search ({word})")
        axes.set_ylabel(clipped(metric))
        axes.set_xlim(left=0)
        _frame(axes, path)
        axes.legend(loc="lower right" if run.question.goal == "max" else "upper right")

    first, last = path.best[steps[0]], path.best[-1]
    return Plot(
        "expected-best",
        "Best value against budget",
        f"Best {metric} so far against the budget: {first:.4g} at first, {last:.4g} in the end, after {len(steps)} improvements.",
        _caption(path),
        draw,
    )


def _frame(axes: Axes, path: SearchPath) -> None:
    """Sets the limits so that the first few trials do not flatten all that follows."""
    shown = path.best[np.isfinite(path.best)]
    if path.expected is not None:
        later = path.each * np.arange(1, len(path.expected.middle) + 1) >= _FIRST * path.spent[-1]
        shown = np.r_[shown, path.expected.lower[later], path.expected.upper[later]]
    low, high = float(shown.min()), float(shown.max())
    if low > 0 and high / low > _WIDE:
        axes.set_yscale("log")
        axes.set_ylim(low / 1.2, high * 1.2)
        plain_numbers(axes, "y")
    elif high > low:
        axes.set_ylim(low - 0.06 * (high - low), high + 0.06 * (high - low))


def _caption(path: SearchPath) -> str:
    said = "Solid: the best value so far in this run."
    if path.expected is None:
        return f"{said} With fewer than two results no expectation can be given."
    said += (
        f" Dashed: the expected best of as many of the {len(path.expected.middle)} trials that showed a value, drawn at random; "
        f"the band holds {LEVEL:.0%} of bootstrap resamples, and is too narrow towards the right end, where it hangs on one or two values."
    )
    if path.independent:
        return said
    return (
        f"{said} These trials were not independent and equally long: sampler or scheduler looked at results. "
        "So the dashed curve describes the trials that were seen, and not what another search would find."
    )


def _scale(resource: str, whole: float, unit: str) -> tuple[float, str]:
    if not resource.endswith("_s"):
        return 1.0, heading(resource, unit)
    scale, word = next(((scale, word) for scale, word in _TIMES["wall_s"] if whole >= 2 * scale), (1.0, "seconds"))
    kind = {"wall_s": "", "cpu_s": "CPU ", "gpu_s": "GPU "}[resource]
    return scale, kind + word
