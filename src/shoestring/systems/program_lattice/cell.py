"""One step of an LSTM core, forwards and backwards by hand: a third of the operators that torch's own bookkeeping would take.

At a lattice's sizes a step costs as much in operators begun as in numbers multiplied. It owns no parameters: see ``model``.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import torch
from torch import Tensor

Outputs: TypeAlias = tuple[Tensor, Tensor, Tensor, Tensor, Tensor]
aten = torch.ops.aten


class Cell(torch.autograd.Function):
    """``u = relu(seen + E_g W); h, c = LSTM(u, h, c)``, and the log-softmax of three slices of an affine layer on h."""

    @staticmethod
    def forward(
        ctx: Any,
        seen: Tensor,
        program: Tensor,
        h: Tensor,
        c: Tensor,
        from_program: Tensor,
        gates: Tensor,
        gates_bias: Tensor,
        heads: Tensor,
        heads_bias: Tensor,
        sizes: list[int],
    ) -> Outputs:
        """Returns log-probabilities of kind, program and action, and the new h and c.

        Args:
            ctx: for ``backward``.
            seen, program, h, c: as for ``Core.step``, ``(m, n, d)`` each.
            from_program, gates, gates_bias, heads, heads_bias: weights ``(m, n_in, n_out)`` and biases ``(m, 1, n_out)``; the gates are
            i, f,
                o and g side by side, their inputs u and h.
            sizes: of the three slices.
        """
        d = c.shape[2]
        u = torch.baddbmm(seen, program, from_program).relu_()
        inputs = torch.cat((u, h), dim=2)
        before = torch.baddbmm(gates_bias, inputs, gates)
        opened, new = torch.sigmoid(before[..., : 3 * d]), torch.tanh(before[..., 3 * d :])
        enter, forget, leave = torch.split(opened, d, dim=2)
        kept = (forget * c).addcmul_(enter, new)
        shown = torch.tanh(kept)
        new_h = leave * shown
        exact = torch.promote_types(h.dtype, torch.float32)
        logits = torch.split(torch.baddbmm(heads_bias, new_h, heads), sizes, dim=2)
        kind, called, action = (torch.log_softmax(part, dim=2, dtype=exact) for part in logits)
        ctx.save_for_backward(program, c, from_program, gates, heads, inputs, opened, new, shown, new_h, kind, called, action)
        return kind, called, action, new_h, kept

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """Returns the gradients of all but the sizes."""
        program, c, from_program, gates, heads, inputs, opened, new, shown, new_h, *log_p = ctx.saved_tensors
        d, exact = c.shape[2], log_p[0].dtype
        parts = [aten._log_softmax_backward_data(g, one, 2, exact) for g, one in zip(gradients[:3], log_p, strict=True)]
        to_logits = torch.cat(parts, dim=2).to(c.dtype)
        to_h = torch.baddbmm(gradients[3], to_logits, heads.mT)
        enter, forget, leave = torch.split(opened, d, dim=2)
        to_kept = aten.tanh_backward(to_h * leave, shown).add_(gradients[4])
        to_opened = torch.cat((to_kept * new, to_kept * c, to_h * shown), dim=2)
        to_new = aten.tanh_backward(to_kept * enter, new)
        to_before = torch.cat((aten.sigmoid_backward(to_opened, opened), to_new), dim=2)
        to_inputs = torch.bmm(to_before, gates.mT)
        to_u = aten.threshold_backward(to_inputs[..., :d], inputs[..., :d], 0)
        return (
            to_u,
            torch.bmm(to_u, from_program.mT),
            to_inputs[..., d:],
            to_kept * forget,
            torch.bmm(program.mT, to_u),
            torch.bmm(inputs.mT, to_before),
            to_before.sum(1, keepdim=True),
            torch.bmm(new_h.mT, to_logits),
            to_logits.sum(1, keepdim=True),
            None,
        )
