"""Trains many children at once and reads off their accuracies: the evaluator that the table is made with.

It chooses no child. Source: Zoph and Le 2017, arXiv:1611.01578, section 4.1 (Nesterov momentum, weight decay 1e-4).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from shoestring.systems.nas_rl.model import Children, batches
from shoestring.systems.nas_rl.task import Child, Images, Preset

MOMENTUM = 0.9  # section 4.1
WEIGHT_DECAY = 1e-4  # section 4.1
N_CLASSES = 10
_CHUNK = 250  # images at a time where nothing is learnt


@dataclass(frozen=True)
class Accuracies:
    """Shares of images classified rightly, ``(n_children,)`` each: on the validation images after the first epoch, and both at the end."""

    short: NDArray[np.float64]
    valid: NDArray[np.float64]
    test: NDArray[np.float64]


def train_children(
    children: Sequence[Child],
    seeds: Sequence[int],
    preset: Preset,
    images: Images,
    *,
    device: str = "cpu",
    most: int = 64,
    done: Callable[[int], None] = lambda _n: None,
) -> Accuracies:
    """Trains each child from scratch on its own seed, which decides its weights and its order of images.

    Args:
        children: any of the preset's space.
        seeds: one a child.
        preset: the recipe.
        images: what they learn.
        device: where.
        most: children in one tensor program at most.
        done: called with the number of children trained so far.
    """
    short, valid, test = np.zeros((3, len(children)))
    n_done = 0
    for members in batches(children, preset.side, most):
        found = _train([children[i] for i in members], [seeds[i] for i in members], preset, images, device)
        short[members], valid[members], test[members] = found
        n_done += len(members)
        done(n_done)
    return Accuracies(short, valid, test)


def _train(
    children: Sequence[Child], seeds: Sequence[int], preset: Preset, images: Images, device: str
) -> tuple[list[float], list[float], list[float]]:
    net = Children(children, seeds, (1, preset.side, preset.side), N_CLASSES, device)
    x, y = (torch.from_numpy(part).to(device) for part in images.train)
    orders = [np.random.default_rng([seed, 1]) for seed in seeds]
    steps_an_epoch = len(x) // preset.batch_size
    optimizer = torch.optim.SGD(net.parameters.values(), preset.lr, MOMENTUM, weight_decay=WEIGHT_DECAY, nesterov=True)
    short: list[float] = []
    for epoch in range(preset.epochs):
        order = torch.from_numpy(np.stack([rng.permutation(len(x)) for rng in orders], axis=1)).to(device)
        for step in range(steps_an_epoch):
            done = (epoch * steps_an_epoch + step) / (preset.epochs * steps_an_epoch)
            for group in optimizer.param_groups:
                group["lr"] = preset.lr * (1 + math.cos(math.pi * done)) / 2
            rows = order[step * preset.batch_size : (step + 1) * preset.batch_size]
            logits = net(x[rows], training=True)
            loss = F.cross_entropy(logits.flatten(0, 1), y[rows].flatten(), reduction="sum") / preset.batch_size
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        if epoch == 0:
            short = _accuracies(net, images.valid, device)
    return short, _accuracies(net, images.valid, device), _accuracies(net, images.test, device)


@torch.no_grad()
def _accuracies(net: Children, part: tuple[NDArray[np.float32], NDArray[np.int64]], device: str) -> list[float]:
    right: Tensor = torch.zeros(net.n, device=device)
    for start in range(0, len(part[0]), _CHUNK):
        x, y = (torch.from_numpy(array[start : start + _CHUNK]).to(device) for array in part)
        logits = net(x[:, None].expand(-1, net.n, -1, -1, -1))
        right += (logits.argmax(dim=2) == y[:, None]).sum(dim=0)
    return [float(n) / len(part[0]) for n in right]
