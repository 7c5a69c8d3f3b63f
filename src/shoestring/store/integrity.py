"""What a run's folder and database must look like to be used: whatever fails here was damaged, or was not made by Shoestring.

A folder may come from someone else, so its database may hold the tables of ``schema`` and nothing beside them, above all no views and no
triggers.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from stat import S_ISDIR, S_ISREG

from sqlalchemy import Connection, Table, text
from sqlalchemy.dialects import sqlite

from shoestring.errors import StoreCorrupt, UnknownQuestion
from shoestring.store import schema
from shoestring.store.layout import DATABASE, FILES, TRIALS

_JOURNAL_MAGIC = bytes.fromhex("d9d505f920a163d7")


def check_schema(connection: Connection) -> None:
    """Checks that a database holds the tables of ``schema``, as they were made, and nothing else.

    Raises:
        ValueError: it holds something else.
    """
    for kind, name in connection.execute(text("SELECT type, name FROM sqlite_master")):
        if not (kind == "table" and name in schema.metadata.tables) and not (kind == "index" and name.startswith("sqlite_autoindex_")):
            raise ValueError(f"a {kind} {name!r} that is not Shoestring's")
    for table in schema.metadata.sorted_tables:
        found = [tuple(row) for row in connection.execute(text(f"PRAGMA table_xinfo({table.name})"))]
        if [(name, kind, hidden) for _, name, kind, _, _, _, hidden in found] != list(_columns(table)):
            raise ValueError(f"a table {table.name!r} with other columns than Shoestring's")


def check_folder(folder: Path) -> None:
    """Checks that all that is opened by name in a run's folder is a plain file or a real folder.

    Raises:
        StoreCorrupt: something is a symbolic link or a special file, or the journal names a file to remove.
        OSError: the folder cannot be read.
    """
    with os.scandir(folder) as entries:
        for entry in entries:
            mode = entry.stat(follow_symlinks=False).st_mode
            if (entry.name in FILES and not S_ISREG(mode)) or (entry.name == TRIALS and not S_ISDIR(mode)):
                raise _not_own(Path(entry))
    if (folder / TRIALS).exists():
        with os.scandir(folder / TRIALS) as entries:
            for entry in entries:
                if not entry.is_dir(follow_symlinks=False):
                    raise _not_own(Path(entry))
    journal = folder / f"{DATABASE}-journal"
    if journal.exists() and _names_another(journal):
        raise StoreCorrupt(
            f"{journal} names another file, which Shoestring's never does. Restore it from a copy, or choose another --store."
        )


@contextmanager
def making_sense(folder: Path, name: str = DATABASE) -> Iterator[None]:
    """Turns any failure to make sense of what a file of a run's holds into ``StoreCorrupt``."""
    try:
        yield
    except UnknownQuestion:  # that is no damage
        raise
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError) as error:
        raise StoreCorrupt(
            f"{folder / name} holds what cannot be right ({type(error).__name__}: {error}). "
            "Restore it from a copy, or choose another --store."
        ) from error


def _names_another(journal: Path) -> bool:
    """Tells whether a journal ends with the name of a super-journal: SQLite would remove that file, wherever it is."""
    with open(journal, "rb") as file:
        file.seek(max(0, os.fstat(file.fileno()).st_size - len(_JOURNAL_MAGIC)))
        return file.read() == _JOURNAL_MAGIC


def _columns(table: Table) -> Iterator[tuple[str, str, int]]:
    for column in table.columns:
        yield column.name, column.type.compile(sqlite.dialect()), 0


def _not_own(path: Path) -> StoreCorrupt:
    return StoreCorrupt(
        f"{path} is a symbolic link or a special file; a run's folder holds plain files and folders only. "
        "Remove it, or choose another --store."
    )
