"""Successive halving: many trials start, and at each rung the best 1/eta continue. One bracket, synchronous.

Source: Jamieson & Talwalkar 2016, arXiv:1502.07943, with the rungs of Li et al. 2018, arXiv:1603.06560.
"""

from __future__ import annotations

from typing import final

from shoestring.schedulers.rungs import at_least, bracket, s_max
from shoestring.schedulers.synchronous import Synchronous
from shoestring.values.orders import Observation, Order, Sampler


@final
class SuccessiveHalving:
    """Runs one bracket of successive halving.

    Args:
        sampler: proposes the trials.
        horizon: the most units a trial can get.
        eta: one trial in ``eta`` continues at each rung.
        n: how many trials start; None: ``eta**s_max``, Hyperband's widest bracket. With fewer there are fewer rungs (the lowest ones are
            left out), so that at least one trial is meant to reach the horizon.
        rounds: how often the bracket is run, each time with new trials; None: for ever.

    Raises:
        UsageError: ``eta`` below 2, or ``horizon``, ``n`` or ``rounds`` below 1.
    """

    def __init__(self, sampler: Sampler, horizon: int, eta: int = 3, n: int | None = None, rounds: int | None = 1) -> None:
        s = s_max(horizon, eta)
        if n is None:
            n = eta**s
        at_least("n", n, 1)
        self._bracket = Synchronous(sampler, [bracket(n, horizon, eta, min(s, s_max(n, eta)))], rounds)

    def ask(self) -> Order | None:
        """Returns the next order, or None while a rung waits for its last results, and in the end."""
        return self._bracket.ask()

    def tell(self, observation: Observation) -> None:
        """Takes in one observation."""
        self._bracket.tell(observation)
