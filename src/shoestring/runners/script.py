"""A script in any language as a trial: started from a command template, read by byte offset, stopped from outside.

The script appends lines such as ``{"unit": 3, "loss": 0.21}`` to the file named by ``SHOESTRING_EVENTS``, or prints them in a form that a
pattern finds. It may keep its state in ``SHOESTRING_CHECKPOINT_DIR`` and end by itself at unit ``SHOESTRING_TO``. One that does neither is
stopped from outside and begins again from zero when it is to go on; the ledger shows what that cost.
"""

from __future__ import annotations

import ctypes
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from shoestring.errors import InvalidTarget, UnknownName
from shoestring.events import EventWriter, plain, read
from shoestring.lease import Lease
from shoestring.runners.worker import EVENTS, write_config

METRICS = "metrics.jsonl"
OUTPUT = "stdout.txt"
POLL_S = 0.02
GIVEN = ("to", "from", "horizon", "seed", "trial", "checkpoint_dir", "events", "device")
_NOT_FINITE = re.compile(r"(?<=[:\s])([-+]?(?:nan|inf(?:inity)?))(?=\s*[,}])", re.IGNORECASE)  # as awk and C print them
_PLACEHOLDER = re.compile(r"\{\{|\}\}|\{([^{}]+)\}")
_ROOM_FOR_ERRORS = 2_000
_LAST_UNIT = 10**12  # a line that counts beyond is no report
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Script:
    """A command template and how its metrics are read.

    Attributes:
        command: argv; ``{name}`` inside an element stands for a parameter or one of ``GIVEN``, ``{{`` for a brace. Never a shell string.
        pattern: regular expression that finds a metric in the output, or None to read the file named by ``SHOESTRING_EVENTS``. Each match
            is one unit; groups may be named for metrics, and ``unit`` for the unit.
        metric: the metric that an unnamed group of the pattern stands for.
    """

    command: tuple[str, ...]
    pattern: str | None
    metric: str

    def check(self, parameters: Iterable[str]) -> None:
        """Checks template and pattern before anything is run.

        Raises:
            UnknownName: the template names something that does not exist.
            InvalidTarget: an empty command, an unbalanced brace, or a pattern that is no regular expression with a group.
        """
        if not self.command:
            raise InvalidTarget("the command after -- is empty; write for example -- python train.py --lr {lr}.")
        known = {*parameters, *GIVEN}
        for name in (name for element in self.command for name in _placeholders(element)):
            if name not in known:
                raise UnknownName("placeholder", "{" + name + "}", ["{" + other + "}" for other in known])
        try:
            groups = re.compile(self.pattern).groups if self.pattern is not None else 1
        except re.error as error:
            raise InvalidTarget(f"pattern {self.pattern!r} is no regular expression ({error}).") from error
        if not groups:
            raise InvalidTarget(f"pattern {self.pattern!r} has no group; put the number in parentheses, as in 'loss ([0-9.]+)'.")

    def argv(self, values: Mapping[str, object]) -> list[str]:
        """Returns the command with every placeholder replaced.

        An element whose parameter is absent from this configuration is left out, together with the flag before it.
        """
        rendered: list[str] = []
        for element in self.command:
            names = _placeholders(element)
            if all(name in values for name in names):
                rendered.append(_PLACEHOLDER.sub(lambda found: _filled(found, values), element))
            elif element == "{" + "".join(names) + "}" and rendered and rendered[-1].startswith("-"):
                rendered.pop()
        return rendered

    def to_json(self) -> dict[str, Any]:
        """Returns the script as plain data."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Script:
        """Returns the script that ``to_json`` described."""
        return cls(tuple(data["command"]), data["pattern"], data["metric"])

    def carry_out(self, lease: Lease, stop_requested: Callable[[], bool], device: str) -> None:
        """Runs the script under a lease and writes its reports as events; an ``end`` event says how it went."""
        events = EventWriter(lease.folder / EVENTS, lease.offset)
        write_config(lease)
        (lease.folder / "checkpoints").mkdir(exist_ok=True)
        try:
            end = _Attempt(self, lease, events, stop_requested).run(device)
            events.append({"token": lease.token, **end})
            events.sync()
        finally:
            events.close()

    def recover(self, folder: Path, token: int) -> None:
        """Writes down as events what the script reported, and began, when nobody was there any more to read it."""
        own = [event for event, _ in read(folder / EVENTS) if event.get("token") == token]
        begins = [event for event in own if "begin" in event]
        if not begins or "end" in own[-1]:
            return
        events = EventWriter(folder / EVENTS)
        books = _Books(self, folder, events, token, begins[0]["to"], begins[0]["begin"] - 1, begins[0]["fresh"])
        books.begun = begins[-1]["begin"]
        books.done = max((event["unit"] for event in own if "unit" in event), default=books.done)
        books.reported = any("unit" in event for event in own)
        books.take()
        if books.done < books.to:
            books.begin(books.done + 1)  # if it was not yet at work on that, this is the price of the crash
        events.close()

    def metrics(self, folder: Path, position: int) -> Iterator[tuple[int | None, dict[str, float], int]]:
        """Yields unit (None where the script does not say), metrics, and the byte offset behind them, from ``position`` on."""
        name = METRICS if self.pattern is None else OUTPUT
        try:
            with open(folder / name, "rb") as file:
                file.seek(position)
                data = file.read()
        except FileNotFoundError:
            return
        *lines, _unfinished = data.split(b"\n")
        for line in lines:
            position += len(line) + 1
            text = line.decode(errors="replace")
            found = _from_json(text) if self.pattern is None else self._from_match(text)
            if found is not None:
                yield (*found, position)

    def _from_match(self, text: str) -> tuple[int | None, dict[str, float]] | None:
        assert self.pattern is not None, "only asked when there is one"
        match = re.search(self.pattern, text)
        if match is None:
            return None
        named = match.groupdict()
        values = {name: value for name, value in named.items() if name != "unit"} or {self.metric: match[1]}
        return _values({"unit": named.get("unit")} | values)


class _Books:
    """Turns what a script reports into events: each report, and the beginning of each unit that it tells of.

    Attributes:
        begun: the last unit that was charged.
        done: the last unit that was reported, or where the lease starts.
        reported: whether anything was.
        went_back: whether the script, which was to go on from ``start``, trained units before that again.
    """

    def __init__(self, script: Script, folder: Path, events: EventWriter, token: int, to: int, start: int, fresh: bool) -> None:
        self._script = script
        self._folder = folder
        self._events = events
        self._token = token
        self._start = start
        self._fresh = fresh
        self._position = max((event["read"] for event, _ in read(folder / EVENTS) if "read" in event), default=0)
        self.to = to
        self.begun = self.done = start
        self.reported = self.went_back = self.diverged = False

    def open(self) -> None:
        """Charges the first unit, and notes what must be known to go on with these books."""
        self._events.append({"token": self._token, "begin": self._start + 1, "to": self.to, "fresh": self._fresh})
        self.begun = self._start + 1

    def begin(self, unit: int) -> None:
        """Charges all units up to this one; beyond what the lease allows, one at a time, as a script may count in other units."""
        for begun in range(self.begun + 1, min(unit, max(self.to, self.begun + 1)) + 1):
            self._events.append({"token": self._token, "begin": begun})
            self.begun = begun

    def take(self) -> bool:
        """Writes new reports down; True if there were any."""
        before = self._position
        for unit, metrics, position in self._script.metrics(self._folder, before):
            self._position = position
            at = unit if unit is not None else self.done + 1
            if not self.reported:
                self.went_back = at <= self._start
                if self.went_back or not self._fresh:
                    self.begun = at  # the unit charged at the start is this one, whatever the script kept
            self.begin(at)
            self.done = max(self.done, at)
            self.reported = True
            decisive = metrics.get(self._script.metric, 0.0)
            self.diverged = self.diverged or decisive - decisive != 0.0
            event = {"token": self._token, "unit": at, "metrics": {name: plain(value) for name, value in metrics.items()}}
            self._events.append(event | {"read": position})
        return self._position > before


class _Attempt:
    """One lease's run of a script."""

    def __init__(self, script: Script, lease: Lease, events: EventWriter, stop_requested: Callable[[], bool]) -> None:
        self._script = script
        self._lease = lease
        self._events = events
        self._stop_requested = stop_requested
        fresh = lease.start == 0 and not self._keeps_state()
        self._books = _Books(script, lease.folder, events, lease.token, lease.to, lease.start, fresh)

    def run(self, device: str) -> dict[str, Any]:
        output = (self._lease.folder / OUTPUT).stat().st_size if (self._lease.folder / OUTPUT).exists() else 0
        books = self._books
        books.open()
        try:
            process = self._start(device)
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            return _failed("InvalidTarget", f"{self._script.command[0]!r} could not be started: {reason}", usage=True)
        try:
            self._watch(process)
            stopped = process.returncode is None
            if stopped:
                self._stop(process)
        finally:
            process.kill()
            process.wait()
        books.take()
        if books.went_back:
            return {"end": "restarts"}
        if books.diverged:
            return {"end": "diverged", "at": books.done}
        if stopped or books.done >= books.to:
            if self._keeps_state():
                self._events.append({"token": self._lease.token, "checkpoint": books.done})
            return {"end": "paused", "at": books.done}
        if process.returncode == 0 and books.reported:
            return {"end": "finished", "at": books.done}
        lines = _last_output(self._lease.folder / OUTPUT, output)
        how = f"signal {-process.returncode}" if process.returncode < 0 else f"exit code {process.returncode}"
        return _failed(how, "it ended without reporting a metric" if process.returncode == 0 else "the script failed", trace=lines)

    def _start(self, device: str) -> subprocess.Popen[bytes]:
        lease = self._lease
        given = {
            "to": lease.to,
            "from": lease.start,
            "horizon": lease.horizon,
            "seed": lease.seed,
            "trial": lease.trial_id,
            "checkpoint_dir": lease.folder.resolve() / "checkpoints",
            "events": lease.folder.resolve() / METRICS,
            "device": device,
        }
        environment = os.environ | {f"SHOESTRING_{name.upper()}": str(value) for name, value in given.items()}
        environment |= {"SHOESTRING_CONFIG": json.dumps(dict(lease.config)), "PYTHONUNBUFFERED": "1"}
        with open(lease.folder / OUTPUT, "ab") as output:
            return subprocess.Popen(
                self._script.argv({**given, **lease.config}),
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                preexec_fn=_die_with_parent,
            )

    def _watch(self, process: subprocess.Popen[bytes]) -> None:
        """Follows the script until it ends (its ``returncode`` is then set) or must be stopped."""
        deadline = None if self._lease.seconds is None else time.monotonic() + self._lease.seconds
        books, patience_until = self._books, None
        while process.poll() is None:
            news = books.take()
            now = time.monotonic()
            if self._stop_requested() or (deadline is not None and now >= deadline):
                return
            if books.diverged or books.went_back or books.done > books.to:
                return
            if books.done < books.to:
                if not news:
                    books.begin(books.done + 1)  # it still runs, so it trains
            else:
                patience_until = patience_until or now + self._lease.grace
                if now >= patience_until:
                    return
            time.sleep(POLL_S)

    def _stop(self, process: subprocess.Popen[bytes]) -> None:
        """Asks the script to end, kills it when the grace is over, and charges the unit in which that found it."""
        books = self._books
        overran = books.done >= books.to and not self._stop_requested()
        if books.done < books.to or overran:
            books.begin(books.done + 1)
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(self._lease.grace)
        except subprocess.TimeoutExpired:
            books.take()
            if books.done < books.to or overran:
                books.begin(books.done + 1)

    def _keeps_state(self) -> bool:
        return any((self._lease.folder / "checkpoints").iterdir())


