"""The plot of what each parameter of a search accounts for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shoestring.engine.run import Run
from shoestring.reports.drawing import INK, SERIES, Plot, clipped
from shoestring.reports.importance import Importance

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST = 12


def importances(run: Run, found: Importance, unit: int) -> Plot:
    """Returns the plot, the most important parameter on top.

    Args:
        unit: after how many units the trials were compared.
    """
    names = found.names[:MOST]

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        rows = range(len(names))
        axes.barh(rows, found.share[:MOST], color=SERIES[0], height=0.6)
        axes.hlines(rows, found.low[:MOST], found.high[:MOST], color=INK, linewidth=1.2)
        axes.set_yticks(rows, [clipped(name) for name in names])
        axes.invert_yaxis()
        axes.set_xlabel("share of the variance of the ranks")
        axes.set_xlim(left=0)
        axes.grid(visible=False, axis="y")

    shares = ", ".join(f"{name} {share:.0%}" for name, share in zip(names, found.share, strict=False))
    caption = (
        f"How much worse a kernel regression predicts the rank of {run.question.metric} at {run.question.unit} {unit} when one parameter "
        f"is shuffled among the {found.n} trials; lines hold 80% of bootstrap resamples. The regression predicts {found.explained:.0%} of "
        "the variance of trials left out of it, more than of any of 19 shuffles of the results. It describes the trials seen, within "
        "these bounds of the space; shares overlap where parameters act together."
    )
    return Plot(
        "importance", "What the parameters account for", f"Importance by parameter: {shares}.", caption, draw, 0.8 + 0.27 * len(names)
    )
