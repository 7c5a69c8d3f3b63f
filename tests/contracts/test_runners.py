"""What every runner promises to the engine: one table of members, one list of properties."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from shoestring.runners.inline import InlineRunner
from shoestring.runners.process import ProcessRunner
from shoestring.runners.protocol import Runner
from shoestring.runners.replay import ReplayRunner
from shoestring.runners.script import Script
from shoestring.runners.worker import EVENTS, python_work
from shoestring.testing import RUNNER_CHECKS
from shoestring.testing.runners import HORIZON, Session, curve_of, it_may_be_closed_twice
from shoestring.trial.events import read
from shoestring.trial.lease import Report

pytestmark = pytest.mark.slow

TRAIN = '''
import asyncio, os, signal, time
def train(trial):
    """Does what its configuration says: descends, and misbehaves in the named way after two units."""
    for epoch in trial.steps():
        trial.report(loss=1 / (epoch + 1), pid=os.getpid())
        misbehave(trial.config["how"], epoch + 1)
        if trial.config["how"] == "return" and epoch == 1:
            return
    if trial.config["how"] == "linger":
        time.sleep(60)

def misbehave(how, unit):
    if how == "slowly":
        time.sleep(0.05)
    if unit == 2 and how == "raise":
        raise ValueError("two is too many")
    if unit == 2 and how == "hang":
        time.sleep(60)
    if unit == 2 and how == "swallow":
        try:
            time.sleep(60)
        except BaseException:
            time.sleep(60)
    if unit == 2 and how == "replaces the clock":
        time.monotonic = time.time = lambda: 0.0
        time.sleep = lambda seconds: None
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        while True:
            pass
    if unit == 2 and how in BASES:
        raise BASES[how]("two is too many")

class Own(BaseException):
    pass

BASES = {base.__name__: base for base in (KeyboardInterrupt, GeneratorExit, SystemExit, asyncio.CancelledError, Own)}
'''

SCRIPT = """
import json, os, sys, time
folder, to, how = os.environ["SHOESTRING_CHECKPOINT_DIR"], int(os.environ["SHOESTRING_TO"]), sys.argv[1]
state = os.path.join(folder, "state")
done = int(open(state).read()) if os.path.exists(state) else 0
for unit in range(done + 1, to + 1):
    if how == "slowly":
        time.sleep(0.05)
    loss = float("nan") if how == "diverge" and unit == 2 else 1 / unit
    with open(os.environ["SHOESTRING_EVENTS"], "a") as file:
        file.write(json.dumps({"unit": unit, "loss": loss}) + "\\n")
    with open(state, "w") as file:
        file.write(str(unit))
    if unit == 2 and how == "raise":
        raise ValueError("two is too many")
    if unit == 2 and how == "return":
        break
    if unit == 2 and how == "hang":
        time.sleep(60)
if how == "linger":
    time.sleep(60)
