"""T-MIX: a sequential t-test that may be looked at after every seed, its threshold calibrated to the longest horizon.

Not distribution-free: the error rate holds if the differences are normal. It is what is left below 8 seeds, and saves about one seed above.
E is the ratio of the likelihood of a standardised effect drawn from N(0, g) to that of no effect, with the scale integrated out under the
right-Haar prior. At a moment that depends on the absolute scale it is not an e-value: never multiply or average it across studies.

Source: Lindon et al. 2022, "Anytime-valid inference in linear models", arXiv:2210.08589; Perez-Ortiz et al. 2022, arXiv:2208.07610;
Wang and Ramdas 2023, arXiv:2310.03722. Thresholds: ``tmix_thresholds``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np
from numpy.typing import NDArray

from shoestring.stats.crashes import as_numbers
from shoestring.stats.pair_test import Differences, Stop, check_settings, outcomes, some, within
from shoestring.stats.tmix_thresholds import ALPHAS, HORIZONS, TABLE_G, level_of, log_threshold

MIN_SEEDS = 3
COARSE_SHARE = 0.6  # of the error rate, where differences are surely not normal; simulated: calibrate_pairs.coarse
_EQUAL = 1e-9  # relative; 0.3 - 0.1 and 0.4 - 0.2 are equal


@final
@dataclass(frozen=True, slots=True)
class TMix:
    """The test as a ``PairTest``.

    Differences that are all equal count as differences whose spread goes to 0. Where some are equal, or a run crashed, they are surely not
    normal, and only 0.6 of the error rate is used: then equal arms with two or more values, or that crash, are told apart no more often
    than the error rate says (``docs/explanation/calibration.md``).

    Args:
        horizon: the most seeds it may see, at least 3; None: no limit, and above 1,000 as good as none: then the threshold is 1 / alpha.
        alpha: error rate, one-sided if ``one_sided``.
        g: variance of the standardised effect under the alternative; the calibrated thresholds are for 0.5, any other takes 1 / alpha.
        resolution: the smallest step of the metric, such as 1 / number of test items; 0 if it is continuous.
        one_sided: only a centre above 0 can be declared. It is the two-sided test at 2 alpha, read on one side.
        against_value: the differences are those of runs to one stated value, of which half may be equal by chance alone; then differences
            with equal magnitudes show nothing.
    Raises:
        ValueError: a setting is out of range, or the table has no threshold for it.
    """

    horizon: int | None
    alpha: float
    g: float = TABLE_G
    resolution: float = 0.0
    one_sided: bool = False
    against_value: bool = False
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
    def log_c_coarse(self) -> float:
        """The same where some differences are equal or a run crashed."""
        least = 0.0 if self.horizon is None or not is_calibrated(self.horizon, self.g) else ALPHAS[0]
        return log_c(self.horizon, max(COARSE_SHARE * self._two_sided_alpha, least), self.g)

    @property
    def _two_sided_alpha(self) -> float:
        return 2 * self.alpha if self.one_sided else self.alpha

    def stop(self, differences: Differences) -> Stop | None:
        """Returns the first n at which E reached the threshold, with the sign of the mean there."""
        found, sign, coarse = self._evidence(differences)
        reached = np.flatnonzero(found >= np.where(coarse, self.log_c_coarse, self.log_c))
        return Stop(int(reached[0]) + 1, int(sign[reached[0]])) if reached.size else None

    def p_value(self, differences: Differences) -> float:
        """Returns the error rate whose threshold the largest E so far would just reach, at least 0.001 (0.0005 one-sided), at most 1."""
        found, _, coarse = self._evidence(differences)
        fine = self._level(float(np.max(found[~coarse], initial=-math.inf)))
        level = min(fine, self._level(float(np.max(found[coarse], initial=-math.inf))) / COARSE_SHARE)
        return min(1.0, level / 2 if self.one_sided and level < 1 else level)

    def interval(self, differences: Differences) -> tuple[float, float]:
        """Returns the mean plus and minus ``t*`` standard errors; infinite for the first seeds, and where a run of one arm crashed."""
        array = within(differences, self.horizon)
        if not np.all(np.isfinite(array)):
            return -math.inf, math.inf
        coarse = array.size and is_coarse(array)[-1]
        return interval(array, self.log_c_coarse if coarse else self.log_c, self.g, self.resolution)

    def centre(self, differences: Differences) -> float:
        """Returns the mean of the differences."""
        with np.errstate(invalid="ignore"):
            return float(np.mean(some(outcomes(differences))))

    def _level(self, log_e: float) -> float:
        """Returns the two-sided error rate whose threshold a value of log E just reaches."""
        if self.horizon is None or not is_calibrated(self.horizon, self.g):
            return min(1.0, math.exp(-log_e)) if log_e > -math.inf else 1.0
        return level_of(self.horizon, log_e)

    def _evidence(self, differences: Differences) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
        """Returns log E, the sign of the mean, and whether differences are coarse, at every n; log E only where it may be declared."""
        array = within(differences, self.horizon)
        found, sign = evidence(array, self.g, self.resolution)
        if self.one_sided:
            found = np.where(sign > 0, found, -np.inf)
        if self.against_value:
            found = np.where(is_coarse(np.where(np.isfinite(array) & (array != 0), array, np.nan)), -np.inf, found)
        return found, sign, is_coarse(array)


def evidence(
    differences: NDArray[np.float64], g: float = TABLE_G, resolution: float = 0.0
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Returns log E and the sign of the mean after each seed, both ``(..., n)``; differences may be infinite where a run crashed."""
    if np.all(np.isfinite(differences)):
        return log_e(differences, g, resolution), np.sign(np.cumsum(differences, axis=-1))
    found, sign = np.empty_like(differences), np.empty_like(differences)
    for n in range(differences.shape[-1]):  # where a crash lies depends on the other differences seen by then
        seen = as_numbers(differences[..., : n + 1])
        found[..., n], sign[..., n] = log_e(seen, g, resolution)[..., -1], np.sign(seen.sum(axis=-1))
    return found, sign


def is_coarse(differences: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Returns after each seed whether two magnitudes are equal, or one is 0 or infinite, ``(..., n)``: the differences are not normal."""
    magnitude = np.abs(differences)
    found = (magnitude == 0) | np.isinf(magnitude)
    magnitude = np.where(np.isinf(magnitude), np.nan, magnitude)
    for n in range(1, differences.shape[-1]):
        gap = np.abs(magnitude[..., :n] - magnitude[..., n, None])
        found[..., n] |= np.any(gap <= _EQUAL * magnitude[..., n, None], axis=-1)
    return np.asarray(np.logical_or.accumulate(found, axis=-1))


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
        ``(..., n)``; minus infinity below 3 seeds and where all differences so far are 0.
    """
    mean, square = running_moments(differences)
    n = np.arange(1, differences.shape[-1] + 1)
    square = square + (n - 1) * resolution**2 / 12
    shrink = 1 + n * g
    signal = n * mean**2
    with np.errstate(invalid="ignore", divide="ignore"):
        evidence = n / 2 * (np.log1p(signal / square) - np.log1p(signal / (square * shrink))) - 0.5 * np.log(shrink)
    evidence = np.where(square > 0, evidence, np.where(mean != 0, (n - 1) / 2 * np.log(shrink), -np.inf))  # the limit, where all are equal
    return np.where(n >= MIN_SEEDS, evidence, -np.inf)


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
