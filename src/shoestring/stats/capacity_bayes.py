"""The largest size that is still solved, found by a Bayesian bisection that buys the most information for its price.

The size is sought at which the chance to be solved is ``p_star``. The chance is taken to fall with size along a logistic curve of
unknown place and steepness. The error is calibrated on average over places, not for each of them; ``capacity_strict`` assumes nothing
but that bigger is harder, at about three times the price. Nothing is run here: trials in, the next size out.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from shoestring.stats.size_grid import size_grid

_WIDTHS = (0.1, 0.2, 0.35, 0.6, 1.0)  # doublings over which the chance falls from .73 to .27
_STEP = 0.1  # of the places, in doublings
_BEYOND = 2.0  # doublings of places outside of the allowed sizes
LEVEL = 0.98


@final
@dataclass(frozen=True, slots=True)
class CapacityState:
    """What is known of the capacity after some trials.

    Attributes:
        next_size: the size to try next; None once it has ended.
        ended: why nothing more is wanted ("interval narrow enough", "most trials used", "both ends proved", "no attempt left"); None
            while it goes on.
        lower: lower end for the size that is solved with chance p_star; 0.0 when even the smallest allowed size may be too large.
        upper: its upper end; ``inf`` when even the largest allowed size may be solved. The ends hold together, with 98% here and with
            ``1 - alpha`` in ``capacity_strict``.
        estimate: the posterior median of that size; in ``capacity_strict`` the middle of what one trial a size showed.
        cost: of the trials so far, in units of one trial at size 1.
    """

    next_size: int | None
    ended: str | None
    lower: float
    upper: float
    estimate: float
    cost: float


@final
@dataclass(frozen=True, slots=True)
class CapacityPlan:
    """What a search for the capacity is expected to take, over sizes spread evenly on a log scale.

    Attributes:
        trials: mean number of trials.
        cost: mean cost, in units of one trial at the size that is sought.
        cost_90: the cost that nine of ten searches stay below, same unit.
    """

    trials: float
    cost: float
    cost_90: float


@final
@dataclass(frozen=True, slots=True)
class CapacityBayes:
    """The settings of a search for the largest size still solved.

    Attributes:
        start: the first size to try, at least 1.
        p_star: the chance to be solved that defines the capacity, above .01 and below .99.
        ratio: stop when the upper end is at most this many times the lower end, above 1.
        max_trials: never more trials than this.
        smallest: the smallest allowed size.
        largest: the largest allowed size.
        cost_power: a trial of size n costs ``n**cost_power``.
    Raises:
        ValueError: a setting out of its range.
    """

    start: int
    p_star: float = 0.5
    ratio: float = 4.0
    max_trials: int = 60
    smallest: int = 1
    largest: int = 2**20
    cost_power: float = 1.0

    def __post_init__(self) -> None:
        size_grid(self.start, self.smallest, self.largest)
        if not 0.01 < self.p_star < 0.99 or not self.ratio > 1 or self.max_trials < 1 or not self.cost_power >= 0:
            raise ValueError(
                f"p_star={self.p_star}, ratio={self.ratio}, max_trials={self.max_trials}, cost_power={self.cost_power} cannot be used; "
                "p_star lies between .01 and .99, ratio above 1, max_trials is at least 1 and cost_power at least 0."
            )

    def state(self, trials: Sequence[tuple[float, bool]]) -> CapacityState:
        """Returns what is known after the trials and what to try next; it depends on nothing else, not on their order either.

        Args:
            trials: pairs (size, solved); any sizes, also such as were not asked for.
        Raises:
            ValueError: a size that is not above 0.
        """
        log_posterior = np.zeros((1, _places(self).size))
        for size, solved in trials:
            if not (math.isfinite(size) and size > 0):
                raise ValueError(f"a trial of size {size!r} cannot be used; sizes are above 0.")
            log_posterior += _log_likelihood(self, float(size), bool(solved))
        largest_tried = max((size for size, _ in trials), default=0.0)
        lower, estimate, upper = (float(q[0]) for q in quantiles(self, log_posterior))
        wanted = sizes(self)[int(most_informative(self, log_posterior, np.array([largest_tried]))[0])] if trials else self.start
        ended = None
        if trials and 2 ** (min(upper, math.log2(self.largest)) - max(lower, math.log2(self.smallest))) <= self.ratio:
            ended = "interval narrow enough"
        elif len(trials) >= self.max_trials:
            ended = "most trials used"
        return CapacityState(
            next_size=None if ended else wanted,
            ended=ended,
            lower=2**lower if lower > math.log2(self.smallest) else 0.0,
            upper=2**upper if upper < math.log2(self.largest) else math.inf,
            estimate=2**estimate,
            cost=float(sum(size**self.cost_power for size, _ in trials)),
        )

    def plan(self, rng: np.random.Generator, n_studies: int = 200) -> CapacityPlan:
        """Returns what the search is expected to take, simulated over the allowed sizes and three steepnesses.

        Args:
            rng: draws the sizes sought and the trials.
            n_studies: how many searches are simulated, at least 1.
        """
        ends = math.log2(self.smallest), math.log2(self.largest)
        sought = rng.uniform(*ends, size=n_studies)
        width = rng.choice([0.2, 0.35, 0.6], size=n_studies)
        run = simulate(self, sought, width, rng)
        cost = run.cost / 2 ** (sought * self.cost_power)
        return CapacityPlan(float(run.trials.mean()), float(cost.mean()), float(np.quantile(cost, 0.9)))


@final
@dataclass(frozen=True, slots=True)
class Simulated:
    """Many simulated searches, one entry each.

    Attributes:
        lower: ``(n_studies,)``, log2 of the lower end, ``-inf`` where there is none.
        upper: ``(n_studies,)``, log2 of the upper end, ``inf`` where there is none.
        trials: ``(n_studies,)``, how many trials were used.
        cost: ``(n_studies,)``, in units of one trial at size 1.
    """

    lower: NDArray[np.float64]
    upper: NDArray[np.float64]
    trials: NDArray[np.int64]
    cost: NDArray[np.float64]


def simulate(settings: CapacityBayes, sought: NDArray[np.float64], width: NDArray[np.float64], rng: np.random.Generator) -> Simulated:
    """Runs many searches side by side; each decides as ``CapacityBayes.state`` would.

    Args:
        settings: of all of them.
        sought: ``(n_studies,)``, log2 of the size that is solved with chance ``p_star``.
        width: ``(n_studies,)``, doublings of the logistic curve ``1 / (1 + exp((log2 size - middle) / width))``.
        rng: draws which trials are solved.
    """
    n, grid = sought.size, np.array(sizes(settings))
    middle = sought - width * math.log(1 / settings.p_star - 1)
    table = np.stack([np.stack([_log_likelihood(settings, float(s), solved) for s in grid]) for solved in (False, True)])
    log_posterior = np.zeros((n, _places(settings).size))
    largest, cost, trials = np.zeros(n), np.zeros(n), np.zeros(n, dtype=np.int64)
    lower, upper = np.full(n, -np.inf), np.full(n, np.inf)
    ends = math.log2(settings.smallest), math.log2(settings.largest)
    going = np.arange(n)
    at = np.full(n, sizes(settings).index(settings.start))
    while going.size:
        size = grid[at]
        solved = rng.random(going.size) < 1 / (1 + np.exp((np.log2(size) - middle[going]) / width[going]))
        log_posterior += table[solved.astype(int), at]
        largest[going] = np.maximum(largest[going], size)
        cost[going] += size**settings.cost_power
        trials[going] += 1
        low, _, high = quantiles(settings, log_posterior)
        lower[going] = np.where(low > ends[0], low, -np.inf)
        upper[going] = np.where(high < ends[1], high, np.inf)
        narrow = np.minimum(high, ends[1]) - np.maximum(low, ends[0]) <= math.log2(settings.ratio)
        keep = ~narrow & (trials[going] < settings.max_trials)
        going, log_posterior = going[keep], log_posterior[keep]
        at = most_informative(settings, log_posterior, largest[going]) if going.size else at[:0]
    return Simulated(lower, upper, trials, cost)


def sizes(settings: CapacityBayes) -> tuple[int, ...]:
    """Returns the sizes that may be asked for, increasing."""
    return size_grid(settings.start, settings.smallest, settings.largest)


def quantiles(
    settings: CapacityBayes, log_posterior: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Returns the ends of the 98% credible interval and, between them, the median of log2 of the size for p_star.

    Args:
        settings: say which places and widths the columns stand for.
        log_posterior: ``(n_studies, n_places * n_widths)``, up to a constant.
    """
    places = _places(settings)
    order = np.argsort(places, kind="stable")
    total = np.cumsum(_normal(log_posterior)[:, order], axis=1)
    tails = ((1 - LEVEL) / 2, 0.5, (1 + LEVEL) / 2)
    low, middle, high = (places[order][np.minimum((total < q).sum(axis=1), places.size - 1)] for q in tails)
    return low - _STEP / 2, middle, high + _STEP / 2  # a place stands for the step around it


