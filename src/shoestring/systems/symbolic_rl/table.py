"""All arms on one variant: ``python -m shoestring.systems.symbolic_rl.table VARIANT``; prints rows of Markdown, and claims nothing."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import torch
from torch import Tensor

from shoestring.errors import UnknownName
from shoestring.systems.symbolic_rl.task import VARIANTS, Variant
from shoestring.systems.symbolic_rl.training import WANTED, Arm, Config, Work

SEEDS = 5
NAMED: dict[Arm, str] = {
    "dsrl": "DSRL, learnt objects",
    "oracle": "DSRL, true objects",
    "credit": "DSRL, true objects, interaction credit",
    "dqn": "DQN, whole field",
    "egocentric": "DQN, crop around the agent",
    "random": "random",
}
HEAD = "| arm | positive % | score a game | games to 80% | on random places: positive % | score |\n| --- | --- | --- | --- | --- | --- |"


def rows(variant: Variant, epochs: int = 100, seeds: int = SEEDS, test_games: int = 30) -> list[str]:
    """Returns a row for each arm: means over seeds, and the lowest and highest."""
    elsewhere: Variant = "negative-random" if variant.startswith("negative") else "mixed-random"
    return [_row(arm, variant, elsewhere, epochs, seeds, test_games) for arm in NAMED]


def _row(arm: Arm, variant: Variant, elsewhere: Variant, epochs: int, seeds: int, test_games: int) -> str:
    """Agents that learn to see are trained one by one, so that each has eyes of its own; the others side by side."""
    alone = arm == "dsrl"
    works = [
        Work(Config(arm=arm, variant=variant, epochs=epochs, agents=1 if alone else seeds, test_games=test_games), seed, "cpu")
        for seed in range(seeds if alone else 1)
    ]
    columns: list[list[Tensor]] = []
    for work in works:
        work.train(epochs)
        here, there = work.tested(variant)[0], work.tested(elsewhere)[0]
        columns.append([100 * here.share, here.score, work.epochs_to(WANTED), 100 * there.share, there.score])
    cells = [_spread(torch.cat(values), digits) for values, digits in zip(zip(*columns, strict=True), (0, 2, 0, 0, 2), strict=True)]
    cells[2] = cells[2].replace(str(epochs + 1), f"> {epochs}")  # never within the training
    if variant.startswith("negative"):
        cells[0] = cells[2] = cells[3] = ""  # nothing is positive there
    return "| " + " | ".join((NAMED[arm], *cells)) + " |"


def _spread(values: Tensor, digits: int) -> str:
    return f"{float(values.mean()):.{digits}f} ({float(values.min()):.{digits}f} to {float(values.max()):.{digits}f})"


def main(arguments: Sequence[str]) -> None:
    """Prints the table of each variant that is named, all by default.

    Raises:
        UnknownName: there is no such variant.
    """
    torch.set_num_threads(1)
    for name in arguments or VARIANTS:
        if name not in VARIANTS:
            raise UnknownName("variant", name, VARIANTS)
        print(f"\n{name}\n\n{HEAD}")
        print("\n".join(rows(name)))


if __name__ == "__main__":
    main(sys.argv[1:])
