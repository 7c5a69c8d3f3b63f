"""The ledger: one row a lease, reserved before it runs and settled after, in every resource.

What a study has spent is the sum of the rows, always; there is no second count. Units of training are charged when they begin. Seconds
on the study's clock are shared equally among the leases that are open then, and go to the engine's own row while none is.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from shoestring.budget import RESOURCES, Budget, Cost, Price
from shoestring.cleaning import storable
from shoestring.machine import clock
from shoestring.store import schema
from shoestring.store.protocol import Row
from shoestring.store.store import Store
from shoestring.trial.lease import Usage

OUTCOMES = ("useful", "pilot", "confirmation", "failed", "lost", "killed", "engine")
_COLUMNS = tuple(column.name for column in schema.leases.columns)
LEAST_LEASE_S = 0.05  # a lease of less time could not even start; the budget counts as spent


@dataclass(frozen=True, slots=True)
class Reservation:
    """What was reserved for a lease: a fencing token, the unit it may go to, and its seconds (None: as long as it takes)."""

    token: int
    to: int
    seconds: float | None


class Ledger:
    """All that a run has spent and reserved.

    Args:
        store: where the rows are kept.
        budget: the limits.
        price: the user's prices.
        clock: seconds on the study's clock, monotonic.
        rates: the most that one lease burns a second, by resource.
        slots: how many leases can be open at once.
        began: when the study began, on the clock; now if None.

    Attributes:
        aside: amounts by resource that are kept for later: nothing is reserved from them.
    """

    def __init__(
        self,
        store: Store,
        budget: Budget,
        price: Price | None = None,
        *,
        clock: Callable[[], float] = clock.monotonic,
        rates: Cost = Cost(wall_s=1.0),  # noqa: B008  (frozen)
        slots: int = 1,
        began: float | None = None,
    ) -> None:
        self.budget = budget
        self.price = price or Price()
        self.aside: Mapping[str, float] = {}
        self._store = store
        self._clock = clock
        self._slots = slots
        self._rates = rates.as_dict() | {"usd": self.price.of(rates.as_dict())}
        stored = store.rows(schema.leases)
        self._next_token = 1 + max((row["token"] for row in stored), default=0)
        self._open: dict[int, Row] = {row["token"]: row for row in stored if row["outcome"] is None}
        self._settled = sum((_cost(row) for row in stored if row["outcome"] is not None), Cost())
        self._session: Row | None = None
        self._last_tick = clock() if began is None else began
        self._last_save = max((row["closed_at"] or row["opened_at"] for row in stored), default=math.inf)
        finished = [row for row in stored if row["units"] and row["busy_s"]]
        self._busy_s = sum(row["busy_s"] for row in finished)
        self._busy_units = sum(row["units"] for row in finished)

    @property
    def newest_token(self) -> int:
        """The token of the newest lease; 0 if there was none."""
        return self._next_token - 1

    def open_rows(self) -> list[Row]:
        """Returns the rows of the leases that are not settled."""
        return list(self._open.values())

    def spent(self) -> Cost:
        """Returns the sum of all rows, open ones included."""
        unsettled = [row for row in (*self._open.values(), self._session) if row]
        return Cost(*(sum([row[name] for row in unsettled], getattr(self._settled, name)) for name in RESOURCES))

    def left(self) -> dict[str, float]:
        """Returns what is left of each limited resource beside what is kept for later, and not reserved in the case of units."""
        left = {resource: amount - self.aside.get(resource, 0.0) for resource, amount in self.budget.left(self.spent()).items()}
        if "units" in left:
            left["units"] -= sum(max(0, row["to"] - row["start"] - row["units"]) for row in self._open.values())
        return left

    def exhausted(self) -> bool:
        """Tells whether a limited resource other than units is spent, so that what runs must stop."""
        return any(amount <= 0 for resource, amount in self.left().items() if resource != "units")

    def reserve(self, trial_id: int, start: int, to: int, purpose: str = "search", estimate_s: float = 0.0) -> Reservation | None:
        """Reserves a lease for a trial from unit ``start`` to ``to``, or as far as the budget carries it.

        Args:
            estimate_s: how long it will likely run; keeps several workers from being given too little time each.
        Returns:
            None if the budget does not carry one more unit.
        """
        self.tick()
        left = self.left()
        units = int(min(to - start, left.get("units", math.inf)))
        seconds = self._seconds(left, estimate_s)
        if units < 1 or seconds < LEAST_LEASE_S:
            return None
        reserved = {"units": units} | {name: min(left[name], seconds * self._rates[name]) for name in left if name != "units"}
        row = self._new_row(trial_id, purpose, start, start + units, reserved)
        self._open[row["token"]] = row
        return Reservation(row["token"], start + units, None if seconds == math.inf else seconds)

    def unit_cost(self) -> dict[str, float]:
        """Returns what a unit of training has cost so far, of each resource; 0 before anything is known."""
        spent = self.spent()
        return {name: amount / spent.units if spent.units else 0.0 for name, amount in spent.as_dict().items()} | {"units": 1.0}

    def affordable(self, units: int) -> int:
        """Returns how often ``units`` units of training can be paid for with what is left, by what they have cost so far."""
        cost = self.unit_cost()
        return int(min(max(0.0, amount) / (units * cost[name]) if cost[name] else 0.0 for name, amount in self.left().items()))

    def seconds_per_unit(self) -> float:
        """Returns how long a unit of training has taken on average, 0 before anything is known."""
        return self._busy_s / self._busy_units if self._busy_units else 0.0

    def charge(
        self, token: int, *, units: int | None = None, usage: Usage | None = None, process: Mapping[str, float | str] | None = None
    ) -> None:
        """Brings an open row up to date with what the lease has used so far, and the process that it runs in."""
        row = self._open[token]
        if process is not None:
            row["process"] = json.dumps(process)
        if units is not None:
            row["units"] = max(row["units"], units)
        if usage is not None:
            row |= {
                "busy_s": usage.busy_s,
                "cpu_s": usage.cpu_s,
                "gpu_s": usage.gpu_s,
                "kwh": usage.kwh,
                "peak_bytes": usage.peak_bytes,
                "provenance": json.dumps(dict(usage.provenance)),
            }
            row["usd"] = self.price.of(row)
        self._store.put(schema.leases, row)

    def settle(self, token: int, outcome: str, lost_units: int = 0, note: str | None = None) -> None:
        """Closes the row of a lease; from now on its cost is final."""
        self.tick()
        row = self._open.pop(token)
        row |= {"outcome": outcome, "lost_units": lost_units, "note": note and storable(note, 300), "closed_at": clock.wall()}
        self._settled += _cost(row)
        self._busy_s += row["busy_s"]
        self._busy_units += row["units"]
        self._store.put(schema.leases, row)

    def tick(self) -> None:
        """Charges the seconds since the last tick to the leases that are open, or to the engine."""
        now = self._clock()
        elapsed, self._last_tick = now - self._last_tick, now
        if elapsed <= 0:
            return
        if self._session is None:
            self._session = self._new_row(None, "engine", 0, 0, {})
            self._session["outcome"] = "engine"
        for row in self._open.values() or (self._session,):
            row["wall_s"] += elapsed / max(1, len(self._open))
            row["usd"] = self.price.of(row)

    def charge_unseen(self, last_sign: float) -> None:
        """Charges the time between the last save of a crashed session and the last sign of life of its trials to their leases.

        Args:
            last_sign: seconds since 1970.
        """
        unseen = min(last_sign - self._last_save, max(map(_longest_s, self._open.values()), default=0.0))
        if unseen > 0:
            for row in self._open.values():
                row["wall_s"] += unseen / len(self._open)
                row["usd"] = self.price.of(row)
                row["provenance"] = json.dumps(json.loads(row["provenance"]) | {"wall_s": "estimated"})

    def estimated_usage(self, token: int, last_sign: float) -> Usage:
        """Returns what a lease of a crashed session has likely used: as sampled last, and one busy core from then to its last sign."""
        row = self._open[token]
        more_s = max(0.0, min(last_sign - row["opened_at"], _longest_s(row)) - row["busy_s"])
        rates = self._rates
        kwh = row["kwh"] + more_s * rates["kwh"] / max(1.0, rates["cpu_s"])
        provenance = json.loads(row["provenance"]) | dict.fromkeys(("busy_s", "cpu_s", "gpu_s", "kwh"), "estimated")
        busy_s = row["busy_s"] + more_s
        return Usage(busy_s, row["cpu_s"] + more_s, row["gpu_s"] + more_s * rates["gpu_s"], kwh, row["peak_bytes"], provenance)

    def save(self) -> None:
        """Puts all rows that may have changed into the store, for its next commit."""
        for row in self._open.values():
            self._store.put(schema.leases, row)
        if self._session:
            self._session["closed_at"] = clock.wall()
            self._store.put(schema.leases, self._session)

    def _seconds(self, left: Mapping[str, float], estimate_s: float) -> float:
        free = max(1, self._slots - len(self._open))
        seconds = math.inf
        for resource, amount in left.items():
            rate = self._rates.get(resource, 0.0)
            if resource == "wall_s":
                seconds = min(seconds, amount)
            elif resource != "units":
                unreserved = amount - sum(json.loads(row["reserved"]).get(resource, 0.0) - row[resource] for row in self._open.values())
                most = max(0.0, unreserved) / rate if rate else math.inf if amount > 0 else 0.0
                seconds = min(seconds, most, max(most / free, 1.5 * estimate_s))
        return seconds

    def _new_row(self, trial_id: int | None, purpose: str, start: int, to: int, reserved: Mapping[str, float]) -> Row:
        row: dict[str, Any] = dict.fromkeys(_COLUMNS) | dict.fromkeys(RESOURCES, 0)
        row |= {
            "token": self._next_token,
            "trial_id": trial_id,
            "purpose": purpose,
            "start": start,
            "to": to,
            "reserved": json.dumps(reserved),
        }
        row |= {"opened_at": clock.wall(), "lost_units": 0, "busy_s": 0.0, "peak_bytes": 0, "provenance": "{}"}
        self._next_token += 1
        self._store.put(schema.leases, row)
        return row


def _longest_s(row: Row) -> float:
    """Returns how long a lease can have run: two readings of the wall clock say nothing of that once someone has set it."""
    return float(json.loads(row["reserved"]).get("wall_s", math.inf))


def _cost(row: Row) -> Cost:
    return Cost(*(row[name] for name in RESOURCES))
