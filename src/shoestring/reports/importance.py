"""How much of the differences among a search's trials each parameter accounts for, with its spread; no statement about other trials.

A kernel regression on the unit cube predicts the rank of a trial's result from its configuration. Its bandwidths, one a parameter, are
chosen by leaving one trial out at a time, which smooths over what does not matter. A parameter's importance is how much worse the
prediction becomes when that parameter is shuffled among the trials, as a share of the variance: about what is lost without knowing it,
alone and together with others. Where the regression predicts no better than it does for shuffled results, none is given.

Source: bandwidths after Hall, Li and Racine 2007, "Nonparametric regression estimation in the presence of irrelevant regressors";
importance by shuffling after Breiman 2001, "Random forests".
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from shoestring.space import Space
from shoestring.space.parameter import Choice
from shoestring.values.orders import Config

Array = NDArray[np.float64]
LEAST_TRIALS = 10
MOST_TRIALS = 200
_SHARPNESS = (0.0, 1.0, 2.0, 4.0, 8.0, 16.0)  # inverse bandwidths, in the unit cube; 0 leaves the parameter out
_N_SHUFFLED = 19  # of the results, to be beaten by the real ones: 5%
_N_RESAMPLED = 40
_N_PERMUTED = 4


@dataclass(frozen=True)
class Importance:
    """What each parameter accounts for.

    Attributes:
        names: the parameters, the most important first.
        share: for each, its share of the variance of the ranks; shares overlap and need not add up to 1.
        low, high: the middle 80% of the shares over resampled trials.
        explained: share of the variance that the regression predicts, each trial left out in turn.
        n: how many trials it rests on.
    """

    names: tuple[str, ...]
    share: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    explained: float
    n: int


def importance(space: Space, configs: Sequence[Config], losses: Sequence[float], rng: np.random.Generator) -> Importance | str:
    """Returns what each parameter accounts for, or a sentence that says why nothing can be said.

    Args:
        space: of the search.
        configs: of the trials.
        losses: what they showed after equally many units; finite, lower is better.
        rng: draws shuffles and resamples.
    """
    if len(configs) < LEAST_TRIALS:
        return f"{len(configs)} trials that can be compared are too few to tell the parameters apart; at least {LEAST_TRIALS} are needed."
    if len(configs) > MOST_TRIALS:
        kept = np.sort(rng.choice(len(configs), MOST_TRIALS, replace=False))
        configs, losses = [configs[i] for i in kept], [losses[i] for i in kept]
    ranks = rankdata(losses)
    if np.ptp(ranks) == 0:
        return "All trials showed the same, so no parameter made a difference."
    target = (ranks - ranks.mean()) / ranks.std()
    kernels = _kernels(space, configs)
    chosen, explained = _fit(kernels, target)
    by_luck = max(_fit(kernels, rng.permutation(target))[1] for _ in range(_N_SHUFFLED))
    if explained <= max(0.0, by_luck):
        return (
            f"The configurations of {len(configs)} trials do not predict their results better than shuffled results are predicted, "
            "so no parameter can be called important. More trials may change that."
        )
    picked = {j: kernels[j][c] for j, c in enumerate(chosen) if c}  # to shuffle what was left out changes nothing
    share = _shares(picked, len(kernels), target, np.arange(len(target)), rng)
    draws = rng.integers(len(target), size=(_N_RESAMPLED, len(target)))
    spread = np.stack([_shares(picked, len(kernels), target, drawn, rng) for drawn in draws])
    low, high = np.quantile(spread, [0.1, 0.9], axis=0)
    order = np.argsort(-share, kind="stable")
    names = space.names
    return Importance(
        tuple(names[j] for j in order), _tuple(share[order]), _tuple(low[order]), _tuple(high[order]), float(explained), len(target)
    )


def _tuple(values: Array) -> tuple[float, ...]:
    return tuple(float(max(0.0, value)) for value in values)


def _kernels(space: Space, configs: Sequence[Config]) -> list[list[Array]]:
    """Returns for each parameter and each sharpness the weights ``(n, n)`` between trials; a value that is absent is far from any other."""
    places = np.stack([space.encode(config) for config in configs])
    kernels = []
    for j, (name, param) in enumerate(space.params.items()):
        apart = np.abs(places[:, j, None] - places[None, :, j])
        if isinstance(param, Choice):
            apart = (apart > 0).astype(np.float64)
        there = np.array([name in config for config in configs])
        apart = np.where(there[:, None] != there[None, :], 1.0, apart)
        kernels.append([np.exp(-((sharpness * apart) ** 2)) for sharpness in _SHARPNESS])
    return kernels


def _fit(kernels: list[list[Array]], target: Array) -> tuple[list[int], float]:
    """Returns the sharpness of each parameter by coordinate descent from 0, and the share of variance predicted with it."""
    chosen = [0] * len(kernels)
    others_left_out = 1.0 - np.eye(len(target))
    best = -math.inf
    for _ in range(2):
        for j in range(len(kernels)):
            rest = others_left_out
            for k, c in enumerate(chosen):
                if k != j and c:
                    rest = rest * kernels[k][c]
            scores = [1.0 - _error(rest * kernel if c else rest, target) for c, kernel in enumerate(kernels[j])]
            chosen[j] = max(range(len(scores)), key=scores.__getitem__)
            best = scores[chosen[j]]
    return chosen, best


def _error(weights: Array, target: Array) -> float:
    """Returns the mean squared error of predicting a target of variance 1 with weights that leave each trial itself out."""
    missed = target - (weights @ target) / (weights.sum(axis=1) + 1e-12)
    return float(missed @ missed) / len(target)


def _shares(picked: Mapping[int, Array], n_params: int, target: Array, drawn: NDArray[np.int64], rng: np.random.Generator) -> Array:
    """Returns each parameter's share over the trials ``drawn``; copies of a trial do not predict each other."""
    rows = np.ix_(drawn, drawn)
    apart, y = (drawn[:, None] != drawn[None, :]).astype(np.float64), target[drawn]
    factors = {j: kernel[rows] for j, kernel in picked.items()}
    error = _error(math.prod(factors.values(), start=apart), y)
    shares = np.zeros(n_params)
    for j, factor in factors.items():
        rest = math.prod((other for k, other in factors.items() if k != j), start=apart)
        worse = [_error(rest * factor[rng.permutation(len(y))], y) for _ in range(_N_PERMUTED)]
        shares[j] = (sum(worse) / _N_PERMUTED - error) / (2.0 * max(float(np.var(y)), 1e-12))
    return shares
