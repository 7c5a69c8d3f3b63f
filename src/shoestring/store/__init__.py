"""Where a run is kept; nobody else knows of its files and of what holds its rows.

=============  ======================================================================
store          the store: rows and notes put and committed together, trials' folders
protocol       what a database must be able to do
schema         the tables
layout         the files of a run's folder
address        where the rows are, if not in the folder
sqlite         the database in a file, or in memory
sqlite_driver  what is SQLite's own
redo           its commits that follow each other fast, one forced line each
postgresql     the database on a server, for a group
sealed         the checksum of every row
integrity      what a folder and a database must look like to be used
unread         what event files hold that the database does not yet
=============  ======================================================================

A database of your own is a class or function of the run's folder, its ``address.Address`` and ``writing``, by keyword; its name is what the
address begins with, and ``shoestring.testing.STORE_CHECKS`` hold it to what is promised.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shoestring.members import Members

if TYPE_CHECKING:  # it imports SQLAlchemy
    from shoestring.store.protocol import Database

MEMBERS: Members[Database] = Members("store", {"postgresql": "shoestring.store.postgresql:PostgresqlDatabase"})
