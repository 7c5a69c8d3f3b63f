"""Many small networks as one tensor program: every weight has a leading axis of models, and one step trains all of them.

Two kinds: ``mlp``, 196 - w - w - 10 with ReLU; ``cnn``, two 3 x 3 convolutions of stride 2 with w and 2w channels and ReLU, then a linear
layer. Narrower networks are padded to the widest with zeros, which stay zero: a unit of weight 0 gives 0, and ReLU passes no gradient
at 0. SGD with momentum, weight decay and a learning rate that falls exponentially, each model by its own hyperparameters.
No data, no budget, no files here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from shoestring.systems.hyperband.task import N_CLASSES, SIDE, Net

_EVALUATED_AT_ONCE = 500  # images, to stay within the cache


@dataclass(frozen=True)
class Recipe:
    """How one network is built and trained.

    Attributes:
        width: hidden units (mlp) or channels of the first layer (cnn).
        lr: learning rate of the first step; that of the last is ``lr * decay``.
        init: multiplies the standard deviation of He initialisation.
        seed: of the initial weights.
    """

    width: int
    lr: float
    decay: float
    momentum: float
    weight_decay: float
    init: float
    seed: int


class Networks:
    """A number of networks of one kind that are trained side by side.

    Args:
        net: ``"mlp"`` or ``"cnn"``.
        recipes: one for each model.
        n_steps: steps of a full training, over which the learning rate falls.
        device, dtype: where and in what precision the weights are.
    """

    def __init__(self, net: Net, recipes: Sequence[Recipe], n_steps: int, device: str = "cpu", dtype: torch.dtype = torch.float32) -> None:
        def column(values: Sequence[float]) -> torch.Tensor:
            return torch.tensor(values, device=device, dtype=dtype)

        self._net = net
        self._n_models = len(recipes)
        self._n_steps = n_steps
        self._widest = max(recipe.width for recipe in recipes)
        self._lr = column([recipe.lr for recipe in recipes])
        self._log_decay = column([math.log(recipe.decay) for recipe in recipes])
        self._momentum = column([recipe.momentum for recipe in recipes])
        self._weight_decay = column([recipe.weight_decay for recipe in recipes])
        stacks = zip(*(_initial(net, recipe, self._widest) for recipe in recipes), strict=True)
        self._weights = [torch.from_numpy(np.stack(stack)).to(device, dtype).requires_grad_() for stack in stacks]
        self._velocities = [torch.zeros_like(weight) for weight in self._weights]
        self._done = 0

    def step(self, images: torch.Tensor, classes: torch.Tensor) -> None:
        """Takes one step of every model on its own batch: images ``(n_models, batch, 196)``, classes ``(n_models, batch)``."""
        logits, classes = self._logits(images.to(self._lr.device)), classes.to(self._lr.device)
        n = classes.shape[1]
        loss = functional.cross_entropy(logits.reshape(-1, N_CLASSES).float(), classes.reshape(-1), reduction="sum") / n
        lr = self._lr * torch.exp(self._log_decay * (self._done / self._n_steps))
        with torch.no_grad():
            gradients = torch.autograd.grad(loss, self._weights)
            for weight, velocity, gradient in zip(self._weights, self._velocities, gradients, strict=True):
                each = (self._n_models, *([1] * (weight.dim() - 1)))
                velocity.mul_(self._momentum.view(each)).add_(gradient).addcmul_(weight, self._weight_decay.view(each))
                weight.sub_(velocity * lr.view(each))
        self._done += 1

    def errors(self, images: torch.Tensor, classes: torch.Tensor) -> torch.Tensor:
        """Returns the share of wrong answers of every model, ``(n_models,)`` float64, ``inf`` for one that has diverged.

        Args:
            images: ``(n, 196)``, the same for all.
            classes: ``(n,)``.
        """
        wrong = torch.zeros(self._n_models, dtype=torch.float64)
        finite = torch.ones(self._n_models, dtype=torch.bool)
        with torch.no_grad():
            for some, answers in zip(torch.split(images, _EVALUATED_AT_ONCE), torch.split(classes, _EVALUATED_AT_ONCE), strict=True):
                logits = self._logits(some.to(self._lr.device).expand(self._n_models, *some.shape)).cpu()
                wrong += (logits.argmax(2) != answers).sum(1)
                finite &= torch.isfinite(logits).flatten(1).all(1)
        return torch.where(finite, wrong / len(classes), torch.inf)

    def state_dict(self) -> dict[str, Any]:
        """Returns weights, velocities and the number of steps done."""
        return {"weights": [weight.detach() for weight in self._weights], "velocities": self._velocities, "done": self._done}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Takes a state back."""
        with torch.no_grad():
            for ours, theirs in zip([*self._weights, *self._velocities], [*state["weights"], *state["velocities"]], strict=True):
                ours.copy_(theirs)
        self._done = state["done"]

    def _logits(self, images: torch.Tensor) -> torch.Tensor:
        """Returns ``(n_models, n, 10)`` for images ``(n_models, n, 196)``."""
        hidden = self._hidden_of_mlp(images) if self._net == "mlp" else self._hidden_of_cnn(images)
        return torch.baddbmm(self._weights[-1].unsqueeze(1), hidden, self._weights[-2])

    def _hidden_of_mlp(self, images: torch.Tensor) -> torch.Tensor:
        first, first_bias, second, second_bias = self._weights[:4]
        hidden = torch.relu(torch.baddbmm(first_bias.unsqueeze(1), images.to(first.dtype), first))
        return torch.relu(torch.baddbmm(second_bias.unsqueeze(1), hidden, second))

    def _hidden_of_cnn(self, images: torch.Tensor) -> torch.Tensor:
        n_models, n = images.shape[:2]
        hidden = images.to(self._weights[0].dtype).transpose(0, 1).reshape(n, n_models, SIDE, SIDE)
        for kernel, bias in (self._weights[0:2], self._weights[2:4]):
            # One group of channels a model.
            hidden = functional.conv2d(hidden, kernel.flatten(0, 1), bias.flatten(), stride=2, padding=1, groups=n_models)
            hidden = torch.relu(hidden)
        return hidden.reshape(n, n_models, -1).transpose(0, 1)


def _initial(net: Net, recipe: Recipe, widest: int) -> list[np.ndarray]:
    """Returns the weights and biases of one model, padded with zeros to the widest."""
    rng, w = np.random.default_rng(recipe.seed), recipe.width
    shapes: list[tuple[tuple[int, ...], tuple[int, ...], int]]  # as it is, as it is padded, inputs of one unit
    if net == "mlp":
        n_in = SIDE * SIDE
        shapes = [
            ((n_in, w), (n_in, widest), n_in),
            ((w, w), (widest, widest), w),
            ((w, N_CLASSES), (widest, N_CLASSES), w),
        ]
    else:
        area = 16  # 14 x 14 is 4 x 4 after two strides
        shapes = [
            ((w, 1, 3, 3), (widest, 1, 3, 3), 9),
            ((2 * w, w, 3, 3), (2 * widest, widest, 3, 3), 9 * w),
            ((2 * w * area, N_CLASSES), (2 * widest * area, N_CLASSES), 2 * w * area),
        ]
    weights: list[np.ndarray] = []
    for own, padded, n_inputs in shapes:
        weight = np.zeros(padded, np.float32)
        drawn = rng.standard_normal(own, np.float32) * np.float32(recipe.init * math.sqrt(2 / n_inputs))
        weight[tuple(slice(size) for size in own)] = drawn
        weights += [weight, np.zeros(padded[0] if len(padded) == 4 else padded[1], np.float32)]
    return weights
