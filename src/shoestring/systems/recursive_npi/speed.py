"""How much faster models are fitted together than one by one, and how much faster a table runs than the network.

``python -m shoestring.systems.recursive_npi.speed`` prints both, in processor time, side by side, median of several turns.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

import numpy as np
import torch

from shoestring.systems.recursive_npi.closure import closure
from shoestring.systems.recursive_npi.fitting import Fitting
from shoestring.systems.recursive_npi.model import NPI
from shoestring.systems.recursive_npi.quicksort import Quicksort
from shoestring.systems.recursive_npi.refinement import fit_until_verified
from shoestring.systems.recursive_npi.running import run, table


def ratios(slow: Callable[[], object], fast: Callable[[], object], turns: int) -> list[float]:
    """Returns the processor time of one by that of the other, turn by turn; a first turn is left out."""
    found = []
    for _ in range(turns + 1):
        began = time.process_time()
        slow()
        between = time.process_time()
        fast()
        found.append((between - began) / (time.process_time() - between))
    return found[1:]


def main(turns: int = 5) -> None:
    """Prints the ratios."""
    torch.set_num_threads(1)
    task, n_models, n_steps = Quicksort(), 5, 20
    frames = closure(task)
    for width in (16, 64):

        def fit(models: int, times: int, width: int = width) -> None:
            for seed in range(times):
                Fitting(NPI(task, width=width, n_models=models), frames, seed=seed).run(n_steps)

        found = ratios(lambda fit=fit: fit(1, n_models), lambda fit=fit: fit(n_models, 1), turns)  # type: ignore[misc]
        _say(f"fitting {n_models} models of width {width}: one by one / together", found)
    fitted = fit_until_verified(task, task.papers_problems(np.random.default_rng(0)))
    looked_up = table(fitted.model, task)
    arrays = np.random.default_rng(1).integers(20, size=(100, 20))
    slow, fast = (lambda: run(fitted.model, task, task.of(arrays))), (lambda: run(looked_up, task, task.of(arrays)))
    _say("sorting 100 arrays of 20: network / table", ratios(slow, fast, turns))
    _say(
        "100 arrays by table: one by one / together",
        ratios(lambda: [run(looked_up, task, task.of(row[None])) for row in arrays], fast, turns),
    )


def _say(what: str, found: list[float]) -> None:
    print(f"{what}: {median(found):.1f} ({min(found):.1f} to {max(found):.1f})", flush=True)


if __name__ == "__main__":
    main()
