"""Trains many networks at once, each on its own training set, and sees how well they fit.

It chooses nothing: optimiser, batch size and regularisers are given. Source: Zhang et al. 2017, arXiv:1611.03530, section 2.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from shoestring.errors import UsageError
from shoestring.systems.randomization_test.model import Ensemble, image_shape

CHUNK = 1024  # inputs of each network at a time, where nothing is learnt


@dataclass(frozen=True)
class Sets:
    """The labelled sets of several networks, over one pool of inputs.

    Attributes:
        pool: inputs, ``(n_pool, ...)``.
        rows: which inputs each network sees, ``(n_models, n)``.
        labels: ``(n_models, n)``.
        weights: how much each example counts, ``(n_models, n)``; None for 1 each. An example of weight 0 is left out.
    """

    pool: Tensor
    rows: Tensor
    labels: Tensor
    weights: Tensor | None = None

    @classmethod
    def of(cls, inputs: Sequence[NDArray[np.float32]], labels: Sequence[NDArray[np.int64]], device: str = "cpu") -> Sets:
        """Returns the sets of one array of inputs ``(n, ...)`` and one of labels ``(n,)`` a network; a shared array is kept once."""
        distinct = {id(x): x for x in inputs}
        starts = dict(zip(distinct, np.cumsum([0, *(len(x) for x in distinct.values())]), strict=False))
        rows = np.stack([starts[id(x)] + np.arange(len(x)) for x in inputs])
        pool = torch.from_numpy(np.concatenate(list(distinct.values()))).to(device)
        return cls(pool, torch.from_numpy(rows).to(device), torch.from_numpy(np.stack(labels)).to(device))

    @property
    def n(self) -> int:
        """Examples of each network."""
        return self.rows.shape[1]


@dataclass(frozen=True)
class Regulariser:
    """What is done against overfitting.

    Attributes:
        weight_decay: of all parameters, as SGD has it: half of it times the squared norm is added to the loss.
        crop: pixels by which training images are shifted at random, at most, with zeros coming in.
        dropout: whether dropout layers that the network has are on.
    Raises:
        UsageError: a negative number.
    """

    weight_decay: float = 0.0
    crop: int = 0
    dropout: bool = False

    def __post_init__(self) -> None:
        if self.weight_decay < 0 or self.crop < 0:
            raise UsageError(f"weight_decay={self.weight_decay:g}, crop={self.crop} cannot regularise; give numbers from 0.")


def generators(seeds: Sequence[int]) -> list[torch.Generator]:
    """Returns the generators that draw each network's order of examples; equal seeds see equal places in equal order."""
    return [torch.Generator().manual_seed(seed) for seed in seeds]


def train_epoch(
    ensemble: Ensemble,
    optimizer: torch.optim.Optimizer,
    sets: Sets,
    orders: Sequence[torch.Generator],
    batch_size: int,
    regulariser: Regulariser,
    must_stop: Callable[[], bool] = lambda: False,
) -> bool:
    """Trains every network for one epoch on cross-entropy; returns whether it was finished, or False if it had to stop between batches."""
    _set_dropout(ensemble, regulariser.dropout)
    places = torch.stack([torch.randperm(sets.n, generator=order) for order in orders])
    for batch in torch.split(places, batch_size, dim=1):
        if must_stop():
            return False
        at = batch.to(sets.rows.device)
        inputs = sets.pool[sets.rows.gather(1, at)]
        if regulariser.crop:
            inputs = shifted(inputs, regulariser.crop, orders)
        loss = _losses(ensemble(inputs, training=True), sets.labels.gather(1, at))
        if sets.weights is not None:
            loss = loss * sets.weights.gather(1, at)
        total = loss.mean(dim=1).sum()
        if regulariser.weight_decay:
            total = total + regulariser.weight_decay / 2 * torch.stack([p.square().sum() for p in ensemble.parameters.values()]).sum()
        optimizer.zero_grad()
        total.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return True


@torch.no_grad()
def probabilities(ensemble: Ensemble, pool: Tensor, rows: Tensor) -> Tensor:
    """Returns each network's class probabilities for its rows of the pool, ``(n_models, n, n_classes)``."""
    return torch.cat([ensemble(pool[part]).softmax(dim=2) for part in torch.split(rows, CHUNK, dim=1)], dim=1)


@torch.no_grad()
def accuracies(ensemble: Ensemble, sets: Sets) -> list[float]:
    """Returns each network's share of examples that it gets right; one that is left out does not count."""
    parts = zip(torch.split(sets.rows, CHUNK, dim=1), torch.split(sets.labels, CHUNK, dim=1), strict=True)
    right = torch.cat([ensemble(sets.pool[rows]).argmax(dim=2) == labels for rows, labels in parts], dim=1).double()
    weights = torch.ones_like(right) if sets.weights is None else sets.weights.double()
    return [float(share) for share in (right * weights).sum(dim=1) / weights.sum(dim=1)]


def shifted(images: Tensor, most: int, orders: Sequence[torch.Generator]) -> Tensor:
    """Returns images ``(n_models, b, ..., height, width)``, each moved by up to ``most`` pixels each way; zeros come in at the edge."""
    n_models, b = images.shape[:2]
    channels, height, width = image_shape(images.shape[2:])
    padded = F.pad(images.reshape(n_models, b, channels, height, width), [most] * 4)
    offsets = torch.stack([torch.randint(2 * most + 1, (2, b), generator=order) for order in orders]).to(images.device)
    down = offsets[:, 0, :, None] + torch.arange(height, device=images.device)
    across = offsets[:, 1, :, None] + torch.arange(width, device=images.device)
    model = torch.arange(n_models, device=images.device)[:, None, None, None, None]
    image = torch.arange(b, device=images.device)[:, None, None, None]
    channel = torch.arange(channels, device=images.device)[:, None, None]
    return padded[model, image, channel, down[:, :, None, :, None], across[:, :, None, None, :]].reshape(images.shape)


def _losses(logits: Tensor, labels: Tensor) -> Tensor:
    return F.cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="none").view(labels.shape)


def _set_dropout(ensemble: Ensemble, is_on: bool) -> None:
    for layer in _dropouts(ensemble):
        rate = layer.__dict__.setdefault("rate_as_made", layer.p)
        layer.p = rate if is_on else 0.0


def _dropouts(ensemble: Ensemble) -> Iterator[torch.nn.modules.dropout._DropoutNd]:
    yield from (layer for layer in ensemble.layers() if isinstance(layer, torch.nn.modules.dropout._DropoutNd))


def has_dropout(ensemble: Ensemble) -> bool:
    """Tells whether the network has dropout layers."""
    return any(True for _ in _dropouts(ensemble))
