"""Exact search for the program that explains examples best, by branch and bound over blocks of examples.

An example's log-likelihood is at most 0, so that what a program has after some examples bounds what it can have after all; programs that
the best one has left behind are dropped. Networks are not run here: their posteriors are inputs, computed once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shoestring.errors import UsageError
from shoestring.systems.perceptual_pbe.enumerate import Marginals, World, run_all
from shoestring.systems.perceptual_pbe.template import Program, Template

LEAST_P = 1e-3  # of an answer: what a program all but rules out counts as noise, so that one misread image outweighs little
SLACK = 1e-9  # of a log-likelihood, relative: programs closer than this are equally good


@dataclass(frozen=True)
class Found:
    """What the search found.

    Attributes:
        programs: all that are equally good, those with fewer holes read first; holes that were never read are left out.
        log_likelihood: of each, in nats, summed over the examples.
        n_told_apart: programs that were told apart on the first block.
        n_programs: programs that there are.
    """

    programs: tuple[dict[str, int], ...]
    log_likelihood: float
    n_told_apart: int
    n_programs: int


def enumerate_programs(
    template: Template,
    blocks: Mapping[str, Marginals] | Sequence[tuple[Mapping[str, Marginals], NDArray[np.int64]]],
    targets: NDArray[np.int64] | None = None,
    *,
    first: int = 8,
    most: int = 20_000_000,
) -> Found:
    """Returns the programs of highest likelihood.

    Args:
        blocks: by name, the marginals ``(examples, n)`` of each input, such as a network's posteriors; or several such with their targets,
            where examples differ in length.
        targets: ``(examples,)``, the answer of each, unless ``blocks`` brings them.
        first: examples of the first block; blocks double.
        most: partial programs under way at a time, about 100 bytes each.
    Raises:
        BudgetTooSmall: more partial programs than ``most``.
        UsageError: no example, or not one target for each.
    """
    parts = [(blocks, targets)] if isinstance(blocks, Mapping) else list(blocks)
    queue = [piece for inputs, answers in parts for piece in _pieces(inputs, answers, first)]
    if not queue:
        raise UsageError("no example to search with; give at least one.")
    world, score, told_apart, incumbent = World(1, {}), np.zeros(1), 0, -np.inf
    for i, (inputs, answers) in enumerate(queue):
        start, before = World(world.size, dict(world.filled)), score
        world, gain = _scored(template, start, inputs, answers, most)
        rows = world.since(start)
        score = (before if rows is None else before[rows]) + gain
        told_apart = told_apart or world.size
        incumbent = max(incumbent, _completed(template, world, score, queue[i + 1 :], most))
        kept = np.flatnonzero(score >= incumbent - SLACK * max(1.0, abs(incumbent))).astype(np.int32)
        world, score = world.part(kept), score[kept]
        world.parent = None
    return Found(_programs(world), float(score.max()), told_apart, template.n_programs)


def _pieces(
    inputs: Mapping[str, Marginals], answers: NDArray[np.int64] | None, first: int
) -> list[tuple[dict[str, Marginals], NDArray[np.int64]]]:
    lengths = {len(marginals) for marginals in inputs.values()}
    if answers is None or lengths != {len(answers)}:
        given = "no targets" if answers is None else f"{len(answers)} targets"
        raise UsageError(f"{given} for inputs of {sorted(lengths)} examples; give one for each example.")
    pieces, begin, size = [], 0, max(1, first)
    while begin < len(answers):
        end = min(len(answers), begin + size)
        pieces.append(({name: marginals[begin:end] for name, marginals in inputs.items()}, answers[begin:end]))
        begin, size = end, 2 * size
    return pieces


def _scored(
    template: Template, start: World, inputs: Mapping[str, Marginals], answers: NDArray[np.int64], most: int
) -> tuple[World, NDArray[np.float64]]:
    world, numbers, marginals = run_all(template, start, inputs, most)
    p = marginals[:, np.arange(len(answers)), answers]
    return world, np.log(np.clip(p, LEAST_P, 1.0)).sum(axis=1)[numbers]


def _completed(
    template: Template,
    world: World,
    score: NDArray[np.float64],
    rest: list[tuple[dict[str, Marginals], NDArray[np.int64]]],
    most: int,
) -> float:
    """Returns the score over all examples of the programs that the best one so far can become."""
    best = int(score.argmax())
    one, total = world.part(np.array([best], dtype=np.int32)), score[[best]]
    for inputs, answers in rest:
        start = World(one.size, dict(one.filled))
        one, gain = _scored(template, start, inputs, answers, most)
        rows = one.since(start)
        total = (total if rows is None else total[rows]) + gain
    return float(total.max())


def _programs(world: World) -> tuple[dict[str, int], ...]:
    programs = [{name: int(values[i]) for name, values in world.filled.items() if values[i] >= 0} for i in range(world.size)]
    return tuple(sorted(programs, key=len))


__all__ = ["Found", "Program", "enumerate_programs"]
