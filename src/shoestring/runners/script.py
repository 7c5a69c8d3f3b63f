"""A script in any language as a trial: started from a command template, read while it runs, stopped from outside.

The script appends lines such as ``{"unit": 3, "loss": 0.21}`` to the file named by ``SHOESTRING_EVENTS``, or prints them in a form that a
pattern finds. It may keep its state in ``SHOESTRING_CHECKPOINT_DIR`` and end by itself at unit ``SHOESTRING_TO``. One that does neither is
stopped from outside and begins again from zero when it is to go on; the ledger shows what that cost.

What a script does after the last unit that it was given, such as saving its model, is not another unit. It may take as long as there is
time: in a budget of units alone nothing ends a script that hangs there, and the engine says that it waits for it. A report beyond the last
unit shows that the script trains on, and it is stopped at once.
"""

from __future__ import annotations

import ctypes
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from shoestring.arguments import checked_class
from shoestring.errors import InvalidTarget, UnknownName
from shoestring.machine.clock import monotonic, sleep
from shoestring.runners.books import Books
from shoestring.runners.family import Family
from shoestring.runners.pattern import groups_of
from shoestring.runners.reader import Reader
from shoestring.runners.tail import size_of
from shoestring.runners.unread import last_output, why_unread
from shoestring.runners.worker import EVENTS, write_config
from shoestring.trial.events import EventWriter
from shoestring.trial.lease import Lease

METRICS = "metrics.jsonl"
OUTPUT = "stdout.txt"
POLL_S = 0.02
SILENT_S = 30.0  # without a report, before it is said what a script has printed instead
GIVEN = ("to", "from", "horizon", "seed", "trial", "checkpoint_dir", "events", "device")
OVERWRITTEN = (
    "the script ended at {unit} {done} of {to}. It writes over rows of its output, and each row is one {unit}; "
    "if that is wrong, name the {unit} in the pattern by a group such as (?P<unit>[0-9]+)"
)
_PLACEHOLDER = re.compile(r"\{\{|\}\}|\{([^{}]+)\}")
_ROOM_FOR_ERRORS = 2_000
_PR_SET_PDEATHSIG = 1


@checked_class
@dataclass(frozen=True)
class Script:
    """A command template and how its metrics are read.

    Attributes:
        command: argv; ``{name}`` inside an element stands for a parameter or one of ``GIVEN``, ``{{`` for a brace. Never a shell string.
        pattern: regular expression that finds a metric in the output, or None to read the file named by ``SHOESTRING_EVENTS``. Each row of
            the output that matches is one unit; groups may be named for metrics, and ``unit`` for the unit.
        metric: the metric that the group without a name stands for.
    """

    command: tuple[str, ...]
    pattern: str | None
    metric: str

    def check(self, parameters: Iterable[str]) -> None:
        """Checks template and pattern before anything is run.

        Raises:
            UnknownName: the template names something that does not exist.
            InvalidTarget: an empty command, an unbalanced brace, a parameter with the name of a placeholder, or a pattern that does not say
                which group is the metric.
        """
        if not self.command:
            raise InvalidTarget("the command after -- is empty; write for example -- python train.py --lr {lr}.")
        parameters = set(parameters)
        if taken := sorted(parameters.intersection(GIVEN)):
            raise InvalidTarget(
                f"parameter {taken[0]!r} has the name of a placeholder: in the command of a script {{{taken[0]}}} is given by Shoestring. "
                f"Give the parameter another name; {', '.join(GIVEN)} are taken."
            )
        known = {*parameters, *GIVEN}
        for name in (name for element in self.command for name in _placeholders(element)):
            if name not in known:
                raise UnknownName("placeholder", "{" + name + "}", ["{" + other + "}" for other in known])
        if self.pattern is not None:
            groups_of(self.pattern, self.metric)

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
        attempt = _Attempt(self, lease, events, stop_requested)
        try:
            end = attempt.run(device)
            events.append({"token": lease.token, **end})
            events.sync()
        finally:
            attempt.close()
            events.close()

    def recover(self, folder: Path, token: int) -> None:
        """Records as events what the script reported, and began, when nobody was there any more to read it."""
        events = EventWriter(folder / EVENTS)
        books = Books.reopened(folder / self._source, self.pattern, self.metric, events, token)
        if books is not None:
            books.take(last=True)
            books.begin_next()  # if it was not yet at work on that, this is the price of the crash
            if end := books.end():
                events.append({"token": token, **end})
            books.close()
        events.close()

    @property
    def _source(self) -> str:
        """The file that is read."""
        return METRICS if self.pattern is None else OUTPUT


