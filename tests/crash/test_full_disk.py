"""A study on a disk that fills up, on one that is read-only, and on one that has room again."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from shoestring.engine.run import Run

COMMAND = str(Path(sys.executable).with_name("shoestring"))
TARGET = """
import os

def train(trial):
    with open(os.environ["BEGUN"], "a", buffering=1) as begun:
        for done in trial.steps(weights={"x": [0.5] * 2000}):
            begun.write(f"{trial.directory.parent.name} {done + 1}\\n")
            trial.report(loss=trial.config["x"] + 0.5 ** done, note=1.0)
"""
LIMITS = ["--metric", "loss", "--goal", "min", "--budget", "900 epochs", "--horizon", "9", "--eta", "3", "--scheduler", "halving"]


@contextmanager
def mounted(folder: Path) -> Iterator[Path]:
    """Mounts a file system of 800 KiB, of which the study takes three quarters."""
    place = folder / "disk"
    place.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=800k", "none", str(place)], capture_output=True, check=False)
    if done.returncode:
        pytest.skip("no tmpfs can be mounted here (that takes root)")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.fixture
def disk(tmp_path) -> Iterator[Path]:
    with mounted(tmp_path) as place:
        yield place


def search(disk: Path, runner: str) -> subprocess.CompletedProcess[str]:
    target = disk.parent / "target.py"
    target.write_text(TARGET)
    question = [
        f"{target}:train",
        "x=0:1",
        "--sampler",
        "random",
        *LIMITS,
        "--runner",
        runner,
        "--workers",
        "1",
        "--store",
        str(disk / "run"),
    ]
    environment = os.environ | {"BEGUN": str(disk.parent / "begun")}
    return subprocess.run([COMMAND, "search", *question], env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("runner", ["inline", "process"])
def test_a_full_disk_stops_a_study_that_goes_on_when_there_is_room(disk, runner):
    ballast = disk / "ballast"
    for free in (0, 120_000, 260_000):
        fill(ballast, free)
        done = search(disk, runner)
        if done.returncode == 0:
            break
        assert done.returncode == 4, done.stderr
        assert "Traceback" not in done.stderr
        assert "free some space" in done.stderr.lower()
    ballast.unlink()

    done = search(disk, runner)

    assert done.returncode == 0, done.stderr
    run = Run.read(disk / "run")
    begun = (disk.parent / "begun").read_text().splitlines()
    assert sum(row["units"] for row in run.ledger) == len(begun)
    assert {f"{row['trial_id']:04d} {row['unit']}" for row in run.observations} == set(begun)
    assert all(row["outcome"] for row in run.ledger)


def fill(ballast: Path, free: int) -> None:
    """Leaves about so many bytes free."""
    ballast.unlink(missing_ok=True)
    room = os.statvfs(ballast.parent)
    with open(ballast, "wb") as file:
        file.write(bytes(max(0, room.f_bavail * room.f_frsize - free)))


@pytest.fixture(scope="module")
def read_only(tmp_path_factory) -> Iterator[Path]:
    """A file system that holds a run, and that has become read-only."""
    with mounted(tmp_path_factory.mktemp("read-only")) as place:
        assert search(place, "inline").returncode == 0
        subprocess.run(["mount", "-o", "remount,ro", str(place)], check=True)
        yield place


@pytest.mark.parametrize("command", ["search", "resume", "status", "report"])
def test_a_read_only_disk_is_said_to_be_one(read_only, command):
    new = ["search", f"{read_only.parent / 'target.py'}:train", "x=0:1", *LIMITS, "--store", str(read_only / "new")]
    arguments = new if command == "search" else [command, str(read_only / "run")]

    done = subprocess.run([COMMAND, *arguments], capture_output=True, text=True, check=False)

    assert done.returncode == {"search": 2, "resume": 0, "status": 0, "report": 4}[command], done.stderr
    assert "Traceback" not in done.stderr
