"""Graphs to and from PyTorch Geometric, which is needed for nothing else."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import Any

import torch
from torch import Tensor

from shoestring.errors import UsageError
from shoestring.systems.graph_transition.state import GraphState


def to_pyg(state: GraphState) -> Any:
    """Returns graphs as one ``torch_geometric.data.Batch``, in which nodes and edges of strength 0 are left out.

    Each graph has ``x`` ``(n, N)``, ``h`` ``(n, D)``, ``s`` ``(n,)``, ``edge_index`` ``(2, E)``, ``edge_type`` ``(E,)`` and ``edge_attr``
    ``(E, 1)``, the strength of the edge. Gradients pass.

    Args:
        state: graphs ``(...)``; all axes but the last few become one.
    Raises:
        UsageError: PyTorch Geometric is not installed.
    """
    data = _pyg("data")
    x, h, s = state.x.flatten(0, -3), state.h.flatten(0, -3), state.s.flatten(0, -2)
    if state.s.dim() == 1:
        x, h, s = state.x[None], state.h[None], state.s[None]
    edges = state.edges.reshape(len(s), *state.edges.shape[-3:])
    graphs = []
    for i in range(len(s)):
        there = s[i] > 0
        number = there.cumsum(0) - 1
        first, second, kind = (edges[i] * there[:, None, None] * there[None, :, None]).nonzero(as_tuple=True)
        strength = edges[i][first, second, kind][:, None]
        index = torch.stack([number[first], number[second]])
        graphs.append(data.Data(x=x[i][there], h=h[i][there], s=s[i][there], edge_index=index, edge_type=kind, edge_attr=strength))
    return data.Batch.from_data_list(graphs)


def from_pyg(graphs: Any, n_edge_types: int) -> GraphState:
    """Returns ``(B,)`` graphs of a ``torch_geometric.data.Batch`` or ``(1,)`` of a ``Data``, with places for the largest.

    Args:
        graphs: with ``x``, ``edge_index`` and ``edge_type``; ``h``, ``s`` and ``edge_attr`` as ``to_pyg`` gives them, or none: states of
            width 0, and strengths of 1.
        n_edge_types: ``Y``.
    Raises:
        UsageError: PyTorch Geometric is not installed, or there are no types of edges.
    """
    utils = _pyg("utils")
    if graphs.edge_index is None or getattr(graphs, "edge_type", None) is None:
        raise UsageError("the graphs have no edge_index and edge_type; give both, for example edge_type of zeros where there is one type.")
    n = graphs.x.shape[0]

    def given(name: str, default: Tensor) -> Tensor:
        found: Tensor | None = getattr(graphs, name, None)
        return default if found is None else found

    def dense(values: Tensor) -> Tensor:
        padded: Tensor = utils.to_dense_batch(values, index)[0]
        return padded

    index = given("batch", torch.zeros(n, dtype=torch.long, device=graphs.x.device))
    s, h = given("s", graphs.x.new_ones(n)), given("h", graphs.x.new_zeros(n, 0))
    x = dense(graphs.x)
    kinds: Tensor = torch.nn.functional.one_hot(graphs.edge_type, n_edge_types).to(x.dtype)
    strength = given("edge_attr", kinds.new_ones(len(kinds), 1))
    edges = utils.to_dense_adj(graphs.edge_index, index, kinds * strength, max_num_nodes=x.shape[1])
    return GraphState(x, dense(h), dense(s), edges)


def _pyg(part: str) -> ModuleType:
    try:
        import_module("torch_geometric")
        return import_module(f"torch_geometric.{part}")
    except ImportError as error:
        raise UsageError("PyTorch Geometric is not installed; install it with: pip install torch_geometric.") from error
