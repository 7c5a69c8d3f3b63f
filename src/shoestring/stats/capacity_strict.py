"""The largest size that is still solved, proved from both sides: "solved more often than p_star here, less often there".

It explores with one trial a size, throws those away, and then proves one end after the other with an exact binomial test. It assumes
that bigger is harder and nothing else; ``capacity_bayes`` is about three times cheaper, right on average only. Nothing is run here:
trials in, the next size out.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

from shoestring.stats.binomial import above, can_still
from shoestring.stats.capacity_bayes import CapacityPlan, CapacityState
from shoestring.stats.size_grid import size_grid

_SHARES = (0.6, 0.2, 0.1, 0.05, 0.05)  # of the error of one end, spent on its first, second, ... attempt
_LEAST_TRIALS = 14  # that an attempt may take


@final
@dataclass(frozen=True, slots=True)
class CapacityStrict:
    """The settings of a proof of the largest size still solved.

    Attributes:
        start: the first size to try, at least 1.
        p_star: the chance to be solved that defines the capacity, between 0 and 1; .9 takes three times as many trials as .5.
        alpha: the chance that either end is false, at most, between 0 and 1.
        smallest: the smallest allowed size.
        largest: the largest allowed size.
        cost_power: a trial of size n costs ``n**cost_power``.
    Raises:
        ValueError: a setting out of its range.
    """

    start: int
    p_star: float = 0.5
    alpha: float = 0.05
    smallest: int = 1
    largest: int = 2**20
    cost_power: float = 1.0

    def __post_init__(self) -> None:
        size_grid(self.start, self.smallest, self.largest)
        if not 0 < self.p_star < 1 or not 0 < self.alpha < 1 or not self.cost_power >= 0:
            raise ValueError(
                f"p_star={self.p_star}, alpha={self.alpha}, cost_power={self.cost_power} cannot be used; "
                "p_star and alpha lie between 0 and 1, cost_power is at least 0."
            )

    def state(self, trials: Sequence[tuple[float, bool]]) -> CapacityState:
        """Returns what is proved after the trials and which size to try next; its ends hold with ``1 - alpha`` together.

        Args:
            trials: pairs (size, solved), each of the size that was asked for, in that order.
        Raises:
            ValueError: a trial of another size than the one asked for.
        """
        grid = size_grid(self.start, self.smallest, self.largest)
        found = _Found()
        walk = _walk(self, len(grid), grid.index(self.start), found)
        wanted: int | None = next(walk)
        for number, (size, solved) in enumerate(trials):
            if wanted is None or size != grid[wanted]:
                asked = "nothing more" if wanted is None else f"size {grid[wanted]}"
                raise ValueError(f"trial {number} is of size {size!r}, but {asked} was asked for; the proof needs its trials in order.")
            try:
                wanted = walk.send(bool(solved))
            except StopIteration:
                wanted = None
        last_solved, first_failed = found.bracket
        return CapacityState(
            next_size=None if wanted is None else grid[wanted],
            ended=None if wanted is not None else "both ends proved" if found.complete(len(grid)) else "no attempt left",
            lower=0.0 if found.lower is None else float(grid[found.lower]),
            upper=math.inf if found.upper is None else float(grid[found.upper]),
            estimate=math.sqrt(grid[max(last_solved, 0)] * grid[min(first_failed, len(grid) - 1)]) if trials else float(self.start),
            cost=float(sum(size**self.cost_power for size, _ in trials)),
        )

    def plan(self, rng: np.random.Generator, n_studies: int = 100) -> CapacityPlan:
        """Returns what the proof is expected to take, simulated over the allowed sizes and three steepnesses of the chance.

        Args:
            rng: draws the sizes sought and the trials.
            n_studies: how many proofs are simulated, at least 1.
        """
        sought = rng.uniform(math.log2(self.smallest), math.log2(self.largest), size=n_studies)
        widths = rng.choice([0.2, 0.35, 0.6], size=n_studies)
        runs = [simulate(self, float(s), float(w), rng) for s, w in zip(sought, widths, strict=True)]
        cost = np.array([state.cost / 2 ** (s * self.cost_power) for (state, _), s in zip(runs, sought, strict=True)])
        return CapacityPlan(float(np.mean([n for _, n in runs])), float(cost.mean()), float(np.quantile(cost, 0.9)))


def simulate(settings: CapacityStrict, sought: float, width: float, rng: np.random.Generator) -> tuple[CapacityState, int]:
    """Returns the final state of one simulated proof and how many trials it took.

    Args:
        settings: of the proof.
        sought: log2 of the size that is solved with chance ``p_star``.
        width: doublings of the logistic curve of the chance.
        rng: draws which trials are solved.
    """
    grid = size_grid(settings.start, settings.smallest, settings.largest)
    middle = sought - width * math.log(1 / settings.p_star - 1)
    chance = 1 / (1 + np.exp((np.log2(grid) - middle) / width))
    trials: list[tuple[float, bool]] = []
    walk = _walk(settings, len(grid), grid.index(settings.start), _Found())
    at = next(walk)
    while True:
        trials.append((grid[at], bool(rng.random() < chance[at])))
        try:
            at = walk.send(trials[-1][1])
        except StopIteration:
            return settings.state(trials), len(trials)


@dataclass
class _Found:
    """What a walk has found so far, as places in the grid."""

    bracket: tuple[int, int] = (-1, 0)  # the largest that was solved once, the smallest that failed once
    lower: int | None = None
    upper: int | None = None

    def complete(self, n_sizes: int) -> bool:
        """Whether each end that there is something to prove about is proved."""
        last_solved, first_failed = self.bracket
        return (self.lower is not None or last_solved < 0) and (self.upper is not None or first_failed >= n_sizes)


def _walk(settings: CapacityStrict, n_sizes: int, start: int, found: _Found) -> Generator[int, bool, None]:
    """Yields the place in the grid to try next and is sent whether it was solved."""
    found.bracket = (-1, n_sizes)
    yield from _explore(n_sizes, start, found)
    last_solved, first_failed = found.bracket
    if last_solved >= 0:
        outward = range(max(last_solved - 1, 0), -1, -1)
        found.lower = yield from _prove(outward, settings.p_star, settings.alpha / 2, solved_counts=True)
    if first_failed < n_sizes:
        outward = range(min(first_failed + 1, n_sizes - 1), n_sizes)
        found.upper = yield from _prove(outward, 1 - settings.p_star, settings.alpha / 2, solved_counts=False)


def _explore(n_sizes: int, start: int, found: _Found) -> Generator[int, bool, None]:
    """Doubles or halves until the outcome changes, then bisects, with one trial a size."""
    last_solved, first_failed = -1, n_sizes
    at = start
    while first_failed - last_solved > 1:
        if (yield at):
            last_solved = at
        else:
            first_failed = at
        found.bracket = (last_solved, first_failed)
        if first_failed == n_sizes:
            at = min(last_solved + 2, n_sizes - 1)  # two steps are one doubling
        elif last_solved < 0:
            at = max(first_failed - 2, 0)
        else:
            at = (last_solved + first_failed) // 2


def _prove(outward: range, p_star: float, alpha: float, *, solved_counts: bool) -> Generator[int, bool, int | None]:
    """Tries to prove one end, one step further out at each attempt; returns where it was proved."""
    for at, horizon, level in _attempts(outward, p_star, alpha):
        outcomes: list[bool] = []
        while can_still(outcomes, horizon, p_star, level):
            outcomes.append((yield at) == solved_counts)
            if above(outcomes, horizon, p_star, level):
                return at
    return None


def _attempts(outward: range, p_star: float, alpha: float) -> Iterator[tuple[int, int, float]]:
    for at, share in zip(outward, _SHARES, strict=False):
        level = alpha * share
        yield at, max(_LEAST_TRIALS, math.ceil(math.log(level) / math.log(p_star))), level
