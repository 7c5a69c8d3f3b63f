"""The process runner: one child process a trial, forked from a warm server that has imported the user's module."""

from __future__ import annotations

import math
import os
import signal
from collections.abc import Container, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import psutil

from shoestring.errors import InvalidTarget, RunnerLost, StoreCorrupt
from shoestring.machine import mark as marks
from shoestring.machine.clock import monotonic
from shoestring.machine.files import read_own
from shoestring.runners import gpus
from shoestring.runners.arms import Target, by_name, catch_up
from shoestring.runners.connection import Connection
from shoestring.runners.energy import EnergyMeter, Snapshot
from shoestring.runners.guarding import Guard
from shoestring.runners.identity import GAP_S, STOPPED_S, WATCH_S, identity, is_stopped, kill_tree
from shoestring.runners.protocol import Post
from shoestring.runners.worker import EVENTS, SAYS, UNWRITABLE
from shoestring.trial.events import read, read_until_damage
from shoestring.trial.lease import Exit, Lease, Report, Usage

POLL_S = 0.05  # how often event files are looked at while nothing else wakes the runner
_CRASHES = {signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGILL, signal.SIGFPE, signal.SIGSYS}


@dataclass
class _Running:
    lease: Lease
    began: float
    energy: Snapshot
    gpus: list[int]
    offset: int
    ends_at: float
    size: int = 0  # of its event file, when that was last looked at
    damage: str | None = None  # what happened to that file
    has_said_end: bool = False
    pid: int | None = None


