"""Checking claims: verdicts, controls, one budget for all, and what is kept."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial

import pytest

import shoestring as ss
from shoestring.budget import Budget
from shoestring.cli import main
from shoestring.errors import UnknownName, UsageError
from shoestring.verdicts import check as claims
from shoestring.verdicts.check import ClaimSet, check, page, selected, verdicts_in
from shoestring.verdicts.rules import better

pytestmark = pytest.mark.slow

FILE = """
from functools import partial
import random
import shoestring as ss
from shoestring.verdicts.rules import better

def train(trial):
    for _ in trial.steps():
        trial.report(score=trial.config["shift"] + random.Random(f"{trial.seed} {trial.config}").gauss(0, 1))

compare = partial(ss.compare, train=f"{__file__}:train", metric="score", goal="max", seeds=12, runner="inline")
equal = partial(compare, {"a": {"shift": 0, "draw": 1}, "b": {"shift": 0, "draw": 2}})
far = partial(compare, {"a": {"shift": 9}, "b": {"shift": 0}})

CLAIMS = [
    ss.Claim("sound", "a is better than b.", "nowhere", far, "5s", better("a"), equal),
    ss.Claim("unsound", "a is better than b, whatever they are.", "nowhere", far, "5s", better("a"), far),
]
"""


def train(trial):
    for _ in trial.steps():
        trial.report(score=trial.config["shift"] + trial.seed % 7, extra=1.0)


def claim(name="far", budget="9s"):
    question = partial(
        ss.compare, {"a": {"shift": 5}, "b": {"shift": 0}}, train=train, metric="score", goal="max", seeds=8, runner="inline"
    )
    return ss.Claim(name, "a is better.", "nowhere", question, budget, better("a"), question)


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(FILE)

    def call(*words):
        with pytest.raises(SystemExit) as exit_:
            main(["claims", "mine.py", *words])
        out, err = capsys.readouterr()
        return exit_.value.code or 0, out, err

    return call


def test_a_claim_whose_control_holds_too_is_unsound_and_exits_1(run):
    code, out, _ = run("--controls", "--json")

    sound, unsound = json.loads(out)
    assert (sound["verdict"], sound["control_verdict"]) == ("holds", "undecided")
    assert (unsound["verdict"], unsound["control_verdict"]) == ("holds", "holds")
    assert code == 1


def test_one_claim_of_several_is_checked(run):
    code, out, _ = run("--only", "sound", "--json")

    assert code == 0 and [verdict["claim"] for verdict in json.loads(out)] == ["sound"]


def test_a_claim_that_is_not_there_is_named_with_the_nearest(run):
    code, _, err = run("--only", "sond")

    assert code == 2 and "unknown claim 'sond'" in err and "Did you mean 'sound'" in err


def test_the_page_shows_every_verdict_that_is_kept(run, tmp_path):
    run("--page", "page.md", "--store", "kept")

    written = (tmp_path / "page.md").read_text()
    assert "| **sound**: a is better than b. (nowhere) | holds | not run |" in written and "**unsound**" in written


def test_checking_again_costs_nothing_and_says_the_same(tmp_path):
    sets = [ClaimSet("mine", (claim(),))]
    (first,) = check(sets, None, tmp_path)

    (second,) = check(sets, None, tmp_path)

    assert second.ruling == first.ruling and second.spent == first.spent


def test_a_verdict_is_kept_with_what_it_rests_on(tmp_path):
    (verdict,) = check([ClaimSet("mine", (claim(),))], None, tmp_path, controls=True)

    (record,) = verdicts_in(tmp_path)
    assert record["verdict"] == verdict.ruling.word == "holds"
    assert record["seeds"] and record["machine"] and record["budget"] == "14s" and "run" not in record["detail"]
    assert page([record]).count("| **far**") == 1
    assert record["detail"]["reported"]["a"]["extra"] == [1.0] * len(record["seeds"])


def test_a_budget_is_shared_in_proportion_and_what_is_left_goes_on(tmp_path):
    sets = [ClaimSet("mine", (claim("long", "90s"), claim("short", "10s")))]

    first, second = check(sets, Budget("20s"), tmp_path)

    assert first.budget == "18s"
    assert second.budget != "2s"  # the first left nearly all of its share


def test_a_budget_of_anything_but_time_is_refused(tmp_path):
    with pytest.raises(UsageError, match="give a time"):
        list(check([ClaimSet("mine", (claim(),))], Budget("10 epochs"), tmp_path))


def test_only_the_sets_with_a_named_claim_are_left():
    sets = [ClaimSet("one", (claim("first"), claim("second"))), ClaimSet("two", (claim("third"),))]

    assert [one.system for one in selected(sets, ["third"])] == ["two"]
    assert selected(sets, []) == sets
    with pytest.raises(UnknownName, match="third"):
        selected(sets, ["thrid"])


def test_a_file_without_claims_is_refused(tmp_path):
    (tmp_path / "none.py").write_text("CLAIMS = []\n")

    with pytest.raises(UsageError, match="holds no claims"):
        claims.claim_set(str(tmp_path / "none.py"))


def test_a_claim_whose_data_are_missing_is_undecided_and_the_others_are_checked(tmp_path):
    def missing():
        raise UsageError("mnist is not on this machine.")

    sets = [ClaimSet("mine", (replace(claim("needy"), needs=missing), claim("far")))]

    needy, far = check(sets, None, tmp_path)

    assert needy.ruling.word == "undecided" and "not asked: mnist is not on this machine." in str(needy)
    assert far.ruling.word == "holds"
    assert [record["claim"] for record in verdicts_in(tmp_path)] == ["far"]