def _from_json(text: str) -> tuple[int | None, dict[str, float]] | None:
    try:
        data = json.loads(_NOT_FINITE.sub(r'"\1"', text))
    except (ValueError, RecursionError):
        return None
    return _values(data) if isinstance(data, dict) else None


def _values(data: Mapping[str, Any]) -> tuple[int | None, dict[str, float]] | None:
    try:
        unit = None if data.get("unit") is None else int(data["unit"])
        metrics = {str(name): float(value) for name, value in data.items() if name != "unit"}
    except (TypeError, ValueError, OverflowError):
        return None
    return (unit, metrics) if metrics and (unit is None or 1 <= unit <= _LAST_UNIT) else None


def _placeholders(element: str) -> list[str]:
    if set("{}") & set(_PLACEHOLDER.sub("", element)):
        raise InvalidTarget(f"{element!r} in the command has a brace without its partner; write {{{{ or }}}} if it is no placeholder.")
    return [name for name in _PLACEHOLDER.findall(element) if name]


def _filled(found: re.Match[str], values: Mapping[str, object]) -> str:
    return _written(values[found[1]]) if found[1] else found[0][0]


def _written(value: object) -> str:
    return json.dumps(value) if value is None or isinstance(value, bool) else repr(value) if isinstance(value, float) else str(value)


def _last_output(path: Path, offset: int) -> str:
    with open(path, "rb") as file:
        file.seek(max(offset, path.stat().st_size - _ROOM_FOR_ERRORS))
        return file.read().decode(errors="replace")


def _failed(kind: str, message: str, trace: str = "", usage: bool = False) -> dict[str, Any]:
    return {"end": "failed", "error": {"type": kind, "message": message, "usage": usage, "traceback": trace}}


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
