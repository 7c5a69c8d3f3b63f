"""The store of one run: a folder with a database that one process writes, and the folders of its trials.

The only module that knows of the database. Rows are put and then committed together, all that belongs to a decision at once. Commits that
follow each other fast go to the redo log, and from there into the database together. Trial processes open neither: they append to event
files, which the engine reads in by offset, so whatever a crash loses here is read in again.
"""

from __future__ import annotations

import errno
import json
import math
import os
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from operator import itemgetter
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, Table, insert, inspect, select, text
from sqlalchemy.exc import DatabaseError

from shoestring.errors import NotARun, StoreCorrupt, StoreError, StoreLocked, StoreReadOnly, StoreUnwritable, StoreVersion
from shoestring.machine.files import unwritable
from shoestring.machine.lock import Lock
from shoestring.store import redo, schema, sqlite
from shoestring.store.integrity import DATABASE, LOCK, REDO, TRIALS, check_folder, check_schema, checking, making_sense, sealing
from shoestring.store.redo import RedoLog, Row

Rows = dict[Table, dict[Any, Row]]  # by table and primary key

GENERATION = "generation"  # how often the database has taken commits in
WRITE_EVERY_S = 0.5  # commits that follow a write into the database sooner wait in the redo log
WRITE_FROM = redo.ROOM - (1 << 13)  # bytes of the redo log from which they do not
ROOM_IN_MEMORY = 1 << 30  # bytes free in the file system that is in memory, below which it is not used

_KEYS: dict[Table, Callable[[Row], Any]] = {
    table: itemgetter(*(column.name for column in table.primary_key)) for table in schema.metadata.sorted_tables
}
_SEALS = {table: sealing(table) for table in schema.metadata.sorted_tables}
_CHECKS = {table: checking(table) for table in schema.metadata.sorted_tables}


