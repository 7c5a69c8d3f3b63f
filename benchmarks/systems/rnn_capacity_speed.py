"""Measures what training together and scanning in another way save: ``python benchmarks/systems/rnn_capacity_speed.py``.

It proves nothing about capacity. All candidates are timed in turns, in processor seconds, and the median of their ratios is printed.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import product

import torch
from side_by_side import Ratio, print_table, ratio

from shoestring.systems.rnn_capacity.cells import make_cell
from shoestring.systems.rnn_capacity.model import Recurrent, n_params, params_for_budget
from shoestring.systems.rnn_capacity.scan import Backend, scan
from shoestring.systems.rnn_capacity.storage import Attempt, Storage
from shoestring.systems.rnn_capacity.task import random_bits


def together(cell: str, size: int, n_models: int = 16, n_steps: int = 3) -> Ratio:
    """Returns how much longer ``n_models`` networks take one by one than together, storing patterns."""
    n_h = params_for_budget(cell, size, 16, 1)
    make = partial(Recurrent, cell, 16, n_h, 1, delay=5)
    attempts = [Attempt(3 * n_params(cell, n_h, 16, 1), 0.03, i) for i in range(n_models)]
    all_of_them = Storage(make, attempts, random_bits(16), 10**6)
    each = [Storage(make, [attempt], random_bits(16), 10**6) for attempt in attempts]
    done = [0, 0]

    def one_by_one() -> None:
        done[0] += n_steps
        for storage in each:
            storage.train(done[0])

    def at_once() -> None:
        done[1] += n_steps
        all_of_them.train(done[1])

    return ratio(one_by_one, at_once)


def other_scan(cell: str, n_h: int, depth: int, slow: Backend, fast: Backend, steps: int = 40, batch: int = 32) -> Ratio:
    """Returns how much longer one backend takes than another, forwards and backwards."""
    cells = [make_cell(cell, n_h, n_h) for _ in range(depth)]
    x = torch.randn(steps, batch, n_h)
    weights = [p for one in cells for p in one.parameters()]

    def run(backend: Backend) -> None:
        torch.autograd.grad(scan(cells, x, backend=backend)[0].sum(), weights, allow_unused=True)

    return ratio(partial(run, slow), partial(run, fast))


def torch_module(n_h: int, steps: int = 40, batch: int = 32) -> Ratio:
    """Returns how much longer ``torch.nn.LSTM`` takes than ``scan`` of our LSTM with its kernel, forwards and backwards."""
    ours, theirs, x = make_cell("lstm", n_h, n_h), torch.nn.LSTM(n_h, n_h), torch.randn(steps, batch, n_h)

    def run_theirs() -> None:
        torch.autograd.grad(theirs(x)[0].sum(), list(theirs.parameters()))

    def run_ours() -> None:
        torch.autograd.grad(scan(ours, x)[0].sum(), list(ours.parameters()))

    return ratio(run_theirs, run_ours)


def main() -> None:
    """Prints the table."""
    torch.set_num_threads(1)
    rows: dict[str, Callable[[], Ratio]] = {
        f"16 {cell}s of {size} parameters: one by one / together": partial(together, cell, size)
        for cell, size in product(("rnn", "lstm"), (160, 640))
    }
    for cell, n in (("rnn", 16), ("gru", 16), ("+rnn", 16), ("gru", 256)):
        rows[f"{cell}, depth 8, {n} units: loop / wavefront"] = partial(other_scan, cell, n, 8, "loop", "wavefront")
    for cell in ("rnn", "lstm"):
        rows[f"{cell}, depth 1, 64 units: loop / fused"] = partial(other_scan, cell, 64, 1, "loop", "fused")
    rows["lstm, 64 units: torch.nn.LSTM / scan"] = partial(torch_module, 64)
    print_table(rows)


if __name__ == "__main__":
    main()
