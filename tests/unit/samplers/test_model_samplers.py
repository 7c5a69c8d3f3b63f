"""TPE, Gaussian process and CMA-ES: that they learn, and what they cost."""

from __future__ import annotations

import importlib.util
import logging
import time

import pytest

from shoestring.errors import UsageError
from shoestring.samplers import make_sampler
from shoestring.samplers.optuna import gp, tpe
from shoestring.space import Choice, Float, Space
from shoestring.values.orders import Observation

BOWL = Space({"x": Float(-1, 1), "y": Float(1e-3, 1e3, log=True), "z": Choice(["bad", "good"])})


def bowl(config):
    return (config["x"] - 0.5) ** 2 + (BOWL.encode(config)[1] - 0.2) ** 2 + (config["z"] == "bad")


def losses(name, n_trials, seed):
    sampler = make_sampler(name, BOWL, seed)
    shown = []
    for trial_id in range(n_trials):
        shown.append(bowl(sampler.ask(trial_id)))
        sampler.tell(Observation(trial_id, 1, shown[-1]))
    return shown


@pytest.mark.parametrize(("name", "n_trials"), [("tpe", 40), ("cma-es", 60)])
def test_later_proposals_beat_random_ones(name, n_trials):
    late = sorted(loss for seed in range(2) for loss in losses(name, n_trials, seed)[-10:])
    drawn = sorted(loss for seed in range(2) for loss in losses("random", n_trials, seed)[-10:])

    assert late[10] < drawn[10] / 4


def test_gp_goes_straight_to_the_bottom_of_a_bowl():
    pytest.importorskip("torch")

    *drawn, proposed = losses("gp", 12, seed=0)

    assert proposed < min(drawn[:10])


def test_gp_without_torch_says_what_to_install(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)

    with pytest.raises(UsageError, match="needs PyTorch"):
        gp(BOWL, seed=0)


def test_telling_takes_the_same_time_however_much_was_told():
    sampler = tpe(BOWL, seed=0)
    took = []
    for unit in range(4000):
        start = time.perf_counter()
        sampler.tell(Observation(unit % 40, unit, 0.5))
        took.append(time.perf_counter() - start)

    assert min(took[-1000:]) < 3 * min(took[:1000])


def test_optuna_is_asked_in_silence(caplog, capfd):
    with caplog.at_level(logging.DEBUG):
        losses("tpe", 12, seed=0)

    assert capfd.readouterr() == ("", "")
