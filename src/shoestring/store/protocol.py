"""What holds the rows of a run: the one thing that a database of another kind must be able to do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, TypeAlias

from sqlalchemy import Table

Row: TypeAlias = dict[str, Any]
Rows: TypeAlias = Mapping[Table, Mapping[Any, Row]]  # by table, and there by primary key


class Database(Protocol):
    """The tables of ``schema`` for one run, open."""

    def commit(self, rows: Rows) -> None:
        """Keeps rows, all or none, whatever happens from now on; a row with the same primary key is replaced.

        Raises:
            StoreUnwritable: it cannot; everything is as it was.
        """

    def rows(self, table: Table) -> list[Row]:
        """Returns all committed rows of a table in the order of its primary key.

        Raises:
            StoreCorrupt: they cannot be read.
        """

    def close(self) -> None:
        """Gives back whatever is held; what was committed stays."""
