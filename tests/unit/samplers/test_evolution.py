"""Regularised evolution: its population, its tournaments and its mutations."""

from __future__ import annotations

import numpy as np
import pytest

from shoestring.samplers.evolution import Evolution
from shoestring.samplers.random import Random
from shoestring.space import Choice, Float, Int, Space
from shoestring.values.orders import Observation

SPACE = Space({f"op{i}": Choice(("a", "b", "c", "d")) for i in range(4)} | {"n": Int(1, 3)})


def filled(n, losses, population=5, sample=5, seed=0):
    sampler = Evolution(SPACE, seed, population, sample)
    for trial_id in range(n):
        sampler.adopt(trial_id, SPACE.sample(np.random.default_rng(trial_id)))
        sampler.tell(Observation(trial_id, 1, losses[trial_id]))
    return sampler


def distance(first, second):
    return sum(first[name] != second[name] for name in SPACE.names)


def test_before_there_is_a_population_it_draws_at_random():
    assert filled(4, range(4), seed=7).ask(4) == Random(SPACE, 7).ask(4)


@pytest.mark.parametrize("trial_id", range(20, 30))
def test_a_child_differs_from_the_winner_in_one_parameter(trial_id):
    losses = [1.0, 0.9, 0.8, 0.1, 0.7]
    sampler = filled(5, losses, sample=200)  # 200 draws of 5: the best is among them

    assert distance(sampler.ask(trial_id), SPACE.sample(np.random.default_rng(3))) == 1


def test_the_oldest_dies_however_good_it_was():
    losses = [0.0, *[1.0] * 5, 0.5]
    sampler = filled(7, losses, sample=200)

    assert distance(sampler.ask(50), SPACE.sample(np.random.default_rng(6))) == 1


def test_a_tournament_is_drawn_with_repetition():
    losses = [0.0, 1.0, 2.0, 3.0, 4.0]
    sampler = filled(5, losses, sample=2)
    best = SPACE.sample(np.random.default_rng(0))

    share = np.mean([distance(sampler.ask(trial_id), best) == 1 for trial_id in range(100, 1100)])

    assert share == pytest.approx(1 - (4 / 5) ** 2, abs=0.06)


def test_every_parameter_and_every_other_value_is_reached():
    sampler = filled(5, [0.0, 1, 2, 3, 4], sample=200)
    parent = SPACE.sample(np.random.default_rng(0))

    changes = {next((n, c[n]) for n in SPACE.names if c[n] != parent[n]) for c in map(sampler.ask, range(100, 400))}

    assert len(changes) == 4 * 3 + 2


def test_parameters_that_a_mutation_brings_into_being_are_drawn():
    space = Space({"opt": Choice(("adam", "sgd")), "momentum": Float(0, 0.9, when={"opt": "sgd"})})
    sampler = Evolution(space, 0, population=1, sample=1)
    sampler.adopt(0, {"opt": "adam"})
    sampler.tell(Observation(0, 1, 0.0))

    children = [sampler.ask(trial_id) for trial_id in range(1, 4)]

    assert all(space.validate(child) == child for child in children)
    assert children[0]["opt"] == "sgd"
