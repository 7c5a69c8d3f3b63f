"""The commands compare, scale, plan and claims: one JSON object on stdout, one clear sentence for what makes no sense."""

from __future__ import annotations

import json

import pytest

from shoestring.cli import main

pytestmark = pytest.mark.slow

TARGET = """
import random

def train(trial):
    for _ in trial.steps():
        noise = random.Random(f"{trial.seed} {trial.config}").gauss(0, 1)
        trial.report(score=trial.config.get("shift", 0) + noise, loss=10 / trial.config.get("n", 1) + 0.5 + 0.02 * noise)

def other(trial):
    for _ in trial.steps():
        trial.report(loss=1.0)

def curve(config, seed):
    return [{"solved": float(config["n"] <= 40)}]
"""


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "target.py").write_text(TARGET)

    def call(*words):
        with pytest.raises(SystemExit) as exit_:
            main([*words])
        out, err = capsys.readouterr()
        return exit_.value.code or 0, out, err

    return call


COMPARE = ("compare", "target.py:train", "--metric", "score", "--goal", "max", "--budget", "100 epochs", "--runner", "inline")
SCALE = ("scale", "target.py:train", "--metric", "loss", "--goal", "min", "--budget", "100 epochs", "--runner", "inline")


LARGEST = ("scale", "target.py:curve", "--largest", "n", "--solved", "solved>=1", "--from", "8", "--runner", "replay")
LARGEST += ("--budget", "60 epochs")


def test_compare_prints_its_answer_as_one_object(run):
    code, out, err = run(*COMPARE, "--arm", "plain", "--arm", "moved:shift=5", "--seeds", "12", "--json")

    answer = json.loads(out)
    named = {
        "status",
        "better",
        "difference",
        "interval",
        "n",
        "N",
        "alpha",
        "method",
        "p",
        "p_better",
        "ties",
        "deterministic",
        "judged",
        "crashes",
        "stopped",
        "spent",
        "run",
    }
    assert named <= answer.keys()
    assert (code, answer["status"], answer["better"], answer["N"], answer["method"]) == (0, "answered", "moved", 12, "SEQ-FLIP")
    assert answer["difference"] < 0 < answer["p"] <= 0.05
    assert answer["crashes"] == {"plain": 0, "moved": 0}
    assert "moved is better than plain" in err
    assert f"on the seeds {', '.join(map(str, answer['seeds']))}" in err
    assert "beat" in err


def test_no_difference_exits_with_3(run):
    code, out, _ = run(*COMPARE, "--arm", "a", "--arm", "b:other=1", "--seeds", "3", "--json")

    assert (code, json.loads(out)["better"]) == (3, None)


def test_commands_are_arms(run, tmp_path):
    script = 'BEGIN { srand(seed); printf "{\\"unit\\": 1, \\"score\\": %f}\\n", shift + rand() >> ENVIRON["SHOESTRING_EVENTS"] }'
    (tmp_path / "train.awk").write_text(script)
    arms = [
        word
        for name, shift in (("base", 0), ("ours", 3))
        for word in ("--arm", f"{name}: awk -v seed={{seed}} -v shift={shift} -f train.awk")
    ]
    code, out, _ = run("compare", *arms, *COMPARE[2:], "--seeds", "12", "--json")

    assert (code, json.loads(out)["better"]) == (0, "ours")


def test_scale_prints_its_law_as_one_object(run):
    code, out, err = run(*SCALE, "--over", "n=1,2,4,8,16,32", "--seeds", "3", "--extrapolate", "n=64", "--json")

    answer = json.loads(out)
    assert {"status", "form", "exponent", "interval", "refused", "prediction", "largest", "spent", "run"} <= answer.keys()
    assert (code, answer["form"], answer["refused"]) == (0, "power+offset", None)
    assert answer["interval"][0] < 1 < answer["interval"][1]
    assert answer["prediction"][0]["lower"] < 10 / 64 + 0.5 < answer["prediction"][0]["upper"]
    assert "if the curve keeps one of these forms" in err


