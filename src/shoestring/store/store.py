"""The store of one run: its rows in a database, and the folders of its trials.

Rows are put and then committed together, all that belongs to a decision at once. Trial processes open no store: they append to event
files, which the engine reads in by offset, so whatever a crash loses here is read in again.
"""

from __future__ import annotations

import errno
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Table

from shoestring.errors import NotARun, StoreReadOnly, StoreUnwritable, UsageError
from shoestring.machine.lock import NAME as LOCK
from shoestring.store import MEMBERS, schema
from shoestring.store.address import Address, database_url
from shoestring.store.integrity import making_sense
from shoestring.store.layout import DATABASE, REDO, TRIALS, is_elsewhere
from shoestring.store.protocol import Database, Row
from shoestring.store.sealed import KEYS
from shoestring.store.sqlite import SqliteDatabase

ROOM_IN_MEMORY = 1 << 30  # bytes free in the file system that is in memory, below which it is not used


class Store:
    """The store of one run, open.

    Args:
        folder: the run's folder, by its absolute path.
        database: what holds its rows.
        scratch: the folder of a run in memory, which goes with the store.
    """

    def __init__(self, folder: Path, database: Database, scratch: tempfile.TemporaryDirectory[str] | None = None) -> None:
        self.folder = folder
        self._database = database
        self._scratch = scratch
        self._put: dict[Table, dict[Any, Row]] = {table: {} for table in schema.metadata.sorted_tables}  # since the last commit

    @classmethod
    def create_or_open(cls, folder: Path, database: str | None = None) -> Store:
        """Opens the run in ``folder`` for writing, as its one coordinator; begins a run where there is none.

        Args:
            database: the URL of the database that keeps a new run's rows; None for a file in the folder. A run stays where it began.
        Raises:
            StoreLocked: another process is its coordinator.
            StoreCorrupt, StoreVersion: what is there cannot be used.
            StoreUnreachable: the database does not answer.
            NotARun: the folder holds something else.
            StoreReadOnly, StoreUnwritable: it cannot be written.
            UsageError: ``database`` is no such URL, or the run is kept elsewhere.
        """
        try:
            folder = folder.absolute()
            begun = (folder / DATABASE).is_file() or is_elsewhere(folder)
            if folder.exists() and not begun and (not folder.is_dir() or set(os.listdir(folder)) - {LOCK, f"{DATABASE}-journal", REDO}):
                raise NotARun(f"{folder} exists and holds no run (no study.db). Choose another --store, or an empty folder.")
            address = Address.kept_in(folder) if begun else None if database is None else Address.new(database, folder)
            if begun and database is not None and (address is None or address.url != database_url(database)):
                raise UsageError(f"{folder} is saved in {address or DATABASE}; leave out --database, or choose another --store.")
            folder.mkdir(parents=True, exist_ok=True)
            if address is None:
                return cls(folder, SqliteDatabase.create_or_open(folder))
            store = cls(folder, _opened(folder, address, writing=True))
            if not begun:
                address.keep(folder)
            return store
        except OSError as error:
            raise _refused(folder, error) from error

    @classmethod
    def in_memory(cls) -> Store:
        """Opens a new run in memory; its trials' folders are files for as long as the store is open, in memory too where there is room."""
        scratch = tempfile.TemporaryDirectory(prefix="shoestring-", dir=_file_system_in_memory())
        return cls(Path(scratch.name), SqliteDatabase.in_memory(Path(scratch.name)), scratch)

    @classmethod
    def read(cls, folder: Path) -> Store:
        """Opens a run for reading only; this never disturbs its coordinator.

        Raises:
            NotARun: the folder holds no run.
            StoreCorrupt, StoreVersion: what is there cannot be used.
            StoreUnreachable: the database that keeps it does not answer.
        """
        folder = folder.absolute()
        address = Address.kept_in(folder)
        return cls(folder, SqliteDatabase.read(folder) if address is None else _opened(folder, address, writing=False))

    def put(self, table: Table, row: Row) -> None:
        """Keeps a whole row for the next commit; a row with the same primary key is replaced."""
        self._put[table][KEYS[table](row)] = row

    def commit(self) -> None:
        """Keeps all rows that were put since the last commit, all or none, whatever happens from now on.

        Raises:
            StoreUnwritable: the disk is full or read-only, or the run's folder is gone; the rows are kept for another try, and the store
                is as it was.
        """
        if any(self._put.values()):
            self._database.commit(self._put)
            for rows in self._put.values():
                rows.clear()

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Turns any failure to make sense of what is stored into ``StoreCorrupt``."""
        with making_sense(self.folder):
            yield

    def rows(self, table: Table) -> list[Row]:
        """Returns all committed rows of a table in the order of its primary key.

        Raises:
            StoreCorrupt: they cannot be read.
        """
        return self._database.rows(table)

    def note(self, key: str, value: object) -> None:
        """Keeps one JSON value under a key, for the next commit."""
        self.put(schema.meta, {"key": key, "value": json.dumps(value, sort_keys=True)})

    def noted(self, key: str) -> Any:
        """Returns the JSON value under a key, or None.

        Raises:
            StoreCorrupt: it cannot be read.
        """
        found = [row["value"] for row in self.rows(schema.meta) if row["key"] == key]
        with self.reading():
            return json.loads(found[0]) if found else None

    @property
    def is_on_disk(self) -> bool:
        """Whether the run outlives this process."""
        return self._scratch is None

    def trial_folder(self, trial_id: int) -> Path:
        """Returns the folder of a trial, which may not exist yet."""
        return self.folder / TRIALS / f"{trial_id:04d}"

    def close(self) -> None:
        """Closes the database; what was put and not committed is dropped."""
        self._database.close()
        if self._scratch is not None:
            self._scratch.cleanup()


def check_database(text: str) -> None:
    """Checks that a URL names a kind of database that can keep a run; a password in it is remembered by this process.

    Raises:
        UsageError: it does not.
    """
    MEMBERS.find(database_url(text).drivername)


def _opened(folder: Path, address: Address, *, writing: bool) -> Database:
    return MEMBERS.find(address.kind)(folder, address, writing=writing)


def _file_system_in_memory() -> str | None:
    """Returns a folder whose files are in memory (Linux has one); None if there is none with some room, or if ``TMPDIR`` names another."""
    try:
        room = os.statvfs("/dev/shm")
    except OSError:
        return None
    is_usable = os.access("/dev/shm", os.W_OK) and room.f_bavail * room.f_frsize >= ROOM_IN_MEMORY
    return "/dev/shm" if is_usable and "TMPDIR" not in os.environ else None


def _refused(folder: Path, error: OSError) -> StoreUnwritable:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StoreUnwritable(f"{folder} cannot be written ({error.strerror}); free some space or choose another --store.")
    return StoreReadOnly(f"{folder} cannot be written ({error.strerror}); choose another --store.")
