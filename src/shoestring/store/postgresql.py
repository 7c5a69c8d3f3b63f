"""A run's rows in PostgreSQL: one schema a run, one connection that holds the run's lock and writes.

When that connection breaks, lock and right to write go together. Each commit counts the run's generation up from the one that this
coordinator has seen last, so that a server which comes back with another coordinator at work takes nothing from this one.
"""

from __future__ import annotations

import hashlib
import os
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, NullPool, Table, bindparam, create_engine, func, insert, inspect, select, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import DBAPIError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.schema import CreateSchema

from shoestring.errors import StoreCorrupt, StoreError, StoreLocked, StoreUnreachable, StoreUnwritable, StoreVersion, UsageError
from shoestring.machine.lock import Lock
from shoestring.store import schema
from shoestring.store.address import Address
from shoestring.store.integrity import check_folder, making_sense
from shoestring.store.layout import ADDRESS, TRIALS
from shoestring.store.protocol import Row, Rows
from shoestring.store.sealed import CHECKS, KEYS, SEALS

T = TypeVar("T")

GENERATION = "generation"  # how often something was committed
WRITER = "writer"  # the coordinator that opened the run last: its host and process, and how often it has connected
OLDEST = 120_000  # version of the server, as it counts them
CONNECT_S = 10
STATEMENT_S = 60
RETRY_S = 20.0  # in which a server that went away may come back; leases have time limits of their own meanwhile
_SECTION = "shoestring[postgresql]"


