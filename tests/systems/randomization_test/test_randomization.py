from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch
from scipy import stats
from torch import nn

from shoestring.errors import UnknownName, UsageError
from shoestring.systems.randomization_test import Data, Regulariser, randomization_test
from shoestring.systems.randomization_test.report import binomial_interval, mean_interval


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((90, 12)).astype(np.float32)
    y = (x @ rng.standard_normal((12, 3))).argmax(axis=1)
    return Data(x[:40], y[:40], x[40:], y[40:])


def perceptron(width):
    return lambda: nn.Sequential(nn.Linear(12, width), nn.ReLU(), nn.Dropout(0.5), nn.Linear(width, 3))


@pytest.fixture(scope="module")
def report(data):
    return randomization_test(
        perceptron(64),
        data,
        variants=("random-labels", "gaussian", "signs", "corrupt-50%"),
        seeds=2,
        epochs=80,
        optimizer=lambda parameters: torch.optim.Adam(parameters, lr=0.01),
        batch_size=40,
        pairs=2,
    )


def test_a_wide_network_memorises_everything_and_the_report_says_so(report):
    for variant in ("true", "random-labels", "gaussian", "signs", "corrupt-50%"):
        assert report.row(variant).n_fitted == 2 and report.row(variant).train == (1.0, 1.0)
    assert "random-labels are memorised: 2 of 2 networks (chance 0.16 to 1.00)" in report.verdict()
    assert report.rademacher == (1.0, 1.0)
    assert report.row("true").gap < report.row("corrupt-50%").gap < report.row("random-labels").gap + 0.2


def test_regularisers_that_fit_the_model_and_the_inputs_are_tried(report):
    tried = {row.regulariser for row in report.rows}

    assert tried == {"none", "weight decay", "dropout"}  # rows of numbers cannot be cropped
    assert "weight decay changes the test accuracy" in report.verdict() and "dropout changes" in report.verdict()


def test_the_slowdown_is_against_true_labels(report):
    row, true = report.row("random-labels"), report.row("true")

    assert report.slowdown(row) == pytest.approx(np.mean(row.fitted_at) / np.mean(true.fitted_at))
    assert report.slowdown(true) == 1


def test_random_labels_are_less_stable_than_true_ones(report):
    assert np.mean(report.stability["random-labels"].predictions) > np.mean(report.stability["true"].predictions)


def test_the_report_is_plain_data_and_a_table(report):
    plain = json.loads(json.dumps(report.to_json()))

    assert [row["variant"] for row in plain["rows"]][:2] == ["true", "random-labels"]
    assert plain["n_weights"] == 12 * 64 + 64 + 64 * 3 + 3
    assert len(report.table().splitlines()) == 1 + len(report.rows)


def test_a_network_with_too_few_parameters_cannot_memorise(data):
    def model_fn():
        return nn.Sequential(nn.Linear(12, 1), nn.ReLU(), nn.Linear(1, 3))  # 19 weights for 40 labels

    report = randomization_test(model_fn, data, variants=("random-labels",), regularisers={}, seeds=3, epochs=30, pairs=0)

    assert report.n_weights == 19
    assert report.row("random-labels").n_fitted == 0 and max(report.row("random-labels").train) < 0.8
    assert "random-labels cannot all be memorised in 30 epochs: 0 of 3" in report.verdict()


def test_the_same_test_gives_the_same_numbers(data):
    twice = [
        randomization_test(perceptron(8), data, variants=("random-labels",), regularisers={}, seeds=2, epochs=3, pairs=0).rows
        for _ in range(2)
    ]

    assert [(row.train, row.test, row.norms) for row in twice[0]] == [(row.train, row.test, row.norms) for row in twice[1]]


def test_what_the_budget_has_no_time_for_is_named(data):
    report = randomization_test(perceptron(8), data, variants=("random-labels",), epochs=100_000, budget="0.3s", pairs=1)

    assert "random-labels" in report.skipped and "the budget had no time for" in report.verdict()
    assert report.seconds < 3


def test_a_regulariser_of_ones_own_is_applied(data):
    report = randomization_test(
        perceptron(8), data, variants=(), regularisers={"strong": Regulariser(weight_decay=8.0)}, seeds=2, epochs=20, pairs=0
    )

    assert max(report.row("true", "strong").norms.l2) < 0.5 < min(report.row("true").norms.l2)


def test_senseless_settings_are_refused(data):
    with pytest.raises(UnknownName, match="unknown variant 'noise'"):
        randomization_test(perceptron(8), data, variants=("noise",))
    with pytest.raises(UsageError, match="seeds=0"):
        randomization_test(perceptron(8), data, seeds=0)
    with pytest.raises(UsageError, match="fitted=2"):
        randomization_test(perceptron(8), data, fitted=2.0)
    with pytest.raises(UsageError, match="is not one of time"):
        randomization_test(perceptron(8), data, budget="3 epochs")
    with pytest.raises(UsageError, match="cannot regularise"):
        Regulariser(weight_decay=-1)


@pytest.mark.parametrize(("successes", "n"), [(0, 5), (3, 5), (5, 5), (17, 40)])
def test_the_interval_of_a_chance_is_the_exact_one(successes, n):
    expected = stats.binomtest(successes, n).proportion_ci(method="exact")

    assert binomial_interval(successes, n) == pytest.approx((expected.low, expected.high))


def test_the_interval_of_a_mean_is_students():
    values = (0.1, 0.4, 0.2)

    assert mean_interval(values) == pytest.approx(stats.t.interval(0.95, 2, np.mean(values), stats.sem(values)))
    assert mean_interval((0.3,)) == (-math.inf, math.inf)