class Store:
    """The store of one run, open.

    Attributes:
        folder: the run's folder, by its absolute path; a temporary one for a store in memory.
    """

    def __init__(self, folder: Path, engine: Engine, lock: Lock | None, scratch: tempfile.TemporaryDirectory[str] | None = None) -> None:
        self.folder = folder
        self._database = str(folder / DATABASE)
        self._engine = engine
        self._lock = lock
        self._scratch = scratch
        self._upserts = {
            table: sqlite.upsert(table, engine) for table in schema.metadata.sorted_tables
        }  # trials before what refers to them
        self._put: Rows = {table: {} for table in self._upserts}  # since the last commit
        self._committed: Rows = {table: {} for table in self._upserts}  # and not in the database yet
        self._redo = RedoLog(folder / REDO)
        self._generation = 0
        self._written_at = -math.inf

    @classmethod
    def create_or_open(cls, folder: Path) -> Store:
        """Opens the run in ``folder`` for writing, as its one coordinator; begins a run where there is none.

        Raises:
            StoreLocked: another process is its coordinator.
            StoreCorrupt, StoreVersion: what is there cannot be used.
            NotARun: the folder holds something else.
            StoreReadOnly, StoreUnwritable: it cannot be written.
        """
        try:
            folder = folder.absolute()
            database = folder / DATABASE
            if (
                folder.exists()
                and not database.is_file()
                and (not folder.is_dir() or set(os.listdir(folder)) - {"lock", f"{DATABASE}-journal", REDO})
            ):
                raise NotARun(f"{folder} exists and holds no run (no study.db). Choose another --store, or an empty folder.")
            folder.mkdir(parents=True, exist_ok=True)
            check_folder(folder)
            lock = Lock(folder)
        except OSError as error:
            raise _refused(folder, error) from error
        store = cls(folder, sqlite.engine(URL.create("sqlite", database=str(database)), begin=sqlite.WRITING), lock)
        return store._checked(may_create=True)

    @classmethod
    def in_memory(cls) -> Store:
        """Opens a new run in memory; its trials' folders are files for as long as the store is open, in memory too where there is room."""
        scratch = tempfile.TemporaryDirectory(prefix="shoestring-", dir=_file_system_in_memory())
        store = cls(Path(scratch.name), sqlite.engine(URL.create("sqlite")), None, scratch)
        store._check(may_create=True)
        return store

    @classmethod
    def read(cls, folder: Path) -> Store:
        """Opens a run for reading only; this never disturbs its coordinator.

        Raises:
            NotARun: the folder holds no run.
            StoreCorrupt, StoreVersion: what is there cannot be used.
        """
        folder = folder.absolute()
        database = folder / DATABASE
        if not os.path.lexists(database):
            raise NotARun(f"{folder} is not the folder of a run (no study.db). Give a run's folder, or its name under runs/.")
        check_folder(folder)
        if os.access(folder, os.W_OK) and os.access(database, os.W_OK):
            url = URL.create("sqlite", database=str(database))
        else:
            url = URL.create("sqlite", database=database.as_uri(), query={"mode": "ro", "immutable": "1", "uri": "true"})
        store = cls(folder, sqlite.engine(url), None)
        return store._checked(may_create=False)

    def put(self, table: Table, row: Row) -> None:
        """Keeps a whole row for the next commit; a row with the same primary key is replaced."""
        self._put[table][_KEYS[table](row)] = row

    def commit(self) -> None:
        """Keeps all rows that were put since the last commit, all or none, whatever happens from now on.

        Raises:
            StoreUnwritable: the disk is full or read-only, or the run's folder is gone; the rows are kept for another try, and the store
                is as it was.
        """
        if not any(self._put.values()):
            return
        if time.monotonic() - self._written_at > WRITE_EVERY_S or self._redo.size > WRITE_FROM:
            self._write()
            return
        if self.is_on_disk:
            self._check_there()
            try:
                self._redo.append(self._generation, {table.name: list(rows.values()) for table, rows in self._put.items() if rows})
            except OSError as error:
                raise unwritable(self.folder / REDO, error) from error
        for table, rows in self._put.items():
            self._committed[table] |= {key: dict(row) for key, row in rows.items()}
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
        key = _KEYS[table]
        commits = self._logged() if self._only_reads else []  # first: the database may take them in meanwhile
        try:
            with self._engine.connect() as connection:
                found = connection.execute(select(table).order_by(*table.primary_key)).mappings().all()
                generation = connection.execute(select(schema.meta.c.value).where(schema.meta.c.key == GENERATION)).scalar()
        except DatabaseError as error:
            raise self._unreadable(error) from error
        with self.reading():
            stored = [_CHECKS[table](dict(row)) for row in found]
            later = self._since(commits, int(generation or 0))[table] if commits else {}
        later |= self._committed[table]
        if not later:
            return stored
        rows = {key(row): row for row in stored} | later
        return [dict(rows[k]) for k in sorted(rows)]

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
        """Has the database take in what was committed, closes it and gives the lock back."""
        if self._lock is not None and any(self._committed.values()):
            for rows in self._put.values():
                rows.clear()
            with suppress(StoreError):  # it stays in the redo log
                self._write()
        self._redo.close()
        self._engine.dispose()
        if self._lock is not None:
            self._lock.release()
        if self._scratch is not None:
            self._scratch.cleanup()

    @property
    def _only_reads(self) -> bool:
        return self._lock is None and self.is_on_disk

    def _write(self) -> None:
        """Writes all that was put or committed into the database, in one transaction.

        Raises:
            StoreUnwritable: the disk is full or read-only, or the run's folder is gone.
        """
        self._check_there()
        waiting = {table: self._committed[table] | self._put[table] for table in self._upserts}
        waiting[schema.meta][GENERATION] = {"key": GENERATION, "value": str(self._generation + 1)}
        try:
            with sqlite.transaction(self._engine) as cursor:
                for table, (statement, values) in self._upserts.items():
                    if rows := waiting[table]:
                        cursor.executemany(statement, [values(row | {schema.CRC: _SEALS[table](row)}) for row in rows.values()])
        except sqlite3.Error as error:
            raise self._unwritable(error) from error
        self._generation += 1
        self._redo.restart()
        self._written_at = time.monotonic()
        for rows in (*self._committed.values(), *self._put.values()):
            rows.clear()

    def _check_there(self) -> None:
        """Checks that what is written now gets to where it belongs: not into a removed file, nor into one that was given its descriptor.

        Raises:
            StoreUnwritable: it would not.
        """
        if self._lock is None:
            return
        if not os.path.exists(self._database):
            raise StoreUnwritable(f"{self._database} was removed while its run was under way; run the same command to begin it anew.")
        try:
            self._lock.check()
        except OSError as error:
            raise unwritable(self.folder / LOCK, error) from error

    def _take_in_log(self) -> None:
        """Has the database take in what an earlier process has committed and left in the redo log."""
        self._generation = int(self.noted(GENERATION))
        self._committed = self._since(self._logged(), self._generation)
        if any(self._committed.values()):
            self._write()

    def _logged(self) -> list[redo.Commit]:
        with making_sense(self.folder, REDO):
            return redo.read(self.folder / REDO)

    def _since(self, commits: list[redo.Commit], generation: int) -> Rows:
        """Returns what was committed since the database reached a generation.

        Raises:
            StoreCorrupt: a commit among those is damaged.
        """
        rows: Rows = {table: {} for table in self._upserts}
        with making_sense(self.folder, REDO):
            for commit in commits:
                if commit.generation != generation:
                    continue
                if commit.behind:
                    raise StoreCorrupt(
                        f"{self.folder / REDO} is damaged: a commit in its middle cannot be read. "
                        "Restore the folder from a copy, or choose another --store."
                    )
                for name, committed in commit.rows.items():
                    table = schema.metadata.tables[name]
                    for row in committed:
                        rows[table][_KEYS[table](row)] = _CHECKS[table](row | {schema.CRC: _SEALS[table](row)})
        return rows

    def _checked(self, may_create: bool) -> Store:
        """Returns the store once it has passed its checks; one that has not is closed."""
        try:
            self._check(may_create)
        except BaseException:  # the lock goes back even at a Ctrl-C
            self.close()
            raise
        return self

    def _check(self, may_create: bool) -> None:
        try:
            with self._engine.connect() as connection:
                if connection.execute(text("PRAGMA integrity_check(1)")).scalar() != "ok":
                    raise self._corrupt("fails its integrity check")
                tables = set(inspect(connection).get_table_names())
                version = _version(connection) if "meta" in tables else "unknown"
        except DatabaseError as error:
            if may_create and isinstance(error.orig, sqlite3.OperationalError) and "readonly" in str(error.orig):
                raise StoreReadOnly(f"{self.folder} cannot be written ({error.orig}); choose another --store.") from error
            raise self._unreadable(error) from error
        if not tables:
            if not may_create or (self.folder / TRIALS).exists():
                raise self._corrupt("is empty")
            self._create()
        elif version != str(schema.SCHEMA_VERSION):
            raise StoreVersion(self.folder, version, schema.SCHEMA_VERSION)
        with self.reading(), self._engine.connect() as connection:
            check_schema(connection)
        if self._lock is not None:
            with self.reading():
                self._take_in_log()

    def _corrupt(self, how: str) -> StoreCorrupt:
        return StoreCorrupt(f"{self._database} {how}. Restore it from a copy, or choose another --store.")

    def _unreadable(self, error: Exception) -> StoreError:
        reason = error.orig if isinstance(error, DatabaseError) else error
        if "locked" in str(reason):
            return StoreLocked(self.folder, None)
        return self._corrupt(f"cannot be read ({reason})")

    def _unwritable(self, error: sqlite3.Error) -> StoreError:
        if "locked" in str(error) or not isinstance(error, sqlite3.OperationalError):
            return self._unreadable(error)
        return unwritable(self._database, sqlite.as_os_error(error, self._database))

    def _create(self) -> None:
        try:
            with self._engine.begin() as connection:
                schema.metadata.create_all(connection)
                notes = {"schema_version": schema.SCHEMA_VERSION, GENERATION: 0}
                rows = [{"key": key, "value": str(value)} for key, value in notes.items()]
                connection.execute(insert(schema.meta), [row | {schema.CRC: _SEALS[schema.meta](row)} for row in rows])
        except DatabaseError as error:
            assert isinstance(error.orig, sqlite3.Error)
            raise self._unwritable(error.orig) from error


def _version(connection: Connection) -> str:
    return str(connection.execute(text("SELECT value FROM meta WHERE key = 'schema_version'")).scalar())


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
