"""Checkpoints of one trial: files named by unit and SHA-256, so that each proves by itself that it is whole.

Written to a temporary file in the same folder, forced to disk, renamed, and the folder forced to disk. Restoring takes the newest file
whose hash matches its name and passes over the others.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from shoestring.errors import StoreUnwritable

_NAME = re.compile(r"(\d{9})-([0-9a-f]{64})\.ckpt")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One checkpoint file: the state after ``unit`` units."""

    unit: int
    sha256: str
    path: Path

    def read(self) -> bytes | None:
        """Returns the content if its hash matches, otherwise None."""
        try:
            data = self.path.read_bytes()
        except OSError:
            return None
        return data if hashlib.sha256(data).hexdigest() == self.sha256 else None


def write(folder: Path, unit: int, data: bytes, keep: int = 2, durable: bool = True) -> Checkpoint:
    """Writes a checkpoint so that it is either whole or absent, and keeps it and the ``keep - 1`` before it.

    Files of later units, and others of this one, are removed with the older ones: a trial that comes to ``unit`` again has found them
    damaged. So is what a killed writer left half written.

    Raises:
        StoreUnwritable: the disk is full or read-only; earlier checkpoints are untouched.
    """
    sha256 = hashlib.sha256(data).hexdigest()
    path = folder / f"{unit:09d}-{sha256}.ckpt"
    temporary = folder / f".{unit:09d}.{os.getpid()}.part"
    try:
        _write_file(temporary, data, durable)
        temporary.replace(path)
        if durable:
            _sync_folder(folder)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise StoreUnwritable(f"{path} could not be written ({error.strerror}); free some space and run the same command again.") from error
    names = os.listdir(folder)
    ours = sorted(filter(_NAME.fullmatch, names), reverse=True)
    kept = [path.name, *[name for name in ours if int(name[:9]) < unit][: keep - 1]]
    for name in {*ours, *(name for name in names if name.endswith(".part"))}.difference(kept):
        (folder / name).unlink(missing_ok=True)
    return Checkpoint(unit, sha256, path)


def newest_first(folder: Path) -> Iterator[Checkpoint]:
    """Yields the checkpoints in a folder, the newest first, without looking into them."""
    try:
        names = sorted(os.listdir(folder), reverse=True)
    except FileNotFoundError:
        return
    for name in names:
        if match := _NAME.fullmatch(name):
            yield Checkpoint(int(match[1]), match[2], folder / name)


def _write_file(path: Path, data: bytes, durable: bool) -> None:
    try:
        file = _created(path)
    except FileNotFoundError:
        path.parent.mkdir(exist_ok=True)
        file = _created(path)
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(file, rest) :]
        if durable:
            os.fsync(file)
    finally:
        os.close(file)


def _created(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o666)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
