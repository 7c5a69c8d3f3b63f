"""No early stopping: every trial is taken to the horizon at once. The baseline that a multi-fidelity scheduler has to beat."""

from __future__ import annotations

from typing import final

from shoestring.schedulers.rungs import Bracket, at_least
from shoestring.schedulers.synchronous import Synchronous
from shoestring.values.orders import Observation, Order, Sampler


@final
class Fixed:
    """Takes everyone to the horizon.

    Args:
        sampler: proposes the trials.
        horizon: the units each trial gets.
        n_trials: how many trials are started; None: as many as the sampler has.

    Raises:
        UsageError: ``horizon`` or ``n_trials`` below 1.
    """

    def __init__(self, sampler: Sampler, horizon: int, n_trials: int | None = None) -> None:
        at_least("horizon", horizon, 1)
        if n_trials is not None:
            at_least("n_trials", n_trials, 1)
        self._trials = Synchronous(sampler, [Bracket(0, ((1, horizon),))], rounds=n_trials)

    def ask(self) -> Order | None:
        """Returns the next start, or None if there is none left."""
        return self._trials.ask()

    def tell(self, observation: Observation) -> None:
        """Takes in one observation."""
        self._trials.tell(observation)
