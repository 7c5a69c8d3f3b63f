"""Every error that Shoestring raises on purpose, as one tree.

A message says what was given, what is allowed and what to do; the numbers ride along as attributes where a caller could use them.
A *finding* (budget spent, no difference, too little evidence) is not an error: it comes back in ``Answer.status``.

::

    ShoestringError                 exit code 2 unless a class says otherwise
    ├── UsageError                  (ValueError) something asked for cannot be done as asked
    │   ├── InvalidArgument         (TypeError) an argument of the wrong type, unknown, or missing
    │   ├── UnknownName             a name that is not among the valid ones; carries the nearest
    │   ├── InvalidSpace            a search space, or a value outside of it
    │   ├── InvalidBudget           a budget or price that cannot be read
    │   ├── BudgetTooSmall          a budget that cannot carry what was asked; carries ``needed``
    │   ├── InvalidTarget           a training function or command that cannot be loaded or run
    │   └── InvalidState            an object handed to ``trial.steps`` that cannot be saved or restored
    ├── StoreError                  (RuntimeError) a run's folder cannot be used
    │   ├── NotARun                 the folder holds no run
    │   ├── StoreLocked             another coordinator works on this run; carries its ``pid``
    │   ├── StoreVersion            written by another format version; carries both
    │   ├── StoreCorrupt            the database fails its integrity check
    │   ├── DifferentQuestion       the run answers another question
    │   └── StoreUnwritable         full disk, or one that became read-only; the run can be resumed (exit code 4)
    │       └── StoreReadOnly       read-only from the start: nothing was begun (exit code 2)
    ├── Stopped                     (RuntimeError) stopped on request between several studies; the same command resumes (exit code 4)
    └── RunnerLost                  (RuntimeError) the process that starts trials died and cannot be started again (exit code 4)
"""

from __future__ import annotations

import difflib
import re
import types
from collections.abc import Iterable
from pathlib import Path
from reprlib import Repr

from shoestring.cleaning import for_terminal

MOST_LISTED = 12  # of more names than this, a message lists the nearest three
_LONGEST = 120  # characters of a value in a message
_LONGEST_LINE = 600
_ADDRESS = re.compile(r" (object )?at 0x[0-9a-fA-F]{6,}")


class ShoestringError(Exception):
    """Any error that Shoestring raises on purpose; ``exit_code`` is what the command line returns for it.

    Whatever a user gave, a line of the message has at most 600 characters, and no address in memory.
    """

    exit_code = 2

    def __init__(self, message: str = "") -> None:
        lines = _ADDRESS.sub("", str(message)).split("\n")
        super().__init__("\n".join(line if len(line) <= _LONGEST_LINE else f"{line[:400]} ... {line[-180:]}" for line in lines))

    def __str__(self) -> str:
        return for_terminal(Exception.__str__(self))


class UsageError(ShoestringError, ValueError):
    """Something was asked for that cannot be done as asked."""


class InvalidArgument(UsageError, TypeError):
    """An argument of the wrong type, unknown, or missing."""


class UnknownName(UsageError):
    """A name that is not among the valid ones.

    Attributes:
        name: what was given.
        nearest: the valid name closest in spelling, or None.
    """

    def __init__(self, kind: str, name: str, valid: Iterable[str], hint: str = "") -> None:
        known = sorted(map(str, valid))
        ranked = difflib.get_close_matches(str(name)[:_LONGEST], known, n=3, cutoff=0.0 if len(known) > MOST_LISTED else 0.5)
        close = difflib.get_close_matches(str(name)[:_LONGEST], ranked, n=1, cutoff=0.5)
        self.name = name
        self.nearest = close[0] if close else None
        did_you_mean = f" Did you mean {self.nearest!r}?" if self.nearest else ""
        if len(known) > MOST_LISTED:
            allowed = f"the nearest of {len(known)}: {', '.join(map(brief, ranked))}."
        else:
            allowed = f"known: {', '.join(map(brief, known))}." if known else "none is known."
        super().__init__(f"unknown {kind} {shown(name)}; {allowed}{did_you_mean}{' ' + hint if hint else ''}")


