"""Where a run is kept; nobody else knows of its files and of what holds its rows.

=============  ======================================================================
store          the store: rows and notes put and committed together, trials' folders
protocol       what a database must be able to do
schema         the tables
layout         the files of a run's folder
sqlite         the database in a file, or in memory
sqlite_driver  what is SQLite's own
redo           its commits that follow each other fast, one forced line each
sealed         the checksum of every row
integrity      what a folder and a database must look like to be used
unread         what event files hold that the database does not yet
=============  ======================================================================
"""
