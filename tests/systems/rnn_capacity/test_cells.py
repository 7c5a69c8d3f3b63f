"""The cells against the published equations, written out in NumPy, and against torch's own where the mathematics is the same."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from shoestring.errors import UnknownName, UsageError
from shoestring.systems.rnn_capacity.cells import CELLS, GRU, LSTM, RNN, PlusRNN, make_cell

N_IN, N_H, BATCH = 4, 3, 5


def sig(z):
    return 1 / (1 + np.exp(-z))


def rnn(x, h, w, s, b_fg):
    h = s(w(0, x, h))
    return h, (h,)


def ugrnn(x, h, w, s, b_fg):
    g = sig(w(1, x, h) + b_fg)
    h = g * h + (1 - g) * s(w(0, x, h))
    return h, (h,)


def gru(x, h, w, s, b_fg):
    r, u = sig(w(0, x, h)), sig(w(1, x, h) + b_fg)
    h = u * h + (1 - u) * s(w(2, x, r * h))
    return h, (h,)


def lstm(x, h, c, w, s, b_fg):
    i, f, o = sig(w(0, x, h)), sig(w(1, x, h) + b_fg), sig(w(3, x, h))
    c = f * c + i * s(w(2, x, h))
    h = o * np.tanh(c)
    return h, (h, c)


def plus_rnn(x, h, w, s, b_fg):
    y_in, h_in = np.maximum(w(0, x, h), 0), np.tanh(w(1, x, h))
    g_y, g_h = sig(w(2, x, h) + b_fg), sig(w(3, x, h) + b_fg)
    return g_y * x + (1 - g_y) * y_in, (g_h * h + (1 - g_h) * h_in,)


PUBLISHED = {"rnn": rnn, "irnn": rnn, "ugrnn": ugrnn, "gru": gru, "lstm": lstm, "+rnn": plus_rnn}


def drawn(name, n_in=N_IN, nonlinearity="tanh", b_fg=0.75):
    """Returns a cell with random weights and biases."""
    torch.manual_seed(1)
    cell = make_cell(name, n_in, N_H, nonlinearity=nonlinearity, forget_bias=b_fg).double()
    for p in cell.parameters():
        torch.nn.init.normal_(p)
    return cell


def affine(cell):
    """Returns the affine map of a block, of input and state."""
    w_x, w_h, b = (p.detach().numpy() for p in (cell.w_x, cell.w_h, cell.bias))
    block = lambda k: slice(k * N_H, (k + 1) * N_H)  # noqa: E731
    return lambda k, x, h: x @ w_x[block(k)].T + h @ w_h[block(k)].T + b[block(k)]


@pytest.mark.parametrize("nonlinearity", ["tanh", "relu"])
@pytest.mark.parametrize("name", CELLS)
def test_a_step_is_as_published(name, nonlinearity):
    n_in = N_H if name == "+rnn" else N_IN
    cell = drawn(name, n_in, nonlinearity)
    x, parts = torch.randn(BATCH, n_in).double(), tuple(torch.randn(BATCH, N_H).double() for _ in range(cell.parts))
    s = np.tanh if nonlinearity == "tanh" and name != "irnn" else lambda z: np.maximum(z, 0)

    output, state = cell(x, parts)

    expected, expected_state = PUBLISHED[name](x.numpy(), *(part.numpy() for part in parts), affine(cell), s, 0.75)
    np.testing.assert_allclose(output.detach().numpy(), expected, rtol=1e-12)
    for part, other in zip(state, expected_state, strict=True):
        np.testing.assert_allclose(part.detach().numpy(), other, rtol=1e-12)


def test_an_irnn_starts_as_the_identity():
    cell = make_cell("irnn", N_IN, N_H)

    assert torch.equal(cell.w_h, torch.eye(N_H)) and not cell.bias.any() and cell.nonlinearity == "relu"


def test_the_gru_is_not_torchs_which_resets_after_the_product():
    cell, other = drawn("gru", b_fg=0.0), torch.nn.GRUCell(N_IN, N_H).double()
    with torch.no_grad():
        other.weight_ih.copy_(cell.w_x)
        other.weight_hh.copy_(cell.w_h)
        other.bias_ih.copy_(cell.bias)
        other.bias_hh.zero_()
    x, h = torch.randn(BATCH, N_IN).double(), torch.randn(BATCH, N_H).double()

    ours, theirs = cell(x, (h,))[0], other(x, h)

    assert not torch.allclose(ours, theirs)


def test_the_forget_bias_is_inside_the_gate_and_is_not_learnt():
    cell = make_cell("lstm", N_IN, N_H, forget_bias=2.0)

    assert cell.offset.view(4, N_H).sum(1).tolist() == [0, 2.0 * N_H, 0, 0]
    assert "offset" not in dict(cell.named_parameters())


def test_the_input_of_a_plus_rnn_passes_when_its_gate_is_open():
    cell = PlusRNN(N_H, N_H, forget_bias=100.0)
    x = torch.randn(BATCH, N_H)

    assert torch.equal(cell(x, cell.first_state(BATCH))[0], x)


@pytest.mark.parametrize("kind", [RNN, GRU, LSTM])
def test_sizes_below_one_are_refused(kind):
    with pytest.raises(UsageError, match="from 1"):
        kind(0, 3)


def test_a_misspelt_cell_is_named_with_the_nearest():
    with pytest.raises(UnknownName, match="ugrnn"):
        make_cell("ugrn", 2, 3)


def test_a_misspelt_nonlinearity_is_refused():
    with pytest.raises(UnknownName, match="tanh"):
        RNN(2, 3, nonlinearity="than")
