"""What a script reports, and what it began, as events."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from shoestring.runners.reader import Reader
from shoestring.runners.reading import Reading
from shoestring.runners.tail import size_of
from shoestring.runners.worker import EVENTS
from shoestring.trial.events import EventWriter, plain, read

_LAST_UNIT = 10**12  # a line that counts beyond is not a report


class Books:
    """Turns what a script reports under one lease into events: each report, and the beginning of each unit that it tells of.

    Attributes:
        to: the unit where the lease ends.
        begun: the last unit that was charged.
        done: the last unit that was reported, or where the lease starts.
        reported: whether anything was.
        went_back: whether the script, which was to go on from ``start``, trained units before that again.
        goes_beyond: whether it reported anything after ``to``.
        refusal: why its units cannot be what the lease counts in, empty if they can.
    """

    def __init__(
        self, reader: Reader, events: EventWriter, token: int, *, start: int, to: int, horizon: int, fresh: bool, metric: str
    ) -> None:
        self.reader = reader
        self.to = to
        self.begun = self.done = start
        self.reported = self.went_back = self.diverged = self.goes_beyond = False
        self.refusal = ""
        self._events = events
        self._token = token
        self._start = start
        self._horizon = horizon
        self._fresh = fresh
        self._metric = metric
        self._restarts = 0
        self._summary: Reading | None = None
        self._known: list[int] = []  # units of the reports that are events already

    @classmethod
    def reopened(cls, path: Path, pattern: str | None, metric: str, events: EventWriter, token: int) -> Books | None:
        """Returns the books of a lease whose keeper died; None if they were never opened, or were closed."""
        own = [event for event, _ in read(path.parent / EVENTS) if event.get("token") == token]
        begins = [event for event in own if "begin" in event]
        if not begins or "end" in own[-1]:
            return None
        at = max(index for index, event in enumerate(own) if "source" in event or event is begins[0])
        first = begins[0]
        books = cls(
            Reader(path, pattern, metric, own[at].get("source", size_of(path))),
            events,
            token,
            start=first["begin"] - 1,
            to=first["to"],
            horizon=_LAST_UNIT,
            fresh=first["fresh"],
            metric=metric,
        )
        books._known = [event["unit"] for event in own[at:] if "unit" in event]
        reports = [index for index, event in enumerate(own) if "unit" in event]
        if reports:  # the first unit charged is the first one reported, see _report
            books.reported, books.done = True, max(own[index]["unit"] for index in reports)
            books.begun = own[reports[0]]["unit"]
        books.begun = max([books.begun, *(event["begin"] for event in own[reports[0] if reports else 0 :] if "begin" in event)])
        return books

    def open(self) -> None:
        """Charges the first unit, and records what must be known to resume with these books."""
        opening = {"begin": self._start + 1, "to": self.to, "fresh": self._fresh, "source": self.reader.offset}
        self._events.append({"token": self._token, **opening})
        self.begun = self._start + 1

    @property
    def must_end(self) -> bool:
        """Whether nothing that the script could still do is wanted."""
        return self.diverged or self.went_back or self.goes_beyond or bool(self.refusal)

    def begin(self, unit: int) -> None:
        """Charges all units up to this one; beyond what the lease allows, one at a time, as a script may count in other units."""
        for begun in range(self.begun + 1, min(unit, max(self.to, self.begun + 1)) + 1):
            self._events.append({"token": self._token, "begin": begun})
            self.begun = begun

    def begin_next(self) -> None:
        """Charges the unit that follows the last report. What comes after the last unit of the lease is not another one."""
        if self.done != self.to or self.goes_beyond:
            self.begin(self.done + 1)

    def take(self, *, last: bool = False, is_whole: bool = False) -> bool:
        """Records new reports; True if there were any. The arguments are those of ``Reader.take``."""
        news = False
        for reading in self.reader.take(last=last, is_whole=is_whole):
            if self.reader.restarts > self._restarts:
                self._restarts, self._known = self.reader.restarts, []
                self._events.append({"token": self._token, "source": 0})
            news = True
            if self._known:
                reading.at = self._known.pop(0)
            elif reading.at is not None:
                self._report(reading.at, reading.metrics)
            elif reading is not self._summary:
                self._enter(reading)
        if last and self._summary is not None:
            self.reader.left_out.add("line", "after the last unit of the lease, as a summary is not a unit")
        return news

    def _enter(self, reading: Reading) -> None:
        """Reports a new reading. After the last unit, one that names no unit may be a summary: it waits until another follows."""
        if reading.unit is None and self.done == self.to and self._summary is None:
            self._summary = reading
            return
        if self._summary is not None:
            summary, self._summary = self._summary, None
            self._enter_at(summary, self.done + 1)
        self._enter_at(reading, self.done + 1 if reading.unit is None else self._unit_of(reading.unit))

    def _enter_at(self, reading: Reading, at: int | None) -> None:
        if at is not None:
            reading.at = at
            self._report(at, reading.metrics)

    def end(self) -> dict[str, Any] | None:
        """Returns the ``end`` event that follows from the reports alone, None if none does."""
        if self.went_back:
            return {"end": "restarts"}
        if self.diverged:
            return {"end": "diverged", "at": self.done}
        return {"end": "paused", "at": self.done} if self.done >= self.to else None

    def close(self) -> None:
        """Closes the file that is read."""
        self.reader.close()

    def remark(self, reason: str, note: str) -> None:
        """Records something for people; of several remarks for one reason a study says the first."""
        self._events.append({"token": self._token, "remark": reason, "note": note})

    def tell_left_out(self) -> None:
        """Records what was left out, with its count."""
        for reason, sentence in self.reader.left_out.sentences():
            self.remark(reason, sentence)

    def _unit_of(self, named: float) -> int | None:
        """Returns the unit that a report is for; None if it is for none."""
        self.goes_beyond = self.goes_beyond or self.to < named <= _LAST_UNIT
        if self.refusal:
            return None
        if named % 1 != 0 or named > _LAST_UNIT:  # NaN and infinity among them
            self.reader.left_out.add("line", "whose unit is not a whole number", str(named))
            return None
        if named < 1:
            self.refusal = f"units count from 1, and the script reports unit {named:.0f}. Add 1 to what it reports."
        elif not self.reported and self._start == 0 and named > self._horizon:
            self.refusal = (
                f"the first report of the script is for unit {named:.0f}, beyond the horizon of {self._horizon}. "
                "Let it count in the units of the budget, or set a longer --horizon."
            )
        return None if self.refusal else int(named)

    def _report(self, at: int, metrics: dict[str, float]) -> None:
        if not self.reported:
            self.went_back = at <= self._start
            if self.went_back or not self._fresh:
                self.begun = at  # the unit charged at the start is this one, whatever the script kept
        self.begin(at)
        self.done = at if self.went_back else max(self.done, at)
        self.goes_beyond = self.goes_beyond or at > self.to
        self.reported = True
        decisive = metrics.get(self._metric, 0.0)
        self.diverged = self.diverged or decisive - decisive != 0.0
        event = {"token": self._token, "unit": at, "metrics": {name: plain(value) for name, value in metrics.items()}}
        self._events.append(event)
