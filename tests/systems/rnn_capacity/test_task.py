"""The tasks against what they are by definition."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from shoestring.errors import UsageError
from shoestring.systems.rnn_capacity.task import Parentheses, random_bits, stored_bits


def test_patterns_are_different_fair_bits():
    x = random_bits(12)(2000, np.random.default_rng(0))

    assert x.shape == (2000, 12) and x.dtype == torch.float32
    assert len(x.unique(dim=0)) == 2000
    assert abs(float(x.mean()) - 0.5) < 0.02


def test_more_patterns_than_there_are_is_refused():
    with pytest.raises(UsageError, match="n_in=10"):
        random_bits(9)(600, np.random.default_rng(0))


@pytest.mark.parametrize(
    ("right", "bits"), [(100, 100.0), (0, 100.0), (50, 0.0), (89, 100 * (1 + 0.89 * math.log2(0.89) + 0.11 * math.log2(0.11)))]
)
def test_stored_bits_are_those_of_a_noisy_channel(right, bits):
    assert stored_bits(100, right) == pytest.approx(bits)


def test_guessing_scores_three_quarters_of_a_bit():
    right = np.random.default_rng(0).binomial(1000, 0.5, size=20_000)

    assert stored_bits(1000, right).mean() == pytest.approx(1 / (2 * math.log(2)), rel=0.05)


def test_depths_are_counted():
    task = Parentheses(streams=2, top=2, time=200)
    x, depths = task.draw(3, np.random.default_rng(0))

    for b in range(3):
        depth = [0, 0]
        for symbol, said in zip(x[:, b].argmax(1).tolist(), depths[:, b].tolist(), strict=True):
            stream, opens = symbol % 2, symbol < 2
            depth[stream] = min(2, depth[stream] + 1) if opens else max(0, depth[stream] - 1)
            assert said == depth


def test_chance_is_the_loss_of_the_best_constant():
    task = Parentheses(time=50)
    _, depths = task.draw(64, np.random.default_rng(0))
    shares = torch.bincount(depths.flatten(), minlength=6) / depths.numel()

    constant = shares.log().repeat(3).expand(2, 50, 64, 18)

    assert task.losses(constant, depths).tolist() == pytest.approx([task.chance(depths)] * 2)
