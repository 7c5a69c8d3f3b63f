"""The store of one run: a folder with a database that one process writes, and the folders of its trials.

The only module that touches the database. Rows are put and then committed together, in one transaction a decision. Trial processes never
open it: they append to event files, which the engine reads into it by offset, so whatever a crash loses here is read in again.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from operator import itemgetter
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, StaticPool, Table, create_engine, event, inspect, select, text
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.exc import DatabaseError
from sqlalchemy.sql.compiler import SQLCompiler

from shoestring import schema
from shoestring.errors import NotARun, StoreCorrupt, StoreError, StoreLocked, StoreReadOnly, StoreUnwritable, StoreVersion

Row = dict[str, Any]

BUSY_TIMEOUT_MS = 20_000
ROOM_IN_MEMORY = 1 << 30  # bytes free in the file system that is in memory, below which it is not used
WRITING = "BEGIN IMMEDIATE"

_KEYS: dict[Table, Callable[[Row], Any]] = {
    table: itemgetter(*(column.name for column in table.primary_key)) for table in schema.metadata.sorted_tables
}


class Store:
    """The store of one run, open.

    Attributes:
        folder: the run's folder; a temporary one for a store in memory.
    """

    def __init__(self, folder: Path, engine: Engine, lock: int | None, scratch: tempfile.TemporaryDirectory[str] | None = None) -> None:
        self.folder = folder
        self._engine = engine
        self._lock = lock
        self._scratch = scratch
        self._upserts = {table: _upsert(table, engine) for table in schema.metadata.sorted_tables}  # trials before what refers to them
        self._waiting: dict[Table, dict[Any, Row]] = {table: {} for table in self._upserts}

    @classmethod
    def create_or_open(cls, folder: Path) -> Store:
        """Opens the run in ``folder`` for writing, as its one coordinator; begins a run where there is none.

        Raises:
            StoreLocked: another process is its coordinator.
            StoreCorrupt, StoreVersion: what is there cannot be used.
            NotARun: the folder holds something else.
            StoreReadOnly, StoreUnwritable: it cannot be written.
        """
        database = folder / "study.db"
        try:
            if (
                folder.exists()
                and not database.is_file()
                and (not folder.is_dir() or set(os.listdir(folder)) - {"lock", "study.db-journal"})
            ):
                raise NotARun(f"{folder} exists and holds no run (no study.db). Choose another --store, or an empty folder.")
            folder.mkdir(parents=True, exist_ok=True)
            lock = _take_lock(folder)
        except OSError as error:
            raise _refused(folder, error) from error
        store = cls(folder, _engine(URL.create("sqlite", database=str(database)), begin=WRITING), lock)
        return store._checked(may_create=True)

    @classmethod
    def in_memory(cls) -> Store:
        """Opens a new run in memory; its trials' folders are files for as long as the store is open, in memory too where there is room."""
        scratch = tempfile.TemporaryDirectory(prefix="shoestring-", dir=_file_system_in_memory())
        store = cls(Path(scratch.name), _engine(URL.create("sqlite")), None, scratch)
        store._check(may_create=True)
        return store

    @classmethod
    def read(cls, folder: Path) -> Store:
        """Opens a run for reading only; this never disturbs its coordinator.

        Raises:
            NotARun: the folder holds no run.
            StoreCorrupt, StoreVersion: what is there cannot be used.
        """
        database = folder / "study.db"
        if not database.is_file():
            raise NotARun(f"{folder} is not the folder of a run (no study.db). Give a run's folder, or its name under runs/.")
        if os.access(folder, os.W_OK) and os.access(database, os.W_OK):
            url = URL.create("sqlite", database=str(database))
        else:
            url = URL.create("sqlite", database=database.absolute().as_uri(), query={"mode": "ro", "immutable": "1", "uri": "true"})
        store = cls(folder, _engine(url), None)
        return store._checked(may_create=False)

    def put(self, table: Table, row: Row) -> None:
        """Keeps a whole row for the next commit; a row with the same primary key is replaced."""
        self._waiting[table][_KEYS[table](row)] = row

    def commit(self) -> None:
        """Writes all rows that were put since the last commit, all or none.

        Raises:
            StoreUnwritable: the disk is full or read-only, or the run's folder is gone; the rows are kept for another try, and the store
                is as it was.
        """
        if not any(self._waiting.values()):
            return
        database = self.folder / "study.db"
        if self.is_on_disk and not database.exists():  # what is written to a removed file is lost without an error
            raise StoreUnwritable(f"{database} was removed while its run was under way; run the same command to begin it anew.")
        try:
            with self._transaction() as cursor:
                for table, (statement, values) in self._upserts.items():
                    if rows := self._waiting[table]:
                        cursor.executemany(statement, [values(row) for row in rows.values()])
        except sqlite3.OperationalError as error:
            raise StoreUnwritable(f"{database} could not be written ({error}); free some space and run the same command again.") from error
        for rows in self._waiting.values():
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
        try:
            with self._engine.connect() as connection:
                return [dict(row) for row in connection.execute(select(table).order_by(*table.primary_key)).mappings()]
        except DatabaseError as error:
            raise self._unreadable(error) from error

    def note(self, key: str, value: object) -> None:
        """Keeps one JSON value under a key, for the next commit."""
        self.put(schema.meta, {"key": key, "value": json.dumps(value, sort_keys=True)})

    def noted(self, key: str) -> Any:
        """Returns the JSON value under a key, or None.

        Raises:
            StoreCorrupt: it cannot be read.
        """
        try:
            with self._engine.connect() as connection:
                found = connection.execute(select(schema.meta.c.value).where(schema.meta.c.key == key)).scalar()
            return None if found is None else json.loads(found)
        except (DatabaseError, ValueError, TypeError) as error:
            raise self._unreadable(error) from error

    @property
    def is_on_disk(self) -> bool:
        """Whether the run outlives this process."""
        return self._scratch is None

    def trial_folder(self, trial_id: int) -> Path:
        """Returns the folder of a trial, which may not exist yet."""
        return self.folder / "trials" / f"{trial_id:04d}"

    def close(self) -> None:
        """Closes the database and gives the lock back."""
        self._engine.dispose()
        if self._lock is not None:
            _held.discard(self._lock)
            os.close(self._lock)
            self._lock = None
        if self._scratch is not None:
            self._scratch.cleanup()

    @contextmanager
    def _transaction(self) -> Iterator[DBAPICursor]:
        """Gives a cursor of the driver itself: what goes through it are ready statements, and SQLAlchemy doubles what those cost."""
        connection = self._engine.raw_connection()
        try:
            cursor = connection.cursor()
            cursor.execute(WRITING)
            try:
                yield cursor
                connection.commit()
            except BaseException:  # a Ctrl-C as well leaves the store as it was
                connection.rollback()
                raise
        finally:
            connection.close()

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
                    raise StoreCorrupt(
                        f"{self.folder / 'study.db'} fails its integrity check. Restore it from a copy, or choose another --store."
                    )
                tables = set(inspect(connection).get_table_names())
        except DatabaseError as error:
            if may_create and isinstance(error.orig, sqlite3.OperationalError) and "readonly" in str(error.orig):
                raise StoreReadOnly(f"{self.folder} cannot be written ({error.orig}); choose another --store.") from error
            raise self._unreadable(error) from error
        if not tables:
            if not may_create or (self.folder / "trials").exists():
                raise StoreCorrupt(f"{self.folder / 'study.db'} is empty. Restore it from a copy, or choose another --store.")
            self._create()
        version = self._version() if "meta" in tables or not tables else "unknown"
        if version != str(schema.SCHEMA_VERSION):
            raise StoreVersion(self.folder, version, schema.SCHEMA_VERSION)

    def _version(self) -> str:
        try:
            return str(self.noted("schema_version"))
        except StoreCorrupt:
            return "unknown"

    def _unreadable(self, error: Exception) -> StoreError:
        reason = error.orig if isinstance(error, DatabaseError) else error
        if "locked" in str(reason):
            return StoreLocked(self.folder, None)
        return StoreCorrupt(f"{self.folder / 'study.db'} cannot be read ({reason}). Restore it from a copy, or choose another --store.")

    def _create(self) -> None:
        try:
            with self._engine.begin() as connection:
                schema.metadata.create_all(connection)
                connection.execute(insert(schema.meta), [{"key": "schema_version", "value": str(schema.SCHEMA_VERSION)}])
        except DatabaseError as error:
            raise StoreUnwritable(f"{self.folder} cannot be written ({error.orig}); free some space or choose another --store.") from error


