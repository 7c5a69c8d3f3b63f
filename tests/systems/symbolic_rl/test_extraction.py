"""Objects are found in frames without labels, each kind as types of its own."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from shoestring.errors import UsageError
from shoestring.systems.symbolic_rl import Games, ObjectExtractor
from shoestring.systems.symbolic_rl.task import centres


@pytest.fixture(scope="module")
def seen():
    draws = torch.Generator().manual_seed(5)
    extractor, games = ObjectExtractor(5), Games()
    losses = extractor.fit(games.frames(games.reset(100, draws)).numpy(), draws)
    return extractor, games, losses


def test_the_autoencoder_learns(seen):
    assert seen[2][-1] < 0.1 * seen[2][0]


def test_objects_are_where_they_are_and_kinds_are_told_apart(seen):
    extractor, games, _ = seen
    state = games.reset(20, torch.Generator().manual_seed(6))
    kinds, cells = state.things()
    taken, n = np.zeros((3, extractor.n_types), int), 0

    for g, objects in enumerate(extractor.extract(games.frames(state).numpy())):
        distance = np.abs(centres(cells[g]).numpy()[:, None] - objects.positions).max(-1)
        near = distance.min(1) <= 4
        np.add.at(taken, (kinds[g].numpy()[near], objects.types[distance.argmin(1)[near]]), 1)
        n += len(objects)

    assert taken.sum() > 0.9 * 20 * 17 and n < 1.1 * 20 * 17
    assert taken.max(0).sum() > 0.9 * taken.sum()


def test_a_state_gives_the_same_eyes(seen):
    extractor, games, _ = seen
    again = ObjectExtractor(5)
    again.load_state_dict(extractor.state_dict())
    frame = games.frames(games.reset(1, torch.Generator().manual_seed(7)))[0].numpy()

    ours, theirs = again(frame), extractor(frame)

    assert np.array_equal(ours.types, theirs.types) and np.array_equal(ours.positions, theirs.positions)


def test_colour_frames_of_floats_do():
    frames = np.zeros((30, 20, 31, 3), np.float32)
    for i, frame in enumerate(frames):
        frame[3 + i % 4 : 8 + i % 4, 20:25] = (1, 0, 0)
    extractor = ObjectExtractor(5, channels=3, features=4)

    extractor.fit(frames, torch.Generator().manual_seed(0), steps=30)

    ((row, column),) = extractor(frames[0]).positions
    assert abs(row - 5) <= 2 and abs(column - 22) <= 2


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda: ObjectExtractor(5)(np.zeros((9, 9))), "call fit"),
        (lambda: ObjectExtractor(5, kernel=4), "odd kernel"),
        (lambda: ObjectExtractor(5).fit(np.zeros((2, 9, 9, 3)), torch.Generator()), "do not go with channels=1"),
    ],
)
def test_what_cannot_be_seen_is_said(wrong, said):
    with pytest.raises(UsageError, match=said):
        wrong()
