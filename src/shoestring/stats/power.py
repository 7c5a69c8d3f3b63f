"""What a comparison can see before it is run: the smallest difference it finds four times in five, and how many seeds that takes.

Differences are in standard deviations of one paired difference, normal, and the plan includes the futility stop. It is simulated when asked
for, with a fixed seed. SEQ-FLIP is simulated with fewer sign patterns than the test has, and only as far as it differs from T-MIX on the
same data, which is known from many more studies. It plans nothing without a horizon.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, final

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincinv, ndtri

from shoestring.stats.choose import MIN_EXACT_HORIZON
from shoestring.stats.futility import HOPELESS, predictive_powers
from shoestring.stats.pair_test import Differences
from shoestring.stats.seqflip import RHO
from shoestring.stats.tmix import log_c, log_e
from shoestring.stats.winsor import WINSOR, winsorised

Array = NDArray[np.float64]
Method = Literal["SEQ-FLIP", "T-MIX"]
FOUND = 0.8
_CHEAP_NUMBERS = 250_000  # simulated differences a point for T-MIX
_MOST_STUDIES = 20_000
_DEAR_NUMBERS = 20_000_000  # the same for SEQ-FLIP, times its sign patterns
_MOST_DEAR = 4000
_REJECTED = 50  # sign patterns that the error rate should allow to reject: with 12 the power comes out .03 too low
_MOST_ENUMERATED = 12  # seeds whose sign patterns are all followed; the test itself does 14
_EVALUATIONS = 2


@final
@dataclass(frozen=True, slots=True)
class Expected:
    """What one true difference leads to.

    Attributes:
        power: chance that it is declared, in the right direction.
        seeds: mean number of seeds used, with the futility stop.
    """

    power: float
    seeds: float


@final
@dataclass(frozen=True, slots=True)
class PowerPlan:
    """What a horizon can see.

    Attributes:
        horizon: most seeds an arm.
        alpha: error rate, two-sided, or one-sided if asked for.
        method: name of the test.
        smallest: the difference that is found with 80%, in standard deviations of one paired difference; ``inf`` if none is.
        seeds_if_real: mean number of seeds used if the difference is that large.
        seeds_if_null: mean number of seeds used if there is none.
        smallest_doubled: ``smallest`` at twice the horizon.
    """

    horizon: int
    alpha: float
    method: Method
    smallest: float
    seeds_if_real: float
    seeds_if_null: float
    smallest_doubled: float


@lru_cache(maxsize=256)
def plan_power(horizon: int, alpha: float, method: Method, *, one_sided: bool = False, seed: int = 0) -> PowerPlan:
    """Returns what a comparison with this horizon can see; about a second for SEQ-FLIP.

    Args:
        horizon: most seeds an arm, at least 3, for SEQ-FLIP at least 6.
        alpha: error rate.
        method: ``PairTest.name`` of the test.
        one_sided: only a centre above 0 can be declared.
        seed: of the simulation.
    Raises:
        ValueError: a horizon too short, or no threshold for it.
    """
    smallest = _smallest(horizon, alpha, method, one_sided, seed, _EVALUATIONS)
    doubled = _smallest(2 * horizon, alpha, method, one_sided, seed, 1)
    real = expected(horizon, alpha, method, smallest, one_sided=one_sided, seed=seed) if math.isfinite(smallest) else None
    null = expected(horizon, alpha, method, 0.0, one_sided=one_sided, seed=seed)
    return PowerPlan(horizon, alpha, method, smallest, real.seeds if real else float(horizon), null.seeds, doubled)


@lru_cache(maxsize=1024)
def expected(horizon: int, alpha: float, method: Method, difference: float, *, one_sided: bool = False, seed: int = 0) -> Expected:
    """Returns power and mean seeds at one true difference.

    Args:
        horizon: most seeds an arm.
        alpha: error rate.
        method: ``PairTest.name`` of the test.
        difference: in standard deviations of one paired difference, any sign; found is what is declared on its side (0: either).
        one_sided: only a centre above 0 can be declared.
        seed: of the simulation.
    Raises:
        ValueError: a horizon too short, or no threshold for it.
    """
    if method not in ("SEQ-FLIP", "T-MIX"):
        raise ValueError(f"method={method!r} cannot be planned; the planner knows SEQ-FLIP and T-MIX, which have a horizon.")
    least = 6 if method == "SEQ-FLIP" else 3
    if horizon < least:
        raise ValueError(f"horizon={horizon} is too short for {method}; it needs at least {least} seeds.")
    level = 2 * alpha if one_sided else alpha
    draws = np.random.default_rng(seed).normal(size=(min(_MOST_STUDIES, _CHEAP_NUMBERS // horizon), horizon)) + difference
    found, used = _outcome(draws, *_tmix_stops(draws, level), alpha, difference, one_sided, winsor=None)
    power, seeds = float(found.mean()), float(used.mean())
    if method == "SEQ-FLIP":
        few = draws[: min(_MOST_DEAR, _DEAR_NUMBERS // (horizon << (_enumerated(horizon, level) - 1)))]
        flip_found, flip_used = _outcome(few, *_seqflip_stops(few, level, seed), alpha, difference, one_sided, winsor=WINSOR)
        power += float((flip_found - found[: len(few)]).mean())
        seeds += float((flip_used - used[: len(few)]).mean())
    return Expected(min(max(power, 0.0), 1.0), min(seeds, float(horizon)))


def detectable(differences: Differences, horizon: int | None, alpha: float, *, one_sided: bool = False, seed: int = 0) -> float | None:
    """Returns the difference that twice the horizon would find with 80%, in the unit of the differences.

    None where that is not known: no horizon, fewer than 2 differences, or differences that are all alike or infinite.

    Args:
        differences: ``(n,)``, of the comparison so far; only their standard deviation counts.
        horizon: of that comparison; None: open.
        alpha: its error rate.
        one_sided: only a centre above 0 can be declared.
        seed: of the simulation.
    """
    array = np.asarray(differences, dtype=np.float64)
    if horizon is None or array.size < 2 or not np.all(np.isfinite(array)) or np.ptp(array) == 0:
        return None
    method: Method = "SEQ-FLIP" if 2 * horizon >= MIN_EXACT_HORIZON else "T-MIX"
    return float(array.std(ddof=1)) * _smallest(2 * horizon, alpha, method, one_sided, seed, 1)


def sd_range(n_pairs: int, level: float = 0.8) -> tuple[float, float]:
    """Returns the factors between which the true standard deviation lies, relative to that of a pilot.

    Args:
        n_pairs: paired differences in the pilot, at least 2.
        level: between 0 and 1.
    Raises:
        ValueError: an argument out of its range.
    """
    if n_pairs < 2 or not 0 < level < 1:
        raise ValueError(
            f"a pilot of {n_pairs} pairs at level={level} says nothing; at least 2 pairs and a level between 0 and 1 are needed."
        )
    nu = n_pairs - 1
    high, low = (2 * float(gammaincinv(nu / 2, share)) for share in ((1 + level) / 2, (1 - level) / 2))  # chi-squared quantiles
    return math.sqrt(nu / high), math.sqrt(nu / low)


@lru_cache(maxsize=256)
def _smallest(horizon: int, alpha: float, method: Method, one_sided: bool, seed: int, evaluations: int) -> float:
    """Returns the difference found with 80%: by secant steps on the normal quantile of the power, which is nearly a line."""
    start = 3.5 / math.sqrt(horizon) if horizon >= 10 else 3.4 * (3 / horizon) ** 0.9
    if method == "SEQ-FLIP":
        start = _smallest(horizon, alpha, "T-MIX", one_sided, seed, 2) * 1.04
    slope = math.sqrt(horizon) * 0.9
    points: list[tuple[float, float]] = []
    at = start
    for _ in range(evaluations):
        share = expected(horizon, alpha, method, round(at, 4), one_sided=one_sided, seed=seed).power
        height = float(ndtri(min(max(share, 0.01), 0.99)))
        if points and abs(at - points[-1][0]) > 0.02 * at and height > points[-1][1]:
            slope = (height - points[-1][1]) / (at - points[-1][0])
        points.append((at, height))
        at = max(at + float(np.clip((float(ndtri(FOUND)) - height) / slope, -0.4 * at, 0.6 * at)), 1e-3)
    return round(at, 4)


def _tmix_stops(draws: Array, level: float) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Returns after how many seeds T-MIX stops, 0 if never, and the sign there."""
    reached = log_e(draws) >= log_c(draws.shape[1], level)
    n = np.where(reached.any(axis=1), reached.argmax(axis=1) + 1, 0)
    at = np.maximum(n - 1, 0)[:, None]
    return n, np.sign(np.take_along_axis(np.cumsum(draws, axis=1), at, axis=1)[:, 0])


