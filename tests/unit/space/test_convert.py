from __future__ import annotations

import sys

import pytest

from shoestring.errors import InvalidSpace, UsageError
from shoestring.space import Choice, Float, Int, Space
from shoestring.space.convert import from_configspace, from_optuna, to_configspace, to_optuna

PLAIN = Space(
    {
        "lr": Float(1e-4, 1, log=True),
        "x": Float(-1, 1),
        "n": Int(0, 9),
        "width": Int(8, 256, log=True),
        "act": Choice(["relu", 1, 2.5, None]),
    }
)
CONDITIONAL = Space(
    {
        "momentum": Float(0, 0.99, default=0.9, when={"opt": "sgd", "n": [1, 3]}),
        "opt": Choice(["sgd", "adam", "none"], default="adam"),
        "beta": Float(0, 1, when={"opt": ["adam", "none"]}),
        "n": Int(0, 9, default=2),
    }
)


def test_optuna_round_trip():
    assert from_optuna(to_optuna(PLAIN)) == PLAIN


def test_optuna_drops_conditions_and_defaults():
    space = from_optuna(to_optuna(CONDITIONAL))

    assert space.names == CONDITIONAL.names
    assert all(param.when is None and param.default is None for param in space.params.values())


def test_optuna_steps_are_refused():
    optuna = pytest.importorskip("optuna")

    with pytest.raises(InvalidSpace, match="without a step"):
        from_optuna({"lr": optuna.distributions.FloatDistribution(0, 1, step=0.1)})


@pytest.mark.parametrize("space", [PLAIN, CONDITIONAL])
def test_configspace_round_trip_but_for_the_order(space):
    pytest.importorskip("ConfigSpace")

    assert from_configspace(to_configspace(space)).params == space.params


def test_configspace_draws_only_configurations_of_the_space():
    pytest.importorskip("ConfigSpace")
    configspace = to_configspace(CONDITIONAL)
    configspace.seed(1)

    for config in configspace.sample_configuration(50):
        CONDITIONAL.validate(dict(config))


def test_configspace_kinds_and_conditions_that_we_write_otherwise():
    cs = pytest.importorskip("ConfigSpace")
    configspace = cs.ConfigurationSpace()
    size, n, fixed = cs.OrdinalHyperparameter("size", ["s", "m", "l"]), cs.Integer("n", (1, 5)), cs.Constant("fixed", 3)
    x = cs.Float("x", (0.0, 1.0))
    configspace.add([size, n, fixed, x])
    configspace.add(cs.AndConjunction(cs.GreaterThanCondition(x, n, 3), cs.NotEqualsCondition(x, size, "m")))

    space = from_configspace(configspace)

    assert space.params["size"] == Choice(["s", "m", "l"])
    assert space.params["fixed"] == Choice([3])
    assert space.params["x"] == Float(0, 1, when={"n": [4, 5], "size": ["s", "l"]})


def test_configspace_features_without_counterpart_are_refused():
    cs = pytest.importorskip("ConfigSpace")
    normal = cs.ConfigurationSpace({"x": cs.Float("x", (0.0, 1.0), distribution=cs.Normal(0.5, 0.1))})
    weighted = cs.ConfigurationSpace({"x": cs.Categorical("x", ["a", "b"], weights=[1, 2])})
    forbidden = cs.ConfigurationSpace({"x": ["a", "b"]})
    forbidden.add(cs.ForbiddenEqualsClause(forbidden["x"], "b"))
    either = cs.ConfigurationSpace({"x": (0.0, 1.0), "a": ["p", "q"], "b": ["p", "q"]})
    either.add(cs.OrConjunction(*(cs.EqualsCondition(either["x"], either[name], "p") for name in "ab")))
    on_float = cs.ConfigurationSpace({"x": (0.0, 1.0), "y": (0.0, 1.0)})
    on_float.add(cs.GreaterThanCondition(on_float["x"], on_float["y"], 0.5))

    for configspace in (normal, weighted, forbidden, either, on_float):
        with pytest.raises(InvalidSpace):
            from_configspace(configspace)


@pytest.mark.parametrize(("convert", "package"), [(to_optuna, "optuna"), (to_configspace, "ConfigSpace")])
def test_a_missing_package_is_named_with_what_to_install(convert, package, monkeypatch):
    for module in (package, f"{package}.distributions"):
        monkeypatch.setitem(sys.modules, module, None)

    with pytest.raises(UsageError, match="pip install"):
        convert(PLAIN)
