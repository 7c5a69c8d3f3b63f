"""A trial as the training function sees it: its configuration, its units, its reports."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, SupportsFloat, cast

import numpy as np

from shoestring.errors import UnknownName, UsageError, shown
from shoestring.machine import clock
from shoestring.state.capture import from_bytes, to_bytes
from shoestring.state.handed import Handed
from shoestring.state.kinds import is_array
from shoestring.trial import checkpoint, seeding
from shoestring.trial.events import EventWriter, plain
from shoestring.trial.lease import Lease

SAVING_SHARE = 0.05  # of the running time, at most, goes into checkpoints between pauses
FORCING_S = 0.05  # of running from which the disk is waited for: a power failure costs training as much again, and no report
_COMPARED = 1 << 16  # bytes of a state that is compared with that of a fresh start
_GENERATORS = "$generators"  # in a checkpoint, beside what was handed in
MOST_METRICS = 10_000  # of one unit
FIRST_SAVING_S = 0.05  # what a checkpoint is thought to take before one was written: the first comes after a second


class TrialConfig(dict[str, Any]):
    """A configuration; a misspelt parameter is named together with the nearest that exists."""

    def __missing__(self, name: str) -> Any:
        raise UnknownName("parameter", name, self, hint="Conditional parameters are absent where their condition does not hold.")


class Trial:
    """One trial, handed to the training function.

    Attributes:
        config: parameter values by name.
        seed: seed of this trial; Python's, NumPy's and torch's generators are already seeded with it (torch's if it is imported when
            the trial starts: import it at the top of the module).
        horizon: the most units that the trial can ever get. Let schedules depend on this, never on how often ``steps`` yields.
        unit: what a unit is called, such as ``"epoch"``.
        directory: scratch folder of this trial, which survives pauses.
        device: ``"cuda"`` if a GPU was assigned, otherwise ``"cpu"``.
        ended_by: how the loop over ``steps`` ended: None if there was none, ``"returned"`` while it is under way or if it was left early,
            ``"paused"`` or ``"diverged"``.
        units_done: units completed so far.
    """

    def __init__(self, lease: Lease, events: EventWriter, stop_requested: Callable[[], bool] = lambda: False, device: str = "cpu") -> None:
        if not (isinstance(lease, Lease) and isinstance(events, EventWriter)):
            raise UsageError(
                f"a Trial is made by a study, which hands it to the training function, got {shown(lease)} and {shown(events)}."
            )
        self.config = TrialConfig(lease.config)
        self.seed = lease.seed
        self.horizon = lease.horizon
        self.unit = lease.unit
        self.device = device
        self._lease = lease
        self._checkpoints = lease.folder / "checkpoints"
        self._events = events
        self._stop_requested = stop_requested
        self._deadline = None if lease.seconds is None else clock.monotonic() + lease.seconds
        self._unit: int | None = None
        self._names: set[str] = set()  # of the metrics of this unit
        self._diverged = False
        self.ended_by: str | None = None
        self.units_done = 0

    @property
    def directory(self) -> Path:
        """The trial's scratch folder; made when first asked for."""
        folder = self._lease.folder / "scratch"
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def steps(self, **stateful: object) -> Iterator[int]:
        """Restores what it is handed, then yields the number of units done so far, once before every unit that is paid for.

        The loop simply ends when the trial is to pause, has reached the horizon, or is to stop; what comes after the loop is run each time.
        Model, optimizer, scheduler, dicts, arrays and generators that are handed in by name are saved between units together with all
        process-wide random number generators, and restored here.

        Args:
            **stateful: everything that changes while training.
        Yields:
            0 before the first unit, ``horizon - 1`` before the last.
        Raises:
            InvalidState: an object cannot be saved or does not fit its checkpoint.
            UsageError: called a second time.
        """
        if self.ended_by is not None:
            raise UsageError("trial.steps() was called a second time; one loop trains a trial.")
        handed = Handed(stateful)
        done = saved = self.units_done = self._restore(handed)
        last_save, saving_s, unit_s = clock.monotonic(), FIRST_SAVING_S, 0.0
        self.ended_by = "returned"
        for _ in range(self._lease.to - self._lease.start):
            if done >= self._lease.to or self._diverged or self._must_stop(unit_s):
                break
            with self._events.turn:  # a thread that reports belongs to the unit before or to this one
                self._events.append({"token": self._lease.token, "begin": done + 1, "done": done})
                self._unit = done + 1
                self._names.clear()
            began = clock.monotonic()
            yield done
            self.units_done = done = done + 1
            now = clock.monotonic()
            unit_s = now - began
            if now - last_save >= saving_s / SAVING_SHARE and done < self._lease.to:
                self._save(handed, done)
                saved, last_save = done, clock.monotonic()
                saving_s = last_save - now
        self._unit = None
        if done != saved and (stateful or done < self.horizon):
            self._save(handed, done, pauses=True, forced=clock.monotonic() - last_save >= FORCING_S)
        elif done != saved and not self._diverged:
            self._events.append({"token": self._lease.token, "done": done})  # whatever the function still does, these are trained
        self.ended_by = "diverged" if self._diverged else "paused"

    def report(self, **metrics: SupportsFloat) -> None:
        """Reports metrics for the unit under way; what is reported is recorded, whatever happens afterwards.

        Of a metric that is reported several times in a unit, the last report counts, for decisions, answer, report and export alike.
        Threads may report. A child process may not: it returns its numbers to the process that runs the training function.

        Args:
            **metrics: numbers by name. A value of the deciding metric that is not finite ends the trial after this unit, as diverged.
        Raises:
            ValueError: more than 10,000 different metrics in one unit.
            UsageError: called outside of the loop over ``steps``, in a child process, without metrics, or with what is not a number.
        """
        self._events.check_process(self._lease.token)
        if self._unit is None:
            raise UsageError("trial.report() was called outside of the loop; call it inside `for epoch in trial.steps(...)`.")
        if not metrics:
            raise UsageError("trial.report() was given no metric; write for example trial.report(loss=0.1).")
        values = {name: _number(name, value) for name, value in metrics.items()}
        written = {name: plain(value) for name, value in values.items()}
        with self._events.turn:
            self._names.update(values)
            if len(self._names) > MOST_METRICS:
                raise ValueError(
                    f"trial.report() was given {len(self._names):,} different metrics in one {self.unit}; "
                    f"at most {MOST_METRICS:,} are allowed. Write large results into a file in trial.directory."
                )
            if self._lease.metric in values:
                self._diverged = not math.isfinite(values[self._lease.metric])
            self._events.append({"token": self._lease.token, "unit": self._unit, "metrics": written})

    def _must_stop(self, unit_s: float) -> bool:
        """Tells whether to pause: asked to, out of time, or the next unit would likely outlast the time and half the grace."""
        if self._stop_requested():
            return True
        return self._deadline is not None and clock.monotonic() + unit_s > self._deadline + (self._lease.grace / 2 if unit_s else 0.0)

    def _restore(self, handed: Handed) -> int:
        unit, data = next(checkpoint.newest_first(self._checkpoints, self._events.path), (0, b""))
        if unit < self._lease.start:
            self._events.append({"token": self._lease.token, "damaged": self._lease.start, "from": unit})
        if not data:
            return 0
        trees = from_bytes(data, self.device)
        generators = trees.pop(_GENERATORS)
        if len(data) <= _COMPARED and handed.holds(trees):
            self._events.append({"token": self._lease.token, "bare": unit, "handed": bool(trees)})
        handed.restore(trees)
        seeding.restore(generators)
        return unit

    def _save(self, handed: Handed, done: int, *, pauses: bool = False, forced: bool = True) -> None:
        data = to_bytes({**handed.capture(), _GENERATORS: seeding.capture()}, name="")
        durable = forced and self._lease.durable
        in_line = pauses and len(data) <= checkpoint.SMALL
        event = {"token": self._lease.token, **checkpoint.event_of(done, data, holds_it=in_line)}
        if in_line:
            self._events.append(event)
        if durable:
            self._events.sync()  # what was reported must not be newer than the state that goes on from it
        if not in_line:
            checkpoint.write(self._checkpoints, done, data, durable=durable)
            self._events.append(event)


def _number(name: str, value: object) -> float:
    if not isinstance(value, str | bytes):
        if isinstance(value, np.ma.MaskedArray) and np.ma.getmaskarray(value).any():
            return math.nan  # a mean over nothing
        with suppress(TypeError, ValueError, OverflowError, RuntimeError):  # a tensor of several numbers is a RuntimeError
            return float(value.item() if is_array(value) else cast(Any, value))  # float would warn of tensors that require a gradient
    raise UsageError(f"trial.report({name}=...) was given {type(value).__name__} {str(value)[:40]!r}; a metric must be a single number.")
