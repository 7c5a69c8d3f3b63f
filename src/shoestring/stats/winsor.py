"""Winsorising: pulling in what lies far out, so that one diverged run cannot decide a comparison.

Not outlier removal: a run that is pulled in still counts, with its sign. The limit depends on magnitudes alone, which keeps sign-flip
tests exact.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from shoestring.stats.pair_test import some

WINSOR = 2.5


def winsorised(differences: NDArray[np.float64], winsor: float | None = WINSOR) -> NDArray[np.float64]:
    """Returns the differences clipped to ``winsor`` times the median of those magnitudes that are not 0.

    Args:
        differences: ``(..., n)``, finite; each row has its own limit.
        winsor: None: as they are.
    """
    if winsor is None or not differences.shape[-1]:
        return differences
    n = differences.shape[-1]
    magnitude = np.abs(differences.reshape(-1, n))
    magnitude.sort(axis=1)
    rows = np.arange(len(magnitude))
    first = np.minimum(np.sum(magnitude == 0, axis=1), n - 1)  # of those that are not 0; where all are, it makes no difference
    low, high = magnitude[rows, (first + n - 1) // 2], magnitude[rows, (first + n) // 2]
    limit = (winsor * (low / 2 + high / 2)).reshape(*differences.shape[:-1], 1)
    pulled: NDArray[np.float64] = np.minimum(np.maximum(differences, -limit), limit)
    return pulled


def winsorised_mean(differences: NDArray[np.float64], winsor: float | None = WINSOR) -> float:
    """Returns the centre that sign-flip tests speak of: the mean after winsorising about the median.

    Unlike the mean of ``winsorised`` it is clipped about the median, so that moving all differences moves the centre with them.

    Raises:
        ValueError: no differences.
    """
    middle = float(np.median(some(differences)))
    return middle + float(np.mean(winsorised(differences - middle, winsor)))
