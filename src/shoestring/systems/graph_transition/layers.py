"""The graph transformations of the paper, each a layer of its own: graphs in, graphs or parts of graphs out.

Two gates, two conventions, as published: in the node update ``z`` keeps the old state, in the propagation it lets the new one in. Where the
paper puts vectors side by side before an affine map, the map is applied to each part and the results are added, which is the same
and, for pairs of nodes, far cheaper: no layer ever builds the ``V x V`` pairs of inputs.

Source: Johnson 2017, *Learning graphical state transitions*, sections 3 and 4 and appendix B.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn

from shoestring.systems.graph_transition.affine import Affine
from shoestring.systems.graph_transition.exchange import Exchange, Plan
from shoestring.systems.graph_transition.gates import gates
from shoestring.systems.graph_transition.links import PER_BLOCK, Blocks, Links
from shoestring.systems.graph_transition.state import GraphState, pairs_of


class NodeUpdate(nn.Module):
    """``T_h``: each node's state moves by a gated unit, on an input and its annotation; ``h' = z h + (1 - z) h~``.

    Args:
        n_in: numbers of the input.
        n_types: of nodes, ``N``.
        width: of a node's state, ``D``.
        rng: draws the weights.
    """

    def __init__(self, n_in: int, n_types: int, width: int, rng: torch.Generator) -> None:
        nn.Module.__init__(self)
        self.of_input = Affine(n_in, 3 * width, rng)
        self.of_type = Affine(n_types, 3 * width, rng, bias=None)
        self.of_state = Affine(width, 2 * width, rng, bias=None)
        self.of_reset = Affine(width, width, rng, bias=None)

    def forward(self, a: Tensor, state: GraphState) -> GraphState:
        """Returns the graphs with new hidden states.

        Args:
            a: ``(..., n_in)``, one input a graph; or ``(..., V, n_in)``, one a node.
            state: graphs ``(...)``.
        """
        given = self.of_input(a)
        given = given if a.dim() == state.x.dim() else given[..., None, :]
        return replace(state, h=self.step(given + self.of_type(state.x), state.h))

    def step(self, given: Tensor, h: Tensor) -> Tensor:
        """Returns the next states from ``(..., V, 3 D)``, the sum of both maps of the inputs, and the states ``(..., V, D)``."""
        z, new = gates(given, h, self.of_state, self.of_reset)
        return torch.lerp(new, h, z)


class DirectReference(nn.Module):
    """``T_h,direct``: as ``NodeUpdate``, where a node's input is what was read at the words that name its type.

    Args:
        n_in, n_types, width, rng: as for ``NodeUpdate``.
    """

    def __init__(self, n_in: int, n_types: int, width: int, rng: torch.Generator) -> None:
        nn.Module.__init__(self)
        self.update = NodeUpdate(n_in, n_types, width, rng)

    def forward(self, read: Tensor, names: Tensor, state: GraphState) -> GraphState:
        """Returns the graphs with new hidden states.

        Args:
            read: states of the reader ``(..., L, n_in)`` after each of ``L`` words.
            names: ``(..., L)``, the type that a word names; -1 for none.
            state: graphs ``(...)``.
        """
        moved: GraphState = self.update(self.inputs(read, names, state.x), state)
        return moved

    def inputs(self, read: Tensor, names: Tensor, x: Tensor) -> Tensor:
        """Returns ``x_v A``, ``(..., V, n_in)``: row ``n`` of ``A`` is the sum of what was read at words that name type ``n``."""
        naming = (names[..., None, :] == torch.arange(x.shape[-1], device=x.device)[:, None]).to(x.dtype)
        return x @ (naming @ read)


class NodeAdd(nn.Module):
    """``T_add``: a gated unit and two tanh layers that say, one by one, of which types new nodes are, and how surely they are there.

    Args:
        n_in: numbers of the input; the paper gives it the sentence's and the graph's representation.
        n_types, rng: as for ``NodeUpdate``.
        width: of the unit and of the layers.
        n_most: the most nodes that are added at once, ``K``.
    """

    def __init__(self, n_in: int, n_types: int, width: int, n_most: int, rng: torch.Generator) -> None:
        nn.Module.__init__(self)
        self.n_most = n_most
        self.of_input = Affine(n_in, 3 * width, rng)
        self.of_state = Affine(width, 2 * width, rng, bias=None)
        self.of_reset = Affine(width, width, rng, bias=None)
        self.first, self.second = Affine(width, width, rng), Affine(width, width, rng)
        self.out = Affine(width, 1 + n_types, rng)

    def forward(self, a: Tensor) -> tuple[Tensor, Tensor]:
        """Returns strengths ``(..., K)`` and annotations ``(..., K, N)`` for inputs ``(..., n_in)``."""
        strength, types = self.logits(a)
        return torch.sigmoid(strength), torch.softmax(types, -1)

    def logits(self, a: Tensor) -> tuple[Tensor, Tensor]:
        """Returns the same before the sigmoid and the softmax."""
        given = self.of_input(a)
        h, states = torch.zeros_like(given[..., : given.shape[-1] // 3]), []
        for _ in range(self.n_most):
            z, new = gates(given, h, self.of_state, self.of_reset)
            h = torch.lerp(new, h, z)
            states.append(h)
        hidden = torch.stack(states, -2)
        out = self.out(torch.tanh(self.second(torch.tanh(self.first(hidden)))))
        return out[..., 0], out[..., 1:]


class EdgeUpdate(nn.Module):
    """``T_C``: a net of two layers on an input and two nodes sets and resets edges; ``C' = (1 - C) c + C (1 - r)``.

    The biases of both outputs begin at -3, so that edges begin unset and unmoved.

    Args:
        n_in, n_types, rng: as for ``NodeUpdate``.
        width: of a node's state.
        n_edge_types: ``Y``.
        hidden: units of the net.
    """

    def __init__(self, n_in: int, n_types: int, width: int, n_edge_types: int, hidden: int, rng: torch.Generator) -> None:
        nn.Module.__init__(self)
        self.of_input = Affine(n_in, hidden, rng)
        self.of_types = Affine(n_types, 2 * hidden, rng, bias=None)
        self.of_states = Affine(width, 2 * hidden, rng, bias=None)
        self.out = Affine(hidden, 2 * n_edge_types, rng, bias=-3.0)

    def forward(self, a: Tensor, state: GraphState) -> GraphState:
        """Returns the graphs with new edges, none of which is surer than the two nodes that it joins.

        Args:
            a: ``(..., n_in)``, one input a graph.
            state: graphs ``(...)``.
        """
        set_, reset = torch.sigmoid(self.logits(a, state.x, state.h)).chunk(2, -1)
        edges = (1 - state.edges) * set_ + state.edges * (1 - reset)
        return replace(state, edges=edges * pairs_of(state.s)[..., None])

    def logits(self, a: Tensor, x: Tensor, h: Tensor) -> Tensor:
        """Returns what to set and what to reset before the sigmoid, ``(..., V, V, 2 Y)``."""
        first, second = (self.of_types(x) + self.of_states(h)).chunk(2, -1)
        first = first + self.of_input(a)[..., None, :]
        out: Tensor = self.out(torch.tanh(first[..., :, None, :] + second[..., None, :, :]))
        return out


class Propagate(nn.Module):
    """``T_prop``: nodes exchange messages along the edges, in both directions, some steps long; ``h' = (1 - z) h + z h~``.

    Args:
        n_types, width, rng: as for ``NodeUpdate``.
        n_edge_types: ``Y``.
        message: numbers of a message.
        n_steps: of propagation.
        keep: what the bias of the gate begins at; below 0 a node keeps more of its state from step to step.
    """

    def __init__(
        self, n_types: int, width: int, n_edge_types: int, message: int, n_steps: int, rng: torch.Generator, keep: float = 0.0
    ) -> None:
        nn.Module.__init__(self)
        self.n_steps, self.n_maps = n_steps, 2 * n_edge_types
        self.sent_by_type = Affine(n_types, self.n_maps * message, rng)
        self.sent_by_state = Affine(width, self.n_maps * message, rng, bias=None)
        self.of_type = Affine(n_types, 3 * width, rng)
        self.of_message = Affine(message, 3 * width, rng, bias=None)
        assert self.of_type.bias is not None, "it was asked for"
        with torch.no_grad():
            self.of_type.bias[width : 2 * width] = keep
        self.of_state = Affine(width, 2 * width, rng, bias=None)
        self.of_reset = Affine(width, width, rng, bias=None)

    def forward(self, state: GraphState, links: Links | None = None) -> GraphState:
        """Returns the graphs with new hidden states.

        Args:
            state: graphs ``(...)``.
            links: ``Links.of(state.edges, state.s)``, to propagate along these lists and not by dense products. The result is the same, and
                so is the gradient, but that an edge of 0 gets none.
        """
        h = self._dense(state) if links is None else self.along(state.h, self.plans(state.x, links)[0])
        return replace(state, h=h * state.s[..., None])

    def _dense(self, state: GraphState) -> Tensor:
        h, by_type, given = state.h, self.sent_by_type(state.x), self.of_type(state.x)
        for _ in range(self.n_steps):
            received = self._received(self.sent_by_state.onto(by_type, h), state)
            z, new = gates(self.of_message.onto(given, received), h, self.of_state, self.of_reset)
            h = torch.lerp(h, new, z)
        return h

    def _received(self, sent: Tensor, state: GraphState) -> Tensor:
        """Returns the sums of messages, ``(..., V, message)``, of ``sent``, ``(..., V, 2 Y * message)``, before tanh."""
        messages = torch.tanh(sent) * state.s[..., None]
        kinds = self.n_maps // 2
        rows = (*messages.shape[:-2], messages.shape[-2] * kinds, messages.shape[-1] // self.n_maps)
        forth, back = (part.reshape(rows) for part in messages.chunk(2, -1))  # (..., V' Y, message)
        sums: Tensor = state.edges.flatten(-2) @ forth + state.edges.transpose(-3, -2).flatten(-2) @ back
        return sums

    def plans(self, x: Tensor, links: Links) -> list[Plan]:
        """Returns what ``along`` takes, for each moment of ``links``, in graphs of annotations ``(..., V, N)``."""
        assert self.sent_by_type.bias is not None, "it was asked for"
        of_type, of_state = self.sent_by_type.maps(self.n_maps), self.sent_by_state.maps(self.n_maps)
        blocks = Blocks.at_moments(links, self.n_maps, len(of_type) // self.n_maps)
        places, n_blocks = links.places(x.shape[-2]), [len(one.maps) for one in blocks]
        maps = torch.cat([one.maps for one in blocks])
        senders = torch.cat([place[one.senders] for place, one in zip(places, blocks, strict=True)])
        types = x.reshape(-1, x.shape[-1]).index_select(0, senders).view(-1, PER_BLOCK, x.shape[-1])
        bias = self.sent_by_type.bias.view(len(of_type), 1, -1)
        by_type = torch.baddbmm(bias.index_select(0, maps), types, of_type.index_select(0, maps))
        given = self.of_type(x).flatten(0, -2).index_select(0, torch.cat(places))
        parts = torch.split(by_type, n_blocks), torch.split(of_state.index_select(0, maps), n_blocks), torch.split(given, links.n_nodes)
        return [Plan(*one) for one in zip(*parts, blocks, strict=True)]

    def along(self, h: Tensor, plan: Plan) -> Tensor:
        """Returns states ``(..., V, D)`` after all steps, from those before."""
        gated = [affine.maps(1) for affine in (self.of_message, self.of_state, self.of_reset)]
        flat = h.reshape(len(gated[0]), -1, h.shape[-1])
        given = plan.given.view(len(flat), -1, plan.given.shape[-1])
        fixed = plan.blocks.weights, plan.by_type, plan.of_sender, given, *gated, plan.blocks
        moved: Tensor = Exchange.apply(flat, *fixed, self.n_steps)  # type: ignore[no-untyped-call]  # torch's own
        return moved.view(h.shape)


class Aggregate(nn.Module):
    """``T_repr``: one vector a graph, ``tanh(sum_v s_v sigmoid(i(h_v, x_v)) tanh(j(h_v, x_v)))``.

    Args:
        n_types, width, rng: as for ``NodeUpdate``.
        n_out: numbers of the vector.
    """

    def __init__(self, n_types: int, width: int, n_out: int, rng: torch.Generator) -> None:
        nn.Module.__init__(self)
        self.of_type = Affine(n_types, 2 * n_out, rng)
        self.of_state = Affine(width, 2 * n_out, rng, bias=None)

    def forward(self, state: GraphState) -> Tensor:
        """Returns ``(..., n_out)`` for graphs ``(...)``."""
        gate, value = (self.of_type(state.x) + self.of_state(state.h)).chunk(2, -1)
        return torch.tanh((torch.sigmoid(gate) * torch.tanh(value) * state.s[..., None]).sum(-2))
