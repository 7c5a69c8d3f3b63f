"""How much faster models are fitted together than one by one, and how much faster a table runs than the network.

``python benchmarks/systems/recursive_npi_speed.py`` prints both, in processor time, side by side, median of several turns.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import torch
from side_by_side import print_table, ratio

from shoestring.systems.recursive_npi.closure import closure
from shoestring.systems.recursive_npi.fitting import Fitting
from shoestring.systems.recursive_npi.model import NPI
from shoestring.systems.recursive_npi.quicksort import Quicksort
from shoestring.systems.recursive_npi.refinement import fit_until_verified
from shoestring.systems.recursive_npi.running import run, table
from shoestring.systems.recursive_npi.tree import Frames


def fit(task: Quicksort, frames: Frames, width: int, models: int, times: int) -> None:
    """Takes 20 steps with so many models at once, so many times."""
    for seed in range(times):
        Fitting(NPI(task, width=width, n_models=models), frames, seed=seed).run(20)


def main() -> None:
    """Prints the table."""
    torch.set_num_threads(1)
    task, n = Quicksort(), 5
    frames = closure(task)
    fitted = fit_until_verified(task, task.papers_problems(np.random.default_rng(0)))
    looked_up, arrays = table(fitted.model, task), np.random.default_rng(1).integers(20, size=(100, 20))

    def sort_at_once() -> None:
        run(looked_up, task, task.of(arrays))

    def sort_one_by_one() -> None:
        for row in arrays:
            run(looked_up, task, task.of(row[None]))

    alone, together = (partial(fit, task, frames, models=models, times=n // models) for models in (1, n))
    print_table(
        {
            "fitting 5 models of width 16: one by one / together": lambda: ratio(partial(alone, 16), partial(together, 16)),
            "of width 64": lambda: ratio(partial(alone, 64), partial(together, 64)),
            "sorting 100 arrays of 20: network / table": lambda: ratio(lambda: run(fitted.model, task, task.of(arrays)), sort_at_once),
            "by table: one by one / together": lambda: ratio(sort_one_by_one, sort_at_once),
        }
    )


if __name__ == "__main__":
    main()
