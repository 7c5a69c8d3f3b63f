"""The files of a run's folder that the store knows by name, and which folders hold a run."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from shoestring.machine.lock import NAME as LOCK

DATABASE = "study.db"
ADDRESS = "study.url"  # where the rows are, if not in ``DATABASE``
REDO = "redo.log"
TRIALS = "trials"
FILES = (DATABASE, ADDRESS, f"{DATABASE}-journal", f"{DATABASE}-wal", f"{DATABASE}-shm", REDO, LOCK, "log.txt", "study.json", "env.json")


def is_run(folder: Path) -> bool:
    """Tells whether a folder holds a run."""
    return (folder / DATABASE).exists() or (folder / ADDRESS).exists()


def is_elsewhere(folder: Path) -> bool:
    """Tells whether the rows of a run are in a database on a server."""
    return (folder / ADDRESS).exists()


def runs_in(folder: Path) -> list[Path]:
    """Returns the folders of the runs that lie in a folder, the one that was written last at the end."""
    found = [*folder.glob(f"*/{DATABASE}"), *folder.glob(f"*/{ADDRESS}")]
    return [kept.parent for kept in sorted(found, key=lambda kept: kept.stat().st_mtime)]


def has_note(folder: Path, key: str) -> bool:
    """Tells whether a run holds a note. A look at one row, read-only: opening the database would check all of it."""
    try:
        with closing(sqlite3.connect(f"{(folder / DATABASE).resolve().as_uri()}?mode=ro", uri=True, timeout=0.1)) as connection:
            return connection.execute("SELECT 1 FROM meta WHERE key = ?", (key,)).fetchone() is not None
    except sqlite3.Error:
        return False
