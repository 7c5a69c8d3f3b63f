"""The loss: best over all orders of new nodes, and what it is in a case that can be worked out by hand."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
import torch

from shoestring.errors import UnknownName, UsageError
from shoestring.systems.graph_transition.loss import best_order, graph_loss
from shoestring.systems.graph_transition.state import GraphState


def graph(s, x, edges):
    s, x, edges = (torch.tensor(part, dtype=torch.float64) for part in (s, x, edges))
    return GraphState(x, x[..., :0], s, edges)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5])
def test_the_best_order_is_the_best_of_all(n):
    costs = torch.rand(6, n, n, generator=torch.Generator().manual_seed(n))

    order = best_order(costs)

    for cost, mine in zip(costs.numpy(), order.tolist(), strict=True):
        least = min(sum(cost[p[t], t] for t in range(n)) for p in permutations(range(n)))
        assert sorted(mine) == list(range(n))
        np.testing.assert_allclose(sum(cost[mine[t], t] for t in range(n)), least, rtol=1e-6)


def test_two_nodes_in_the_other_order_and_one_edge():
    true = graph([1, 1], [[1, 0], [0, 1]], [[[0], [1]], [[0], [0]]])
    predicted = graph([0.9, 0.8], [[0.3, 0.7], [0.6, 0.4]], [[[0.1], [0.2]], [[0.5], [0.25]]])

    loss = graph_loss(predicted, true)

    nodes = -np.log([0.8, 0.6, 0.9, 0.7]).sum()
    edges = -np.log([0.5, 1 - 0.25, 1 - 0.2, 1 - 0.1]).sum()
    np.testing.assert_allclose(float(loss), nodes + edges, rtol=1e-10)
    assert float(graph_loss(predicted, true, matching="given")) > float(loss)


def test_nodes_that_were_there_are_not_matched_and_empty_places_have_no_edges():
    true = graph([1, 0], [[1, 0], [0, 0]], [[[0], [0]], [[0], [0]]])
    predicted = graph([1, 0.5], [[1, 0], [0.5, 0.5]], [[[0.5], [0.9]], [[0.9], [0.9]]])

    np.testing.assert_allclose(float(graph_loss(predicted, true, n_old=1)), 2 * np.log(2), rtol=1e-6)


def test_graphs_of_two_shapes_and_a_misspelt_matching_are_refused():
    one, two = graph([1], [[1]], [[[0]]]), graph([1, 1], [[1], [1]], np.zeros((2, 2, 1)))

    with pytest.raises(UsageError, match="same places"):
        graph_loss(one, two)
    with pytest.raises(UnknownName, match="hungarian"):
        graph_loss(two, two, matching="hungary")