def most_informative(settings: CapacityBayes, log_posterior: NDArray[np.float64], largest_tried: NDArray[np.float64]) -> NDArray[np.int64]:
    """Returns for each study the index in ``sizes`` whose trial tells most about the middle of the curve for its price.

    What a trial tells of the steepness alone does not count: it is not asked for. (Counted, shallow curves took 34 trials, not 21.)

    Args:
        settings: of the search.
        log_posterior: ``(n_studies, n_places * n_widths)``, up to a constant.
        largest_tried: ``(n_studies,)``; a size more than one doubling above it is not considered.
    """
    grid, chance = np.array(sizes(settings)), _chances(settings)
    posterior = _normal(log_posterior)
    by_place = posterior.reshape(len(posterior), -1, len(_WIDTHS))
    of_place = by_place.sum(axis=2)
    solved = np.matmul(by_place.transpose(1, 0, 2), chance.reshape(-1, len(_WIDTHS), grid.size)).transpose(1, 0, 2)
    study, place = np.nonzero(of_place > 1e-7)
    within = of_place[study, place, None] * _entropy(solved[study, place] / of_place[study, place, None])
    first = np.searchsorted(study, np.arange(len(posterior)))
    information = _entropy(posterior @ chance) - np.add.reduceat(within, first, axis=0)
    worth = information / grid.astype(np.float64) ** settings.cost_power
    worth[grid[None, :] > np.maximum(2 * largest_tried + 1, settings.start)[:, None]] = -np.inf  # + 1: sizes are rounded
    return np.asarray(np.argmax(worth, axis=1), dtype=np.int64)


