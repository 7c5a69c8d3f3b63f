"""What a terminal would show of a script's output: rows that are written, written over, and erased."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

LONGEST = 16_384  # characters of a row that are kept: a pattern that begins with .* takes the square of it
_ROWS = 100  # that the cursor can go back to
_LONGEST_ESCAPE = 4_096
# Colours, titles, links, character sets, and characters that nobody sees.
_INVISIBLE = re.compile(
    "\x1b\\[[0-9;:]*m|\x1b\\][^\x07\x1b\n]*(?:\x07|\x1b\\\\)"
    "|\x1b[PX^_][^\x1b\n]*\x1b\\\\|\x1b[ #%()*+./-][0-~]|[\0-\x07\x0e-\x1a\x7f\ufeff]"
)
_TORN = re.compile("\x1b(?:\\[[0-?]*[ -/]*|[]PX^_][^\x07\x1b\n]*\x1b?|[ #%()*+./-])?\\Z")
_CONTROL = re.compile("([\r\b]|\x1b\\[[0-?]*[ -/]*[@-~]|\x1b.?)", re.DOTALL)

Note = TypeVar("Note")


@dataclass(slots=True)
class Row(Generic[Note]):
    """One row.

    Attributes:
        text: what it shows.
        end: where the last writing ended.
        is_cut: whether it was longer than ``LONGEST``.
        is_new: whether it was written since it was last looked at.
        note: whatever the reader keeps with it.
    """

    text: str = ""
    end: int = 0
    is_cut: bool = False
    is_new: bool = False
    note: Note | None = None


class Screen(Generic[Note]):
    """Writes text on rows, as a terminal of unlimited width does."""

    def __init__(self) -> None:
        self._rows: deque[Row[Note]] = deque([Row()], maxlen=_ROWS)
        self._at = 0
        self._column = 0
        self._held = ""
        self._is_home = False  # the cursor was just sent to the first row

    @property
    def row(self) -> Row[Note]:
        """The row where the cursor is."""
        return self._rows[self._at]

    def write(self, text: str) -> Iterator[tuple[Row[Note], bool]]:
        """Writes, and yields each row that was written when the cursor leaves it (True) or returns to its left edge (False)."""
        text, self._held = self._held + text, ""
        if "\x1b" in text[-_LONGEST_ESCAPE:] and (torn := _TORN.search(text, max(0, len(text) - _LONGEST_ESCAPE))):
            text, self._held = text[: torn.start()], torn[0]
        text = _INVISIBLE.sub("", text).replace("\r\n", "\n")
        is_plain = "\r" not in text and "\b" not in text and "\x1b" not in text
        *lines, rest = text.split("\n")
        for line in lines:
            if is_plain:
                self._put(line)
            else:
                yield from self._line(line)
            if (row := self.row).is_new:
                row.is_new = False
                yield row, True
            self._down()
        yield from self._line(rest)

    def _line(self, line: str) -> Iterator[tuple[Row[Note], bool]]:
        text, *rest = _CONTROL.split(line)
        self._put(text)
        for control, text in zip(rest[::2], rest[1::2], strict=True):
            yield from self._obey(control)
            self._put(text)

    def _put(self, text: str) -> None:
        if not text:
            return
        row, column, self._is_home = self.row, self._column, False
        end = column + len(text)
        row.text = row.text[:column].ljust(column) + text + row.text[end:] if row.text or column else text
        if len(row.text) > LONGEST:
            row.text, row.is_cut, end = row.text[:LONGEST], True, min(end, LONGEST)
        self._column = row.end = end
        row.is_new = True

    def _down(self) -> None:
        """Moves the cursor to the left edge of the next row; below the last one there is always another."""
        self._column = 0
        if self._at + 1 == len(self._rows):
            self._rows.append(Row())
        self._at = min(self._at + 1, len(self._rows) - 1)

    def _move(self, down: int) -> Iterator[tuple[Row[Note], bool]]:
        if (row := self.row).is_new:
            row.is_new = False
            yield row, True
        for _ in range(down):
            self._down()
        self._column, self._at = 0, max(0, self._at + min(down, 0))

    def _obey(self, control: str) -> Iterator[tuple[Row[Note], bool]]:
        if control == "\b":
            self._column = max(0, self._column - 1)
        elif control == "\r":
            yield from self._return()
        elif control[1:2] == "[":
            number = control[2:-1]
            yield from self._sequence(control[-1], min(int(number), LONGEST) if number.isascii() and number.isdigit() else 0)

    def _return(self) -> Iterator[tuple[Row[Note], bool]]:
        if self.row.is_new:
            yield self.row, False
        self._column = 0

    def _sequence(self, final: str, number: int) -> Iterator[tuple[Row[Note], bool]]:
        column, times = self._column, max(1, number)
        if final in "AFBE":
            yield from self._move(min(times, _ROWS) * (-1 if final in "AF" else 1))
            self._column = column if final in "AB" else 0
        elif final == "G" and times == 1:
            yield from self._return()
        elif final in "CDG":
            self._column = min(LONGEST, max(0, {"C": column + times, "D": column - times, "G": times - 1}[final]))
        elif final == "K":
            yield from self._erase_in_row(number)
        elif final in "Hf":
            yield from self._move(-self._at)
            self._is_home = True
        elif final == "J":
            yield from self._erase_below(number)

    def _erase_in_row(self, number: int) -> Iterator[tuple[Row[Note], bool]]:
        row, column = self.row, self._column
        if row.is_new:
            yield row, False
        row.text = {0: row.text[:column], 1: " " * column + row.text[column:]}.get(number, "")
        row.end, row.is_cut = min(row.end, len(row.text)), row.is_cut and number == 1

    def _erase_below(self, number: int) -> Iterator[tuple[Row[Note], bool]]:
        """Erases what is below the cursor, or everything: what is written then is a new page."""
        if number >= 2 or self._is_home:
            yield from self._move(0)
            self._rows.clear()
            self._rows.append(Row())
            self._at = 0
        elif number == 0:
            yield from self._erase_in_row(0)
            while len(self._rows) > self._at + 1:
                self._rows.pop()
