"""Searches with shared weights: what is proposed, what is learnt, and that it can be interrupted."""

from __future__ import annotations

from copy import deepcopy

import numpy as np
import pytest

from shoestring import check
from shoestring.systems.nas_rl.enas import PROPOSED, Enas
from shoestring.systems.nas_rl.task import PRESETS, Images

TINY = PRESETS["tiny"]


@pytest.fixture
def pictures():
    rng = np.random.default_rng(0)

    def some():
        return rng.standard_normal((40, 1, TINY.side, TINY.side), np.float32), rng.integers(10, size=40)

    return Images(some(), some(), some())


def test_a_search_goes_on_from_its_state_as_if_it_had_not_stopped(pictures):
    straight = Enas(TINY, "policy-gradient", 3, 8)
    straight.learn(pictures, 4)
    other = Enas(TINY, "policy-gradient", 3, 8)
    other.load_state_dict(deepcopy(straight.state_dict()))

    straight.learn(pictures, 4)
    other.learn(pictures, 4)

    assert straight.proposed == other.proposed and straight.rewards == other.rewards
    assert straight.pick(pictures) == other.pick(pictures)


def test_the_policy_learns_what_the_shared_weights_reward(pictures, monkeypatch):
    search = Enas(TINY, "policy-gradient", 0, 1000)
    liked = [{"height/1": 3}]
    monkeypatch.setattr(
        search, "_judge", lambda configs, _pictures: np.array([float(c["height/1"] == liked[0]["height/1"]) for c in configs])
    )

    for _ in range(30):
        search.learn(pictures, 1)

    assert np.mean(search.rewards[:PROPOSED]) < 0.8 < 0.95 < np.mean(search.rewards[-PROPOSED:])


def test_an_unknown_policy_is_named():
    verdict = check("shoestring.systems.nas_rl.enas:train", {"policy": "policy-gradeint"}, units=2)

    assert not verdict.agrees and "policy-gradient" in str(verdict)
