"""Winsorising: pulling in what lies far out, so that one diverged run cannot decide a comparison.

Not outlier removal: a run that is pulled in still counts, with its sign. The limit depends on magnitudes alone, which keeps sign-flip
tests exact.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from shoestring.stats.crashes import FAR, as_numbers, far
from shoestring.stats.pair_test import some

WINSOR = FAR


def winsorised(differences: NDArray[np.float64], winsor: float | None = WINSOR) -> NDArray[np.float64]:
    """Returns the differences clipped to ``winsor`` times the median of those magnitudes that are neither 0 nor infinite.

    Args:
        differences: ``(..., n)``, infinite where a run crashed; each row has its own limit.
        winsor: None: as they are, crashes as ``as_numbers`` places them.
    """
    if winsor is None or not differences.shape[-1]:
        return as_numbers(differences)
    limit = far(differences, winsor)
    pulled: NDArray[np.float64] = np.minimum(np.maximum(differences, -limit), limit)
    return pulled


def winsorised_mean(differences: NDArray[np.float64], winsor: float | None = WINSOR) -> float:
    """Returns the centre that sign-flip tests speak of: the mean after winsorising about the median.

    Unlike the mean of ``winsorised`` it is clipped about the median, so that moving all differences moves the centre with them.

    It is not finite where half of the differences or more come from crashes.

    Raises:
        ValueError: no differences.
    """
    with np.errstate(invalid="ignore"):
        middle = float(np.median(some(differences)))
    if not math.isfinite(middle):
        return middle
    return middle + float(np.mean(winsorised(differences - middle, winsor)))
