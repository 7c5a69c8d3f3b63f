"""A database that is one JSON file, written anew with every commit: slow, and easy to look into."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sqlalchemy import Table

from shoestring.errors import StoreCorrupt
from shoestring.machine.files import replace, unwritable
from shoestring.machine.lock import Lock
from shoestring.store import schema
from shoestring.store.address import Address
from shoestring.store.protocol import Row, Rows
from shoestring.store.sealed import KEYS


class JsonDatabase:
    """The rows of a run in ``<database of the URL>/<namespace>.json``."""

    def __init__(self, folder: Path, address: Address, *, writing: bool) -> None:
        self._path = Path(f"/{address.url.database}") / f"{address.namespace}.json"
        self._lock = Lock(folder) if writing else None
        if writing and not self._path.exists():
            self.commit({schema.meta: {"schema_version": {"key": "schema_version", "value": str(schema.SCHEMA_VERSION)}}})

    def commit(self, rows: Rows) -> None:
        """Keeps rows: the file is replaced as a whole."""
        stored = {
            table: {KEYS[table](row): row for row in self.rows(table)} | dict(rows.get(table, {}))
            for table in schema.metadata.tables.values()
        }
        if unknown := {row["trial_id"] for row in stored[schema.observations].values()} - set(stored[schema.trials]):
            raise StoreCorrupt(f"there is no trial {unknown.pop()} in {self._path}.")
        try:
            replace(self._path, json.dumps({table.name: list(kept.values()) for table, kept in stored.items()}), durable=True)
        except OSError as error:
            raise unwritable(self._path, error) from error

    def rows(self, table: Table) -> list[Row]:
        """Returns the rows of a table in the order of its key."""
        try:
            stored: dict[str, Any] = json.loads(self._path.read_text())
            return sorted(stored[table.name], key=KEYS[table])
        except FileNotFoundError:
            return []
        except (OSError, ValueError, LookupError) as error:
            raise StoreCorrupt(f"{self._path} cannot be read ({error}).") from error

    def close(self) -> None:
        """Gives the lock back."""
        if self._lock is not None:
            self._lock.release()
