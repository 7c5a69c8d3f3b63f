"""What a runner must do for the engine, and what one is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from shoestring.budget import Cost
from shoestring.runners.arms import Target
from shoestring.trial.lease import Exit, Lease, Report, Usage


@dataclass(frozen=True)
class Post:
    """What a runner is made of: what it is to train, and with what.

    Attributes:
        target: what is trained.
        workers: how many trials run at once; None for what suits the machine.
        watts: declared power of a busy core, where the processor's energy cannot be read.
        mark: the mark of the run, which everything that is started carries.
        ready_by: the moment, on ``clock.monotonic``, by which the target must be imported for anything of the budget to be left; None
            without a budget of time.
    """

    target: Target
    workers: int | None
    watts: float | None
    mark: str
    ready_by: float | None


@runtime_checkable
class Runner(Protocol):
    """Carries out leases, some at a time.

    Attributes:
        capacity: how many leases can run at once.
        rates: the most that one running lease burns a second.
    """

    capacity: int
    rates: Cost

    def now(self) -> float:
        """Returns seconds on this runner's clock; only differences mean something."""

    def start(self, lease: Lease) -> None:
        """Starts a lease; at most ``capacity`` may be running."""

    def poll(self, timeout_s: float) -> Sequence[Report | Exit]:
        """Returns what has happened, waiting up to ``timeout_s`` for something to happen.

        All reports of a lease come before its exit, in the order in which they were written; nothing comes after it.
        """

    def usage(self, token: int) -> Usage:
        """Returns what a running lease has used so far."""

    def stop(self, token: int, grace_s: float) -> None:
        """Asks a lease to save itself and end, and kills it when ``grace_s`` is over; its exit is reported by ``poll``."""

    def process(self, token: int) -> Mapping[str, float | str] | None:
        """Returns what tells the process of a running lease from all others (``identity``), None if it has no process of its own."""

    def recover(self, folder: Path, token: int, offset: int, process: Mapping[str, float | str] | None) -> Sequence[Report]:
        """Kills what a dead engine has left running of the run, and returns what the lease wrote and nobody has read yet."""

    def close(self) -> None:
        """Kills what still runs and gives everything back."""
