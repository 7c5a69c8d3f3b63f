"""Picking: which of several arms one would bet on, by successive halving over the seed list.

It makes no claim and has no error rate: among equal arms it picks one as well. What it picks is to be confirmed (``confirmation``), or
proved by a ``race``, which costs about twice as much where one arm stands out. Source: Karnin, Koren and Somekh 2013, "Almost optimal
exploration in multi-armed bandits"; Jamieson and Talwalkar 2016, arXiv:1502.07943.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

from shoestring.stats.crashes import standing
from shoestring.stats.pair_test import Differences, outcomes
from shoestring.stats.race import RaceState

PICKED = "one arm is left"


@final
@dataclass(frozen=True, slots=True)
class Picking:
    """The settings: after each rung the better half of the arms goes on: those that crashed least, then by their mean over the same seeds.

    Attributes:
        n_arms: at least 2.
        horizon: most seeds an arm, at least as many as there are rungs.
        costs: of one seed of each arm; cheaper arms go first. None: all the same.
    Raises:
        ValueError: a setting out of its range.
    """

    n_arms: int
    horizon: int
    costs: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        least = (self.n_arms - 1).bit_length()
        if self.n_arms < 2 or self.horizon < least or (self.costs is not None and len(self.costs) != self.n_arms):
            raise ValueError(
                f"n_arms={self.n_arms}, horizon={self.horizon}, costs={self.costs} cannot be used; there must be at least 2 arms, "
                f"at least {max(least, 1)} seeds for so many, and one cost an arm."
            )

    def rungs(self) -> tuple[int, ...]:
        """Returns after how many seeds arms are compared, such as 2, 6 and 14 for 5 arms and a horizon of 30.

        There are as many rungs as it takes to halve the arms down to one, halves rounded up; each stretch is twice as long as the last,
        and the last rung lies just below half of the horizon: a bet is to cost much less than a proof.
        """
        n_rungs = (self.n_arms - 1).bit_length()
        most = max(n_rungs, (self.horizon - 1) // 2)
        rungs: list[int] = []
        for rung in range(1, n_rungs + 1):
            share = (2**rung - 1) / (2**n_rungs - 1)
            rungs.append(max(round(most * share), rungs[-1] + 1 if rungs else 1))
        return tuple(rungs)

    def units(self) -> tuple[int, ...]:
        """Returns how many arms run the seeds of each rung."""
        kept = [self.n_arms]
        for _ in self.rungs()[1:]:
            kept.append(-(-kept[-1] // 2))
        return tuple(kept)

    def state(self, scores: Sequence[Differences]) -> RaceState:
        """Returns where the picking stands; ``parked`` names the arm that led when an arm was left behind, ``best`` the pick.

        Results beyond a rung do not count before the rung above is reached, so it does not matter in which order they come.

        Args:
            scores: one list an arm, its results in seed order, higher is better.
        Raises:
            ValueError: not one list an arm, or a result that is NaN.
        """
        results = [outcomes(result) for result in scores]
        if len(results) != self.n_arms:
            raise ValueError(f"{len(results)} lists do not fit; picking among {self.n_arms} arms takes one list an arm.")
        alive, parked = list(range(self.n_arms)), dict[int, int]()
        costs = self.costs or (1.0,) * self.n_arms
        for rung in self.rungs():
            if missing := [arm for arm in alive if len(results[arm]) < rung]:
                wants = tuple(sorted(missing, key=lambda arm: (len(results[arm]), costs[arm], arm)))
                return RaceState(tuple(alive), parked, None, tuple(alive), wants, None)
            ranked = sorted(alive, key=lambda arm: (standing(results[arm][:rung]), arm))
            kept = -(-len(alive) // 2)
            parked |= dict.fromkeys(sorted(ranked[kept:]), ranked[0])
            alive = sorted(ranked[:kept])
        return RaceState((alive[0],), parked, alive[0], (alive[0],), (), PICKED)
