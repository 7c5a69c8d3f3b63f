"""The event file of a trial: one line an event, each with its length and checksum, appended by one process and read by offset.

A line is ``<bytes of the JSON text> <CRC-32 of it, 8 hex digits> <JSON text>\\n``. A torn last line (a kill, a full disk) is never read,
and is cut off before anything is appended. A whole line whose checksum is wrong was damaged later, and is refused. Nothing here is a lock
between engines: each trial has one lease at a time.
"""

from __future__ import annotations

import errno
import json
import math
import os
import threading
import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from shoestring.errors import StoreCorrupt, UsageError
from shoestring.machine.files import open_own, unwritable

_REMEDY = ". Restore it from a copy, or choose another --store."
_FLAGS = os.O_RDWR | os.O_CREAT | os.O_APPEND
_HOLE = bytes(8)  # what a power failure leaves where a block was never written
_to_json = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


class EventWriter:
    """Appends events to a file, in one write each, so that a killed process leaves at most one torn line.

    Threads may append at the same time. A child that was forked from this process may not: it is refused, and the refusal is an event.

    Args:
        path: the file; made if missing, with its folder.
        offset: bytes known to hold whole lines; only what follows is checked for a torn line. A file that a power failure has made shorter
            is filled up with empty lines, so that whoever reads on from there misses nothing.

    Attributes:
        turn: held while appending; whoever holds it can append several events, or look at something first, without another thread between.

    Raises:
        StoreUnwritable: the disk is full or read-only.
    """

    def __init__(self, path: Path, offset: int = 0) -> None:
        self.path = path
        self.turn = threading.RLock()
        self._process = os.getpid()
        self._has_refused = False
        try:
            self._file = _opened(path)
            self._inode = os.fstat(self._file).st_ino
            size = os.fstat(self._file).st_size
            end = _whole_lines(self._file, size, offset)
            if size > end:
                os.ftruncate(self._file, end)
            if end < offset:
                os.write(self._file, b"\n" * (offset - end))
        except OSError as error:
            raise unwritable(self.path, error) from error

    def append(self, event: Mapping[str, Any]) -> None:
        """Appends one event of plain data.

        Raises:
            StoreUnwritable: the disk is full or read-only; what was written of the line is taken back.
            UsageError: called in a child of the process that opened the file.
        """
        line = encode(event)
        self.check_process(event.get("token"))
        with self.turn:
            try:
                file = self._descriptor()
                written = os.write(file, line)
                if written < len(line):
                    os.ftruncate(file, os.fstat(file).st_size - written)
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            except OSError as error:
                raise unwritable(self.path, error) from error

    def check_process(self, token: int | None) -> None:
        """Checks that this is the process that opened the file.

        Raises:
            UsageError: it is a child of it.
        """
        if os.getpid() != self._process:
            self._refuse(token)

    def sync(self) -> None:
        """Forces what was appended to the disk.

        Raises:
            StoreUnwritable: it does not get there.
        """
        try:
            os.fsync(self._descriptor())
        except OSError as error:
            raise unwritable(self.path, error) from error

    def close(self) -> None:
        """Closes the file."""
        with suppress(OSError):
            os.close(self._descriptor())

    def __reduce__(self) -> NoReturn:
        raise UsageError("a trial cannot be handed to another process. Return the numbers to the training function and report them there.")

    def _refuse(self, token: int | None) -> NoReturn:
        child = os.getpid()
        if not self._has_refused:
            self._has_refused = True
            with suppress(OSError):
                os.write(self._file, encode({"token": token, "refused": child}))
        raise UsageError(
            f"process {child} used the trial of process {self._process}, which started it. "
            "Only the process that runs the training function may report. Return the numbers to it and report them there."
        )

    def _descriptor(self) -> int:
        """Returns the descriptor of the file, opened again if the training function has closed it or its number was given away."""
        with suppress(OSError):
            if os.fstat(self._file).st_ino == self._inode:
                return self._file
        self._file = open_own(self.path, _FLAGS)
        if os.fstat(self._file).st_ino != self._inode:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        return self._file


def read(path: Path, offset: int = 0, holding: bytes = b"", *, may_be_shorter: bool = False) -> Iterator[tuple[dict[str, Any], int]]:
    """Yields each whole event from ``offset`` on, with the offset at which the next begins; stops at a line that is not whole yet.

    Args:
        path: the event file; a missing one is an empty one.
        offset: where an event begins.
        holding: where given, only lines that hold this are looked at, and damaged ones are passed over.
        may_be_shorter: whether the file may end before ``offset``, as it may after a power failure.
    Raises:
        StoreCorrupt: the file was changed after it was written: a line is damaged, or none begins at ``offset``.
    """
    before = min(offset, 1)  # the line end before the offset is read too
    data = _read_from(path, offset - before)
    if len(data) < before:
        if may_be_shorter:
            return
        raise _changed(path, f"it ends before byte {offset}, up to which it was read")
    if before and not data.startswith(b"\n"):
        raise _changed(path, f"no line begins at byte {offset}, up to which it was read")
    *lines, torn = data[before:].split(b"\n")
    for line in lines:
        begin, offset = offset, offset + len(line) + 1
        if not line or holding not in line:
            continue
        event = decode(line)
        if event is not None:
            yield event, offset
        elif not holding and _HOLE not in line:
            raise _changed(path, f"the line at byte {begin} is damaged")
    if torn and not holding and decode(torn[:-1]) is not None:
        raise _changed(path, f"the end of the line at byte {offset} is damaged")


def read_until_damage(path: Path, offset: int = 0) -> tuple[list[tuple[dict[str, Any], int]], str | None]:
    """Returns what ``read`` yields of a file that must exist, and what is wrong with the file, None if nothing is."""
    events: list[tuple[dict[str, Any], int]] = []
    if not path.exists():
        return events, f"{path} was deleted while the trial ran"
    try:
        events.extend(read(path, offset))
    except StoreCorrupt as error:
        return events, str(error).removesuffix(_REMEDY)
    return events, None


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
    try:
        file = open_own(path, os.O_RDONLY)
    except FileNotFoundError:
        return b""
    try:
        return os.pread(file, max(0, os.fstat(file).st_size - offset), offset)
    finally:
        os.close(file)


def _changed(path: Path, how: str) -> StoreCorrupt:
    return StoreCorrupt(f"{path} was changed after it was written: {how}{_REMEDY}")


def _opened(path: Path) -> int:
    try:
        return open_own(path, _FLAGS)
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        return open_own(path, _FLAGS)


def _whole_lines(file: int, size: int, offset: int) -> int:
    known = offset if offset <= size else 0
    return known + os.pread(file, size - known, known).rfind(b"\n") + 1
