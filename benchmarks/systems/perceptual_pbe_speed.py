"""How much faster restarts are together than one by one, and search than running every program.

``python benchmarks/systems/perceptual_pbe_speed.py`` prints a table. Processor time of one thread, medians over turns in which both
sides take part. It asserts nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from side_by_side import Ratio, print_table, ratio

from shoestring.systems.perceptual_pbe.fitting import Fit, fit_learner
from shoestring.systems.perceptual_pbe.gradient import execute
from shoestring.systems.perceptual_pbe.learner import Learner, Perceptrons, as_arrays
from shoestring.systems.perceptual_pbe.scenarios import Grid, Tape, operate
from shoestring.systems.perceptual_pbe.search import enumerate_programs
from shoestring.systems.perceptual_pbe.task import Pool, add_grids
from shoestring.systems.perceptual_pbe.template import Template

STEPS, ALONE, EXAMPLES = 10, 20, 64


def fit_of(restarts: int) -> Fit:
    """Returns the training of ``restarts`` restarts of ADD2x2 on made-up images."""
    rng = torch.Generator().manual_seed(restarts)
    pool = Pool(torch.randn(500, 196, generator=rng), torch.randint(10, (500,), generator=rng), "made up")
    learner = Learner(Grid().template, {"net_0": Perceptrons(restarts, (196, 64, 10), rng, n=19)}, restarts, rng)
    fit = fit_learner(learner, add_grids(pool, "top", 500, np.random.default_rng(0)))
    fit.train(1)
    return fit


def restarts_ratio(restarts: int) -> Ratio:
    """Returns how many times longer ``restarts`` restarts take one by one than together."""
    together, alone = fit_of(restarts), fit_of(1)
    return ratio(lambda: alone.train(alone.done + STEPS), lambda: together.train(together.done + STEPS), share=1 / restarts)


def search_case(name: str) -> tuple[Template, dict[str, torch.Tensor], torch.Tensor]:
    """Returns a template, posteriors ``(1, examples, values)`` of 95% sure networks, and the answers of ADD2x2 or of MATH."""
    rng = np.random.default_rng(0)

    def seen(labels: np.ndarray[tuple[int, ...], np.dtype[np.int64]], values: int, n: int) -> torch.Tensor:
        p = np.full((EXAMPLES, n), 0.05 / (n - 1))
        p[np.arange(EXAMPLES), labels] = 0.95
        return torch.from_numpy(np.pad(p, ((0, 0), (0, values - n))))[None]

    if name == "ADD2x2":
        cells = rng.integers(10, size=(EXAMPLES, 4))
        return Grid().template, {f"net_0 {i}": seen(cells[:, i], 19, 10) for i in range(4)}, torch.from_numpy(cells[:, 0] + cells[:, 1])
    a, b, op = rng.integers(10, size=EXAMPLES), rng.integers(10, size=EXAMPLES), rng.integers(4, size=EXAMPLES)
    inputs = {f"net_0 {i}": seen(labels, 10, 10) for i, labels in enumerate((a, op, b))}
    inputs |= {f"net_1 {i}": seen(labels % 4, 10, 4) for i, labels in enumerate((a, op, b))}
    answers = [operate(int(x), int(y), int(sign), 10) for x, y, sign in zip(a, b, op, strict=True)]
    return Tape().template, inputs, torch.tensor(answers)


def search_ratio(name: str) -> Ratio:
    """Returns how many times longer it takes to run every program than to search them, from the time of some programs."""
    template, inputs, answers = search_case(name)
    rng = np.random.default_rng(1)
    programs = [{param.name: int(rng.integers(param.n)) for param in template.params} for _ in range(ALONE)]

    def one_by_one() -> None:
        for program in programs:
            execute(template, [program], inputs)

    return ratio(one_by_one, lambda: enumerate_programs(template, as_arrays(inputs), answers.numpy()), share=ALONE / template.n_programs)


def main() -> None:
    """Prints the table."""
    torch.set_num_threads(1)
    rows: dict[str, Callable[[], Ratio]] = {
        f"ADD2x2, {restarts} restarts: one by one / together": partial(restarts_ratio, restarts) for restarts in (8, 16, 32)
    }
    for name in ("ADD2x2", "MATH"):
        rows[f"{name}: every program one by one, from the time of {ALONE} / searched"] = partial(search_ratio, name)
    print_table(rows)


if __name__ == "__main__":
    main()
