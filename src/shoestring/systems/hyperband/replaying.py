"""Replays a search on a table of learning curves: the engine's own schedulers, with curves in place of training.

Two clocks run. On the paper's, *restart*, a trial that goes on is trained again from nothing, and every rung is paid in full. On the
engine's, *resume*, it goes on where it was paused. The decisions are the same. One worker; a configuration is a row, drawn with
replacement, so that draws are independent, as they are from a space.

Source: Li et al. 2018, arXiv:1603.06560, section 3 and 4.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from shoestring.errors import UnknownName, UsageError
from shoestring.samplers import make_sampler
from shoestring.schedulers import AsyncHyperband, Fixed, Hyperband, OneStep, SuccessiveHalving, brackets
from shoestring.systems.hyperband.table import Curves

Clock: TypeAlias = Literal["restart", "resume"]

CHANCE = 0.9  # the test error of a search that has found nothing yet
ETA = 3
_DRAWS = 4096


@dataclass(frozen=True)
class Method:
    """A way to search.

    Attributes:
        make: gives a scheduler, anything with the engine's ``ask`` and ``tell``, from a sampler and a horizon.
        sampler: an engine's sampler that learns, such as ``"tpe"``; the row nearest to what it proposes is taken. None: independent draws.
    """

    make: Callable[[Any, int], Any]
    sampler: str | None = None


@dataclass(frozen=True)
class Trace:
    """What a search saw, in the order in which it saw it, one entry a unit.

    Attributes:
        errors: what it decided by.
        test_errors: of the same network at the same unit.
        prices: units paid until then, by clock.
        n_trials: trials that were started.
    """

    errors: NDArray[np.float64]
    test_errors: NDArray[np.float64]
    prices: dict[Clock, NDArray[np.float64]]
    n_trials: int

    def test_error(self, units: float, clock: Clock = "restart") -> float:
        """Returns the test error of what a search returns at a price: the network with the smallest error seen, at any unit.

        Chance level, .9, if nothing finite was seen. ``units`` must be no more than what was replayed.
        """
        return float(self.test_errors_at(np.array([units]), clock)[0])

    def test_errors_at(self, units: NDArray[np.float64], clock: Clock = "restart") -> NDArray[np.float64]:
        """Returns ``test_error`` at several prices, ``(n,)``."""
        before = np.minimum.accumulate(np.concatenate([[np.inf], self.errors[:-1]]))
        best = np.maximum.accumulate(np.where(self.errors < before, np.arange(len(self.errors)), -1))
        n = np.searchsorted(self.prices[clock], units, side="right")
        which = np.where(n > 0, best[n - 1], -1)
        return np.where(which >= 0, self.test_errors[which], CHANCE)


def _halving(s: int, sampler: Any, horizon: int) -> Any:
    """Returns bracket ``s`` of Hyperband by itself, again and again."""
    table = {bracket.s: bracket for bracket in brackets(horizon, ETA)}
    if s not in table:
        raise UnknownName("bracket", str(s), [str(known) for known in table])
    return Fixed(sampler, horizon) if s == 0 else SuccessiveHalving(sampler, horizon, ETA, table[s].n, rounds=None)


METHODS: dict[str, Method] = {
    "hyperband": Method(lambda sampler, horizon: Hyperband(sampler, horizon, ETA)),
    "hyperband-table1": Method(lambda sampler, horizon: Hyperband(sampler, horizon, ETA, table1=True)),
    **{f"bracket-{s}": Method(partial(_halving, s)) for s in (4, 3, 2, 1, 0)},
    "random": Method(Fixed),
    "one-step": Method(lambda sampler, horizon: OneStep(sampler, horizon, n_trials=ETA**4)),
    "async-hyperband": Method(lambda sampler, horizon: AsyncHyperband(sampler, horizon, ETA)),
    "tpe": Method(Fixed, "tpe"),
}
"""By name; ``bracket-4`` is successive halving from its widest bracket at R = 81. A method that comes to an end begins again."""


def replay(curves: Curves, method: Method, seed: int, units: float) -> Trace:
    """Runs a search on a table until it has paid so many units on the cheaper clock.

    Args:
        curves: the table.
        method: one of ``METHODS``, or your own.
        seed: of the draws; with one seed all methods without a sampler of their own are dealt the same rows.
        units: the price at which it ends, at least 1.
    Raises:
        UsageError: ``units`` below 1, a sampler that learns without a space, or a scheduler that starts nothing.
    """
    if not units >= 1:
        raise UsageError(f"a replay of {units} units shows nothing; give 1 or more.")
    rows = _Rows(curves, seed, method.sampler)
    errors, test_errors, resumed, restarted = [], [], [], []
    n_resumed = n_restarted = 0
    scheduler, sampler_at, reached = method.make(rows, curves.horizon), 0, dict[int, int]()
    while n_resumed < units:
        order = scheduler.ask()
        if order is None:  # it is through: nothing is ever under way when it is asked
            if not reached:
                raise UsageError("the scheduler started no trial; give one that does.")
            sampler_at += len(reached)
            rows.skip = sampler_at
            scheduler, reached = method.make(rows, curves.horizon), {}
            continue
        trial_id = order.trial_id
        row, begin = rows.row(trial_id), reached.get(trial_id, 0)
        seen = curves.errors[row, begin : order.to]
        finite = np.isfinite(seen)
        n_finite = len(seen) if finite.all() else int(np.argmin(finite))
        took = min(n_finite + 1, len(seen))  # the unit in which it diverges is paid, and is the last
        steps = np.arange(1, took + 1)
        errors.append(seen[:took])
        test_errors.append(curves.test_errors[row, begin : begin + took])
        resumed.append(n_resumed + steps)
        restarted.append(n_restarted + begin + steps)
        n_resumed, n_restarted = n_resumed + took, n_restarted + begin + took
        reached[trial_id] = begin + took
        scheduler.tell(_Observation(trial_id, begin + took, float(seen[took - 1]), ended=n_finite < len(seen)))
    prices: dict[Clock, NDArray[np.float64]] = {"restart": np.concatenate(restarted), "resume": np.concatenate(resumed)}
    return Trace(np.concatenate(errors), np.concatenate(test_errors), prices, sampler_at + len(reached))


@dataclass(frozen=True)
class _Observation:
    """What a scheduler and a sampler are told, as the engine's own protocol has it."""

    trial_id: int
    unit: int
    loss: float
    ended: bool


