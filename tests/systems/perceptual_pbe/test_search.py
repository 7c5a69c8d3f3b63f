"""Exact search against trying every program one by one, on the paper's templates."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch

from shoestring.errors import UsageError
from shoestring.systems.perceptual_pbe.gradient import execute
from shoestring.systems.perceptual_pbe.scenarios import Grid, Tape, operate
from shoestring.systems.perceptual_pbe.search import LEAST_P, enumerate_programs
from shoestring.systems.perceptual_pbe.works import RIGHT, right_program


def posteriors(labels, n, rng, sure=0.9):
    p = np.full((len(labels), n), (1 - sure) / (n - 1))
    p[np.arange(len(labels)), np.where(rng.random(len(labels)) < 0.95, labels, rng.integers(n, size=len(labels)))] = sure
    return p


def test_it_finds_what_trying_every_program_finds():
    grid, rng = Grid(lines=2, modulus=7), np.random.default_rng(0)
    cells = rng.integers(4, size=(12, 4))
    inputs = {f"net_0 {c}": posteriors(cells[:, c], 7, rng, 0.6) for c in range(4)}
    targets = cells[:, 0] + cells[:, 2]
    template = grid.template
    names = [param.name for param in template.params]
    programs = [dict(zip(names, values, strict=True)) for values in product(*(range(param.n) for param in template.params))]
    answers = execute(template, programs, {name: torch.from_numpy(p)[None] for name, p in inputs.items()}).numpy()
    each = np.log(np.maximum(answers[:, np.arange(12), targets], LEAST_P)).sum(axis=1)

    found = enumerate_programs(template, inputs, targets, first=1)

    assert found.n_programs == len(programs)
    assert found.log_likelihood == pytest.approx(each.max(), abs=1e-9)
    assert found.n_told_apart < len(programs)
    for program in found.programs:
        of = [i for i, other in enumerate(programs) if all(other[name] == value for name, value in program.items())]
        np.testing.assert_allclose(each[of], each.max(), atol=1e-9)


@pytest.mark.parametrize("task", RIGHT)
def test_it_finds_each_task_of_add2x2_among_millions(task):
    rng = np.random.default_rng(1)
    cells = rng.integers(10, size=(40, 4))
    one, other = {"top": (0, 1), "left": (0, 2), "bottom": (2, 3), "right": (1, 3)}[task]
    inputs = {f"net_0 {c}": np.pad(posteriors(cells[:, c], 10, rng), ((0, 0), (0, 9))) for c in range(4)}
    template = Grid().template

    found = enumerate_programs(template, inputs, cells[:, one] + cells[:, other])

    assert found.n_programs == 3_732_480
    told = {f"net_0 {c}": torch.eye(19)[torch.from_numpy(cells[:, c])][None] for c in range(4)}
    right = execute(template, [*found.programs[:5], right_program(task, 4)], told).argmax(-1)
    assert (right == torch.from_numpy(cells[:, one] + cells[:, other])).all()


def tape(n_numbers, n, rng):
    numbers, signs = rng.integers(10, size=(n, n_numbers)), rng.integers(4, size=(n, n_numbers - 1))
    value, inputs = numbers[:, 0], {}
    for i in range(2 * n_numbers - 1):
        seen = signs[:, i // 2] if i % 2 else numbers[:, i // 2]
        if i % 2:
            value = np.array([operate(a, b, op, 10) for a, b, op in zip(value, numbers[:, i // 2 + 1], seen, strict=True)])
        inputs[f"net_0 {i}"] = np.full((n, 10), 0.1) if i % 2 else posteriors(seen, 10, rng)
        inputs[f"net_1 {i}"] = np.pad(posteriors(seen, 4, rng) if i % 2 else np.full((n, 4), 0.25), ((0, 0), (0, 6)))
    return inputs, value


def test_it_finds_the_loop_among_a_hundred_million_programs():
    rng, template = np.random.default_rng(2), Tape().template

    found = enumerate_programs(template, [tape(2, 30, rng), tape(3, 20, rng)])

    assert found.n_programs == 102_036_672
    inputs, targets = tape(6, 50, np.random.default_rng(3))
    certain = {name: torch.eye(10)[torch.from_numpy(p.argmax(1))][None] for name, p in inputs.items()}
    seen = [inputs[f"net_{i % 2} {i}"].argmax(1) for i in range(11)]
    value = seen[0]
    for i in range(5):
        value = np.array([operate(a, b, op, 10) for a, b, op in zip(value, seen[2 * i + 2], seen[2 * i + 1], strict=True)])
    assert (execute(template, [found.programs[0]], certain)[0].argmax(-1).numpy() == value).all()
    assert "APPLY" in template.source(found.programs[0])
    assert len(targets) == 50


def test_a_tape_that_never_ends_gives_no_answer():
    template = Tape(modulus=4).template
    inputs = {f"net_{net} {i}": torch.eye(4)[[1, 2]][None] for net in (0, 1) for i in range(3)}

    answer = execute(template, [{"do 0": 1, "goto 0": 0}], inputs)

    assert answer[0, :, 4].tolist() == [1.0, 1.0]


@pytest.mark.parametrize(("a", "b", "op", "value"), [(7, 5, 0, 2), (3, 5, 1, 8), (7, 5, 2, 5), (7, 2, 3, 3), (7, 0, 3, 9)])
def test_operators(a, b, op, value):
    assert operate(a, b, op, 10) == value


def test_a_program_is_readable():
    assert Grid(lines=2).template.source({"do 1": 2, "do 2": 5, "a 2": 0, "b 2": 1, "return": 2}) == (
        "R0 = READ(net_0)\nR1 = MOVE_E(net_0)\nR2 = ADD(R0, R1)\nreturn R2"
    )


def test_examples_without_targets_are_refused():
    inputs = {f"net_0 {c}": np.full((3, 19), 1 / 19) for c in range(4)}

    with pytest.raises(UsageError, match="no targets"):
        enumerate_programs(Grid().template, inputs)
    with pytest.raises(UsageError, match="2 targets"):
        enumerate_programs(Grid().template, inputs, np.array([1, 2]))
    with pytest.raises(UsageError, match="no example"):
        enumerate_programs(Grid().template, [])
