"""The training function: it can be paused, reports what its docstring says, and the claims ask it what it can do."""

from __future__ import annotations

import copy
import json
from dataclasses import asdict
from types import SimpleNamespace

import pytest
import torch

from shoestring import datasets
from shoestring.errors import UnknownName, UsageError
from shoestring.questions.compare.finding import Comparison
from shoestring.systems.graph_transition.claims import often
from shoestring.systems.graph_transition.networks import cool, learnt
from shoestring.systems.graph_transition.training import Config, merged, preset, train

MACHINE = {"lengths": "1,2,3", "n_cells": 2, "n_test": 3, "sizes": "6", "batch": 2, "n_updates": 4, "models": 2, "width": 8}
SETTINGS = {
    "graphs": {**MACHINE, "task": "turing-2", "intermediate": True, "sparse": True, "n_steps": 2},
    "any rule": {**MACHINE, "task": "rule-any", "supervision": "shuffled"},
    "tape": {**MACHINE, "task": "rule-110", "model": "gru"},
}
BABI = {"task": "babi-15,babi-19", "n_test": 20, "sizes": "50,100", "batch": 3, "n_updates": 4, "width": 8, "n_steps": 2}
needs_babi = pytest.mark.skipif(datasets.find("babi-en-1k") is None, reason="bAbI is not on this machine")


@pytest.mark.parametrize("name", SETTINGS)
def test_going_on_from_a_state_is_going_on_bit_for_bit(name):
    config = Config.of(SETTINGS[name])
    straight, paused, resumed = (config.works(1, "cpu")[config.task] for _ in range(3))
    straight.train(4)

    paused.train(1)
    resumed.load_state_dict(copy.deepcopy(paused.state_dict()))
    resumed.train(4)

    assert resumed.metrics() == straight.metrics()
    for mine, theirs in zip(resumed.net.parameters(), straight.net.parameters(), strict=True):
        assert torch.equal(mine, theirs)


def trial(settings, seed=1):
    """Returns a trial of two units that is never paused, and what it reported."""
    reported = {}
    return SimpleNamespace(
        config=settings, seed=seed, device="cpu", horizon=2, steps=lambda **_: range(2), report=reported.update
    ), reported


def test_a_machine_reports_what_it_says():
    given, reported = trial(SETTINGS["graphs"])

    train(given)

    assert reported.keys() >= {"exact_1", "exact_2", "exact_3", "graphs_3", "learnt"}


@needs_babi
@pytest.mark.parametrize("contrast", ["direct", "supervision", "draw"])
def test_babi_reports_what_it_says(contrast):
    given, reported = trial({**BABI, "contrast": contrast})

    train(given)

    assert reported.keys() >= {"accuracy_50", "accuracy_100_babi-15", "solved_100", "gain_50", "least_gain"}
    assert reported["least_gain"] == min(reported["gain_50"], reported["gain_100"])


def test_a_network_has_learnt_that_reaches_every_length():
    found = {
        "exact_4_of_0": 1.0,
        "exact_8_of_0": 0.8,
        "exact_12_of_0": 0.5,
        "exact_4_of_1": 1.0,
        "exact_8_of_1": 0.79,
        "exact_12_of_1": 0.9,
    }

    assert learnt(Config(), found, 2) == {"learnt": 0.5}


def test_several_tasks_give_their_mean_and_how_many_are_solved():
    found = merged({"babi-1": {"accuracy_50": 0.96}, "babi-2": {"accuracy_50": 0.5}})

    assert found == {"accuracy_50": 0.73, "solved_50": 1.0, "accuracy_50_babi-1": 0.96, "accuracy_50_babi-2": 0.5}


def test_settings_go_through_json_and_reach_the_papers_scale():
    config = Config.paper("turing-4")

    assert Config.of(json.loads(json.dumps(asdict(config)))) == config
    assert (config.sizes, config.batch, config.n_updates) == ("20000", 100, 100_000)


@pytest.mark.parametrize(
    ("settings", "match"),
    [({"model": "gur"}, "gru"), ({"supervision": "graph"}, "graphs"), ({"contrast": "direkt"}, "direct")],
)
def test_a_misspelt_setting_is_named_with_the_nearest(settings, match):
    with pytest.raises(UnknownName, match=match):
        Config.of(settings)


def test_what_cannot_be_asked_is_refused():
    with pytest.raises(UnknownName, match="rule-30"):
        Config(task="rul-30").works(0, "cpu")
    with pytest.raises(UnknownName, match="rule-30"):
        preset("rul-30")
    with pytest.raises(UsageError, match="machines"):
        Config(task="babi-1", model="gru").works(0, "cpu")
    with pytest.raises(UsageError, match="bAbI"):
        Config(task="rule-30", supervision="none")


def answer(**arms):
    finding = Comparison(
        "m", "max", "prove", tuple(SimpleNamespace(name=n, values=v) for n, v in arms.items()), (), (), 3, 0.05, "test", None, None, ""
    )
    return SimpleNamespace(finding=finding)


@pytest.mark.parametrize(
    ("graphs", "tape", "word"),
    [
        ((1.0, 1.0, 0.5), (0.0, 0.0, 0.0), "holds"),
        ((1.0, 0.5, 0.5), (0.0, 0.0, 0.0), "fails"),
        ((1.0, 1.0, 1.0), (1.0, 1.0, 0.5), "fails"),
        ((1.0, 1.0), (0.0, 0.0), "undecided"),
        ((), (), "undecided"),
    ],
)
def test_often(graphs, tape, word):
    assert often("graphs", "tape", 2, 3)(answer(graphs=graphs, tape=tape)).word == word


@pytest.mark.parametrize(("update", "rate"), [(0, 0.01), (33, 0.01), (100, 0.0002), (300, 0.0002)])
def test_the_learning_rate_falls_and_never_below_a_fiftieth(update, rate):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)

    cool(optimizer, Config(n_updates=100, lr=0.01), update)

    assert optimizer.param_groups[0]["lr"] == pytest.approx(rate)
