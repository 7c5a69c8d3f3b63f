"""The probe against models whose capacity is known, and its budget."""

from __future__ import annotations

import time

import pytest
import torch

from shoestring.errors import UsageError
from shoestring.systems.rnn_capacity.probe import Point, Probe, capacity_probe
from shoestring.systems.rnn_capacity.storage import Attempt, Storage
from shoestring.systems.rnn_capacity.task import random_bits


def perceptron():
    return torch.nn.Linear(60, 1)


def test_a_perceptron_holds_nearly_its_two_bits_a_parameter_and_no_more():
    # Cover 1965: a perceptron of n weights separates 2 n random patterns half of the time.
    probe = capacity_probe(perceptron, "900 steps", inputs=60, ratios=(1.0, 1.5, 2.0), lrs=(0.1,), points=2)

    assert 1.2 < probe.best.bits_per_param < 2.0


def test_a_model_without_memory_of_its_input_holds_nothing():
    blind = lambda: torch.nn.Sequential(torch.nn.Linear(16, 20), torch.nn.Threshold(1e9, 0.0), torch.nn.Linear(20, 1))  # noqa: E731

    probe = capacity_probe(blind, "30 steps", points=1, ratios=(2.0,), lrs=(0.01,))

    assert probe.best.bits < 10


def test_targets_in_a_random_order_cannot_be_read():
    probe = capacity_probe(perceptron, "300 steps", inputs=60, ratios=(1.5,), lrs=(0.1,), points=1)

    assert probe.best.bits > 60 and probe.best.control_bits < 10


def test_steps_are_shared_so_that_each_point_has_twice_those_before():
    probe = capacity_probe(perceptron, "75 steps", inputs=60, points=4)

    assert [point.steps for point in probe.curve] == [5, 10, 20, 40]


def test_a_time_is_kept_to():
    began = time.monotonic()

    probe = capacity_probe(perceptron, "1s", inputs=60, points=3)

    assert len(probe.curve) >= 1
    assert time.monotonic() - began < 3  # the last step, and the reading of answers, on a machine that does much else


def test_the_curve_says_whether_it_still_rises():
    at = lambda steps, bits: Point(steps, 1.0, bits, bits / 100, 200, 0.01, 0.0)  # noqa: E731

    assert Probe(100, (at(1, 50.0), at(2, 60.0))).is_rising
    assert not Probe(100, (at(1, 60.0), at(2, 61.0))).is_rising
    assert "at least 0.60 bits a parameter" in str(Probe(100, (at(1, 50.0), at(2, 60.0))))


def test_any_inputs_can_be_drawn():
    tokens = lambda n, rng: torch.from_numpy(rng.integers(7, size=(n, 3)))  # noqa: E731
    model = lambda: torch.nn.Sequential(torch.nn.Embedding(7, 4), torch.nn.Flatten(), torch.nn.Linear(12, 1))  # noqa: E731

    assert capacity_probe(model, "3 steps", inputs=tokens, points=1, ratios=(1.0,)).n_params == 28 + 13


class Attentive(torch.nn.Module):
    def __init__(self):
        torch.nn.Module.__init__(self)
        self.layer = torch.nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True)
        self.head = torch.nn.Linear(16, 1)

    def forward(self, x):
        return self.head(self.layer(x.unflatten(1, (2, 8))).flatten(1))


def test_layers_that_vmap_does_not_know_go_one_after_the_other():
    probe = capacity_probe(Attentive, "12 steps", points=1, ratios=(0.2,), lrs=(0.01, 0.03), together=False)

    assert probe.curve[0].steps == 12


@pytest.mark.parametrize("budget", ["3 steps", "2 usd", "1m, 20 steps"])
def test_a_budget_that_cannot_pay_the_points_is_refused(budget):
    with pytest.raises(UsageError, match="points"):
        capacity_probe(perceptron, budget, inputs=60)


def test_a_model_with_two_logits_is_refused():
    with pytest.raises(UsageError, match="one logit"):
        capacity_probe(lambda: torch.nn.Linear(16, 2), "20 steps", points=1)


def test_padding_changes_nothing_for_the_shorter_attempt():
    def trained(attempts):
        storage = Storage(perceptron, attempts, random_bits(60), 20)
        storage.train(20)
        return storage

    alone, beside = trained([Attempt(50, 0.05, 1)]), trained([Attempt(50, 0.05, 1), Attempt(90, 0.05, 2)])

    torch.testing.assert_close(beside.state_dict()["adam"]["flat"][0], alone.state_dict()["adam"]["flat"][0], rtol=1e-4, atol=1e-6)
    assert beside.bits()[0] == alone.bits()[0]
