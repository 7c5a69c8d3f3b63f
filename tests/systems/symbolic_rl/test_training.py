"""The training functions: they can be paused bit for bit, and report what they say."""

from __future__ import annotations

import copy
import json
from dataclasses import asdict

import numpy as np
import pytest
import torch

from shoestring.errors import UnknownName, UsageError
from shoestring.systems.symbolic_rl import table
from shoestring.systems.symbolic_rl.dqn import QNetworks, planes
from shoestring.systems.symbolic_rl.players import Sight
from shoestring.systems.symbolic_rl.scene import Scene
from shoestring.systems.symbolic_rl.task import Games
from shoestring.systems.symbolic_rl.training import ARMS, Config, Work

SMALL = {"epochs": 4, "n_steps": 15, "test_games": 2, "frames": 64, "fit_steps": 12, "agents": 2, "warmup": 20}


def begun(arm, seed=1, **more):
    return Work(Config.of({"arm": arm, **SMALL, **more}), seed, "cpu")


@pytest.mark.parametrize("arm", ARMS)
def test_going_on_from_a_state_is_going_on_bit_for_bit(arm):
    straight, paused, resumed = begun(arm), begun(arm), begun(arm)
    straight.train(4)

    paused.train(3)
    resumed.load_state_dict(copy.deepcopy(paused.state_dict()))
    resumed.train(4)

    assert resumed.metrics() == straight.metrics()
    assert str(resumed.state_dict()) == str(straight.state_dict())


@pytest.mark.parametrize("arm", ["dsrl", "random"])
def test_it_reports_what_it_says(arm):
    work = begun(arm)
    work.train(1)

    sight = {"f1", "switches", "purity", "n_types", "agent_types"} if arm == "dsrl" else set()
    assert work.metrics().keys() == {"positive", "score", "collected", "epochs_to_80"} | sight


def test_another_seed_is_another_run():
    works = [begun("oracle", seed) for seed in (1, 2)]
    for work in works:
        work.train(3)

    assert not works[0].curve.equal(works[1].curve)


def test_epochs_to_80_are_the_first_whose_last_games_were_good():
    work = begun("random")
    work.curve = torch.zeros(40, 2, 2)
    work.curve[:, 0, 0], work.curve[:10, 1, 0] = 1.0, 1.0  # 10 of the first 30 are bad: 20 games are 80% good once 4 bad ones are left
    work.curve[:, 1, 1] = 1.0

    assert work.epochs_to(0.8).tolist() == [25.0, 41.0]


def test_sight_counts_what_is_missed_invented_and_renumbered():
    truth = np.array([[0.0, 0.0], [20.0, 0.0], [40.0, 0.0]])
    sight, kinds = Sight(), np.array([0, 1, 2])
    one = Scene(np.array([5, 6, -1]), np.array([0, 1, -1]), np.array([[1.0, 0], [20, 2], [0, 0]]))
    other = Scene(np.array([7, 6, 8]), np.array([0, 1, 1]), np.array([[1.0, 0], [20, 2], [60, 0]]))

    first = sight.compare(one, kinds, truth, np.full(3, -1))
    sight.compare(other, kinds, truth, first)

    assert (sight.found, sight.missed, sight.spurious) == (4, 2, 1)
    assert (sight.followed, sight.switched) == (2, 1) and sight.purity == 1.0


def test_a_crop_is_the_field_around_the_agent():
    games = Games()
    state = games.reset(4, torch.Generator().manual_seed(0))
    boards = games.boards(state)

    whole, crop = planes(boards, state.agent, "field"), planes(boards, state.agent, "agent")

    for g, (row, column) in enumerate(state.agent.tolist()):
        assert whole[g, 3].nonzero().tolist() == [[row, column]] and crop[g, 3].nonzero().tolist() == [[5, 5]]
        for i, j in np.ndindex(11, 11):
            r, c = row + i - 5, column + j - 5
            inside = 0 <= r < 11 and 0 <= c < 11
            assert crop[g, 2, i, j] == (not inside)
            assert crop[g, :2, i, j].equal(whole[g, :2, r, c] if inside else torch.zeros(2))


def test_networks_side_by_side_are_those_one_by_one():
    nets = QNetworks(3, 11, torch.Generator().manual_seed(0))
    x = torch.rand(3, 5, 4, 11, 11, generator=torch.Generator().manual_seed(1))

    for k in range(3):
        one = QNetworks(1, 11, torch.Generator())
        one.load_state_dict({name: values[k : k + 1] for name, values in nets.state_dict().items()})
        assert torch.allclose(one(x[k : k + 1])[0], nets(x)[k], atol=1e-5)


def test_settings_go_through_json():
    assert Config.of(json.loads(json.dumps(asdict(Config.paper())))) == Config.paper()


@pytest.mark.parametrize(
    ("settings", "error", "said"),
    [({"arm": "dqm"}, UnknownName, "'dqn'"), ({"epochs": 0}, UsageError, "from 1")],
)
def test_what_cannot_be_trained_is_said(settings, error, said):
    with pytest.raises(error, match=said):
        Config.of(settings)


def test_a_table_has_a_row_for_every_arm():
    found = table.rows("negative-grid", epochs=1, seeds=1, test_games=1)

    assert len(found) == 6 and all(row.count("|") == 7 for row in found)
