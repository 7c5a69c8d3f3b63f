"""The lattice node by node, as the paper writes it: a slow reference for one model and one demonstration, used by tests and measurements.

Weights are normalised at each time, and the logarithm of their sum is carried along. Source: Li et al. 2017 (Neural Program Lattices,
ICLR), section 3.
"""

from __future__ import annotations

import torch
from torch import Tensor

from shoestring.systems.program_lattice.model import Core
from shoestring.systems.program_lattice.task import POP, PUSH, STAY

_Frame = tuple[Tensor, Tensor, Tensor]  # program, h, c


def plain_loss(core: Core, observations: Tensor, actions: Tensor, *, max_depth: int, max_calls: int) -> Tensor:
    """Returns ``-log`` of the lattice's probability of one demonstration: what ``ProgramLattice.loss`` gives for it.

    Args:
        core: of one model.
        observations: ``(n_actions + 1, d_obs)``.
        actions: ``(n_actions,)``.
        max_depth, max_calls: limits; times go up to ``n_actions + 2 max_calls``.
    """
    n_actions = len(actions)
    seen = core.see(observations[None])
    zero = seen.new_zeros(1, 1, core.d_hidden)
    y: dict[tuple[int, int], Tensor] = {(0, 0): seen.new_ones(())}
    frames: dict[tuple[int, int], list[_Frame]] = {(0, 0): [(core.programs[:, :1], zero, zero)]}
    carried = seen.new_zeros(())
    ends = []
    for _ in range(n_actions + 2 * max_calls + 1):
        edges: dict[tuple[int, int], list[tuple[Tensor, list[_Frame]]]] = {}
        for (i, depth), weight in y.items():
            program, h, c = frames[i, depth][0]
            step = core.step(seen[:, i : i + 1], program, h, c)
            kind = step.kind[0, 0].exp()
            now = [(program, step.h, step.c), *frames[i, depth][1:]]
            if depth < max_depth:
                called = step.program.exp() @ core.programs
                edges.setdefault((i, depth + 1), []).append((weight * kind[PUSH], [(called, zero, zero), *now]))
            if depth > 0:
                edges.setdefault((i, depth - 1), []).append((weight * kind[POP], now[1:]))
            if i < n_actions:
                edges.setdefault((i + 1, depth), []).append((weight * kind[STAY] * step.action[0, 0, actions[i]].exp(), now))
            if (i, depth) == (n_actions, 0):
                ends.append(carried + torch.log(weight * kind[POP]))
        y = {node: sum((weight for weight, _ in came), start=seen.new_zeros(())) for node, came in edges.items()}
        frames = {node: _averaged(came, y[node]) for node, came in edges.items()}
        total = sum(y.values(), start=seen.new_zeros(()))
        carried = carried + torch.log(total)
        y = {node: weight / total for node, weight in y.items()}
    return -torch.logsumexp(torch.stack(ends), dim=0)


def _averaged(came: list[tuple[Tensor, list[_Frame]]], weight: Tensor) -> list[_Frame]:
    """Returns the frames that edges bring to a node, each averaged by the edges' weights."""
    stacks = zip(*(frames for _, frames in came), strict=True)
    shares = [one / weight for one, _ in came]
    return [
        (
            sum((share * frame[0] for share, frame in zip(shares, level, strict=True)), start=torch.zeros(())),
            sum((share * frame[1] for share, frame in zip(shares, level, strict=True)), start=torch.zeros(())),
            sum((share * frame[2] for share, frame in zip(shares, level, strict=True)), start=torch.zeros(())),
        )
        for level in stacks
    ]
