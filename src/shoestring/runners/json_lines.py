"""Reads what a script appends to a file: one JSON object a line."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from shoestring.runners.reading import LeftOut, Reading, number_of

LONGEST_JSON = 1 << 20
_NOT_FINITE = re.compile(r"(?<=[:\s])([-+]?(?:nan|inf(?:inity)?))(?=\s*[,}])", re.IGNORECASE)  # as awk and C print them
_decode = json.JSONDecoder().raw_decode


class JsonReader:
    """Reads one JSON object a line."""

    def __init__(self, left_out: LeftOut) -> None:
        self._left_out = left_out
        self._rest = ""
        self._is_cut = False

    def read(self, text: str) -> Iterator[Reading]:
        """Yields the readings of the lines that ended."""
        *lines, self._rest = (self._rest + text).replace("\r", "\n").split("\n")
        for line in lines:
            yield from self._line(line)
        if len(self._rest) > LONGEST_JSON:
            self._rest, self._is_cut = "", True

    def end(self, *, is_whole: bool) -> Iterator[Reading]:
        """Yields the reading of a last line without an end; JSON shows by itself whether it is whole."""
        yield from self._line(self._rest)
        self._rest = ""

    def _line(self, line: str) -> Iterator[Reading]:
        line = line.strip("\0\ufeff \t")
        if self._is_cut:
            self._is_cut = False
            self._left_out.add("line", f"longer than {LONGEST_JSON} characters")
        elif line:
            try:
                yield from filter(None, map(self._reading, _objects(line)))
            except (ValueError, RecursionError):
                self._left_out.add("line", "that are not JSON objects", line)

    def _reading(self, data: Mapping[str, Any]) -> Reading | None:
        metrics = {}
        for name, value in data.items():
            number = _plain_number(value)
            if number is not None and not (name == "unit" and isinstance(value, bool)):
                metrics[name if name.isascii() else name.encode("utf-8", "replace").decode()] = number
            elif name != "unit" or value is not None:
                self._left_out.add(f"value of {name!r}", "that are not numbers", value if isinstance(value, str) else json.dumps(value))
        if data.get("unit") is not None and "unit" not in metrics:
            return None  # nobody knows where it belongs
        unit = metrics.pop("unit", None)
        return Reading(unit, metrics) if metrics else None


def _objects(line: str) -> list[dict[str, Any]]:
    """Returns the JSON objects of a line, which may stand one behind the other.

    Raises:
        ValueError: something else stands there.
    """
    try:
        return _strict_objects(line)
    except ValueError:
        return _strict_objects(_NOT_FINITE.sub(r'"\1"', line))


def _strict_objects(line: str) -> list[dict[str, Any]]:
    found, at = [], 0
    while at < len(line):
        value, at = _decode(line, at)
        if not isinstance(value, dict):
            raise ValueError
        found.append(value)
        while at < len(line) and line[at] in " \t,":
            at += 1
    return found


def _plain_number(value: object) -> float | None:
    if isinstance(value, str):
        return number_of(value)
    try:
        return float(value) if isinstance(value, int | float) else None
    except OverflowError:
        return None
