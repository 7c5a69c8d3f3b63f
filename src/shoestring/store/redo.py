"""The redo log of a store: commits that the database does not hold yet, one line each.

SQLite forces a commit to the disk in five steps, a line here needs one. Lines are written over those that the database has taken in, and
the file is filled with zeros ahead of them, so that its size hardly ever changes: that would cost more than what is written. Each carries
the generation of the database that it goes on from, and the database counts its generation up in the transaction that takes lines in: no
crash can have them taken in twice. A torn last line was never committed; a bad line with whole ones of its generation behind
it was damaged.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from shoestring.machine.files import open_own, read_own, sync_folder
from shoestring.store.protocol import Row
from shoestring.trial.events import decode, encode

ROOM = 1 << 16  # bytes by which the file grows

_HEAD = re.compile(rb"(\d{1,12}) [0-9a-f]{8} ")


class Commit(NamedTuple):
    """A commit that the log holds.

    Attributes:
        generation: that of the database that it goes on from.
        rows: by the name of their table.
        behind: whether a line before it is bad.
    """

    generation: int
    rows: Mapping[str, list[Row]]
    behind: bool


class RedoLog:
    """Writes a redo log, from its beginning.

    Args:
        path: the file; made when the first line is written.

    Attributes:
        size: bytes of the lines that the database has not taken in.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None
        self._identity = 0
        self._room = 0
        self.size = 0

    def append(self, generation: int, rows: Mapping[str, list[Row]]) -> None:
        """Adds a commit, rows by table, and forces it to the disk.

        Raises:
            OSError: the disk is full or read-only; what was there before is unharmed.
        """
        line = encode({"generation": generation, "rows": rows})
        file = self._opened()
        if self.size + len(line) > self._room:
            self._room += os.pwrite(file, bytes(ROOM), self._room)
        if os.pwrite(file, line, self.size) < len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.fdatasync(file)
        self.size += len(line)

    def restart(self) -> None:
        """Writes over everything from now on, as the database holds it."""
        self.size = 0

    def close(self) -> None:
        """Closes the file."""
        if self._file is not None:
            with suppress(OSError):  # other code has closed it
                os.close(self._file)
            self._file = None

    def _opened(self) -> int:
        """Returns the descriptor of the file, which no other code may have closed, and nobody removed."""
        if self._file is None:
            is_new = not self._path.exists()
            self._file = open_own(self._path, os.O_RDWR | os.O_CREAT)
            if is_new:
                sync_folder(self._path.parent)
            self._identity = os.fstat(self._file).st_ino
            self._room = os.fstat(self._file).st_size
        found = os.fstat(self._file)
        if found.st_ino != self._identity:  # its number was given to another file
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        if not found.st_nlink:
            raise OSError(errno.ENOENT, os.strerror(errno.ENOENT))
        return self._file


def read(path: Path) -> list[Commit]:
    """Returns the commits that a log holds, in their order; what was written over, or torn, is left out.

    Raises:
        StoreCorrupt: it is no plain file.
        ValueError, LookupError, TypeError, RecursionError: a line holds no commit, though its checksum is right.
    """
    try:
        data = read_own(path)
        while data != (again := read_own(path)):  # it was being written
            data = again
    except FileNotFoundError:
        return []
    return list(_commits(data))


def _commits(data: bytes) -> Iterator[Commit]:
    place, behind = 0, False
    while place < len(data):
        head = _HEAD.match(data, place)
        end = head.end() + int(head[1]) if head else place
        if (commit := decode(data[place:end])) is not None:
            yield Commit(commit["generation"], commit["rows"], behind)
            place = end + 1
        else:
            behind = True
            place = data.find(b"\n", place) + 1 or len(data)
