"""The tables of a run's database. ``SCHEMA_VERSION`` grows with every change that an older Shoestring could not read."""

from __future__ import annotations

from sqlalchemy import Column, Float, ForeignKey, Integer, MetaData, String, Table, Text

SCHEMA_VERSION = 4

metadata = MetaData()

meta = Table("meta", metadata, Column("key", String(64), primary_key=True), Column("value", Text, nullable=False))

trials = Table(
    "trials",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("config", Text, nullable=False),  # JSON object
    Column("seed", Integer, nullable=False),
    Column("arm", String(128), nullable=False),  # empty where there is but one thing to train
    Column("purpose", String(16), nullable=False),  # useful, confirmation
    Column("state", String(16), nullable=False),  # a TrialState
    Column("target", Integer, nullable=False),  # the unit it was last ordered to
    Column("checkpoint", Integer, nullable=False),  # unit of its newest checkpoint
    Column("offset", Integer, nullable=False),  # bytes of its event file that have been read
    Column("losses", Integer, nullable=False),  # leases lost in a row without a new checkpoint
    Column("error", Text),  # JSON object of its failure
)

leases = Table(
    "leases",
    metadata,
    Column("token", Integer, primary_key=True),
    Column("trial_id", Integer, ForeignKey("trials.id")),  # null: the engine's own time between leases
    Column("purpose", String(16), nullable=False),  # useful, confirmation, pilot, engine
    Column("start", Integer, nullable=False),
    Column("to", Integer, nullable=False),
    Column("reserved", Text, nullable=False),  # JSON object: resource -> amount
    Column("opened_at", Float, nullable=False),  # seconds since 1970
    Column("closed_at", Float),
    Column("outcome", String(16)),  # null while open
    Column("note", Text),
    Column("units", Integer, nullable=False, default=0),
    Column("lost_units", Integer, nullable=False, default=0),
    Column("busy_s", Float, nullable=False, default=0.0),
    Column("wall_s", Float, nullable=False, default=0.0),
    Column("cpu_s", Float, nullable=False, default=0.0),
    Column("gpu_s", Float, nullable=False, default=0.0),
    Column("kwh", Float, nullable=False, default=0.0),
    Column("usd", Float, nullable=False, default=0.0),
    Column("peak_bytes", Integer, nullable=False, default=0),
    Column("provenance", Text, nullable=False, default="{}"),  # JSON object: resource -> measured, sampled, estimated
    Column("process", Text),  # JSON object: pid, started, host
)

observations = Table(
    "observations",
    metadata,
    Column("trial_id", Integer, ForeignKey("trials.id"), primary_key=True),
    Column("unit", Integer, primary_key=True),
    Column("token", Integer, primary_key=True),
    Column("metrics", Text, nullable=False),  # JSON object; values that are not finite as strings
    sqlite_with_rowid=False,  # its key is its place: one page less to write a commit
)

decisions = Table(
    "decisions",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("kind", String(8), nullable=False),  # start, advance, tell, ended, horizon
    Column("trial_id", Integer, nullable=False),
    Column("unit", Integer, nullable=False),
    Column("loss", Float),  # null for inf
)

checkpoints = Table(
    "checkpoints",
    metadata,
    Column("trial_id", Integer, ForeignKey("trials.id"), primary_key=True),
    Column("unit", Integer, primary_key=True),
    Column("token", Integer, primary_key=True),
    Column("sha256", String(64), nullable=False),
    Column("bytes", Integer, nullable=False),
    sqlite_with_rowid=False,  # its key is its place: one page less to write a commit
)
