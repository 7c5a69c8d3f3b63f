"""A comparison that is killed with `kill -9` again and again comes to the same answer as one that was left alone."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

TARGET = """
import random, time

def train(trial):
    for _ in trial.steps():
        time.sleep(0.02)
        trial.report(score=trial.config["shift"] + random.gauss(0, 1))
"""


ARMS = ("--arm", "a:shift=0.8", "--arm", "b:shift=0.0,other=1")
QUESTION = ("--metric", "score", "--goal", "max", "--seeds", "20", "--horizon", "3", "--budget", "300 epochs", "--workers", "1", "--json")


def start(folder: Path, runner: str, store: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "shoestring", "compare", "target.py:train", *ARMS, *QUESTION, "--runner", runner, "--store", store]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("compare")
    (folder / "target.py").write_text(TARGET)
    return folder


@pytest.fixture(scope="module")
def expected(folder) -> dict[str, object]:
    return dict(json.loads(start(folder, "inline", "alone").communicate()[0]))


@pytest.mark.slow
@pytest.mark.parametrize("runner", ["inline", "process"])
def test_killed_again_and_again_it_comes_to_the_same_answer(folder, expected, runner):
    rng = np.random.default_rng(0)
    for _ in range(5):
        study = start(folder, runner, runner)
        time.sleep(rng.uniform(0.5, 2.0))
        study.kill()
        study.communicate()
    out, err = start(folder, runner, runner).communicate()

    assert out, err.decode()
    found = json.loads(out)
    same = ("better", "n", "difference", "interval", "p", "arms", "seeds", "stopped")
    assert {name: found[name] for name in same} == {name: expected[name] for name in same}
