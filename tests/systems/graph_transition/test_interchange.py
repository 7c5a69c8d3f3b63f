"""Graphs go to PyTorch Geometric and come back as they were."""

from __future__ import annotations

import sys
import warnings

import pytest
import torch

from shoestring.errors import UsageError
from shoestring.systems.graph_transition.interchange import from_pyg, to_pyg
from shoestring.systems.graph_transition.state import GraphState


@pytest.fixture
def pyg():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its own, while it is imported
        return pytest.importorskip("torch_geometric")


def state():
    rand = lambda *shape: torch.rand(*shape, generator=torch.Generator().manual_seed(1))  # noqa: E731
    s = torch.tensor([[1, 0.5, 0.25], [1, 1, 0]])
    there = (s > 0).float()
    edges = (rand(2, 3, 3, 2) * (rand(2, 3, 3, 2) > 0.5)) * there[:, :, None, None] * there[:, None, :, None]
    return GraphState(torch.softmax(rand(2, 3, 4), -1) * there[..., None], rand(2, 3, 5) * there[..., None], s, edges)


def test_there_and_back(pyg):
    given = state()

    graphs = to_pyg(given)
    back = from_pyg(graphs, n_edge_types=2)

    assert graphs.num_graphs == 2 and graphs.num_nodes == 5
    for part in ("x", "h", "s", "edges"):
        torch.testing.assert_close(getattr(back, part), getattr(given, part))


def test_a_plain_graph_of_ones_own(pyg):
    data = pyg.data.Data(x=torch.eye(3), edge_index=torch.tensor([[0, 1], [1, 2]]), edge_type=torch.tensor([0, 1]))

    state = from_pyg(data, n_edge_types=2)

    assert state.s.tolist() == [[1, 1, 1]]
    assert state.edges.nonzero().tolist() == [[0, 0, 1, 0], [0, 1, 2, 1]]


def test_graphs_without_types_of_edges_are_refused(pyg):
    with pytest.raises(UsageError, match="edge_type"):
        from_pyg(pyg.data.Data(x=torch.eye(2), edge_index=torch.tensor([[0], [1]])), n_edge_types=1)


def test_without_pytorch_geometric_one_is_told_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch_geometric", None)

    with pytest.raises(UsageError, match="pip install torch_geometric"):
        to_pyg(state())