@functools.lru_cache(maxsize=64)
def _axes(settings: CapacityBayes) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    low, high = math.log2(settings.smallest) - _BEYOND, math.log2(settings.largest) + _BEYOND
    places = np.arange(low, high + _STEP / 2, _STEP)
    return np.repeat(places, len(_WIDTHS)), np.tile(_WIDTHS, places.size)


@functools.lru_cache(maxsize=64)
def _places(settings: CapacityBayes) -> NDArray[np.float64]:
    """Returns log2 of the size for p_star under each hypothesis."""
    middle, width = _axes(settings)
    return middle + width * math.log(0.98 / (settings.p_star - 0.01) - 1)


@functools.lru_cache(maxsize=4096)
def _log_likelihood(settings: CapacityBayes, size: float, solved: bool) -> NDArray[np.float64]:
    middle, width = _axes(settings)
    with np.errstate(over="ignore"):
        chance = 0.01 + 0.98 / (1 + np.exp((math.log2(size) - middle) / width))
    return np.log(chance if solved else 1 - chance)


@functools.lru_cache(maxsize=64)
def _chances(settings: CapacityBayes) -> NDArray[np.float64]:
    """Returns the chance to be solved of each hypothesis at each size, ``(n_places * n_widths, n_sizes)``."""
    return np.exp(np.stack([_log_likelihood(settings, float(size), True) for size in sizes(settings)], axis=1))


def _normal(log_posterior: NDArray[np.float64]) -> NDArray[np.float64]:
    weight = np.exp(log_posterior - log_posterior.max(axis=1, keepdims=True))
    return np.asarray(weight / weight.sum(axis=1, keepdims=True), dtype=np.float64)


def _entropy(chance: NDArray[np.float64]) -> NDArray[np.float64]:
    inside = np.clip(chance, 1e-12, 1 - 1e-12)
    return np.asarray(-(inside * np.log(inside) + (1 - inside) * np.log1p(-inside)), dtype=np.float64)
