"""Which nodes of a lattice are alive at each time, and where their parents are. It computes no probabilities.

A path has done i actions, waits at depth l, and has finished q calls. As every step changes exactly one of the sums,

    t = i + l + 2 q,

so that the node (i, l) at time t is (l, q) with i = t - l - 2 q. This is parity made a coordinate: no dead node is stored at all.
A node is alive if 0 <= i <= n_actions, 0 <= l <= max_depth, and the l calls under way can still be finished: q + l <= max_calls.

A node has at most one parent and one child of each kind, so that both directions of the recursion only gather.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from shoestring.systems.program_lattice.task import POP, PUSH, STAY


@dataclass(frozen=True)
class Front:
    """The ``n`` nodes alive at one time, and the edges to them from the ``k`` alive at the time before.

    Attributes:
        done: how many actions are done at each, i, ``(n,)``.
        n_root: how many are at depth 0; they are the first rows.
        furthest: the most actions that are done at any of those; -1 if there are none.
        parents: the row from which a step of each kind leads to each node, ``(3, n)``; any row where there is none.
        children: the row to which a step of each kind leads from each node of the time before, ``(3, k)``; any row where there is none.
        arrivals: the edge into each node by each kind, ``(3 n,)``, among the ``3 k`` edges out, by kind; ``3 k`` for none.
        departures: the edge out of each node of the time before, ``(3 k,)``, among the ``3 n`` edges in, by kind; ``3 n`` for none.
    """

    done: Tensor
    n_root: int
    furthest: int
    parents: Tensor
    children: Tensor
    arrivals: Tensor
    departures: Tensor

    def to(self, device: torch.device) -> Front:
        """Returns the same on a device."""
        moved = (one.to(device) for one in (self.parents, self.children, self.arrivals, self.departures))
        return self if device.type == "cpu" else Front(self.done.to(device), self.n_root, self.furthest, *moved)


@lru_cache(maxsize=256)
def fronts(n_actions: int, max_depth: int, max_calls: int) -> tuple[Front, ...]:
    """Returns the nodes alive at times 0 to ``n_actions + 2 max_calls``, the last at which the root can return."""
    found: list[Front] = []
    before: dict[tuple[int, int], int] = {}
    for t in range(n_actions + 2 * max_calls + 1):
        nodes = [(depth, q) for depth in range(max_depth + 1) for q in range(max_calls - depth + 1) if 0 <= t - depth - 2 * q <= n_actions]
        alive = {node: row for row, node in enumerate(nodes)}
        n, k = len(alive), len(before)
        parents, children, arrivals, departures = (np.zeros((3, size), dtype=np.int64) for size in (n, k, n, k))
        arrivals[:], departures[:] = 3 * k, 3 * n
        for (depth, q), row in alive.items():
            for kind, parent in ((PUSH, (depth - 1, q)), (POP, (depth + 1, q - 1)), (STAY, (depth, q))):
                if parent in before and (kind != STAY or t - depth - 2 * q > 0):  # with no action done, none led here
                    source = before[parent]
                    parents[kind, row], children[kind, source] = source, row
                    arrivals[kind, row], departures[kind, source] = kind * k + source, kind * n + row
        done = torch.tensor([t - depth - 2 * q for depth, q in nodes])
        at_root = [t - 2 * q for depth, q in nodes if depth == 0]
        tables = (torch.from_numpy(table) for table in (parents, children, arrivals.reshape(-1), departures.reshape(-1)))
        found.append(Front(done, len(at_root), max(at_root, default=-1), *tables))
        before = alive
    return tuple(found)


def n_nodes(n_actions: int, max_depth: int, max_calls: int) -> int:
    """Returns how many nodes are alive over all times."""
    return sum(len(front.done) for front in fronts(n_actions, max_depth, max_calls))
