"""What `benchmarks/budget.py` trains: the ways in which a trial does not want to end, by name in the environment variable `KIND`."""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shoestring import Trial


def train(trial: Trial) -> None:
    """Trains one unit after the other, each in the way that was asked for."""
    with open(os.environ["PIDS"], "a", encoding="ascii") as pids:
        pids.write(f"{os.getpid()}\n")
    state = {"units": 0}
    for _ in trial.steps(state=state):
        KINDS[os.environ["KIND"]]()
        state["units"] += 1
        trial.report(loss=trial.config["x"])


def nap() -> None:
    """Behaves well."""
    time.sleep(0.01)


def sleep() -> None:
    """Sleeps through every deadline."""
    time.sleep(600)


def spin() -> None:
    """Keeps a core busy."""
    while True:
        pass


def ignore() -> None:
    """Ignores every signal that can be ignored."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGALRM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    time.sleep(600)


def swallow() -> None:
    """Catches whatever is raised in it."""
    while True:
        with contextlib.suppress(BaseException):
            time.sleep(600)


def block() -> None:
    """Blocks signals, threads and all."""
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    threading.Thread(target=spin).start()
    threading.Event().wait()


def fork() -> None:
    """Has children and grandchildren that ignore SIGTERM."""
    for _ in range(2):
        if os.fork() == 0:
            os.fork()
            ignore()
    time.sleep(600)


def session() -> None:
    """Has children in sessions of their own, one of them given away to whoever adopts orphans."""
    subprocess.Popen(["sleep", "600"], start_new_session=True)
    if os.fork() == 0:
        os.setsid()
        if os.fork():
            os._exit(0)
        ignore()
    time.sleep(600)


def leave() -> None:
    """Ends by itself, and leaves a process of a session of its own behind."""
    if os.fork() == 0:
        os.setsid()
        ignore()
    time.sleep(0.05)


def allocate() -> None:
    """Takes memory, up to 512 MiB."""
    taken = []
    while len(taken) < 16:
        taken.append(bytearray(os.urandom(1 << 20) * 32))
        time.sleep(0.02)
    time.sleep(600)


def backtrack() -> None:
    """Hangs in C, in a search that never ends and holds the interpreter."""
    re.match("(a+)+$", "a" * 60 + "b")


def foreign() -> None:
    """Hangs in a C function that no signal wakes for good."""
    while True:
        ctypes.CDLL(None).sleep(600)


def stop() -> None:
    """Stops itself, so that it can do nothing at all."""
    os.kill(os.getpid(), signal.SIGSTOP)


def write() -> None:
    """Writes without an end."""
    while True:
        print("x" * 1000, file=sys.stderr)
        time.sleep(1e-4)


KINDS: dict[str, Callable[[], None]] = {
    kind.__name__: kind
    for kind in (nap, sleep, spin, ignore, swallow, block, fork, session, leave, allocate, backtrack, foreign, stop, write)
}
