"""The proof of pausability behind ``shoestring check``: n units straight, and k + (n - k) units through a fresh process, agree bit for bit.

Compared are every reported metric, everything handed to ``trial.steps`` and the process-wide random generators, after every unit. Where
they differ, what was likely forgotten is named. It proves nothing about units beyond the n that were run, or about other configurations.
"""

from __future__ import annotations

import itertools
import json
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, cast

from shoestring.errors import InvalidTarget, UsageError
from shoestring.pauses.verdict import Difference, Forgotten, Verdict
from shoestring.pauses.watch import STRAIGHT, WORK, note_of
from shoestring.runners.process import ProcessRunner
from shoestring.runners.worker import EVENTS
from shoestring.trial.events import read
from shoestring.trial.lease import Exit, Lease
from shoestring.values.orders import Config

_SEEDS = "Seed all generators with trial.seed; let nothing depend on time or on the order of a set. A metric that is a time can be ignored."
_FRAME = re.compile(r'  File "(?P<file>[^"]*)", line \d+, in .*\n(?:    .*\n)*')
_OURS = re.compile(
    r"[/\\]shoestring[/\\](?:machine|runners|pauses|trial|state)[/\\]\w+\.py$|^<frozen importlib|[/\\]importlib[/\\]__init__\.py$"
)


@dataclass(frozen=True, slots=True)
class _Run:
    """One lease, and what its worker wrote down."""

    lease: Lease
    exit: Exit
    end: Mapping[str, Any]
    metrics: tuple[tuple[int, str, str], ...]

    @property
    def done(self) -> int:
        return int(self.end.get("at", 0))

    def seen(self, unit: int) -> Mapping[str, Any] | None:
        path = note_of(self.lease.folder, unit, self.lease.token)
        return cast(Mapping[str, Any], json.loads(path.read_text(encoding="utf-8"))) if path.exists() else None


class Checker:
    """Checks one target, as often as is wished: two processes import it, once each, and every run is a new child of one of them.

    The second straight run is a child of the second process, so that what depends on the import (unseeded numbers in the module, the order
    of a set) is seen to be not deterministic.

    Args:
        target: ``file.py:function`` or ``package.module:function``.
        imports: how many processes import it; with 1, which takes less time, what depends on the import is not seen.
    Raises:
        InvalidTarget: the target cannot be imported.
    """

    def __init__(self, target: str, imports: Literal[1, 2] = 2) -> None:
        self._target = target
        self._imports = imports
        self._tokens = itertools.count(1)
        self._runners = [self._imported()]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Ends the processes that imported the target."""
        for runner in self._runners:
            runner.close()

    def check(
        self,
        config: Config,
        *,
        units: int = 4,
        horizon: int | None = None,
        seed: int = 0,
        folder: Path | None = None,
        ignore: Sequence[str] = (),
    ) -> Verdict:
        """Returns the verdict on one configuration.

        Args:
            config: the configuration to train.
            units: units of the straight run, 2 or more.
            horizon: what ``trial.horizon`` says; ``units`` if None.
            seed: seed of all runs.
            folder: an empty or new folder, which stores what was run; a temporary one if None.
            ignore: metrics, or names handed to ``steps``, that may differ (a time, say).

        Raises:
            UsageError: an argument is not allowed.
        """
        if units < 2:
            raise UsageError(f"units={units} cannot be cut in two; give 2 or more.")
        if horizon is not None and horizon < units:
            raise UsageError(f"horizon={horizon} is less than units={units}; a trial never gets more units than its horizon.")
        if folder is not None and folder.exists() and any(folder.iterdir()):
            raise UsageError(f"{folder} is not empty; give a new folder.")
        with tempfile.TemporaryDirectory(prefix="shoestring-check-") as temporary:
            lease = Lease(0, 0, config, seed, 0, units, horizon or units, "unit", "", folder or Path(temporary))
            return self._verdict(lease, frozenset(ignore))

    def _verdict(self, lease: Lease, ignore: frozenset[str]) -> Verdict:
        units = lease.to
        verdict = Verdict(self._target, units, lease.seed, lease.config, (), "agrees")
        (straight,) = self._run([_named(lease, STRAIGHT)])
        if failure := _failure(straight, "in a straight run, without any pause"):
            return replace(verdict, status="failed", error=failure)
        if straight.done < 1:
            return replace(verdict, status="failed", error="it ended before its first unit was complete, so there is nothing to pause.")
        last = min(units - 1, straight.done)
        pauses = tuple(sorted({1, max(1, min(units // 2, last)), last}))
        firsts = self._run([_named(replace(lease, to=k), f"pause-{k}") for k in pauses])
        if len(self._runners) < self._imports:
            self._runners.append(self._imported())
        again = self._run([_named(lease, "again")], self._runners[-1])
        verdict = replace(verdict, units=straight.done, pauses=pauses)
        for run, what in zip(again + firsts, ["again", *["up to a pause"] * len(firsts)], strict=True):
            if failure := _failure(run, f"in a second run that should be the same as the first ({what})"):
                return replace(verdict, status="failed", error=failure)
            if found := _compare(straight, run, 0, run.lease.to, ignore):
                return replace(
                    verdict, status="not deterministic", differences=found, forgotten=_forgotten(run, 0, found[0].unit), hints=(_SEEDS,)
                )
        seconds = self._run([replace(lease, start=run.lease.to, folder=run.lease.folder) for run in firsts])
        return _judge(verdict, straight, seconds, ignore)

    def _imported(self) -> ProcessRunner:
        try:
            return ProcessRunner(self._target, work=WORK)
        except InvalidTarget as error:
            raise InvalidTarget(shortened(str(error))) from None

    def _run(self, leases: Sequence[Lease], runner: ProcessRunner | None = None) -> list[_Run]:
        """Runs leases to their ends, as many at once as the runner can."""
        runner = runner or self._runners[0]
        waiting = [replace(lease, token=next(self._tokens)) for lease in leases]
        running: dict[int, Lease] = {}
        ended: dict[int, _Run] = {}
        while waiting or running:
            while waiting and len(running) < runner.capacity:
                lease = waiting.pop(0)
                running[lease.token] = lease
                runner.start(lease)
            for happened in runner.poll(1.0):
                if isinstance(happened, Exit):
                    ended[happened.token] = _read(running.pop(happened.token), happened)
        return [ended[token] for token in sorted(ended)]


def shortened(traceback: str) -> str:
    """Returns a traceback without the frames of Shoestring's workers and of the import machinery."""
    return _FRAME.sub(lambda match: "" if _OURS.search(match["file"]) else match[0], traceback)


