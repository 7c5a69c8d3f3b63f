"""Small stored runs of every kind of question, made once for all tests of the report."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

import shoestring as ss
from shoestring.api import compare, scale
from shoestring.budget import RESOURCES, Budget
from shoestring.engine.run import Run, StoredTrial
from shoestring.questions.search.question import Search
from shoestring.reports.page import page
from shoestring.reports.plots import plots
from shoestring.space import Space
from shoestring.store import schema

HOSTILE = "</script><script>alert(1)</script>"
SPACE = {"lr": ss.Float(1e-4, 1, log=True), "width": ss.Int(8, 256, log=True), "act": ss.Choice(["re|lu", "tän_h & <b>", "broken"])}


def accuracy(config, seed, epoch):
    noise = np.random.default_rng([seed, int(config["lr"] * 1e6), epoch]).normal()
    return 0.9 - 0.1 * (math.log10(config["lr"]) + 1.5) ** 2 - 0.1 * math.exp(-epoch / 3) + 0.01 * noise


def train(trial):
    if trial.config.get("act") == "broken":
        raise RuntimeError("out of <memory>: 7.1 GiB & more\nsecond line")
    for epoch in trial.steps():
        value = math.nan if trial.config["lr"] > 0.7 else accuracy(trial.config, trial.seed, epoch)
        trial.report(**{"accuracy": value, HOSTILE: value})


def grow(trial):
    noise = np.random.default_rng([trial.seed, trial.config["n"]]).normal()
    for _ in trial.steps():
        trial.report(loss=5 * trial.config["n"] ** -0.5 * (1 + 0.04 * noise))


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("project")


@pytest.fixture(scope="session")
def searched(folder):
    ss.search(
        train, SPACE, metric="accuracy", goal="max", budget="200 epochs", horizon=9, seed=3, runner="inline", store=folder / "searched"
    )
    return Run.read(folder / "searched")


@pytest.fixture(scope="session")
def hostile(folder):
    ss.search(train, SPACE, metric=HOSTILE, goal="max", budget="80 epochs", horizon=9, runner="inline", store=folder / "hostile")
    return Run.read(folder / "hostile")


@pytest.fixture(scope="session")
def compared(folder):
    arms = {"plain": {"lr": 0.03}, "steep": {"lr": 0.3}}
    compare(
        arms, train, metric="accuracy", goal="max", budget="400 epochs", horizon=9, seeds=12, runner="inline", store=folder / "compared"
    )
    return Run.read(folder / "compared")


@pytest.fixture(scope="session")
def scaled(folder):
    sizes = (8, 16, 32, 64, 128, 256)
    scale(
        grow,
        over="n",
        sizes=sizes,
        metric="loss",
        goal="min",
        budget="90 epochs",
        extrapolate=(512,),
        runner="inline",
        store=folder / "scaled",
    )
    return Run.read(folder / "scaled")


@pytest.fixture(scope="session")
def failed(folder):
    def fail(trial):
        raise ValueError("no luck")

    ss.search(fail, SPACE, metric="loss", goal="min", budget="9 epochs", horizon=9, runner="inline", store=folder / "failed")
    return Run.read(folder / "failed")


@pytest.fixture(scope="session")
def single(folder):
    space = {"lr": ss.Float(1e-4, 0.5, log=True)}
    ss.search(
        train,
        space,
        metric="accuracy",
        goal="max",
        budget="9 epochs",
        horizon=9,
        n_trials=1,
        scheduler="fixed",
        confirm=False,
        runner="inline",
        store=folder / "single",
    )
    return Run.read(folder / "single")


@pytest.fixture(scope="session")
def large(tmp_path_factory):
    """1,000 trials on a virtual clock, made up instead of run."""
    space = Space({"lr": ss.Float(1e-5, 1, log=True)} | {f"param_{i}": ss.Float(0, 1) for i in range(8)})
    question = Search("file.py:made_up", space, "loss", "min", 27, confirm=False)
    rng = np.random.default_rng(0)
    trials, ledger, observations, decisions = [], [], [], []
    empty = {column.name: None for column in schema.leases.columns} | dict.fromkeys(RESOURCES, 0.0)
    for i in range(1000):
        config, units = space.sample(rng), int(rng.choice([1, 3, 9, 27], p=[0.66, 0.22, 0.08, 0.04]))
        base = (math.log10(config["lr"]) + 2) ** 2 + 0.1
        values = [base * (0.3 + math.exp(-unit / 8)) + 0.01 * rng.normal() for unit in range(1, units + 1)]
        curve = {unit: {"loss": value} for unit, value in enumerate(values, 1)}
        trials.append(StoredTrial(i, config, i, "", "useful", "complete" if units == 27 else "paused", None, curve))
        spent = {"units": units, "wall_s": float(units), "opened_at": float(i), "closed_at": i + 0.5, "busy_s": float(units)}
        given = {"token": i + 1, "trial_id": i, "purpose": "useful", "outcome": "useful", "start": 0, "to": units}
        ledger.append(empty | given | spent | {"reserved": "{}", "provenance": "{}", "lost_units": 0, "peak_bytes": 0})
        decisions.append({"kind": "start", "trial_id": i, "unit": units, "loss": None})
        for unit, value in enumerate(values, 1):
            observations.append({"trial_id": i, "unit": unit, "token": i + 1, "metrics": json.dumps({"loss": value})})
            decisions.append({"kind": "tell", "trial_id": i, "unit": unit, "loss": value})
    request = {"runner": "replay", "target": "file.py:made_up", "price": [], "workers": 8, "cwd": "."}
    rows = (tuple(trials), tuple(ledger), tuple(observations), tuple(decisions))
    return Run(tmp_path_factory.mktemp("large"), question, Budget("10000 epochs"), request, *rows, False, None)


@pytest.fixture(params=["searched", "hostile", "compared", "scaled", "failed", "single"])
def run(request):
    """Each kind of run in turn."""
    return request.getfixturevalue(request.param)


class Once:
    """Remembers what a function made of each run."""

    def __init__(self, make):
        self._make = make
        self._made = {}

    def __call__(self, run):
        if run.folder not in self._made:
            self._made[run.folder] = self._make(run)
        return self._made[run.folder]


@pytest.fixture(scope="session")
def plots_of():
    """The plots of a run, made once."""
    return Once(plots)


@pytest.fixture(scope="session")
def page_of(plots_of):
    """The page of a run, made once."""
    return Once(lambda run: page(run, plots_of(run)))
