"""The plot of the results of the arms of a comparison, seed by seed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from shoestring.questions.compare.finding import Comparison
from shoestring.reports.drawing import FAINT, INK, SERIES, Plot, clipped, dots
from shoestring.reports.wording import plural

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST = 40
_MOST_JOINED = 2  # arms between which the runs of one seed are joined


def arms(finding: Comparison, name: str = "arms") -> Plot | None:
    """Returns the plot: each run a dot, each arm's mean a bar; None where no run gave a value.

    Args:
        name: of the plot's files.
    """
    having = [arm for arm in finding.arms if arm.mean is not None]
    if not having:
        return None
    found = having[:MOST]
    joined = len(found) == _MOST_JOINED and len(found[0].values) == len(found[1].values)

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        if joined:
            for left, right in zip(found[0].values, found[1].values, strict=True):
                if left is not None and right is not None:
                    axes.plot([left, right], [0, 1], color=FAINT, linewidth=0.8)
        for row, arm in enumerate(found):
            values = [value for value in arm.values if value is not None]
            spread = np.zeros(len(values)) if joined else ((np.arange(len(values)) * 0.618034) % 1.0 - 0.5) * 0.3
            dots(axes, values, row + spread, SERIES[row % len(SERIES)], 4.5)
            axes.vlines([arm.mean or 0.0], row - 0.3, row + 0.3, color=INK, linewidth=1.6)
        axes.set_yticks(range(len(found)), [clipped(arm.name, 24) for arm in found])
        axes.set_ylim(len(found) - 0.45, -0.55)
        axes.set_xlabel(clipped(finding.metric))
        axes.grid(visible=False, axis="y")

    means = ", ".join(f"{arm.name} {arm.mean:.4g}" for arm in found)
    crashed = sum(arm.crashes for arm in finding.arms)
    caption = f"{finding.metric}, each run a dot, each arm's mean a line{'; runs of one seed are joined' if joined else ''}."
    if len(having) > MOST:
        caption += f" {plural(len(having) - MOST, 'more arm')} {'is' if len(having) == MOST + 1 else 'are'} in the table."
    if crashed:
        caption += f" {plural(crashed, 'run')} without a value {'is' if crashed == 1 else 'are'} not drawn, nor in the means."
    return Plot(name, "Results of the arms", f"Runs by arm; means: {means}.", caption, draw, 0.9 + 0.42 * len(found))
