"""A run's rows in a SQLite file of its folder, or in memory: one writer, any number of readers.

Commits that follow each other fast go to the redo log, and from there into the database together.
"""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import suppress
from math import inf
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, Table, insert, inspect, select, text
from sqlalchemy.exc import DatabaseError

from shoestring.errors import NotARun, StoreCorrupt, StoreError, StoreLocked, StoreReadOnly, StoreUnwritable, StoreVersion
from shoestring.machine.files import unwritable
from shoestring.machine.lock import NAME as LOCK
from shoestring.machine.lock import Lock
from shoestring.store import redo, schema, sqlite_driver
from shoestring.store.integrity import check_folder, check_schema, making_sense
from shoestring.store.layout import DATABASE, REDO, TRIALS
from shoestring.store.protocol import Row, Rows
from shoestring.store.redo import RedoLog
from shoestring.store.sealed import CHECKS, KEYS, SEALS

GENERATION = "generation"  # how often the database has taken commits in
WRITE_EVERY_S = 0.5  # commits that follow a write into the database sooner wait in the redo log
WRITE_FROM = redo.ROOM - (1 << 13)  # bytes of the redo log from which they do not


class SqliteDatabase:
    """The rows of one run, in SQLite.

    Args:
        folder: the run's folder.
        engine: what connects to the database.
        lock: that of the run's coordinator; None for a reader, and for a run in memory.
        is_lasting: whether the database is a file.
    """

    def __init__(self, folder: Path, engine: Engine, lock: Lock | None, *, is_lasting: bool = True) -> None:
        self._is_lasting = is_lasting
        self._folder = folder
        self._path = str(folder / DATABASE)
        self._engine = engine
        self._lock = lock
        self._upserts = {  # trials before what refers to them
            table: sqlite_driver.upsert(table, engine) for table in schema.metadata.sorted_tables
        }
        self._committed: dict[Table, dict[object, Row]] = {table: {} for table in self._upserts}  # and not in the database yet
        self._redo = RedoLog(folder / REDO)
        self._generation = 0
        self._written_at = -inf

    @classmethod
    def create_or_open(cls, folder: Path) -> SqliteDatabase:
        """Opens the database of a folder for writing, as the run's one coordinator; makes it where there is none.

        Raises:
            StoreLocked: another process is its coordinator.
            StoreCorrupt, StoreVersion: what is there cannot be used.
            StoreReadOnly, StoreUnwritable: it cannot be written.
            OSError: the folder cannot be read or written.
        """
        check_folder(folder)
        lock = Lock(folder)
        made = cls(folder, sqlite_driver.engine(URL.create("sqlite", database=str(folder / DATABASE)), sqlite_driver.WRITING), lock)
        return made._checked(may_create=True)

    @classmethod
    def in_memory(cls, folder: Path) -> SqliteDatabase:
        """Makes a database in memory, for a run whose trials lie in a folder for the time being."""
        return cls(folder, sqlite_driver.engine(URL.create("sqlite")), None, is_lasting=False)._checked(may_create=True)

    @classmethod
    def read(cls, folder: Path) -> SqliteDatabase:
        """Opens the database of a folder for reading only; this never disturbs its coordinator.

        Raises:
            NotARun: the folder holds no run.
            StoreCorrupt, StoreVersion: what is there cannot be used.
        """
        path = folder / DATABASE
        if not os.path.lexists(path):
            raise NotARun(f"{folder} is not the folder of a run (no study.db). Give a run's folder, or its name under runs/.")
        check_folder(folder)
        if os.access(folder, os.W_OK) and os.access(path, os.W_OK):
            url = URL.create("sqlite", database=str(path))
        else:
            url = URL.create("sqlite", database=path.as_uri(), query={"mode": "ro", "immutable": "1", "uri": "true"})
        return cls(folder, sqlite_driver.engine(url), None)._checked(may_create=False)

    def commit(self, rows: Rows) -> None:
        """Keeps rows: in the redo log if the database was written a moment ago, in the database otherwise."""
        if time.monotonic() - self._written_at > WRITE_EVERY_S or self._redo.size > WRITE_FROM:
            self._write(rows)
            return
        if self._is_lasting:
            self._check_there()
            try:
                self._redo.append(self._generation, {table.name: list(entries.values()) for table, entries in rows.items() if entries})
            except OSError as error:
                raise unwritable(self._folder / REDO, error) from error
        for table, entries in rows.items():
            self._committed[table] |= {key: dict(row) for key, row in entries.items()}

    def rows(self, table: Table) -> list[Row]:
        """Returns all committed rows of a table in the order of its primary key.

        Raises:
            StoreCorrupt: they cannot be read.
        """
        key = KEYS[table]
        commits = self._logged() if self._only_reads else []  # first: the database may take them in meanwhile
        try:
            with self._engine.connect() as connection:
                found = connection.execute(select(table).order_by(*table.primary_key)).mappings().all()
                generation = connection.execute(select(schema.meta.c.value).where(schema.meta.c.key == GENERATION)).scalar()
        except DatabaseError as error:
            raise self._unreadable(error) from error
        with making_sense(self._folder):
            stored = [CHECKS[table](dict(row)) for row in found]
            later = self._since(commits, int(generation or 0))[table] if commits else {}
        later |= self._committed[table]
        if not later:
            return stored
        rows = {key(row): row for row in stored} | later
        return [dict(rows[k]) for k in sorted(rows)]

    def close(self) -> None:
        """Has the database take in what was committed, closes it and gives the lock back."""
        if self._lock is not None and any(self._committed.values()):
            with suppress(StoreError):  # it stays in the redo log
                self._write({})
        self._redo.close()
        self._engine.dispose()
        if self._lock is not None:
            self._lock.release()

    @property
    def _only_reads(self) -> bool:
        return self._lock is None and self._is_lasting

    def _write(self, rows: Rows) -> None:
        """Writes rows, and all that was committed before, into the database, in one transaction.

        Raises:
            StoreUnwritable: the disk is full or read-only, or the run's folder is gone.
        """
        self._check_there()
        waiting = {table: {**committed, **rows.get(table, {})} for table, committed in self._committed.items()}
        waiting[schema.meta][GENERATION] = {"key": GENERATION, "value": str(self._generation + 1)}
        try:
            with sqlite_driver.transaction(self._engine) as cursor:
                for table, (statement, values) in self._upserts.items():
                    if entries := waiting[table].values():
                        cursor.executemany(statement, [values(row | {schema.CRC: SEALS[table](row)}) for row in entries])
        except sqlite3.Error as error:
            raise self._unwritable(error) from error
        self._generation += 1
        self._redo.restart()
        self._written_at = time.monotonic()
        for committed in self._committed.values():
            committed.clear()

    def _check_there(self) -> None:
        """Checks that what is written now gets to where it belongs: not into a removed file, nor into one that was given its descriptor.

        Raises:
            StoreUnwritable: it would not.
        """
        if self._lock is None:
            return
        if not os.path.exists(self._path):
            raise StoreUnwritable(f"{self._path} was removed while its run was under way; run the same command to begin it anew.")
        try:
            self._lock.check()
        except OSError as error:
            raise unwritable(self._folder / LOCK, error) from error

    def _take_in_log(self) -> None:
        """Has the database take in what an earlier process has committed and left in the redo log."""
        self._generation = next(int(row["value"]) for row in self.rows(schema.meta) if row["key"] == GENERATION)
        self._committed = self._since(self._logged(), self._generation)
        if any(self._committed.values()):
            self._write({})

    def _logged(self) -> list[redo.Commit]:
        with making_sense(self._folder, REDO):
            return redo.read(self._folder / REDO)

    def _since(self, commits: list[redo.Commit], generation: int) -> dict[Table, dict[object, Row]]:
        """Returns what was committed since the database reached a generation.

        Raises:
            StoreCorrupt: a commit among those is damaged.
        """
        rows: dict[Table, dict[object, Row]] = {table: {} for table in self._upserts}
        with making_sense(self._folder, REDO):
            for commit in commits:
                if commit.generation != generation:
                    continue
                if commit.behind:
                    raise StoreCorrupt(
                        f"{self._folder / REDO} is damaged: a commit in its middle cannot be read. "
                        "Restore the folder from a copy, or choose another --store."
                    )
                for name, committed in commit.rows.items():
                    table = schema.metadata.tables[name]
                    for row in committed:
                        rows[table][KEYS[table](row)] = CHECKS[table](row | {schema.CRC: SEALS[table](row)})
        return rows

    def _checked(self, may_create: bool) -> SqliteDatabase:
        """Returns the database once it has passed its checks; one that has not is closed."""
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
                raise StoreReadOnly(f"{self._folder} cannot be written ({error.orig}); choose another --store.") from error
            raise self._unreadable(error) from error
        if not tables:
            if not may_create or (self._folder / TRIALS).exists():
                raise self._corrupt("is empty")
            self._create()
        elif version != str(schema.SCHEMA_VERSION):
            raise StoreVersion(self._folder, version, schema.SCHEMA_VERSION)
        with making_sense(self._folder), self._engine.connect() as connection:
            check_schema(connection)
        if self._lock is not None:
            with making_sense(self._folder):
                self._take_in_log()

    def _corrupt(self, how: str) -> StoreCorrupt:
        return StoreCorrupt(f"{self._path} {how}. Restore it from a copy, or choose another --store.")

    def _unreadable(self, error: Exception) -> StoreError:
        reason = error.orig if isinstance(error, DatabaseError) else error
        if "locked" in str(reason):
            return StoreLocked(self._folder, None)
        return self._corrupt(f"cannot be read ({reason})")

    def _unwritable(self, error: sqlite3.Error) -> StoreError:
        if "locked" in str(error) or not isinstance(error, sqlite3.OperationalError):
            return self._unreadable(error)
        return unwritable(self._path, sqlite_driver.as_os_error(error, self._path))

    def _create(self) -> None:
        try:
            with self._engine.begin() as connection:
                schema.metadata.create_all(connection)
                notes = {"schema_version": schema.SCHEMA_VERSION, GENERATION: 0}
                rows = [{"key": key, "value": str(value)} for key, value in notes.items()]
                connection.execute(insert(schema.meta), [row | {schema.CRC: SEALS[schema.meta](row)} for row in rows])
        except DatabaseError as error:
            assert isinstance(error.orig, sqlite3.Error)
            raise self._unwritable(error.orig) from error


def _version(connection: Connection) -> str:
    return str(connection.execute(text("SELECT value FROM meta WHERE key = 'schema_version'")).scalar())
