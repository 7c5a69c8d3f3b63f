"""Crashes in a comparison: a run that gave no value is worse than every number, in whatever unit the metric is measured.

A crashed run's score is minus infinity. So a difference is infinite where one of two runs crashed, and 0 where both did. No score is made
up for a crash: a test that needs numbers takes them from the other differences, so that a change of unit changes no decision.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

CRASHED = -math.inf
HUGE = 1e150  # values beyond are taken for this: differences and their squares are then numbers
FAR = 2.5  # times the median magnitude of the differences between runs that gave a value


def paired(first: Sequence[float] | NDArray[np.float64], second: Sequence[float] | NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns first minus second as far as both have scores; infinite where one crashed, 0 where both did."""
    n = min(len(first), len(second))
    a, b = np.asarray(first[:n], dtype=np.float64), np.asarray(second[:n], dtype=np.float64)
    with np.errstate(invalid="ignore"):
        return np.where(np.isneginf(a) & np.isneginf(b), 0.0, a - b)


def far(differences: NDArray[np.float64], times: float = FAR) -> NDArray[np.float64]:
    """Returns ``times`` the median magnitude of the differences that are neither 0 nor infinite, ``(..., 1)``; 1 where there are none."""
    n = differences.shape[-1]
    magnitude = np.abs(differences.reshape(-1, n))
    magnitude.sort(axis=1)
    rows = np.arange(len(magnitude))
    zeros = np.sum(magnitude == 0, axis=1)
    numbers = n - zeros
    if np.isinf(magnitude[:, -1]).any():
        numbers = numbers - np.sum(np.isinf(magnitude), axis=1)
    low, high = (magnitude[rows, np.minimum(zeros + at // 2, n - 1)] for at in (np.maximum(numbers - 1, 0), numbers))
    limit = np.where(numbers > 0, times * (np.where(numbers > 0, low, 0.0) / 2 + np.where(numbers > 0, high, 0.0) / 2), 1.0)
    return np.asarray(limit.reshape(*differences.shape[:-1], 1))


def as_numbers(differences: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns ``(..., n)`` differences with the infinite ones set ``far`` out, and no nearer than the farthest of the others."""
    crashed = np.isinf(differences)
    if not crashed.any():
        return differences
    farthest = np.max(np.where(crashed, 0.0, np.abs(differences)), axis=-1, keepdims=True)
    return np.where(crashed, np.copysign(np.maximum(far(differences), farthest), differences), differences)


def with_floor(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns ``(..., n)`` scores in which crashed runs lie below all others, by their range; relabelling the runs moves no floor."""
    crashed = np.isneginf(scores)
    if not crashed.any():
        return scores
    low = np.min(scores, axis=-1, keepdims=True, where=~crashed, initial=math.inf)
    high = np.max(scores, axis=-1, keepdims=True, where=~crashed, initial=-math.inf)
    none = np.isinf(low)
    low, spread = np.where(none, 0.0, low), np.where(none, 0.0, high - np.where(none, 0.0, low))
    return np.where(crashed, low - np.where(spread > 0, spread, 1.0), scores)


def standing(scores: Sequence[float] | NDArray[np.float64]) -> tuple[int, float]:
    """Returns a key that sorts arms from best to worst: fewer crashes first, then the higher mean of the other runs."""
    array = np.asarray(scores, dtype=np.float64)
    numbers = array[~np.isneginf(array)]
    return array.size - numbers.size, -float(numbers.mean()) if numbers.size else 0.0
