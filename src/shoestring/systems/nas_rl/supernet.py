"""Shared weights: one network of which every child is a part, trained on children drawn at random; the second evaluator.

It ranks children without training any of them to the end. It is not the child's own accuracy, and ranks them only roughly.
Source: Pham, Guan, Zoph, Le and Dean 2018, "Efficient neural architecture search via parameter sharing", arXiv:1802.03268. The policy that
proposes children is in ``enas``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from shoestring.systems.nas_rl.children import MOMENTUM, N_CLASSES, WEIGHT_DECAY
from shoestring.systems.nas_rl.model import Children, batches
from shoestring.systems.nas_rl.task import Child, Images, Layer, Preset, child_of, cnn_space
from shoestring.values.orders import Config

LR = 0.1  # at the start of a cosine that ends at 0
_CHUNK = 250  # images at a time where nothing is learnt


class Supernet:
    """Weights that all children of a preset's space share.

    Batch normalisation always uses the batch's own statistics: running ones would be of no child in particular.

    Args:
        preset: whose space.
        seed: draws the initial weights.
        device: where they lie.
    """

    def __init__(self, preset: Preset, seed: int, device: str = "cpu") -> None:
        self.preset = preset
        self.device = device
        side, filters = preset.kernels[-1], preset.filters[-1]
        self._widest = Child(tuple(Layer(side, side, filters, 1, tuple(range(i + 1))) for i in range(preset.n_layers)))
        shape = (1, preset.side, preset.side)
        drawn = Children((self._widest,), (seed,), shape, N_CLASSES, "cpu", self._widest).parameters
        # Every layer is unread in some child; in the widest only the last is, and only its part would be drawn.
        features = drawn["classifier"].shape[2]
        generator = torch.Generator().manual_seed(seed)
        drawn["classifier"] = torch.randn(1, N_CLASSES, features, generator=generator) * features**-0.5
        self.parameters = nn.ParameterDict({name: nn.Parameter(value.detach().to(device)) for name, value in drawn.items()})

    def program(self, children: Sequence[Child]) -> Children:
        """Returns children whose layers see inputs of equal sizes, with the shared weights."""
        n, shape = len(children), (1, self.preset.side, self.preset.side)
        made = Children(children, [0] * n, shape, N_CLASSES, self.device, self._widest)
        for name, value in self.parameters.items():
            made.parameters[name] = value.repeat(n) if name.startswith(("scale", "shift")) else value.expand(n, *value.shape[1:])
        return made

    def logits(self, children: Sequence[Child], images: Tensor) -> Tensor:
        """Returns the logits ``(batch, n_children, n_classes)`` of images ``(batch, 1, side, side)``."""
        made = self.program(children)
        return made(images[:, None].expand(-1, made.n, -1, -1, -1), training=True)


def optimizer_of(net: Supernet) -> torch.optim.Optimizer:
    """Returns what the shared weights are trained with."""
    return torch.optim.SGD(net.parameters.values(), LR, MOMENTUM, weight_decay=WEIGHT_DECAY, nesterov=True)


def train_supernet(
    net: Supernet,
    optimizer: torch.optim.Optimizer,
    images: Images,
    rng: np.random.Generator,
    steps: range,
    n_steps: int,
    n_children: int = 8,
    among: Sequence[Config] = (),
) -> None:
    """Trains the shared weights, at each step on a batch of images and a few children drawn at random.

    Args:
        net: whose weights.
        optimizer: theirs.
        images: what is learnt.
        rng: draws children and images.
        steps: which steps of the cosine schedule to take now.
        n_steps: steps in all.
        n_children: children a step, at most.
        among: what children are drawn from; the whole space if empty.
    """
    preset, space = net.preset, cnn_space(net.preset)
    for step in steps:
        configs = [among[int(rng.integers(len(among)))] if among else space.sample(rng) for _ in range(4 * n_children)]
        drawn = [child_of(config, preset) for config in configs]
        first = int(rng.integers(len(drawn)))  # the program of a random child: every child is as likely, whatever its strides
        members = next(one for one in batches(drawn, preset.side, n_children) if first in one)
        rows = rng.integers(len(images.train[0]), size=preset.batch_size)
        x, y = (torch.from_numpy(part[rows]).to(net.device) for part in images.train)
        for group in optimizer.param_groups:
            group["lr"] = LR * (1 + np.cos(np.pi * step / n_steps)) / 2
        logits = net.logits([drawn[i] for i in members], x)
        loss = F.cross_entropy(logits.flatten(0, 1), y.repeat_interleave(len(members)))
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()


@torch.no_grad()
def shared_accuracies(net: Supernet, children: Sequence[Child], images: Images) -> NDArray[np.float64]:
    """Returns each child's validation accuracy with the shared weights, ``(n_children,)``: what a search sees in place of training it."""
    accuracy = np.zeros(len(children))
    for members in batches(children, net.preset.side):
        program = [children[i] for i in members]
        for start in range(0, len(images.valid[0]), _CHUNK):
            x, y = (torch.from_numpy(part[start : start + _CHUNK]).to(net.device) for part in images.valid)
            accuracy[members] += (net.logits(program, x).argmax(dim=2) == y[:, None]).sum(dim=0).cpu().numpy()
    return accuracy / len(images.valid[0])
