"""The checksum of every row: SQLite notices a damaged tree, but not a changed value."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Mapping
from operator import itemgetter
from typing import Any

from sqlalchemy import Float, Integer, Table

from shoestring.store import schema
from shoestring.store.protocol import Row


def sealing(table: Table) -> Callable[[Mapping[str, Any]], int]:
    """Returns what gives the checksum of a row, over all columns but its own, and refuses a row that the table cannot hold.

    Raises (what is returned):
        TypeError, KeyError: a value of a wrong type, or a column that is missing.
    """
    columns = [(column.name, _kind(column.type), bool(column.nullable)) for column in table.columns if column.name != schema.CRC]

    def seal(row: Mapping[str, Any]) -> int:
        return zlib.crc32(repr([kind(row[name], nullable) for name, kind, nullable in columns]).encode(errors="surrogatepass"))

    return seal


def checking(table: Table) -> Callable[[Row], Row]:
    """Returns what takes the checksum off a stored row, once the row is found to be whole and to hold what is due in each column.

    Raises (what is returned):
        ValueError, TypeError, KeyError, RecursionError: the row was damaged, or not written by Shoestring.
    """
    seal = sealing(table)
    shapes: dict[str, schema.Shape] = {column.name: column.info["shape"] for column in table.columns if column.info}

    def check(row: Row) -> Row:
        if row.pop(schema.CRC) != seal(row):
            raise ValueError(f"a row of the table {table.name!r} has another checksum")
        for name, shape in shapes.items():
            if (text := row[name]) is not None and not shape(json.loads(text)):
                raise ValueError(f"{table.name}.{name} holds {text[:40]}")
        return row

    return check


def _kind(kind: object) -> Callable[[Any, bool], object]:
    """Returns what checks a value of a column, and gives it the one type that SQLite gives back."""
    allowed, made = (int, int) if isinstance(kind, Integer) else (int | float, float) if isinstance(kind, Float) else (str, str)

    def checked(value: Any, nullable: bool) -> object:
        if value is None and nullable:
            return None
        if not isinstance(value, allowed):
            raise TypeError(f"{type(value).__name__} where {made.__name__} is due")
        if isinstance(value, int) and not -(2**63) <= value < 2**63:
            raise OverflowError(f"{value} is not a 64-bit number")
        return made(value) if made is not float else float(value) + 0.0  # SQLite knows no -0.0

    return checked


KEYS: dict[Table, Callable[[Row], Any]] = {
    table: itemgetter(*(column.name for column in table.primary_key)) for table in schema.metadata.sorted_tables
}
SEALS = {table: sealing(table) for table in schema.metadata.sorted_tables}
CHECKS = {table: checking(table) for table in schema.metadata.sorted_tables}
