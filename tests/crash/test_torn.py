"""Files as power failures and dying processes leave them: cut event files, damaged databases, damaged checkpoints."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import shoestring
from shoestring import cli
from shoestring.engine.run import Run
from shoestring.errors import StoreCorrupt
from shoestring.trial import events

TARGET = """
import os, random, signal

def train(trial):
    state = {"gap": 1.0}
    for done in trial.steps(state=state):
        state["gap"] *= 0.5 + 0.1 * random.random()
        if done == 3 and trial.config["x"] == "b" and "KILL" in os.environ:
            os.kill(os.getpid(), signal.SIGKILL)
        trial.report(loss=state["gap"] + ord(trial.config["x"]))
"""
PROGRAM = """
import pathlib, runpy, sys
import shoestring.trial

shoestring.trial.trial.SAVING_SHARE = 1e9  # a checkpoint after every unit
runpy.run_path(sys.argv[1])["search"](pathlib.Path(sys.argv[2]))
"""
QUESTION = {
    "metric": "loss",
    "goal": "min",
    "budget": "60 epochs",
    "horizon": 5,
    "scheduler": "fixed",
    "sampler": "grid",
    "runner": "inline",
    "confirm": False,
}
EVENTS = Path("trials", "0001", "events.jsonl")


def search(folder: Path) -> shoestring.Answer:
    space = {"x": shoestring.Choice(["c", "b"])}
    return shoestring.search(f"{folder.parent / 'target.py'}:train", space, store=folder, **QUESTION)


@pytest.fixture(scope="module")
def killed(tmp_path_factory) -> Path:
    """The folder of a run whose engine was killed in the fourth unit of its second trial."""
    folder = tmp_path_factory.mktemp("killed", numbered=True) / "run"
    (folder.parent / "target.py").write_text(TARGET)
    done = subprocess.run([sys.executable, "-c", PROGRAM, __file__, str(folder)], env=os.environ | {"KILL": "1"}, check=False)
    assert done.returncode == -signal.SIGKILL
    return folder


@pytest.fixture(scope="module")
def undisturbed(killed) -> shoestring.Answer:
    return search(killed.with_name("undisturbed"))


@pytest.fixture
def copy(killed) -> Path:
    return copied(killed)


def copied(folder: Path) -> Path:
    shutil.rmtree(folder.with_name("copy"), ignore_errors=True)
    return Path(shutil.copytree(folder, folder.with_name("copy")))


def cuts(path: Path) -> list[int]:
    """Every byte of the last line, and every 37th before."""
    size = path.stat().st_size
    last = len(path.read_bytes().splitlines(keepends=True)[-1])
    return [*range(0, size - last, 37), *range(size - last, size + 1)]


def test_a_run_whose_event_file_is_cut_at_any_byte_goes_on(killed, undisturbed):
    for cut in cuts(killed / EVENTS):
        folder = copied(killed)
        os.truncate(folder / EVENTS, cut)
        whole = [event for event, _ in events.read(folder / EVENTS)]

        answer = search(folder)

        run = Run.read(folder)
        reported = {(event["unit"], event["metrics"]["loss"]) for event in whole if "metrics" in event}
        stored = {(row["unit"], json.loads(row["metrics"])["loss"]) for row in run.observations if row["trial_id"] == 1}
        crashed = next(row for row in run.ledger if row["outcome"] == "lost")
        assert answer.best == undisturbed.best, cut
        assert reported <= stored, cut
        assert crashed["units"] == sum("begin" in event for event in whole), cut


def test_a_line_damaged_in_the_middle_is_refused(copy):
    data = bytearray((copy / EVENTS).read_bytes())
    data[data.index(b"metrics") + 20] ^= 1
    (copy / EVENTS).write_bytes(data)

    with pytest.raises(StoreCorrupt, match=r"events\.jsonl was changed after it was written"):
        search(copy)


@pytest.mark.parametrize("kept", [0, 1, 100, 1000])
@pytest.mark.parametrize("n_damaged", [1, 2])
def test_a_cut_checkpoint_falls_back_to_the_one_before(copy, undisturbed, kept, n_damaged):
    checkpoints = sorted((copy / EVENTS.parent / "checkpoints").iterdir())
    for path in checkpoints[-n_damaged:]:
        os.truncate(path, kept)

    answer = search(copy)

    log = (copy / "log.txt").read_text()
    assert answer.best == undisturbed.best
    assert log.count("is damaged; it resumes from epoch " + ("2" if n_damaged == 1 else "0")) == 1
    assert answer.spent.units == 5 + 4 + (3 if n_damaged == 1 else 5)  # trial 0, trial 1 up to the kill, and on from what was whole


@pytest.mark.parametrize("kept", [1, 99, 4096, 5000, 20480])
@pytest.mark.parametrize("command", ["status", "export", "resume", "search"])
def test_a_cut_database_is_refused_in_one_sentence(copy, command, kept, capsys):
    os.truncate(copy / "study.db", kept)

    code = run_command(command, copy)

    assert code == 2
    assert_is_one_sentence(capsys.readouterr().err)


@pytest.mark.parametrize("at", [0, 16, 100, 4096, 6000, 12288, 30000])
@pytest.mark.parametrize("command", ["status", "search"])
def test_garbage_in_the_database_never_ends_in_a_traceback(copy, command, at, capsys):
    with open(copy / "study.db", "r+b") as file:
        file.seek(at)
        file.write(bytes(range(1, 256)) * 8)

    code = run_command(command, copy)

    assert code in (0, 2)
    if code:
        assert_is_one_sentence(capsys.readouterr().err)


@pytest.mark.parametrize("content", [b"", b"no database at all\n" * 500])
def test_a_file_that_is_no_database_is_refused_or_begun_anew(copy, content, undisturbed, capsys):
    (copy / "study.db").write_bytes(content)
    (copy / "study.db-journal").unlink(missing_ok=True)

    code = run_command("status", copy)

    assert code == 2
    assert_is_one_sentence(capsys.readouterr().err)


def run_command(command: str, folder: Path) -> int:
    limits = ["--metric", "loss", "--goal", "min", "--budget", "60 epochs", "--horizon", "5", "--scheduler", "fixed", "--sampler", "grid"]
    target = ["search", f"{folder.parent / 'target.py'}:train", "x=c,b", *limits, "--runner", "inline", "--store", str(folder)]
    with pytest.raises(SystemExit) as ended:
        cli.main(target if command == "search" else [command, str(folder)])
    return ended.value.code or 0


def assert_is_one_sentence(text: str) -> None:
    assert text.startswith("shoestring: ")
    assert text.count("\n") == 1
    assert "Traceback" not in text
