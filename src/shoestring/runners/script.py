"""A script in any language as a trial: started from a command template, read by byte offset, stopped from outside.

The script appends lines such as ``{"unit": 3, "loss": 0.21}`` to the file named by ``SHOESTRING_EVENTS``, or prints them in a form that a pattern
finds. It may keep its state in ``SHOESTRING_CHECKPOINT_DIR`` and end by itself at unit ``SHOESTRING_TO``. One that does neither is stopped
from outside and begins again from zero when it is to go on; the ledger shows what that cost.
"""

from __future__ import annotations

import ctypes
import json
import os
import re
import signal
import string
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
from shoestring.runners.worker import EVENTS

METRICS = "metrics.jsonl"
OUTPUT = "stdout.txt"
POLL_S = 0.02
GIVEN = ("to", "from", "horizon", "seed", "trial", "checkpoint_dir", "events", "device")
_NOT_FINITE = re.compile(r"(?<=[:\s])([-+]?(?:nan|inf(?:inity)?))(?=\s*[,}])", re.IGNORECASE)  # as awk and C print them
_ROOM_FOR_ERRORS = 2_000
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Script:
    """A command template and how its metrics are read.

    Attributes:
        command: argv; ``{name}`` inside an element stands for a parameter or one of ``GIVEN``, ``{{`` for a brace. Never a shell string.
        pattern: regular expression that finds a metric in the output, or None to read the file named by ``SHOESTRING_EVENTS``. Each match is
            one unit; groups may be named for metrics, and ``unit`` for the unit.
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
                rendered.append(element.format_map({name: _written(values[name]) for name in names}))
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
        (lease.folder / "checkpoints").mkdir(exist_ok=True)
        try:
            end = _Attempt(self, lease, events, stop_requested).run(device)
            events.append({"token": lease.token, **end})
            events.sync()
        finally:
            events.close()

    def recover(self, folder: Path, token: int) -> None:
        """Writes down as events what the script reported while nobody could read it any more."""
        if (folder / EVENTS).exists():
            events = EventWriter(folder / EVENTS)
            for unit, metrics, position in self.metrics(folder, _position(folder)):
                events.append(_report(token, unit, metrics, position))
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


class _Attempt:
    """One lease's run of a script."""

    def __init__(self, script: Script, lease: Lease, events: EventWriter, stop_requested: Callable[[], bool]) -> None:
        self._script = script
        self._lease = lease
        self._events = events
        self._stop_requested = stop_requested
        self._position = _position(lease.folder)
        self._done = lease.start
        self._resumed = lease.start == 0
        self._diverged = False
        self._reported = False

    def run(self, device: str) -> dict[str, Any]:
        self._drain(charged=False)
        self._done = self._lease.start
        output = (self._lease.folder / OUTPUT).stat().st_size if (self._lease.folder / OUTPUT).exists() else 0
        try:
            process = self._start(device)
        except OSError as error:
            return _failed("InvalidTarget", f"{self._script.command[0]!r} could not be started: {error.strerror}", usage=True)
        self._events.append({"token": self._lease.token, "begin": self._done + 1})
        restarted = self._watch(process)
        stopped = process.returncode is None
        if stopped:
            _terminate(process, self._lease.grace)
        self._drain()
        if restarted:
            return {"end": "restarts"}
        if self._diverged:
            return {"end": "diverged", "at": self._done}
        if stopped or self._done >= self._lease.to:
            self._keep()
            return {"end": "paused", "at": self._done}
        if process.returncode == 0 and self._reported:
            return {"end": "finished", "at": self._done}
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

    def _watch(self, process: subprocess.Popen[bytes]) -> bool:
        """Follows the script until it ends (its ``returncode`` is then set) or must be stopped; True if it began again from zero."""
        deadline = None if self._lease.seconds is None else time.monotonic() + self._lease.seconds
        patience_until = None
        while process.poll() is None:
            if self._drain():
                return True
            now = time.monotonic()
            if self._stop_requested() or (deadline is not None and now >= deadline) or self._diverged or self._done > self._lease.to:
                return False
            if self._done == self._lease.to:
                patience_until = patience_until or now + self._lease.grace
                if now >= patience_until:
                    return False
            time.sleep(POLL_S)
        return False

    def _drain(self, charged: bool = True) -> bool:
        """Writes new reports down; True if the script was to go on but began again from zero."""
        for unit, metrics, self._position in self._script.metrics(self._lease.folder, self._position):
            at = unit if unit is not None else self._done + 1
            if charged and not self._resumed:
                self._resumed = True
                if unit is not None and unit <= self._lease.start:
                    return True
            self._done = max(self._done, at)
            self._reported = True
            decisive = metrics.get(self._lease.metric, 0.0)
            self._diverged = charged and (self._diverged or decisive - decisive != 0.0)
            self._events.append(_report(self._lease.token, at, metrics, self._position))
            if charged and self._done < self._lease.to:
                self._events.append({"token": self._lease.token, "begin": self._done + 1})
            elif charged and self._done > self._lease.to:
                self._events.append({"token": self._lease.token, "begin": self._done})
        return False

    def _keep(self) -> None:
        if any((self._lease.folder / "checkpoints").iterdir()):
            self._events.append({"token": self._lease.token, "checkpoint": self._done})


def _report(token: int, unit: int | None, metrics: Mapping[str, float], position: int) -> dict[str, Any]:
    return {"token": token, "unit": unit, "metrics": {name: plain(value) for name, value in metrics.items()}, "read": position}


def _position(folder: Path) -> int:
    return max((event["read"] for event, _ in read(folder / EVENTS) if "read" in event), default=0)


def _from_json(text: str) -> tuple[int | None, dict[str, float]] | None:
    try:
        data = json.loads(_NOT_FINITE.sub(r'"\1"', text))
    except json.JSONDecodeError:
        return None
    return _values(data) if isinstance(data, dict) else None


def _values(data: Mapping[str, Any]) -> tuple[int | None, dict[str, float]] | None:
    try:
        unit = None if data.get("unit") is None else int(data["unit"])
        metrics = {str(name): float(value) for name, value in data.items() if name != "unit"}
    except (TypeError, ValueError):
        return None
    return (unit, metrics) if metrics and (unit is None or unit >= 1) else None


def _placeholders(element: str) -> list[str]:
    try:
        return [name for _, name, _, _ in string.Formatter().parse(element) if name is not None]
    except ValueError as error:
        raise InvalidTarget(f"{element!r} in the command: {error}. Write {{{{ and }}}} for braces that are no placeholder.") from error


def _written(value: object) -> str:
    return json.dumps(value) if value is None or isinstance(value, bool) else repr(value) if isinstance(value, float) else str(value)


def _terminate(process: subprocess.Popen[bytes], grace_s: float) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(grace_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _last_output(path: Path, offset: int) -> str:
    with open(path, "rb") as file:
        file.seek(max(offset, path.stat().st_size - _ROOM_FOR_ERRORS))
        return file.read().decode(errors="replace")


def _failed(kind: str, message: str, trace: str = "", usage: bool = False) -> dict[str, Any]:
    return {"end": "failed", "error": {"type": kind, "message": message, "usage": usage, "traceback": trace}}


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)

