"""A report of a script, and the count of what could not be read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

_MOST_REASONS = 20
_SHOWN = 40
_NUMBER = re.compile(
    r"""[\s"'(\[{]*([-+]?(?:(?:[1-9]\d{0,2}(?:,\d{3})+|\d+)?(?:\.\d*)?(?:[ed][-+]?\d+)?|nan|inf(?:inity)?))[\s"',.;:%)\]}]*""",
    re.IGNORECASE,
)
_SINGULAR = {"that are not numbers": "that is not a number", "that are not JSON objects": "that is not a JSON object"}


@dataclass(slots=True)
class Reading:
    """One report of a script.

    Attributes:
        unit: the unit that the script names, None if it names none.
        metrics: numbers by name.
        at: the unit to which the report was assigned, None before. A row that is written again is the same reading with other numbers.
    """

    unit: float | None
    metrics: dict[str, float]
    at: int | None = None


class LeftOut:
    """Counts what was left out, by reason."""

    def __init__(self) -> None:
        self._found: dict[str, tuple[int, str]] = {}

    def add(self, what: str, why: str, example: str = "") -> None:
        """Counts one ``what`` (a noun in the singular, then anything)."""
        reason = f"{what}|{why}"
        if reason not in self._found and len(self._found) >= _MOST_REASONS:
            reason, example = "value of other names|that are not numbers", ""
        n, first = self._found.get(reason, (0, example))
        self._found[reason] = (n + 1, first)

    def sentences(self) -> Iterator[tuple[str, str]]:
        """Yields each reason, and a sentence with its count."""
        for reason, (n, example) in self._found.items():
            what, _, why = reason.partition("|")
            noun, _, rest = what.partition(" ")
            why = _SINGULAR.get(why, why) if n == 1 else why
            such_as = f", such as {example[:_SHOWN]!r}" if example else ""
            yield reason, f"left out {n} {noun}{'s' if n > 1 else ''}{' ' + rest if rest else ''} {why}{such_as}"


def number_of(text: str) -> float | None:
    """Returns the number that a text is, None if it is not one.

    Punctuation and brackets around it and commas between thousands are allowed. ``0,5`` is not a number, as ``1,234`` could then be two.
    """
    try:
        return float(text)
    except ValueError:
        found = _NUMBER.fullmatch(text)
    if found is None:
        return None
    digits = found[1].replace(",", "")
    with suppress(ValueError):
        return float(digits if digits.isalpha() else re.sub("[dD]", "e", digits))  # Fortran writes 1.5D-03
    return None
