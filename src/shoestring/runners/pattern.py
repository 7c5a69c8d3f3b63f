"""Finds numbers by a pattern, in what a terminal would show of a script's output."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from shoestring.errors import InvalidTarget
from shoestring.runners.reading import LeftOut, Reading, number_of
from shoestring.runners.screen import LONGEST, Row, Screen


def groups_of(pattern: str, metric: str) -> dict[str, int]:
    """Returns which group of a pattern stands for which metric, and for ``unit``.

    A named group stands for the metric of its name, the group without a name for ``metric``.

    Raises:
        InvalidTarget: it is not a regular expression, or does not say which group is the metric.
    """
    try:
        compiled = re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise InvalidTarget(f"pattern must be a regular expression, got {pattern!r} ({error}).") from error
    groups = dict(compiled.groupindex)
    unnamed = sorted(set(range(1, compiled.groups + 1)) - set(groups.values()))
    if not compiled.groups:
        raise InvalidTarget(f"pattern {pattern!r} has no group; put the number in parentheses, as in 'loss ([0-9.]+)'.")
    if len(unnamed) > 1 or (unnamed and metric in groups):
        raise InvalidTarget(
            f"pattern {pattern!r} is ambiguous: {len(unnamed)} groups have no name{' beside ' + metric if metric in groups else ''}. "
            f"Leave one for {metric}, name the others as in (?P<unit>...), and write (?:...) for what is not read."
        )
    if unnamed:
        groups[metric] = unnamed[0]
    if metric not in groups:
        raise InvalidTarget(
            f"pattern {pattern!r} has no group for the metric {metric}, only for {', '.join(groups)}; "
            "leave the name of that group out, as in 'loss ([0-9.]+)'."
        )
    return groups


@dataclass(slots=True)
class _Seen:
    """What was read in a row: ``told`` was told last, ``pending`` is what it showed before it was written over."""

    told: Reading | None = None
    pending: Reading | None = None

    def tell(self) -> list[Reading]:
        """Returns what is pending, unless it was told before."""
        new, told, self.pending = self.pending, self.told, None
        if new is None or (told is not None and (told.unit, told.metrics) == (new.unit, new.metrics)):
            return []
        if told is None or told.unit != new.unit:
            self.told = told = new
        told.metrics = new.metrics
        return [told]


class PatternReader:
    """Finds numbers by a pattern, once in each row that a terminal would show.

    Of a row that was written over, the last writing counts if the pattern finds its number there, and otherwise all that the row shows.
    If the pattern has a group for the unit, what the row showed last of each unit counts.

    Attributes:
        overwritten: how often a row was written over that counts as one unit, as the pattern has no group for the unit.
    """

    def __init__(self, pattern: str, metric: str, left_out: LeftOut) -> None:
        self._search = re.compile(pattern).search
        self._groups = groups_of(pattern, metric)
        self._left_out = left_out
        self._screen: Screen[_Seen] = Screen()
        self.overwritten = 0

    def read(self, text: str) -> Iterator[Reading]:
        """Yields the readings of the rows that the cursor left."""
        for row, is_left in self._screen.write(text):
            if is_left or "unit" in self._groups:
                yield from self._look(row, is_left)
            else:
                self.overwritten += 1

    def end(self, *, is_whole: bool) -> Iterator[Reading]:
        """Yields the reading of the last row, if it is whole."""
        row = self._screen.row
        if row.is_new and not is_whole:
            if self._match(row, last_only=False):
                self._left_out.add("line", "cut off at its end", row.text)
            yield from row.note.tell() if row.note else ()
        elif row.is_new:
            yield from self._look(row, is_left=True)
        row.is_new = False

    def _look(self, row: Row[_Seen], is_left: bool) -> list[Reading]:
        match = self._match(row, last_only=not is_left)
        if match is None and is_left and row.is_cut:
            self._left_out.add("line", f"longer than {LONGEST} characters")
        new = self._reading(match) if match else None
        seen = row.note
        if seen is None:
            row.note = None if new is None else _Seen(told=new) if is_left else _Seen(pending=new)
            return [new] if is_left and new is not None else []
        told = seen.tell() if new is not None and seen.pending is not None and seen.pending.unit != new.unit else []
        seen.pending = new or seen.pending
        return told + seen.tell() if is_left else told

    def _match(self, row: Row[_Seen], *, last_only: bool) -> re.Match[str] | None:
        match = self._search(row.text[: row.end]) if row.end < LONGEST or not row.is_cut else None
        if match or last_only or row.is_cut or row.end == len(row.text):
            return match
        return self._search(row.text)

    def _reading(self, match: re.Match[str]) -> Reading | None:
        metrics = {}
        for name, group in self._groups.items():
            if match[group] is None:
                continue
            if (number := number_of(match[group])) is None:
                self._left_out.add(f"value of {name!r}", "that are not numbers", match[group])
                if name == "unit":
                    return None
            else:
                metrics[name] = number
        unit = metrics.pop("unit", None)
        return Reading(unit, metrics) if metrics else None
