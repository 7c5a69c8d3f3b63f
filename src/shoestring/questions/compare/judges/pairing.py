"""Two arms seed by seed: their differences, and what a test says of them in the metric's own terms."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from shoestring.questions.compare.finding import PairResult
from shoestring.questions.compare.question import Compare
from shoestring.stats.crashes import CRASHED, HUGE
from shoestring.stats.pair_test import PairTest, Stop
from shoestring.stats.superiority import superiority


def score_of(question: Compare, loss: float) -> float:
    """Returns the score (higher is better) for a run's loss; that of a crashed run is the one fixed beforehand, or below every number."""
    if math.isfinite(loss):
        return min(max(-loss, -HUGE), HUGE)
    return CRASHED if question.worst is None else -question.loss(question.worst)


def pair_result(question: Compare, test: PairTest, first: int, second: int, diffs: NDArray[np.float64], stop: Stop | None) -> PairResult:
    """Returns what a test says of two arms, in the metric's own units and direction."""
    names = question.arms[first].name, question.arms[second].name
    up = 1.0 if question.goal == "max" else -1.0
    n = len(diffs)
    low, high = sorted(up * limit for limit in test.interval(diffs)) if n else (-math.inf, math.inf)
    centre = up * test.centre(diffs) if n else math.nan
    wins = superiority(diffs, question.alpha) if n else None
    return PairResult(
        *names,
        n,
        None if stop is None else names[0] if stop.sign > 0 else names[1],
        bounded(min(max(centre, low), high)),  # the interval is what all looks left, the centre the last
        (bounded(low), bounded(high)),
        test.p_value(diffs) if n else 1.0,
        wins.share if wins else None,
        wins.interval if wins else (0.0, 1.0),
        tuple((up * diffs).tolist()),
        wins.ties if wins else 0,
    )


def bounded(limit: float) -> float | None:
    """Returns a limit, None where there is none."""
    return float(limit) if math.isfinite(limit) else None