class ProcessRunner:
    """Runs each lease in a child process of its own: own session, killed as a group, dead as soon as its engine is.

    Args:
        target: ``file.py:function`` or ``package.module:function``, imported by the server alone; a script; or a function, in which case
            the server is forked from this process, so that closures and notebooks work.
        workers: how many trials run at once; None for one a GPU, or half the cores. Each gets its share of the cores as threads, or
            ``OMP_NUM_THREADS`` of them where that is set.
        watts: declared power of a busy core, where the processor's energy cannot be read.
        work: ``package.module:function`` that makes the work of a target given by name, in place of ``worker.python_work``.
        mark: the mark of the run, which everything that is started carries.
        ready_by: the moment, on ``now``'s clock, by which the target must be imported; later, the import is given up and the capacity is 0.
    Raises:
        InvalidTarget: the target cannot be imported; its own traceback comes along.
    """

    def __init__(
        self,
        target: Target,
        workers: int | None = None,
        watts: float | None = None,
        work: str | None = None,
        mark: str | None = None,
        ready_by: float | None = None,
    ) -> None:
        self._mark = mark or marks.new()
        self._guard = Guard(self._mark, freeze=False)
        self._guard.ensure()
        self._target = target
        self._work = work
        cores = os.cpu_count() or 1
        self._gpus = [gpu.index for gpu in gpus.visible()]
        self.capacity = workers or default_workers()
        asked = os.environ.get("OMP_NUM_THREADS", "")
        self._threads = int(asked) if asked.isdigit() and int(asked) else max(1, cores // self.capacity)
        self._meter = EnergyMeter(watts)
        self.rates = self._meter.rates(cores=cores, n_gpus=int(bool(self._gpus)))
        self._running: dict[int, _Running] = {}
        self._to_stop: dict[int, float] = {}  # grace by token
        self._pending: list[Report | Exit] = []
        self._connection: Connection | None = None
        self._answers: list[dict[str, Any]] = []  # what the server said and was not taken in yet
        self._lost_touch = False
        self._watched_at = self._server_ran_at = self._at_work_since = monotonic()
        self._exited_at = self._stopped_s = self._not_counted_s = 0.0
        try:
            self._connection = self._connect(ready_by)
        except TimeoutError:
            self.capacity = 0
        except BaseException:  # a Ctrl-C as well leaves no guardian
            self._guard.close()
            raise

    def now(self) -> float:
        """Returns seconds on the monotonic clock, less those in which this process was stopped and no lease was running."""
        if (stopped_s := self._guard.stops()[0]) > self._stopped_s:
            self._hear()
            idle_s = 0.0 if self._is_busy() else monotonic() - max(self._guard.stops()[1], self._exited_at)
            self._not_counted_s += max(0.0, min(stopped_s - self._stopped_s, idle_s))
            self._stopped_s = stopped_s
        return monotonic() - self._not_counted_s

    def start(self, lease: Lease) -> None:
        """Has the server fork a child for the lease."""
        self._guard.ensure()
        assigned = self._assign_gpu()
        ends_at = math.inf if lease.seconds is None else monotonic() + lease.seconds + lease.grace
        self._running[lease.token] = _Running(lease, self.now(), self._meter.begin(assigned), assigned, lease.offset, ends_at)
        self._say({"do": "start", "lease": lease.to_json(), "gpus": assigned})

    def poll(self, timeout_s: float) -> Sequence[Report | Exit]:
        """Returns new reports and exits."""
        until = monotonic() + timeout_s
        while not self._pending:
            self._send_stops()
            self._listen(min(POLL_S, max(0.0, until - monotonic())))
            self._watch_server()
            for running in list(self._running.values()):
                self._pending += self._new_reports(running)
            if monotonic() >= until:
                break
        happened, self._pending = self._pending, []
        return happened

    def usage(self, token: int) -> Usage:
        """Returns a sample of what the lease and all its child processes have used so far."""
        running = self._running[token]
        cpu_s = 0.0
        with suppress(psutil.Error):
            if running.pid is not None:
                root = psutil.Process(running.pid)
                for process in (root, *root.children(recursive=True)):
                    with suppress(psutil.Error):
                        times = process.cpu_times()
                        cpu_s += times.user + times.system
        return self._usage(running, cpu_s, 0, "sampled")

    def process(self, token: int) -> Mapping[str, float | str] | None:
        """Returns what tells the process of a running lease from all others, None before it is known."""
        running = self._running[token]
        return None if running.pid is None else identity(running.pid)

    def stop(self, token: int, grace_s: float) -> None:
        """Has the next ``poll`` send SIGTERM to the worker; when the grace is over, its whole process tree is killed.

        A signal handler may call this in the middle of anything, so it only takes note.
        """
        if running := self._running.get(token):
            running.ends_at = min(running.ends_at, monotonic() + grace_s)
            self._to_stop[token] = grace_s

    def recover(self, folder: Path, token: int, offset: int, process: Mapping[str, float | str] | None) -> Sequence[Report]:
        """Kills what a dead engine has left of the run, and returns what was recorded before the crash and not read yet."""
        if process is not None:
            kill_tree(process)
        marks.end(self._mark, spare=_Own())
        catch_up(self._target, folder, token)
        return [Report(token, event, end) for event, end in read(folder / EVENTS, offset, may_be_shorter=True)]

    def close(self) -> None:
        """Ends the server, which kills what still runs."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        self._guard.close()
        self._running.clear()

    def _send_stops(self) -> None:
        while self._to_stop:
            token, grace_s = self._to_stop.popitem()
            if token in self._running:
                self._say({"do": "stop", "token": token, "grace": grace_s})

    def _say(self, message: dict[str, Any]) -> None:
        assert self._connection is not None, "without a server the capacity is 0"
        if not self._connection.say(message):
            self._replace_server()

    def _listen(self, timeout_s: float) -> None:
        if self._connection is None:
            return
        self._hear(timeout_s)
        if self._lost_touch:
            self._replace_server()
            return
        answers, self._answers = self._answers, []
        for answer in answers:
            if "started" in answer:
                if running := self._running.get(answer["started"]):
                    running.pid = answer["pid"]
            else:
                self._ended(answer)

    def _hear(self, timeout_s: float = 0.0) -> None:
        """Keeps what the server has to say."""
        answers = self._connection.answers(timeout_s) if self._connection is not None else []
        self._lost_touch = answers is None
        self._answers += answers or []
        self._exited_at = max([self._exited_at, *(answer["at"] for answer in answers or [] if "exit" in answer)])

    def _is_busy(self) -> bool:
        """Tells whether any lease still runs, as far as the server has said."""
        return bool(self._running.keys() - {answer.get("exit") for answer in self._answers})

    def _watch_server(self) -> None:
        """Replaces a server that was stopped, or that does not end what is over: the leases must end without it."""
        now = monotonic()
        if self._connection is None or now - self._watched_at < WATCH_S:
            return
        if now - self._watched_at > GAP_S:
            self._at_work_since = now
        self._watched_at = now
        if not is_stopped(self._connection.pid):
            self._server_ran_at = now
        grace_s = max((running.lease.grace for running in self._running.values()), default=0.0)
        ended = min((running.ends_at for running in self._running.values()), default=math.inf)
        overstayed_s = now - max(ended, self._at_work_since + grace_s)
        stood_s = now - max(self._server_ran_at, self._at_work_since)
        if stood_s > STOPPED_S or overstayed_s > (WATCH_S if stood_s else STOPPED_S):
            self._replace_server()

    def _ended(self, answer: dict[str, Any]) -> None:
        running = self._running.pop(answer["exit"])
        if answer["code"] != 0:
            self._recover_script(running.lease)
        self._pending += self._new_reports(running)
        usage = self._usage(running, answer["cpu_s"], answer["peak_bytes"], "measured")
        exit_ = _exit(running.lease, usage, answer)
        if running.damage:
            exit_ = replace(exit_, how="damaged", note=running.damage)
        elif exit_.how == "ended" and running.offset > running.lease.offset and not running.has_said_end:
            exit_ = replace(exit_, how="crashed")  # as after os._exit(0)
        self._pending.append(exit_)

    def _replace_server(self) -> None:
        """The server died or was stopped: its children die with it, so every lease is lost; another server takes its place."""
        assert self._connection is not None, "one died"
        lost, self._running, self._answers = self._running, {}, []
        self._connection.close(kill=True)
        marks.end(self._mark)
        for running in lost.values():
            self._recover_script(running.lease)
            self._pending += self._new_reports(running)
            self._pending.append(
                Exit(running.lease.token, self._usage(running, 0.0, 0, "estimated"), "orphaned", "the server of its process died")
            )
        try:
            self._connection = self._connect(None)
        except InvalidTarget as error:
            raise RunnerLost(
                f"the process that starts trials died and did not come up again ({error}); run the same command to resume."
            ) from error

    def _connect(self, ready_by: float | None) -> Connection:
        return Connection(self._target, self._work, self._threads, self._mark, ready_by)

    def _recover_script(self, lease: Lease) -> None:
        catch_up(self._target, lease.folder, lease.token)

    def _new_reports(self, running: _Running) -> list[Report]:
        path = running.lease.folder / EVENTS
        try:
            size = path.stat().st_size
        except FileNotFoundError:
            size = 0
        was_cut = size < running.offset <= running.size
        if running.damage or size == running.offset or (size < running.offset and not was_cut):  # or not opened yet after a power failure
            running.size = size
            return []
        running.size = size
        events, running.damage = read_until_damage(path, running.offset)
        if events:
            running.offset = events[-1][1]
            running.has_said_end |= "end" in events[-1][0]
        if running.damage:
            self.stop(running.lease.token, 0.0)
        return [Report(running.lease.token, event, offset) for event, offset in events]

    def _usage(self, running: _Running, cpu_s: float, peak_bytes: int, source: str) -> Usage:
        busy_s = self.now() - running.began
        kwh, energy_source = self._meter.used(running.energy, cpu_s)
        provenance = {"busy_s": "measured", "gpu_s": "measured", "cpu_s": source, "kwh": energy_source}
        return Usage(busy_s, cpu_s, busy_s * len(running.gpus), kwh, peak_bytes, provenance)

    def _assign_gpu(self) -> list[int]:
        if not self._gpus:
            return []
        load = {index: sum(index in running.gpus for running in self._running.values()) for index in self._gpus}
        by_free_memory = [gpu.index for gpu in gpus.visible()]
        return [min(by_free_memory, key=lambda index: load[index])]


def default_workers() -> int:
    """Returns one worker a GPU, or half the cores where there is none."""
    return len(gpus.visible()) or max(1, (os.cpu_count() or 1) // 2)


def _exit(lease: Lease, usage: Usage, answer: dict[str, Any]) -> Exit:
    token, code = lease.token, answer["code"]
    if code == 0:
        return Exit(token, usage)
    if answer["stopped"]:
        return Exit(token, usage, "killed", "its time and grace were over")
    if code == UNWRITABLE:
        return Exit(token, usage, "unwritable", _last_word(lease.folder / "stdout.txt"))
    if answer["oom"]:
        return Exit(token, usage, "crashed", f"out of memory: the kernel killed it at {usage.peak_bytes / 2**30:.1f} GiB")
    if code > 0:
        return Exit(token, usage, "crashed", f"the process ended with exit code {code}")
    name = signal.Signals(-code).name
    return Exit(token, usage, "crashed" if -code in _CRASHES else "lost", f"{name}{'' if -code in _CRASHES else ' from outside'}")


def _last_word(output: Path) -> str | None:
    """Returns why a worker says that it could not write, None where it could not say even that."""
    with suppress(OSError, IndexError, StoreCorrupt):
        said = read_own(output)[-2000:].decode(errors="backslashreplace").splitlines()[-1]
        return said.removeprefix(SAYS) if said.startswith(SAYS) else None
    return None


class _Own(Container[int]):
    """This process and all that runs below it."""

    def __contains__(self, pid: object) -> bool:
        try:
            return os.getpid() in (pid, *(parent.pid for parent in psutil.Process(cast(int, pid)).parents()))
        except psutil.Error:
            return False


def process(post: Post) -> ProcessRunner:
    """Returns the process runner of a post."""
    return ProcessRunner(by_name(post.target), post.workers, post.watts, mark=post.mark, ready_by=post.ready_by)
