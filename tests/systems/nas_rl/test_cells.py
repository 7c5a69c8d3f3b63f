"""Recurrent cells: NASCell against its published equations, the example of the paper, and the published counts."""

from __future__ import annotations

from math import prod

import numpy as np
import pytest
import torch

from shoestring.errors import UsageError
from shoestring.systems.nas_rl.cells import NAS_CELL, Node, Tree, TreeCell, cell_space, tree_of


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def relu(x):
    return np.maximum(x, 0)


def nas_cell(xs, ms, c):
    """NASCell as TensorFlow's contrib.rnn has it, in NumPy; ``xs`` and ``ms`` are the eight products."""
    l1 = [
        sigmoid(xs[0] + ms[0]),
        relu(xs[1] + ms[1]),
        sigmoid(xs[2] + ms[2]),
        relu(xs[3] * ms[3]),
        np.tanh(xs[4] + ms[4]),
        sigmoid(xs[5] + ms[5]),
        np.tanh(xs[6] + ms[6]),
        sigmoid(xs[7] + ms[7]),
    ]
    l2 = [np.tanh(l1[0] * l1[1]), np.tanh(l1[2] + l1[3]), np.tanh(l1[4] * l1[5]), sigmoid(l1[6] + l1[7])]
    l2[0] = np.tanh(l2[0] + c)
    new_c = l2[0] * l2[1]
    return np.tanh(new_c * np.tanh(l2[2] + l2[3])), new_c


def run(tree, n_inputs=3, n_hidden=4, seed=0):
    torch.manual_seed(seed)
    cell = TreeCell(tree, n_inputs, n_hidden).double()
    x, h, c = torch.randn(2, n_inputs).double(), torch.randn(2, n_hidden).double(), torch.randn(2, n_hidden).double()
    xs = np.split(x.numpy() @ cell.input_weight.detach().numpy().T, tree.base, axis=1)
    hs = np.split(h.numpy() @ cell.hidden_weight.detach().numpy().T, tree.base, axis=1)
    return [value.detach().numpy() for value in cell(x, (h, c))], xs, hs, c.numpy()


def test_the_found_cell_computes_its_published_equations():
    found, xs, hs, c = run(NAS_CELL)

    for value, expected in zip(found, nas_cell(xs, hs, c), strict=True):
        np.testing.assert_allclose(value, expected, atol=1e-12)


def test_the_example_of_the_paper():
    """Section 3.4: tanh(W1 x + W2 h) takes in the memory by relu(a + c); relu(W3 x * W4 h) leaves its product as memory."""
    tree = Tree((Node("add", "tanh"), Node("elem_mult", "relu"), Node("elem_mult", "sigmoid")), Node("add", "relu"), 0, 1)
    (h, memory), xs, hs, c = run(tree)

    np.testing.assert_allclose(memory, xs[1] * hs[1], atol=1e-12)
    np.testing.assert_allclose(h, sigmoid(relu(np.tanh(xs[0] + hs[0]) + c) * relu(xs[1] * hs[1])), atol=1e-12)


def test_there_are_as_many_cells_as_published():
    space = cell_space(8)

    assert prod(len(param.options) for param in space.params.values()) == pytest.approx(6e16, rel=0.06)


def test_the_found_cell_is_in_the_space():
    config = {f"combine/{k}": node.combine for k, node in enumerate(NAS_CELL.nodes)}
    config |= {f"activate/{k}": node.activate for k, node in enumerate(NAS_CELL.nodes)}
    config |= {"inject/combine": "add", "inject/activate": "tanh", "inject/at": 8, "index/at": 12}

    assert tree_of(cell_space(8).validate(config)) == NAS_CELL


@pytest.mark.parametrize(("n_inputs", "n_hidden"), [(3, 4), (740, 740)])
def test_it_has_eight_products_of_weights_and_no_biases(n_inputs, n_hidden):
    with torch.device("meta"):
        cell = TreeCell(NAS_CELL, n_inputs, n_hidden)

    assert sum(p.numel() for p in cell.parameters()) == 8 * n_hidden * (n_inputs + n_hidden)


def test_one_size_of_two_layers_gives_both_published_counts_of_the_language_models():
    """Table 2: 32M weights with a vocabulary of 10,000, 25M where input and output share their embedding."""
    with torch.device("meta"):
        layers = 2 * sum(p.numel() for p in TreeCell(NAS_CELL, 740, 740).parameters())
    embedding = 10_000 * 740

    assert round((layers + 2 * embedding) / 1e6) == 32
    assert round((layers + embedding) / 1e6) == 25


@pytest.mark.parametrize("base", range(2, 9))
def test_every_configuration_of_every_base_is_a_cell(base):
    config = cell_space(base).sample(np.random.default_rng(base))

    (h, c), *_ = run(tree_of(config))

    assert h.shape == c.shape == (2, 4)
    assert np.isfinite(h).all()


def test_a_tree_of_one_leaf_is_refused():
    with pytest.raises(UsageError, match="at least 2"):
        cell_space(1)
