"""The training function: it can be paused, and reports what its docstring says."""

from __future__ import annotations

import copy
import json
from dataclasses import asdict

import pytest
import torch

from shoestring.errors import UnknownName
from shoestring.systems.perceptual_pbe.training import EXPERIMENTS, config_of

SMALL = {
    "weak": {"experiment": "code", "grids": 60, "tests": 20, "restarts": 3, "n_steps": 4, "batch": 8, "hidden": "8"},
    "strong": {
        "experiment": "code",
        "supervision": "strong",
        "grids": 60,
        "tests": 20,
        "restarts": 2,
        "n_steps": 4,
        "batch": 8,
        "hidden": "8",
    },
    "apply": {"experiment": "code", "scenario": "apply", "grids": 60, "tests": 20, "restarts": 2, "n_steps": 4, "batch": 8, "hidden": "8"},
    "lifelong": {"experiment": "lifelong", "baseline": True, "tasks": "top,right", "grids": 40, "tests": 20, "restarts": 2, "n_steps": 2}
    | {"batch": 8, "hidden": "8"},
    "enumerate": {"experiment": "math", "expressions": 3, "lengths": "2", "tests": 20, "longest": 4, "images": 300, "n_network_steps": 3},
    "gradient": {"experiment": "math", "method": "gradient", "expressions": 20, "tests": 20, "longest": 4, "images": 200, "restarts": 2}
    | {"n_steps": 2, "n_network_steps": 2, "lengths": "2"},
    "lstm": {"experiment": "math", "method": "lstm", "expressions": 20, "tests": 20, "longest": 4, "images": 200, "n_steps": 2}
    | {"n_network_steps": 2},
}
REPORTED = {
    "code": {"rate", "rate_low", "rate_high", "selected", "is_right", "accuracy", "network", "loss", "mnist"},
    "lifelong": {"accuracy", "first", "gain", "right", "network", "multitask", "lead", "mnist"},
    "math": {"found", "accuracy_2", "accuracy_4", "shortfall", "network_0", "network_1", "mnist"},
}
FAST = [name for name in SMALL if name != "enumerate"]


def begun(name, seed=1):
    return config_of({"generated": True, **SMALL[name]}).begin(seed, "cpu")


@pytest.mark.parametrize("name", FAST)
def test_it_reports_what_it_says_and_goes_on_bit_for_bit(name):
    straight, paused, resumed = begun(name), begun(name), begun(name)
    straight.train(straight.n_steps)

    for done in (1, 2, 3):
        paused.train(done)
    resumed.load_state_dict(copy.deepcopy(paused.state_dict()))
    resumed.train(resumed.n_steps)

    assert straight.metrics().keys() >= REPORTED[SMALL[name]["experiment"]]
    assert resumed.metrics() == straight.metrics()
    assert str(resumed.state_dict()) == str(straight.state_dict())


def test_search_needs_no_steps_of_its_own():
    work = begun("enumerate")
    work.train(work.n_steps)

    assert work.n_steps == SMALL["enumerate"]["n_network_steps"] + 1
    assert work.metrics().keys() >= REPORTED["math"]


@pytest.mark.parametrize("name", ["weak", "lifelong", "lstm"])
def test_another_seed_is_another_run(name):
    works = [begun(name, seed) for seed in (1, 2)]
    for work in works:
        work.train(2)

    assert str(works[0].state_dict()) != str(works[1].state_dict())


def test_restarts_train_apart():
    together, alone = begun("weak"), begun("weak")
    with torch.no_grad():
        for tensor in alone.fit.module.parameters():
            tensor[1:] = 0.0  # the other restarts become something else
    together.train(4)
    alone.train(4)

    for one, other in zip(together.fit.module.parameters(), alone.fit.module.parameters(), strict=True):
        torch.testing.assert_close(one[0], other[0])


def test_a_task_hands_its_network_on():
    work = begun("lifelong")
    work.train(2)

    weights = work.fresh.state_dict()["net_0.weights.0"]
    assert torch.equal(weights[0], weights[1])
    assert len(work.programs) == 1


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_settings_go_through_json(name):
    config = EXPERIMENTS[name]()

    assert config_of(json.loads(json.dumps({"experiment": name, **asdict(config)}))) == config
    assert type(EXPERIMENTS[name].paper()) is EXPERIMENTS[name]


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"experiment": "cod"}, "code"),
        ({"task": "tp"}, "top"),
        ({"experiment": "math", "method": "gradent"}, "gradient"),
    ],
)
def test_a_misspelt_setting_is_named_with_the_nearest(settings, match):
    with pytest.raises(UnknownName, match=match):
        config_of(settings).begin(0, "cpu")
