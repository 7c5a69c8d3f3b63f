"""What the training function of every system owes to its users: one row a system."""

from __future__ import annotations

import importlib
from types import SimpleNamespace

import pytest

from shoestring.errors import UnknownName, UsageError
from shoestring.verdicts.check import systems

ROWS = [  # a system, a setting misspelt, as it is spelt, and a value of the wrong type
    ("graph_transition", "n_update", "n_updates", "many"),
    ("hyperband", "momentun", "momentum", "high"),
    ("nas_rl", "methd", "method", 3),
    ("perceptual_pbe", "grid", "grids", 2.5),
    ("program_lattice", "lerner", "learner", None),
    ("randomization_test", "widht", "width", "wide"),
    ("recursive_npi", "model", "models", 1.5),
    ("rnn_capacity", "cell", "cells", None),
    ("symbolic_rl", "epoch", "epochs", "200"),
]


def train(system, config):
    trial = SimpleNamespace(config=config, seed=0, device="cpu", horizon=1)
    importlib.import_module(f"shoestring.systems.{system}.training").train(trial)


def test_every_system_has_a_row():
    assert [row[0] for row in ROWS] == sorted(systems())


@pytest.mark.parametrize(("system", "misspelt", "name"), [row[:3] for row in ROWS])
def test_a_misspelt_setting_is_refused_with_the_nearest(system, misspelt, name):
    with pytest.raises(UnknownName, match=f"unknown setting '{misspelt}'.*Did you mean '{name}'"):
        train(system, {misspelt: 1})


@pytest.mark.parametrize(("system", "name", "value"), [(row[0], *row[2:]) for row in ROWS])
def test_a_setting_of_the_wrong_type_is_refused_in_a_sentence(system, name, value):
    with pytest.raises(UsageError, match=f"^{name} must be .*, got .*\\.$"):
        train(system, {name: value})
