"""Random, Sobol and grid: what each promises beyond the contract."""

from __future__ import annotations

import statistics
import time

import numpy as np
import pytest

from shoestring.errors import UsageError
from shoestring.samplers.grid import Grid
from shoestring.samplers.random import Random
from shoestring.samplers.sobol import Sobol
from shoestring.space import Choice, Float, Int, Space

CUBE = Space({name: Float(0, 1) for name in "abcd"})


def test_random_costs_little_more_than_its_generator():
    sampler = Random(CUBE, seed=0)
    asked, generated = [], []
    for trial_id in range(200):
        start = time.perf_counter()
        sampler.ask(trial_id)
        between = time.perf_counter()
        np.random.default_rng(np.random.SeedSequence([0, trial_id])).random(4)
        asked.append(between - start)
        generated.append(time.perf_counter() - between)

    assert statistics.median(asked) < 6 * statistics.median(generated)


def test_sobol_points_do_not_depend_on_which_were_asked_before():
    sampler = Sobol(CUBE, seed=0)
    late = sampler.ask(200)

    assert [sampler.ask(i) for i in range(201)][-1] == late
    assert Sobol(CUBE, seed=0).ask(3) == sampler.ask(3)


def test_sobol_covers_each_half_of_each_axis_equally():
    points = np.array([list(Sobol(CUBE, seed=1).ask(i).values()) for i in range(64)])

    assert ((points < 0.5).sum(axis=0) == 32).all()


def test_sobol_begins_its_sequence_after_the_default():
    with_default = Space({"a": Float(0, 1, default=0.25), "b": Float(0, 1)})
    without = Space({"a": Float(0, 1), "b": Float(0, 1)})

    assert Sobol(with_default, seed=0).ask(1) == Sobol(without, seed=0).ask(0)


def test_grid_tries_each_configuration_once_and_ends():
    space = Space({"lr": Float(1e-4, 1, log=True), "n": Int(1, 2), "opt": Choice(["a", "b"]), "m": Float(0, 1, when={"opt": "b"})})
    grid = Grid(space, seed=0, points=3)

    asked = [grid.ask(i) for i in range(3 * 2 * (1 + 3))]

    assert grid.ask(len(asked)) is None
    assert len({tuple(config.items()) for config in asked}) == len(asked)
    assert {config["lr"] for config in asked} == {1e-4, 0.01, 1.0}


def test_half_a_grid_has_both_ends():
    grid = Grid(CUBE, seed=0, points=3)
    half = [grid.ask(i)["a"] for i in range(40)]

    assert min(half) == 0.0
    assert max(half) == 1.0


@pytest.mark.parametrize(("points", "sentence"), [(0, "makes no grid"), (20, "160000 combinations")])
def test_senseless_grids_are_refused(points, sentence):
    with pytest.raises(UsageError, match=sentence):
        Grid(CUBE, seed=0, points=points)
