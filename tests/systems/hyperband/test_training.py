from __future__ import annotations

import numpy as np
import pytest
from hyperband_tabulate import configs_of

from shoestring import check, datasets, search
from shoestring.systems.hyperband import Config, paper
from shoestring.systems.hyperband.model import Networks
from shoestring.systems.hyperband.table import HORIZON, fashion_mnist_curves
from shoestring.systems.hyperband.task import NETS, space, task
from shoestring.systems.hyperband.training import curves, run, train_unit


@pytest.fixture(autouse=True)
def _data(monkeypatch):
    found = datasets.find("fashion-mnist")
    if found is None:
        pytest.skip("Fashion-MNIST is not on this machine")
    monkeypatch.setenv("SHOESTRING_DATA", str(found.parent.resolve()))


@pytest.mark.parametrize("net", NETS)
def test_training_goes_on_from_its_state_bit_for_bit(net):
    config, seeds = Config(net=net, batch_size=250, width=4), [5]
    data = task(config.n_train, config.n_valid, config.n_test)
    straight, first, second = (Networks(net, [config.recipe(seed)], 8) for seed in (5, 5, 6))
    for unit in range(4):
        train_unit(straight, data.train, [config], seeds, unit)
        train_unit(first if unit < 2 else second, data.train, [config], seeds, unit)
        if unit == 1:
            second.load_state_dict(first.state_dict())

    for ours, theirs in zip(second.state_dict()["weights"], straight.state_dict()["weights"], strict=True):
        np.testing.assert_array_equal(ours.numpy(), theirs.numpy())


@pytest.mark.slow
def test_training_can_be_paused():
    verdict = check("shoestring.systems.hyperband.training:train", {"net": "cnn", "width": 2, "batch_size": 250}, units=2)

    assert verdict.status == "agrees"


def test_the_table_can_be_made_again():
    configs = configs_of("mlp")
    row = min(range(len(configs)), key=lambda i: (-configs[i].batch_size, configs[i].width))

    again = curves([configs[row]], [row], HORIZON)

    np.testing.assert_allclose(again["error"][0, :9], fashion_mnist_curves("mlp").errors[row, :9], atol=0.01)


def test_a_live_search_sees_what_its_trials_report():
    seen: list[tuple[float, float]] = []

    answer = search(
        lambda trial: run(trial, seen),
        space("mlp"),
        metric="error",
        goal="min",
        budget="12 epochs",
        horizon=3,
        scheduler="hyperband",
        confirm=False,
        runner="inline",
        store=":memory:",
    )

    assert len(seen) == 12
    assert answer.best is not None
    assert answer.best.value == min(seen)[0]


def test_the_papers_scale_is_a_preset():
    config = paper(Config(net="cnn", width=50))

    assert (config.n_train, config.unit_size, config.width) == (50_000, 50_000, 50)
