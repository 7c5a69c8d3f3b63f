"""Scores: what the trials have shown, as one comparable number each, for samplers that learn."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from statistics import median

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from shoestring.orders import Observation

_DIVERGED = 1e100  # a loss beyond this counts as infinite


@dataclass
class _Curve:
    losses: dict[int, float] = field(default_factory=dict)
    newest: int = -1
    ended: bool = False


class Scores:
    """Turns learning curves of different lengths into one score a trial; lower is better, and only that is told to a model.

    A study that stops most trials early sees losses at different units, which cannot be compared as they are. So:

    1. All are compared at one unit: the highest at which at least ``enough`` trials showed a finite loss (after BOHB); before there is
       one, the unit at which most did.
    2. A trial that was seen there counts with its loss there.
    3. A trial that was not counts with its loss at the nearest unit, plus the median change between the two units among the trials
       seen at both. Differs: BOHB leaves such trials out, and with them most of what a halving has paid for.
    4. A trial that ended by itself before that unit counts with its last loss: more units would not have changed it.
    5. A trial whose newest loss is infinite, because it diverged or died, is worse than all others, whatever it showed before.

    The scores depend only on which observations were told, not on their order.

    Args:
        enough: how many trials make a unit worth comparing at, at least 1.
    Source: Falkner, Klein and Hutter 2018, "BOHB", arXiv:1807.01774.
    """

    def __init__(self, enough: int) -> None:
        self._enough = enough
        self._curves: dict[int, _Curve] = {}
        self._n_finite: Counter[int] = Counter()

    def tell(self, observation: Observation) -> None:
        """Takes in one observation, in constant time; of two for the same unit the worse counts."""
        curve = self._curves.setdefault(observation.trial_id, _Curve())
        before = curve.losses.get(observation.unit)
        loss = observation.loss if abs(observation.loss) < _DIVERGED else math.inf
        loss = loss if before is None else max(loss, before)
        self._n_finite[observation.unit] += math.isfinite(loss) - (before is not None and math.isfinite(before))
        curve.losses[observation.unit] = loss
        curve.newest = max(curve.newest, observation.unit)
        curve.ended |= observation.ended

    def values(self) -> dict[int, float]:
        """Returns the score of each trial that was seen at all, by number and in order; all are finite."""
        unit = self._unit()
        changes: dict[int, float] = {}
        losses = [self._loss_at(unit, self._curves[trial_id], changes) for trial_id in sorted(self._curves)]
        return dict(zip(sorted(self._curves), half_ranked(np.array(losses)).tolist(), strict=True))

    def _unit(self) -> int:
        enough = [unit for unit, n in self._n_finite.items() if n >= self._enough]
        return max(enough) if enough else max(self._n_finite, key=lambda unit: (self._n_finite[unit], unit), default=0)

    def _loss_at(self, unit: int, curve: _Curve, changes: dict[int, float]) -> float:
        newest = curve.losses[curve.newest]
        if math.isinf(newest) or (curve.ended and curve.newest < unit):
            return newest
        nearest = unit if unit in curve.losses else min(curve.newest, unit)
        if math.isinf(curve.losses.get(nearest, math.inf)):
            nearest = min((u for u, loss in curve.losses.items() if math.isfinite(loss)), key=lambda u: (abs(u - unit), u))
        if nearest not in changes:
            changes[nearest] = self._median_change(nearest, unit)
        return curve.losses[nearest] + changes[nearest]

    def _median_change(self, start: int, end: int) -> float:
        pairs = ((curve.losses.get(start, math.inf), curve.losses.get(end, math.inf)) for curve in self._curves.values())
        changes = [after - before for before, after in pairs if math.isfinite(before) and math.isfinite(after)]
        return median(changes) if changes else 0.0


def half_ranked(losses: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns finite scores in the order of the losses: the better half as it is, the worse half by rank.

    How bad a bad loss is says little, but one of 1e9 or infinity would hide all differences between good ones from a Gaussian process.
    The worse half is spread like the upper half of a normal distribution as wide as the better half.

    Args:
        losses: ``(n_trials,)``, lower is better; ``inf`` is allowed, NaN is not.
    Source: the half-rank warper of Song et al. 2024, "The Vizier Gaussian process bandit algorithm", arXiv:2408.11527.
    """
    finite = losses[np.isfinite(losses)]
    if not finite.size:
        return np.zeros_like(losses)
    middle = np.median(finite)
    better = losses <= middle
    width = np.sqrt(np.mean((losses[better] - middle) ** 2)) or 1.0
    _, place, count = np.unique(losses[~better], return_inverse=True, return_counts=True)
    rank = (np.cumsum(count) - count / 2) / max(len(losses) - better.sum(), 1)
    scores = losses.copy()
    scores[~better] = (middle + width * ndtri(0.5 + 0.5 * rank))[place]
    return scores
