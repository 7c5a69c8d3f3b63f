"""The mark of a run: what every process that a study starts carries, so that all of them can be found and ended.

It is an environment variable, which programs hand on to what they start. The environment of a process that was forked, and has started no
program since, cannot be read from outside; such a process carries the mark as the name of a mapping.
"""

from __future__ import annotations

import mmap
import os
import signal
from collections.abc import Container, Iterator
from contextlib import suppress

from shoestring.machine.clock import monotonic, sleep

VARIABLE = "SHOESTRING_RUN"
KILL_S = 5.0  # how long killed processes may take to go


def new() -> str:
    """Returns a mark that no other run has."""
    return os.urandom(8).hex()


def engrave(mark: str) -> mmap.mmap | None:
    """Marks all processes that are forked from this one for as long as the returned mapping is kept; None where that is not possible."""
    if not hasattr(os, "memfd_create"):
        return None
    file = os.memfd_create(_mapping(mark))
    try:
        os.ftruncate(file, mmap.PAGESIZE)
        return mmap.mmap(file, mmap.PAGESIZE)
    finally:
        os.close(file)


def carriers(mark: str) -> list[int]:
    """Returns the other processes on this machine that carry the mark."""
    return [pid for pid in _processes() if pid != os.getpid() and carries(pid, mark)]


def carries(pid: int, mark: str) -> bool:
    """Tells whether a process carries the mark."""
    if f"{VARIABLE}={mark}".encode() in _read(pid, "environ").split(b"\0"):
        return True
    return f"/memfd:{_mapping(mark)}".encode() in _read(pid, "maps")


def tell(mark: str, number: signal.Signals, spare: Container[int] = ()) -> bool:
    """Sends a signal to all other processes that carry the mark, but those to spare; False if there is none."""
    found = [pid for pid in carriers(mark) if pid not in spare]
    for pid in found:
        _signal(pid, mark, number)
    return bool(found)


def end(mark: str, spare: Container[int] = ()) -> None:
    """Kills all other processes that carry the mark, but those to spare, and waits until they are gone."""
    until = monotonic() + KILL_S
    while tell(mark, signal.SIGKILL, spare) and monotonic() < until:
        sleep(0.005)


def _signal(pid: int, mark: str, number: signal.Signals) -> None:
    """Sends a signal to a process, unless its number has meanwhile been given to another one."""
    with suppress(OSError):
        handle = os.pidfd_open(pid)
        try:
            if carries(pid, mark):
                signal.pidfd_send_signal(handle, number)
        finally:
            os.close(handle)


def _mapping(mark: str) -> str:
    return f"shoestring-run-{mark}"


def _processes() -> Iterator[int]:
    with suppress(OSError):
        yield from (int(name) for name in os.listdir("/proc") if name.isdigit())


def _read(pid: int, name: str) -> bytes:
    with suppress(OSError), open(f"/proc/{pid}/{name}", "rb") as file:
        return file.read()
    return b""
