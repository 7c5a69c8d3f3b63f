"""Many networks of one shape as one tensor program: one row of parameters each, their own inputs, and their own learning rates.

It knows no task. Rows that diverge leave the others as they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from shoestring.errors import UsageError


class Ensemble:
    """Networks of one shape, evaluated together by ``torch.func.vmap``, or one after the other where it does not know a layer.

    Attributes:
        flat: all parameters, ``(n_models, n_params)``, a leaf.
        n_models, n_params: how many networks, and how many parameters of each.
    """

    def __init__(
        self, models: Sequence[nn.Module], *, device: str = "cpu", dtype: torch.dtype = torch.float32, together: bool = True
    ) -> None:
        """Copies the networks' parameters and buffers.

        Args:
            models: networks of one shape, in training mode or not, as they shall be evaluated.
            device: where they live.
            dtype: of the computation; parameters are kept as float32.
            together: evaluate all in one call; False for layers without a batching rule, such as torch's own recurrent ones.
        Raises:
            UsageError: no network, or networks of several shapes.
        """
        shapes = [{name: p.shape for name, p in model.named_parameters()} for model in models]
        if not models or any(one != shapes[0] for one in shapes):
            raise UsageError(
                f"{len(models)} networks of {len({str(one) for one in shapes})} shapes cannot be one ensemble; give one shape."
            )
        self._skeleton, self._shapes, self._dtype, self._together = models[0].to(device), shapes[0], dtype, together
        self._sizes = [shape.numel() for shape in self._shapes.values()]
        rows = [torch.cat([p.detach().flatten().float() for p in model.parameters()]) for model in models]
        self.flat = torch.stack(rows).to(device).requires_grad_()
        held = [dict(model.named_buffers()) for model in models]
        self._buffers = {name: torch.stack([one[name] for one in held]).to(device) for name in held[0]}
        self.n_models, self.n_params = self.flat.shape

    def __call__(self, x: Tensor, *, shared: bool = False) -> Tensor:
        """Returns the answers, ``(n_models, ...)``, float32.

        Args:
            x: inputs, ``(n_models, ...)``; or the same for all, without that axis, if ``shared``.
        """
        rows = torch.split(self.flat, self._sizes, dim=1)
        named = zip(self._shapes.items(), rows, strict=True)
        parameters = {name: row.reshape(-1, *shape) for (name, shape), row in named}
        with torch.autocast(x.device.type, self._dtype, enabled=self._dtype != torch.float32):
            if self._together:
                answers: Tensor = vmap(self._one, in_dims=(0, 0, None if shared else 0))(parameters, self._buffers, x)
            else:
                each = range(self.n_models)
                answers = torch.stack([self._one(_nth(parameters, i), _nth(self._buffers, i), x if shared else x[i]) for i in each])
        return answers.float()

    def _one(self, parameters: Mapping[str, Tensor], buffers: Mapping[str, Tensor], x: Tensor) -> Tensor:
        return functional_call(self._skeleton, (dict(parameters), dict(buffers)), (x,))  # type: ignore[no-any-return]


class Adam:
    """Adam with a learning rate, momentum and clipping norm for each network of an ensemble.

    Each row is moved as ``torch.optim.Adam`` would move that network by itself. Source: Kingma and Ba 2015, arXiv:1412.6980.
    """

    def __init__(
        self,
        ensemble: Ensemble,
        lr: Sequence[float],
        *,
        beta1: Sequence[float] | None = None,
        clip: Sequence[float] | None = None,
        beta2: float = 0.999,
        eps: float = 1e-8,
    ) -> None:
        """Begins with averages of zero.

        Args:
            ensemble: what is trained.
            lr: learning rates, one a network.
            beta1: decay of the mean of gradients, one a network; None for 0.9.
            clip: the largest norm of a network's gradient, one a network; None for no limit.
            beta2, eps: as published.
        """
        self._flat, self._lr = ensemble.flat, _column(lr, ensemble)
        self._beta1 = _column([0.9] * len(lr) if beta1 is None else beta1, ensemble)
        self._clip = None if clip is None else _column(clip, ensemble)
        self._beta2, self._eps, self._t = beta2, eps, 0
        self._mean, self._square = torch.zeros_like(self._flat.data), torch.zeros_like(self._flat.data)

    def step(self, loss: Tensor, scale: float = 1.0) -> None:
        """Takes one step down the sum of all networks' losses.

        Args:
            loss: a number, the sum over networks of each one's own loss.
            scale: of all learning rates, for a schedule.
        """
        (gradient,) = torch.autograd.grad(loss, [self._flat])
        if self._clip is not None:
            gradient = gradient * (self._clip / gradient.norm(dim=1, keepdim=True).clamp_min(1e-12)).clamp_max(1.0)
        self._t += 1
        self._mean.lerp_(gradient, 1 - self._beta1)
        self._square.mul_(self._beta2).addcmul_(gradient, gradient, value=1 - self._beta2)
        size = (scale * self._lr) / (1 - self._beta1**self._t)
        with torch.no_grad():
            self._flat.sub_(size * self._mean / ((self._square / (1 - self._beta2**self._t)).sqrt_() + self._eps))

    def state_dict(self) -> dict[str, Any]:
        """Returns copies of parameters and averages: all that training changes."""
        kept = {"flat": self._flat.data, "mean": self._mean, "square": self._square}
        return {"t": self._t} | {name: tensor.clone() for name, tensor in kept.items()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Takes them back."""
        self._t = int(state["t"])
        for tensor, name in ((self._flat.data, "flat"), (self._mean, "mean"), (self._square, "square")):
            tensor.copy_(state[name])


def _nth(tensors: Mapping[str, Tensor], i: int) -> dict[str, Tensor]:
    return {name: tensor[i] for name, tensor in tensors.items()}


def _column(values: Sequence[float], ensemble: Ensemble) -> Tensor:
    return torch.tensor(values, dtype=torch.float32, device=ensemble.flat.device)[:, None]
