"""Is it still worth continuing? The chance that the seeds left would bring a decision.

Not an answer about the arms: a comparison that is stopped as hopeless is undecided at this budget, never "no difference". Going on all the
same never breaks an error rate, for stopping early without a claim can only take claims away.

The chance is that of a fixed-sample t-test at the horizon with the threshold of T-MIX there, given what was seen, with the unknown mean and
scale integrated out; it serves SEQ-FLIP too, whose boundary is close. Mean and scale are taken after winsorising: where one run in ten
diverges, SEQ-FLIP then gives up 2 in 100 studies that it would have decided, with the plain mean 16; with normal differences it is 2
or 3 either way (N = 30).

Source: Spiegelhalter, Abrams and Myles 2004, "Bayesian approaches to clinical trials", chapter 6, for predictive power under a flat prior.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr

from shoestring.stats.pair_test import Differences, within
from shoestring.stats.tmix import critical_t, log_c
from shoestring.stats.winsor import WINSOR, winsorised

HOPELESS = 0.05
_MIN_SEEDS = 6
_MIN_SEEDS_SHORT = 4
_SHORT_HORIZON = 8


def is_hopeless(
    differences: Differences,
    horizon: int,
    alpha: float,
    *,
    one_sided: bool = False,
    winsor: float | None = WINSOR,
    below: float = HOPELESS,
) -> bool:
    """Returns whether the predictive power is below 5% after enough seeds to say so: 6, or 4 with a horizon of at most 8.

    Args:
        differences: ``(n,)``, in seed order.
        horizon: the most seeds, as the test was made for.
        alpha: the test's error rate, one-sided if ``one_sided``.
        one_sided: only a centre above 0 can be declared.
        winsor: as in ``predictive_power``.
        below: the predictive power at which to give up.
    Raises:
        ValueError: more differences than the horizon allows, or no threshold for it.
    """
    array = within(differences, horizon)
    least = _MIN_SEEDS_SHORT if horizon <= _SHORT_HORIZON else _MIN_SEEDS
    return len(array) >= least and predictive_power(array, horizon, alpha, one_sided=one_sided, winsor=winsor) < below


def predictive_power(
    differences: Differences, horizon: int, alpha: float, *, one_sided: bool = False, winsor: float | None = WINSOR
) -> float:
    """Returns the chance that the test declares something at its horizon, given the differences so far.

    Args:
        differences: ``(n,)`` with 2 <= n <= horizon.
        horizon: the most seeds.
        alpha: the test's error rate, one-sided if ``one_sided``.
        one_sided: only a centre above 0 can be declared.
        winsor: mean and standard deviation are taken after clipping at so many times the median magnitude; None: as they are.
    Raises:
        ValueError: fewer than 2 differences or more than the horizon, or the table of thresholds has no such horizon or alpha.
    """
    array = within(differences, horizon)
    if len(array) < 2:
        raise ValueError(f"{len(array)} differences say nothing about those to come; at least 2 are needed.")
    return float(predictive_powers(array, horizon, alpha, one_sided=one_sided, winsor=winsor)[()])


def predictive_powers(
    differences: NDArray[np.float64], horizon: int, alpha: float, *, one_sided: bool = False, winsor: float | None = WINSOR
) -> NDArray[np.float64]:
    """Returns ``predictive_power`` of many studies at once, ``(...)`` from ``(..., n)``; where all are alike they are taken to stay so."""
    n = differences.shape[-1]
    pulled = winsorised(differences, winsor)
    mean, spread = pulled.mean(axis=-1), pulled.std(axis=-1, ddof=1)
    needed = float(critical_t(horizon, log_c(horizon, 2 * alpha if one_sided else alpha))) / math.sqrt(horizon)
    with np.errstate(divide="ignore", invalid="ignore"):
        effect = mean / spread
    effect = np.where(spread > 0, effect, np.where(mean == 0, 0.0, np.copysign(np.inf, mean)))
    if n >= horizon:
        return np.where((effect if one_sided else np.abs(effect)) > needed, 1.0, 0.0)
    width = math.sqrt(1 / n - 1 / horizon)
    up = stdtr(n - 1, (effect - needed) / width)
    return np.asarray(up if one_sided else up + stdtr(n - 1, (-effect - needed) / width))
