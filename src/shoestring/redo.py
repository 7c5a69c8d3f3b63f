"""The redo log of a store: commits that the database does not hold yet, one line each.

SQLite forces a commit to the disk in five steps, a line here needs one. Lines are written over those that the database has taken in, and
the file is filled with zeros ahead of them, so that its size hardly ever changes: that would cost more than what is written. Each carries
the generation of the database that it goes on from, and the database counts its generation up in the transaction that takes lines in: no
crash can have them taken in twice.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from shoestring.events import decode, encode

Row = dict[str, Any]

ROOM = 1 << 16  # bytes by which the file grows


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
        self._room = 0
        self.size = 0

    def append(self, generation: int, rows: Mapping[str, list[Row]]) -> None:
        """Adds a commit, rows by table, and forces it to the disk.

        Raises:
            OSError: the disk is full or read-only; what was there before is unharmed.
        """
        line = encode({"generation": generation, "rows": rows})
        if self._file is None:
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            self._room = os.fstat(self._file).st_size
        if self.size + len(line) > self._room:
            self._room += os.pwrite(self._file, bytes(ROOM), self._room)
        if os.pwrite(self._file, line, self.size) < len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.fdatasync(self._file)
        self.size += len(line)

    def restart(self) -> None:
        """Writes over everything from now on, as the database holds it."""
        self.size = 0

    def close(self) -> None:
        """Closes the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


def read(path: Path) -> Iterator[tuple[int, Mapping[str, list[Row]]]]:
    """Yields the commits in their order, each with the generation that it goes on from; what was torn, and all after it, is left out."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return
    for line in data.split(b"\n"):
        if (commit := decode(line)) is None:
            return
        yield commit["generation"], commit["rows"]
