"""Many elimination races side by side: each pair's test is run once over all seeds, the rule of the race then reads where it stopped."""

from __future__ import annotations

from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as t_distribution

from shoestring.stats.futility import predictive_powers
from shoestring.stats.pair_test import Stop
from shoestring.stats.race import Race, RaceState, standing
from shoestring.stats.seqflip import SeqFlip, flip_stops
from shoestring.stats.tmix import log_c, log_e, running_moments

Array = NDArray[np.float64]
HORIZON = 30
COSTS = (1.0, 1.0, 2.0, 4.0, 8.0)


class Pair(NamedTuple):
    """What the test of one pair of arms says in each study.

    Attributes:
        n: ``(n_studies,)``, after how many seeds it stops, 0 if never.
        sign: ``(n_studies,)``, +1 if the first arm is ahead there.
        hopeless: ``(n_studies, horizon + 1)``, whether it is hopeless after so many seeds.
    """

    n: NDArray[np.int64]
    sign: Array
    hopeless: NDArray[np.bool_]


def pair_of(differences: Array, race: Race, naive_t: bool = False) -> Pair:
    """Returns what the race's test of a pair says, or a t-test repeated after each seed.

    Args:
        differences: ``(n_studies, horizon)``.
        race: the settings.
        naive_t: the control.
    """
    test, horizon = race.test(), race.horizon
    hopeless = np.zeros((len(differences), horizon + 1), dtype=bool)
    winsor = test.winsor if isinstance(test, SeqFlip) else None
    if race.futility:
        for n in range(6 if horizon > 8 else 4, horizon + 1):
            hopeless[:, n] = predictive_powers(differences[:, :n], horizon, race.pair_alpha, winsor=winsor) < 0.05
    if isinstance(test, SeqFlip) and not naive_t:
        stopped, sign = flip_stops(differences, horizon, (race.pair_alpha,), race.seed)
        return Pair(stopped[:, 0], sign[:, 0].astype(np.float64), hopeless)
    if naive_t:
        n = np.arange(1, horizon + 1)
        mean, square = running_moments(differences)
        with np.errstate(invalid="ignore", divide="ignore"):
            t = np.abs(mean) * np.sqrt(n * (n - 1) / square)
        reached = (n >= 3) & (t >= t_distribution.ppf(1 - race.pair_alpha / 2, np.maximum(n - 1, 1)))
    else:
        reached = log_e(differences) >= log_c(horizon, race.pair_alpha)
    stops = np.where(reached.any(axis=1), reached.argmax(axis=1) + 1, 0)
    at = np.maximum(stops - 1, 0)[:, None]
    return Pair(stops, np.sign(np.take_along_axis(np.cumsum(differences, axis=1), at, axis=1)[:, 0]), hopeless)


def run_races(scores: Array, race: Race, naive_t: bool = False) -> tuple[list[RaceState], Array]:
    """Returns where each race ended, and its cost as a share of the full table's.

    Args:
        scores: ``(n_studies, n_arms, horizon)``, what each arm would score on each seed.
        race: the settings.
        naive_t: as in ``pair_of``.
    """
    pairs = {(i, j): pair_of(scores[:, i] - scores[:, j], race, naive_t) for i, j in combinations(range(race.n_arms), 2)}
    costs = np.array(race.costs or (1.0,) * race.n_arms)
    states, spent = [], np.zeros(len(scores))
    for study in range(len(scores)):
        state, counts = _run(pairs, race, study)
        states.append(state)
        spent[study] = counts @ costs / (race.horizon * costs.sum())
    return states, spent


def _run(pairs: dict[tuple[int, int], Pair], race: Race, study: int) -> tuple[RaceState, Array]:
    counts = [0] * race.n_arms

    def stop(i: int, j: int) -> Stop | None:
        n = int(pairs[i, j].n[study])
        return Stop(n, int(pairs[i, j].sign[study])) if 0 < n <= min(counts[i], counts[j]) else None

    def hopeless(i: int, j: int) -> bool:
        return bool(pairs[i, j].hopeless[study, min(counts[i], counts[j])])

    while not (state := standing(race, counts, stop, hopeless)).ended:
        for arm in state.wants:
            counts[arm] += 1
    return state, np.array(counts, dtype=np.float64)


def run_schedule(scores: Array, race: Race, schedule: str) -> NDArray[np.bool_]:
    """Returns in which studies some arm was called best, where an adversary chooses after each seed which arm runs next.

    Args:
        scores: ``(n_studies, n_arms, horizon)``.
        race: the settings; parking and futility are ignored.
        schedule: the adversary's rule, one of those named in ``calibrate_more.schedules``.
    """
    n_studies, n_arms, horizon = scores.shape
    pairs = {(i, j): pair_of(scores[:, i] - scores[:, j], race) for i, j in combinations(range(n_arms), 2)}
    evidence = {(i, j): log_e(scores[:, i] - scores[:, j]) for i, j in pairs}
    sums = np.concatenate([np.zeros((n_studies, n_arms, 1)), np.cumsum(scores, axis=2)], axis=2)
    counts, rows = np.full((n_studies, n_arms), 2), np.arange(n_studies)
    called = np.zeros(n_studies, dtype=bool)
    while np.any(counts < horizon):
        means = np.take_along_axis(sums, counts[:, :, None], axis=2)[:, :, 0] / counts
        match schedule:
            case "the arm with the highest mean":
                wish = means
            case "the arm with the lowest mean":
                wish = -means
            case _:
                wish = _behind_in_the_closest(pairs, evidence, counts)
        arm = np.argmax(np.where(counts < horizon, wish, -np.inf), axis=1)
        counts[rows, arm] = np.minimum(counts[rows, arm] + 1, horizon)
        called |= _best(pairs, counts)
    return called


def _behind_in_the_closest(pairs: dict[tuple[int, int], Pair], evidence: dict[tuple[int, int], Array], counts: NDArray[np.int64]) -> Array:
    """Returns a wish for each arm: the most evidence among its undecided pairs in which it has run no more seeds than the other."""
    wish = np.full(counts.shape, -1e9)
    for (i, j), pair in pairs.items():
        both = np.minimum(counts[:, i], counts[:, j])
        now = np.maximum(np.take_along_axis(evidence[i, j], both[:, None] - 1, axis=1)[:, 0], -1e6)
        now = np.where((pair.n > 0) & (pair.n <= both), -1e7, now)
        for arm in (i, j):
            wish[:, arm] = np.maximum(wish[:, arm], np.where(counts[:, arm] == both, now, -1e9))
    return wish


def _best(pairs: dict[tuple[int, int], Pair], counts: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Returns in which studies one arm has beaten all others."""
    beats = np.zeros((*counts.shape, counts.shape[1]), dtype=bool)
    for (i, j), pair in pairs.items():
        decided = (pair.n > 0) & (pair.n <= np.minimum(counts[:, i], counts[:, j]))
        beats[:, i, j], beats[:, j, i] = decided & (pair.sign > 0), decided & (pair.sign < 0)
    return np.asarray((beats.sum(axis=2) == counts.shape[1] - 1).any(axis=1))