def _named(lease: Lease, name: str) -> Lease:
    return replace(lease, folder=lease.folder / name)


def _read(lease: Lease, ended: Exit) -> _Run:
    events = [event for event, _ in read(lease.folder / EVENTS) if event.get("token") == lease.token]
    end = next((event for event in events if "end" in event), {})
    metrics = [
        (int(event["unit"]), name, repr(value)) for event in events if "metrics" in event for name, value in event["metrics"].items()
    ]
    return _Run(lease, ended, end, tuple(metrics))


def _failure(run: _Run, when: str) -> str | None:
    """Returns what went wrong in a run, None if nothing did."""
    if run.exit.how != "ended" or not run.end:
        return f"its process died {when}: {run.exit.note or run.exit.how}."
    if run.end["end"] != "failed":
        return None
    error = run.end["error"]
    if error["usage"]:
        return f"it failed {when}: {error['message']}"
    last = shortened(error["traceback"]).rstrip().splitlines()[-8:]
    return f"it failed {when}:\n" + "\n".join(f"    {line}" for line in last)


def _judge(verdict: Verdict, straight: _Run, seconds: Sequence[_Run], ignore: frozenset[str]) -> Verdict:
    """Returns the verdict on what followed the pauses."""
    by_pause = {run.lease.start: run for run in seconds}
    for k, run in by_pause.items():
        if failure := _failure(run, f"after a pause at unit {k}, and not without it"):
            return replace(verdict, status="differs", differing=(k,), error=failure, forgotten=_forgotten(run, k, k))
    found = {k: _compare(straight, run, k, straight.lease.to, ignore) for k, run in by_pause.items()}
    differing = tuple(k for k in found if found[k])
    if not differing:
        lost = {each.name: each for k, run in by_pause.items() for each in _forgotten(run, k, k) if not each.is_hint}
        return replace(verdict, forgotten=tuple(lost.values()))
    k = max(differing, key=lambda k: (_is_told(_forgotten(by_pause[k], k, k)), -k))
    forgotten = _forgotten(by_pause[k], k, k)
    hints = tuple(_hints(by_pause[k], found[k], forgotten))
    differing = (k, *(other for other in differing if other != k))
    return replace(verdict, status="differs", differing=differing, differences=found[k], forgotten=forgotten, hints=hints)


