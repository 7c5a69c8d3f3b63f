"""By how much stopping early flatters the estimate: a label and a shrunken mean. Not a correction that removes the bias.

Who stops as soon as a test says so stops on lucky seeds: of standardised effects of 0.5, those found within 30 seeds are estimated at 0.75
on average, within 10 seeds at 0.97. So the interval is the answer, and the estimate carries a label.

Source: own measurements in ``docs/explanation/calibration.md``; the shrunken mean is the posterior mean under the prior of T-MIX.
"""

from __future__ import annotations

import math

from shoestring.stats.pair_test import Differences, finite, some
from shoestring.stats.tmix import critical_t, log_c, running_moments
from shoestring.stats.tmix_thresholds import TABLE_G

LABEL = "at stopping, biased up"


def shrunken_mean(differences: Differences, g: float = TABLE_G) -> float:
    """Returns ``mean * n g / (1 + n g)``, which overcorrects large effects.

    Args:
        differences: ``(n,)``, at least one.
        g: variance of the standardised effect that is expected.
    Raises:
        ValueError: no differences.
    """
    array = some(finite(differences))
    return float(array.mean()) * array.size * g / (1 + array.size * g)


def is_exaggerated(differences: Differences, horizon: int | None, alpha: float) -> bool:
    """Returns whether an estimate at stopping needs the label: |t| is less than 1 above the ``t*`` of T-MIX.

    Args:
        differences: ``(n,)``, up to where the test stopped.
        horizon: the most seeds; None: no limit.
        alpha: two-sided error rate.
    """
    array = finite(differences)
    if array.size < 2:
        return True
    mean, square = (float(moment[-1]) for moment in running_moments(array))
    if square == 0:
        return False
    t = abs(mean) / math.sqrt(square / (array.size - 1) / array.size)
    return t < float(critical_t(array.size, log_c(horizon, alpha))) + 1
