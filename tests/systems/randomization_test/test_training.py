from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest

import shoestring
from shoestring.errors import UnknownName
from shoestring.systems.randomization_test import evidence
from shoestring.systems.randomization_test.claims import CLAIMS
from shoestring.systems.randomization_test.training import PAPER_STEPS, Config, train, train_pairs

SMALL = {"n_train": 60, "n_test": 40, "width": 16, "lr": 0.1, "batch_size": 20}


class Recorder:
    """A trial in this process that keeps what is reported."""

    def __init__(self, config, horizon, seed=0):
        self.config, self.horizon, self.seed, self.device, self.found = config, horizon, seed, "cpu", []

    def steps(self, **stateful):
        yield from range(self.horizon)

    def report(self, **metrics):
        self.found.append({name: float(value) for name, value in metrics.items()})


def last(function, config, horizon, seed=0):
    trial = Recorder(config, horizon, seed)
    function(trial)
    return trial.found


def test_a_fitted_network_says_how_long_it_took_and_learns_no_more():
    found = last(train, {**SMALL, "variants": "true,gaussian"}, 60)

    first = next(i for i, metrics in enumerate(found) if metrics["n_fitted"] == 2)
    assert first < 59 and found[-1] == found[first] and found[-1]["train_accuracy"] == 1
    assert 0 < found[-1]["slowdown"] < math.inf
    assert found[-1]["gap"] == pytest.approx(1 - found[-1]["test_accuracy"])


def test_what_is_not_fitted_at_the_horizon_counts_as_infinite():
    found = last(train, {**SMALL, "width": 1, "variants": "true,random-labels"}, 5)

    assert [metrics["slowdown"] for metrics in found] == [1, 1, 1, 1, math.inf]


def test_the_rate_falls_by_the_papers_factor_in_as_many_batches_as_an_epoch_of_the_paper():
    config = Config(n_train=128 * PAPER_STEPS)
    optimizer = type("Optimizer", (), {"param_groups": [{"lr": 0.1}]})()

    config.decay(optimizer)

    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.095)


def test_pairs_report_how_far_they_are_apart():
    found = last(train_pairs, {**SMALL, "pairs": 2, "variants": "random-labels"}, 10)

    assert 0 < found[0]["prediction_distance"] < found[-1]["prediction_distance"] <= 1
    assert set(found[0]) == {"prediction_distance", "parameter_distance", "memorised", "train_accuracy"}


def test_a_config_comes_back_from_json_and_names_what_it_does_not_know():
    config = replace(Config.paper(), variants="true,signs")

    assert Config.of(json.loads(json.dumps(config.to_json()))) == config
    with pytest.raises(UnknownName, match="unknown dtype"):
        Config.of({"dtype": "float8"})


def test_the_theorem_holds_on_digits_in_float64_and_not_in_float32():
    errors = [last(evidence.build, {"data": "digits", "n": 500, "digits_kept": kept}, 1)[0] for kept in ("float64", "float32")]

    assert errors[0]["error"] < 1e-6 < 1e-3 < errors[1]["error"]
    assert errors[0]["n_weights"] == 2 * 500 + 64 and errors[1]["exact_error"] < 1e-13


def test_sgd_ends_at_the_least_norm_only_from_zero():
    ends = [last(evidence.descend, {"data": "digits", "n": 10, "epochs": 300, "start": start}, 2)[-1] for start in ("zero", "normal")]

    assert ends[0]["distance"] < 1e-3 < ends[1]["distance"] and ends[1]["residual"] < 1e-3


def test_permuted_pixels_change_no_kernel():
    found = last(evidence.interpolate, {"data": "digits", "n": 300, "n_test": 200, "labels": "true", "features": "permuted"}, 1)[0]

    assert found["test_error"] == found["feature_error"] < 0.1 and found["misorder"] == pytest.approx(0, abs=1e-9)


def test_every_claim_names_what_decides_it_and_fits_a_quarter_of_an_hour_a_piece():
    assert len({claim.name for claim in CLAIMS}) == len(CLAIMS) == 11
    for claim in CLAIMS:
        assert claim.question.keywords["metric"] == claim.control.keywords["metric"]
        assert claim.question.args != claim.control.args
        assert max(shoestring.Budget(claim.budget).limits.values()) <= 900
