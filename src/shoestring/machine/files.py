"""The files of a run: plain files in real folders, replaced whole or not at all, and errors named as what they are.

A run's folder may come from someone else. A symbolic link in it would have Shoestring write elsewhere, a FIFO would have it wait for ever:
both are refused, and temporary names cannot be foreseen.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path

from shoestring.errors import StoreCorrupt, StoreUnwritable

_REMEDIES = {
    errno.ENOSPC: "Free some space",
    errno.EDQUOT: "Free some space",
    errno.EFBIG: "Raise the limit on the size of files (ulimit -f)",
    errno.EROFS: "Make the file system writable",
    errno.EACCES: "Give this user the right to write it",
    errno.EPERM: "Give this user the right to write it",
    errno.EBADF: "Other code in this process closed it: close only what was opened there",
    errno.EMFILE: "Have the training code close its files, or raise the limit on open files (ulimit -n)",
    errno.ENFILE: "Raise the limit on open files",
    errno.ENOENT: "Restore what was removed",
}


def open_own(path: str | Path, flags: int, mode: int = 0o666) -> int:
    """Returns a descriptor of a file of the run's own; usable as the ``opener`` of ``open``.

    Raises:
        StoreCorrupt: it is a symbolic link, or no plain file.
        OSError: it cannot be opened.
    """
    try:
        file = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, mode)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENXIO, errno.EISDIR):  # a link, a FIFO or socket, a folder
            raise _not_own(path, "plain file") from error
        raise
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise _not_own(path, "plain file")
    os.set_blocking(file, True)
    return file


def read_own(path: str | Path) -> bytes:
    """Returns the content of a file of the run's own.

    Raises:
        StoreCorrupt: it is a symbolic link, or no plain file.
        OSError: it cannot be read.
    """
    with os.fdopen(open_own(path, os.O_RDONLY), "rb") as file:
        return file.read()


def own_folder(path: Path) -> Path:
    """Returns a folder of the run's own, made if it is missing.

    Raises:
        StoreCorrupt: it is a symbolic link, or no folder.
        OSError: it cannot be made.
    """
    with suppress(FileExistsError):
        path.mkdir()
    if not stat.S_ISDIR(path.lstat().st_mode):
        raise _not_own(path, "folder")
    return path


def replace(path: Path, content: str | bytes, *, durable: bool = False) -> None:
    """Puts a file of the run's own in place: whole, or what was there before stays. What was there is never followed.

    Args:
        durable: wait until the content and its name are on the disk.
    Raises:
        OSError: it cannot be written.
    """
    temporary = path.with_name(f".{path.name[:100]}.{secrets.token_hex(8)}.part")
    file = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
    try:
        try:
            rest = memoryview(content.encode(errors="backslashreplace") if isinstance(content, str) else content)
            while rest:
                rest = rest[os.write(file, rest) :]
            if durable:
                os.fsync(file)
        finally:
            os.close(file)
        temporary.replace(path)
    except BaseException:  # a Ctrl-C as well leaves nothing half written
        with suppress(OSError):
            temporary.unlink()
        raise
    if durable:
        sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Forces the names in a folder to the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def shown(path: Path) -> str:
    """Returns a path as people want to read it: relative to the current folder where it lies in that."""
    with suppress(ValueError, OSError):  # it lies elsewhere, or the current folder is gone
        return str(path.relative_to(Path.cwd()))
    return str(path)


def unwritable(path: str | Path, error: OSError) -> StoreUnwritable:
    """Returns the error that says which file could not be written, why, and what to do."""
    remedy = _REMEDIES.get(error.errno or 0, "Check the disk")
    return StoreUnwritable(f"{path} could not be written ({error.strerror or error}). {remedy}, then run the same command again.")


def _not_own(path: str | Path, kind: str) -> StoreCorrupt:
    return StoreCorrupt(
        f"{path} must be a {kind}; a run's folder holds no links and no special files. Remove it, or choose another --store."
    )
