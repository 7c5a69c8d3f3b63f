"""Messages along lists of edges, some steps long, as one function with a gradient by hand: what it costs follows the edges there are.

Not a layer: ``layers.Propagate`` holds the weights.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from shoestring.systems.graph_transition.gates import gates_backward, open_gates, tanh_backward, weights_backward
from shoestring.systems.graph_transition.links import PER_BLOCK, Blocks

SAVED = 7  # tensors that a step keeps for its gradient


@dataclass(frozen=True)
class Plan:
    """All that a propagation at one moment depends on but the states, as ``Exchange`` takes it."""

    by_type: Tensor
    of_sender: Tensor
    given: Tensor
    blocks: Blocks


class Exchange(torch.autograd.Function):
    """Steps of the propagation between ``n`` nodes of each of ``M`` models.

    The gradient is by hand, because a step is some thirty operations that are too small to be worth nodes of torch's graph.
    """

    @staticmethod
    def forward(
        ctx: Any,
        h: Tensor,
        weights: Tensor,
        by_type: Tensor,
        of_sender: Tensor,
        given: Tensor,
        of_message: Tensor,
        of_state: Tensor,
        of_reset: Tensor,
        blocks: Blocks,
        n_steps: int,
    ) -> Tensor:
        """Returns the states after ``n_steps`` steps, ``(M, n, D)``.

        Args:
            h: states before, ``(M, n, D)``.
            weights: those of ``blocks``.
            by_type: what the senders' types add to messages before tanh, ``(C, PER_BLOCK, message)``.
            of_sender: weights of each block's map, ``(C, D, message)``.
            given: what types add to the gated unit, ``(M, n, 3 D)``.
            of_message, of_state, of_reset: weights of the gated unit, ``(M, message, 3 D)``, ``(M, D, 2 D)`` and ``(M, D, D)``.
            blocks: who sends to whom.
        """
        width, steps = h.shape[-1], []
        for _ in range(n_steps):
            rows = h.flatten(0, 1).index_select(0, blocks.senders).view(-1, PER_BLOCK, width)
            sent = torch.baddbmm(by_type, rows, of_sender).tanh_()
            received = blocks.received(sent.flatten(0, 1)).view(len(h), -1, sent.shape[-1])
            r, z, new = open_gates(torch.baddbmm(given, received, of_message), h, of_state, of_reset)
            steps += [h, rows, sent, received, r, z, new]
            h = torch.lerp(h, new, z)
        ctx.blocks = blocks
        ctx.save_for_backward(weights, of_sender, of_message, of_state, of_reset, *steps)
        return h

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_h: Tensor) -> tuple[Tensor | None, ...]:
        """Returns the gradients of what ``forward`` takes."""
        blocks, (weights, of_sender, of_message, of_state, of_reset, *steps) = ctx.blocks, ctx.saved_tensors
        d_weights = torch.zeros_like(weights) if ctx.needs_input_grad[1] else None
        d_sent: list[Tensor] = []
        d_given: list[Tensor] = []
        for i in reversed(range(0, len(steps), SAVED)):
            h, _, sent, _, r, z, new = steps[i : i + SAVED]
            d_moved = d_h * z
            d_inputs, d_by_gates = gates_backward(d_h * (new - h), d_moved, h, r, z, new, of_state, of_reset)
            d_messages = torch.bmm(d_inputs, of_message.mT).flatten(0, 1).index_select(0, blocks.receivers)
            if d_weights is not None:
                d_weights += (d_messages * sent.flatten(0, 1)).sum(-1, keepdim=True)
            d_given.append(d_inputs)
            d_sent.append(tanh_backward((d_messages * weights).view_as(sent), sent))
            d_rows = torch.bmm(d_sent[-1], of_sender.mT).flatten(0, 1)
            d_h = d_by_gates.add_(d_h).sub_(d_moved).add_(blocks.sent(d_rows).view_as(h))
        return d_h, d_weights, *_gradients(steps, d_sent, d_given), None, None


def _gradients(steps: list[Tensor], d_sent: list[Tensor], d_given: list[Tensor]) -> tuple[Tensor, ...]:
    """Returns the gradients of what is the same at all steps, from those of each step's messages and gates, the last step first."""
    h, rows, received, r = (torch.cat(steps[kind::SAVED][::-1], 1) for kind in (0, 1, 3, 4))
    sent, given = torch.stack(d_sent, 1), torch.stack(d_given, 1)
    d_by_type, d_types, sent, given = sent.sum(1), given.sum(1), sent.flatten(1, 2), given.flatten(1, 2)
    return d_by_type, torch.bmm(rows.mT, sent), d_types, torch.bmm(received.mT, given), *weights_backward(given, h, r)
