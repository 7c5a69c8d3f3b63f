"""The lock of a run's one coordinator: held as long as its process lives, whatever ends it."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from shoestring.errors import StoreLocked


class Lock:
    """Takes the lock of the run in a folder, and writes this process's number into it.

    Raises:
        StoreLocked: another process holds it.
        OSError: the folder cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        file = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid = os.read(file, 32)
            os.close(file)
            raise StoreLocked(folder, int(pid) if pid.isdigit() else None) from None
        os.ftruncate(file, 0)
        os.pwrite(file, str(os.getpid()).encode(), 0)
        self._file = file
        _held.add(file)

    def release(self) -> None:
        """Gives the lock back."""
        if self._file in _held:
            _held.remove(self._file)
            os.close(self._file)


def _let_go_in_child() -> None:
    for file in _held:
        os.close(file)
    _held.clear()


_held: set[int] = set()  # a forked child, which may outlive this process, must not go on holding its locks
os.register_at_fork(after_in_child=_let_go_in_child)
