"""The network: teacher forcing against its layers one after the other, free running, stacking, and learning something small."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from shoestring.systems.graph_transition.affine import stack
from shoestring.systems.graph_transition.loss import graph_loss
from shoestring.systems.graph_transition.model import GGTNN, Sizes, exact
from shoestring.systems.graph_transition.reading import fit, read, true_graphs
from shoestring.systems.graph_transition.rules import automaton
from shoestring.systems.graph_transition.state import GraphState
from shoestring.systems.graph_transition.stories import Question, Sentence, Story, Vocabulary, encode

STORIES = [automaton(30, [i & 1, 1, i >> 1], 2) for i in range(4)]
VOCABULARY = Vocabulary.of(STORIES)


def network(seed=0, **sizes):
    return GGTNN(VOCABULARY, Sizes(width=6, message=5, hidden=7, n_steps=2, **sizes), torch.Generator().manual_seed(seed))


def one_after_the_other(net, story):
    """Returns the losses of a story, sentence by sentence through the layers as they are for anyone."""
    batch = encode([story], net.vocabulary)
    read, names = net.reader(batch.words)[0], net.names[batch.words][0]
    types = torch.nn.functional.one_hot(batch.types[0], len(net.vocabulary.types)).float()
    n = int(batch.counts[0, 0])
    state = GraphState(types[:n], torch.zeros(n, 6), torch.ones(n), torch.zeros(n, n, 2))
    nodes, edges = 0.0, 0.0
    for t in range(len(story.sentences)):
        state = net.update(read[t, -1], state)
        state = net.direct(read[t], names[t], state) if net.direct else state
        state = net.propagate(state) if net.propagate else state
        s, x = net.add(torch.cat([read[t, -1], net.aggregate(state)]))
        n, after = n, int(batch.counts[0, t + 1])
        there = (torch.arange(len(s)) < after - n).float()
        true_x = torch.cat([types[n:after], torch.zeros(len(s) - (after - n), types.shape[-1])])
        empty = torch.zeros(len(s), len(s), 2)
        nodes += graph_loss(GraphState(x, x, s, empty), GraphState(true_x, x, there, empty))
        state = state.added(torch.ones(after - n), types[n:after])
        n, true = after, batch.edges[0, t, :after, :after].float()
        predicted = net.connect(read[t, -1], state).edges
        edges += torch.nn.functional.binary_cross_entropy(predicted, true, reduction="sum")
        state = GraphState(state.x, state.h, state.s, true)
    return nodes / len(story.sentences), edges / len(story.sentences)


@pytest.mark.parametrize("sizes", [{}, {"direct": False}, {"intermediate": True}, {"intermediate": True, "sparse": True}])
def test_teacher_forcing_is_the_layers_one_after_the_other(sizes):
    net = network(**sizes)

    losses = net(encode(STORIES[:1], VOCABULARY))

    nodes, edges = one_after_the_other(net, STORIES[0])
    torch.testing.assert_close(losses.nodes, nodes, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(losses.edges, edges, rtol=1e-4, atol=1e-5)


def test_a_batch_is_its_stories_and_padding_changes_nothing():
    stories = [automaton(30, [1, 0, 1], n) for n in (1, 3)]
    net = network(intermediate=True)

    together = net(encode(stories, VOCABULARY)).edges

    alone = [net(encode([story], VOCABULARY)).edges * len(story.sentences) for story in stories]
    torch.testing.assert_close(together, sum(alone) / sum(len(story.sentences) for story in stories))


def test_stacked_networks_are_each_themselves():
    nets, batch = [network(i, intermediate=True) for i in range(3)], encode(STORIES, VOCABULARY)
    index = torch.tensor([[0, 1], [2, 3], [1, 2]])

    together = stack(nets)(batch[index])
    run = stack(nets).run(batch[index])

    for i, net in enumerate(nets):
        torch.testing.assert_close(together.edges[i], net(batch[index[i]]).edges)
        alone = net.run(batch[index[i]])
        n = min(run.states[-1].n_places, alone.states[-1].n_places)
        assert torch.equal(run.states[-1].s[i, :, :n], alone.states[-1].s[..., :n])


ROOMS = ("hall", "attic", "cellar")


def walk(rng):
    sentences, at = [], None
    for _ in range(3):
        at = ROOMS[rng.integers(3)]
        nodes = [*dict.fromkeys(name for one in [*sentences, None] for name in (one.new if one else ("ann", at)))]
        known = {name for one in sentences for name in one.new}
        edge = frozenset({(nodes.index("ann"), nodes.index(at), "in")})
        sentences.append(Sentence(("ann", "to", at), tuple(name for name in nodes if name not in known), edge))
    return Story(tuple(sentences), (Question(("where",), (at,), 3),))


def dense_and_sparse():
    """Returns two stacked networks that propagate densely, the same two along lists of edges, and stories for both, two each."""
    stories = [walk(np.random.default_rng(i)) for i in range(4)]
    vocabulary = Vocabulary.of(stories)
    sizes = [Sizes(width=6, message=5, hidden=7, n_steps=2, intermediate=True, sparse=sparse) for sparse in (False, True)]
    nets = [stack([GGTNN(vocabulary, one, torch.Generator().manual_seed(i)) for i in range(2)]).double() for one in sizes]
    return nets, encode(stories, vocabulary)[torch.tensor([[0, 1], [2, 3]])]


def test_dense_products_and_lists_of_edges_teach_the_same():
    nets, batch = dense_and_sparse()

    for net in nets:
        net(batch).total.backward()

    for dense, sparse in zip(*(net.parameters() for net in nets), strict=True):
        torch.testing.assert_close(sparse.grad, dense.grad)


@pytest.mark.parametrize("snap", [True, False])
def test_dense_products_and_lists_of_edges_run_the_same(snap):
    nets, batch = dense_and_sparse()

    dense, sparse = (net.run(batch, snap) for net in nets)

    torch.testing.assert_close(sparse.answers, dense.answers)
    torch.testing.assert_close(sparse.states[-1].h, dense.states[-1].h)


def test_it_learns_where_someone_is_and_reads_a_story_that_it_has_not_seen():
    rng = np.random.default_rng(0)
    stories = [walk(rng) for _ in range(30)]
    net = fit(stories[5:], seed=0, n_updates=150, sizes=Sizes(width=12, hidden=12, message=8, n_steps=2))

    readings = [read(net, story) for story in stories[:5]]

    assert [one.graphs for one in readings] == [true_graphs(story, net.vocabulary) for story in stories[:5]]
    assert [one.answers for one in readings] == [tuple(q.answer for q in story.questions) for story in stories[:5]]


def test_an_untrained_network_is_not_exact_and_the_true_graphs_are_not_looked_at():
    net, batch = network(), encode(STORIES, VOCABULARY)
    run = net.run(batch)
    batch.edges.logical_not_()

    other = net.run(batch)

    assert not exact(run, batch).all()
    assert all(torch.equal(a.edges, b.edges) for a, b in zip(run.states, other.states, strict=True))


def test_answers_alone_reach_every_part_of_a_soft_network():
    stories = [walk(np.random.default_rng(i)) for i in range(3)]
    vocabulary = Vocabulary.of(stories)
    net, batch = GGTNN(vocabulary, Sizes(width=6), torch.Generator().manual_seed(0)), encode(stories, vocabulary)

    net.answer_loss(net.run(batch, snap=False).answers, batch).backward()

    assert all(
        p.grad is not None and p.grad.abs().sum() > 0 for p in (net.connect.out.weight, net.add.out.weight, net.reader.of_word.weight)
    )


def test_bfloat16_computes_about_the_same():
    batch = encode(STORIES, VOCABULARY)
    net = network(intermediate=True, sparse=True)
    expected = net(batch)

    losses = net.to(torch.bfloat16)(batch)

    assert losses.edges.dtype == torch.bfloat16
    torch.testing.assert_close(losses.edges.float(), expected.edges, rtol=0.05, atol=0.05)
    torch.testing.assert_close(losses.nodes.float(), expected.nodes, rtol=0.05, atol=0.05)