def _seqflip_stops(draws: Array, level: float, seed: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Returns after how many seeds SEQ-FLIP with fewer sign patterns stops, 0 if never, and the sign there."""
    n_studies, horizon = draws.shape
    enumerated = _enumerated(horizon, level)
    n_patterns = 1 << (enumerated - 1)
    signs = np.ones((horizon, n_patterns))
    signs[1:enumerated] = 1 - 2 * (np.arange(n_patterns) >> np.arange(enumerated - 1)[:, None] & 1)
    signs[enumerated:, 1:] = np.random.default_rng(seed).choice([-1.0, 1.0], size=(horizon - enumerated, n_patterns - 1))
    stopped, sign = np.zeros(n_studies, dtype=np.int64), np.zeros(n_studies)
    going, used, dead = np.arange(n_studies), np.zeros(n_studies, dtype=np.int64), np.zeros((n_studies, n_patterns), dtype=bool)
    for n in range(1, horizon + 1):
        want = math.floor(n_patterns * level * (n / horizon) ** RHO) - used
        if not going.size or not np.any(want > 0):
            continue
        pulled = winsorised(draws[going, :n], WINSOR)
        statistic = np.where(dead, -1.0, np.abs(pulled @ signs[:n]))
        ranked = np.sort(statistic, axis=1)
        limit = np.take_along_axis(ranked, n_patterns - 1 - np.maximum(want, 0)[:, None], axis=1)
        rejected = (statistic > limit * (1 + 1e-9) + 1e-12) & (want > 0)[:, None]
        used += rejected.sum(axis=1)
        dead |= rejected
        hit = rejected[:, 0]
        stopped[going[hit]], sign[going[hit]] = n, np.sign(pulled[hit].sum(axis=1))
        going, used, dead = going[~hit], used[~hit], dead[~hit]
    return stopped, sign


def _enumerated(horizon: int, level: float) -> int:
    """Returns how many seeds' sign patterns are all followed in the simulation of SEQ-FLIP."""
    return min(1 + math.ceil(math.log2(_REJECTED / level)), _MOST_ENUMERATED, horizon)


def _outcome(
    draws: Array, stopped: NDArray[np.int64], sign: Array, alpha: float, difference: float, one_sided: bool, winsor: float | None
) -> tuple[Array, Array]:
    """Returns for each study whether the difference was found (0 or 1), and how many seeds it used, given up as hopeless included."""
    n_studies, horizon = draws.shape
    wrong_side = one_sided & (sign < 0)
    ends = np.where((stopped > 0) & ~wrong_side, stopped, horizon)
    found = ((stopped > 0) & ~wrong_side & ((sign == np.sign(difference)) | (difference == 0))).astype(np.float64)
    going = np.arange(n_studies)
    for n in range(4 if horizon <= 8 else 6, horizon):
        going = going[ends[going] > n]
        if not going.size:
            break
        hopeless = predictive_powers(draws[going, :n], horizon, alpha, one_sided=one_sided, winsor=winsor) < HOPELESS
        ends[going[hopeless]], found[going[hopeless]] = n, 0.0
    return found, ends.astype(np.float64)
