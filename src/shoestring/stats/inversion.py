"""Confidence intervals by asking a test which shifts it does not reject.

Not a closed form: each end costs some twenty runs of the test.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from shoestring.stats.winsor import WINSOR, winsorised, winsorised_mean

_FAR = 1e6
_MAX_STEPS = 80


def shifts_kept(
    differences: NDArray[np.float64], rejects: Callable[[NDArray[np.float64]], bool], winsor: float | None = WINSOR
) -> tuple[float, float]:
    """Returns the ends of the set of shifts that a test of ``differences - shift`` does not reject.

    A crash is one at any shift. It is infinite where there are no other differences, or where crashes reject every shift.
    """
    numbers = differences[np.isfinite(differences)]
    if not numbers.size:
        return -math.inf, math.inf
    middle = winsorised_mean(numbers, winsor)
    scale = float(np.std(winsorised(numbers - middle, winsor))) or abs(middle) or 1.0
    starts = (middle, float(np.median(numbers)), float(np.mean(numbers)), *np.quantile(numbers, np.linspace(0.05, 0.95, 19)).tolist())
    low, high = kept_interval(lambda shift: rejects(differences - shift), starts, scale)
    return (low, high) if low < high or numbers.size == differences.size else (-math.inf, math.inf)


def kept_interval(rejected: Callable[[float], bool], starts: Iterable[float], scale: float, tolerance: float = 1e-3) -> tuple[float, float]:
    """Returns the ends of the set of shifts that are not rejected, found outward from the first start that is not.

    The value 0 is always asked for itself: the interval leaves it out if and only if the test rejects it.

    Args:
        rejected: whether the test of ``differences - shift`` rejects.
        starts: shifts to begin from, best first; if all are rejected, the interval is the first of them alone.
        scale: a typical distance, above 0.
        tolerance: in units of ``scale``; the ends err outward by at most this much.
    """
    candidates = list(starts)
    start = next((shift for shift in candidates if not rejected(shift)), None)
    if start is None:
        return candidates[0], candidates[0]
    low, high = (_end(rejected, start, side, scale, tolerance * scale) for side in (-1, 1))
    return low, high


def _end(rejected: Callable[[float], bool], start: float, side: int, scale: float, tolerance: float) -> float:
    inside, outside = start, math.nan
    if start * side < 0:
        if rejected(0.0):
            outside = 0.0
        else:
            inside = 0.0
    if math.isnan(outside):
        far = inside + side * _FAR * scale
        if not rejected(far):
            return side * math.inf
        step, outside = scale, far
        while abs(far - inside) > step:
            if rejected(inside + side * step):
                outside = inside + side * step
                break
            inside, step = inside + side * step, 2 * step
    for _ in range(_MAX_STEPS):
        middle = (inside + outside) / 2
        if abs(outside - inside) <= tolerance or middle in (inside, outside):
            break
        if rejected(middle):
            outside = middle
        else:
            inside = middle
    return inside if outside == 0 else outside
