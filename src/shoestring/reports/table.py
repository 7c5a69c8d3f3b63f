"""A table as a value: the same rows for the page, for Markdown and for LaTeX. It lays nothing out and knows of no run."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from shoestring.cleaning import for_markdown

Datum: TypeAlias = str | int | float | None


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell.

    Attributes:
        text: as a person reads it.
        key: by what its column is sorted; None sorts last.
    """

    text: str
    key: str | float | None


@dataclass(frozen=True)
class Table:
    """Rows of cells under named columns.

    Attributes:
        caption: what the table shows, in one sentence.
        columns: their names.
        numeric: for each column, whether it holds numbers, which stand to the right.
        rows: the cells, as many in each row as there are columns.
        total: a last row that is not sorted with the others.
    """

    caption: str
    columns: tuple[str, ...]
    numeric: tuple[bool, ...]
    rows: tuple[tuple[Cell, ...], ...]
    total: tuple[Cell, ...] = ()

    def lines(self) -> Iterator[tuple[Cell, ...]]:
        """Yields all rows, the total last."""
        yield from self.rows
        if self.total:
            yield self.total


def table(caption: str, columns: Sequence[str], rows: Iterable[Sequence[Datum | Cell]], total: Sequence[Datum | Cell] = ()) -> Table:
    """Returns a table of plain values; a column is numeric if it holds numbers and nothing else but gaps."""
    cells = tuple(map(_cells, rows))
    numeric = tuple(
        any(isinstance(row[i].key, float) for row in cells) and not any(isinstance(row[i].key, str) for row in cells)
        for i in range(len(columns))
    )
    return Table(caption, tuple(columns), numeric, cells, _cells(total))


def _cells(row: Sequence[Datum | Cell]) -> tuple[Cell, ...]:
    return tuple(value if isinstance(value, Cell) else cell(value) for value in row)


def cell(value: Datum, text: str | None = None) -> Cell:
    """Returns the cell of a value, with another text than its own if one is given."""
    if value is None:
        return Cell("–" if text is None else text, None)
    if isinstance(value, str):
        return Cell(value if text is None else text, value)
    return Cell(number(value) if text is None else text, float(value) if math.isfinite(value) else None)


def number(value: float) -> str:
    """Returns a number with six significant digits."""
    return str(value) if isinstance(value, int) else f"{value:.6g}"


def as_markdown(shown: Table) -> list[str]:
    """Returns the lines of the table in Markdown; no text can break its rows."""
    rule = "".join(" ---: |" if numeric else " --- |" for numeric in shown.numeric)
    lines = ["| " + " | ".join(map(for_markdown, shown.columns)) + " |", "|" + rule]
    return lines + ["| " + " | ".join(for_markdown(entry.text) for entry in row) + " |" for row in shown.lines()]


def flat(what: str, name: str, n: int, value: float | None, crashes: int | None = None) -> dict[str, Any]:
    """Returns a result as one flat row, in the columns that all results have."""
    empty = dict.fromkeys(("low", "high", "level", "p", "better"))
    return {"what": what, "name": name, "n": n, "value": value, **empty, "crashes": crashes}