class UnknownQuestion(UsageError):
    """A run asks a question of a kind that is not installed here."""


class InvalidSpace(UsageError):
    """A search space, or a value outside of it, that is not allowed."""


class InvalidBudget(UsageError):
    """A budget or a price that cannot be read."""


class BudgetTooSmall(UsageError):
    """A budget that cannot carry what was asked.

    Attributes:
        given: the budget, in ``resource``'s unit.
        needed: the least that would do.
    """

    def __init__(self, message: str, *, given: float, needed: float) -> None:
        self.given = given
        self.needed = needed
        super().__init__(message)


class InvalidTarget(UsageError):
    """A training function or command that cannot be loaded or run."""


class InvalidState(UsageError, TypeError):
    """An object handed to ``trial.steps`` that cannot be saved or restored."""


class StoreError(ShoestringError, RuntimeError):
    """A run's folder cannot be used."""


class NotARun(StoreError):
    """The folder holds no run."""


class StoreLocked(StoreError):
    """Another coordinator works on this run; ``pid`` is its process id, or None where it could not be read."""

    def __init__(self, folder: Path, pid: int | None) -> None:
        self.pid = pid
        who = f"process {pid}" if pid else "another process"
        super().__init__(
            f"{folder} is being worked on by {who}; a run has one coordinator. Wait for it, stop it, or choose another --store."
        )


class StoreUnreachable(StoreError):
    """No server answers where the run is kept, or it lets nobody in."""


class StoreVersion(StoreError):
    """The store was written in another format version."""

    def __init__(self, folder: Path, found: str, supported: int) -> None:
        self.found = found
        self.supported = supported
        super().__init__(
            f"{folder} has schema_version {found}; this Shoestring reads {supported}. "
            "Use the Shoestring version that wrote it, or choose another --store."
        )


class StoreCorrupt(StoreError):
    """The database fails its integrity check."""


class DifferentQuestion(StoreError):
    """The run in this folder answers another question."""


class StoreUnwritable(StoreError):
    """The disk is read-only or full; nothing stored was harmed and the run can be resumed."""

    exit_code = 4


class StoreReadOnly(StoreUnwritable):
    """The place was read-only, or not ours, before anything was begun."""

    exit_code = 2


class RunnerLost(ShoestringError, RuntimeError):
    """The process that starts trials died and could not be started again; the run can be resumed."""

    exit_code = 4


class Stopped(ShoestringError, RuntimeError):
    """Stopped on request in the middle of several studies; the same command resumes."""

    exit_code = 4


def shown(value: object) -> str:
    """Returns a value as a message shows it: as Python writes it, on one short line, and without addresses in memory."""
    if isinstance(value, type):
        return brief(f"the class {value.__qualname__}")
    if isinstance(value, types.FunctionType | types.BuiltinFunctionType | types.MethodType):
        return brief(f"the function {value.__qualname__}")
    if isinstance(value, types.GeneratorType | types.CoroutineType | types.ModuleType):
        return brief(f"the {type(value).__name__} {value.__name__}")
    return brief(" ".join(_WRITTEN.repr(value).split()))


def brief(text: str) -> str:
    """Returns a text cut to the length that a message has room for."""
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."


class _Written(Repr):
    """Writes values shortly; of an object that cannot be written, its type."""

    def repr1(self, x: object, level: int) -> str:
        try:
            return super().repr1(x, level)
        except Exception:  # a user's __repr__ may raise anything, and Python refuses to write very large numbers
            return f"<{type(x).__name__}>"

    def repr_instance(self, x: object, level: int) -> str:
        return _ADDRESS.sub("", repr(x))[: 2 * _LONGEST]


_WRITTEN = _Written()
_WRITTEN.maxlevel = 3
_WRITTEN.maxstring = _WRITTEN.maxlong = _WRITTEN.maxother = 80
