"""The lock of a run's one coordinator: held as long as its process lives, whatever ends it."""

from __future__ import annotations

import errno
import fcntl
import os
from contextlib import suppress
from pathlib import Path

from shoestring.errors import StoreLocked
from shoestring.machine.files import open_own

NAME = "lock"  # of its file


class Lock:
    """Takes the lock of the run in a folder, and writes this process's number into it.

    Raises:
        StoreLocked: another process holds it.
        OSError: the folder cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        file = open_own(folder / NAME, os.O_RDWR | os.O_CREAT)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid = os.read(file, 32)
            os.close(file)
            raise StoreLocked(folder, int(pid) if pid.isdigit() else None) from None
        os.ftruncate(file, 0)
        os.pwrite(file, str(os.getpid()).encode(), 0)
        self._file = file
        self._inode = os.fstat(file).st_ino
        _held.add(file)

    def check(self) -> None:
        """Checks that no other code has closed the lock's descriptor, as it would have closed those of the database as well.

        Raises:
            OSError: it has.
        """
        if os.fstat(self._file).st_ino != self._inode:  # its number was given to another file
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))

    def release(self) -> None:
        """Gives the lock back."""
        if self._file in _held:
            _held.remove(self._file)
            with suppress(OSError):
                self.check()
                os.close(self._file)


def holder(folder: Path) -> int | None:
    """Returns the process that works on a run, None if nobody does. The lock is not tried: that could hinder one that starts."""
    lock = folder / NAME
    try:
        pid = int(lock.read_text(encoding="ascii"))
        descriptors = [os.readlink(entry.path) for entry in os.scandir(f"/proc/{pid}/fd")]
    except (OSError, ValueError):
        return None
    return pid if str(lock.resolve()) in descriptors else None


def _let_go_in_child() -> None:
    for file in _held:
        with suppress(OSError):
            os.close(file)
    _held.clear()


_held: set[int] = set()  # a forked child, which may outlive this process, must not go on holding its locks
os.register_at_fork(after_in_child=_let_go_in_child)
