"""The verbs besides the questions: plan, load, report, resume, check and claims, and one sentence for each wrong call of them."""

from __future__ import annotations

from pathlib import Path

import pytest

import shoestring as ss
from shoestring.machine.importing import load

pytestmark = pytest.mark.slow

OWN = """
import random
import shoestring as ss
from functools import partial
from shoestring.verdicts.rules import better

def train(trial):
    for _ in trial.steps():
        trial.report(loss=trial.config["x"] + random.random() / 9)

compare = partial(ss.compare, train=f"{__file__}:train", metric="loss", goal="min", seeds=8, runner="inline")
CLAIMS = [
    ss.Claim(
        name="lower", statement="Low is lower than high.", source="this file", budget="9s", rule=better("low"), paper_cost="nothing",
        question=partial(compare, {"low": {"x": 0.0}, "high": {"x": 1.0}}),
        control=partial(compare, {"low": {"x": 1.0}, "high": {"x": 1.0, "y": 1}}),
    )
]
"""
ASKED = {"metric": "loss", "goal": "min", "runner": "inline"}
SPACE = {"x": ss.Float(0, 1)}


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A folder with a file of one's own, in which the tests work."""
    (tmp_path / "own.py").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def train(trial):
    for _ in trial.steps():
        trial.report(loss=trial.config["x"])


@pytest.mark.parametrize("run", [None, "stored", Path("runs/stored")])
def test_a_run_is_loaded_reported_and_resumed_by_its_name_or_its_folder(own, run):
    answer = ss.search("own.py:train", SPACE, budget="3 epochs", store="runs/stored", **ASKED)

    assert ss.load(run).finding == answer.finding
    assert ss.report(run)[0].name == "report.html"
    assert ss.resume(run).finding == answer.finding


def test_a_plan_takes_what_the_verb_takes(tmp_path):
    ask = ASKED | {"budget": "9 epochs", "store": tmp_path / "run"}

    planned = ss.plan(ss.search, train, SPACE, **ask)

    assert (planned.n_trials, planned.pilot.units) == (8, 1)
    assert ss.search(train, SPACE, **ask).n_trials == 9


@pytest.mark.parametrize("given", [str, load])
def test_a_function_is_checked_by_its_name_or_as_it_is(own, given):
    assert ss.check(given("own.py:train"), {"x": 0.5}, units=2).agrees


def test_claims_are_checked_by_the_name_of_their_file(own):
    (verdict,) = ss.claims("own.py", store="claims")

    assert (verdict.claim, verdict.ruling.word) == ("lower", "holds")


WRONG = {
    "check": ((), ("x" * 200_000,), (5,), (None,), ("own.py:train", 3), (lambda trial: None,)),
    "plan": ((), (3,), (len,), (ss.search,), (ss.search, 3)),
    "load": (("nowhere",), (5,), ([],)),
    "report": (("nowhere",), (5,)),
    "resume": (("nowhere",), (5,)),
    "claims": ((), ("nothing",), (5,), (["nothing", 3],)),
}


@pytest.mark.parametrize(("verb", "given"), [(verb, given) for verb, calls in WRONG.items() for given in calls], ids=lambda value: "")
def test_a_wrong_call_is_refused_in_a_sentence(verb, given, own):
    with pytest.raises(ss.ShoestringError) as refused:
        getattr(ss, verb)(*given)

    assert "\n" not in str(refused.value)
    assert str(refused.value).endswith(".")
