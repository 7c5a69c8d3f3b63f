"""Asynchronous Hyperband (ASHA) by promotion: no rung ever waits, and a trial goes on as soon as it is among the best 1/eta of its rung.

Not the stopping variant of most libraries, which cannot take back what it stopped: here trials are paused, and may go on much later.

Source: Li et al. 2020, arXiv:1810.05934, Algorithm 2.
"""

from __future__ import annotations

import math
from heapq import heappop, heappush, heappushpop
from itertools import chain, cycle, pairwise, repeat
from typing import final

from shoestring.errors import UsageError
from shoestring.schedulers.rungs import at_least, brackets
from shoestring.schedulers.standings import Standing, Standings
from shoestring.values.orders import Observation, Order, Sampler, Start


@final
class AsyncHyperband:
    """Promotes whoever is among the best 1/eta of a rung, the highest rung first, else starts a new trial at the lowest rung.

    A trial that ended, or whose loss is ``inf``, takes its place in the rung it was bound for and stays there. Once nothing more can start
    and all is at rest, the best trial of the highest rung goes on, until one has reached the horizon or ended with a lower loss.
    A decision costs O(log n) for n trials.

    Args:
        sampler: proposes the trials.
        horizon: the most units a trial can get.
        eta: one trial in ``eta`` continues at each rung.
        n_brackets: how many of Hyperband's brackets are run side by side, from s_max down. One was best in the published comparisons of
            asynchronous schedulers (Syne Tune on NAS-Bench-201: extra brackets do not pay).
        n_trials: how many trials start at most; None: as many as the sampler has.

    Raises:
        UsageError: ``eta`` below 2, ``horizon``, ``n_brackets`` or ``n_trials`` below 1, or more brackets than there are.
    """

    def __init__(self, sampler: Sampler, horizon: int, eta: int = 3, n_brackets: int = 1, n_trials: int | None = None) -> None:
        table = brackets(horizon, eta)
        at_least("n_brackets", n_brackets, 1)
        if n_brackets > len(table):
            raise UsageError(f"n_brackets={n_brackets} is too many for horizon={horizon} and eta={eta}; there are {len(table)}.")
        if n_trials is not None:
            at_least("n_trials", n_trials, 1)
        ladders = [[_Rung(to, eta) for _, to in bracket.rungs] for bracket in table[:n_brackets]]
        steps = chain.from_iterable(pairwise(ladder) for ladder in ladders)
        self._above = dict(sorted(steps, key=lambda step: -step[0].to))
        # Differs: starts are dealt out to all brackets in the proportions of Hyperband's Algorithm 1; the paper runs one after another.
        self._lowest = cycle(chain.from_iterable(repeat(ladder[0], bracket.n) for ladder, bracket in zip(ladders, table, strict=False)))
        self._standings = Standings(sampler, n_trials)
        self._rung_of: dict[int, _Rung] = {}
        self._n_under_way = 0
        self._to_beat = math.inf

    def ask(self) -> Order | None:
        """Returns the next order, or None if there is nothing to order before more is observed, or ever."""
        while True:
            rung = next((rung for rung in self._above if rung.has_promotable()), None)
            if rung is None:
                if (start := self._start()) is not None:
                    return start
                rung = self._last_resort()
            if rung is None:
                return None
            _, trial_id = heappop(rung.waiting)
            above = self._above[rung]
            if (advance := self._standings.advance(trial_id, above.to)) is not None:
                self._rung_of[trial_id] = above
                self._n_under_way += 1
                return advance

    def tell(self, observation: Observation) -> None:
        """Takes in one observation; one that says nothing new changes nothing."""
        trial_id = observation.trial_id
        came_to_rest = self._standings.tell(observation)
        standing = self._standings[trial_id]
        above = self._above.get(self._rung_of[trial_id])
        if came_to_rest:
            self._n_under_way -= 1
            self._place(trial_id, standing, self._rung_of[trial_id])
        elif standing.at_rest and not standing.ended and above is not None and above.to <= standing.unit:
            self._place(trial_id, standing, above)

    def _place(self, trial_id: int, standing: Standing, rung: _Rung) -> None:
        """Ranks a trial at rest in the rung it has come to, and in those above that it has passed without being ordered there."""
        result = (standing.loss, trial_id)
        while (above := self._above.get(rung)) is not None and above.to <= standing.unit:
            rung.add(result)
            rung = above
        rung.add(result)
        self._rung_of[trial_id] = rung
        if standing.loss == math.inf:
            return
        if above is None:
            self._to_beat = -math.inf
        elif standing.ended:
            self._to_beat = min(self._to_beat, standing.loss)
        else:
            heappush(rung.waiting, result)

    def _start(self) -> Start | None:
        rung = next(self._lowest)
        start = self._standings.start(rung.to)
        if start is not None:
            self._rung_of[start.trial_id] = rung
            self._n_under_way += 1
        return start

    def _last_resort(self) -> _Rung | None:
        """Returns the rung whose best trial goes on although it is not among the best 1/eta, for want of anyone else."""
        # Differs: the paper never runs out of trials. Of five at eta = 3, none would come further than the second rung.
        if self._n_under_way:
            return None
        return next((rung for rung in self._above if rung.waiting and rung.waiting[0][0] < self._to_beat), None)


class _Rung:
    """The results of one rung, ``(loss, trial_id)`` so that ties are broken by number, and those that wait there to go on.

    Three heaps: ``waiting``, the best ``n // eta`` of all n results (negated, so that the worst of them is the root), and all others.
    """

    def __init__(self, to: int, eta: int) -> None:
        self.to = to
        self.waiting: list[tuple[float, int]] = []
        self._eta = eta
        self._best: list[tuple[float, int]] = []
        self._others: list[tuple[float, int]] = []

    def add(self, result: tuple[float, int]) -> None:
        heappush(self._others, _negated(heappushpop(self._best, _negated(result))))
        n = len(self._best) + len(self._others)
        if len(self._best) < n // self._eta:
            heappush(self._best, _negated(heappop(self._others)))

    def has_promotable(self) -> bool:
        return bool(self.waiting and self._best) and self.waiting[0] <= _negated(self._best[0])


def _negated(result: tuple[float, int]) -> tuple[float, int]:
    return -result[0], -result[1]