"""


def train(trial):
    """The function of ``TRAIN``, for runners that are handed one."""
    names: dict[str, Callable[..., None]] = {}
    exec(TRAIN, names)
    names["train"](trial)


def curve(config, seed):
    length = 2 if config["how"] == "return" else HORIZON
    return [{"loss": float("nan") if config["how"] == "diverge" and unit == 2 else 1 / unit} for unit in range(1, length + 1)]


def from_file(folder: Path) -> ProcessRunner:
    (folder / "target.py").write_text(TRAIN)
    return ProcessRunner(f"{folder / 'target.py'}:train", workers=2)


def from_script(folder: Path) -> ProcessRunner:
    (folder / "train.py").write_text(SCRIPT)
    return ProcessRunner(Script((sys.executable, str(folder / "train.py"), "{how}"), None, "loss"), workers=2)


MEMBERS: dict[str, Callable[[Path], Runner]] = {
    "inline": lambda folder: InlineRunner(python_work(train)),
    "process, from a function": lambda folder: ProcessRunner(train, workers=2),
    "process, from a file": from_file,
    "process, from a script": from_script,
    "replay": lambda folder: ReplayRunner(curve, workers=2),
}
OWN_PROCESS = [name for name in MEMBERS if name.startswith("process")]
RUN_CODE = [name for name in MEMBERS if name != "replay"]
RUN_FUNCTIONS = [name for name in RUN_CODE if "script" not in name]


@contextmanager
def opened(name: str, folder: Path) -> Iterator[Session]:
    folder.mkdir(exist_ok=True)
    runner = MEMBERS[name](folder)
    try:
        yield Session(runner, folder)
    finally:
        runner.close()


@pytest.fixture(scope="module")
def sessions(tmp_path_factory):
    """One runner of each kind for all tests: a target is imported once."""
    kept: dict[str, object] = {}
    runners: dict[str, Runner] = {}

    def session(name: str, folder: Path) -> Session:
        if name not in runners:
            kept[name] = opened(name, tmp_path_factory.mktemp("runner"))
            runners[name] = kept[name].__enter__().runner
        return Session(runners[name], folder)

    yield session
    for manager in kept.values():
        manager.__exit__(None, None, None)


@pytest.fixture
def session(name, sessions, tmp_path):
    return sessions(name, tmp_path)


def all_of(names):
    return pytest.mark.parametrize("name", names)


class Kept:
    """A runner that stays open for all tests of a module: its target is imported once."""

    def __init__(self, runner: Runner) -> None:
        self.runner = runner

    def __getattr__(self, name: str) -> object:
        return getattr(self.runner, name)

    def close(self) -> None:
        pass


UNLIKE = {  # what a replay does not do, as it runs no code, and what cannot run beside another
    "replay": {"it_carries_the_traceback_of_a_failure", "it_kills_a_trial_that_overstays", "it_recovers_what_nobody_has_read"},
    "inline": {"it_runs_as_many_at_once_as_it_has_room_for", "it_has_a_stopped_trial_save_and_pause"},
}


PROMISES = [(name, check) for name in MEMBERS for check in RUNNER_CHECKS if check.__name__ not in UNLIKE.get(name, ())]


@pytest.mark.parametrize(("name", "check"), PROMISES, ids=[f"{name}, {check.__name__}" for name, check in PROMISES])
def test_a_runner_keeps_its_promises(name, check, sessions, tmp_path):
    if check is it_may_be_closed_twice:
        check(lambda _: MEMBERS[name](tmp_path), tmp_path)
    else:
        check(lambda _: Kept(sessions(name, tmp_path).runner), tmp_path)


@all_of(RUN_CODE)
def test_offsets_lead_through_the_event_file(session):
    session.start(to=3)
    *reports, _ = session.until_exit()

    found = list(read(session.folder / "0" / EVENTS))
    assert [(report.event, report.offset) for report in reports] == found


@all_of(["process, from a script", "replay"])
def test_a_metric_that_is_not_finite_is_the_end_of_a_trial(session):
    events, _ = session.carry_out("diverge")

    assert (events[-1]["end"], curve_of(events)[1]) == ("diverged", (2, "nan"))


@all_of(RUN_FUNCTIONS)
@pytest.mark.parametrize("base", ["KeyboardInterrupt", "GeneratorExit", "SystemExit", "CancelledError", "Own"])
def test_an_exception_of_any_class_is_a_failure_of_the_trial(session, base):
    events, exit_ = session.carry_out(base)

    assert (events[-1]["end"], exit_.how) == ("failed", "ended")
    assert events[-1]["error"]["type"] == base


@all_of(RUN_FUNCTIONS)
def test_so_is_one_that_swallows_what_is_raised_to_end_it(session):
    _, exit_ = session.carry_out("swallow", seconds=0.4, grace=0.2)

    assert exit_.how == "killed"
    assert exit_.usage.busy_s < 30


@all_of(["process, from a file", "process, from a function"])
@pytest.mark.parametrize("stopped", [False, True])
def test_neither_other_clocks_nor_a_stopped_server_let_a_trial_overstay(name, tmp_path, stopped):
    with opened(name, tmp_path / "own") as session:
        session.start("replaces the clock", seconds=1.0, grace=0.3)
        until_reported(session)
        began, (worker,) = time.monotonic(), [psutil.Process(int(session.runner.process(1)["pid"]))]
        if stopped:
            worker.parent().suspend()
        while is_at_work(worker):
            assert time.monotonic() - began < 30

        assert time.monotonic() - began < 1.0 + 0.3 + 0.5
        assert session.until_exit()[-1].how in ("killed", "orphaned")


@all_of(RUN_CODE)
def test_what_comes_after_the_last_unit_is_time_and_not_another_unit(session):
    events, exit_ = session.carry_out("linger", seconds=2.5, grace=0.3)

    assert [event["begin"] for event in events if "begin" in event] == list(range(1, HORIZON + 1))
    assert max(event.get("done", event.get("checkpoint", 0)) for event in events) == HORIZON
    assert exit_.usage.busy_s > 2.5


@all_of(OWN_PROCESS)
def test_a_running_lease_has_a_process_that_recovery_kills(session):
    lease = session.start("hang")
    while (process := session.runner.process(lease.token)) is None:
        session.runner.poll(0.5)

    session.runner.recover(session.folder / "0", lease.token, 0, process)

    assert session.until_exit()[-1].how == "lost"
    assert not psutil.pid_exists(int(process["pid"]))


def descendants():
    return set(psutil.Process().children(recursive=True))


def is_at_work(process):
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:  # it may go between any two questions
        return False


def until_reported(session):
    while not any("metrics" in item.event for item in session.runner.poll(0.5) if isinstance(item, Report)):
        pass


@all_of(OWN_PROCESS)
def test_closing_leaves_no_process(name, tmp_path):
    others = descendants()
    with opened(name, tmp_path / "own") as session:
        session.start("hang")
        until_reported(session)
        family = descendants() - others

    assert len(family) >= 2
    assert not any(is_at_work(process) for process in family)


@all_of(OWN_PROCESS)
def test_if_the_server_is_killed_its_leases_are_lost_and_another_takes_its_place(name, tmp_path):
    others = descendants()
    with opened(name, tmp_path / "own") as session:
        (server,) = descendants() - others
        session.start("hang")
        until_reported(session)
        family = descendants() - others
        server.kill()

        assert session.until_exit()[-1].how == "orphaned"
        assert not any(is_at_work(process) for process in family)
        assert session.carry_out(trial_id=1, to=2)[1].how == "ended"


@all_of(OWN_PROCESS)
def test_a_runner_closes_although_another_was_forked_after_it(name, tmp_path):
    with opened(name, tmp_path / "own") as session, opened("process, from a function", tmp_path / "another") as another:
        session.runner.close()

        assert another.carry_out(to=1)[1].how == "ended"
