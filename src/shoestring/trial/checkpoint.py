"""Checkpoints of one trial: files named by unit and SHA-256, so that each proves by itself that it is whole, or lines of its event file.

A file is written to a temporary one in the same folder, forced to disk, renamed, and the folder forced to disk. A small state at a pause is
part of the event that tells of it: thousands of short trials would make thousands of folders and files. Restoring takes the newest
whose hash is right and passes over the others.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from operator import itemgetter
from pathlib import Path
from typing import Any

from shoestring.errors import StoreCorrupt
from shoestring.machine.files import own_folder, read_own, replace, unwritable
from shoestring.trial import events

SMALL = 32 << 10  # bytes of a state that a line of the event file may hold

_NAME = re.compile(r"(\d{9})-([0-9a-f]{64})\.ckpt")


def event_of(unit: int, data: bytes, *, holds_it: bool) -> dict[str, Any]:
    """Returns the event that tells of a checkpoint, and holds it if it is to."""
    event = {"checkpoint": unit, "sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
    return event | {"state": base64.b64encode(data).decode()} if holds_it else event


def newest_first(folder: Path, event_file: Path) -> Iterator[tuple[int, bytes]]:
    """Yields unit and content of the checkpoints that are whole, of those of one unit the one in the event file first."""
    found: list[tuple[int, str, Callable[[], bytes]]] = []
    for event, _ in events.read(event_file, holding=b'"state":'):
        if "checkpoint" in event:  # and it is not a metric of this name
            found.insert(0, (event["checkpoint"], event["sha256"], partial(base64.b64decode, event["state"])))
    with suppress(FileNotFoundError):
        names = filter(None, map(_NAME.fullmatch, os.listdir(folder)))
        found += [(int(name[1]), name[2], partial(read_own, folder / name[0])) for name in names]
    for unit, sha256, content in sorted(found, key=itemgetter(0), reverse=True):
        with suppress(OSError, ValueError, StoreCorrupt):
            if hashlib.sha256(data := content()).hexdigest() == sha256:
                yield unit, data


def write(folder: Path, unit: int, data: bytes, keep: int = 2, durable: bool = True) -> Path:
    """Writes a checkpoint file so that it is either whole or absent, and keeps it and the ``keep - 1`` before it.

    Files of later units, and others of this one, are removed with the older ones: a trial that comes to ``unit`` again has found them
    damaged. So is what a killed writer left half written.

    Raises:
        StoreUnwritable: it cannot be written; earlier checkpoints are untouched.
        FileNotFoundError: the trial's folder was deleted.
    """
    path = folder / f"{unit:09d}-{hashlib.sha256(data).hexdigest()}.ckpt"
    try:
        replace(own_folder(folder) / path.name, data, durable=durable)
    except OSError as error:
        if not folder.parent.exists():
            raise FileNotFoundError(
                f"{folder.parent} was deleted while its trial ran; a trial may delete only what is in trial.directory."
            ) from error
        raise unwritable(path, error) from error
    names = os.listdir(folder)
    ours = sorted(filter(_NAME.fullmatch, names), reverse=True)
    kept = [path.name, *[name for name in ours if int(name[:9]) < unit][: keep - 1]]
    for name in {*ours, *(name for name in names if name.endswith(".part"))}.difference(kept):
        (folder / name).unlink(missing_ok=True)
    return path
