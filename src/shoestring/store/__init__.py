"""Where a run is kept: SQLite with a redo log; nobody else knows a table's name.

==========  ==========================================================
store       one writer, many readers
schema      the tables
redo        commits that follow each other fast, one forced line each
sqlite      what is SQLite's own
integrity   what a folder and a database must look like to be used
unread      what event files hold that the database does not yet
==========  ==========================================================
"""

from __future__ import annotations

from shoestring.store.store import Store

__all__ = ["Store"]