def _is_told(forgotten: Sequence[Forgotten]) -> bool:
    return any(not each.is_hint for each in forgotten)


def _compare(straight: _Run, run: _Run, start: int, to: int, ignore: frozenset[str]) -> tuple[Difference, ...]:
    """Returns all that differs at the first moment at which anything does, and the first metric that does; nothing if all is equal."""
    found: list[Difference] = []
    for unit in range(start, to + 1):
        metrics = list(_metric_differences(straight, run, unit, ignore)) if unit > start else []
        if found:
            if metrics:
                return (*metrics[:1], *found)
            continue
        found = [*metrics, *_seen_differences(run.seen(unit) or {}, unit, ignore)]
        if metrics:
            return tuple(found)
    if found or to < straight.lease.to:
        return tuple(found)
    expected, got = (f"{each.end['end']} after {each.done} units" for each in (straight, run))
    return () if expected == got else (Difference(run.done, "end", "", expected, got),)


def _metric_differences(straight: _Run, run: _Run, unit: int, ignore: frozenset[str]) -> Iterator[Difference]:
    expected, got = ([(name, value) for at, name, value in each.metrics if at == unit and name not in ignore] for each in (straight, run))
    for a, b in itertools.zip_longest(expected, got):
        if a != b:
            name = (a or b or ("", ""))[0]
            same = a is not None and b is not None and a[0] == b[0]
            yield Difference(unit, "metric", name, a[1] if a else None, b[1] if b and (same or not a) else None)


def _seen_differences(seen: Mapping[str, Any], unit: int, ignore: frozenset[str]) -> Iterator[Difference]:
    states = [Difference(unit, "state", *entry) for entry in seen.get("state", ()) if not _is_ignored(entry[0], ignore)]
    yield from sorted(states, key=lambda each: -(each.max_abs or 0.0))
    yield from (Difference(unit, "generator", name) for name in seen.get("generators", ()))


def _is_ignored(path: str, ignore: frozenset[str]) -> bool:
    return path in ignore or path.partition("[")[0] in ignore


def _forgotten(run: _Run, first: int, last: int) -> tuple[Forgotten, ...]:
    """Returns the suspects of the first moment, between two units, at which there are any: the stateful ones before the plain ones."""
    for unit in range(first, last + 1):
        seen = run.seen(unit) or {}
        rebound = set(seen.get("rebound", ()))
        found = []
        for each in seen.get("suspects", ()):
            entry, straight, here = each["differing"][0]
            found.append(Forgotten(each["name"], each["kind"], each["where"], entry, straight, here, each["name"] in rebound))
        if found:
            return tuple(sorted(_without_parts(found), key=lambda each: (not each.rebound, each.is_hint, len(each.name))))
    return ()


def _without_parts(found: Sequence[Forgotten]) -> Iterator[Forgotten]:
    """Returns what is no part of something stateful that is named already."""
    named = tuple(f"{each.name}{mark}" for each in found if not each.is_hint for mark in ".[")
    return (each for each in found if not each.name.startswith(named))


def _hints(run: _Run, found: Sequence[Difference], forgotten: Sequence[Forgotten]) -> Iterator[str]:
    loop = run.lease.folder / "watched" / "loop.json"
    counter = json.loads(loop.read_text(encoding="utf-8"))["counter"] if loop.exists() else None
    if counter:
        yield f"{counter}(trial.steps(...)) counts from 0 again after each pause; use the number that steps yields, and trial.horizon."
    lost = [each for each in found if each.what == "state" and each.unit == run.lease.start]
    if lost:
        yield f"{lost[0].name.partition('[')[0]} does not take its state back: load_state_dict restores other values than state_dict gave."
    rates = [each for each in found if each.what == "state" and each.name.endswith("['lr']")]
    if rates and not counter and not _is_told(forgotten):
        yield "A learning-rate schedule begins again after the pause; compute it from the number that steps yields and trial.horizon."
    if not counter and not lost and not rates and not forgotten:
        yield "No variable explains it: look for counters and iterators inside of libraries, files read or written, and time."
