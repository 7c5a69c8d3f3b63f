"""One time step of the lattice's recursion, forwards and backwards by hand: weights of nodes, and frames averaged over the edges into each.

It computes no step of a core. Source: Li et al. 2017 (Neural Program Lattices, ICLR), section 3; weights are kept as logarithms
throughout, which is what the paper's normalisation at each time amounts to.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from shoestring.systems.program_lattice.nodes import Front
from shoestring.systems.program_lattice.task import POP, PUSH, STAY

NEVER = -1e30  # the log of 0 that has a gradient: sums of a thousand of them are still finite


class Advance(torch.autograd.Function):
    """Sums over the edges into each node: their weights, and the frames that they bring times their share of the weight.

    A frame is a program's embedding, h and c, side by side. Staying brings the current frame and all that wait; returning brings the
    topmost waiting one as the current; calling puts the current one on top of those that wait, and brings the called program with a state
    of zero."""

    @staticmethod
    def forward(
        ctx: Any, program: Tensor, h: Tensor, c: Tensor, waiting: Tensor, called: Tensor, log_y: Tensor, leaving: Tensor, front: Front
    ) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """Returns program, h, c, waiting frames and log weights of the nodes of the next time.

        Args:
            ctx: for ``backward``.
            program, h, c: the current frame after the step, ``(m, k, b, d)`` each.
            waiting: frames that wait, the topmost first, ``(m, k, b, max_depth * width)``.
            called: embeddings of what each node would call, ``(m, k, b, d_program)``.
            log_y: weights of the nodes, ``(m, k, b)``.
            leaving: log-probabilities of the step of each kind, ``(m, 3, k, b)``.
            front: the nodes of the next time.
        """
        m, k, b = log_y.shape
        frames = torch.cat((program, h, c, waiting), dim=3)
        sizes = [program.shape[3], h.shape[3], c.shape[3], waiting.shape[3]]
        width, stacked = sum(sizes[:3]), sizes[3]
        out = torch.cat(((log_y[:, None] + leaving).reshape(m, 3 * k, b), log_y.new_full((m, 1, b), NEVER)), dim=1)
        edges = out.index_select(1, front.arrivals).reshape(m, 3, -1, b)
        new_log_y = torch.logsumexp(edges, dim=1)
        share = edges.sub_(new_log_y[:, None]).exp_().to(frames.dtype)
        weight = share[..., None].unbind(1)
        push, pop, stay = front.parents.unbind(0)
        result = frames.index_select(1, stay).mul_(weight[STAY])
        result[..., : sizes[0]].addcmul_(called.index_select(1, push), weight[PUSH])
        if stacked:
            result[..., :stacked].addcmul_(waiting.index_select(1, pop), weight[POP])
            result[..., width:].addcmul_(frames[..., :stacked].index_select(1, push), weight[PUSH])
        ctx.save_for_backward(frames, called, share)
        ctx.front, ctx.sizes = front, sizes
        new_program, new_h, new_c, new_waiting = (part.contiguous() for part in torch.split(result, sizes, dim=3))
        return new_program, new_h, new_c, new_waiting, new_log_y

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """Returns the gradients of all but the front."""
        frames, called, share = ctx.saved_tensors
        sizes: list[int] = ctx.sizes
        front: Front = ctx.front
        width, stacked, d_program = sum(sizes[:3]), sizes[3], sizes[0]
        (m, k, b), none = frames.shape[:3], share.new_zeros((frames.shape[0], 1, frames.shape[2]))
        gradient = torch.cat(gradients[:4], dim=3)
        weight = torch.cat((share.reshape(m, -1, b), none), dim=1).index_select(1, front.departures).reshape(m, 3, k, b, 1).unbind(1)
        push, pop, stay = front.children.unbind(0)
        inner = frames.new_zeros((m, 3, k, b))
        came = gradient.index_select(1, stay)
        inner[:, STAY] = torch.linalg.vecdot(came, frames)
        to_frames = came.mul_(weight[STAY])
        came = gradient[..., :d_program].index_select(1, push)
        inner[:, PUSH] = torch.linalg.vecdot(came, called)
        to_called = came.mul_(weight[PUSH])
        if stacked:
            came = gradient[..., :stacked].index_select(1, pop)
            inner[:, POP] = torch.linalg.vecdot(came, frames[..., width:])
            to_frames[..., width:].addcmul_(came, weight[POP])
            came = gradient[..., width:].index_select(1, push)
            inner[:, PUSH] += torch.linalg.vecdot(came, frames[..., :stacked])
            to_frames[..., :stacked].addcmul_(came, weight[PUSH])
        arrived = torch.cat((inner.reshape(m, 3 * k, b), none), dim=1).index_select(1, front.arrivals).reshape(share.shape)
        to_edges = share * (arrived + (gradients[4] - (share * arrived).sum(1))[:, None])
        to_leaving = torch.cat((to_edges.reshape(m, -1, b), none), dim=1).index_select(1, front.departures).reshape(m, 3, k, b)
        return (*torch.split(to_frames, sizes, dim=3), to_called, to_leaving.sum(1), to_leaving, None)
