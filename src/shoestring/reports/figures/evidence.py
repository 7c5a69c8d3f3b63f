"""The plot of the path of the evidence: estimate, interval and p-value after each seed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from shoestring.questions.compare.finding import Comparison
from shoestring.reports.drawing import INK, SERIES, Plot, clipped, plain_numbers
from shoestring.reports.evidence import Evidence
from shoestring.reports.intervals import level
from shoestring.reports.wording import plural

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def evidence_path(finding: Comparison, path: Sequence[Evidence], name: str = "evidence") -> Plot | None:
    """Returns the plot; None with fewer than two seeds.

    Args:
        path: what was known after each seed.
        name: of the plot's files.
    """
    if len(path) < 2:
        return None
    pair = finding.headline

    def draw(figure: Figure) -> None:
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
        _estimates(above, path)
        above.set_ylabel(clipped(f"{pair.first} − {pair.second}", 22))
        below.step([point.n for point in path], [max(point.p, 1e-6) for point in path], where="mid", color=SERIES[0])
        below.axhline(finding.alpha, color=SERIES[1], linewidth=1.0, linestyle=(0, (5, 1.5)))
        below.set_yscale("log")
        below.set_ylim(min(0.01, finding.alpha / 2, *(point.p for point in path)), 1.3)
        plain_numbers(below, "y")
        below.set_ylabel("anytime p")
        below.set_xlabel("seeds")
        below.xaxis.get_major_locator().set_params(integer=True)

    last = path[-1]
    caption = (
        f"Above: estimate of the difference in {finding.metric} and its {level(finding)} interval after each seed, once there is one. "
        f"Below: the p-value, valid at every seed; dashed: alpha = {finding.alpha:g}. Stopped: {finding.stopped}."
    )
    alt = f"Evidence over {plural(len(path), 'seed')}: p goes from {path[0].p:.3g} to {last.p:.3g}."
    return Plot(name, "The path of the evidence", alt, caption, draw, 3.6)


def _estimates(axes: Axes, path: Sequence[Evidence]) -> None:
    seeds = np.array([point.n for point in path])
    middle, low, high = (
        np.array([math.nan if value is None else value for value in values])
        for values in ([p.difference for p in path], [p.low for p in path], [p.high for p in path])
    )
    axes.axhline(0, color=INK, linewidth=0.8)
    axes.plot(seeds, middle, color=SERIES[1], marker="o", markersize=3)
    bottom, top = axes.get_ylim()
    bounded = np.isfinite(low) & np.isfinite(high)
    if bounded.any():
        finite = np.r_[low[bounded], high[bounded], middle[np.isfinite(middle)], 0.0]
        widest = 4 * max(float(np.nanmax(np.abs(middle))), 1e-12)
        bottom, top = max(float(finite.min()), -widest), min(float(finite.max()), widest)
        room = 0.08 * (top - bottom)
        bottom, top = bottom - room, top + room
    known = np.isfinite(low) | np.isfinite(high)
    axes.vlines(
        seeds[known], np.where(np.isfinite(low), low, bottom)[known], np.where(np.isfinite(high), high, top)[known], color=SERIES[1]
    )
    axes.set_ylim(bottom, top)
