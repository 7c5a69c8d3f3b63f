"""The expected best of k tries: what a search of k trials would have found, from n independent trials that were run.

It is a description of a search, with a bootstrap band; it is not a test, and it says nothing beyond k = n.
Source: the unbiased form of the expected maximum of Dodge et al. 2019, "Show your work", arXiv:1909.03004, after Tang et al. 2020,
"Showing your work doesn't always work", arXiv:2004.13705.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, final

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln


@final
@dataclass(frozen=True, slots=True)
class ExpectedBest:
    """The curve of the expected best, entry i for the best of i + 1 tries.

    Attributes:
        middle: ``(n,)``, unbiased.
        lower: ``(n,)``, lower edge of the bootstrap band.
        upper: ``(n,)``, upper edge.
    """

    middle: NDArray[np.float64]
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]


def expected_best(values: Sequence[float] | NDArray[np.float64], goal: Literal["min", "max"]) -> NDArray[np.float64]:
    """Returns the mean, over all choices of k of the n values, of the best of the k, for k = 1 to n: ``(n,)``.

    Args:
        values: ``(n,)``, the final metric of n independent trials, no NaN.
        goal: whether the largest or the smallest is best.
    Raises:
        ValueError: no value, one that is not finite, or another goal.
    """
    return _curves(_checked(values, goal)[None, :], goal).ravel()


def expected_best_with_band(
    values: Sequence[float] | NDArray[np.float64],
    goal: Literal["min", "max"],
    rng: np.random.Generator,
    *,
    draws: int = 2000,
    level: float = 0.95,
) -> ExpectedBest:
    """Returns the curve with a percentile bootstrap band around each point.

    Near k = n the curve hangs on one or two values, and the band is too narrow there: the bootstrap cannot draw what was never seen.

    Args:
        values: ``(n,)``, the final metric of n independent trials, no NaN.
        goal: whether the largest or the smallest is best.
        rng: draws the resamples.
        draws: how many resamples, at least 1.
        level: share of the resampled curves inside the band, between 0 and 1.
    Raises:
        ValueError: as in ``expected_best``, or ``draws`` or ``level`` out of range.
    """
    x = _checked(values, goal)
    if draws < 1 or not 0 < level < 1:
        raise ValueError(f"draws={draws}, level={level} cannot be used; draws must be at least 1 and level between 0 and 1.")
    resampled = _curves(x[rng.integers(x.size, size=(draws, x.size))], goal)
    lower, upper = np.quantile(resampled, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return ExpectedBest(_curves(x[None, :], goal)[0], lower, upper)


def _checked(values: Sequence[float] | NDArray[np.float64], goal: str) -> NDArray[np.float64]:
    if goal not in ("min", "max"):
        raise ValueError(f"goal={goal!r} is not known; it is 'min' or 'max'.")
    x = np.asarray(values, dtype=np.float64)
    if x.ndim != 1 or not x.size or not np.all(np.isfinite(x)):
        raise ValueError(f"{x.size} values of shape {x.shape} cannot be used; give one list of at least one finite number.")
    return x


def _curves(samples: NDArray[np.float64], goal: str) -> NDArray[np.float64]:
    """Returns ``sum_i x_(i) C(i-1, k-1) / C(n, k)`` for each row of ``(draws, n)`` and each k."""
    n = samples.shape[1]
    i, k = np.arange(1, n + 1)[:, None], np.arange(1, n + 1)[None, :]
    with np.errstate(invalid="ignore"):
        log_weight = _log_choose(i - 1, k - 1) - _log_choose(np.full_like(i, n), k)
    weight = np.where(k <= i, np.exp(np.where(k <= i, log_weight, -np.inf)), 0.0)  # (i, k)
    sign = 1.0 if goal == "max" else -1.0
    return np.asarray(sign * (np.sort(sign * samples, axis=1) @ weight), dtype=np.float64)


def _log_choose(n: NDArray[np.int64], k: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.asarray(gammaln(n + 1) - gammaln(k + 1) - gammaln(np.maximum(n - k, 0) + 1), dtype=np.float64)
