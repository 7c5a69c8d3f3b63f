"""The table that is shipped, and the training functions: they can be paused, and their controls find nothing."""

from __future__ import annotations

import numpy as np
import pytest
from nas_rl_tabulate import jobs

import shoestring
from shoestring import check
from shoestring.errors import UsageError
from shoestring.systems.nas_rl.children import train_children
from shoestring.systems.nas_rl.table import FOLDER, cnn_table
from shoestring.systems.nas_rl.task import PRESETS, child_of, images
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


def test_the_command_trains_every_child_twice_and_some_a_third_time():
    rows = [row for program in jobs("small", 64) for row in program]

    assert len(rows) == len(set(rows)) == 2 * 2048 + 256
    assert set(range(2 * 2048)) <= set(rows)


def test_a_training_of_the_table_can_be_made_again():
    preset = PRESETS["small"]
    table, row = cnn_table(), 2047
    try:
        pictures = images(preset)
    except UsageError as error:
        pytest.skip(str(error))

    again = train_children([child_of(table.config(row), preset)], [1], preset, pictures)

    assert again.valid[0] == pytest.approx(table.rewards[1, row], abs=0.02)  # rounding may change with the company
