"""A time budget of about a second over trials that do not want to end; `benchmarks/budget.py --runs 100` is the long version."""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

import shoestring
from shoestring.engine.run import Run

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
GRACE_S = 0.5
DEATHS = """
import ctypes, os, resource, signal

def segfault(trial):
    for _ in trial.steps():
        ctypes.string_at(0)

def leaves(trial):
    for _ in trial.steps():
        os._exit(3)

def leaves_politely(trial):
    for _ in trial.steps():
        os._exit(0)

def taken_away(trial):
    for _ in trial.steps():
        os.kill(os.getpid(), signal.SIGKILL)

def out_of_memory(trial):
    resource.setrlimit(resource.RLIMIT_AS, (1 << 31, 1 << 31))
    for _ in trial.steps():
        bytearray(1 << 32)
"""


def left_over(mark: str) -> list[int]:
    return runpy.run_path(str(BENCHMARKS / "budget.py"))["marked"](mark)


@pytest.fixture(autouse=True)
def _import_path(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["spin", "ignore", "fork", "session", "allocate", "backtrack"])
def test_no_trial_outlasts_budget_and_grace(kind, tmp_path, monkeypatch):
    monkeypatch.setenv("KIND", kind)
    monkeypatch.setenv("PIDS", str(tmp_path / "pids"))
    monkeypatch.setenv("SHOESTRING_MARK", kind + str(tmp_path))

    answer = shoestring.search(
        f"{BENCHMARKS / 'budget_target.py'}:train",
        {"x": shoestring.Float(0, 1)},
        metric="loss",
        goal="min",
        budget="1.5s",
        sampler="random",
        workers=1,
        grace=GRACE_S,
        store=tmp_path / "run",
    )

    assert answer.spent.wall_s <= 1.5 + GRACE_S + 0.5
    assert left_over(kind + str(tmp_path)) == []


def test_an_import_that_outlasts_the_budget_is_given_up(tmp_path):
    (tmp_path / "slow.py").write_text("import time\ntime.sleep(60)\ndef train(trial):\n    pass\n")

    answer = shoestring.search(
        f"{tmp_path / 'slow.py'}:train", {"x": shoestring.Float(0, 1)}, metric="loss", goal="min", budget="1s", store=tmp_path / "run"
    )

    assert answer.status.exit_code == 3
    assert 1.0 <= answer.spent.wall_s <= 1.0 + 2.0 + 0.5


@pytest.mark.parametrize(
    ("kind", "error", "says"),
    [
        ("segfault", "crashed", "SIGSEGV"),
        ("leaves", "crashed", "exit code 3"),
        ("leaves_politely", "crashed", "in the middle of a unit"),
        ("taken_away", "lost", "taken away 3 times"),
        ("out_of_memory", "out of memory", ""),
    ],
)
def test_every_death_is_charged_and_called_by_its_name(kind, error, says, tmp_path):
    (tmp_path / "deaths.py").write_text(DEATHS)
    target = f"{tmp_path / 'deaths.py'}:{kind}"
    limits = ["--budget", "9 epochs", "--horizon", "1", "--trials", "1", "--workers", "1", "--store", str(tmp_path / "run"), "--json"]
    command = [str(Path(sys.executable).with_name("shoestring")), "search", target, "x=0:1", "--metric", "loss", "--goal", "min", *limits]

    done = subprocess.run(command, env=os.environ, capture_output=True, text=True, check=False)

    run = Run.read(tmp_path / "run")
    assert done.returncode == 5, done.stderr
    assert run.trials[0].error["type"] == error
    assert says in run.trials[0].error["message"]
    assert run.spent().units == json.loads(done.stdout)["spent"]["epochs"] == (3 if kind == "taken_away" else 1)
    assert run.spent().wall_s > 0