def test_a_prediction_far_out_says_what_verifying_it_costs(run):
    code, _, err = run(*SCALE, "--over", "n=1,2,4,8,16,32", "--extrapolate", "n=512", "--unverified")

    assert code == 0
    assert "a run at 64 or more must verify the law first" in err
    assert "to verify the law, a run at n 64 costs 1 epoch, about" in err


def test_the_largest_size_that_is_solved(run):
    code, out, _ = run(*LARGEST, "--json")

    found = json.loads(out)["largest"]
    assert code == 0
    assert found["lower"] <= 40 <= found["upper"] <= 4 * found["lower"]


def test_a_plan_runs_three_seeds_and_the_comparison_goes_on_from_them(run):
    arms = ("--arm", "plain", "--arm", "moved:shift=1")
    code, out, _ = run("plan", *COMPARE, *arms, "--json")
    plan = json.loads(out)
    assert (code, plan["n"], plan["pilot"]["units"], plan["method"]) == (0, 50, 6, "SEQ-FLIP")
    assert 0 < plan["smallest_interval"][0] < plan["smallest"] < plan["smallest_interval"][1]
    assert plan["seeds_if_null"] < 50

    _, out, _ = run("plan", *COMPARE, *arms)
    assert "is found with 80%" in out

    _, out, _ = run("status", "runs/target-train-compare", "--json")
    assert json.loads(out)["n"] == 3
    _, out, _ = run(*COMPARE, *arms, "--json")
    assert json.loads(out)["spent"]["epochs"] == 2 * len(json.loads(out)["seeds"])


def test_few_seeds_come_with_a_caution(run):
    _, out, _ = run("plan", *COMPARE[:7], "10 epochs", *COMPARE[8:], "--arm", "plain", "--arm", "moved:shift=1")

    assert "fewer than 6 seeds show nothing without assuming" in out


def test_plans_of_the_other_questions(run):
    code, out, _ = run("plan", *SCALE, "--over", "n=1,2,4,8,16", "--json")
    assert (code, json.loads(out)["runs"]) == (0, 15)
    code, out, _ = run("plan", *LARGEST, "--p-star", "0.9")
    assert code == 0 and "29 solved runs in a row" in out


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((*COMPARE, "--arm", "a"), "one arm (a) cannot be compared"),
        ((*COMPARE, "--arm", "a", "--arm", "a"), "two arms are called 'a'"),
        ((*COMPARE, "--arm", "a", "--arm", "b", "--seeds", "2"), "seeds=2 cannot be tested"),
        ((*COMPARE, "--arm", "a", "--arm", "b", "--seeds", "few"), "must be a number of seeds"),
        ((*COMPARE, "--arm", "a", "--arm", "b", "--difference", "0"), "difference=0 must be above 0"),
        ((*COMPARE, "--arm", "a", "--arm", "b:width"), "'width' must be a value"),
        ((*COMPARE, "--arm", "a", "--arm", "b:=x"), "states no number"),
        ((*COMPARE, "--arm", "a", "--arm", "b", "--pick", "--prove"), "exclude each other"),
        ((*COMPARE, "--arm", "a", "--arm", "b", "--ablation-of", "c"), "unknown arm 'c'"),
        ((*COMPARE, "--arm", "a", "--arm", "b", "--repeats", "a"), "write ARM:N"),
        ((*COMPARE[:2], *COMPARE[4:], "--metric", "nothing", "--arm", "a", "--arm", "b"), "unknown metric 'nothing'"),
        (("compare", *COMPARE[2:], "--arm", "a", "--arm", "b"), "says nothing to run"),
        (("compare", *COMPARE[2:], "--arm", "a:target.py:train", "--arm", "b:target.py:other"), "arm 'b' reports"),
        (("compare", *COMPARE[2:], "--arm", "a: awk '", "--arm", "b"), "close every quote"),
        ((*SCALE, "--over", "n=1,2,4"), "3 sizes (1, 2, 4) carry no law"),
        ((*SCALE, "--over", "n=1,2,4,3,16"), "size 3 comes after 4"),
        ((*SCALE, "--over", "n=1,2,4,8,x"), "cannot be read"),
        ((*SCALE, "--over", "n=1,2,4,8,16", "--extrapolate", "n=65"), "--unverified"),
        ((*SCALE, "--over", "n=1,2,4,8,16", "--extrapolate", "m=32"), "unknown size 'm'"),
        (SCALE, "needs either --over"),
        ((*SCALE, "--largest", "n"), "--solved"),
        ((*SCALE, "--largest", "n", "--solved", "loss", "--from", "1"), "METRIC>=NUMBER"),
        (("claims", "nothing"), "unknown system 'nothing'"),
        (("claims", "target.py"), "holds no claims"),
        (("claims", "missing.py"), "there is no file missing.py"),
    ],
)
def test_what_makes_no_sense_is_one_sentence(run, words, sentence):
    code, out, err = run(*words)

    assert (code, out) == (2, "")
    assert sentence in err
    assert "Traceback" not in err


