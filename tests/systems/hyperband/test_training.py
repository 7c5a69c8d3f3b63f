from __future__ import annotations

import numpy as np
import pytest

from shoestring import datasets, search
from shoestring.pausable import check
from shoestring.systems.hyperband import Config, paper
from shoestring.systems.hyperband.table import HORIZON, fashion_mnist_curves
from shoestring.systems.hyperband.tabulate import configs_of
from shoestring.systems.hyperband.task import space
from shoestring.systems.hyperband.training import curves, run


@pytest.fixture(autouse=True)
def _data(monkeypatch):
    found = next((place for place in (datasets.find("fashion-mnist"),) if place), None)
    if found is None:
        pytest.skip("Fashion-MNIST is not on this machine")
    monkeypatch.setenv("SHOESTRING_DATA", str(found.parent.resolve()))


def test_training_can_be_paused():
    verdict = check("shoestring.systems.hyperband.training:train", {"net": "cnn", "width": 2, "batch_size": 250}, units=2)

    assert verdict.status == "agrees"


def test_the_table_can_be_made_again():
    rows = [3, 8]
    chosen = [configs_of("mlp")[row] for row in rows]
    alone = [curves([config], [row], HORIZON)["error"][0, :2] for config, row in zip(chosen, rows, strict=True) if config.batch_size >= 125]

    for row, errors in zip([row for row, config in zip(rows, chosen, strict=True) if config.batch_size >= 125], alone, strict=True):
        np.testing.assert_allclose(errors, fashion_mnist_curves("mlp").errors[row, :2], atol=0.02)


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
