"""An affine map with, if asked for, one set of weights for each of many models, so that all are one tensor program."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from typing import TypeVar

import torch
from torch import Tensor, nn

from shoestring.errors import UsageError

Model = TypeVar("Model", bound=nn.Module)


class Affine(nn.Module):
    """``y = x W + b``. Weights are ``(n_in, n_out)``; of ``M`` stacked models ``(M, n_in, n_out)``, and inputs then begin with ``M``.

    Args:
        n_in: numbers of an input.
        n_out: numbers of an output.
        rng: draws the weights, uniform as Glorot and Bengio 2010 have them.
        bias: what all biases begin at; None for ``b = 0``, where another map that is added has biases.
    """

    def __init__(self, n_in: int, n_out: int, rng: torch.Generator, bias: float | None = 0.0) -> None:
        nn.Module.__init__(self)
        limit = math.sqrt(6 / (n_in + n_out))
        self.weight = nn.Parameter((torch.rand(n_in, n_out, generator=rng) * 2 - 1) * limit)
        self.bias = None if bias is None else nn.Parameter(torch.full((n_out,), bias))

    def forward(self, x: Tensor) -> Tensor:
        """Returns ``(..., n_out)`` for ``(..., n_in)``."""
        if self.weight.dim() == 2:
            return nn.functional.linear(x, self.weight.mT, self.bias)
        flat = x.reshape(len(x), -1, x.shape[-1])
        y = torch.bmm(flat, self.weight) if self.bias is None else torch.baddbmm(self.bias[:, None], flat, self.weight)
        return y.view(*x.shape[:-1], y.shape[-1])

    def onto(self, base: Tensor, x: Tensor) -> Tensor:
        """Returns ``base + x W``, ``(..., n_out)``, in one product; for a map without biases."""
        flat, added = x.reshape(-1, x.shape[-1]), base.reshape(-1, base.shape[-1])
        if self.weight.dim() == 2:
            return torch.addmm(added, flat, self.weight).view(base.shape)
        models = len(self.weight)
        return torch.baddbmm(added.view(models, -1, base.shape[-1]), flat.view(models, -1, x.shape[-1]), self.weight).view(base.shape)

    def maps(self, n: int) -> Tensor:
        """Returns the weights as those of ``n`` maps side by side, one model's after another's, ``(M n, n_in, n_out / n)``."""
        n_in, n_out = self.weight.shape[-2:]
        return self.weight.view(-1, n_in, n, n_out // n).transpose(1, 2).reshape(-1, n_in, n_out // n)

    def rows(self, index: Tensor) -> Tensor:
        """Returns ``(..., n_out)`` for inputs that are all 0 but for a 1 at ``index``, ``(...)``; the bias is left out."""
        if self.weight.dim() == 2:
            return nn.functional.embedding(index, self.weight)
        models, n_in, _ = self.weight.shape
        first = torch.arange(models, device=index.device).view(-1, *[1] * (index.dim() - 1)) * n_in
        return nn.functional.embedding(index + first, self.weight.flatten(0, 1))


def stack(models: Sequence[Model]) -> Model:
    """Returns models of one shape as one, each parameter with a first axis for the model: inputs then begin with that axis too.

    Raises:
        UsageError: no model, or models of several shapes.
    """
    shapes = {tuple((name, tuple(p.shape)) for name, p in model.named_parameters()) for model in models}
    if len(shapes) != 1:
        raise UsageError(f"{len(models)} models of {len(shapes)} shapes cannot be stacked; give one or more of the same shape.")
    stacked = copy.deepcopy(models[0])
    for name, parameter in stacked.named_parameters():
        parameter.data = torch.stack([model.get_parameter(name).detach() for model in models])
    return stacked


def unstack(stacked: Model, index: int) -> Model:
    """Returns a copy of one of the models that were stacked."""
    model = copy.deepcopy(stacked)
    for parameter in model.parameters():
        parameter.data = parameter.detach()[index].clone()
    return model
