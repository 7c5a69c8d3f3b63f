"""What event files hold that the store has not read: it must be work of leases that the store knows of, in the form that workers write."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from shoestring.errors import StoreCorrupt
from shoestring.store.layout import REDO, TRIALS
from shoestring.trial.events import read

EVENTS = "events.jsonl"


def check_known(folder: Path, offsets: Mapping[int, int], newest: int) -> None:
    """Checks that no lease was at work that is newer than all that the store knows of: its token would be given out a second time.

    Args:
        folder: the run's folder.
        offsets: bytes that were read of each trial's event file.
        newest: the token of the newest lease that the store knows of.
    Raises:
        StoreCorrupt: one was, so the redo log has lost the commit that it was given in.
    """
    if not (folder / TRIALS).exists():
        return
    for name in os.listdir(folder / TRIALS):
        path = folder / TRIALS / name / EVENTS
        offset = offsets.get(int(name), 0) if name.isdecimal() else 0
        if not path.exists() or path.lstat().st_size <= offset:
            continue
        for event, _ in read(path, offset):
            if isinstance(event.get("token"), int) and event["token"] > newest:
                raise StoreCorrupt(
                    f"{folder / REDO} has lost a commit: {path} holds work of lease {event['token']}, "
                    f"and the newest lease known is {newest}. Restore the folder from a copy, or choose another --store."
                )


def check_event(event: Mapping[str, Any]) -> None:
    """Checks that an event has the form in which workers write it.

    Raises:
        ValueError: it has not.
    """
    match event:
        case {"begin": int()} | {"checkpoint": int(), "sha256": str(), "bytes": int()} | {"damaged": int(), "from": int()}:
            return
        case {"unit": int(unit), "metrics": dict(metrics)} if unit > 0 and all(map(_is_number, metrics.values())):
            return
        case {"end": "failed", "error": {"type": str(), "message": str(), "traceback": str(), "usage": bool()}}:
            return
        case {"done": int()} | {"bare": int(), "handed": bool()} | {"remark": str(), "note": str()} | {"source": int()}:
            return
        case {"end": "paused" | "diverged" | "finished", "at": int()} | {"end": "restarts"} | {"checkpoint": int()} | {"refused": int()}:
            return
    raise ValueError(f"an event that no worker writes: {str(dict(event))[:80]}")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) or value in ("nan", "inf", "-inf")
