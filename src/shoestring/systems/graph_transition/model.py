"""The gated graph transformer network: reads sentences, keeps a graph that it changes at each, and answers questions from it.

Two ways to go through a story. ``forward`` is teacher forcing: after each sentence's loss the true nodes and edges take the place of the
predicted ones and hidden states are kept, so that nothing but the states has to wait for the sentence before. ``run`` is free running on
the network's own graphs, snapped to the most likely ones, or, for training without any true graph, left as probabilities.

Source: Johnson 2017, sections 3 and 4, appendices B and C.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from shoestring.systems.graph_transition.affine import Affine
from shoestring.systems.graph_transition.layers import Aggregate, DirectReference, EdgeUpdate, NodeAdd, NodeUpdate, Propagate
from shoestring.systems.graph_transition.links import Links
from shoestring.systems.graph_transition.loss import best_order, node_costs
from shoestring.systems.graph_transition.reader import Reader
from shoestring.systems.graph_transition.state import GraphState
from shoestring.systems.graph_transition.stories import Batch, Vocabulary, names_of

MOST_AT_ONCE = 400_000  # numbers of a tensor that still fits a core's cache, and spares the cost of many small ones


@dataclass(frozen=True)
class Sizes:
    """The network's size, and which of its parts it has.

    Attributes:
        width: of a node's state and of the reader.
        message: numbers of a message of the propagation.
        hidden: units of the edge update's net.
        n_steps: of one propagation.
        direct: whether words reach the nodes that they name.
        intermediate: whether nodes exchange messages after every sentence, and not at a question only.
        keep: what the bias of the propagation's gate begins at. # Differs: not from 0, where five steps leave little of a state.
        sparse: propagate along lists of edges and not by dense products.
    """

    width: int = 20
    message: int = 20
    hidden: int = 20
    n_steps: int = 5
    direct: bool = True
    intermediate: bool = False
    keep: float = -2.0
    sparse: bool = False


@dataclass(frozen=True)
class Losses:
    """Losses of a batch, each ``()``, or ``(M,)`` of ``M`` stacked networks: of a sentence's graph or of an answer, on average."""

    nodes: Tensor
    edges: Tensor
    answers: Tensor

    @property
    def total(self) -> Tensor:
        """All three, over all networks."""
        return (self.nodes + self.edges + self.answers).sum()


@dataclass(frozen=True)
class Run:
    """What a network makes of stories by itself.

    Attributes:
        states: graphs after each sentence, each with places of its own; nodes that one sentence adds lie in the order of their types.
        answers: logits ``(..., Q, S, answers)``.
    """

    states: tuple[GraphState, ...]
    answers: Tensor


