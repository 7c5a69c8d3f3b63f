"""Whatever a trial starts ends with its lease, and with those who watch over it: wrappers, daemons, pools, and who is stopped or killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import psutil
import pytest

from shoestring.engine.run import Run
from shoestring.machine import mark as marks
from shoestring.runners.arms import work_of
from shoestring.runners.inline import InlineRunner
from shoestring.runners.process import ProcessRunner
from shoestring.runners.script import Script
from shoestring.trial.lease import Exit, Lease

COMMAND = str(Path(sys.executable).with_name("shoestring"))
BUDGET_S = 8  # of which a busy machine may take half to start
TRAINER = """
import json, os, sys, time
for unit in range(1, 1000):
    time.sleep(0.1)
    with open(os.environ["SHOESTRING_EVENTS"], "a") as file:
        file.write(json.dumps({"unit": unit, "loss": 1 / unit}) + "\\n")
"""
WRAPPERS = {
    "waits": "$PY trainer.py\necho done",
    "moves away": "setsid $PY trainer.py &\nwait",
    "becomes a daemon": '(setsid sh -c "$PY trainer.py &" &)\nsleep 1000',
    "launches three": "for rank in 1 2 3; do $PY trainer.py & done\nwait",
    "takes no SIGTERM": 'trap "" TERM\n$PY trainer.py\necho done',
}
FORKS = """
import os
def train(trial):
    for epoch in trial.steps():
        if os.fork() == 0:
            return
        trial.report(loss=1.0)
"""
CLOCKS = """
import os, signal, time
time.monotonic = time.time = time.perf_counter = lambda: 0.0
time.sleep, os._exit = (lambda seconds: None), (lambda code: None)
def train(trial):
    for epoch in trial.steps():
        sum(range(10**6))
        trial.report(loss=1.0)
"""
FUNCTION = """
import multiprocessing, subprocess, time
def work(_):
    time.sleep(1000)
def train(trial):
    for epoch in trial.steps():
        subprocess.Popen(["sleep", "1000"], start_new_session=True)
        multiprocessing.get_context("fork").Process(target=work, args=(0,)).start()
        time.sleep(0.2)
        trial.report(loss=1.0)