def _engine(url: URL, begin: str = "BEGIN") -> Engine:
    engine = create_engine(url, poolclass=None if url.database else StaticPool, connect_args={"check_same_thread": False})

    @event.listens_for(engine, "connect")
    def _settings(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # pysqlite must not begin transactions by itself
        for pragma in (f"busy_timeout={BUSY_TIMEOUT_MS}", "journal_mode=PERSIST", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def _file_system_in_memory() -> str | None:
    """Returns a folder whose files are in memory (Linux has one); None if there is none with some room, or if ``TMPDIR`` names another."""
    try:
        room = os.statvfs("/dev/shm")
    except OSError:
        return None
    is_usable = os.access("/dev/shm", os.W_OK) and room.f_bavail * room.f_frsize >= ROOM_IN_MEMORY
    return "/dev/shm" if is_usable and "TMPDIR" not in os.environ else None


def _upsert(table: Table, engine: Engine) -> tuple[str, Callable[[Row], tuple[Any, ...]]]:
    """Returns the statement that inserts or replaces a row, compiled once, and what takes its parameters from a row."""
    statement = insert(table)
    keys = [column.name for column in table.primary_key]
    rest = {column.name: statement.excluded[column.name] for column in table.columns if column.name not in keys}
    compiled = statement.on_conflict_do_update(index_elements=keys, set_=rest).compile(engine)
    assert isinstance(compiled, SQLCompiler) and compiled.positiontup, "SQLite's parameters go by position"
    return str(compiled), itemgetter(*compiled.positiontup)


def _refused(folder: Path, error: OSError) -> StoreUnwritable:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StoreUnwritable(f"{folder} cannot be written ({error.strerror}); free some space or choose another --store.")
    return StoreReadOnly(f"{folder} cannot be written ({error.strerror}); choose another --store.")


def _take_lock(folder: Path) -> int:
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        pid = os.read(lock, 32)
        os.close(lock)
        raise StoreLocked(folder, int(pid) if pid.isdigit() else None) from None
    os.ftruncate(lock, 0)
    os.pwrite(lock, str(os.getpid()).encode(), 0)
    _held.add(lock)
    return lock


def _let_go_in_child() -> None:
    for lock in _held:
        os.close(lock)
    _held.clear()


_held: set[int] = set()  # locks of this process: a forked child, which may outlive it, must not go on holding them
os.register_at_fork(after_in_child=_let_go_in_child)


@contextmanager
def making_sense(folder: Path) -> Iterator[None]:
    """Turns any failure to make sense of what a run's database holds into ``StoreCorrupt``."""
    try:
        yield
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError) as error:
        raise StoreCorrupt(
            f"{folder / 'study.db'} holds what makes no sense ({type(error).__name__}: {error}). "
            "Restore it from a copy, or choose another --store."
        ) from error
