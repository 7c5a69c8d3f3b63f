"""Recurrent cells as trees: the space, a cell for each of its configurations, and the cell that the paper found.

No search and no data. Source: Zoph and Le 2017, arXiv:1611.01578, section 3.4 and appendix A; ``NASCell`` as in TensorFlow's contrib.rnn.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from shoestring import Choice, Space
from shoestring.errors import UsageError
from shoestring.systems.nas_rl.task import Value

COMBINE: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = {"add": torch.add, "elem_mult": torch.mul}
ACTIVATE: Mapping[str, Callable[[Tensor], Tensor]] = {
    "identity": lambda x: x,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "relu": torch.relu,
}


@dataclass(frozen=True)
class Node:
    """How two inputs become one: ``activate(combine(a, b))``."""

    combine: str
    activate: str


@dataclass(frozen=True)
class Tree:
    """A cell as the controller writes it.

    Attributes:
        nodes: leaves first, each of the input and the state before, then the inner ones, each of the two oldest that were not taken yet;
            the last is the root. ``2 base - 1`` in all.
        inject: how the memory before is combined with a node's value.
        inject_at: that node.
        index: the node whose value before its activation is the new memory.
    """

    nodes: tuple[Node, ...]
    inject: Node
    inject_at: int
    index: int

    @property
    def base(self) -> int:
        """Leaves."""
        return (len(self.nodes) + 1) // 2


def cell_space(base: int = 8) -> Space:
    """Returns the space of trees with ``base`` leaves, ``8**(2 base) (2 base - 1)**2`` of them: 6e16 for 8, as the paper says.

    Raises:
        UsageError: fewer than 2 leaves.
    """
    if base < 2:
        raise UsageError(f"a tree of base={base} leaves combines nothing; give at least 2.")
    n_nodes = 2 * base - 1
    params: dict[str, Choice] = {}
    for k in range(n_nodes):
        params[f"combine/{k}"] = Choice(tuple(COMBINE))
        params[f"activate/{k}"] = Choice(tuple(ACTIVATE))
    params["inject/combine"] = Choice(tuple(COMBINE))
    params["inject/activate"] = Choice(tuple(ACTIVATE))
    params["inject/at"] = Choice(tuple(range(n_nodes)))
    params["index/at"] = Choice(tuple(range(n_nodes)))
    return Space(params)


def tree_of(config: Mapping[str, Value]) -> Tree:
    """Returns the tree that a configuration of ``cell_space`` describes."""
    n_nodes = sum(name.startswith("activate/") for name in config)
    nodes = tuple(Node(str(config[f"combine/{k}"]), str(config[f"activate/{k}"])) for k in range(n_nodes))
    inject_at, index = config["inject/at"], config["index/at"]
    assert isinstance(inject_at, int) and isinstance(index, int)
    return Tree(nodes, Node(str(config["inject/combine"]), str(config["inject/activate"])), inject_at, index)


NAS_CELL = Tree(
    (
        Node("add", "sigmoid"),
        Node("add", "relu"),
        Node("add", "sigmoid"),
        Node("elem_mult", "relu"),
        Node("add", "tanh"),
        Node("add", "sigmoid"),
        Node("add", "tanh"),
        Node("add", "sigmoid"),
        Node("elem_mult", "tanh"),
        Node("add", "tanh"),
        Node("elem_mult", "tanh"),
        Node("add", "sigmoid"),
        Node("elem_mult", "identity"),
        Node("add", "tanh"),
        Node("elem_mult", "tanh"),
    ),
    inject=Node("add", "tanh"),
    inject_at=8,
    index=12,
)


class TreeCell(nn.Module):
    """A recurrent cell that computes a tree; ``base * n_hidden * (n_inputs + n_hidden)`` weights and no biases.

    Args:
        tree: what it computes.
        n_inputs: numbers of an input.
        n_hidden: numbers of the state and of the memory.
    """

    def __init__(self, tree: Tree, n_inputs: int, n_hidden: int) -> None:
        nn.Module.__init__(self)
        self.tree = tree
        self.n_hidden = n_hidden
        self.input_weight = nn.Parameter(torch.empty(tree.base * n_hidden, n_inputs))
        self.hidden_weight = nn.Parameter(torch.empty(tree.base * n_hidden, n_hidden))
        for weight in (self.input_weight, self.hidden_weight):
            nn.init.uniform_(weight, -(n_hidden**-0.5), n_hidden**-0.5)

    def forward(self, x: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        """Returns state and memory ``(batch, n_hidden)`` after an input ``(batch, n_inputs)``."""
        tree = self.tree
        h, c = state
        xs, hs = (x @ self.input_weight.T).chunk(tree.base, dim=1), (h @ self.hidden_weight.T).chunk(tree.base, dim=1)
        waiting: list[tuple[Tensor, Tensor]] = list(zip(xs, hs, strict=True))
        made: list[Tensor] = []
        memory = c
        for k, node in enumerate(tree.nodes):
            if k < tree.base:
                pair = waiting[k]
            else:
                first = 2 * (k - tree.base)
                pair = made[first], made[first + 1]
            value = COMBINE[node.combine](*pair)
            if k == tree.index:
                memory = value
            value = ACTIVATE[node.activate](value)
            if k == tree.inject_at:
                value = ACTIVATE[tree.inject.activate](COMBINE[tree.inject.combine](value, c))
            made.append(value)
        return made[-1], memory
