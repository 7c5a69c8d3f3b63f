"""Where every trial of a scheduler stands, and the orders that move it; not who deserves one, which each scheduler decides for itself."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import final

from shoestring.errors import UsageError
from shoestring.values.orders import Advance, Observation, Sampler, Start


@final
@dataclass(slots=True)
class Standing:
    """Where one trial stands: it was ordered to unit ``to`` and has come to ``unit``, where it showed ``loss``."""

    to: int
    unit: int = 0
    loss: float = math.inf
    ended: bool = False

    @property
    def at_rest(self) -> bool:
        """Whether the trial did what it was ordered to do, or ended over it."""
        return self.ended or self.unit >= self.to


@final
class Standings:
    """The standing of every trial started so far, with the sampler they came from."""

    def __init__(self, sampler: Sampler, n_trials: int | None = None) -> None:
        self._sampler = sampler
        self._n_trials = n_trials
        self._standings: list[Standing] = []
        self.exhausted = False

    def __getitem__(self, trial_id: int) -> Standing:
        return self._standings[trial_id]

    def start(self, to: int) -> Start | None:
        """Orders a new trial to unit ``to``, or returns None once there is no more to start."""
        trial_id = len(self._standings)
        config = None if self.exhausted or trial_id == self._n_trials else self._sampler.ask(trial_id)
        if config is None:
            self.exhausted = True
            return None
        self._standings.append(Standing(to))
        return Start(trial_id, config, to)

    def advance(self, trial_id: int, to: int) -> Advance | None:
        """Orders a trial at rest on to unit ``to``, or returns None if no order can bring it on: it ended, or is there already.

        A trial can be ahead of its order where a script does not report every unit, or reports on until it is stopped.
        """
        standing = self._standings[trial_id]
        if standing.ended or standing.unit >= to:
            return None
        standing.to = to
        return Advance(trial_id, to)

    def tell(self, observation: Observation) -> bool:
        """Takes in what is new, passes it on to the sampler, and returns whether the trial has come to rest by it.

        Raises:
            UsageError: the trial was never started, as when a restart tells again without having asked again.
        """
        if not 0 <= observation.trial_id < len(self._standings):
            raise UsageError(
                f"told of trial {observation.trial_id}, but only {len(self._standings)} were started; ask for its start first."
            )
        standing = self._standings[observation.trial_id]
        if standing.ended or (observation.unit <= standing.unit and not observation.ended):
            return False
        was_at_rest = standing.at_rest
        standing.unit = max(standing.unit, observation.unit)
        standing.loss = observation.loss
        standing.ended = observation.ended
        self._sampler.tell(observation)
        return standing.at_rest and not was_at_rest

    def best(self, trial_ids: Iterable[int], n: int) -> list[int]:
        """Returns up to ``n`` of the trials, best first, ties by number; none whose loss is ``inf``."""
        ranked = sorted((self._standings[trial_id].loss, trial_id) for trial_id in trial_ids)
        return [trial_id for loss, trial_id in ranked[:n] if loss < math.inf]
