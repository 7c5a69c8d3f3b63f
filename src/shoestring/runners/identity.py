"""Which process it was: its number alone says nothing once it has ended, or on another machine, or after a restart of this one."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import psutil

WATCH_S = 0.25  # how often a process is looked at, whether someone has stopped it
STOPPED_S = 2.0  # how long a process may be stopped, or a lease overstay its grace, before it is killed
GAP_S = 1.0  # a longer time between two looks means that this process was itself stopped or starved
TICK_S = 0.02  # the kernel counts starts in hundredths of a second


@functools.cache
def boot() -> str:
    """Returns the name of this start of this machine, which no other one has; empty where there is none."""
    with suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return ""


def identity(pid: int) -> Mapping[str, float | str] | None:
    """Returns what tells a living process from every other one, None if it is gone."""
    with suppress(psutil.Error):
        return {"pid": pid, "started": _started(psutil.Process(pid)), "boot": boot()}
    return None


def kill_tree(who: Mapping[str, float | str]) -> None:
    """Kills the process that ``identity`` described, if it is there, and all that runs below it."""
    with suppress(psutil.Error):
        process = psutil.Process(int(who["pid"]))
        if who.get("boot") != boot() or abs(_started(process) - float(who.get("started", -1.0))) > TICK_S:
            return
        for one in (*process.children(recursive=True), process):
            with suppress(psutil.Error):
                one.kill()
        process.wait(5.0)


def is_stopped(pid: int) -> bool:
    """Tells whether someone has stopped a process, as Ctrl-Z and a debugger do."""
    with suppress(psutil.Error):
        return psutil.Process(pid).status() in (psutil.STATUS_STOPPED, psutil.STATUS_TRACING_STOP)
    return False


def _started(process: psutil.Process) -> float:
    """Returns when a process was started in seconds since the start of the machine, which no setting of the clock changes."""
    return process.create_time() - psutil.boot_time()
