"""T-MIX: a sequential t-test that may be looked at after every seed, its threshold calibrated to the longest horizon.

Not distribution-free: the error rate holds if the differences are normal. It is what is left below 8 seeds, and saves about one seed above.
E is the ratio of the likelihood of a standardised effect drawn from N(0, g) to that of no effect, with the scale integrated out under the
right-Haar prior. At a moment that depends on the absolute scale it is no e-value: never multiply or average it across studies.

Source: Lindon et al. 2022, "Anytime-valid inference in linear models", arXiv:2210.08589; Perez-Ortiz et al. 2022, arXiv:2208.07610;
Wang and Ramdas 2023, arXiv:2310.03722. Thresholds: ``tmix_thresholds``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np
from numpy.typing import NDArray

from shoestring.stats.pair_test import Differences, Stop, check_settings, finite, some, within
from shoestring.stats.tmix_thresholds import HORIZONS, TABLE_G, level_of, log_threshold

MIN_SEEDS = 3


@final
@dataclass(frozen=True, slots=True)
class TMix:
    """The test as a ``PairTest``.

    Differences that are all equal are never tested, unless ``resolution`` is set: seeds that change nothing are no evidence about seeds.

    Args:
        horizon: the most seeds it may see, at least 3; None: no limit, and above 1,000 as good as none: then the threshold is 1 / alpha.
        alpha: error rate, one-sided if ``one_sided``.
        g: variance of the standardised effect under the alternative; the calibrated thresholds are for 0.5, any other takes 1 / alpha.
        resolution: the smallest step of the metric, such as 1 / number of test items; 0 if it is continuous.
        one_sided: only a centre above 0 can be declared. It is the two-sided test at 2 alpha, read on one side.
    Raises:
        ValueError: a setting is out of range, or the table has no threshold for it.
    """

    horizon: int | None
    alpha: float
    g: float = TABLE_G
    resolution: float = 0.0
    one_sided: bool = False
    name: ClassVar[str] = "T-MIX"

    def __post_init__(self) -> None:
        check_settings(self.horizon, self.alpha, MIN_SEEDS)
        if not self.g > 0 or not self.resolution >= 0:
            raise ValueError(f"g={self.g} and resolution={self.resolution} cannot be used; g must be above 0, resolution at least 0.")
        _ = self.log_c

    @property
    def log_c(self) -> float:
        """The logarithm of the threshold that E must reach."""
        return log_c(self.horizon, self._two_sided_alpha, self.g)

    @property
    def _two_sided_alpha(self) -> float:
        return 2 * self.alpha if self.one_sided else self.alpha

    def stop(self, differences: Differences) -> Stop | None:
        """Returns the first n at which E reached the threshold, with the sign of the mean there."""
        evidence, sign = self._evidence(differences)
        reached = np.flatnonzero(evidence >= self.log_c)
        return Stop(int(reached[0]) + 1, int(sign[reached[0]])) if reached.size else None

    def p_value(self, differences: Differences) -> float:
        """Returns the error rate whose threshold the largest E so far would just reach, at least 0.001 (0.0005 one-sided), at most 1."""
        evidence, _ = self._evidence(differences)
        top = float(np.max(evidence, initial=-math.inf))
        if self.horizon is None or not is_calibrated(self.horizon, self.g):
            return min(1.0, math.exp(-top) / (2 if self.one_sided else 1)) if top > -math.inf else 1.0
        level = level_of(self.horizon, top)
        return level / 2 if self.one_sided and level < 1 else level

    def interval(self, differences: Differences) -> tuple[float, float]:
        """Returns the mean plus and minus ``t*`` standard errors; ``t*`` is infinite for the first seeds."""
        array = within(differences, self.horizon)
        return interval(array, self.log_c, self.g, self.resolution)

    def centre(self, differences: Differences) -> float:
        """Returns the mean of the differences."""
        return float(np.mean(some(finite(differences))))

    def _evidence(self, differences: Differences) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Returns log E and the sign of the mean at every n; log E is minus infinity on the side that cannot be declared."""
        array = within(differences, self.horizon)
        sign = np.sign(np.cumsum(array))
        evidence = log_e(array, self.g, self.resolution)
        return np.where(sign > 0, evidence, -np.inf) if self.one_sided else evidence, sign