class _Rows:
    """A sampler that proposes rows of a table."""

    def __init__(self, curves: Curves, seed: int, learning: str | None) -> None:
        self._drawn = np.random.default_rng(seed).integers(len(curves.errors), size=_DRAWS)
        self._curves = curves
        self._model: Any = None
        self._asked: dict[int, int] = {}
        self.skip = 0  # draws that earlier schedulers have had
        if learning is not None:
            if curves.space is None or curves.places is None:
                raise UsageError(f"sampler {learning!r} needs to know where the rows lie; give the table a space and places.")
            self._model = make_sampler(learning, curves.space, seed)

    def ask(self, trial_id: int) -> dict[str, int]:
        number = self.skip + trial_id
        row = int(self._drawn[number % _DRAWS]) if self._model is None else self._nearest(number)
        self._asked[number] = row
        return {"row": row}

    def adopt(self, trial_id: int, config: Any) -> None:
        self._asked[self.skip + trial_id] = config["row"]

    def tell(self, observation: Any) -> None:
        if self._model is not None:
            self._model.tell(_Observation(self.skip + observation.trial_id, observation.unit, observation.loss, observation.ended))

    def row(self, trial_id: int) -> int:
        return self._asked[self.skip + trial_id]

    def _nearest(self, number: int) -> int:
        space, places = self._curves.space, self._curves.places
        assert space is not None and places is not None
        proposed = space.encode(self._model.ask(number))
        row = int(np.argmin(((places - proposed) ** 2).sum(1)))
        self._model.adopt(number, space.decode(places[row]))  # the model learns where the row lies, not where it wished to be
        return row
