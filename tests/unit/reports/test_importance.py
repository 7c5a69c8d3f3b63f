"""What parameters account for, against functions whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest

import shoestring as ss
from shoestring.reports.importance import Importance, importance
from shoestring.space import Space

SPACE = Space({f"p{i}": ss.Float(0, 1) for i in range(6)})


def found(space, loss, n, seed):
    rng = np.random.default_rng(seed)
    configs = [space.sample(rng) for _ in range(n)]
    return importance(space, configs, [loss(config, rng) for config in configs], rng)


@pytest.mark.parametrize("n", [20, 60, 400])
def test_the_parameter_that_matters_comes_first(n):
    result = found(SPACE, lambda config, rng: (config["p2"] - 0.4) ** 2 + 0.01 * rng.normal(), n, n)

    assert isinstance(result, Importance)
    assert result.names[0] == "p2" and result.share[0] > 0.5
    assert max(result.share[1:]) < 0.2
    assert result.low[0] <= result.high[0] and result.n == min(n, 200)


def test_shares_are_those_of_the_variance():
    result = found(SPACE, lambda config, rng: 2 * config["p0"] + config["p1"], 200, 0)

    assert isinstance(result, Importance)
    assert dict(zip(result.names, result.share, strict=True)) == {
        "p0": pytest.approx(0.8, abs=0.12),
        "p1": pytest.approx(0.2, abs=0.08),
        **dict.fromkeys(["p2", "p3", "p4", "p5"], pytest.approx(0, abs=0.03)),
    }


def test_where_nothing_matters_it_refuses():
    refused = [isinstance(found(SPACE, lambda config, rng: rng.normal(), 25, seed), str) for seed in range(40)]

    assert sum(refused) >= 34  # 95% or more are expected, 38; fewer than 34 would happen 3 times in 1,000


def test_too_few_or_equal_results_are_refused():
    assert "too few" in str(found(SPACE, lambda config, rng: config["p0"], 9, 0))
    assert "all trials showed the same" in str(found(SPACE, lambda config, rng: 1.0, 30, 0)).lower()


def test_choices_and_conditions_count_too():
    space = Space({"act": ss.Choice(["a", "b", "c"]), "slope": ss.Float(0, 1, when={"act": "a"}), "idle": ss.Float(0, 1)})

    result = found(space, lambda config, rng: {"a": 0.0, "b": 2.0, "c": 4.0}[config["act"]] + config.get("slope", 0.0), 90, 1)

    assert isinstance(result, Importance)
    assert result.names[0] == "act" and result.share[result.names.index("idle")] < 0.05