def test_a_missing_goal_is_named(run):
    code, _, err = run("compare", "target.py:train", "--metric", "score", "--budget", "100 epochs", "--arm", "a", "--arm", "b")

    assert code == 2 and "--goal" in err


CLAIMS = """
from functools import partial
import shoestring as ss
from shoestring.verdicts.rules import better

def curve(config, seed):
    import numpy as np
    return [{"score": config["shift"] + np.random.default_rng([seed, config.get("draw", 0)]).normal()}]

ask = partial(ss.compare, train=curve, metric="score", goal="max", seeds=12, runner="replay")
CLAIMS = [
    ss.Claim("moved", "moved is better", "here", partial(ask, {"a": {"shift": 3}, "b": {"shift": 0, "draw": 1}}), "100s", better("a"),
             partial(ask, {"a": {"shift": 0}, "b": {"shift": 0, "draw": 1}})),
    ss.Claim("wrong", "the worse is better", "here", partial(ask, {"a": {"shift": 0}, "b": {"shift": 3, "draw": 1}}), "100s", better("a"),
             partial(ask, {"a": {"shift": 3}, "b": {"shift": 0, "draw": 1}})),
]
"""


def test_claims_hold_or_fail_and_a_control_that_holds_is_reported(run, tmp_path):
    (tmp_path / "mine.py").write_text(CLAIMS)
    code, out, _ = run("claims", "mine.py", "--budget", "300s", "--controls", "--json", "--page", "claims.md")

    first, second = json.loads(out)
    assert first.keys() == {
        "system", "claim", "statement", "verdict", "control_verdict", "estimate", "interval", "spent", "paper_cost"
    }  # fmt: skip
    assert (first["verdict"], first["control_verdict"], second["verdict"], second["control_verdict"]) == (
        "holds",
        "undecided",
        "fails",
        "holds",
    )
    assert code == 1  # a control under which a claim holds shows that its rule says nothing
    record = json.loads((tmp_path / "runs/claims/mine/moved/verdict.json").read_text())
    assert record["seeds"] and record["machine"]["packages"]["shoestring"]
    assert "| **moved**: moved is better (here) | holds | undecided |" in (tmp_path / "claims.md").read_text()


@pytest.mark.parametrize(("verb", "own"), [("search", "How it is searched:"), ("compare", "How it is compared:"), ("scale", "Sizes:")])
def test_help_comes_in_groups(verb, own, capsys):
    with pytest.raises(SystemExit):
        main([verb, "--help"])

    said = capsys.readouterr().out
    places = [said.index(heading) for heading in ("Arguments:", "What is asked:", "What it may cost and where it runs:", "The run:")]
    assert places == sorted(places)
    assert own in said
    assert ("The language of a space:" in said) == (verb == "search")
