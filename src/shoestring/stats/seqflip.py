"""SEQ-FLIP: an exact sequential test that flips signs and spends its error rate a little after each seed.

No assumption on the shape of the distribution: if on each seed both arms have the same distribution of results, or the differences are
symmetric about 0, the chance that it ever stops is at most alpha, however and whenever one stops. It says nothing about means: a
difference that is skewed about a mean of 0 is a difference to it.

Given the magnitudes, each pattern of signs was equally likely under the null. All patterns (random ones beyond 14 seeds) are followed side
by side; after seed n those with the largest statistic are rejected, so many that ``alpha * (n / N)**rho`` of them are rejected in all. The
test stops when the observed pattern is among them. Since patterns are only ever counted, the rate holds for all n at once.

Source: own construction from Fisher's randomisation test with the spending of Lan and DeMets 1983; see ``docs/explanation/calibration.md``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, final

import numpy as np
from numpy.typing import NDArray

from shoestring.stats.inversion import shifts_kept
from shoestring.stats.pair_test import Differences, Stop, check_settings, outcomes, within
from shoestring.stats.winsor import WINSOR, winsorised, winsorised_mean

RHO = 0.75
MAX_ENUMERATED = 14
LEVELS = (0.2, 0.1, 0.05, 0.025, 0.0166, 0.0125, 0.01, 0.005, 0.0025, 0.001)
_TIE = 1e-9


@final
@dataclass(frozen=True, slots=True)
class SeqFlip:
    """The test as a ``PairTest``.

    Args:
        horizon: N, the most seeds it may see, at least 2.
        alpha: error rate, one-sided if ``one_sided``.
        seed: of the random sign patterns beyond 14 seeds; record it with the study.
        rho: how early the error rate is spent; smaller is earlier.
        winsor: differences are clipped to so many times their median magnitude; None: the mean as it is.
        one_sided: only a centre above 0 can be declared. It is the two-sided test at 2 alpha, read on one side.
    Raises:
        ValueError: a setting is out of range, or alpha is too small to be reached at this horizon.
    """

    horizon: int
    alpha: float
    seed: int
    rho: float = RHO
    winsor: float | None = WINSOR
    one_sided: bool = False
    name: ClassVar[str] = "SEQ-FLIP"

    def __post_init__(self) -> None:
        check_settings(self.horizon, self.alpha, 2)
        if not self.rho > 0 or (self.winsor is not None and not self.winsor > 0):
            raise ValueError(f"rho={self.rho} and winsor={self.winsor} cannot be used; both must be above 0 (winsor may be None).")
        n_patterns = _n_patterns(self.horizon)
        if n_patterns * self._level < 1:
            side = "one-sided" if self.one_sided else "two-sided"
            raise ValueError(
                f"a {side} alpha of {self.alpha:g} cannot be reached with horizon={self.horizon}: the {n_patterns} sign patterns allow "
                f"{1 / n_patterns / (2 if self.one_sided else 1):.2g} at least. Raise alpha or the horizon, or take T-MIX."
            )

    def stop(self, differences: Differences) -> Stop | None:
        """Returns the first n at which the observed signs are among the rejected, with the sign of the winsorised sum there."""
        n, sign = self._stops(differences, (self._level,))
        return Stop(int(n[0]), int(sign[0])) if n[0] else None

    def p_value(self, differences: Differences) -> float:
        """Returns the smallest of a few error rates at which the test would have stopped by now, 1 if there is none.

        Tests at all ``LEVELS`` run side by side. Counted from alpha, a level holds if all between do; so the p-value is at most alpha
        if and only if the test stopped, and ``P(p <= level) <= level`` for each level up to alpha.
        """
        levels = tuple(sorted({self._level, *(level for level in LEVELS if self._reachable(level))}, reverse=True))
        n, _ = self._stops(differences, levels)
        at_alpha = levels.index(self._level)
        first, last = (at_alpha, len(levels)) if n[at_alpha] else (0, at_alpha)
        held = 0
        while first + held < last and n[first + held]:
            held += 1
        return levels[first + held - 1] / (2 if self.one_sided else 1) if held else 1.0

    def interval(self, differences: Differences) -> tuple[float, float]:
        """Returns the shifts that have not been rejected by now; infinite before the first seed at which anything can be.

        Where no shift at all is left, which needs very unusual differences, it is the centre alone, or infinite where runs crashed.
        """
        array = within(differences, self.horizon)
        if not np.any(budget(self.horizon, (self._level,), self.rho, _n_patterns(self.horizon))[: len(array)] > 0):
            return -np.inf, np.inf
        return shifts_kept(array, self._rejects, self.winsor)

    def centre(self, differences: Differences) -> float:
        """Returns the winsorised mean."""
        return winsorised_mean(outcomes(differences), self.winsor)

    @property
    def _level(self) -> float:
        return 2 * self.alpha if self.one_sided else self.alpha

    def _reachable(self, level: float) -> bool:
        return _n_patterns(self.horizon) * level >= 1

    def _rejects(self, array: NDArray[np.float64]) -> bool:
        """Whether the two-sided test has stopped, on whichever side."""
        n, _ = flip_stops(array[None], self.horizon, (self._level,), self.seed, self.rho, self.winsor)
        return bool(n[0, 0])

    def _stops(self, differences: Differences, levels: tuple[float, ...]) -> tuple[NDArray[np.int_], NDArray[np.int_]]:
        """Returns n and sign of each level, ``(n_levels,)``; n is 0 where it has not stopped, or stopped on the side that is not asked."""
        array = within(differences, self.horizon)
        n, sign = flip_stops(array[None], self.horizon, levels, self.seed, self.rho, self.winsor)
        return (np.where(sign[0] > 0, n[0], 0) if self.one_sided else n[0]), sign[0]


def _n_patterns(horizon: int) -> int:
    return 1 << (min(MAX_ENUMERATED, horizon) - 1)


@lru_cache(maxsize=4)
def sign_patterns(horizon: int, seed: int) -> NDArray[np.float64]:
    """Returns the patterns relative to the observed signs, ``(horizon, n_patterns)``; pattern 0 is the observed one, all +1.

    Seed 1 keeps its sign, for the statistic is two-sided; seeds 2 to 14 run through all patterns; later ones are random.
    """
    enumerated = min(MAX_ENUMERATED, horizon)
    n_patterns = _n_patterns(horizon)
    signs = np.ones((horizon, n_patterns))
    signs[1:enumerated] = 1 - 2 * (np.arange(n_patterns) >> np.arange(enumerated - 1)[:, None] & 1)
    signs[enumerated:, 1:] = np.random.default_rng(seed).choice([-1.0, 1.0], size=(horizon - enumerated, n_patterns - 1))
    signs.flags.writeable = False
    return signs


def budget(horizon: int, levels: tuple[float, ...], rho: float, n_patterns: int) -> NDArray[np.int_]:
    """Returns how many of the patterns may be rejected up to each n, ``(horizon, n_levels)``."""
    spent = (np.arange(1, horizon + 1)[:, None] / horizon) ** rho
    return np.floor(n_patterns * np.array(levels) * spent).astype(np.int_)


def flip_stops(
    differences: NDArray[np.float64],
    horizon: int,
    levels: tuple[float, ...],
    seed: int,
    rho: float = RHO,
    winsor: float | None = WINSOR,
) -> tuple[NDArray[np.int_], NDArray[np.int_]]:
    """Returns where two-sided tests at several levels stop, for many studies at once.

    Args:
        differences: ``(n_studies, n)`` with ``n <= horizon``.
        horizon: N.
        levels: two-sided error rates.
        seed: of the random sign patterns, shared by all studies.
        rho: exponent of the spending.
        winsor: as in ``SeqFlip``.
    Returns:
        ``(n_studies, n_levels)`` each: n, 0 where the test has not stopped; and the sign, 0 where it has not.
    """
    signs = sign_patterns(horizon, seed)
    allowed = budget(horizon, levels, rho, signs.shape[1])
    stopped, sign = (np.zeros((len(differences), len(levels)), dtype=np.int_) for _ in range(2))
    rows = np.arange(len(differences))  # the studies that are still followed
    used = np.zeros_like(stopped)
    gone = np.zeros((len(levels), len(rows), signs.shape[1]))  # 0, or minus infinity for patterns that were rejected
    space = np.empty((3, len(rows), signs.shape[1]))  # written over and over: fresh memory would take longer than the sums
    for n in range(1, differences.shape[1] + 1):
        if not (allowed[n - 1] > used).any():
            continue
        open_rows = (stopped[rows] == 0).any(axis=1)
        if not open_rows.all():
            rows, used, gone, space = rows[open_rows], used[open_rows], gone[:, open_rows], space[:, : open_rows.sum()]
        if not rows.size:
            break
        pulled = winsorised(differences[rows, :n], winsor)
        size = np.max(np.abs(pulled), axis=1, keepdims=True)
        statistic = np.matmul(pulled / np.where(size > 0, size, 1.0), signs[:n], out=space[0])
        np.abs(statistic, out=statistic)
        for k in range(len(levels)):
            want = np.where(stopped[rows, k] == 0, allowed[n - 1, k] - used[:, k], 0)
            for count in np.unique(want[want > 0]):
                chosen = np.flatnonzero(want == count)
                rejected = _reject(statistic, gone[k], chosen, int(count), space[1:])
                used[chosen, k] += rejected.sum(axis=1)
                hit = chosen[rejected[:, 0]]
                stopped[rows[hit], k] = n
                sign[rows[hit], k] = np.sign(pulled[hit].sum(axis=1))
    return stopped, sign


def _reject(
    statistic: NDArray[np.float64], gone: NDArray[np.float64], chosen: NDArray[np.int_], count: int, space: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Returns which patterns of the chosen rows are rejected now, ``(n_chosen, n_patterns)``, and enters them in ``gone``."""
    if len(chosen) == len(statistic):
        rejected = largest(np.add(statistic, gone, out=space[0]), count, space[1])
        np.copyto(gone, -np.inf, where=rejected)
        return rejected
    rejected = largest(statistic[chosen] + gone[chosen], count)
    row, pattern = np.nonzero(rejected)
    gone[chosen[row], pattern] = -np.inf
    return rejected


def largest(statistic: NDArray[np.float64], count: int, space: NDArray[np.float64] | None = None) -> NDArray[np.bool_]:
    """Marks the ``count`` largest of each row, and fewer where the last of them are tied with the next: a tie is rejected whole or not.

    Args:
        statistic: ``(n_rows, n_patterns)``, of size about 1; minus infinity is never marked.
        count: how many, less than ``n_patterns``.
        space: overwritten, of the same shape; None: a copy is made.
    """
    ordered = np.empty_like(statistic) if space is None else space
    np.copyto(ordered, statistic)
    position = statistic.shape[1] - 1 - count
    ordered.partition(position, axis=1)
    bound = ordered[:, position, None]
    return np.asarray(statistic > bound + np.where(np.isfinite(bound), np.abs(bound) * _TIE + 1e-12, 0.0))
