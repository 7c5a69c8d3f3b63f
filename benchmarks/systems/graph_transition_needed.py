"""How many questions each bAbI task needs: ``python benchmarks/systems/graph_transition_needed.py`` prints the table of the README.

One network for each number of questions, all trained together; one seed, and no claim: see ``claims`` for that.
"""

from __future__ import annotations

import time

import torch

from shoestring.systems.graph_transition.babi import TASKS
from shoestring.systems.graph_transition.training import GOAL, Config, preset

SIZES = (50, 100, 250, 500, 1000)  # as in the paper's table 1
SEED = 2000


def row(number: int, n_updates: int, seed: int = SEED) -> str:
    """Returns a task's row: accuracy at each size, the least that reaches the goal, and seconds of training."""
    task = f"babi-{number}"
    config = Config.of({"task": task, **preset(task), "n_updates": n_updates, "sizes": ",".join(map(str, SIZES))})
    work = config.works(seed, "cpu")[task]
    began = time.process_time()
    work.train(n_updates)
    seconds = time.process_time() - began
    metrics = work.metrics()
    found = [metrics[f"accuracy_{size}"] for size in SIZES]
    least = next((str(size) for size, accuracy in zip(SIZES, found, strict=True) if accuracy >= GOAL), "more")
    return f"| {number} | " + " | ".join(f"{100 * accuracy:.1f}" for accuracy in found) + f" | {least} | {seconds:.0f} |"


def main(n_updates: int = 400) -> None:
    """Prints a row for each task."""
    torch.set_num_threads(1)
    for number in sorted(TASKS):
        print(row(number, n_updates), flush=True)


if __name__ == "__main__":
    main()
