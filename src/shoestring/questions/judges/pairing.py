"""Two arms seed by seed: their differences, and what a test says of them in the metric's own terms."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from shoestring.comparison import PairResult
from shoestring.questions.compare import Compare
from shoestring.stats.pair_test import PairTest, Stop
from shoestring.stats.superiority import superiority

FAILED = -1e15  # the score of a failed run where no worst value was given: below whatever a metric can be
_UNBOUNDED = 1e14  # a limit beyond this comes from such a score, and is none


def score_of(question: Compare, loss: float) -> float:
    """Returns the score (higher is better) for a run's loss; a failed run has the worst one that was fixed beforehand."""
    if math.isfinite(loss):
        return min(max(-loss, FAILED), -FAILED)  # a difference of two is a number, however large the metric
    return FAILED if question.worst is None else -question.loss(question.worst)


def differences(first: Sequence[float], second: Sequence[float]) -> NDArray[np.float64]:
    """Returns first less second, as far as both have scores."""
    n = min(len(first), len(second))
    return np.asarray(first[:n], dtype=np.float64) - np.asarray(second[:n], dtype=np.float64)


def pair_result(question: Compare, test: PairTest, first: int, second: int, diffs: NDArray[np.float64], stop: Stop | None) -> PairResult:
    """Returns what a test says of two arms, in the metric's own units and direction."""
    names = question.arms[first].name, question.arms[second].name
    up = 1.0 if question.goal == "max" else -1.0
    n = len(diffs)
    low, high = sorted(up * limit for limit in test.interval(diffs)) if n else (-math.inf, math.inf)
    wins = superiority(diffs, seed=question.seed, alpha=question.alpha) if n else None
    return PairResult(
        *names,
        n,
        None if stop is None else names[0] if stop.sign > 0 else names[1],
        bounded(min(max(up * test.centre(diffs), low), high)) if n else None,  # the interval is what all looks left, the centre the last
        (bounded(low), bounded(high)),
        test.p_value(diffs) if n else 1.0,
        wins.share if wins else None,
        wins.interval if wins else (0.0, 1.0),
        tuple(float(up * diff) if abs(diff) < _UNBOUNDED else math.copysign(math.inf, up * diff) for diff in diffs),
    )


def bounded(limit: float) -> float | None:
    """Returns a limit, None where it comes from the score of a failed run."""
    return float(limit) if abs(limit) < _UNBOUNDED else None
