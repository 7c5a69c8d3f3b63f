"""Scores: what the trials have shown, as one comparable number each, for samplers that learn."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from statistics import median

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from shoestring.values.orders import Observation

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
        self._seen_at: defaultdict[int, dict[int, float]] = defaultdict(dict)  # by unit, then by trial
        self._unit = 0
        self._known: dict[int, tuple[float, int]] = {}  # a loss and the unit it is from, for trials of which nothing new was told

    def tell(self, observation: Observation) -> None:
        """Takes in one observation, in constant time; of two for the same unit the worse counts."""
        curve = self._curves.setdefault(observation.trial_id, _Curve())
        before = curve.losses.get(observation.unit)
        loss = observation.loss if abs(observation.loss) < _DIVERGED else math.inf
        loss = loss if before is None else max(loss, before)
        self._n_finite[observation.unit] += math.isfinite(loss) - (before is not None and math.isfinite(before))
        curve.losses[observation.unit] = self._seen_at[observation.unit][observation.trial_id] = loss
        self._known.pop(observation.trial_id, None)
        curve.newest = max(curve.newest, observation.unit)
        curve.ended |= observation.ended

    def values(self) -> dict[int, float]:
        """Returns the score of each trial that was seen at all, by number and in order; all are finite."""
        unit = self._compared_at()
        if unit != self._unit:
            self._unit, self._known = unit, {}
        for trial_id in self._curves.keys() - self._known.keys():
            self._known[trial_id] = _nearest(self._curves[trial_id], unit)
        trial_ids = sorted(self._known)
        changes = {start: self._median_change(start, unit) for start in {start for _, start in self._known.values()}}
        losses = [loss + changes[start] for loss, start in map(self._known.__getitem__, trial_ids)]
        return dict(zip(trial_ids, half_ranked(np.array(losses)).tolist(), strict=True))

    def _compared_at(self) -> int:
        enough = [unit for unit, n in self._n_finite.items() if n >= self._enough]
        return max(enough) if enough else max(self._n_finite, key=lambda unit: (self._n_finite[unit], unit), default=0)

    def _median_change(self, start: int, end: int) -> float:
        if start == end:
            return 0.0
        before, after = self._seen_at[start], self._seen_at[end]
        pairs = ((before.get(trial_id, math.inf), loss) for trial_id, loss in after.items())
        changes = [after - before for before, after in pairs if math.isfinite(before) and math.isfinite(after)]
        return median(changes) if changes else 0.0


def _nearest(curve: _Curve, unit: int) -> tuple[float, int]:
    """Returns what a trial counts with before it is brought to ``unit``: a loss, and the unit at which it was seen."""
    newest = curve.losses[curve.newest]
    if math.isinf(newest) or (curve.ended and curve.newest < unit):
        return newest, unit
    nearest = unit if unit in curve.losses else min(curve.newest, unit)
    if math.isinf(curve.losses.get(nearest, math.inf)):
        nearest = min((u for u, loss in curve.losses.items() if math.isfinite(loss)), key=lambda u: (abs(u - unit), u))
    return curve.losses[nearest], nearest


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
