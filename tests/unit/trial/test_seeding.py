"""The process-wide generators as one value."""

from __future__ import annotations

import random

import numpy as np
import pytest

import shoestring
from shoestring.state.capture import from_bytes, to_bytes
from shoestring.trial import seeding


@pytest.fixture
def draw(torch):
    return lambda: (random.random(), random.gauss(0, 1), np.random.rand(), np.random.randn(), torch.rand(1).item())


def test_a_seed_decides_every_generator(draw):
    seeding.seed_all(3)
    first = draw()
    seeding.seed_all(3)

    assert draw() == first


def test_other_seeds_give_other_numbers(draw):
    seeding.seed_all(3)
    first = draw()
    seeding.seed_all(4)

    assert not set(draw()) & set(first)


def test_a_restored_state_goes_on_where_it_was_captured(draw):
    draw()
    state = from_bytes(to_bytes(seeding.capture()))
    expected = draw(), draw()
    seeding.restore(state)

    assert (draw(), draw()) == expected


def test_a_study_in_process_leaves_the_generators_as_they_were(draw):
    def train(trial):
        for _ in trial.steps():
            trial.report(loss=draw()[0])
            if trial.seed % 2:
                raise KeyError

    seeding.seed_all(5)
    expected = draw()
    seeding.seed_all(5)

    shoestring.search(train, {"x": shoestring.Float(0, 1)}, metric="loss", goal="min", budget="9 epochs", horizon=3, store=":memory:")

    assert draw() == expected


def test_the_largest_seed_is_taken():
    seeding.seed_all(2**63 - 1)
