"""SQLite by SQLAlchemy Core, as a run's database wants it: one writer, a rollback journal, every commit forced to the disk."""

from __future__ import annotations

import errno
import os
import resource
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from operator import itemgetter
from typing import Any

from sqlalchemy import URL, Connection, Engine, StaticPool, Table, create_engine, event
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.sql.compiler import SQLCompiler

BUSY_TIMEOUT_MS = 20_000
WRITING = "BEGIN IMMEDIATE"
_DISTRUST = ("trusted_schema=OFF", "cell_size_check=ON")  # the file may come from someone else
_PAGES = 1 << 16  # bytes by which a transaction may let the database grow
_ERRNOS = {"SQLITE_FULL": errno.ENOSPC, "SQLITE_READONLY": errno.EROFS, "SQLITE_PERM": errno.EACCES}


def engine(url: URL, begin: str = "BEGIN") -> Engine:
    """Returns an engine whose transactions begin with a statement."""
    made = create_engine(url, poolclass=None if url.database else StaticPool, connect_args={"check_same_thread": False})

    @event.listens_for(made, "connect")
    def _settings(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # pysqlite must not begin transactions by itself
        for pragma in (*_DISTRUST, f"busy_timeout={BUSY_TIMEOUT_MS}", "journal_mode=PERSIST", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(made, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return made


@contextmanager
def transaction(engine: Engine) -> Iterator[DBAPICursor]:
    """Gives a cursor of the driver itself: what goes through it are ready statements, and SQLAlchemy doubles what those cost."""
    connection = engine.raw_connection()
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


def upsert(table: Table, engine: Engine) -> tuple[str, Callable[[Mapping[str, Any]], tuple[Any, ...]]]:
    """Returns the statement that inserts or replaces a row, compiled once, and what takes its parameters from a row."""
    statement = insert(table)
    keys = [column.name for column in table.primary_key]
    rest = {column.name: statement.excluded[column.name] for column in table.columns if column.name not in keys}
    compiled = statement.on_conflict_do_update(index_elements=keys, set_=rest).compile(engine)
    assert isinstance(compiled, SQLCompiler) and compiled.positiontup, "SQLite's parameters go by position"
    return str(compiled), itemgetter(*compiled.positiontup)


def as_os_error(error: sqlite3.Error, database: str) -> OSError:
    """Returns the error of the operating system that stands behind one of SQLite's, as far as that can be told."""
    name = "_".join(error.sqlite_errorname.split("_")[:2])
    number = _ERRNOS.get(name, errno.EIO)
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
    if number == errno.EIO and limit != resource.RLIM_INFINITY and os.path.getsize(database) + _PAGES > limit:
        return OSError(errno.EFBIG, os.strerror(errno.EFBIG))
    return OSError(number, str(error))
