"""Graphs as tensors, batched and padded: what all layers take and give. Not a graph library: nothing is searched or traversed here.

Source: Johnson 2017, *Learning graphical state transitions*, section 3.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor


@dataclass(frozen=True)
class GraphState:
    """Any number of graphs with room for ``V`` nodes each. A place that holds no node has strength 0.

    Attributes:
        x: annotations ``(..., V, N)``: for each node a distribution over ``N`` types.
        h: hidden states ``(..., V, D)``.
        s: strengths ``(..., V)``, from 0 for no node to 1 for a certain one; the mask of the batch.
        edges: ``(..., V, V, Y)``: how far there is an edge of type ``y`` from the first node to the second, from 0 to 1.
    """

    x: Tensor
    h: Tensor
    s: Tensor
    edges: Tensor

    @classmethod
    def empty(
        cls, shape: tuple[int, ...], n_places: int, n_types: int, width: int, n_edge_types: int, device: str | torch.device = "cpu"
    ) -> GraphState:
        """Returns graphs without nodes, ``shape`` many, with room for ``n_places`` each."""
        s = torch.zeros(*shape, n_places, device=device)
        x, h = s.new_zeros(*s.shape, n_types), s.new_zeros(*s.shape, width)
        return cls(x, h, s, s.new_zeros(*s.shape, n_places, n_edge_types))

    @property
    def n_places(self) -> int:
        """Room for nodes, ``V``."""
        return self.s.shape[-1]

    def snapped(self) -> GraphState:
        """Returns the most likely graphs: strengths and edges of 0 or 1, one type a node, and no edge of a node that is not there."""
        s = (self.s > 0.5).to(self.s.dtype)
        x = torch.nn.functional.one_hot(self.x.argmax(-1), self.x.shape[-1]).to(self.x.dtype) * s[..., None]
        edges = (self.edges > 0.5).to(self.edges.dtype) * pairs_of(s)[..., None]
        return GraphState(x, self.h * s[..., None], s, edges)

    def added(self, s: Tensor, x: Tensor) -> GraphState:
        """Returns the graphs with more places, which hold new nodes with hidden state 0 and no edges.

        Args:
            s: strengths ``(..., K)`` of the new nodes.
            x: annotations ``(..., K, N)``.
        """
        more = s.shape[-1]
        pad = torch.nn.functional.pad
        return replace(
            self,
            x=torch.cat([self.x, x], -2),
            h=pad(self.h, (0, 0, 0, more)),
            s=torch.cat([self.s, s], -1),
            edges=pad(self.edges, (0, 0, 0, more, 0, more)),
        )


def pairs_of(s: Tensor) -> Tensor:
    """Returns ``s_v s_v'``, ``(..., V, V)``: how far there is a pair of nodes to have an edge."""
    return s[..., :, None] * s[..., None, :]
