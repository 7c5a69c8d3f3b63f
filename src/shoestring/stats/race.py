"""The elimination race: which of several arms is best, each pair decided by a sequential test.

Each arm takes the seeds of one list in order and without gaps; a pair of arms sees the first ``min(n_i, n_j)`` of a sequence that was there
whether or not one looks. So which arm runs next may depend on everything, and the error rate of each pair stays. An arm that another one
has beaten is parked. Best is only an arm that has itself beaten every other. For "which would you bet on" see ``picking``.

Source: racing after Maron and Moore 1994 and Birattari et al. 2002, with tests that may be looked at; winner against runner-up without
correction: Gutmann and Maymin 1987, Hung and Fithian 2019, arXiv:1610.03944.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from typing import Literal, final

import numpy as np
from numpy.typing import NDArray

from shoestring.stats.choose import choose_test
from shoestring.stats.crashes import paired
from shoestring.stats.futility import is_hopeless
from shoestring.stats.pair_test import Differences, PairTest, Stop, outcomes
from shoestring.stats.seqflip import SeqFlip

BEAT_ALL = "one arm beat all others"
HOPELESS = "no pair can still be decided"
HORIZON = "horizon"
CIRCLE = "every arm was beaten by another"


@final
@dataclass(frozen=True, slots=True)
class RaceState:
    """Where a race stands.

    Attributes:
        alive: arms that nobody has beaten.
        parked: each other arm, and who beat it (first, if several did).
        best: the arm that beat every other one itself, or None.
        surviving: the arms among which the best is: those alive, and those that none of them has beaten.
        wants: arms that should run their next seed, first the one that should go first; one entry an arm.
        ended: why nothing more is wanted, one of the four sentences of this module; None while it goes on.
    """

    alive: tuple[int, ...]
    parked: dict[int, int]
    best: int | None
    surviving: tuple[int, ...]
    wants: tuple[int, ...]
    ended: str | None


@final
@dataclass(frozen=True, slots=True)
class Race:
    """The settings of a race.

    Attributes:
        n_arms: at least 2.
        horizon: most seeds an arm, at least 3.
        alpha: error rate, between 0 and .5.
        seed: of the pair tests' random sign patterns.
        mode: ``"direct"``: each pair at ``alpha``, the chance of a wrong best is about ``alpha`` at most (simulated, worst for two tied
            leaders); ``"strict"``: the chance that the true best is ever parked is at most ``alpha``.
        assume_normal: pairs are decided by T-MIX at any horizon.
        costs: of one seed of each arm, in any unit; cheaper arms go first. None: all the same.
        against_value: an arm is one stated value (``choose_test``).
        futility: end when no pair is likely to be decided any more; switching it off never breaks the error rate.
    Raises:
        ValueError: a setting out of its range.
    """

    n_arms: int
    horizon: int
    alpha: float = 0.05
    seed: int = 0
    mode: Literal["direct", "strict"] = "direct"
    assume_normal: bool = False
    costs: tuple[float, ...] | None = None
    futility: bool = True
    against_value: bool = False

    def __post_init__(self) -> None:
        if self.n_arms < 2 or self.mode not in ("direct", "strict") or (self.costs is not None and len(self.costs) != self.n_arms):
            raise ValueError(
                f"n_arms={self.n_arms}, mode={self.mode!r}, costs={self.costs} cannot be used; there must be at least 2 arms, "
                "mode is 'direct' or 'strict', and costs are one number an arm."
            )
        self.test()

    def test(self) -> PairTest:
        """Returns the two-sided test that each pair gets.

        Raises:
            ValueError: there is none for this horizon and error rate.
        """
        return choose_test(self.horizon, self.pair_alpha, self.seed, assume_normal=self.assume_normal, against_value=self.against_value)

    @property
    def pair_alpha(self) -> float:
        """The two-sided error rate of each pair; in strict mode one side of it counts, for each of the pairs that the best arm is in."""
        return self.alpha if self.mode == "direct" else min(self.alpha, 2 * self.alpha / (self.n_arms - 1))

    def state(self, scores: Sequence[Differences]) -> RaceState:
        """Returns where the race stands; it depends on the scores alone, not on when or how often one asks.

        Args:
            scores: one list an arm, its results in seed order, higher is better, ``-inf`` for a crash; they may differ in length.
        Raises:
            ValueError: not one list an arm, more than ``horizon`` results, or one that is NaN.
        """
        results = self._checked(scores)
        test = self.test()

        def stop(i: int, j: int) -> Stop | None:
            return _stop(test, _paired(results, i, j))

        def hopeless(i: int, j: int) -> bool:
            return _hopeless(test, _paired(results, i, j))

        return standing(self, [len(result) for result in results], stop, hopeless)

    def p_values(self, scores: Sequence[Differences]) -> dict[tuple[int, int], float]:
        """Returns the anytime-valid two-sided p-value of each pair (i, j) with i < j, not corrected for their number.

        Raises:
            ValueError: as ``state``.
        """
        results, test = self._checked(scores), self.test()
        return {(i, j): test.p_value(_paired(results, i, j)) for i, j in combinations(range(self.n_arms), 2)}

    def _checked(self, scores: Sequence[Differences]) -> list[NDArray[np.float64]]:
        results = [outcomes(result) for result in scores]
        longest = max(map(len, results), default=0)
        if len(results) != self.n_arms or longest > self.horizon:
            raise ValueError(
                f"{len(results)} lists of up to {longest} results do not fit; "
                f"a race of {self.n_arms} arms takes one list an arm with at most {self.horizon} results each."
            )
        return results


def standing(race: Race, counts: Sequence[int], stop: Callable[[int, int], Stop | None], hopeless: Callable[[int, int], bool]) -> RaceState:
    """Returns where a race stands, given what each pair's test says: the rule of the race without its data.

    Args:
        race: the settings.
        counts: how many seeds each arm has run.
        stop: for ``i < j``, where the test of ``i`` minus ``j`` has stopped on the seeds both have run.
        hopeless: for ``i < j``, whether that test is unlikely ever to stop.
    """
    arms = range(race.n_arms)
    first: dict[int, tuple[int, int]] = {}  # loser -> (after how many seeds, winner)
    beaten: set[tuple[int, int]] = set()  # (winner, loser)
    for i, j in combinations(arms, 2):
        if decided := stop(i, j):
            winner, loser = (i, j) if decided.sign > 0 else (j, i)
            beaten.add((winner, loser))
            first[loser] = min(first.get(loser, (decided.n, winner)), (decided.n, winner))
    alive = tuple(arm for arm in arms if arm not in first)
    best = next((arm for arm in alive if all((arm, other) in beaten for other in arms if other != arm)), None)
    surviving: tuple[int, ...]
    ended: str | None
    if best is not None:
        surviving, wants, ended = (best,), set[int](), BEAT_ALL
    else:
        surviving = tuple(arm for arm in arms if not any((winner, arm) in beaten for winner in alive))
        wants, ended = _next(race, counts, hopeless, alive, surviving)
    costs = race.costs or (1.0,) * race.n_arms
    ordered = tuple(sorted(wants, key=lambda arm: (counts[arm], costs[arm], arm)))
    return RaceState(alive, {arm: winner for arm, (_, winner) in sorted(first.items())}, best, surviving, ordered, ended)


def _next(
    race: Race, counts: Sequence[int], hopeless: Callable[[int, int], bool], alive: tuple[int, ...], surviving: tuple[int, ...]
) -> tuple[set[int], str | None]:
    """Returns which arms should run on, or why none should, where there is no best yet."""
    if not alive:
        return set(), CIRCLE
    # one arm alive: it must still beat those that others have beaten; several: each pair of them
    needed = [(alive[0], arm) for arm in surviving if arm != alive[0]] if len(alive) == 1 else list(combinations(alive, 2))
    pairs = [(min(pair), max(pair)) for pair in needed]
    at_end = [min(counts[i], counts[j]) >= race.horizon for i, j in pairs]
    if all(at_end) or (len(alive) == 1 and any(at_end)):
        return set(), HORIZON
    if race.futility:
        lost = [ended or hopeless(i, j) for (i, j), ended in zip(pairs, at_end, strict=True)]
        if all(lost) or (len(alive) == 1 and any(lost)):
            return set(), HOPELESS
    if len(alive) == 1:
        return {arm for i, j in pairs for arm in (i, j) if counts[arm] == min(counts[i], counts[j])}, None
    fewest = min(counts[arm] for arm in alive)
    return {arm for arm in alive if counts[arm] == fewest}, None


def _paired(results: list[NDArray[np.float64]], i: int, j: int) -> tuple[float, ...]:
    return tuple(paired(results[i], results[j]).tolist())


@lru_cache(maxsize=4096)  # a new result touches only the pairs of its arm; those of parked arms are not tested again
def _stop(test: PairTest, differences: tuple[float, ...]) -> Stop | None:
    return test.stop(differences)


@lru_cache(maxsize=4096)
def _hopeless(test: PairTest, differences: tuple[float, ...]) -> bool:
    assert test.horizon is not None, "a race has a horizon"
    return is_hopeless(differences, test.horizon, test.alpha, winsor=test.winsor if isinstance(test, SeqFlip) else None)
