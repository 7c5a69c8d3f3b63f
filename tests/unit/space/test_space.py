from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shoestring.errors import InvalidSpace, UnknownName
from shoestring.space import Choice, Float, Int, Space

TRAINING = Space(
    {
        "momentum": Float(0, 0.99, when={"opt": "sgd"}),
        "opt": Choice(["sgd", "adam", "none"]),
        "lr": Float(1e-4, 1, log=True, default=0.01),
        "width": Int(8, 256, log=True),
        "nesterov": Choice([True, False], when={"momentum_kind": ["heavy", "light"], "opt": ["sgd"]}),
        "momentum_kind": Choice(["heavy", "light", "no"], when={"opt": ["sgd", "adam"]}),
    }
)
SGD = {"momentum": 0.9, "opt": "sgd", "lr": 0.1, "width": 16, "nesterov": True, "momentum_kind": "light"}


@pytest.mark.parametrize(
    ("params", "sentence"),
    [
        ({}, "the space is empty"),
        ({"": Float(0, 1)}, "'' is not a parameter's name"),
        ({3: Float(0, 1)}, "3 is not a parameter's name"),
        ({"a b": Float(0, 1)}, "'a b' is not a parameter's name"),
        ({"lr": (0, 1)}, "lr is (0, 1); allowed are Float, Int and Choice"),
        ({"a": Float(0, 1, when={"b": 1}), "b": Float(0, 1)}, "b is a Float"),
        ({"a": Float(0, 1, when={"b": 9}), "b": Int(0, 1)}, "b=9 is outside of 0 to 1"),
        ({"a": Int(0, 1, when={"a": 1})}, "the conditions of a go round in a circle"),
        ({"a": Int(0, 1, when={"b": 1}), "b": Int(0, 1, when={"a": 1}), "c": Int(0, 1)}, "the conditions of a, b go round"),
    ],
)
def test_senseless_spaces_are_refused_in_a_sentence(params, sentence):
    with pytest.raises(InvalidSpace) as error:
        Space(params)

    assert sentence in str(error.value)


def test_a_condition_on_an_unknown_parameter_names_the_nearest():
    with pytest.raises(UnknownName) as error:
        Space({"momentum": Float(0, 1, when={"optt": "sgd"}), "opt": Choice(["sgd"])})

    assert error.value.nearest == "opt"


def test_a_condition_on_what_is_no_name_is_refused():
    with pytest.raises(UnknownName, match="unknown parameter '1'"):
        Space({"momentum": Float(0, 1, when={1: "sgd"})})


def test_of_takes_a_space_or_a_mapping_and_nothing_else():
    assert Space.of(TRAINING) is TRAINING
    assert Space.of({"lr": Float(0, 1)}) == Space({"lr": Float(0, 1)})
    with pytest.raises(InvalidSpace, match="is not a space"):
        Space.of(["lr"])


def test_inactive_parameters_are_absent_also_down_a_chain():
    config = TRAINING.active({**SGD, "opt": "none"})

    assert config == {"opt": "none", "lr": 0.1, "width": 16}


def test_default_takes_defaults_middles_and_first_options():
    assert TRAINING.has_default
    assert TRAINING.default() == {**SGD, "momentum": 0.495, "lr": 0.01, "width": 45, "momentum_kind": "heavy"}
    assert not Space({"lr": Float(0, 1)}).has_default


def test_samples_are_valid_in_the_order_of_the_space_and_follow_the_seed():
    drawn = [TRAINING.sample(np.random.default_rng(seed)) for seed in range(50)]

    assert all(list(TRAINING.validate(config).items()) == list(config.items()) for config in drawn)
    assert drawn == [TRAINING.sample(np.random.default_rng(seed)) for seed in range(50)]
    assert {"momentum" in config for config in drawn} == {True, False}


@given(st.lists(st.floats(0, 1), min_size=6, max_size=6))
def test_decode_encode_decode_is_decode(u):
    config = TRAINING.decode(np.array(u))

    again = TRAINING.decode(TRAINING.encode(config))

    assert again == pytest.approx(config)
    assert TRAINING.encode(config).shape == (6,)


def test_absent_parameters_are_encoded_in_the_middle():
    assert TRAINING.encode({"opt": "none", "lr": 0.01, "width": 8})[[0, 4, 5]].tolist() == [0.5, 0.5, 0.5]


def test_validate_returns_plain_values_in_order():
    config = TRAINING.validate({"lr": np.float64(0.5), "width": np.int64(8), "opt": np.str_("none")})

    assert list(config) == ["opt", "lr", "width"]
    assert [type(value) for value in config.values()] == [str, float, int]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"lr": 3}, "lr=3.0 is outside of 0.0001 to 1.0"),
        ({"lr": None}, "lr=None is not a number"),
        ({"lr": 10**400}, "is out of bounds"),
        ({"width": 8.0}, "width=8.0 is not a whole number"),
        ({"opt": "sdg"}, "opt='sdg' is not among 'sgd', 'adam', 'none'"),
        ({"opt": ["sgd"]}, "opt=['sgd'] is not a plain value"),
        ({"opt": "adam"}, "momentum=0.9 is given, but it exists only when opt is 'sgd'"),
    ],
)
def test_invalid_configurations_are_refused_in_a_sentence(change, sentence):
    with pytest.raises(InvalidSpace) as error:
        TRAINING.validate({**SGD, **change})

    assert sentence in str(error.value)


def test_missing_and_misspelt_parameters_are_named():
    with pytest.raises(InvalidSpace, match="width is missing"):
        TRAINING.validate({name: value for name, value in SGD.items() if name != "width"})
    with pytest.raises(UnknownName, match="Did you mean 'width'"):
        TRAINING.validate({**SGD, "widht": 8})


def test_json_round_trip_keeps_the_order_even_with_sorted_keys():
    text = json.dumps(TRAINING.to_json(), sort_keys=True)

    assert Space.from_json(json.loads(text)) == TRAINING


@pytest.mark.parametrize(
    "data", [None, 3, "x", [3], [{}], [{"name": "a", "kind": "int", "low": 1}], [{"name": "a", "kind": [1]}], [{"name": [], "kind": "int"}]]
)
def test_data_that_is_no_space_is_refused(data):
    with pytest.raises(InvalidSpace):
        Space.from_json(data)


def test_an_unknown_kind_is_named():
    with pytest.raises(UnknownName, match="Did you mean 'float'"):
        Space.from_json([{"name": "a", "kind": "flaot", "low": 0, "high": 1}])


def test_order_is_part_of_equality():
    a, b = Float(0, 1), Int(0, 1)

    assert Space({"a": a, "b": b}) == Space({"a": a, "b": b})
    assert Space({"a": a, "b": b}) != Space({"b": b, "a": a})


def test_import_is_light():
    code = "import sys, shoestring.space.text, shoestring.space.convert, shoestring.samplers; print(sorted(sys.modules))"
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}

    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env).stdout

    assert not any(f"'{heavy}'" in loaded for heavy in ("scipy", "optuna", "torch", "ConfigSpace"))
