"""The gates of a gated recurrent unit, as all units of the network have them, with a gradient by hand.

How old state and candidate are mixed is left to the caller: the paper has it both ways. Small tensors make torch's graph of some twenty
nodes dearer than the numbers in it, so what a unit computes is one function here, and its parts serve ``exchange``, which is many units.
Source: Cho et al. 2014, arXiv:1406.1078.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from shoestring.systems.graph_transition.affine import Affine

sigmoid_backward, tanh_backward = torch.ops.aten.sigmoid_backward, torch.ops.aten.tanh_backward


def gates(given: Tensor, h: Tensor, of_state: Affine, of_reset: Affine) -> tuple[Tensor, Tensor]:
    """Returns the gate ``z`` and the candidate ``h~`` of a gated unit, each ``(..., D)``.

    Args:
        given: what the inputs add to ``r``, ``z`` and ``h~``, biases included, ``(..., 3 D)``.
        h: states ``(..., D)``.
        of_state: from ``h`` to ``r`` and ``z``.
        of_reset: from ``r h`` to ``h~``.
    """
    weights = of_state.maps(1), of_reset.maps(1)
    flat = (part.reshape(len(weights[0]), -1, part.shape[-1]) for part in (given, h))
    z, new = Gates.apply(*flat, *weights)  # type: ignore[no-untyped-call]  # torch's own
    return z.view(h.shape), new.view(h.shape)


class Gates(torch.autograd.Function):
    """``gates`` of ``n`` states of each of ``M`` models."""

    @staticmethod
    def forward(ctx: Any, given: Tensor, h: Tensor, of_state: Tensor, of_reset: Tensor) -> tuple[Tensor, Tensor]:
        """Returns ``z`` and ``h~``, ``(M, n, D)``, for ``(M, n, 3 D)``, ``(M, n, D)`` and weights ``(M, D, 2 D)`` and ``(M, D, D)``."""
        r, z, new = open_gates(given, h, of_state, of_reset)
        ctx.save_for_backward(h, r, z, new, of_state, of_reset)
        return z, new

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_z: Tensor, d_new: Tensor) -> tuple[Tensor, ...]:
        """Returns the gradients of what ``forward`` takes."""
        h, r, z, new, of_state, of_reset = ctx.saved_tensors
        d_given, d_h = gates_backward(d_z, d_new, h, r, z, new, of_state, of_reset)
        return d_given, d_h, *weights_backward(d_given, h, r)


def open_gates(given: Tensor, h: Tensor, of_state: Tensor, of_reset: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Returns ``r``, ``z`` and ``h~``, see ``Gates``."""
    width = h.shape[-1]
    r, z = torch.baddbmm(given[..., : 2 * width], h, of_state).sigmoid_().chunk(2, -1)
    return r, z, torch.baddbmm(given[..., 2 * width :], r * h, of_reset).tanh_()


def gates_backward(
    d_z: Tensor, d_new: Tensor, h: Tensor, r: Tensor, z: Tensor, new: Tensor, of_state: Tensor, of_reset: Tensor
) -> tuple[Tensor, Tensor]:
    """Returns the gradients of ``given`` and ``h`` from those of ``z`` and ``h~``, see ``Gates``."""
    d_new = tanh_backward(d_new, new)
    d_reset = torch.bmm(d_new, of_reset.mT)
    d_given = torch.cat([sigmoid_backward(d_reset * h, r), sigmoid_backward(d_z, z), d_new], -1)
    return d_given, (d_reset * r).baddbmm_(d_given[..., : 2 * h.shape[-1]], of_state.mT)


def weights_backward(d_given: Tensor, h: Tensor, r: Tensor) -> tuple[Tensor, Tensor]:
    """Returns the gradients of both weights from that of ``given``, see ``Gates``."""
    d_gates, d_new = torch.split(d_given, [2 * h.shape[-1], h.shape[-1]], -1)
    return torch.bmm(h.mT, d_gates), torch.bmm((r * h).mT, d_new)