class PostgresqlDatabase:
    """The rows of one run, in PostgreSQL.

    Args:
        folder: the run's folder.
        address: where its rows are.
        writing: whether to open it as the run's one coordinator, and make it where it is not there; otherwise for reading only.
    Raises:
        StoreLocked: another process is its coordinator.
        StoreUnreachable: no server answers there, or it lets nobody in.
        StoreCorrupt, StoreVersion: what is there cannot be used.
        UsageError: this server, or this role on it, cannot keep a run.
    """

    def __init__(self, folder: Path, address: Address, *, writing: bool) -> None:
        check_folder(folder)
        self._folder = folder
        self._address = address
        self._engine = _engine(address)
        self._statements = {table: _upsert(table) for table in schema.metadata.sorted_tables}
        self._connection: Connection | None = None
        self._generation = 0
        self._patience_s = RETRY_S if writing else 0.0
        self._lock = Lock(folder) if writing else None
        self._writer = f"{socket.gethostname()}, process {os.getpid()}, {time.time_ns()}"
        try:
            self._open(may_create=writing)
        except BaseException:  # the lock goes back even at a Ctrl-C
            self.close()
            raise

    def commit(self, rows: Rows) -> None:
        """Keeps rows; waits for a server that has gone away, as long as it may come back."""
        try:
            self._patiently(lambda connection: self._write(connection, rows))
        except StoreUnreachable as error:
            raise StoreUnwritable(f"{error} What was committed is safe; resume the run when the server is back.") from error
        except DBAPIError as error:
            raise self._failed(error) from error
        self._generation += 1

    def rows(self, table: Table) -> list[Row]:
        """Returns all committed rows of a table in the order of its primary key.

        Raises:
            StoreCorrupt: they cannot be read.
            StoreUnreachable: the server has gone away.
        """
        try:
            found = self._patiently(lambda connection: _all_of(connection, table))
        except DBAPIError as error:
            raise self._failed(error) from error
        with self._making_sense():
            return sorted((CHECKS[table](row) for row in found), key=KEYS[table])

    def close(self) -> None:
        """Closes the connection, with which the server frees the run, and gives the folder's lock back."""
        if self._connection is not None:
            with suppress(SQLAlchemyError):
                self._connection.close()
            if self._lock is not None:
                with suppress(OSError):
                    os.utime(self._folder / ADDRESS)  # the run that was written last is the one that is meant without a name
        self._engine.dispose()
        if self._lock is not None:
            self._lock.release()

    # --- the connection

    def _open(self, *, may_create: bool) -> None:
        self._connection = connection = self._connected()
        try:
            with connection.begin():
                tables = set(inspect(connection).get_table_names(self._address.namespace))
                if not tables:
                    if not may_create or (self._folder / TRIALS).exists():
                        raise self._corrupt("holds nothing of this run")
                    self._create(connection)
                elif schema.meta.name not in tables:
                    raise self._corrupt("holds other tables than Shoestring's")
            notes = {row["key"]: row["value"] for row in self.rows(schema.meta)}
            if (version := notes.get("schema_version", "unknown")) != str(schema.SCHEMA_VERSION):
                raise StoreVersion(self._folder, version, schema.SCHEMA_VERSION)
            with self._making_sense():
                self._generation = int(notes[GENERATION])
            if self._lock is not None:
                self.commit({schema.meta: {WRITER: {"key": WRITER, "value": self._writer}}})
        except DBAPIError as error:
            raise self._failed(error) from error

    def _connected(self) -> Connection:
        """Returns a new connection, which holds the run's lock if this is its coordinator."""
        try:
            connection = self._engine.connect()
        except DBAPIError as error:
            raise StoreUnreachable(f"{self._address} cannot be reached ({_reason(error)}).") from error
        try:
            connection = connection.execution_options(schema_translate_map={None: self._address.namespace})
            pids = set()
            for _ in range(3):  # transactions; behind a pooler each may be on another connection, and the lock would mean nothing
                with connection.begin():
                    pids.add(connection.scalar(select(func.pg_backend_pid())))
                    version = int(connection.scalar(select(func.current_setting("server_version_num"))) or 0)
                    connection.execute(select(func.set_config("statement_timeout", f"{STATEMENT_S}s", False)))
                    connection.execute(select(func.set_config("synchronous_commit", "on", False)))
            if len(pids) > 1:
                raise UsageError(f"{self._address} is a pooler that changes connections between transactions; give the server itself.")
            if version < OLDEST:
                raise UsageError(f"{self._address} is PostgreSQL {version // 10_000}; a run needs {OLDEST // 10_000} or newer.")
            if self._lock is not None:
                with connection.begin():
                    if not connection.scalar(select(func.pg_try_advisory_lock(self._lock_number))):
                        raise StoreLocked(self._folder, None)
        except BaseException:  # nothing stays open, even at a Ctrl-C
            with suppress(SQLAlchemyError):
                connection.close()
            raise
        return connection

    @property
    def _lock_number(self) -> int:
        digest = hashlib.sha256(self._address.namespace.encode()).digest()
        return int.from_bytes(digest[:8], "big", signed=True)

    def _patiently(self, work: Callable[[Connection], T]) -> T:
        """Returns what some work in a transaction comes to, done again while a server that has gone away may come back.

        Raises:
            StoreUnreachable: it stays away, or another coordinator has taken the run over meanwhile.
            DBAPIError: the work itself fails.
        """
        give_up = time.monotonic() + self._patience_s
        while True:
            try:
                if self._connection is None:
                    self._connection = self._connected_again()
                with self._connection.begin():
                    return work(self._connection)
            except DBAPIError as error:
                if not error.connection_invalidated:
                    raise
                self._connection = None
                if time.monotonic() > give_up:
                    raise StoreUnreachable(f"{self._address} has gone away ({_reason(error)}).") from error
            except (StoreUnreachable, StoreLocked) as error:  # not back yet, or the server has not noticed that we were away
                if time.monotonic() > give_up:
                    raise StoreUnreachable(str(error)) from error
            time.sleep(0.2)

    def _connected_again(self) -> Connection:
        connection = self._connected()
        if self._lock is None:
            return connection
        with connection.begin():
            writer = connection.scalar(select(schema.meta.c.value).where(schema.meta.c.key == WRITER))
        if writer != self._writer:
            connection.close()
            raise StoreUnwritable(f"{self._folder} was taken over meanwhile by {str(writer).rpartition(',')[0]}; this study ends.")
        return connection

    # --- the rows

    def _create(self, connection: Connection) -> None:
        try:
            connection.execute(CreateSchema(self._address.namespace, if_not_exists=True))
        except DBAPIError as error:
            raise UsageError(f"{self._address} cannot keep a run ({_reason(error)}); ask for the right to create schemas there.") from error
        schema.metadata.create_all(connection)
        notes = {"schema_version": schema.SCHEMA_VERSION, GENERATION: 0}
        rows = [{"key": key, "value": str(value)} for key, value in notes.items()]
        connection.execute(insert(schema.meta), [row | {schema.CRC: SEALS[schema.meta](row)} for row in rows])

    def _write(self, connection: Connection, rows: Rows) -> None:
        """Writes rows in a transaction, once: a commit whose acknowledgement was lost is recognised by its generation."""
        now, then = ({"key": GENERATION, "value": str(self._generation + more)} for more in (0, 1))
        counting = update(schema.meta).where(schema.meta.c.key == GENERATION, schema.meta.c.value == now["value"])
        counted = connection.execute(counting.values(value=then["value"], crc=SEALS[schema.meta](then)))
        if not counted.rowcount:
            if connection.scalar(select(schema.meta.c.value).where(schema.meta.c.key == GENERATION)) == then["value"]:
                return
            raise StoreUnwritable(f"{self._folder} was written by another coordinator meanwhile; this study ends.")
        for table, statement in self._statements.items():
            if entries := rows.get(table, {}).values():
                connection.execute(statement, [row | {schema.CRC: SEALS[table](row)} for row in entries])

    def _making_sense(self) -> Any:
        return making_sense(self._folder, ADDRESS)

    def _corrupt(self, how: str) -> StoreCorrupt:
        return StoreCorrupt(f"{self._address} {how}. Restore it from a copy, or choose another --store.")

    def _failed(self, error: DBAPIError) -> StoreError:
        if isinstance(error.orig, self._engine.dialect.dbapi.IntegrityError):  # type: ignore[union-attr]  # it has been connected to
            return self._corrupt(f"refuses a row ({_reason(error)})")
        return StoreUnwritable(f"{self._address} cannot be used ({_reason(error)}).")


def _engine(address: Address) -> Engine:
    url = address.with_password.set(drivername="postgresql+psycopg")
    keepalives = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3}
    try:
        return create_engine(
            url, poolclass=NullPool, connect_args={"connect_timeout": CONNECT_S, "application_name": "shoestring"} | keepalives
        )
    except (ModuleNotFoundError, NoSuchModuleError) as error:
        raise UsageError(f"{address} needs a driver that is not installed; pip install '{_SECTION}'.") from error


def _upsert(table: Table) -> Any:
    statement = postgresql.insert(table).values({column.name: bindparam(column.name) for column in table.columns})
    keys = [column.name for column in table.primary_key]
    rest = {column.name: statement.excluded[column.name] for column in table.columns if column.name not in keys}
    return statement.on_conflict_do_update(index_elements=keys, set_=rest)


def _all_of(connection: Connection, table: Table) -> list[Row]:
    return [dict(row) for row in connection.execute(select(table)).mappings()]


def _reason(error: DBAPIError) -> str:
    return " ".join(str(error.orig).split())[:300]
