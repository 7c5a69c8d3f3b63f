"""The one-epoch baseline: everyone gets one unit, the best k get the rest. It often does as well as far subtler schedulers.

Source: Egele et al. 2023, arXiv:2307.15422.
"""

from __future__ import annotations

from typing import final

from shoestring.errors import UsageError
from shoestring.schedulers.rungs import Bracket, at_least
from shoestring.schedulers.synchronous import Synchronous
from shoestring.values.orders import Observation, Order, Sampler


@final
class OneStep:
    """Ranks everyone after one step and takes the best ``k`` to the horizon.

    Args:
        sampler: proposes the trials.
        horizon: the most units a trial can get.
        n_trials: how many trials start.
        k: how many go on; 3 in the paper.
        unit: after how many units they are ranked; 1 in the paper.

    Raises:
        UsageError: a number below 1, ``k`` above ``n_trials`` or ``unit`` above ``horizon``.
    """

    def __init__(self, sampler: Sampler, horizon: int, n_trials: int, k: int = 3, unit: int = 1) -> None:
        for name, value in (("horizon", horizon), ("n_trials", n_trials), ("k", k), ("unit", unit)):
            at_least(name, value, 1)
        if k > n_trials:
            raise UsageError(f"k={k} trials cannot be promoted of n_trials={n_trials}; lower k or raise n_trials.")
        if unit > horizon:
            raise UsageError(f"unit={unit} lies beyond horizon={horizon}; lower unit or raise horizon.")
        self._bracket = Synchronous(sampler, [Bracket(1, ((n_trials, unit), (k, horizon)))], rounds=1)

    def ask(self) -> Order | None:
        """Returns the next order, or None while the first step waits for its last results, and in the end."""
        return self._bracket.ask()

    def tell(self, observation: Observation) -> None:
        """Takes in one observation."""
        self._bracket.tell(observation)
