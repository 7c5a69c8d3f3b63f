"""Every signal that asks for a stop, at every moment and again: one sentence, exit code 4, and the same command resumes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

COMMAND = str(Path(sys.executable).with_name("shoestring"))
SLOW = """
import os, time
open("importing", "w").close()
time.sleep(60 if os.path.exists("slowly") else 0)
def train(trial):
    for epoch in trial.steps():
        trial.report(loss=1.0)
        open("training", "w").close()
        time.sleep(60 if trial.config["x"] else 0.1)
"""
STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


def stopped(folder: Path, runner: str, moment: str, *signals: signal.Signals) -> subprocess.CompletedProcess[str]:
    """Runs a search, sends signals from a moment on, and returns how it ended."""
    (folder / "slow.py").write_text(SLOW)
    if moment == "importing":
        (folder / "slowly").touch()
    question = ["--metric", "loss", "--goal", "min", "--horizon", "99", "--budget", "999 epochs", "--grace", "9"]
    given = [COMMAND, "search", "slow.py:train", "x=true", *question, "--runner", runner, "--store", "run"]
    with subprocess.Popen(given, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True) as study:
        while not (folder / moment).exists():
            assert study.poll() is None
            time.sleep(0.01)
        for number in signals[:-1]:
            os.killpg(study.pid, number)
            time.sleep(0.3)
        os.killpg(study.pid, signals[-1])
        said, _ = study.communicate(timeout=30)
    return subprocess.CompletedProcess(given, study.returncode, said)


@pytest.mark.parametrize("runner", ["inline", "process"])
@pytest.mark.parametrize("number", STOPPING)
def test_a_signal_while_the_target_is_imported_gives_one_sentence(tmp_path, runner, number):
    done = stopped(tmp_path, runner, "importing", number)

    assert (done.returncode, done.stdout) == (4, "shoestring: Stopped. Run the same command to resume.\n")


@pytest.mark.parametrize("runner", ["inline", "process"])
def test_the_same_signal_again_changes_nothing(tmp_path, runner):
    done = stopped(tmp_path, runner, "importing", signal.SIGTERM, signal.SIGTERM)

    assert (done.returncode, done.stdout) == (4, "shoestring: Stopped. Run the same command to resume.\n")


@pytest.mark.parametrize("runner", ["inline", "process"])
def test_a_second_ctrl_c_stops_at_once_and_says_so(tmp_path, runner):
    done = stopped(tmp_path, runner, "training", signal.SIGINT, signal.SIGINT)

    assert done.returncode == 4
    assert done.stdout.count("Run the same command to resume.") == 1
    assert "Traceback" not in done.stdout


def test_a_study_under_nohup_outlives_its_terminal(tmp_path):
    (tmp_path / "slow.py").write_text(SLOW)
    question = ["--metric", "loss", "--goal", "min", "--horizon", "3", "--budget", "9 epochs", "--confirm", "none"]
    given = ["nohup", COMMAND, "search", "slow.py:train", "x=false", *question, "--runner", "process", "--store", "run"]
    with subprocess.Popen(given, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True) as study:
        while not (tmp_path / "training").exists():
            assert study.poll() is None
            time.sleep(0.01)
        os.killpg(study.pid, signal.SIGHUP)

        assert study.wait(60) == 0


def test_a_reader_of_messages_who_has_gone_ends_nothing(tmp_path):
    (tmp_path / "slow.py").write_text(SLOW)
    question = ["--metric", "loss", "--goal", "min", "--horizon", "2", "--budget", "4 epochs", "--confirm", "none", "--json"]
    given = [COMMAND, "search", "slow.py:train", "x=false", *question, "--runner", "inline", "--store", "run"]
    with subprocess.Popen(given, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as study:
        study.stderr.close()
        said = study.stdout.read()

    assert study.returncode == 0
    assert '"status": "answered"' in said
