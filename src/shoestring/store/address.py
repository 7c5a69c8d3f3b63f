"""Where the rows of a run are when they are not in its folder: a URL, which the folder keeps without its password."""

from __future__ import annotations

import os
import re
import secrets
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from shoestring.errors import StoreCorrupt, StoreLocked, UsageError, shown
from shoestring.machine.files import read_own, sync_folder
from shoestring.store.layout import ADDRESS

_SETTINGS = ("host", "sslmode", "sslrootcert")  # of a connection; a folder may come from someone else, so it may set no others
_NAMESPACE = re.compile(r"shoestring_[a-z0-9_]{1,48}")
_passwords: dict[URL, str] = {}  # given to this process, which reads a run more than once; on no disk


@dataclass(frozen=True)
class Address:
    """A database among others on a server, and the run's own namespace in it.

    Attributes:
        url: where the database is and who asks, without a password.
        namespace: what all that belongs to the run lies in.
    """

    url: URL
    namespace: str

    @classmethod
    def new(cls, text: str, folder: Path) -> Address:
        """Returns the address of a run that begins.

        Args:
            text: such as ``postgresql://me@db.lab/studies``; a password in it is remembered by this process alone.
            folder: the run's folder.
        Raises:
            UsageError: it is no address.
        """
        name = re.sub(r"[^a-z0-9]+", "_", folder.name.lower()).strip("_")[:40]
        return cls(database_url(text), f"shoestring_{name or 'run'}_{secrets.token_hex(3)}")

    @classmethod
    def kept_in(cls, folder: Path) -> Address | None:
        """Returns the address that a run's folder keeps, None if it keeps none.

        Raises:
            StoreCorrupt: what it keeps is no address.
        """
        if not os.path.lexists(folder / ADDRESS):
            return None
        text = read_own(folder / ADDRESS).decode(errors="replace").strip()
        url, _, namespace = text.rpartition("#")
        try:
            address = cls(database_url(url), namespace)
        except UsageError as error:
            raise StoreCorrupt(f"{folder / ADDRESS} holds no address of a database ({error}). Restore it from a copy.") from None
        if not _NAMESPACE.fullmatch(namespace):
            raise StoreCorrupt(f"{folder / ADDRESS} holds no address of a run's database. Restore it from a copy.")
        return address

    @property
    def kind(self) -> str:
        """The kind of database, such as ``"postgresql"``."""
        return self.url.drivername

    @property
    def with_password(self) -> URL:
        """The URL to connect with."""
        return self.url.set(password=_passwords.get(self.url))

    def keep(self, folder: Path) -> None:
        """Writes the address down in the run's folder, whole and once.

        Raises:
            StoreLocked: another process has done so a moment before.
            OSError: the folder cannot be written.
        """
        written = folder / f"{ADDRESS}.{os.getpid()}"
        try:
            with open(written, "x", encoding="utf-8") as file:
                file.write(f"{self}\n")
                file.flush()
                os.fsync(file.fileno())
            os.link(written, folder / ADDRESS)
        except FileExistsError:
            raise StoreLocked(folder, None) from None
        finally:
            written.unlink(missing_ok=True)
        sync_folder(folder)

    def __str__(self) -> str:
        return f"{self.url}#{self.namespace}"


def database_url(text: str) -> URL:
    """Returns the URL of a database without its password, which this process remembers.

    Raises:
        UsageError: it is none, or sets what may not be set.
    """
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise UsageError(f"database must be a URL such as postgresql://me@db.lab/studies, got {shown(without_password(text))}.") from None
    if refused := sorted(set(url.query) - set(_SETTINGS)):
        raise UsageError(f"database sets {refused[0]!r}; allowed behind the question mark: {', '.join(_SETTINGS)}.")
    bare = url.set(drivername=url.drivername.partition("+")[0])._replace(password=None)  # ``set`` takes None for "as it is"
    if url.password is not None:
        _passwords[bare] = str(url.password)
    return bare


def without_password(text: str) -> str:
    """Returns a text, such as a word of a command line, with the password of a URL in it left out."""
    return re.sub(r"(://[^:/@\s]*):[^@\s]*@", r"\1@", text)