"""


class Study:
    """A search in a folder; everything that comes of it works in that folder, by which it is found."""

    def __init__(self, folder: Path, runner: str, what: str, budget: str = "6 epochs") -> None:
        self.folder = folder
        (folder / "trainer.py").write_text(TRAINER)
        (folder / "functions.py").write_text({"forks": FORKS, "clocks": CLOCKS}.get(what, FUNCTION))
        (folder / "wrapper.sh").write_text(WRAPPERS.get(what, ""))
        target, command = ([], ["--", "sh", "wrapper.sh", "{x}"]) if what in WRAPPERS else (["functions.py:train"], [])
        question = ["--metric", "loss", "--goal", "min", "--horizon", "3", "--confirm", "none", "--workers", "1", "--grace", "0.3"]
        given = [COMMAND, "search", *target, "x=0:1", *question, "--budget", budget, "--runner", runner, "--store", "run", *command]
        with open(folder / "out", "ab") as out:
            self.process = subprocess.Popen(
                given, cwd=folder, env=os.environ | {"PY": sys.executable}, stdout=out, stderr=out, start_new_session=True
            )

    def family(self, name: str = "") -> list[psutil.Process]:
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):  # it may go between any two questions
                if process.cwd() == str(self.folder) and process.pid != self.process.pid and name in " ".join(process.cmdline()):
                    found.append(process)
        return found

    def until(self, condition: Callable[[], object]) -> None:
        give_up = time.monotonic() + 60
        while not condition():
            assert time.monotonic() < give_up, (self.folder / "out").read_text()
            time.sleep(0.02)

    def until_trained(self) -> None:
        self.until(lambda: any(path.stat().st_size for path in self.folder.glob("run/trials/*/metrics.jsonl")))

    def server(self) -> psutil.Process:
        (server,) = set(psutil.Process(self.process.pid).children()).intersection(self.family("shoestring.runners.server"))
        return server

    def mark(self) -> str:
        (wrapper,) = [process for process in self.family("wrapper.sh") if process.name() == "sh"]
        return wrapper.environ()[marks.VARIABLE]


def at_work_in(folder: Path) -> list[psutil.Process]:
    return [process for process in psutil.process_iter(["cmdline"]) if str(folder / "trainer.py") in (process.info["cmdline"] or ())]


@pytest.mark.parametrize("runner", ["inline", "process"])
@pytest.mark.parametrize("what", WRAPPERS)
def test_nothing_of_a_script_is_left_when_its_lease_has_ended(tmp_path, monkeypatch, runner, what):
    (tmp_path / "trainer.py").write_text(TRAINER)
    (tmp_path / "wrapper.sh").write_text(WRAPPERS[what].replace("trainer.py", str(tmp_path / "trainer.py")))
    monkeypatch.setenv("PY", sys.executable)
    script = Script(("sh", str(tmp_path / "wrapper.sh")), None, "loss")
    with closing(InlineRunner(work_of(script)) if runner == "inline" else ProcessRunner(script, workers=1)) as at_work:
        at_work.start(Lease(1, 0, {}, 0, 0, 2, 9, "epoch", "loss", tmp_path / "0", grace=0.3))
        told = [*at_work.poll(30)]
        while not isinstance(told[-1], Exit):
            told += at_work.poll(30)

        assert sum("metrics" in happened.event for happened in told[:-1]) >= 2
        assert at_work_in(tmp_path) == []


@pytest.mark.parametrize("runner", ["inline", "process"])
def test_nothing_that_a_training_function_started_is_left_when_the_study_has_ended(tmp_path, runner):
    study = Study(tmp_path, runner, "a function")

    assert study.process.wait(60) == 0, (tmp_path / "out").read_text()
    assert study.family() == []


@pytest.mark.parametrize("runner", ["inline", "process"])
@pytest.mark.parametrize("what", ["waits", "becomes a daemon"])
def test_engine_and_server_killed_together_leave_nothing(tmp_path, runner, what):
    study = Study(tmp_path, runner, what)
    study.until_trained()

    for process in [study.server(), psutil.Process(study.process.pid)] if runner == "process" else [study.process]:
        process.kill()

    study.process.wait(10)
    study.until(lambda: not study.family())


@pytest.mark.parametrize("runner", ["inline", "process"])
def test_a_closed_terminal_is_an_orderly_stop(tmp_path, runner):
    study = Study(tmp_path, runner, "waits")
    study.until_trained()

    os.killpg(study.process.pid, signal.SIGHUP)

    assert study.process.wait(30) == 4
    assert study.family() == []
    assert "Traceback" not in (tmp_path / "out").read_text()


def test_a_stopped_server_and_worker_hold_nothing_up(tmp_path):
    study = Study(tmp_path, "process", "waits", budget=f"{BUDGET_S}s")
    study.until_trained()

    for process in (study.server(), *study.server().children()):
        process.suspend()

    assert study.process.wait(60) == 0
    assert study.family() == []
    assert Run.read(tmp_path / "run").spent().wall_s < BUDGET_S + 0.3 + 0.5


@pytest.mark.parametrize("runner", ["inline", "process"])
def test_a_stopped_engine_lets_nothing_overspend(tmp_path, runner):
    study = Study(tmp_path, runner, "waits", budget=f"{BUDGET_S}s")
    study.until_trained()

    os.killpg(study.process.pid, signal.SIGSTOP)
    time.sleep(BUDGET_S + 1)
    os.killpg(study.process.pid, signal.SIGCONT)

    assert study.process.wait(60) == 0
    assert Run.read(tmp_path / "run").spent().wall_s < BUDGET_S + 0.3 + 0.5


def test_resuming_ends_what_carries_the_mark_and_no_process_whose_number_is_stored(tmp_path):
    study = Study(tmp_path, "inline", "waits")
    study.until_trained()
    mark = study.mark()
    os.kill(study.process.pid, signal.SIGKILL)
    study.process.wait(10)
    stray, other = (
        subprocess.Popen(["sleep", "1000"], env={**os.environ, marks.VARIABLE: value}, start_new_session=True) for value in (mark, "other")
    )

    assert Study(tmp_path, "inline", "waits").process.wait(60) == 0

    assert (stray.wait(10), other.poll()) == (-signal.SIGKILL, None)
    other.kill()
    other.wait()


@pytest.mark.parametrize("runner", ["inline", "process"])
def test_a_process_that_a_training_function_forks_does_not_go_on_as_another_engine(tmp_path, runner):
    study = Study(tmp_path, runner, "forks")

    assert study.process.wait(60) == 0
    assert (tmp_path / "out").read_text().count("answered: ") == 1
    assert study.family() == []


@pytest.mark.parametrize("runner", ["inline", "process"])
def test_a_module_that_replaces_the_clocks_cannot_overspend(tmp_path, runner):
    study = Study(tmp_path, runner, "clocks", "12s")

    assert study.process.wait(60) == 0, (tmp_path / "out").read_text()
    assert 0 < Run.read(tmp_path / "run").spent().wall_s < 12 + 0.3 + 0.5