class _Attempt:
    """One lease's run of a script."""

    def __init__(self, script: Script, lease: Lease, events: EventWriter, stop_requested: Callable[[], bool]) -> None:
        self._script = script
        self._lease = lease
        self._events = events
        self._stop_requested = stop_requested
        self._output = size_of(lease.folder / OUTPUT)
        path = lease.folder / script._source
        if script.pattern is None and path.exists():  # a script may begin it anew, and write just what it wrote before
            path.rename(path.with_name(f"metrics-before-{lease.token}.jsonl"))
        self._books = Books(
            Reader(path, script.pattern, script.metric, size_of(path)),
            events,
            lease.token,
            start=lease.start,
            to=lease.to,
            horizon=lease.horizon,
            fresh=lease.start == 0 and not self._keeps_state(),
            metric=script.metric,
        )

    def run(self, device: str) -> dict[str, Any]:
        """Returns the ``end`` event; nothing that the script started is left then."""
        with Family() as family:
            return self._run(device, family)

    def _run(self, device: str, family: Family) -> dict[str, Any]:
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
                self._stop(process, family)
        finally:
            process.kill()
            process.wait()
            family.end()
        books.take(last=True, is_whole=process.returncode == 0 or (process.returncode > 0 and not stopped))
        if process.returncode != 0:
            books.begin_next()  # it failed or was stopped in the middle of a unit
        books.tell_left_out()
        return self._end(process.returncode, stopped)

    def close(self) -> None:
        """Closes the file that was read."""
        self._books.close()

    def _end(self, code: int, stopped: bool) -> dict[str, Any]:
        books = self._books
        if books.refusal:
            return _failed("UsageError", books.refusal, usage=True)
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        if end := books.end() or ({"end": "paused", "at": books.done} if stopped else None):
            if end["end"] == "paused" and self._keeps_state():
                self._events.append({"token": self._lease.token, "checkpoint": books.done})
            if stopped and not books.reported:
                self._say_why_unread()
            elif code != 0 and not stopped:
                books.remark("failed at its end", f"the script failed after its last {self._lease.unit} ({how}); what it reported counts")
            return end
        if code == 0 and books.reported:
            if books.reader.overwritten:
                books.remark("overwritten", OVERWRITTEN.format(unit=self._lease.unit, done=books.done, to=self._lease.to))
            return {"end": "finished", "at": books.done}
        output = last_output(self._lease.folder / OUTPUT, self._output)
        why = why_unread(self._script.pattern, self._script.metric, output, books.reader.left_out) if code == 0 else ""
        what = f"it ended without reporting a metric{why and ': ' + why}" if code == 0 else "the script failed"
        end = _failed(how, what, trace=output[-_ROOM_FOR_ERRORS:])
        end["error"]["unread"] = bool(why)
        return end

    def _say_why_unread(self) -> None:
        output = last_output(self._lease.folder / OUTPUT, self._output)
        if why := why_unread(self._script.pattern, self._script.metric, output, self._books.reader.left_out):
            self._books.remark("unread", f"nothing was read of the script: {why}")

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
                start_new_session=True,  # a terminal's signals are for the engine, which then asks the script to end
                preexec_fn=_die_with_parent,
            )

    def _watch(self, process: subprocess.Popen[bytes]) -> None:
        """Follows the script until it ends (its ``returncode`` is then set) or must be stopped."""
        deadline = None if self._lease.seconds is None else monotonic() + self._lease.seconds
        books, silent_until = self._books, monotonic() + SILENT_S
        while process.poll() is None:
            news = books.take()
            if not books.reported and monotonic() >= silent_until:
                silent_until = float("inf")
                self._say_why_unread()
            if books.must_end or self._stop_requested() or (deadline is not None and monotonic() >= deadline):
                return
            if not news:
                books.begin_next()  # it still runs, so it trains
            sleep(POLL_S)

    def _stop(self, process: subprocess.Popen[bytes], family: Family) -> None:
        """Asks the script and what it started to end, until the grace is over, and charges the unit in which that found it."""
        self._books.begin_next()
        asked: set[int] = set()
        until = monotonic() + self._lease.grace
        while family.ask(asked):
            if monotonic() >= until:
                self._books.take()
                self._books.begin_next()
                return
            sleep(POLL_S)
            process.poll()

    def _keeps_state(self) -> bool:
        return any((self._lease.folder / "checkpoints").iterdir())


def _placeholders(element: str) -> list[str]:
    if set("{}") & set(_PLACEHOLDER.sub("", element)):
        raise InvalidTarget(f"{element!r} in the command has a brace without its partner; write {{{{ or }}}} if it is not a placeholder.")
    return [name for name in _PLACEHOLDER.findall(element) if name]


def _filled(found: re.Match[str], values: Mapping[str, object]) -> str:
    return _written(values[found[1]]) if found[1] else found[0][0]


def _written(value: object) -> str:
    return json.dumps(value) if value is None or isinstance(value, bool) else repr(value) if isinstance(value, float) else str(value)


def _failed(kind: str, message: str, trace: str = "", usage: bool = False) -> dict[str, Any]:
    return {"end": "failed", "error": {"type": kind, "message": message, "usage": usage, "traceback": trace}}


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
