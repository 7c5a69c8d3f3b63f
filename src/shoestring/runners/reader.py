"""Reads what a script reports, from the file into which it goes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from shoestring.runners.json_lines import JsonReader
from shoestring.runners.pattern import PatternReader
from shoestring.runners.reading import LeftOut, Reading
from shoestring.runners.tail import Tail


@dataclass
class Reader:
    """Reads what a script adds to a file.

    Attributes:
        path: the file.
        pattern: what finds the numbers; None for JSON lines.
        metric: the metric that the group without a name stands for.
        offset: where to begin.
        left_out: what was not read.
    """

    path: Path
    pattern: str | None
    metric: str
    offset: int
    left_out: LeftOut = field(default_factory=LeftOut)

    def __post_init__(self) -> None:
        self._tail = Tail(self.path, self.offset)
        self._restarts = 0
        self._lines = self._new()

    @property
    def restarts(self) -> int:
        """How often the file was begun again."""
        return self._restarts

    @property
    def overwritten(self) -> int:
        """How often a row was written over that counts as one unit."""
        return self._lines.overwritten if isinstance(self._lines, PatternReader) else 0

    def take(self, *, last: bool = False, is_whole: bool = False) -> Iterator[Reading]:
        """Yields what is new.

        Args:
            last: nobody writes any more.
            is_whole: the script ended by itself, so that a last line without an end is whole.
        """
        for text in self._tail.read(last=last):
            if self._tail.restarts > self._restarts:
                self._restarts, self._lines = self._tail.restarts, self._new()
            yield from self._lines.read(text)
        if last:
            yield from self._lines.end(is_whole=is_whole)

    def close(self) -> None:
        """Closes the file."""
        self._tail.close()

    def _new(self) -> JsonReader | PatternReader:
        return JsonReader(self.left_out) if self.pattern is None else PatternReader(self.pattern, self.metric, self.left_out)
