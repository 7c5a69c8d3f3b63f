"""The tables of a run's database. ``SCHEMA_VERSION`` grows with every change that an older Shoestring could not read.

The last column of each table, ``crc``, is the checksum of the others: only the store knows of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from sqlalchemy import BigInteger, Column, Float, ForeignKey, Integer, MetaData, Table, Text

SCHEMA_VERSION = 6

metadata = MetaData()

CRC = "crc"
WHOLE = BigInteger().with_variant(Integer, "sqlite")  # 64 bits, which SQLite's INTEGER has

Shape: TypeAlias = Callable[[Any], bool]  # tells whether the JSON value in a column is what is due there


def _object_of(*kinds: type) -> dict[str, Shape]:
    return {"shape": lambda value: isinstance(value, dict) and all(isinstance(entry, kinds) for entry in value.values())}


def _object_with(**kinds: type | tuple[type, ...]) -> dict[str, Shape]:
    return {"shape": lambda value: isinstance(value, dict) and all(isinstance(value.get(name), kind) for name, kind in kinds.items())}


meta = Table("meta", metadata, Column("key", Text, primary_key=True), Column("value", Text, nullable=False))

trials = Table(
    "trials",
    metadata,
    Column("id", WHOLE, primary_key=True, autoincrement=False),
    Column("config", Text, nullable=False, info=_object_of(str, int, float, type(None))),  # JSON object
    Column("seed", WHOLE, nullable=False),
    Column("arm", Text, nullable=False),  # empty where there is but one thing to train
    Column("purpose", Text, nullable=False),  # useful, confirmation
    Column("state", Text, nullable=False),  # a TrialState
    Column("target", WHOLE, nullable=False),  # the unit it was last ordered to
    Column("checkpoint", WHOLE, nullable=False),  # unit of its newest checkpoint
    Column("offset", WHOLE, nullable=False),  # bytes of its event file that have been read
    Column("losses", WHOLE, nullable=False),  # leases lost in a row without a new checkpoint
    Column("error", Text, info=_object_with(type=str, message=str, traceback=str)),  # JSON object of its failure
)

leases = Table(
    "leases",
    metadata,
    Column("token", WHOLE, primary_key=True, autoincrement=False),
    Column("trial_id", WHOLE, ForeignKey("trials.id")),  # null: the engine's own time between leases
    Column("purpose", Text, nullable=False),  # useful, confirmation, pilot, engine
    Column("start", WHOLE, nullable=False),
    Column("to", WHOLE, nullable=False),
    Column("reserved", Text, nullable=False, info=_object_of(int, float)),  # JSON object: resource -> amount
    Column("opened_at", Float, nullable=False),  # seconds since 1970
    Column("closed_at", Float),
    Column("outcome", Text),  # null while open
    Column("note", Text),
    Column("units", WHOLE, nullable=False, default=0),
    Column("lost_units", WHOLE, nullable=False, default=0),
    Column("busy_s", Float, nullable=False, default=0.0),
    Column("wall_s", Float, nullable=False, default=0.0),
    Column("cpu_s", Float, nullable=False, default=0.0),
    Column("gpu_s", Float, nullable=False, default=0.0),
    Column("kwh", Float, nullable=False, default=0.0),
    Column("usd", Float, nullable=False, default=0.0),
    Column("peak_bytes", WHOLE, nullable=False, default=0),
    Column("provenance", Text, nullable=False, default="{}", info=_object_of(str)),  # JSON object: resource -> measured, sampled, estimated
    Column("process", Text, info=_object_with(pid=int, started=(int, float), boot=str)),  # JSON object: process id, start, boot of the host
)

observations = Table(
    "observations",
    metadata,
    Column("trial_id", WHOLE, ForeignKey("trials.id"), primary_key=True),
    Column("unit", WHOLE, primary_key=True),
    Column("token", WHOLE, primary_key=True, autoincrement=False),
    Column("metrics", Text, nullable=False, info=_object_of(int, float, str)),  # JSON object; values that are not finite as strings
    sqlite_with_rowid=False,  # its key is its place: one page less to write a commit
)

decisions = Table(
    "decisions",
    metadata,
    Column("seq", WHOLE, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),  # start, advance, tell, ended, horizon
    Column("trial_id", WHOLE, nullable=False),
    Column("unit", WHOLE, nullable=False),
    Column("loss", Float),  # null for inf
)

for table in metadata.sorted_tables:
    table.append_column(Column(CRC, WHOLE, nullable=False))
