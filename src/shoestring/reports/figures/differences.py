"""The plot of the paired differences of a comparison, with their interval."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from shoestring.questions.compare.finding import Comparison, PairResult
from shoestring.reports.drawing import INK, SERIES, Plot, clipped, dots
from shoestring.reports.intervals import interval_text, level
from shoestring.reports.wording import plural

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST = 8


def differences(finding: Comparison, name: str = "differences") -> Plot | None:
    """Returns the plot: a dot a seed, and the estimate with its interval; None where no pair has a seed.

    Args:
        name: of the plot's files.
    """
    pairs = [pair for pair in _shown(finding) if any(map(math.isfinite, pair.differences))][:MOST]
    if not pairs or finding.deterministic:
        return None

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        axes.axvline(0, color=INK, linewidth=0.8)
        if finding.margin is not None:
            axes.axvspan(-finding.margin, finding.margin, color=SERIES[4], alpha=0.15, linewidth=0)
        for row, pair in enumerate(pairs):
            finite = [value for value in pair.differences if math.isfinite(value)]
            apart = ((np.arange(len(finite)) * 0.618034) % 1.0 - 0.5) * 0.24
            dots(axes, finite, row + 0.18 + apart, SERIES[0], 4.0)
            if pair.difference is not None:
                dots(axes, [pair.difference], [row - 0.2], SERIES[1], 6.0)
        limits = axes.get_xlim()
        for row, pair in enumerate(pairs):
            low, high = pair.interval
            if low is not None or high is not None:
                ends = (limits[0] if low is None else low, limits[1] if high is None else high)
                axes.hlines(row - 0.2, *ends, color=SERIES[1], linewidth=2.0)
        axes.set_yticks(range(len(pairs)), [clipped(f"{pair.first} − {pair.second}", 30) for pair in pairs])
        axes.set_ylim(len(pairs) - 0.5, -0.5)
        axes.set_xlabel(clipped(f"difference in {finding.metric}", 60))
        axes.grid(visible=False, axis="y")

    caption = (
        f"Difference in {finding.metric} on each seed (lower row of dots), the estimate and its {level(finding)} interval (upper row), "
        "which holds at whatever moment one stops. A line to the edge has no limit yet."
    )
    if finding.margin is not None:
        caption += f" Shaded: differences of no interest, up to {finding.margin:g}."
    infinite = sum(not math.isfinite(value) for pair in pairs for value in pair.differences)
    if infinite:
        caption += f" {plural(infinite, 'difference')} of failed runs {'is' if infinite == 1 else 'are'} beyond any axis, and counted."
    if len(finding.pairs) > len(pairs):
        caption += f" {len(finding.pairs) - len(pairs)} more pairs are in the table."
    alt = "Paired differences. " + " ".join(map(_said, pairs))
    return Plot(name, "Paired differences", alt, caption, draw, 0.9 + 0.5 * len(pairs))


def _shown(finding: Comparison) -> list[PairResult]:
    """Returns the pairs to draw: of several arms those with the one that leads."""
    leading = finding.better or finding.picked
    if leading is None or len(finding.arms) < 4 or finding.mode == "ablation":
        return list(finding.pairs)
    return [pair for pair in finding.pairs if leading in (pair.first, pair.second)]


def _said(pair: PairResult) -> str:
    estimate = "no estimate yet" if pair.difference is None else f"{pair.difference:.4g}"
    return f"{pair.first} less {pair.second}: {estimate}, interval {interval_text(pair.interval)}, {plural(pair.n, 'seed')}."
