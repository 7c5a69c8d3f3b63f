"""Edges as lists: who sends to whom, through which map, arranged so that one batched product computes all messages and no others.

Links through one map are put side by side in blocks of a few. None of it depends on states, so all moments of a story are arranged at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

PER_BLOCK = 8  # links of a block: fewer cost more products, more of them more padding


@dataclass(frozen=True)
class Links:
    """The edges of graphs at some moments as lists, each edge twice: its second node sends to its first, and the first to the second.

    Attributes:
        moments: ``(E,)``, when.
        receivers, senders: ``(E,)``, nodes, counted over all graphs of a moment.
        maps: ``(E,)``, which of the ``2 Y`` maps a message goes through.
        weights: ``(E,)``, strength of the sender times strength of the edge.
        n_graphs: how many graphs there are.
        n_places: places of a graph at each moment.
    """

    moments: Tensor
    receivers: Tensor
    senders: Tensor
    maps: Tensor
    weights: Tensor
    n_graphs: int
    n_places: tuple[int, ...]

    @classmethod
    def of(cls, edges: Tensor, s: Tensor) -> Links:
        """Returns the links of ``edges``, ``(..., V, V, Y)``, above 0, between nodes of strengths ``s``, ``(..., V)``."""
        return cls.at_moments(edges[..., None, :, :, :], s[..., None, :], [s.shape[-1]])

    @classmethod
    def at_moments(cls, edges: Tensor, s: Tensor, n_places: Sequence[int]) -> Links:
        """Returns the links at ``T`` moments, in graphs that have only so many of their ``V`` places then.

        Args:
            edges: ``(..., T, V, V, Y)``.
            s: ``(..., T, V)``.
            n_places: ``T`` numbers; there is no edge of a place beyond.
        """
        n_graphs = s.shape[:-2].numel()
        s, edges = s.reshape(n_graphs, *s.shape[-2:]), edges.reshape(n_graphs, *edges.shape[-4:])
        is_edge = edges.bool().cpu().numpy()  # NumPy looks through a mask some ten times as fast as torch
        index = np.stack(np.unravel_index(np.flatnonzero(is_edge), is_edge.shape))
        graph, moment, first, second, kind = torch.from_numpy(index).to(s.device)
        strength = edges[graph, moment, first, second, kind].to(s.dtype)
        start = graph * torch.tensor(n_places, device=s.device)[moment]
        return cls(
            moment.repeat(2),
            torch.cat([start + first, start + second]),
            torch.cat([start + second, start + first]),
            torch.cat([kind, kind + edges.shape[-1]]),
            torch.cat([strength * s[graph, moment, second], strength * s[graph, moment, first]]),
            n_graphs,
            tuple(n_places),
        )

    @property
    def n_nodes(self) -> list[int]:
        """Nodes of all graphs at each moment."""
        return [self.n_graphs * n for n in self.n_places]

    def places(self, most: int) -> list[Tensor]:
        """Returns for each moment where its nodes are among the places of all graphs, ``most`` a graph."""
        rows = torch.arange(self.n_graphs, device=self.maps.device)[:, None] * most
        return [(rows + torch.arange(n, device=rows.device)).flatten() for n in self.n_places]


@dataclass(frozen=True)
class Sums:
    """Which slots add up to each node's sum, at one moment.

    Attributes:
        slots: of one node after another, ``(E,)``.
        starts: where each node's begin, ``(n_nodes,)``.
        weights: of the slots, ``(E,)``; None for 1.
    """

    slots: Tensor
    starts: Tensor
    weights: Tensor | None

    @classmethod
    def at_moments(cls, slots: Tensor, nodes: Tensor, links: Links, weights: Tensor | None = None) -> list[Sums]:
        """Returns the sums of each moment, for the slot and the node, ``(E,)``, of each of the links."""
        sizes = torch.tensor(links.n_nodes, device=nodes.device)
        ordered, order = (nodes + (sizes.cumsum(0) - sizes)[links.moments]).sort()
        starts = torch.searchsorted(ordered, torch.arange(sum(links.n_nodes), device=nodes.device))
        counts = links.moments.bincount(minlength=len(sizes)).tolist()
        weights_at = [None] * len(sizes) if weights is None else torch.split(weights[order], counts)
        parts = torch.split(slots[order], counts), torch.split(starts, links.n_nodes), weights_at
        return [cls(slots_now, starts_now - starts_now[:1], weights_now) for slots_now, starts_now, weights_now in zip(*parts, strict=True)]

    def __call__(self, values: Tensor) -> Tensor:
        """Returns the sums ``(n_nodes, width)`` of values ``(n_slots, width)``."""
        return F.embedding_bag(self.slots, values, self.starts, mode="sum", per_sample_weights=self.weights)


@dataclass(frozen=True)
class Blocks:
    """Links of one moment in ``C`` blocks of ``PER_BLOCK`` slots, each block through one map; a slot that is left over has weight 0.

    Attributes:
        maps: ``(C,)``, a block's map, counted over all models.
        senders, receivers: ``(C * PER_BLOCK,)``, nodes.
        weights: ``(C * PER_BLOCK, 1)``.
        received: sums what the slots hold, by weight, for each receiver.
        sent: sums what the slots hold for each sender.
    """

    maps: Tensor
    senders: Tensor
    receivers: Tensor
    weights: Tensor
    received: Sums
    sent: Sums

    @classmethod
    def at_moments(cls, links: Links, n_maps: int, n_models: int) -> list[Blocks]:
        """Returns the blocks of each moment; an equal part of the graphs is each model's."""
        n_moments, n_nodes = len(links.n_places), torch.tensor(links.n_nodes, device=links.maps.device)
        model = links.senders // (n_nodes // n_models)[links.moments]
        slots, n_blocks = _slots((links.moments * n_models + model) * n_maps + links.maps, n_moments * n_models * n_maps)
        maps = torch.arange(n_models * n_maps, device=slots.device).repeat(n_moments).repeat_interleave(n_blocks)
        at_moment = n_blocks.view(n_moments, -1).sum(1)
        n_slots = (PER_BLOCK * at_moment).tolist()
        padded = (one.new_zeros(sum(n_slots)).index_copy(0, slots, one) for one in (links.senders, links.receivers, links.weights))
        senders, receivers, weights = (torch.split(one, n_slots) for one in padded)
        slots = slots - PER_BLOCK * (at_moment.cumsum(0) - at_moment)[links.moments]
        received, sent = Sums.at_moments(slots, links.receivers, links, links.weights), Sums.at_moments(slots, links.senders, links)
        columns = [one[:, None] for one in weights]
        parts = torch.split(maps, at_moment.tolist()), senders, receivers, columns, received, sent
        return [cls(*one) for one in zip(*parts, strict=True)]


def _slots(key: Tensor, n_keys: int) -> tuple[Tensor, Tensor]:
    """Returns a slot for each of ``(E,)`` keys, those of one key side by side from a block's first, and how many blocks each key has."""
    counts = key.bincount(minlength=n_keys)
    n_blocks = (counts + PER_BLOCK - 1) // PER_BLOCK
    empty = PER_BLOCK * (n_blocks.cumsum(0) - n_blocks) - (counts.cumsum(0) - counts)
    in_order, order = key.sort()
    return torch.empty_like(key).scatter_(0, order, torch.arange(len(key), device=key.device) + empty[in_order]), n_blocks