def log_c(horizon: int | None, alpha: float, g: float = TABLE_G) -> float:
    """Returns the logarithm of the threshold at a two-sided error rate: calibrated where the table reaches, otherwise log(1 / alpha).

    Raises:
        ValueError: the table has the horizon but no such alpha, or the horizon is below 3.
    """
    if horizon is None or not is_calibrated(horizon, g):
        return -math.log(alpha)
    return log_threshold(horizon, alpha)


def is_calibrated(horizon: int, g: float) -> bool:
    """Returns whether the table of thresholds is for such a horizon and ``g``; Ville's 1 / alpha is always valid, only slower."""
    return g == TABLE_G and horizon <= HORIZONS[-1]


def log_e(differences: NDArray[np.float64], g: float = TABLE_G, resolution: float = 0.0) -> NDArray[np.float64]:
    """Returns log E after each seed.

    Args:
        differences: ``(..., n)``, finite.
        g: variance of the standardised effect under the alternative.
        resolution: as in ``TMix``.
    Returns:
        ``(..., n)``; minus infinity below 3 seeds and where all differences so far are equal.
    """
    mean, square = running_moments(differences)
    n = np.arange(1, differences.shape[-1] + 1)
    square = square + (n - 1) * resolution**2 / 12
    shrink = 1 + n * g
    signal = n * mean**2
    with np.errstate(invalid="ignore", divide="ignore"):
        evidence = n / 2 * (np.log1p(signal / square) - np.log1p(signal / (square * shrink))) - 0.5 * np.log(shrink)
    return np.where((n >= MIN_SEEDS) & (square > 0), evidence, -np.inf)


def running_moments(differences: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Returns the mean and the sum of squared deviations after each seed, both ``(..., n)``; exactly 0 where all are equal.

    Source: Welford 1962.
    """
    mean, square = np.empty_like(differences), np.empty_like(differences)
    centre = spread = np.zeros(differences.shape[:-1])
    for i in range(differences.shape[-1]):
        gap = differences[..., i] - centre
        centre = centre + gap / (i + 1)
        spread = spread + gap * (differences[..., i] - centre)
        mean[..., i], square[..., i] = centre, spread
    return mean, square


def critical_t(n: NDArray[np.int_] | int, log_c: float, g: float = TABLE_G) -> NDArray[np.float64]:
    """Returns ``t*``, the |t| at which E reaches its threshold after n seeds; infinite where it never can.

    Args:
        n: numbers of seeds, any shape.
        log_c: logarithm of the threshold.
        g: as in ``log_e``.
    """
    seeds = np.asarray(n, dtype=np.float64)
    shrink = 1 + seeds * g
    growth = np.exp((2 / seeds) * (log_c + 0.5 * np.log(shrink)))
    with np.errstate(invalid="ignore", divide="ignore"):
        t = np.sqrt((seeds - 1) * (growth - 1) / (1 - growth / shrink))
    return np.where((seeds >= MIN_SEEDS) & (growth < shrink), np.where(growth > 1, t, 0.0), np.inf)


def interval(differences: NDArray[np.float64], log_c: float, g: float = TABLE_G, resolution: float = 0.0) -> tuple[float, float]:
    """Returns the confidence interval after ``(n,)`` differences; infinite where ``t*`` is or the differences do not vary."""
    n = len(differences)
    if n < MIN_SEEDS:
        return -math.inf, math.inf
    mean, square = (float(moment[-1]) for moment in running_moments(differences))
    error = math.sqrt((square / (n - 1) + resolution**2 / 12) / n)
    t = float(critical_t(n, log_c, g))
    if error == 0 or math.isinf(t):
        return -math.inf, math.inf
    return mean - t * error, mean + t * error
