"""A trial that the kernel kills for its memory is told from any other crash, and takes nothing down with it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from shoestring.engine.run import Run

MEMORY = Path("/sys/fs/cgroup/memory")
TARGET = """
import time

def train(trial):
    for _ in trial.steps():
        held = []
        while trial.config["size"] > 5:
            held.append(bytearray(20_000_000))
            time.sleep(0.001)
        trial.report(loss=trial.config["size"])
"""


@pytest.fixture
def little_memory():
    """A control group with 400 MB; what runs in it can be killed without anything else noticing."""
    group = MEMORY / f"shoestring-test-{os.getpid()}"
    try:
        group.mkdir()
        (group / "memory.limit_in_bytes").write_text("400M")
    except OSError:
        pytest.skip("no control group for memory can be made here")
    yield group
    group.rmdir()


@pytest.mark.slow
def test_the_kernel_kills_a_trial_and_the_study_goes_on(little_memory, tmp_path):
    (tmp_path / "eat.py").write_text(TARGET)
    command = [sys.executable, "-m", "shoestring", "search", "eat.py:train", "size=1:10", "--metric", "loss", "--goal", "min"]
    command += ["--budget", "6 epochs", "--trials", "6", "--horizon", "1", "--workers", "1", "--confirm", "none", "--store", "run"]

    done = subprocess.run(
        ["sh", "-c", 'echo $$ > "$1/cgroup.procs"; shift; exec "$@"', "sh", str(little_memory), *command],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert done.returncode == 0, done.stderr
    run = Run.read(tmp_path / "run")
    failed = [trial for trial in run.trials if trial.error]
    assert failed and len(failed) < 6
    assert all(trial.config["size"] > 5 and "out of memory: the kernel killed it" in trial.error["message"] for trial in failed)
    assert sum(row["units"] for row in run.ledger) == run.spent().units == 6
