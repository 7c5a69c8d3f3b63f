"""Figures of a trained network that look at no test label: norms of its weights, and how it moves when one example changes.

None of them bounds an error by itself. Sources: Zhang et al. 2017, arXiv:1611.03530, section 5; Hardt, Recht and Singer 2015,
arXiv:1509.01240; Feldman and Zhang 2020, arXiv:2008.03703, for memorisation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from shoestring.errors import UsageError
from shoestring.systems.randomization_test.fitting import Sets, probabilities
from shoestring.systems.randomization_test.model import Ensemble
from shoestring.systems.randomization_test.task import Data


@dataclass(frozen=True)
class Norms:
    """Norms of networks, one number each, as tuples.

    Attributes:
        l2: of all parameters.
        moved: of the difference to the parameters that training began with.
        spectral: the product of the largest singular values of the layers' matrices; a convolution's is ``(out, in * height * width)``.
    """

    l2: tuple[float, ...]
    moved: tuple[float, ...]
    spectral: tuple[float, ...]


@torch.no_grad()
def norms(ensemble: Ensemble, first: Mapping[str, Tensor]) -> Norms:
    """Returns the norms of all networks; ``first`` holds the parameters ``(n_models, ...)`` that training began with."""
    now = {key: p.detach().double() for key, p in ensemble.parameters.items()}
    matrices = [p.flatten(2) for p in now.values() if p.ndim > 2]
    spectral = torch.stack([torch.linalg.matrix_norm(p, 2) for p in matrices]).prod(dim=0) if matrices else torch.ones(ensemble.n_models)
    moved = {key: p - first[key].double() for key, p in now.items()}
    return Norms(_floats(_length(now)), _floats(_length(moved)), _floats(spectral))


@dataclass(frozen=True)
class Pairs:
    """Training sets two by two that differ in one example: set ``2 i`` is whole, and in set ``2 i + 1`` one is replaced or left out.

    Attributes:
        sets: the training sets, of ``2 k`` networks.
        seeds: of the networks, equal in a pair: equal first weights, equal order.
        changed: which example is another in pair ``i``, ``(k,)``.
        probe: inputs ``(m, ...)`` on which predictions are compared: the test inputs.
    """

    sets: Sets
    seeds: tuple[int, ...]
    changed: Tensor
    probe: Tensor


def pairs_of(data: Data, k: int, rng: np.random.Generator, *, leave_out: bool = False, device: str = "cpu") -> Pairs:
    """Returns ``k`` pairs of training sets that differ in one example, drawn at random.

    Args:
        data: the last ``k`` training examples are held back: each takes the place of one of the others, with its own label.
        leave_out: leave the example out instead of replacing it.
    Raises:
        UsageError: there are too few examples.
    """
    n = len(data.y_train) - k
    if k < 1 or n < k:
        raise UsageError(f"{k} pairs cannot be made of {len(data.y_train)} training examples; give 1 to {len(data.y_train) // 2}.")
    changed = rng.permutation(n)[:k]
    rows = np.tile(np.arange(n), (2 * k, 1))
    weights = torch.ones(2 * k, n)
    for i, place in enumerate(changed):
        if leave_out:
            weights[2 * i + 1, place] = 0.0
        else:
            rows[2 * i + 1, place] = n + i
    whole = Sets.of([data.x_train], [data.y_train], device)
    at = torch.from_numpy(rows).to(device)
    sets = replace(whole, rows=at, labels=whole.labels[0][at], weights=weights.to(device) if leave_out else None)
    seeds = tuple(int(seed) for seed in rng.integers(2**31, size=k) for _ in range(2))
    return Pairs(sets, seeds, torch.from_numpy(changed).to(device), torch.from_numpy(data.x_test).to(device))


@dataclass(frozen=True)
class Stability:
    """How far two networks are apart whose training differed in one example, one number a pair.

    Attributes:
        parameters: distance of the parameters, against the norm of the first's.
        predictions: mean over the probe of half the summed absolute differences of class probabilities, in 0 to 1.
        memorised: whether the example is right with it in the training set, less whether it is right without: -1, 0 or 1.
    """

    parameters: tuple[float, ...]
    predictions: tuple[float, ...]
    memorised: tuple[float, ...]


@torch.no_grad()
def stability(ensemble: Ensemble, pairs: Pairs) -> Stability:
    """Returns the distances in each pair, as the networks are now."""
    whole = {key: p.detach()[0::2].double() for key, p in ensemble.parameters.items()}
    apart = {key: p.detach()[1::2].double() - whole[key] for key, p in ensemble.parameters.items()}
    rows = torch.arange(len(pairs.probe), device=pairs.probe.device).expand(ensemble.n_models, -1)
    chance = probabilities(ensemble, pairs.probe, rows)
    distance = (chance[0::2] - chance[1::2]).abs().sum(dim=2).mean(dim=1) / 2
    at = pairs.changed.repeat_interleave(2)[:, None]
    inputs = pairs.sets.rows[0::2].repeat_interleave(2, dim=0).gather(1, at)  # the example itself, not what took its place
    labels = pairs.sets.labels[0::2].repeat_interleave(2, dim=0).gather(1, at)
    right = (probabilities(ensemble, pairs.sets.pool, inputs).argmax(dim=2) == labels).double()[:, 0]
    return Stability(_floats(_length(apart) / _length(whole)), _floats(distance), _floats(right[0::2] - right[1::2]))


def convex_stability_bound(lipschitz: float, n: int, steps: list[float]) -> float:
    """Returns ``(2 L^2 / n) sum_t alpha_t``, which bounds SGD's uniform stability on a smooth convex loss (Hardt et al., theorem 3.8).

    No label enters: a bound of this kind is the same for true and for random ones.
    """
    return 2 * lipschitz**2 / n * sum(steps)


def nonconvex_stability_bound(lipschitz: float, smoothness: float, n: int, c: float, n_steps: int, most: float = 1.0) -> float:
    """Returns the bound on SGD's uniform stability on a smooth loss with step sizes at most ``c / t`` (Hardt et al., theorem 3.12).

    ``(1 + 1 / (beta c)) / (n - 1) * (2 c L^2)^(1 / (beta c + 1)) * T^(beta c / (beta c + 1))``, for a loss in 0 to ``most``, by which
    the loss and ``L`` and ``beta`` are divided first. No label enters here either.
    """
    scaled, smooth = lipschitz / most, smoothness / most
    power = smooth * c / (smooth * c + 1)
    return float(most * (1 + 1 / (smooth * c)) / (n - 1) * (2 * c * scaled**2) ** (1 - power) * n_steps**power)


def _length(tensors: Mapping[str, Tensor]) -> Tensor:
    return torch.stack([p.flatten(1).square().sum(dim=1) for p in tensors.values()]).sum(dim=0).sqrt()


def _floats(tensor: Tensor) -> tuple[float, ...]:
    return tuple(float(number) for number in tensor.flatten())
