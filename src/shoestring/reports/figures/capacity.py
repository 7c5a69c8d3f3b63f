"""The plot of the search for the largest size that is still solved: one mark a run, and the interval that was found."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from shoestring.questions.largest.finding import Capacity
from shoestring.reports.drawing import INK, SERIES, Plot, clipped, plain_numbers
from shoestring.reports.wording import plural

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def capacity_plot(finding: Capacity) -> Plot | None:
    """Returns the plot; None where nothing was run."""
    if not finding.trials:
        return None
    solved = [(n, size) for n, (size, ok) in enumerate(finding.trials, 1) if ok]
    unsolved = [(n, size) for n, (size, ok) in enumerate(finding.trials, 1) if not ok]
    sizes = [size for size, _ in finding.trials]

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        axes.set_yscale("log")
        low, high = min(sizes) / 1.5, max(sizes) * 1.5
        axes.set_ylim(low, high)
        axes.axhspan(max(finding.lower, low), min(finding.upper, high), color=SERIES[0], alpha=0.18, linewidth=0)
        axes.axhline(min(max(finding.estimate, low), high), color=INK, linewidth=0.8, linestyle=(0, (5, 1.5)))
        for points, marker, colour, name in ((solved, "o", SERIES[2], "solved"), (unsolved, "x", SERIES[1], "not solved")):
            axes.plot([n for n, _ in points], [size for _, size in points], marker, color=colour, markersize=5, label=name)
        plain_numbers(axes, "y")
        axes.set_xlabel("run")
        axes.set_ylabel(clipped(finding.over))
        axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.03), borderaxespad=0.3)

    upper = "no upper end" if math.isinf(finding.upper) else f"{finding.upper:.4g}"
    caption = (
        f"Each run at the size that was tried: solved means {finding.condition}. Shaded: the interval of the size that is solved in "
        f"{finding.p_star:.0%} of runs, {finding.level:.0%}; dashed: the estimate. Stopped: {finding.stopped}."
    )
    alt = f"{plural(len(solved), 'run')} solved and {len(unsolved)} not; the largest size lies from {finding.lower:.4g} to {upper}."
    return Plot("capacity", "The search for the largest size", alt, caption, draw)
