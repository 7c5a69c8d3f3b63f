"""How intervals, levels and spreads are written."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from shoestring.questions.compare.finding import Comparison


def interval_text(limits: tuple[float | None, float | None]) -> str:
    """Returns an interval as it is printed, open where there is no limit."""
    low, high = limits
    if low is None and high is None:
        return "none yet"
    return f"[{'−∞' if low is None else f'{low:.4g}'}, {'∞' if high is None else f'{high:.4g}'}]"


def level(finding: Comparison) -> str:
    """Returns the level of the intervals of a comparison."""
    return f"{1 - 2 * finding.alpha if finding.one_sided else 1 - finding.alpha:.0%}"


def spread(values: Sequence[float]) -> float | None:
    """Returns the standard deviation; None for fewer than two values, infinity for one beyond any number."""
    try:
        return statistics.stdev(values) if len(values) > 1 else None
    except OverflowError:
        return math.inf
