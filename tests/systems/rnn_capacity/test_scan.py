"""All ways to run a stack compute the same as taking one step after the other."""

from __future__ import annotations

import pytest
import torch

from shoestring.errors import UnknownName, UsageError
from shoestring.systems.rnn_capacity.cells import CELLS, make_cell
from shoestring.systems.rnn_capacity.scan import has_kernel, scan

TIME, BATCH, N_IN, N_H = 5, 3, 4, 6


def stack_of(name, depth, n_h=N_H):
    torch.manual_seed(depth)
    cells = [make_cell(name, size, n_h) for size in [N_IN] + [n_h] * (depth - 1)]
    for cell in cells:
        for p in cell.parameters():
            torch.nn.init.normal_(p, std=0.5)
    return cells


def by_hand(cells, x):
    states = [cell.first_state(BATCH) for cell in cells]
    outputs = []
    for now in x:
        for i, cell in enumerate(cells):
            now, states[i] = cell(now, states[i])
        outputs.append(now)
    return torch.stack(outputs), states


@pytest.mark.parametrize("backend", ["auto", "loop", "wavefront", "fused"])
@pytest.mark.parametrize("depth", [1, 2, 7])
@pytest.mark.parametrize("name", CELLS)
def test_every_backend_is_the_step_by_step_computation(name, depth, backend):
    cells = stack_of(name, depth)
    if (backend == "wavefront" and depth == 1) or (backend == "fused" and not has_kernel(cells[0])):
        with pytest.raises(UsageError, match="backend='auto'"):
            scan(cells, torch.zeros(TIME, BATCH, N_IN), backend=backend)
        return
    x = torch.randn(TIME, BATCH, N_IN)

    outputs, states = scan(cells, x, blanks=2, backend=backend)

    expected, expected_states = by_hand(cells, torch.cat([x, torch.zeros(2, BATCH, N_IN)]))
    torch.testing.assert_close(outputs, expected, rtol=1e-4, atol=1e-5)
    for state, other in zip(states, expected_states, strict=True):
        torch.testing.assert_close(state, other, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("backend", ["loop", "wavefront"])
def test_gradients_agree(backend):
    cells = stack_of("lstm", 3)
    x = torch.randn(TIME, BATCH, N_IN)
    weights = [p for cell in cells for p in cell.parameters()]

    found = torch.autograd.grad(scan(cells, x, backend=backend)[0].square().sum(), weights)

    for gradient, other in zip(found, torch.autograd.grad(by_hand(cells, x)[0].square().sum(), weights), strict=True):
        torch.testing.assert_close(gradient, other, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("backend", ["loop", "wavefront", "fused"])
def test_the_last_output_alone_is_the_last_of_all(backend):
    cells, x = stack_of("rnn", 3), torch.randn(TIME, BATCH, N_IN)

    assert torch.equal(scan(cells, x, blanks=1, backend=backend, last=True)[0], scan(cells, x, blanks=1, backend=backend)[0][-1:])


@pytest.mark.parametrize("backend", ["loop", "wavefront"])
def test_a_scan_goes_on_from_its_states(backend):
    cells, x = stack_of("ugrnn", 2), torch.randn(TIME, BATCH, N_IN)
    first, states = scan(cells, x[:2], backend=backend)

    second, _ = scan(cells, x[2:], states, backend=backend)

    torch.testing.assert_close(torch.cat([first, second]), scan(cells, x, backend=backend)[0])


@pytest.mark.parametrize(
    ("cells", "x", "backend", "error", "match"),
    [
        ([], torch.zeros(2, 3, 4), "auto", UsageError, "no cell"),
        (stack_of("rnn", 1), torch.zeros(2, 4), "auto", UsageError, "time, batch, 4"),
        (stack_of("rnn", 1), torch.zeros(2, 3, 4), "fusd", UnknownName, "fused"),
    ],
)
def test_what_cannot_be_scanned_is_refused(cells, x, backend, error, match):
    with pytest.raises(error, match=match):
        scan(cells, x, backend=backend)
