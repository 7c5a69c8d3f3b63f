"""Searches on tables: places, controls, the gate, and that a search goes on where it stopped."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from shoestring import Budget, Choice, Space
from shoestring.errors import UnknownName, UsageError
from shoestring.systems.nas_rl import claims
from shoestring.systems.nas_rl.search import METHODS, TableSearch, reliability, sampler_of
from shoestring.systems.nas_rl.table import Table, cnn_table, nasbench201
from shoestring.systems.nas_rl.task import PRESETS, child_of, cnn_space, everything
from shoestring.systems.nas_rl.training import Config
from shoestring.verdicts.check import ClaimSet, check

SPACE = Space({"a": Choice((1, 2, 3)), "skip/1/2": Choice((False, True)), "b": Choice(("x", "y"))})


def table(seed=0):
    rewards = np.random.default_rng(seed).random((2, 12))
    return Table(SPACE, rewards, rewards + 1, rewards / 2, (np.array([3, 5]), rewards[0, [3, 5]]))


def test_rows_are_the_places_in_the_list_of_everything():
    configs = everything(SPACE)

    assert [table().row(config) for config in configs] == list(range(12))
    assert [table().config(row) for row in range(12)] == configs


def test_shuffling_keeps_what_belongs_to_one_training_together():
    shuffled = table().shuffled(1)

    assert (shuffled.scores == shuffled.rewards + 1).all()
    assert (shuffled.rewards[0, shuffled.gate[0]] == shuffled.gate[1]).all()
    assert (shuffled.rewards != table().rewards).any()
    assert sorted(shuffled.rewards[0]) == sorted(table().rewards[0])


@pytest.mark.parametrize("method", METHODS)
def test_a_search_goes_on_where_it_stopped(method):
    straight = TableSearch(sampler_of(method, SPACE, 1), table(), table().rewards[0])
    for _ in range(40):
        straight.step()

    resumed = TableSearch(sampler_of(method, SPACE, 1), table(), table().rewards[0], straight.queries[:23])
    for _ in range(17):
        resumed.step()

    assert resumed.queries == straight.queries


def test_the_best_found_are_different_and_in_order():
    search = TableSearch(sampler_of("random", SPACE, 0), table(), table().rewards[0], [4, 4, 7, 1, 7])

    assert search.top(2, 5).tolist() == sorted([4, 7, 1], key=lambda row: -table().rewards[0, row])[:2]


def test_reliability_is_the_correlation_and_that_of_the_best_quarter_by_a_third_seed():
    rng = np.random.default_rng(0)
    truth = rng.standard_normal(20_000)
    seeds = truth + 0.5 * rng.standard_normal((3, 20_000))
    best = seeds[2] >= np.quantile(seeds[2], 0.75)

    overall, top = reliability(*seeds)

    assert overall == pytest.approx(1 / 1.25, abs=0.01)
    assert top == pytest.approx(np.corrcoef(seeds[0, best], seeds[1, best])[0, 1])
    assert 0.3 < top < overall


def test_the_small_space_has_skips_strides_and_filters():
    space = cnn_space(PRESETS["small"])

    assert len(everything(space)) == 2048
    assert {"skip/1/3", "stride/1", "filters/2", "height/1", "width/1"} <= set(space.names)


def test_a_layer_that_reads_nothing_reads_the_image_and_what_nobody_reads_is_classified():
    preset = PRESETS["small"]
    config = cnn_space(preset).sample(np.random.default_rng(0)) | {"skip/1/2": False, "skip/1/3": True, "skip/2/3": False}

    child = child_of(config, preset)

    assert [layer.inputs for layer in child.layers] == [(0,), (0,), (1,)]
    assert child.unread() == [2, 3]


def test_the_papers_space_is_there():
    space = cnn_space(PRESETS["paper"])

    assert sum(name.startswith("skip/") for name in space.names) == 15 * 14 / 2


def test_a_misspelt_method_is_named():
    with pytest.raises(UnknownName, match="Did you mean 'random'"):
        Config.of({"method": "randm"})


def test_a_missing_table_says_how_it_is_made():
    with pytest.raises(UsageError, match="python benchmarks/systems/nas_rl_tabulate.py --preset full"):
        cnn_table("full")


def test_without_nasbench201_the_claim_is_undecided_by_name(monkeypatch, tmp_path):
    def gone():
        raise UsageError("nasbench201_cifar10.npz is not on this machine; put it there.")

    claim = next(claim for claim in claims.CLAIMS if claim.name == "beats-random-nasbench201")
    assert claim.needs is nasbench201

    (verdict,) = check([ClaimSet("nas_rl", (replace(claim, needs=gone),))], Budget("1s"), tmp_path)

    assert verdict.ruling.word == "undecided"
    assert "nasbench201_cifar10.npz is not on this machine" in str(verdict)
