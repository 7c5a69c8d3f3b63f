"""The training function: it can be paused, and reports what its docstring says."""

from __future__ import annotations

import copy
import json
from dataclasses import asdict

import pytest

from shoestring.errors import UnknownName, UsageError
from shoestring.systems.rnn_capacity.training import TASKS, config_of

SMALL = {
    "capacity": {"cells": "rnn,gru", "sizes": "130,200", "n_steps": 6},
    "memory": {"cells": "rnn,lstm", "widths": "2,4", "n_in": 4, "n_steps": 6, "batch": 8},
    "parentheses": {"cell": "+rnn", "depth": 2, "n_params": 500, "n_sets": 3, "time": 4, "n_steps": 6, "batch": 4},
}
REPORTED = {
    "capacity": {"bits_rnn_130", "bits_gru_200", "slope_rnn", "slope_gru", "slope", "ratio", "bits_per_param"},
    "memory": {"mse_rnn_2", "mse_lstm_4", "threshold", "spread", "violation"},
    "parentheses": {"infeasible", "loss"},
}


def begun(task, seed=1):
    return config_of({"task": task, **SMALL[task]}).begin(seed, "cpu")


@pytest.mark.parametrize("task", TASKS)
def test_it_reports_what_it_says(task):
    work = begun(task)
    work.train(2)

    assert work.metrics().keys() >= REPORTED[task]


@pytest.mark.parametrize("task", TASKS)
def test_going_on_from_a_state_is_going_on_bit_for_bit(task):
    straight, paused, resumed = begun(task), begun(task), begun(task)
    straight.train(6)

    paused.train(2)
    resumed.load_state_dict(copy.deepcopy(paused.state_dict()))
    resumed.train(6)

    assert resumed.metrics() == straight.metrics()
    assert str(resumed.state_dict()) == str(straight.state_dict())


@pytest.mark.parametrize("task", TASKS)
def test_another_seed_is_another_run(task):
    works = [begun(task, seed) for seed in (1, 2)]
    for work in works:
        work.train(3)

    assert str(works[0].state_dict()) != str(works[1].state_dict())


def test_every_cell_gets_the_same_hyperparameters_and_data():
    works = [config_of({"task": "parentheses", "cell": cell, "n_sets": 4}).begin(3, "cpu") for cell in ("rnn", "gru")]

    assert works[0].adams["all"]._lr.equal(works[1].adams["all"]._lr)
    assert works[0].rng.bit_generator.state == works[1].rng.bit_generator.state


@pytest.mark.parametrize("task", TASKS)
def test_settings_go_through_json(task):
    config = TASKS[task]()

    assert config_of(json.loads(json.dumps({"task": task, **asdict(config)}))) == config
    assert type(TASKS[task].paper()) is TASKS[task]


@pytest.mark.parametrize(("settings", "match"), [({"task": "capacty"}, "capacity")])
def test_a_misspelt_setting_is_named_with_the_nearest(settings, match):
    with pytest.raises(UnknownName, match=match):
        config_of(settings)


def test_widths_that_show_no_threshold_are_refused():
    with pytest.raises(UsageError, match="give 8"):
        config_of({"task": "memory", "widths": "4,16"}).begin(0, "cpu")
