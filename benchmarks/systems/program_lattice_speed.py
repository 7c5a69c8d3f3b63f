"""Measures what the lattice's tensor program saves: ``python benchmarks/systems/program_lattice_speed.py``.

It proves nothing about learning. Candidates are timed in turns, forwards and backwards, in processor seconds; the median of their ratios
is printed."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from side_by_side import Ratio, print_table, ratio
from torch import Tensor

from shoestring.systems.program_lattice.corpus import Corpus
from shoestring.systems.program_lattice.lattice import ProgramLattice
from shoestring.systems.program_lattice.model import LSTMCore
from shoestring.systems.program_lattice.nodes import n_nodes
from shoestring.systems.program_lattice.plain import plain_loss
from shoestring.systems.program_lattice.worlds import World, world_of

BATCH = 8


def batch_of(world: World, length: int, n_models: int) -> tuple[Tensor, Tensor, int]:
    """Returns observations, actions and the most calls of a batch of demonstrations for each model."""
    corpus = Corpus.draw(world, [length], 1, 64, 0, n_models, False)
    seen, actions = corpus.weak_batch(0, BATCH, np.random.default_rng(0))
    return seen, actions, world.max_calls(actions.shape[2])


def against_plain(world: World, length: int, n_models: int, turns: int = 2) -> Ratio:
    """Returns how much longer the plain loop takes than one call of the lattice, for a batch of each of so many models."""
    seen, actions, calls = batch_of(world, length, n_models)
    core = LSTMCore(*world.sizes(), n_models=n_models)
    lattice, alone = ProgramLattice(core, world.max_depth), LSTMCore(*world.sizes())

    def plainly() -> Tensor:
        total = torch.zeros(())
        for model in range(n_models):
            for row, done in zip(seen[model], actions[model], strict=True):
                n = int((done >= 0).sum())
                total = total + plain_loss(alone, row[: n + 1], done[:n], max_depth=world.max_depth, max_calls=world.max_calls(n))
        return total

    return ratio(learnt_from(plainly), learnt_from(lambda: lattice.loss(seen, actions, max_calls=calls).sum()), turns=turns)


def together(world: World, length: int, n_models: int, turns: int = 5) -> Ratio:
    """Returns how much longer so many models take one by one than as one tensor program."""
    seen, actions, calls = batch_of(world, length, n_models)
    lattice = ProgramLattice(LSTMCore(*world.sizes(), n_models=n_models), world.max_depth)
    alone = ProgramLattice(LSTMCore(*world.sizes()), world.max_depth)

    def one_by_one() -> Tensor:
        losses = [alone.loss(seen[k : k + 1], actions[k : k + 1], max_calls=calls).sum() for k in range(n_models)]
        return torch.stack(losses).sum()

    return ratio(learnt_from(one_by_one), learnt_from(lambda: lattice.loss(seen, actions, max_calls=calls).sum()), turns=turns)


def learnt_from(loss: Callable[[], Tensor]) -> Callable[[], None]:
    """Returns what computes a loss and its gradient."""

    def both_ways() -> None:
        loss().backward()  # type: ignore[no-untyped-call]  # torch's own

    return both_ways


def main() -> None:
    """Prints the table."""
    torch.set_num_threads(1)
    rows: dict[str, Callable[[], Ratio]] = {}
    for task, length in (("nanocraft", 1), ("addition", 2)):
        world = world_of(task)
        _, actions, calls = batch_of(world, length, 1)
        n, depth = actions.shape[2], world.max_depth
        every = (n + 1) * (depth + 1) * (n + 2 * calls + 1)
        print(f"{task}: {n} actions, {n + 2 * calls + 1} times; nodes alive {n_nodes(n, depth, calls)} of {every}\n", flush=True)
        for n_models in (2, 4, 8):
            rows[f"{task}, {n_models} models of {BATCH} demonstrations: one by one / together"] = partial(together, world, length, n_models)
    for n_models in (1, 4):
        rows[f"nanocraft, {n_models} models of {BATCH}: plain loop / lattice"] = partial(against_plain, world_of("nanocraft"), 1, n_models)
    rows[f"addition of one digit, {BATCH}: plain loop / lattice"] = partial(against_plain, world_of("addition"), 1, 1)
    print_table(rows)


if __name__ == "__main__":
    main()
