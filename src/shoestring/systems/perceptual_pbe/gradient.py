"""The gradient back end: every variable is a tensor of probabilities, and all programs of a batch run as one tensor program.

Source: Gaunt et al. 2016, arXiv:1611.02109, section 3.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from shoestring.systems.perceptual_pbe.template import Program, Template
from shoestring.systems.perceptual_pbe.variables import Branch, Lifted, Var


class Soft:
    """Computes with marginals ``(programs, examples, n)``; either of the first two may be 1."""

    def __init__(self, device: str | torch.device = "cpu", dtype: torch.dtype = torch.float32) -> None:
        self.device, self.dtype = torch.device(device), dtype

    def given(self, marginals: Tensor) -> Var:
        """Returns a variable of known distributions, ``(programs, examples, n)``."""
        return Var(self, marginals.shape[-1], marginals)

    def constant(self, value: int, n: int) -> Var:
        """Returns the certain ``value``."""
        return self.given(torch.eye(n, device=self.device, dtype=self.dtype)[value].reshape(1, 1, n))

    def call(self, function: Lifted, arguments: Sequence[Var]) -> Var:
        """Returns ``mu_z[i] = sum_jk [f(j, k) = i] mu_x[j] mu_y[k]``."""
        *first, last = arguments
        indicator = torch.from_numpy(function.indicator).to(self.device, self.dtype)
        if not first:
            return self.given(last.data @ indicator)
        joint: Tensor = first[0].data
        for argument in first[1:]:
            joint = (joint[..., :, None] * argument.data[..., None, :]).flatten(-2)
        # The last argument is summed out after the function is looked up, which keeps the joint distribution one argument smaller.
        each = joint @ indicator.reshape(joint.shape[-1], -1)
        return self.given((last.data[..., None] * each.reshape(*each.shape[:-1], last.n, function.n)).sum(dim=-2))

    def switch(self, selector: Var, branches: Sequence[Branch]) -> tuple[Var, ...]:
        """Returns the mixture of all branches."""
        parts = zip(*(branch() for branch in branches), strict=True)
        return tuple(part[0] if all(one is part[0] for one in part) else self._mixture(selector.data, part) for part in parts)

    def _mixture(self, weights: Tensor, options: Sequence[Var]) -> Var:
        if len(options) == 2:  # weights sum to 1
            return self.given(torch.lerp(options[0].data, options[1].data, weights[..., 1:]))
        shape = torch.broadcast_shapes(*(option.data.shape for option in options))  # type: ignore[no-untyped-call]
        every = torch.stack([option.data.expand(shape) for option in options], dim=-2)
        return self.given((weights[..., None] * every).sum(dim=-2))


def run(template: Template, holes: Mapping[str, Tensor], inputs: Mapping[str, Tensor]) -> Tensor:
    """Returns the answer's marginals, ``(programs, examples, n)``.

    Args:
        holes: by name, the marginals ``(programs, n)`` of each hole.
        inputs: by name, the marginals ``(programs or 1, examples, n)`` of each input.
    """
    some = next(iter(holes.values()))
    machine = Soft(some.device, some.dtype)
    answer: Tensor = template.run(
        {name: machine.given(marginals[:, None]) for name, marginals in holes.items()},
        {name: machine.given(marginals.to(some.dtype)) for name, marginals in inputs.items()},
    ).data
    return answer


def certain(template: Template, programs: Sequence[Program], like: Tensor) -> dict[str, Tensor]:
    """Returns holes ``(programs, n)`` that hold the values of programs; a hole that is left out holds its first."""
    return {
        param.name: one_hot(torch.tensor([program.get(param.name, 0) for program in programs]), param.n).to(like)
        for param in template.params
    }


def execute(template: Template, programs: Sequence[Program], inputs: Mapping[str, Tensor]) -> Tensor:
    """Returns the answers of discrete programs, ``(programs, examples, n)``; inputs as for ``run``."""
    with torch.no_grad():
        return run(template, certain(template, programs, next(iter(inputs.values()))), inputs)
