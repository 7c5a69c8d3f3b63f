"""The text that another process appends to a file: read once, in pieces, and decoded."""

from __future__ import annotations

import codecs
import os
import re
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_PIECE = 1 << 16
_MARK = 256  # bytes before the offset by which a file is known again
_WIDE = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
_NOT_UTF8 = re.compile("[\udc80-\udcff]")


class Tail:
    """Follows a file that grows.

    The text is UTF-8, or UTF-16 where the file begins with its mark. A byte that is not UTF-8 is read as Latin-1. A file that was cut or
    replaced, or whose last read bytes have changed, is read again from its beginning.

    Args:
        path: the file; it need not exist yet.
        offset: where to begin.

    Attributes:
        restarts: how often the file was begun again.
    """

    def __init__(self, path: Path, offset: int) -> None:
        self._path = path
        self._offset = offset
        self._file: int | None = None
        self._seen: tuple[int, int, int] | None = None
        self._mark = b""
        self._shorter = False
        self._decoder: codecs.IncrementalDecoder | None = None
        self.restarts = 0

    def read(self, *, last: bool = False) -> Iterator[str]:
        """Yields the text that was added since the last call, in pieces.

        Args:
            last: nobody writes any more.
        """
        try:
            now = os.stat(self._path)
        except FileNotFoundError:
            if self._file is not None:
                yield from self._rest(last)
            return
        state = (now.st_ino, now.st_size, now.st_mtime_ns)
        if (state == self._seen and not last) or not stat.S_ISREG(now.st_mode):
            return
        self._seen = state
        if self._file is not None and os.fstat(self._file).st_ino != now.st_ino:
            yield from self._rest(last=True)
            self.close()
            self._restart()
        if self._file is None:
            self._open()
        yield from self._rest(last)

    def close(self) -> None:
        """Closes the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _open(self) -> None:
        self._file = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        self._mark = os.pread(self._file, min(_MARK, self._offset), max(0, self._offset - _MARK))

    def _rest(self, last: bool) -> Iterator[str]:
        assert self._file is not None, "opened before"
        size = os.fstat(self._file).st_size  # what is added while this is read waits, however much it is
        if not self._is_known(size, last) or (size < 2 and not last):
            return
        while self._offset < size and (piece := os.pread(self._file, min(_PIECE, size - self._offset), self._offset)):
            if self._decoder is None:
                self._decoder = _decoder_of(os.pread(self._file, 2, 0))
            self._offset += len(piece)
            self._mark = (self._mark + piece)[-_MARK:]
            yield _latin(self._decoder.decode(piece))
        if last and self._decoder is not None:
            yield _latin(self._decoder.decode(b"", final=True))

    def _is_known(self, size: int, last: bool) -> bool:
        """Tells whether to read on; where the file is not the one that was read so far, it is begun again."""
        assert self._file is not None, "opened before"
        shorter = size < self._offset
        if shorter and not self._shorter and not last:
            self._shorter, self._seen = True, None  # it may be about to be written anew, with more in it
            return False
        self._shorter = False
        if shorter or os.pread(self._file, len(self._mark), self._offset - len(self._mark)) != self._mark:
            self._restart()
        return True

    def _restart(self) -> None:
        self.restarts += 1
        self._offset, self._mark, self._decoder = 0, b"", None


def _decoder_of(first_bytes: bytes) -> codecs.IncrementalDecoder:
    if encoding := _WIDE.get(first_bytes):
        return codecs.getincrementaldecoder(encoding)("replace")
    return codecs.getincrementaldecoder("utf-8")("surrogateescape")


def _latin(text: str) -> str:
    return text if text.isascii() else _NOT_UTF8.sub(lambda byte: chr(ord(byte[0]) - 0xDC00), text)


def size_of(path: Path) -> int:
    """Returns the bytes of a file, 0 if there is none."""
    with suppress(FileNotFoundError):
        return path.stat().st_size
    return 0
