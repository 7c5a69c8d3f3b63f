"""Hyperband: a sequence of halvings that hedges between many trials of few units and few trials of many.

Source: Li et al. 2018, arXiv:1603.06560, Algorithm 1; ``table1=True`` for Table 1.
"""

from __future__ import annotations

from typing import final

from shoestring.schedulers.rungs import brackets
from shoestring.schedulers.synchronous import Synchronous
from shoestring.values.orders import Observation, Order, Sampler


@final
class Hyperband:
    """Runs the brackets of Hyperband in the paper's order, s = s_max, ..., 0, round after round.

    A paused trial resumes where it stopped. While a rung waits for its last results, free workers start the next bracket; with one worker
    the order is exactly the paper's.

    Args:
        sampler: proposes the trials.
        horizon: the most units a trial can get, the paper's R.
        eta: one trial in ``eta`` continues at each rung.
        table1: takes the bracket sizes of the paper's Table 1 instead of those of its Algorithm 1.
        rounds: how often all brackets are run; None: for ever.

    Raises:
        UsageError: ``eta`` below 2, or ``horizon`` or ``rounds`` below 1.
    """

    def __init__(self, sampler: Sampler, horizon: int, eta: int = 3, table1: bool = False, rounds: int | None = None) -> None:
        # Differs: the paper trains a promoted trial again from nothing (``Bracket.units`` has both prices), and one bracket at a time.
        self._brackets = Synchronous(sampler, brackets(horizon, eta, table1), rounds)

    def ask(self) -> Order | None:
        """Returns the next order, or None once all rounds are ordered or, with no trials left to start, while a rung waits."""
        return self._brackets.ask()

    def tell(self, observation: Observation) -> None:
        """Takes in one observation."""
        self._brackets.tell(observation)
