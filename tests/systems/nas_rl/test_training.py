"""The table that is shipped, and the training functions: they can be paused, and their controls find nothing."""

from __future__ import annotations

import numpy as np
import pytest

import shoestring
from shoestring.pausable import check
from shoestring.systems.nas_rl.table import FOLDER, cnn_table
from shoestring.systems.nas_rl.training import spearman

TRAINING = "shoestring.systems.nas_rl.training"


def test_the_table_is_whole_and_small():
    table = cnn_table()

    assert table.rewards.shape == table.scores.shape == table.short.shape == (2, 2048)
    assert table.rewards.min() > 0 and table.rewards.max() < 1
    assert len(table.gate[0]) == 256
    assert (FOLDER / "small.npz").stat().st_size < 1_000_000


def test_a_search_can_be_paused():
    verdict = check(f"{TRAINING}:train", {"method": "policy-gradient"}, units=2)

    assert verdict.agrees, str(verdict)


@pytest.mark.parametrize("shuffled", [False, True])
def test_the_gate_sees_what_two_seeds_share_and_nothing_where_they_share_nothing(shuffled):
    arms = {"reward": {"shuffled": shuffled}, "bar": 0.5}
    answer = shoestring.compare(
        arms, f"{TRAINING}:gate", metric="overall", goal="max", seeds=8, budget="30s", runner="inline", store=":memory:"
    )

    assert answer.finding.better == ("bar" if shuffled else "reward")


def test_rank_correlation_is_of_ranks():
    first = np.array([0.1, 0.5, 0.4, 0.9])

    assert spearman(first, np.exp(10 * first)) == pytest.approx(1.0)
    assert spearman(first, -first) == pytest.approx(-1.0)
