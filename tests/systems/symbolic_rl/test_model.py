"""The tables are updated as published, against a few lines of plain Python, and learn what is to be learnt."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from shoestring.errors import UnknownName, UsageError
from shoestring.systems.symbolic_rl import RelationalQ, Scene, explain, moving, rules
from shoestring.systems.symbolic_rl.training import Config, Work


def scene(*things):
    """Returns types and positions of one game of one agent; a type of -1 is an empty slot."""
    types, rows, columns = zip(*things, strict=True)
    return torch.tensor([[types]]), torch.tensor([[list(zip(rows, columns, strict=True))]], dtype=torch.float)


BEFORE = scene((0, 4, 4), (1, 4, 5), (2, 5, 4), (1, 4, 8))
AFTER = scene((0, 4, 5), (-1, 4, 5), (2, 5, 4), (1, 4, 7))


def by_hand(q, credit):
    """One update of a game in which the object to the right is touched, for a reward of 1: entries (type, row, column, action)."""
    alpha, gamma, reward = 0.1, 0.9, 1.0
    new = dict(q)
    new[1, 0, 1, 3] += alpha * (reward - q[1, 0, 1, 3])  # gone: no future
    future = max(q[2, 1, -1, a] for a in range(4))
    new[2, 1, 0, 3] += alpha * ((reward if credit == "shared" else 0.0) + gamma * future - q[2, 1, 0, 3])
    return new  # the third is too far before, so that it learns nothing


@pytest.mark.parametrize("credit", ["shared", "interaction"])
def test_an_update_is_the_published_one(credit):
    learner = RelationalQ(3, 4, credit=credit)
    learner.q.copy_(torch.rand(learner.q.shape, generator=torch.Generator().manual_seed(0)))
    places = [(t, r, c, a) for t in range(3) for r in range(-2, 3) for c in range(-2, 3) for a in range(4)]
    expected = by_hand(dict(zip(places, learner.q.flatten().tolist(), strict=True)), credit)

    learner.update(learner.relations(*BEFORE), torch.tensor([[3]]), torch.ones(1, 1), learner.relations(*AFTER))

    assert learner.q.flatten().tolist() == pytest.approx(list(expected.values()))
    assert learner.visits.sum() == 2


def test_a_game_that_ended_has_no_future():
    learner = RelationalQ(3, 4)
    learner.q += 1.0

    learner.update(learner.relations(*BEFORE), torch.tensor([[3]]), torch.ones(1, 1), learner.relations(*AFTER), torch.tensor([[True]]))

    assert torch.allclose(learner.q, torch.ones(()))


def test_an_action_is_the_best_by_the_sum_over_objects_in_reach():
    learner = RelationalQ(3, 4)
    relations = learner.relations(*BEFORE)
    learner.q[0, relations.entry[0, 0, 1], :] = torch.tensor([0.0, 0.5, 0.0, 0.4])
    learner.q[0, relations.entry[0, 0, 2], :] = torch.tensor([0.0, -0.2, 0.0, 0.0])
    learner.q[0, relations.entry[0, 0, 3], :] = torch.tensor([9.0, 0.0, 0.0, 0.0])  # too far to count

    assert relations.present.tolist() == [[[False, True, True, False]]]
    assert learner.act(relations, 0.0, torch.Generator().manual_seed(0)).item() == 3


def test_agents_and_games_side_by_side_are_those_one_by_one():
    draws = torch.Generator().manual_seed(1)
    types, positions = torch.randint(3, (2, 4, 6), generator=draws), torch.randint(5, (2, 2, 4, 6, 2), generator=draws).float()
    types[..., 0] = 0
    types[..., 1:].clamp_min_(1)
    actions, rewards = torch.randint(4, (2, 4), generator=draws), torch.rand(2, 4, generator=draws)
    both, alone = RelationalQ(3, 4, n_agents=2), [RelationalQ(3, 4) for _ in range(2)]

    both.update(both.relations(types, positions[0]), actions, rewards, both.relations(types, positions[1]))
    for k, one in enumerate(alone):
        own = [x[k : k + 1] for x in (types, positions[0], actions, rewards, positions[1])]
        one.update(one.relations(own[0], own[1]), own[2], own[3], one.relations(own[0], own[4]))

    assert torch.allclose(both.q, torch.cat([one.q for one in alone]))


def test_what_it_learns_can_be_read():
    work = Work(Config(arm="credit", epochs=15, n_steps=60), 1, "cpu")
    work.train(15)
    learner = work.player.learner

    found = rules(learner, ("+", "o", "x"), ("up", "down", "left", "right"))
    near = {(rule.type, rule.row, rule.column): rule for rule in found}

    assert near["x", 0, 1].best == "right" and near["o", 0, 1].worst == "right"
    assert str(near["x", -1, 0]).startswith("x 1 up: go up (+0.")
    said = explain(
        learner, Scene(np.array([0, 1]), np.array([0, 2]), np.array([[5, 5], [6, 5]])), ("+", "o", "x"), ("up", "down", "left", "right")
    )
    assert said.startswith("go down") and "x 1 down: go down" in said
    assert "any action" in explain(learner, Scene(np.array([0]), np.array([0]), np.array([[5, 5]])))


def test_the_agent_is_the_type_that_moves():
    types = [torch.tensor([2, 1, 1])] * 4
    positions = [torch.tensor([[8.0 * t, 0.0], [3.0, 3.0], [9.0, 9.0]]) for t in range(4)]

    assert moving(types, positions, 3) == ((2,), 8.0)
    with pytest.raises(UsageError, match="no object moved"):
        moving(types, positions[:1] * 4, 3)


@pytest.mark.parametrize(
    ("wrong", "error", "said"),
    [
        ({"credit": "none"}, UnknownName, "interaction"),
        ({"agent": 3}, UsageError, "agent types"),
        ({"alpha": 0.0}, UsageError, "alpha in"),
    ],
)
def test_what_cannot_learn_is_said(wrong, error, said):
    with pytest.raises(error, match=said):
        RelationalQ(3, 4, **wrong)