class GGTNN(nn.Module):
    """A gated graph transformer network. ``stack`` makes one of many, whose batches begin with an axis for the network.

    Args:
        vocabulary: of the stories.
        sizes: of the network.
        rng: draws the weights.
        answer_length: words of the longest answer, the end included.
    """

    def __init__(self, vocabulary: Vocabulary, sizes: Sizes, rng: torch.Generator, answer_length: int = 1) -> None:
        nn.Module.__init__(self)
        self.vocabulary, self.sizes, self.answer_length = vocabulary, sizes, answer_length
        n, d, y = len(vocabulary.types), sizes.width, max(1, len(vocabulary.edge_types))
        self.names: Tensor
        self.register_buffer("names", names_of(vocabulary))
        self.reader = Reader(len(vocabulary.words), d, rng)
        self.update = NodeUpdate(d, n, d, rng)
        self.direct = DirectReference(d, n, d, rng) if sizes.direct else None
        self.propagate = Propagate(n, d, y, sizes.message, sizes.n_steps, rng, sizes.keep) if sizes.intermediate else None
        self.aggregate = Aggregate(n, d, d, rng)
        self.add = NodeAdd(2 * d, n, d, vocabulary.n_most, rng)
        self.connect = EdgeUpdate(d, n, d, y, sizes.hidden, rng)
        if vocabulary.answers:
            self.q_update = NodeUpdate(d, n, d, rng)
            self.q_direct = DirectReference(d, n, d, rng) if sizes.direct else None
            self.q_propagate = Propagate(n, d, y, sizes.message, sizes.n_steps, rng, sizes.keep)
            self.q_aggregate = Aggregate(n, d, d, rng)
            self.q_speak = NodeUpdate(d, 1, d, rng) if vocabulary.kind == "sequence" else None
            self.out = Affine(d, len(vocabulary.answers), rng)

    def forward(self, batch: Batch) -> Losses:
        """Returns the losses of stories, ``batch`` with axes ``(B,)``, or ``(M, B)`` for stacked networks, under teacher forcing."""
        read = self.reader(batch.words)
        x, there = self._true_nodes(batch)
        h = self._states(batch, read, x, there)
        story = (torch.arange(batch.words.shape[-2], device=h.device) < batch.lengths[..., None]).to(h.dtype)
        sentences = story.sum((-1, -2))
        nodes = (self._node_losses(batch, read[..., -1, :], x, h, there) * story).sum((-1, -2)) / sentences
        edges = self._edge_loss(batch, read[..., -1, :], x, h, there, story) / sentences
        if not self.vocabulary.answers:
            return Losses(nodes, edges, torch.zeros_like(nodes))
        last = (batch.after - 1).clamp(min=0)
        x_asked = x[..., None, :, :].expand(*last.shape, *x.shape[-2:])
        asked = GraphState(x_asked, at(h, last), at(there[..., 1:, :], last), at(batch.edges, last).to(h.dtype))
        return Losses(nodes, edges, self.answer_loss(self._answer(batch.asked, asked), batch))

    def run(self, batch: Batch, snap: bool = True) -> Run:
        """Returns what the network makes of stories by itself; true graphs are not looked at, but for the initial nodes.

        Args:
            batch: as for ``forward``.
            snap: go on from the most likely graph; without, from probabilities, so that answers alone can train the network. Each sentence
                then takes ``n_most`` more places.
        """
        read = self.reader(batch.words)
        a, names = read[..., -1, :], self.names[batch.words]
        state, states = self._initial(batch), []
        for t in range(batch.words.shape[-2]):
            state = self._moved(a[..., t, :], read[..., t, :, :], names[..., t, :], state)
            s, x = self.add(torch.cat([a[..., t, :], self.aggregate(state)], -1))
            s = s * (t < batch.lengths)[..., None]
            state = state.added(s, x)
            if snap:
                state = in_order(state.snapped(), len(self.vocabulary.types), state.n_places - s.shape[-1])
            state = self.connect(a[..., t, :], state)
            state = state.snapped() if snap else state
            states.append(state)
        answers = self._answer_run(batch, states) if self.vocabulary.answers else a.new_zeros(0)
        return Run(tuple(states), answers)

    def answer_loss(self, logits: Tensor, batch: Batch) -> Tensor:
        """Returns the loss of answers, averaged over questions, one for each network.

        Args:
            logits: ``(..., Q, S, answers)``; one row only for a set.
        """
        asked = (batch.after > 0).to(logits.dtype)
        if self.vocabulary.kind == "set":
            per_word = F.binary_cross_entropy_with_logits(logits[..., 0, :], self.set_of(batch.answers).to(logits.dtype), reduction="none")
            losses = per_word.sum(-1)
        else:
            given = batch.answers >= 0
            chosen = torch.log_softmax(logits, -1).gather(-1, batch.answers.clamp(min=0)[..., None])[..., 0]
            losses = -(chosen * given).sum(-1)
        return (losses * asked).sum((-1, -2)) / asked.sum((-1, -2)).clamp(min=1)

    def set_of(self, answers: Tensor) -> Tensor:
        """Returns which words are in an answer, ``(..., answers)``, for the words' numbers ``(..., S)``."""
        return (answers[..., None] == torch.arange(len(self.vocabulary.answers), device=answers.device)).any(-2)

    def right(self, logits: Tensor, batch: Batch) -> Tensor:
        """Returns which answers are right in every word, ``(..., Q)``, true or false; false where there is no question."""
        if self.vocabulary.kind == "set":
            same = ((logits[..., 0, :] > 0) == self.set_of(batch.answers)).all(-1)
        else:
            same = ((logits.argmax(-1) == batch.answers) | (batch.answers < 0)).all(-1)
        return same & (batch.after > 0)

    def _true_nodes(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Returns annotations ``(..., V, N)`` and which nodes are there, ``(..., T + 1, V)``."""
        x = F.one_hot(batch.types.clamp(min=0), len(self.vocabulary.types)).to(self.out_dtype)
        x = x * (batch.types >= 0)[..., None]
        there = torch.arange(batch.types.shape[-1], device=x.device) < batch.counts[..., None]
        return x, there.to(x.dtype)

    @property
    def out_dtype(self) -> torch.dtype:
        """The type of the weights."""
        return self.connect.out.weight.dtype

    def _states(self, batch: Batch, read: Tensor, x: Tensor, there: Tensor) -> Tensor:
        """Returns states after each sentence, ``(..., T, V, D)``, as they are when its nodes have been added."""
        given = (self.update.of_input(read[..., -1, :])[..., None, :] + self.update.of_type(x)[..., None, :, :]).unbind(-3)
        named = None
        if self.direct:
            named = self.direct.update.of_input(self.direct.inputs(read, self.names[batch.words], x[..., None, :, :]))
            named = (named + self.direct.update.of_type(x)[..., None, :, :]).unbind(-3)
        layer, before, sizes = self.propagate, edges_before(batch), most(batch.counts[..., :-1])
        plans = layer.plans(x, Links.at_moments(before, there[..., :-1, :], sizes)) if layer and self.sizes.sparse else []
        h, states = read.new_zeros(*x.shape[:-2], 0, self.sizes.width), []
        for t, n in enumerate(sizes):
            h = F.pad(h, (0, 0, 0, n - h.shape[-2]))
            h = self.update.step(given[t][..., :n, :], h)
            h = self.direct.update.step(named[t][..., :n, :], h) if self.direct and named else h
            h = h * there[..., t, :n, None]
            if layer and plans:
                h = layer.along(h, plans[t]) * there[..., t, :n, None]
            elif layer:
                h = layer(GraphState(x[..., :n, :], h, there[..., t, :n], before[..., t, :n, :n, :].to(h.dtype))).h
            states.append(F.pad(h, (0, 0, 0, x.shape[-2] - n)))
        return torch.stack(states, -3)

    def _exchanged(self, layer: Propagate, state: GraphState) -> GraphState:
        if self.sizes.sparse:
            moved: GraphState = layer(state, Links.of(state.edges, state.s))
        else:
            moved = layer(replace(state, edges=state.edges.to(state.h.dtype)))
        return moved

    def _node_losses(self, batch: Batch, a: Tensor, x: Tensor, h: Tensor, there: Tensor) -> Tensor:
        """Returns the loss of the nodes that each sentence adds, ``(..., T)``."""
        before = GraphState(x[..., None, :, :], h, there[..., :-1, :], h[..., :0])
        strength, types = self.add.logits(torch.cat([a, self.aggregate(before)], -1))
        place = batch.counts[..., :-1, None] + torch.arange(strength.shape[-1], device=a.device)
        s = (place < batch.counts[..., 1:, None]).to(a.dtype)
        place = place.clamp(max=x.shape[-2] - 1)
        true = x.take_along_dim(place.flatten(-2)[..., None], -2).view(*place.shape, x.shape[-1])
        costs = node_costs(F.logsigmoid(strength), F.logsigmoid(-strength), torch.log_softmax(types, -1), s, true)
        return costs.gather(-2, best_order(costs)[..., None, :]).sum((-1, -2))

    def _edge_loss(self, batch: Batch, a: Tensor, x: Tensor, h: Tensor, there: Tensor, story: Tensor) -> Tensor:
        """Returns the loss of all edges, summed over stories and sentences: the largest part of the work, so some sentences at a time."""
        total = a.new_zeros(a.shape[:-3])
        before = edges_before(batch)
        for t, n in spans(most(batch.counts[..., 1:]), MOST_AT_ONCE // (batch.lengths.numel() * self.sizes.hidden)):
            set_, reset = self.connect.logits(a[..., t, :], x[..., None, :n, :], h[..., t, :n, :]).chunk(2, -1)
            # As true edges are 0 or 1, one logit says whether an edge changes: reset, if it is there, C' = 1 - r, and set if not, C' = c.
            was, is_ = before[..., t, :n, :n, :], batch.edges[..., t, :n, :n, :]
            change = torch.lerp(set_, reset, was.to(h.dtype))
            losses = F.softplus(change).addcmul((was != is_).to(h.dtype), change, value=-1).sum(-1)
            mask = there[..., 1:, :n][..., t, :] * story[..., t, None]
            total = total + ((losses @ mask[..., None])[..., 0] * mask).sum((-1, -2, -3))
        return total

    def _initial(self, batch: Batch) -> GraphState:
        n = int(batch.counts[..., 0].max())
        x, there = self._true_nodes(batch)
        s = there[..., 0, :n]
        h, edges = s.new_zeros(*s.shape, self.sizes.width), s.new_zeros(*s.shape, n, max(1, len(self.vocabulary.edge_types)))
        return GraphState(x[..., :n, :] * s[..., None], h, s, edges)

    def _moved(self, a: Tensor, read: Tensor, names: Tensor, state: GraphState) -> GraphState:
        state = self.update(a, state)
        state = self.direct(read, names, state) if self.direct else state
        state = replace(state, h=state.h * state.s[..., None])
        return self._exchanged(self.propagate, state) if self.propagate else state

    def _answer(self, words: Tensor, state: GraphState) -> Tensor:
        """Returns logits ``(..., S, answers)`` for questions ``(..., L)`` on graphs ``(...)``."""
        read = self.reader(words)
        state = self.q_update(read[..., -1, :], state)
        state = self.q_direct(read, self.names[words], state) if self.q_direct else state
        state = self._exchanged(self.q_propagate, replace(state, h=state.h * state.s[..., None]))
        g = self.q_aggregate(state)
        spoken = [g]
        if self.q_speak is not None:
            h, given, spoken = torch.zeros_like(g), self.q_speak.of_input(g), []
            for _ in range(self.answer_length):
                h = self.q_speak.step(given, h)
                spoken.append(h)
        logits: Tensor = self.out(torch.stack(spoken, -2))
        return logits

    def _answer_run(self, batch: Batch, states: Sequence[GraphState]) -> Tensor:
        places = max(state.n_places for state in states)
        padded = [_padded(state, places) for state in states]
        last = (batch.after - 1).clamp(min=0)
        gathered = []
        for part in ("x", "h", "s", "edges"):
            values = torch.stack([getattr(state, part) for state in padded], last.dim() - 1)
            gathered.append(at(values, last))
        return self._answer(batch.asked, GraphState(*gathered))


def at(values: Tensor, last: Tensor) -> Tensor:
    """Returns what ``values``, ``(..., T, *)``, are after the sentences ``last``, ``(..., Q)``: ``(..., Q, *)``."""
    return values.take_along_dim(last.view(*last.shape, *[1] * (values.dim() - last.dim())), last.dim() - 1)


def most(counts: Tensor) -> list[int]:
    """Returns for each sentence the most nodes in any story, at least 1, of ``counts``, ``(..., T)``."""
    return [max(1, int(n)) for n in counts.flatten(0, -2).amax(0)]


def edges_before(batch: Batch) -> Tensor:
    """Returns the true edges before each sentence, ``(..., T, V, V, Y)``: none before the first."""
    return torch.cat([torch.zeros_like(batch.edges[..., :1, :, :, :]), batch.edges[..., :-1, :, :, :]], -4)


def spans(sizes: Sequence[int], most: int) -> Iterator[tuple[slice, int]]:
    """Yields sentences to be treated together, and places for the largest: as many as have at most ``most`` pairs, and at least one."""
    start = 0
    for t in range(1, len(sizes) + 1):
        if t == len(sizes) or (t + 1 - start) * max(sizes[start : t + 1]) ** 2 > most:
            yield slice(start, t), max(sizes[start:t])
            start = t


def in_order(state: GraphState, n_types: int, n_old: int) -> GraphState:
    """Returns snapped graphs with empty places last and the nodes after the first ``n_old`` places in the order of their types."""
    kind = state.x.argmax(-1) + 1
    new = torch.arange(state.n_places, device=kind.device) >= n_old
    key = torch.where(state.s > 0, kind * new, n_types + 1)
    order = key.argsort(dim=-1, stable=True)[..., : max(1, int(state.s.sum(-1).max()))]
    rows = order[..., :, None]
    edges = state.edges.take_along_dim(rows[..., None], -3).take_along_dim(order[..., None, :, None], -2)
    return GraphState(state.x.take_along_dim(rows, -2), state.h.take_along_dim(rows, -2), state.s.take_along_dim(order, -1), edges)


def exact(run: Run, batch: Batch) -> Tensor:
    """Returns which graphs are exactly the true ones, ``(..., T)``: the same nodes and the same edges; after a story's end, true."""
    right = []
    for t, state in enumerate(run.states):
        n = max(state.n_places, batch.types.shape[-1])
        mine, true_edges = _padded(state, n), batch.edges[..., t, :, :, :]
        more = n - batch.types.shape[-1]
        there = torch.arange(n, device=state.s.device) < batch.counts[..., t + 1, None]
        same = (mine.s > 0.5) == there
        same &= (mine.x.argmax(-1) == F.pad(batch.types, (0, more))) | ~there
        edges = ((mine.edges > 0.5) == F.pad(true_edges, (0, 0, 0, more, 0, more))).flatten(-3).all(-1)
        right.append((same.all(-1) & edges) | (t >= batch.lengths))
    return torch.stack(right, -1)


def _padded(state: GraphState, places: int) -> GraphState:
    more = places - state.n_places
    x, h = (F.pad(part, (0, 0, 0, more)) for part in (state.x, state.h))
    return GraphState(x, h, F.pad(state.s, (0, more)), F.pad(state.edges, (0, 0, 0, more, 0, more)))
