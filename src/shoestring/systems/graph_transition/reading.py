"""The network on texts of one's own: ``fit`` it to stories with graphs, then ``read`` others. Not for studies: ``training`` is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from shoestring.errors import UsageError
from shoestring.systems.graph_transition.model import GGTNN, Sizes
from shoestring.systems.graph_transition.state import GraphState
from shoestring.systems.graph_transition.stories import END, AnswerKind, Edge, Story, Vocabulary, encode


@dataclass(frozen=True)
class Graph:
    """A graph with names.

    Attributes:
        nodes: types of the nodes; of those that one sentence adds, in the order of their types.
        edges: first node, second node, type.
    """

    nodes: tuple[str, ...]
    edges: frozenset[Edge]

    @property
    def triples(self) -> frozenset[tuple[str, str, str]]:
        """The edges as ``(first node's type, edge's type, second node's type)``."""
        return frozenset((self.nodes[a], kind, self.nodes[b]) for a, b, kind in self.edges)


@dataclass(frozen=True)
class Reading:
    """What a network made of a story: a graph after each sentence, and an answer to each question."""

    graphs: tuple[Graph, ...]
    answers: tuple[tuple[str, ...], ...]


def fit(
    stories: Sequence[Story],
    *,
    seed: int,
    n_updates: int = 300,
    batch: int = 10,
    lr: float = 0.01,
    sizes: Sizes | None = None,
    vocabulary: Vocabulary | None = None,
    kind: AnswerKind = "one",
) -> GGTNN:
    """Returns a network that was trained on stories, by Adam with a falling rate.

    Args:
        stories: with the graph after each sentence.
        seed: of weights and batches.
        n_updates: steps of Adam.
        batch: stories of a step.
        lr: learning rate.
        sizes: of the network.
        vocabulary: of all stories that will ever be read; None for that of these.
        kind: of answers, where no vocabulary is given.
    Raises:
        UsageError: no story, or a number of updates or of stories below 1.
    """
    if n_updates < 1 or batch < 1:
        raise UsageError(f"n_updates={n_updates} and batch={batch} train nothing; give numbers from 1.")
    vocabulary = vocabulary or Vocabulary.of(stories, kind=kind)
    data, rng = encode(stories, vocabulary), torch.Generator().manual_seed(seed)
    net = GGTNN(vocabulary, sizes or Sizes(), rng, data.answers.shape[-1])
    optimizer = torch.optim.Adam(net.parameters(), lr=lr, fused=True)
    for update in range(n_updates):
        for group in optimizer.param_groups:
            group["lr"] = lr * min(1.0, 1.5 * (1 - update / n_updates) + 0.02)
        optimizer.zero_grad()
        net(data[torch.randint(len(data), (batch,), generator=rng)].trimmed()).total.backward()
        optimizer.step()
    return net


@torch.no_grad()
def read(net: GGTNN, story: Story) -> Reading:
    """Returns the graphs and answers that a network makes of a story by itself; the story's own graphs are not looked at.

    Raises:
        UsageError: a word that the network's vocabulary lacks.
    """
    batch = encode([story], net.vocabulary)
    run = net.run(batch)
    answers = []
    for i in range(len(story.questions)):
        logits = run.answers[0, i]
        if net.vocabulary.kind == "set":
            answers.append(tuple(word for word, one in zip(net.vocabulary.answers, logits[0].tolist(), strict=True) if one > 0))
        else:
            words = [net.vocabulary.answers[number] for number in logits.argmax(-1).tolist()]
            answers.append(tuple(words[: words.index(END)] if END in words else words))
    return Reading(tuple(named(state, net.vocabulary) for state in run.states), tuple(answers))


def true_graphs(story: Story, vocabulary: Vocabulary) -> tuple[Graph, ...]:
    """Returns a story's own graphs, with nodes in the order in which ``read`` gives them."""
    batch = encode([story], vocabulary)
    x = torch.nn.functional.one_hot(batch.types.clamp(min=0), len(vocabulary.types)).float()
    there = (torch.arange(batch.types.shape[-1]) < batch.counts[..., None]).float()
    states = (GraphState(x, x[..., :0], there[:, t + 1], batch.edges[:, t].float()) for t in range(len(story.sentences)))
    return tuple(named(state, vocabulary) for state in states)


def named(state: GraphState, vocabulary: Vocabulary) -> Graph:
    """Returns a single snapped graph, ``state`` with axes ``(1,)``, by its names."""
    nodes = [vocabulary.types[i] for i, s in zip(state.x[0].argmax(-1).tolist(), state.s[0].tolist(), strict=True) if s > 0.5]
    edges = ((a, b, vocabulary.edge_types[kind]) for a, b, kind in (state.edges[0] > 0.5).nonzero().tolist())
    return Graph(tuple(nodes), frozenset(edges))
