"""The event file of a trial: one line an event, each with its length and checksum, appended by one worker and read by offset.

A line is ``<bytes of the JSON text> <CRC-32 of it, 8 hex digits> <JSON text>\\n``. A torn last line (a kill, a full disk) is never read,
and is cut off before anything is appended. Nothing here is a lock: the engine grants one lease a trial at a time.
"""

from __future__ import annotations

import errno
import json
import math
import os
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from shoestring.errors import StoreUnwritable

_to_json = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


class EventWriter:
    """Appends events to a file, in one write each, so that a killed process leaves at most one torn line.

    Args:
        path: the file; made if missing, with its folder.
        offset: bytes known to hold whole lines; only what follows is checked for a torn line. A file that a power failure has made shorter
            is filled up with empty lines, so that whoever reads on from there misses nothing.
    Raises:
        StoreUnwritable: the disk is full or read-only.
    """

    def __init__(self, path: Path, offset: int = 0) -> None:
        self.path = path
        try:
            self._file = _opened(path)
            size = os.fstat(self._file).st_size
            self._end = _whole_lines(self._file, size, offset)
            if size > self._end:
                os.ftruncate(self._file, self._end)
            if self._end < offset:
                os.pwrite(self._file, b"\n" * (offset - self._end), self._end)
                self._end = offset
        except OSError as error:
            raise self._unwritable(error) from error

    def append(self, event: Mapping[str, Any]) -> None:
        """Appends one event of plain data.

        Raises:
            StoreUnwritable: the disk is full or read-only; what was written of the line is taken back.
        """
        line = encode(event)
        try:
            written = os.pwrite(self._file, line, self._end)
            if written < len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            os.ftruncate(self._file, self._end)
            raise self._unwritable(error) from error
        self._end += len(line)

    def sync(self) -> None:
        """Forces what was appended to the disk.

        Raises:
            StoreUnwritable: it does not get there.
        """
        try:
            os.fsync(self._file)
        except OSError as error:
            raise self._unwritable(error) from error

    def close(self) -> None:
        """Closes the file."""
        os.close(self._file)

    def _unwritable(self, error: OSError) -> StoreUnwritable:
        return StoreUnwritable(f"{self.path} could not be written ({error.strerror}); free some space and run the same command again.")


def read(path: Path, offset: int = 0, holding: bytes = b"") -> Iterator[tuple[dict[str, Any], int]]:
    """Yields each whole event from ``offset`` on, with the offset at which the next begins; stops at a line that is not whole yet.

    A line that ends but whose checksum is wrong was damaged after it was written: it is passed over. So is one without ``holding``.
    """
    try:
        data = _read_from(path, offset)
    except FileNotFoundError:
        return
    *lines, _torn = data.split(b"\n")
    for line in lines:
        offset += len(line) + 1
        event = decode(line) if holding in line else None
        if event is not None:
            yield event, offset


def encode(event: Mapping[str, Any]) -> bytes:
    """Returns the line of an event."""
    text = _to_json(event).encode()
    return b"%d %08x %s\n" % (len(text), zlib.crc32(text), text)


def decode(line: bytes) -> dict[str, Any] | None:
    """Returns the event of a line (without its line end), or None if the line is not whole."""
    size, _, rest = line.partition(b" ")
    checksum, _, text = rest.partition(b" ")
    if size != b"%d" % len(text) or checksum != b"%08x" % zlib.crc32(text):
        return None
    event = json.loads(text.decode())
    return event if isinstance(event, dict) else None


def plain(value: float) -> float | str:
    """Returns a number as strict JSON can hold it: ``"nan"``, ``"inf"`` and ``"-inf"`` become strings, which ``float`` reads back."""
    return value if math.isfinite(value) else str(value)


def _read_from(path: Path, offset: int) -> bytes:
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.pread(file, max(0, os.fstat(file).st_size - offset), offset)
    finally:
        os.close(file)


def _opened(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)


def _whole_lines(file: int, size: int, offset: int) -> int:
    known = offset if offset <= size else 0
    return known + os.pread(file, size - known, known).rfind(b"\n") + 1
