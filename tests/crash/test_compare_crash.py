"""A comparison that is killed with `kill -9` again and again comes to the same answer as one that was left alone."""

from __future__ import annotations

import json
import subprocess
import sys
import time

import numpy as np
import pytest

TARGET = """
import random, time

def train(trial):
    for _ in trial.steps():
        time.sleep(0.02)
        trial.report(score=trial.config["shift"] + random.gauss(0, 1))
"""


@pytest.mark.slow
@pytest.mark.parametrize("runner", ["inline", "process"])
def test_killed_again_and_again_it_comes_to_the_same_answer(tmp_path, runner):
    (tmp_path / "target.py").write_text(TARGET)
    words = [sys.executable, "-m", "shoestring", "compare", "target.py:train", "--metric", "score", "--goal", "max", "--seeds", "20"]
    words += [
        "--json",
        "--arm",
        "a:shift=0.8",
        "--arm",
        "b:shift=0.0,other=1",
        "--horizon",
        "3",
        "--budget",
        "300 epochs",
        "--workers",
        "1",
    ]

    def start(runner, store):
        return subprocess.Popen(
            [*words, "--runner", runner, "--store", store], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    expected = json.loads(start("inline", "alone").communicate()[0])
    rng = np.random.default_rng(0)
    for _ in range(5):
        study = start(runner, "killed")
        time.sleep(rng.uniform(0.5, 3.0))
        study.kill()
        study.communicate()
    out, err = start(runner, "killed").communicate()

    assert out, err.decode()
    found = json.loads(out)
    same = ("better", "n", "difference", "interval", "p", "arms", "seeds", "stopped")
    assert {name: found[name] for name in same} == {name: expected[name] for name in same}
