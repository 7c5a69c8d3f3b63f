"""Runs one cell, or a stack of cells, over time, in the fastest way that computes the same mathematics.

It learns nothing and reads nothing out.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor

from shoestring.errors import UnknownName, UsageError
from shoestring.systems.rnn_capacity.cells import LSTM, RNN, Cell, State

Backend = Literal["auto", "loop", "wavefront", "fused"]
BACKENDS = ("auto", "loop", "wavefront", "fused")
WIDEST_WAVE = 64  # units; above, a CPU was measured to gain nothing from taking several layers at once


def scan(
    cells: Cell | Sequence[Cell],
    x: Tensor,
    states: Sequence[State] | None = None,
    *,
    blanks: int = 0,
    backend: Backend = "auto",
    last: bool = False,
) -> tuple[Tensor, tuple[State, ...]]:
    """Runs a stack of cells over inputs and returns the last cell's outputs and all final states.

    ``"loop"`` takes one cell after the other and one step after the other, with the inputs' products of all steps in one. ``"wavefront"``
    takes cell l at time t together with cell l - 1 at time t + 1, so that t_max + n_cells - 1 rounds do; it needs cells of one kind and
    width. ``"fused"`` gives RNN and LSTM to torch's own kernels, which on a GPU are cuDNN's: those of the GRU compute another cell.
    ``"auto"`` takes the fused kernels if all cells have one, else the wavefront if it can, else the loop. Inside of ``torch.func``'s
    transforms, which know no fused kernels, it leaves those out; on a CPU it leaves out the wavefront for cells above 64 units.

    Args:
        cells: one cell, or a stack: the input goes to the first.
        x: inputs, ``(time, batch, n_in)``.
        states: a state for each cell; None for the learnt first ones.
        blanks: steps with zeros as input after those of ``x``.
        backend: ``"auto"``, ``"loop"``, ``"wavefront"`` or ``"fused"``.
        last: return the last step's outputs alone, which spares keeping the others.
    Returns:
        outputs ``(time + blanks, batch, n_h)``, or ``(1, batch, n_h)`` if ``last``; and for each cell its last state.
    Raises:
        UsageError: no cell; inputs of another shape; a backend that cannot run these cells.
        UnknownName: a backend that is not known.
    """
    stack = [cells] if isinstance(cells, Cell) else list(cells)
    _check(stack, x, backend)
    begin = [cell.first_state(x.shape[1]) for cell in stack] if states is None else list(states)
    chosen = _choose(stack, x) if backend == "auto" else backend
    if chosen == "wavefront":
        return _wavefront(stack, x, begin, blanks, last)
    final, run = [], _fused if chosen == "fused" else _loop
    for cell, state in zip(stack, begin, strict=True):
        x, state = run(cell, x, state, blanks, last and cell is stack[-1])
        final.append(state)
        blanks = 0
    return x, tuple(final)


def has_kernel(cell: Cell) -> bool:
    """Tells whether torch has a kernel that computes this very cell."""
    return isinstance(cell, RNN) or (isinstance(cell, LSTM) and cell.nonlinearity == "tanh")


def is_uniform(stack: Sequence[Cell]) -> bool:
    """Tells whether the cells are of one kind and width, so that several can take a step at once."""
    return all(type(a) is type(b) and (a.n_h, a.nonlinearity) == (b.n_h, b.nonlinearity) for a, b in pairwise(stack))


def _choose(stack: Sequence[Cell], x: Tensor) -> Backend:
    transformed = torch._C._functorch.is_functorch_wrapped_tensor
    if all(map(has_kernel, stack)) and not transformed(x) and not transformed(stack[0].w_h):
        return "fused"
    gains = x.device.type != "cpu" or stack[0].n_h <= WIDEST_WAVE
    return "wavefront" if gains and len(stack) > 1 and is_uniform(stack) else "loop"


def _project(cell: Cell, x: Tensor, blanks: int) -> list[Tensor]:
    """Returns what each step needs of its input; blank steps share one row."""
    blank = cell.project(x.new_zeros(1, cell.n_in)) if blanks else x
    return [*cell.project(x).unbind(0), *[blank] * blanks]


def _loop(cell: Cell, x: Tensor, state: State, blanks: int, last: bool) -> tuple[Tensor, State]:
    outputs: list[Tensor] = []
    for p in _project(cell, x, blanks):
        output, state = cell.step(cell.w_h, p, state)
        outputs[-1 if last else len(outputs) :] = [output]
    return _stacked(outputs), state


def _fused(cell: Cell, x: Tensor, state: State, blanks: int, last: bool) -> tuple[Tensor, State]:
    x = torch.nn.functional.pad(x, (0, 0, 0, 0, 0, blanks))
    bias = cell.bias + cell.offset
    weights = [cell.w_x, cell.w_h, bias, torch.zeros_like(bias)]
    begin = [part.contiguous()[None] for part in state]
    settings = (weights, True, 1, 0.0, cell.training, False, False)  # with biases, one layer, no dropout, one direction, time first
    if isinstance(cell, LSTM):
        outputs, h, c = torch.lstm(x, begin, *settings)
        return outputs[-1:] if last else outputs, (h[0], c[0])
    kernel = torch.rnn_tanh if cell.nonlinearity == "tanh" else torch.rnn_relu
    outputs, h = kernel(x, begin[0], *settings)
    return outputs[-1:] if last else outputs, (h[0],)


def _wavefront(stack: Sequence[Cell], x: Tensor, begin: Sequence[State], blanks: int, last: bool) -> tuple[Tensor, tuple[State, ...]]:
    first, depth, batch = stack[0], len(stack), x.shape[1]
    entering = [p.expand(batch, -1) for p in _project(first, x, blanks)]
    w_h = torch.stack([cell.w_h for cell in stack])
    w_x = torch.stack([cell.w_x for cell in stack[1:]]).mT
    bias = torch.stack([cell.bias + cell.offset for cell in stack[1:]])[:, None]
    waiting = [torch.stack(part) for part in zip(*begin, strict=True)]
    state = tuple(part[:0] for part in waiting)
    outputs: list[Tensor] = []
    final, below = [], waiting[0][:0]
    for wave in range(len(entering) + depth - 1):
        low, high = max(0, wave - len(entering) + 1), min(depth, wave + 1)  # the cells that take a step, from low up to but not with high
        if wave < depth:
            state = tuple(torch.cat([part, rest[wave : wave + 1]]) for part, rest in zip(state, waiting, strict=True))
        parts = [entering[wave][None]] if low == 0 else []
        if high > 1:
            fed = slice(max(low, 1) - 1, high - 1)
            affine = torch.baddbmm(bias[fed], below, w_x[fed])
            parts.append(first.projected(below, affine))
        output, state = first.step(w_h[low:high], torch.cat(parts), state)
        if high == depth:
            outputs[-1 if last else len(outputs) :] = [output[-1]]
        if wave + 1 >= len(entering):  # the lowest of them has seen everything
            final.append(tuple(part[0] for part in state))
            state = tuple(part[1:] for part in state)
        below = output[: depth - 1 - low]
    return _stacked(outputs), tuple(final)


def _stacked(outputs: Sequence[Tensor]) -> Tensor:
    return outputs[0][None] if len(outputs) == 1 else torch.stack(list(outputs))


def _check(stack: Sequence[Cell], x: Tensor, backend: str) -> None:
    if backend not in BACKENDS:
        raise UnknownName("backend", backend, BACKENDS)
    if not stack:
        raise UsageError("no cell was given to scan with; give at least one.")
    if x.dim() != 3 or x.shape[2] != stack[0].n_in:
        raise UsageError(f"inputs of shape {tuple(x.shape)} do not fit; give (time, batch, {stack[0].n_in}).")
    if backend == "fused" and not all(map(has_kernel, stack)):
        raise UsageError("torch has no kernel that computes all of these cells; take backend='auto', which leaves it out.")
    if backend == "wavefront" and (len(stack) < 2 or not is_uniform(stack)):
        raise UsageError("a wavefront needs two or more cells of one kind and width; take backend='auto', which leaves it out.")
