"""Carries out one lease in this process: the training function is called, and how it ended is recorded as the last event."""

from __future__ import annotations

import errno
import functools
import inspect
import json
import os
import sys
import sysconfig
import traceback
from collections.abc import Callable
from pathlib import Path
from types import BuiltinFunctionType, FunctionType, TracebackType
from typing import Any, NoReturn, TypeAlias

from shoestring.arguments import refuse_call
from shoestring.cleaning import message_of, storable
from shoestring.errors import InvalidTarget, StoreUnwritable, UsageError, shown
from shoestring.machine.files import replace, unwritable
from shoestring.machine.signals import Interruption
from shoestring.trial import Trial, seeding
from shoestring.trial.events import EventWriter
from shoestring.trial.lease import Lease

Train: TypeAlias = Callable[[Trial], Any]
Work: TypeAlias = Callable[[Lease, Callable[[], bool], str], None]  # lease, "is a stop requested?", device

EVENTS = "events.jsonl"
UNWRITABLE = 74  # exit code of a worker that could not write its events (EX_IOERR)
SAYS = "shoestring: "  # how what a worker says for itself begins
_LIBRARY = Path(sysconfig.get_path("stdlib"))
_LONGEST_TRACE = 20_000
_exit = os._exit  # a training function may put something else in its place


def python_work(train: Train) -> Work:
    """Returns what carries out leases with a training function.

    Raises:
        InvalidTarget: it is not a function of one argument (the trial).
    """
    if why := "is a part of Python" if _is_of_python(train) else refuse_call(train, ["trial"]):
        raise InvalidTarget(f"the training function must take one argument (the trial), got {shown(train)}, which {why}.")
    return functools.partial(carry_out, train)


def _is_of_python(train: Train) -> bool:
    train = inspect.unwrap(train)  # a decorator may be
    if not isinstance(train, FunctionType):
        return isinstance(train, BuiltinFunctionType)
    file = Path(train.__code__.co_filename)
    return _LIBRARY in file.parents and "site-packages" not in file.parts


def carry_out(train: Train, lease: Lease, stop_requested: Callable[[], bool], device: str = "cpu") -> None:
    """Runs ``train`` under a lease and appends an ``end`` event that says how it went.

    A function that returns early has finished; one that raises has failed; one whose loop was ended by the lease is paused.

    Raises:
        StoreUnwritable: the disk is full or read-only, so that nothing more can be recorded.
    """
    process, end = os.getpid(), dict[str, Any]()
    events = EventWriter(lease.folder / EVENTS, lease.offset)
    write_config(lease)
    trial = Trial(lease, events, stop_requested, device)
    try:
        try:
            seeding.seed_all(lease.seed)
            train(trial)
            end = _end_of(trial)
        except StoreUnwritable:
            raise
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise StoreUnwritable(f"{error}; free some space and run the same command again.") from error
            end = {"end": "failed", "error": describe(error)}
        except Interruption:
            raise
        except BaseException as error:  # the edge: whatever a training function raises is its result
            end = {"end": "failed", "error": describe(error)}
        finally:
            if os.getpid() != process:
                _end_child(end)
        events.append({"token": lease.token, **end})
    finally:
        events.close()


def write_config(lease: Lease) -> None:
    """Writes the trial's configuration into its folder, for whoever looks in.

    Raises:
        StoreUnwritable: the disk is full or read-only.
    """
    path = lease.folder / "config.json"
    if not lease.durable or lease.start or path.exists():
        return
    try:
        replace(path, json.dumps({**lease.config, "seed": lease.seed}) + "\n")
    except OSError as error:
        raise unwritable(path, error) from error


def describe(error: BaseException) -> dict[str, Any]:
    """Returns an exception as plain data: type, message, whether Shoestring was misused, and the traceback from the user's frames on."""
    frames = error.__traceback__.tb_next if error.__traceback__ else None
    kind = type(error).__name__
    return {
        "type": "out of memory" if isinstance(error, MemoryError) or kind == "OutOfMemoryError" else kind,
        "message": message_of(error),
        "usage": isinstance(error, UsageError),
        "traceback": _trace_of(error, frames),
    }


def _trace_of(error: BaseException, frames: TracebackType | None) -> str:
    try:
        lines = traceback.format_exception(type(error), error, frames)
    except Exception:  # an attribute of the user's exception raised
        lines = [*traceback.format_tb(frames), type(error).__name__]
    return storable("".join(lines)[-_LONGEST_TRACE:], _LONGEST_TRACE)


def _end_child(end: dict[str, Any]) -> NoReturn:
    """Ends a child that the training function forked and that came out of it: the trial belongs to its parent."""
    print(end["error"]["traceback"] if "error" in end else "a child that the training function forked returned from it", file=sys.stderr)
    sys.stdout.flush()
    sys.stderr.flush()
    _exit(1)


def _end_of(trial: Trial) -> dict[str, Any]:
    if trial.ended_by is None:
        error = UsageError(
            "the training function never called trial.steps(); write `for epoch in trial.steps(...):` around what one unit trains."
        )
        return {"end": "failed", "error": describe(error)}
    return {"end": {"returned": "finished"}.get(trial.ended_by, trial.ended_by), "at": trial.units_done}
