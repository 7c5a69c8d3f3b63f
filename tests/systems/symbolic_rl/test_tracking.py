"""The likelihood is the published one, and the assignment the best of all."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from shoestring.errors import UsageError
from shoestring.systems.symbolic_rl import Objects, Tracker


def drawn(seed, n, n_types=3):
    rng = np.random.default_rng(seed)
    return Objects(rng.integers(n_types, size=n), rng.uniform(0, 40, (n, 2)))


def by_hand(tracker, before, after, i, j):
    """The likelihood, term by term."""
    d = np.linalg.norm(before.positions[i] - after.positions[j])
    row = tracker.counts[before.types[i]]
    n, m = (
        sum(np.linalg.norm(one.positions[k] - other) <= tracker.radius for other in one.positions) - 1
        for one, k in ((before, i), (after, j))
    )
    return 2 / (1 + d) + row[after.types[j]] / row.sum() + 1 / (1 + abs(n - m))


def test_the_likelihood_is_the_published_one():
    tracker, before, after = Tracker(3), drawn(0, 6), drawn(1, 5)
    tracker.counts += np.random.default_rng(2).integers(9, size=tracker.counts.shape)

    found = tracker.likelihood(before, after)

    assert found == pytest.approx(np.array([[by_hand(tracker, before, after, i, j) for j in range(5)] for i in range(6)]))


def test_the_assignment_is_the_best_of_all():
    tracker, before, after = Tracker(3), drawn(3, 4), drawn(4, 4)
    value = tracker.likelihood(before, after)
    chance = tracker.counts / tracker.counts.sum(1, keepdims=True)
    vanish, appear = chance[before.types, -1], chance[-1, after.types]

    def total(pairs):
        left, right = {i for i, _ in pairs}, {j for _, j in pairs}
        alone = sum(vanish[i] for i in range(4) if i not in left) + sum(appear[j] for j in range(4) if j not in right)
        return sum(value[i, j] for i, j in pairs) + alone

    every = (
        list(zip(rows, columns, strict=True))
        for k in range(5)
        for rows in itertools.combinations(range(4), k)
        for columns in itertools.permutations(range(4), k)
    )
    best = max(map(total, every))

    assert total(list(zip(*tracker.match(before, after), strict=True))) == pytest.approx(best)


@pytest.mark.parametrize(("weights", "kept"), [((2, 1, 1), 1), ((1, 2, 1), 0)], ids=["by place", "by type"])
def test_who_stands_where_an_object_was_touched_depends_on_the_weights(weights, kept):
    """With PyDSRL's weights place counts most: the touched object is taken to have become the agent, and the agent to be gone."""
    tracker = Tracker(2, weights=weights, radius=5.0)
    tracker.update(Objects([0, 1, 1], [[0, 0], [8, 0], [24, 0]]))

    after = tracker.update(Objects([1, 0], [[24, 0], [8, 0]]))

    assert after.ids[after.types == 0].tolist() == [kept] and after.ids[after.types == 1].tolist() == [2]
    assert tracker.counts[1 - kept, -1] == 2 and after.ids.max() == 2


def test_a_slot_that_was_left_stays_empty_for_a_frame():
    tracker = Tracker(2, weights=(2, 1, 0), n_slots=2)
    tracker.update(Objects([0], [[0, 0]]))

    tracker.update(Objects([], np.empty((0, 2))))
    scene = tracker.update(Objects([1, 1], [[50, 50], [9, 9]]))

    assert scene.ids.tolist() == [1, 2]
    with pytest.raises(UsageError, match="raise n_slots"):
        tracker.update(Objects([1, 1, 1], [[50, 50], [9, 9], [30, 1]]))


def test_what_was_learnt_of_types_survives_and_what_was_in_sight_does_not():
    tracker, again = Tracker(3), Tracker(3)
    for seed in range(5):
        tracker.update(drawn(seed, 6))

    again.load_state_dict(tracker.state_dict())

    assert np.array_equal(again.counts, tracker.counts) and again.update(drawn(9, 2)).ids.max() == 1


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda: Tracker(0), "1 or more"),
        (lambda: Tracker(2).update(Objects([2], [[0, 0]])), "raise n_types"),
        (lambda: Objects([0, 1], [[0, 0]]), "must be .n,. types"),
    ],
)
def test_what_cannot_be_followed_is_said(wrong, said):
    with pytest.raises(UsageError, match=said):
        wrong()
