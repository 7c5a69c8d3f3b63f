"""The replay runner: a table of learning curves and a virtual clock with any number of workers, to measure what nobody here can pay for."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, TypeAlias, cast

from shoestring.arguments import checked_class
from shoestring.budget import Cost
from shoestring.errors import UsageError, shown
from shoestring.machine.importing import load
from shoestring.runners.arms import Arms, script_of
from shoestring.runners.protocol import Post
from shoestring.runners.worker import describe
from shoestring.trial.events import plain
from shoestring.trial.lease import Exit, Lease, Report, Usage
from shoestring.values.orders import Config

Curve: TypeAlias = Callable[[Config, int], Sequence[Mapping[str, float]]]

_EXAMPLE = "return one mapping a unit, such as [{'loss': 0.9}, {'loss': 0.5}]"


@dataclass
class _Replayed:
    lease: Lease
    curve: Sequence[Mapping[str, float]]
    began: float
    done: int
    begun: int = 0
    diverged: bool = False
    stopped: bool = False
    error: Mapping[str, Any] | None = None


@checked_class
class ReplayRunner:
    """Runs leases on a virtual clock.

    Args:
        curve: gives the metrics after each unit, for a configuration and a seed; one shorter than the horizon is a trial that ends early.
        workers: how many leases run at once.
        unit_s: virtual seconds that a unit takes.
        pausable: False for trials that begin again from zero whenever they go on.
    """

    def __init__(self, curve: Curve, workers: int = 1, unit_s: float = 1.0, pausable: bool = True) -> None:
        if workers < 1 or not 0 < unit_s < float("inf"):
            raise UsageError(f"a replay needs workers >= 1 and unit_s > 0, got workers={workers} and unit_s={unit_s}.")
        self.capacity = workers
        self.rates = Cost(wall_s=1.0, cpu_s=1.0)
        self._curve = curve
        self._unit_s = unit_s
        self._pausable = pausable
        self._clock = 0.0
        self._running: dict[int, _Replayed] = {}
        self._agenda: list[tuple[float, int, int]] = []  # when, in which order, token
        self._order = count()

    def now(self) -> float:
        """Returns seconds on the virtual clock."""
        return self._clock

    def start(self, lease: Lease) -> None:
        """Begins the lease at once."""
        trial = _Replayed(lease, (), self._clock, lease.start)
        try:
            trial.curve = _curve_of(self._curve(lease.config, lease.seed))
        except Exception as error:  # the edge: whatever a user's function raises is the trial's result
            trial.error = describe(error)
        self._running[lease.token] = trial
        self._plan(trial)

    def poll(self, timeout_s: float) -> Sequence[Report | Exit]:
        """Moves the clock to the next moment at which something happens, and returns that."""
        if not self._agenda:
            return []
        when, _, token = heapq.heappop(self._agenda)
        self._clock = max(self._clock, when)
        trial = self._running[token]
        reports = [] if trial.stopped or not self._next_unit_fits(trial) else self._one_unit(trial)
        if trial.error is not None:
            end = "failed"
        elif trial.diverged:
            end = "diverged"
        elif trial.done >= len(trial.curve) and trial.done < trial.lease.to:
            end = "finished"
        elif trial.stopped or trial.done >= trial.lease.to or not (reports and self._next_unit_fits(trial)):
            end = "paused"
        else:
            self._plan(trial)
            return reports
        return [*reports, *self._end(trial, end)]

    def usage(self, token: int) -> Usage:
        """Returns the virtual seconds that a lease has had so far."""
        busy_s = self._clock - self._running[token].began
        return Usage(busy_s, busy_s, provenance={"busy_s": "measured", "cpu_s": "estimated"})

    def stop(self, token: int, grace_s: float) -> None:
        """Ends a lease now; the unit under way is not done."""
        trial = self._running[token]
        trial.stopped = True
        heapq.heappush(self._agenda, (self._clock, -1, token))
        self._agenda = [entry for entry in self._agenda if entry[2] != token or entry[1] == -1]
        heapq.heapify(self._agenda)

    def process(self, token: int) -> None:
        """Returns None: there is no process."""

    def recover(self, folder: Path, token: int, offset: int, process: Mapping[str, float | str] | None) -> Sequence[Report]:
        """Returns nothing: a replay writes nothing down."""
        return []

    def close(self) -> None:
        """Forgets what is running."""
        self._running.clear()
        self._agenda.clear()

    def _plan(self, trial: _Replayed) -> None:
        """Plans the end of the next unit; a lease whose time is over before that waits until then."""
        until = self._clock + self._unit_s
        if not self._next_unit_fits(trial) and trial.lease.seconds is not None:
            until = max(self._clock, trial.began + trial.lease.seconds)
        heapq.heappush(self._agenda, (until, next(self._order), trial.lease.token))

    def _next_unit_fits(self, trial: _Replayed) -> bool:
        if trial.done >= min(trial.lease.to, len(trial.curve)):
            return False
        return trial.lease.seconds is None or (trial.begun + 1) * self._unit_s <= trial.lease.seconds * (1 + 1e-9)

    def _one_unit(self, trial: _Replayed) -> list[Report]:
        token, begins = trial.lease.token, {"token": trial.lease.token, "begin": trial.done + 1}
        trial.begun += 1
        try:
            metrics = {str(name): float(value) for name, value in trial.curve[trial.done].items()}
        except Exception as error:
            trial.error = describe(UsageError(f"a learning curve must hold the metrics after each unit as numbers ({error}); {_EXAMPLE}."))
            return [Report(token, begins, 0)]
        trial.done += 1
        decisive = metrics.get(trial.lease.metric, 0.0)
        trial.diverged = decisive - decisive != 0.0
        reported = {"token": token, "unit": trial.done, "metrics": {name: plain(value) for name, value in metrics.items()}}
        return [Report(token, begins, 0), Report(token, reported, 0)]

    def _end(self, trial: _Replayed, end: str) -> Iterator[Report | Exit]:
        token = trial.lease.token
        usage = self.usage(token)
        del self._running[token]
        if self._pausable and trial.error is None:
            yield Report(token, {"token": token, "checkpoint": trial.done}, 0)
        how = {"at": trial.done} if trial.error is None else {"error": trial.error}
        yield Report(token, {"token": token, "end": end, **how}, 0)
        yield Exit(token, usage)


def _curve_of(given: object) -> Sequence[Mapping[str, float]]:
    """Returns a learning curve as it was given, which may be made while it is read.

    Raises:
        UsageError: it has no length, or no entry by number.
    """
    if isinstance(given, str | bytes | Mapping) or not (hasattr(given, "__len__") and hasattr(given, "__getitem__")):
        raise UsageError(f"a learning curve must be a list of metrics, got {shown(given)}; {_EXAMPLE}.")
    return cast(Sequence[Mapping[str, float]], given)


def replay(post: Post) -> ReplayRunner:
    """Returns the replay runner of a post.

    Raises:
        UsageError: it names a command or several targets.
    """
    target = post.target
    if script_of(target) or isinstance(target, Arms):
        raise UsageError(
            "a command cannot be replayed; --runner replay wants a TARGET that gives the learning curve of a configuration and a seed."
        )
    return ReplayRunner(cast(Curve, load(target) if isinstance(target, str) else target), post.workers or 1)
