"""What a check of pausability found, and how it is told: the values behind ``shoestring check``; see ``pausable``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias

from shoestring.pauses.suspects import PLAIN
from shoestring.values.orders import Config

Status: TypeAlias = Literal["agrees", "differs", "not deterministic", "failed"]

_SHOWN = 5  # of each kind of difference and of each kind of suspect


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that differs between a straight run and another.

    Attributes:
        unit: after how many units.
        what: ``"metric"``, ``"state"`` (handed to ``steps``), ``"generator"`` (process-wide) or ``"end"``.
        name: the metric, the path such as ``net['fc.weight']``, the generator's name.
        straight: its value in the straight run; arrays as type, shape and hash; None where it was missing.
        here: its value in the other run.
        max_abs: the largest absolute difference, None where there is none.
    """

    unit: int
    what: Literal["metric", "state", "generator", "end"]
    name: str
    straight: str | None = None
    here: str | None = None
    max_abs: float | None = None

    def told(self, other: str) -> str:
        """Returns the difference in words; ``other`` says where the other run was, such as ``"after the pause"``."""
        when = f"at unit {self.unit}" if self.what == "metric" else f"after unit {self.unit}"
        if self.what == "generator":
            return f"{self.name}'s process-wide random generator, {when}"
        if self.what == "end":
            return f"how it ended: {self.straight} straight, {self.here} {other}"
        return f"{self.what} {self.name}, {when}: {_both(self.straight, self.here, other, self.max_abs if self.what == 'state' else None)}"


@dataclass(frozen=True, slots=True)
class Forgotten:
    """A variable that a pause does not keep, because it, or what holds it, was not handed to ``steps``.

    Attributes:
        name: as the user would write it.
        kind: its class; ``"plain"`` for numbers, arrays and containers of them, which are no more than a hint.
        where: local variable, closure or global variable.
        entry: which part of it differs.
        straight: that part in the straight run, None where missing.
        here: that part in the other run.
        rebound: the name stood for something handed to ``steps``, but the loop gave it to another object.
    """

    name: str
    kind: str
    where: str
    entry: str
    straight: str | None
    here: str | None
    rebound: bool

    @property
    def is_hint(self) -> bool:
        """Whether it is plain data, which may well be meant to differ."""
        return self.kind == PLAIN

    def told(self, other: str) -> str:
        """Returns the suspect in words; ``other`` says where the other run was, such as ``"after the pause"``."""
        what = f"{self.name} ({'' if self.is_hint else f'{self.kind}, '}{self.where})"
        if self.rebound:
            return f"{what}: no longer the object that steps was handed; change that object in place"
        entry = "" if self.entry == self.name else f"{self.entry} "
        return f"{what}: {entry}{_both(self.straight, self.here, other)}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check found.

    Attributes:
        target: the training function.
        units: units run, n.
        seed: seed of all runs.
        config: configuration of all runs.
        pauses: the k that were tried.
        status: ``"agrees"``, ``"differs"`` (by a pause), ``"not deterministic"`` (without any), or ``"failed"``.
        differing: the pauses after which something differs, first the one that ``differences`` tells of.
        differences: what differs where it first does, and the first metric that does.
        forgotten: what likely explains it, the likeliest first; where ``status`` is ``"agrees"``, what was not kept and did not matter.
        hints: further sentences on the likely cause.
        error: when the function failed, and the end of its traceback; after a pause only, ``status`` is ``"differs"``.
    """

    target: str
    units: int
    seed: int
    config: Config
    pauses: tuple[int, ...]
    status: Status
    differing: tuple[int, ...] = ()
    differences: tuple[Difference, ...] = ()
    forgotten: tuple[Forgotten, ...] = ()
    hints: tuple[str, ...] = ()
    error: str | None = None

    @property
    def agrees(self) -> bool:
        """Whether the function can be paused, as far as these units show."""
        return self.status == "agrees"

    def to_json(self) -> dict[str, Any]:
        """Returns the verdict as plain data."""
        return asdict(self) | {"config": dict(self.config), "agrees": self.agrees}

    def __str__(self) -> str:
        return "\n".join(_lines(self))


def _lines(verdict: Verdict) -> Iterator[str]:
    n, target, other = verdict.units, verdict.target, "after the pause"
    cut = ", ".join(f"{k}+{n - k}" for k in verdict.pauses)
    match verdict.status:
        case "agrees":
            yield f"{target} can be paused: {n} units straight and {cut} through a fresh process agree bit for bit."
            yield from (f"  note: {each.told(other)}; it made no difference in these {n} units." for each in verdict.forgotten[:_SHOWN])
            return
        case "failed":
            yield f"{target} could not be checked: {verdict.error}"
        case "not deterministic":
            other = "in the other"
            yield f"{target} is not deterministic even without a pause: two straight runs of seed {verdict.seed} differ."
        case "differs":
            k, *more = verdict.differing
            also = f" (or {', '.join(map(str, more))})" if more else ""
            what = f"paused at unit {k}{also}, it continues differently; up to the pause everything agrees."
            yield f"{target} cannot be paused: {verdict.error or what}"
    yield from (f"  {each.told(other)}" for each in verdict.differences[:_SHOWN])
    if len(verdict.differences) > _SHOWN:
        yield f"  and {len(verdict.differences) - _SHOWN} more"
    yield from _causes(verdict, other)


def _causes(verdict: Verdict, other: str) -> Iterator[str]:
    strong = [each for each in verdict.forgotten if not each.is_hint or each.rebound]
    weak = [each for each in verdict.forgotten if each.is_hint and not each.rebound]
    if verdict.status == "not deterministic":
        if verdict.forgotten:
            yield "Different already before that:"
        yield from (f"  {each.told(other)}" for each in [*strong, *weak][:_SHOWN])
    else:
        if strong:
            yield "Likely forgotten:"
        yield from (f"  {each.told(other)}{_remedy(each)}" for each in strong[:_SHOWN])
        if weak:
            yield f"{'Also not' if strong else 'Not'} kept by the pause (what matters belongs in a dict that is handed to steps):"
        yield from (f"  {each.told(other)}" for each in weak[:_SHOWN])
    yield from verdict.hints


def _remedy(each: Forgotten) -> str:
    word = re.sub(r"\W+", "_", each.name).strip("_")
    return "" if each.rebound else f"; hand it in: trial.steps(..., {word}={each.name})"


def _both(straight: str | None, here: str | None, other: str, max_abs: float | None = None) -> str:
    if straight is None or here is None:
        return f"missing {other if here is None else 'in the straight run'}"
    if _is_hash(straight) and _is_hash(here):
        return "differs" if max_abs is None else f"differs by up to {max_abs:.3g}"
    return f"{straight} straight, {here} {other}"


def _is_hash(text: str) -> bool:
    return re.search(r" [0-9a-f]{12}$", text) is not None
