"""The warm server: a process that has imported the user's module and forks one child a lease, so that a lease starts at once.

It obeys JSON lines on a socket (``start``, ``stop``) and answers with JSON lines (``ready``, ``refused``, ``started``, ``exit``). It
enforces each lease's seconds and grace by itself, and when its engine dies it kills everything it started, and ends. Each child adopts
what its own descendants leave behind, and the server adopts that when the child ends: whatever a trial has started, in whatever session,
is then found among the server's children and killed. Should the server be stopped, the kernel ends the children that overstay.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import json
import math
import os
import resource
import select
import signal
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from shoestring.errors import StoreUnwritable
from shoestring.machine.clock import monotonic
from shoestring.machine.files import open_own
from shoestring.machine.importing import load
from shoestring.runners.arms import from_plain, work_of
from shoestring.runners.deadline import kill_self_at
from shoestring.runners.family import adopt_orphans, children
from shoestring.runners.identity import GAP_S, STOPPED_S, WATCH_S, is_stopped
from shoestring.runners.worker import SAYS, UNWRITABLE, Work, describe
from shoestring.trial.lease import Lease

_PR_SET_PDEATHSIG = 1
_ALLOWANCE_S = 0.25  # between the end of the grace, when the server kills, and the moment when the kernel does
_libc = ctypes.CDLL(None, use_errno=True)
_exit = os._exit  # a training function may put something else in its place


@dataclass
class _Child:
    token: int
    pid: int
    term_at: float | None
    grace: float
    kill_at: float | None = None
    stopped: bool = False
    overstays_at: float = math.inf
    ran_at: float = field(default_factory=monotonic)
    oom_kills: int = field(default_factory=lambda: _oom_kills())


class Server:
    """Forks children for leases and watches over them until its socket closes."""

    def __init__(self, control: socket.socket, work: Work, threads: int, engine: int) -> None:
        self._control = control
        self._engine = engine
        self._at_work_since = monotonic()
        self._work = work
        self._threads = threads
        self._children: dict[int, _Child] = {}
        self._received = b""

    def serve(self) -> None:
        """Serves until the engine goes away; then nothing of what was started is left."""
        woken, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, lambda *_: None)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        watched: list[socket.socket | int] = [self._control, woken]
        try:
            while True:
                asleep = monotonic()
                readable, _, _ = select.select(watched, [], [], self._next_timeout())
                if monotonic() - asleep > GAP_S:
                    self._at_work_since = monotonic()
                if woken in readable:
                    os.read(woken, 4096)
                if os.getppid() != self._engine:  # SIGTERM says so, and one from anyone else is for the trials that it also reached
                    return
                if self._control in readable and not self._obey():
                    return
                self._enforce()
                self._reap()
        except ConnectionError:
            return
        finally:
            self._kill_everything()

    def _obey(self) -> bool:
        data = self._control.recv(1 << 20)
        if not data:
            return False
        *lines, self._received = (self._received + data).split(b"\n")
        for message in map(json.loads, lines):
            if message["do"] == "start":
                self._fork(Lease.from_json(message["lease"]), message["gpus"])
            elif (child := self._by_token(message["token"])) and not child.stopped:
                child.term_at, child.grace = monotonic(), message["grace"]
        return True

    def _fork(self, lease: Lease, gpus: list[int]) -> None:
        term_at = None if lease.seconds is None else monotonic() + lease.seconds
        overstays_at = math.inf if term_at is None else term_at + lease.grace + _ALLOWANCE_S
        server = os.getpid()
        pid = os.fork()
        if pid == 0:
            self._be_child(lease, gpus, server, overstays_at)
        self._children[pid] = _Child(lease.token, pid, term_at, lease.grace, overstays_at=overstays_at)
        self._say({"started": lease.token, "pid": pid})

    def _be_child(self, lease: Lease, gpus: list[int], server: int, overstays_at: float) -> NoReturn:
        status = 1
        try:
            os.setsid()
            _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != server:
                _exit(1)
            adopt_orphans()
            kill_self_at(overstays_at)
            self._control.close()
            _be_first_to_go()
            stop = _StopFlag()
            lease.folder.mkdir(parents=True, exist_ok=True)
            _redirect(lease.folder / "stdout.txt")
            if gpus:
                os.environ["CUDA_DEVICE_ORDER"] = "PCI_BUS_ID"  # the order in which NVML numbers them
                os.environ["CUDA_VISIBLE_DEVICES"] = ",".join(map(str, gpus))
            _use_threads(self._threads)
            self._work(lease, stop, "cuda" if gpus else "cpu")
            status = 0
        except (StoreUnwritable, OSError) as error:  # a training function's own are told by its end event
            status = UNWRITABLE
            print(f"{SAYS}{error}", file=sys.stderr)  # which a full disk may not take
        except BaseException as error:  # the edge of the process: nothing may run past it
            print(f"shoestring: {error}", file=sys.stderr)
        finally:
            with contextlib.suppress(Exception):
                sys.stdout.flush()
                sys.stderr.flush()
            _exit(status)

    def _enforce(self) -> None:
        now = monotonic()
        for child in self._children.values():
            if now - child.ran_at >= WATCH_S and not is_stopped(child.pid):
                child.ran_at = now
            if child.kill_at is None and now - max(child.ran_at, self._at_work_since) >= STOPPED_S:
                child.kill_at = now  # a script would train on without its keeper, and a study wait for ever
            if child.kill_at is not None and now >= child.kill_at:
                _kill_group(child.pid, signal.SIGKILL)
                child.kill_at = now + 1.0
            elif child.term_at is not None and now >= child.term_at:
                child.stopped, child.term_at, child.kill_at = True, None, now + child.grace
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child.pid, signal.SIGTERM)  # to the worker alone: its data loaders must live until it has saved

    def _reap(self) -> None:
        for pid in [pid for pid in self._children if _has_exited(pid)]:
            child = self._children.pop(pid)
            _kill_group(pid, signal.SIGKILL)
            _, status, used = os.wait4(pid, 0)
            cpu_s = used.ru_utime + used.ru_stime + self._kill_orphans()
            code = os.waitstatus_to_exitcode(status)
            stopped = child.stopped or monotonic() >= child.overstays_at
            self._say(
                {
                    "exit": child.token,
                    "at": monotonic(),
                    "code": code,
                    "cpu_s": cpu_s,
                    "peak_bytes": used.ru_maxrss * 1024,
                    "stopped": stopped,
                    "oom": code == -signal.SIGKILL and not stopped and _oom_kills() > child.oom_kills,
                }
            )

    def _kill_orphans(self) -> float:
        """Kills what ended children have left behind and returns the processor seconds that it used."""
        cpu_s = 0.0
        while orphans := [process for process in children() if process.pid not in self._children]:
            for orphan in orphans:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(orphan.pid, signal.SIGKILL)  # a child, so its number is its own until it is waited for
                with contextlib.suppress(ChildProcessError):
                    used = os.wait4(orphan.pid, 0)[2]
                    cpu_s += used.ru_utime + used.ru_stime
        return cpu_s

    def _kill_everything(self) -> None:
        for pid in self._children:
            _kill_group(pid, signal.SIGKILL)
        self._children.clear()
        self._kill_orphans()

    def _next_timeout(self) -> float | None:
        moments = [moment for child in self._children.values() for moment in (child.term_at, child.kill_at) if moment is not None]
        return max(0.0, min([monotonic() + WATCH_S, *moments]) - monotonic()) if self._children else None

    def _by_token(self, token: int) -> _Child | None:
        return next((child for child in self._children.values() if child.token == token), None)

    def _say(self, message: dict[str, Any]) -> None:
        self._control.sendall(json.dumps(message).encode() + b"\n")


class _StopFlag:
    """Becomes true at SIGTERM; what the training function itself does with the signal stays its own affair."""

    def __init__(self) -> None:
        self._raised = False
        signal.signal(signal.SIGTERM, self._raise)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.set_wakeup_fd(-1)

    def __call__(self) -> bool:
        return self._raised

    def _raise(self, *_: object) -> None:
        self._raised = True


def serve(control: socket.socket, get_work: Callable[[], Work], threads: int, engine: int) -> None:
    """Loads what is to be run, says whether that went well, and serves."""
    adopt_orphans()
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    try:
        work = get_work()
    except BaseException as error:  # the edge: a user's module may raise anything while it is imported
        control.sendall(json.dumps({"refused": describe(error)}).encode() + b"\n")
        return
    torch = sys.modules.get("torch")
    if torch:
        torch.optim.SGD([torch.zeros(1, requires_grad=True)])  # its first optimizer imports 800 modules: here once, not in every trial
    gc.collect()  # a quarter of a second with torch imported, which the first lease would wait for
    gc.freeze()
    cuda = bool(torch and torch.cuda.is_initialized())
    control.sendall(json.dumps({"ready": os.getpid(), "cuda_initialized": cuda}).encode() + b"\n")
    signal.pthread_sigmask(signal.SIG_SETMASK, ())  # whatever the module has blocked
    Server(control, work, threads, engine).serve()


def main() -> None:
    """Runs the server on the socket whose number is the first argument; the second says what to load."""
    control = socket.socket(fileno=int(sys.argv[1]))
    order = json.loads(sys.argv[2])
    if os.getppid() != order["engine"]:  # it died before it could be said that this is to die with it
        return
    sys.path += [place for place in order["path"] if place not in sys.path]
    serve(control, lambda: _work_of(order), order["threads"], order["engine"])


def _work_of(order: dict[str, Any]) -> Work:
    if order["work"]:
        return load(order["work"])(load(order["target"]))  # type: ignore[no-any-return]  # it makes work of a function
    return work_of(from_plain(order["target"]))


def _be_first_to_go() -> None:
    """Asks the kernel to take this process, not the engine, when memory runs out."""
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
        file.write("500")


def _has_exited(pid: int) -> bool:
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _kill_group(pid: int, number: signal.Signals) -> None:
    try:
        os.killpg(pid, number)
    except (ProcessLookupError, PermissionError):  # it has not made its own group yet, or is gone
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def _redirect(path: Path) -> None:
    output = open_own(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(output)
    os.close(nothing)


def _use_threads(threads: int) -> None:
    os.environ["OMP_NUM_THREADS"] = str(threads)
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(threads)


def _oom_kills() -> int:
    """Returns how often the kernel has killed for memory in this machine and control group, as far as that can be read."""
    total = 0
    for path, word in (("/proc/vmstat", "oom_kill"), ("/sys/fs/cgroup/memory.events", "oom_kill")):
        with contextlib.suppress(OSError, ValueError), open(path, encoding="ascii") as file:
            total += sum(int(value) for name, _, value in (line.partition(" ") for line in file) if name == word)
    return total


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    main()
