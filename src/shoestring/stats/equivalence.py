"""Is the difference smaller than one that would matter? No test of equality: that none is found is not that there is none.

The claim is made when the T-MIX confidence interval at level 1 - 2 alpha lies inside of the margin; its error rate is alpha if the
differences are normal, at whatever moment one stops.

Source: two one-sided tests, Schuirmann 1987; the interval is that of ``tmix``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from shoestring.stats.pair_test import Differences, within
from shoestring.stats.tmix import critical_t, log_c, running_moments


def is_equivalent(differences: Differences, margin: float, horizon: int | None, alpha: float, resolution: float = 0.0) -> bool:
    """Returns whether at some n so far the interval lay inside of ``[-margin, margin]``.

    Args:
        differences: ``(n,)``, in seed order.
        margin: the smallest difference that would matter, above 0, in the metric's own units.
        horizon: the most seeds; None: no limit.
        alpha: the chance allowed of calling a difference of ``margin`` or more none.
        resolution: the smallest step of the metric, 0 if it is continuous.
    Raises:
        ValueError: ``margin`` is not above 0, more differences than the horizon allows, or no threshold for it.
    """
    return equivalent_since(differences, margin, horizon, alpha, resolution) is not None


def equivalent_since(differences: Differences, margin: float, horizon: int | None, alpha: float, resolution: float = 0.0) -> int | None:
    """Returns the first n at which the interval lay inside of the margin, or None; arguments as for ``is_equivalent``."""
    if not margin > 0:
        raise ValueError(f"margin={margin} must be above 0, in the units of the metric.")
    reached = np.flatnonzero(inside_margin(within(differences, horizon), margin, log_c(horizon, 2 * alpha), resolution))
    return int(reached[0]) + 1 if reached.size else None


def inside_margin(differences: NDArray[np.float64], margin: float, log_c: float, resolution: float = 0.0) -> NDArray[np.bool_]:
    """Returns for each n whether the interval lies inside of the margin; ``(..., n)`` from ``(..., n)``.

    Where all differences so far are equal there is no interval, unless ``resolution`` gives one.
    """
    with np.errstate(invalid="ignore"):  # a crash of one arm is no small difference: its sums are NaN, and no comparison with those holds
        mean, square = running_moments(differences)
    n = np.arange(1, differences.shape[-1] + 1)
    error = np.sqrt((square / np.maximum(n - 1, 1) + resolution**2 / 12) / n)
    t = critical_t(n, log_c)
    with np.errstate(invalid="ignore"):
        return np.asarray((error > 0) & (np.abs(mean) + t * error <= margin))
