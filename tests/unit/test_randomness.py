"""The process-wide generators as one value."""

from __future__ import annotations

import random

import numpy as np
import pytest

from shoestring import randomness
from shoestring.state import from_bytes, to_bytes


@pytest.fixture
def draw(torch):
    return lambda: (random.random(), random.gauss(0, 1), np.random.rand(), np.random.randn(), torch.rand(1).item())


def test_a_seed_decides_every_generator(draw):
    randomness.seed_all(3)
    first = draw()
    randomness.seed_all(3)

    assert draw() == first


def test_other_seeds_give_other_numbers(draw):
    randomness.seed_all(3)
    first = draw()
    randomness.seed_all(4)

    assert not set(draw()) & set(first)


def test_a_restored_state_goes_on_where_it_was_captured(draw):
    draw()
    state = from_bytes(to_bytes(randomness.capture()))
    expected = draw(), draw()
    randomness.restore(state)

    assert (draw(), draw()) == expected


def test_a_block_leaves_the_generators_as_they_were(draw):
    randomness.seed_all(5)
    expected = draw()
    randomness.seed_all(5)

    with randomness.isolated(1):
        draw()

    assert draw() == expected


def test_a_block_that_raises_leaves_them_too(draw):
    randomness.seed_all(5)
    expected = draw()
    randomness.seed_all(5)

    with pytest.raises(KeyError), randomness.isolated(1):
        draw()
        raise KeyError

    assert draw() == expected


def test_the_largest_seed_is_taken():
    randomness.seed_all(2**63 - 1)
