"""Members of an extension room: by name, from a file, from another package, or as they are; found again when a run resumes."""

from __future__ import annotations

import json
from functools import partial
from importlib.metadata import EntryPoint

import pytest

import shoestring as ss
from shoestring import members
from shoestring.errors import UnknownName, UsageError
from shoestring.samplers import MEMBERS, make_sampler
from shoestring.samplers.random import Random
from shoestring.schedulers import make_scheduler
from shoestring.schedulers.fixed import Fixed
from shoestring.space import Float, Space
from shoestring.testing.schedulers import Countdown

SPACE = Space({"x": Float(0, 1)})
OWN = """
from shoestring.samplers.random import Random


class Shifted(Random):
    def __init__(self, space, seed, by=0):
        super().__init__(space, seed + by)


def train(trial):
    for _ in trial.steps():
        trial.report(loss=trial.config["x"])


def nothing(space, seed):
    return None
"""


class Shifted(Random):
    def __init__(self, space, seed, by=0):
        super().__init__(space, seed + by)


def only_fixed(sampler, horizon, eta, n_trials):
    return Fixed(sampler, horizon, n_trials)


@pytest.fixture
def own(tmp_path, monkeypatch):
    (tmp_path / "own.py").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def train(trial):
    for _ in trial.steps():
        trial.report(loss=trial.config["x"])


@pytest.mark.parametrize("name", ["own.py:Shifted", 'own.py:Shifted {"by": 4}'])
def test_a_file_names_a_sampler_with_its_settings(own, name):
    by = 4 if "by" in name else 0

    assert make_sampler(name, SPACE, 3).ask(0) == Random(SPACE, 3 + by).ask(0)


@pytest.mark.parametrize("sampler", [Shifted, partial(Shifted, by=4)])
def test_a_class_is_stored_by_its_name_and_settings_and_the_run_resumes(tmp_path, sampler):
    search = partial(ss.search, train, {"x": Float(0, 1)}, metric="loss", goal="min", runner="inline", store=tmp_path / "run")

    first = search(budget="3 epochs", sampler=sampler)
    second = search(budget="5 epochs", sampler=sampler)

    assert (first.n_trials, second.n_trials) == (3, 5)
    assert MEMBERS.name_of(sampler) == ss.load(tmp_path / "run").question.sampler


def test_a_scheduler_can_be_a_function(tmp_path):
    answer = ss.search(
        train,
        {"x": Float(0, 1)},
        metric="loss",
        goal="min",
        budget="6 epochs",
        horizon=2,
        scheduler=only_fixed,
        confirm=False,
        runner="inline",
        store=tmp_path,
    )

    assert {len(trial.curve) for trial in ss.load(answer.run).trials if trial.curve} == {2}


def test_the_command_line_takes_one_from_a_file_and_resumes(own, capsys):
    from shoestring.cli import main

    command = "search own.py:train x=0:1 --metric loss --goal min --runner inline --store run --json --sampler own.py:Shifted --budget"
    for budget in ("3 epochs", "5 epochs"):
        with pytest.raises(SystemExit) as exit_:
            main([*command.split(), budget])
        assert exit_.value.code == 0

    assert json.loads(capsys.readouterr().out.splitlines()[-1])["n_trials"] == 5


def test_another_package_offers_one_by_name(monkeypatch):
    point = EntryPoint("shifted", "shoestring.samplers.random:Random", "shoestring.samplers")
    monkeypatch.setattr(members, "entry_points", lambda group: [point] if group == point.group else [])

    assert isinstance(make_sampler("shifted", SPACE, 0), Random)
    with pytest.raises(UnknownName, match="Did you mean 'shifted'"):
        make_sampler("shiftd", SPACE, 0)


@pytest.mark.parametrize("sampler", [3, train, lambda space, seed: None, partial(Shifted, SPACE), partial(Shifted, by=object())])
def test_what_cannot_be_stored_is_refused(tmp_path, sampler):
    with pytest.raises(UsageError, match="sampler"):
        ss.search(train, {"x": Float(0, 1)}, metric="loss", goal="min", budget="3 epochs", sampler=sampler, store=tmp_path)

    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "name", ["own.py:nothing", "own.py:train", "own.py:Shfted", 'own.py:Shifted {"by"', "own.py:Shifted [1]", "nowhere.py:Shifted"]
)
def test_what_makes_no_sampler_is_refused(own, name):
    with pytest.raises(UsageError):
        make_sampler(name, SPACE, 0)


def test_what_makes_no_scheduler_is_refused(own):
    with pytest.raises(UsageError, match="has no ask"):
        make_scheduler("builtins:print", Countdown(3), 9)
