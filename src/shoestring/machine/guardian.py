"""The guardian of a run: a small process that outlives the engine by a moment, and ends what the engine leaves running.

It is not a child of the engine, takes no signal of its terminal, and knows the study's processes by their mark alone, so it works
even when the engine and the server of its trials are killed together. It also tells the engine for how long that was stopped.
"""

from __future__ import annotations

import os
import select
import signal
import struct
import sys
from contextlib import suppress

from shoestring.machine import mark as marks
from shoestring.machine.clock import monotonic

LOOK_S = 0.25
BYE = b"bye"
STOPS = struct.Struct("dd")  # for how many seconds the engine was stopped in all, and when the last stop began


def main() -> None:
    """Guards until the engine says goodbye or is gone; the arguments are its process, the run's mark, whether to freeze, and two files."""
    engine, mark, freeze, control, stops = int(sys.argv[1]), sys.argv[2], sys.argv[3] == "freeze", int(sys.argv[4]), int(sys.argv[5])
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)
    os.set_blocking(control, False)
    os.write(control, f"{os.getpid()}\n".encode())
    if not _watch(engine, mark, freeze, control, stops):
        marks.end(mark, spare=(engine,))


def _watch(engine: int, mark: str, freeze: bool, control: int, stops: int) -> bool:
    """Watches the engine until it ends; True if it ended in order."""
    stopped_s, began, is_stopped, looked = 0.0, 0.0, False, monotonic()
    while True:
        readable = select.select([control], [], [], LOOK_S)[0]
        if readable:
            try:
                return os.read(control, 64).startswith(BYE)
            except ConnectionError:
                return False
        state, now = _state_of(engine), monotonic()
        if state in ("", "Z", "X"):
            return False
        if is_stopped != (state in "Tt"):
            is_stopped = not is_stopped
            began = now if is_stopped else began
            if freeze:
                marks.tell(mark, signal.SIGSTOP if is_stopped else signal.SIGCONT, spare=(engine,))
        elif is_stopped:
            stopped_s += now - looked
            os.pwrite(stops, STOPS.pack(stopped_s, began), 0)
        looked = now


def _state_of(pid: int) -> str:
    with suppress(OSError), open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
        return file.read().rpartition(")")[2].split()[0]
    return ""
