"""The layers against the published equations, written out node by node in NumPy; and batched, masked or stacked as one by one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from shoestring.systems.graph_transition.affine import Affine, stack, unstack
from shoestring.systems.graph_transition.layers import Aggregate, DirectReference, EdgeUpdate, NodeAdd, NodeUpdate, Propagate
from shoestring.systems.graph_transition.links import Links
from shoestring.systems.graph_transition.state import GraphState

N, D, Y, A, V, P, L = 3, 4, 2, 5, 4, 6, 3


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def drawn(layer, seed=1):
    """Returns a layer in double precision with every weight and bias drawn."""
    layer = layer.double()
    for p in layer.parameters():
        torch.nn.init.normal_(p, std=0.5, generator=rng(seed))
        seed += 1
    return layer


def graph(*shape, seed=5):
    rand = lambda *more: torch.rand(*shape, V, *more, generator=rng(seed), dtype=torch.float64)  # noqa: E731
    return GraphState(torch.softmax(rand(N) * 3, -1), rand(D) - 0.5, rand(), rand(V, Y))


def sig(z):
    return 1 / (1 + np.exp(-z))


def of(affine, *x):
    """Returns ``x W + b`` for parts of one input, each with its own map."""
    return sum(v @ a.weight.detach().numpy() + (0 if a.bias is None else a.bias.detach().numpy()) for a, v in zip(affine, x, strict=True))


def split(g):
    return (part.numpy() for part in (g.x, g.h, g.s, g.edges))


def gru(given, h, layer, keeps_old):
    r, z = np.split(sig(given[: 2 * D] + of([layer.of_state], h)), 2)
    new = np.tanh(given[2 * D :] + of([layer.of_reset], r * h))
    return z * h + (1 - z) * new if keeps_old else (1 - z) * h + z * new


def test_node_update_where_z_keeps_the_old_state():
    layer, g, a = drawn(NodeUpdate(A, N, D, rng())), graph(), torch.randn(A, generator=rng(), dtype=torch.float64)
    x, h, _, _ = split(g)

    got = layer(a, g).h.detach().numpy()

    expected = [gru(of([layer.of_input, layer.of_type], a.numpy(), x[v]), h[v], layer, keeps_old=True) for v in range(V)]
    np.testing.assert_allclose(got, expected, rtol=1e-10)


def test_direct_reference_sums_what_was_read_at_the_words_that_name_a_type():
    layer, g = drawn(DirectReference(A, N, D, rng())), graph()
    read, names = torch.randn(L, A, generator=rng(), dtype=torch.float64), torch.tensor([2, -1, 2])
    x, h, _, _ = split(g)

    got = layer(read, names, g).h.detach().numpy()

    table = np.zeros((N, A))
    table[2] = read[0].numpy() + read[2].numpy()
    update = layer.update
    expected = [gru(of([update.of_input, update.of_type], x[v] @ table, x[v]), h[v], update, keeps_old=True) for v in range(V)]
    np.testing.assert_allclose(got, expected, rtol=1e-10)


def test_propagation_where_z_lets_the_new_state_in():
    layer, g = drawn(Propagate(N, D, Y, P, 1, rng())), graph()
    x, h, s, c = split(g)

    got = layer(g).h.detach().numpy()

    f = np.tanh([of([layer.sent_by_type, layer.sent_by_state], x[v], h[v]).reshape(2 * Y, P) for v in range(V)])
    for v in range(V):
        a = sum(s[w] * (c[v, w, y] * f[w, y] + c[w, v, y] * f[w, Y + y]) for w in range(V) for y in range(Y))
        expected = gru(of([layer.of_message, layer.of_type], a, x[v]), h[v], layer, keeps_old=False) * s[v]
        np.testing.assert_allclose(got[v], expected, rtol=1e-10)


def test_edge_update_sets_resets_and_is_masked_by_strengths():
    layer, g, a = drawn(EdgeUpdate(A, N, D, Y, 7, rng())), graph(), torch.randn(A, generator=rng(), dtype=torch.float64)
    x, h, s, c = split(g)

    got = layer(a, g).edges.detach().numpy()

    for v in range(V):
        for w in range(V):
            first = of([layer.of_types, layer.of_states], x[v], h[v])[:7] + of([layer.of_input], a.numpy())
            out = sig(of([layer.out], np.tanh(first + of([layer.of_types, layer.of_states], x[w], h[w])[7:])))
            np.testing.assert_allclose(got[v, w], ((1 - c[v, w]) * out[:Y] + c[v, w] * (1 - out[Y:])) * s[v] * s[w], rtol=1e-10)


def test_edges_begin_unset_and_unmoved():
    assert EdgeUpdate(A, N, D, Y, 7, rng()).out.bias.unique().tolist() == [-3.0]


def test_nodes_are_added_by_a_gated_unit_and_two_tanh_layers():
    layer, a = drawn(NodeAdd(A, N, D, 2, rng())), torch.randn(A, generator=rng(), dtype=torch.float64)

    s, x = (part.detach().numpy() for part in layer(a))

    h = np.zeros(D)
    for k in range(2):
        h = gru(of([layer.of_input], a.numpy()), h, layer, keeps_old=True)
        out = of([layer.out], np.tanh(of([layer.second], np.tanh(of([layer.first], h)))))
        np.testing.assert_allclose(s[k], sig(out[0]), rtol=1e-10)
        np.testing.assert_allclose(x[k], np.exp(out[1:]) / np.exp(out[1:]).sum(), rtol=1e-10)


def test_aggregate():
    layer, g = drawn(Aggregate(N, D, A, rng())), graph()
    x, h, s, _ = split(g)

    got = layer(g).detach().numpy()

    parts = [of([layer.of_type, layer.of_state], x[v], h[v]) for v in range(V)]
    np.testing.assert_allclose(got, np.tanh(sum(s[v] * sig(parts[v][:A]) * np.tanh(parts[v][A:]) for v in range(V))), rtol=1e-10)


@pytest.mark.parametrize("steps", [1, 3])
def test_sparse_propagation_is_dense_propagation_with_its_gradient(steps):
    layer, g = drawn(Propagate(N, D, Y, P, steps, rng())), graph(2, 3)
    g = replace(g, edges=g.edges * (g.edges > 0.7))
    grads = []
    for links in (None, Links.of(g.edges, g.s)):
        layer.zero_grad()
        h = layer(g, links).h
        h.square().sum().backward()
        grads.append([h.detach(), *(p.grad.clone() for p in layer.parameters())])

    for dense, sparse in zip(*grads, strict=True):
        torch.testing.assert_close(sparse, dense)


def test_sparse_propagation_of_stacked_layers_at_two_moments_is_dense_propagation_at_each():
    layer = stack([drawn(Propagate(N, D, Y, P, 2, rng()), seed) for seed in (1, 20)])
    g, n_places = graph(2, 3), [V - 1, V]
    edges = torch.stack([torch.nn.functional.pad(g.edges[..., :n, :n, :] > 0.7, (0, 0, 0, V - n, 0, V - n)) for n in n_places], 2)
    cut = [
        GraphState(g.x[..., :n, :], g.h[..., :n, :], torch.ones(2, 3, n), edges[:, :, t, :n, :n].double()) for t, n in enumerate(n_places)
    ]

    plans = layer.plans(g.x, Links.at_moments(edges, torch.ones(2, 3, 2, V).double(), n_places))

    for state, plan in zip(cut, plans, strict=True):
        torch.testing.assert_close(layer.along(state.h, plan), layer(state).h)


def is_gradient_right(layer, call, *given):
    """Returns whether gradients are those of small differences, with respect to what is given and to all weights."""
    names, weights = zip(*layer.named_parameters(), strict=True)

    def result(*values):
        replaced = dict(zip(names, values[len(given) :], strict=True))
        return torch.func.functional_call(layer, replaced, call(*values[: len(given)])).h

    return torch.autograd.gradcheck(result, [part.detach().requires_grad_() for part in (*given, *weights)])


def test_the_gradient_of_gates_by_hand():
    layer, g, a = drawn(NodeUpdate(A, N, D, rng())), graph(), torch.randn(A, generator=rng(), dtype=torch.float64)

    assert is_gradient_right(layer, lambda a, h: (a, replace(g, h=h)), a, g.h)


def test_the_gradient_of_sparse_propagation_by_hand():
    layer, g = stack([drawn(Propagate(N, D, Y, P, 2, rng()), seed) for seed in (1, 20)]), graph(2, 1)
    is_edge = g.edges > 0.7

    def call(x, h, s, edges):
        return GraphState(x, h, s, edges), Links.of(edges * is_edge, s)

    assert is_gradient_right(layer, call, g.x, g.h, g.s, g.edges)


def test_a_place_without_a_node_changes_nothing():
    layer, g = drawn(Propagate(N, D, Y, P, 2, rng())), graph()
    wider = g.added(torch.zeros(2).double(), torch.rand(2, N).double())

    torch.testing.assert_close(layer(wider).h[:V], layer(g).h)
    assert not layer(wider).h[V:].any()


def test_stacked_maps_are_each_models_own():
    models, x = [Affine(A, D, rng(i)) for i in range(3)], torch.randn(3, 2, 5, A)

    together = stack(models)(x)

    torch.testing.assert_close(together, torch.stack([model(one) for model, one in zip(models, x, strict=True)]))
    assert torch.equal(unstack(stack(models), 1).weight, models[1].weight)
    rows = torch.tensor([[0, 4], [1, 1], [2, 3]])
    torch.testing.assert_close(stack(models).rows(rows)[2], models[2].rows(rows[2]))


def test_snapping_gives_graphs():
    g = graph(3).snapped()

    assert set(g.s.unique().tolist()) | set(g.edges.unique().tolist()) <= {0.0, 1.0}
    assert torch.equal(g.x.sum(-1), g.s)
    assert not (g.edges.sum((-1, -2)) * (1 - g.s)).any()
