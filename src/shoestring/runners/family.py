"""The family of a trial: every process that was started below this one, whatever sessions and parents it has taken since."""

from __future__ import annotations

import ctypes
import os
import sys
from contextlib import suppress
from types import TracebackType

import psutil

from shoestring.machine.clock import monotonic

KILL_S = 5.0  # how long killed processes may take to go
_PR_SET_CHILD_SUBREAPER, _PR_GET_CHILD_SUBREAPER = 36, 37
_libc = ctypes.CDLL(None)


def adopt_orphans(adopt: bool = True) -> bool:
    """Has this process adopt what its descendants leave behind, or no longer; returns whether it did so before."""
    if sys.platform != "linux":
        return False
    before = ctypes.c_int(0)
    _libc.prctl(_PR_GET_CHILD_SUBREAPER, ctypes.byref(before))
    _libc.prctl(_PR_SET_CHILD_SUBREAPER, int(adopt))
    return bool(before.value)


class Family:
    """What is started below this process within the block: it can be asked to end, and nothing of it is left after the block."""

    def __enter__(self) -> Family:
        self._adopted = adopt_orphans()
        self._others = {process.pid for process in children()}
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.end()
        adopt_orphans(self._adopted)

    def heads(self) -> list[psutil.Process]:
        """Returns the living processes that nobody else of the family has above itself."""
        return [process for process in children() if process.pid not in self._others and _is_alive(process)]

    def ask(self, asked: set[int]) -> bool:
        """Sends SIGTERM to the heads that were not asked yet; False if nobody is left.

        A wrapper may end without telling what it started, which is then a head itself and is asked in its turn.
        """
        heads = self.heads()
        for head in heads:
            if head.pid not in asked:
                asked.add(head.pid)
                with suppress(psutil.Error):
                    head.terminate()
        return bool(heads)

    def end(self) -> None:
        """Kills the whole family, and waits until it is gone."""
        until, helpers = monotonic() + KILL_S, self._others | _helpers()
        while (heads := [process for process in children() if process.pid not in helpers]) and monotonic() < until:
            for head in heads:
                for process in (*_below(head), head):
                    with suppress(psutil.Error):
                        process.kill()
            _reap({head.pid for head in heads})


def children() -> list[psutil.Process]:
    """Returns this process's children, ended ones that nobody has waited for included."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return []  # the usual case, for which no list of all processes is needed
    return psutil.Process().children()


def _below(process: psutil.Process) -> list[psutil.Process]:
    with suppress(psutil.Error):
        return process.children(recursive=True)
    return []


def _is_alive(process: psutil.Process) -> bool:
    with suppress(psutil.Error):
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    return False


def _helpers() -> set[int]:
    """Returns the processes with which Python itself tracks shared memory: they end with this one, and do no work of a trial."""
    modules = [module for name, module in list(sys.modules.items()) if name.endswith("resource_tracker")]
    return {pid for module in modules if (pid := getattr(getattr(module, "_resource_tracker", None), "_pid", None))}


def _reap(pids: set[int]) -> None:
    """Waits for killed children; those of ``multiprocessing`` are left to it, as it would take them for still running."""
    for pid in pids:
        with suppress(ChildProcessError):
            os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    if multiprocessing := sys.modules.get("multiprocessing"):
        multiprocessing.active_children()
    for pid in pids:
        with suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)
