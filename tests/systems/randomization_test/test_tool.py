from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from shoestring.errors import UnknownName, UsageError
from shoestring.systems.kit.options import read_options
from shoestring.systems.randomization_test.task import Data
from shoestring.systems.randomization_test.tool import OPTIONS, as_data, main

QUICK = "--n-train 40 --n-test 20 --width 16 --epochs 3 --seeds 2 --pairs 0 --variants random-labels"

MINE = """
import numpy as np
from torch import nn

def make_model():
    return nn.Linear(3, 2)

def load():
    x = np.random.default_rng(0).standard_normal((30, 3))
    return x[:20], (x[:20, 0] > 0) * 1, x[20:], (x[20:, 0] > 0) * 1

number = 3
"""


@pytest.fixture
def mine(tmp_path, monkeypatch):
    (tmp_path / "mine_of_test_tool.py").write_text(MINE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))


def test_it_prints_a_table_and_a_verdict_for_the_digits(capsys):
    assert main(QUICK.split()) == 0

    out = capsys.readouterr().out
    assert out.startswith("variant") and "random-labels cannot all be memorised in 3 epochs" in out


@pytest.mark.parametrize("where", ["mine_of_test_tool", "mine_of_test_tool.py"])
def test_it_runs_on_ones_own_model_and_data(mine, where, capsys):
    own = ["--model", f"{where}:make_model", "--data", f"{where}:load"]

    assert main([*own, *["--variants", "random-labels", "--epochs", "2", "--seeds", "1", "--pairs", "2", "--json", "-"]]) == 0

    report = json.loads(capsys.readouterr().out)
    assert report["n_weights"] == 8 and report["n_test"] == 10 and set(report["stability"]) == {"true", "random-labels"}


def test_a_budget_that_is_too_small_has_its_exit_code(capsys, tmp_path):
    assert main([*QUICK.split(), "--budget", "0.001s", f"--json={tmp_path / 'report.json'}"]) == 3

    assert json.loads((tmp_path / "report.json").read_text())["skipped"]
    assert "the budget had no time for" in capsys.readouterr().out


def test_help_names_every_option(capsys):
    assert main(["--help"]) == 0

    out = capsys.readouterr().out
    assert all(f"--{name}" in out for name in ("model", "data", "variants", "budget", "json"))


def test_what_cannot_be_done_is_said_in_a_sentence(mine):
    for arguments, said in (
        ("--modell mlp", "Did you mean '--model'"),
        ("--model", "--model has no value"),
        ("--seeds many", "'many' cannot be read"),
        ("--model resnet", "unknown model 'resnet'"),
        ("--data imagenet", "unknown data set 'imagenet'"),
        ("--optimizer lion", "unknown optimizer"),
        ("--model nowhere_at_all:make", "cannot be loaded"),
        ("--model nowhere.py:make", "cannot be loaded"),
        ("--data mine_of_test_tool:loader", "cannot be loaded"),
        ("--data mine_of_test_tool:number", "name a function"),
        ("--data mine_of_test_tool:make_model", "two loaders"),
    ):
        with pytest.raises(UsageError, match=said):
            main(arguments.split())


def test_both_spellings_of_an_option_are_read():
    assert read_options(["--lr=0.5", "--seeds", "7"], OPTIONS)["lr"] == 0.5
    with pytest.raises(UnknownName):
        read_options(["lr"], OPTIONS)


def test_loaders_and_data_sets_become_arrays():
    x, y = torch.arange(24.0).reshape(8, 3), torch.arange(8) % 2
    pairs = torch.utils.data.TensorDataset(x, y)

    for given in ((pairs, pairs), tuple(torch.utils.data.DataLoader(pairs, batch_size=3) for _ in range(2)), (x, y, x, y)):
        data = as_data(given)
        assert np.array_equal(data.x_train, x.numpy()) and np.array_equal(data.y_test, y.numpy())
    assert isinstance(as_data(data), Data)
    with pytest.raises(UsageError, match="two arrays"):
        as_data((x, y))
    with pytest.raises(UsageError, match="no pairs"):
        as_data((5, 6))
