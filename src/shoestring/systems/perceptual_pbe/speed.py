"""How much faster restarts are together than one by one, and search than running every program.

``python -m shoestring.systems.perceptual_pbe.speed`` prints a table. Processor time of one thread, medians over turns in which both
sides take part. It asserts nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

import numpy as np
import torch

from shoestring.systems.perceptual_pbe.fitting import Fit, fit_learner
from shoestring.systems.perceptual_pbe.gradient import execute
from shoestring.systems.perceptual_pbe.learner import Learner, Perceptrons, as_arrays
from shoestring.systems.perceptual_pbe.scenarios import Grid, Tape, operate
from shoestring.systems.perceptual_pbe.search import enumerate_programs
from shoestring.systems.perceptual_pbe.task import Pool, add_grids
from shoestring.systems.perceptual_pbe.template import Template

TURNS, STEPS, ALONE, EXAMPLES = 7, 10, 20, 64


def seconds(action: Callable[[], object]) -> float:
    """Returns the processor seconds that an action takes."""
    began = time.process_time()
    action()
    return time.process_time() - began


def fit_of(restarts: int) -> Fit:
    """Returns the training of ``restarts`` restarts of ADD2x2 on made-up images."""
    rng = torch.Generator().manual_seed(restarts)
    pool = Pool(torch.randn(500, 196, generator=rng), torch.randint(10, (500,), generator=rng), "made up")
    learner = Learner(Grid().template, {"net_0": Perceptrons(restarts, (196, 64, 10), rng, n=19)}, restarts, rng)
    fit = fit_learner(learner, add_grids(pool, "top", 500, np.random.default_rng(0)))
    fit.train(1)
    return fit


def restarts_ratio(restarts: int) -> list[float]:
    """Returns, turn by turn, how many times longer ``restarts`` restarts take one by one than together."""
    together, alone = fit_of(restarts), fit_of(1)

    def ratio() -> float:
        one = seconds(lambda: alone.train(alone.done + STEPS)) * restarts
        return one / seconds(lambda: together.train(together.done + STEPS))

    return sorted(ratio() for _ in range(TURNS))


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


def main() -> None:
    """Prints all ratios as a table."""
    torch.set_num_threads(1)
    print("| | ratio, median (lowest to highest) |\n| --- | --- |")
    for restarts in (8, 16, 32):
        ratios = restarts_ratio(restarts)
        print(f"| ADD2x2, {restarts} restarts: one by one / together | {median(ratios):.1f} ({ratios[0]:.1f} to {ratios[-1]:.1f}) |")
    for name in ("ADD2x2", "MATH"):
        template, inputs, answers = search_case(name)
        rng = np.random.default_rng(1)
        programs = [{param.name: int(rng.integers(param.n)) for param in template.params} for _ in range(ALONE)]

        def one_by_one(
            template: Template = template, some: list[dict[str, int]] = programs, seen: dict[str, torch.Tensor] = inputs
        ) -> None:
            for program in some:
                execute(template, [program], seen)

        each = median(seconds(one_by_one) / ALONE for _ in range(TURNS))
        searched = median(
            seconds(lambda t=template, i=inputs, a=answers: enumerate_programs(t, as_arrays(i), a.numpy()))  # type: ignore[misc]
            for _ in range(TURNS)
        )
        n = template.n_programs
        print(
            f"| {name}: {n:,} programs one by one, from the time of {ALONE} / searched in {searched:.2f} s | {each * n / searched:,.0f} |"
        )


if __name__ == "__main__":
    main()
