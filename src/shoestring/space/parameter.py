"""The parameters a search space is made of: numbers within bounds, and choices.

Each maps its values to [0, 1] and back, so that equal lengths hold equally likely values. Conditions (``when``) are only stored here;
``Space`` checks and applies them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

import numpy as np

from shoestring.arguments import bound_class
from shoestring.errors import InvalidSpace, brief, shown
from shoestring.values.orders import Value

When: TypeAlias = Mapping[str, Value | Sequence[Value]]

# Floats stay far from overflow in differences and squares; whole numbers are encoded and decoded exactly in double precision.
_LIMITS: dict[type, float] = {float: 1e100, int: 1e12}
_Number = TypeVar("_Number", int, float)


@bound_class
@dataclass(frozen=True)
class Float:
    """A number between two bounds, both included.

    Attributes:
        low: the least value.
        high: the greatest value.
        log: True where equal ratios are equally likely, False where equal differences are.
        default: the value known to work, if any: a sampler tries it first.
        when: the values that other parameters must have for this one to exist; None for always.
    Raises:
        InvalidSpace: bounds or default are not allowed.
    """

    low: float
    high: float
    log: bool = False
    default: float | None = None
    when: When | None = None

    def __post_init__(self) -> None:
        _settle_number(self, float)

    @property
    def prior(self) -> float:
        """The default, or else the middle of the range: geometric on a log scale."""
        return self.decode(0.5) if self.default is None else self.default

    def check(self, name: str, value: object) -> float:
        """Returns the value as a Python float.

        Raises:
            InvalidSpace: the value is not one of this parameter's; the message calls it ``name``.
        """
        return _number_within(self, name, value, float)

    def encode(self, value: float) -> float:
        """Returns the place of a valid value in [0, 1]."""
        scale = math.log if self.log else float
        return _place(scale(value), scale(self.low), scale(self.high))

    def decode(self, u: float) -> float:
        """Returns the value at place ``u`` of [0, 1]."""
        if self.log:
            value = math.exp(math.log(self.low) + u * (math.log(self.high) - math.log(self.low)))
        else:
            value = self.low + u * (self.high - self.low)
        return min(max(value, self.low), self.high)


@bound_class
@dataclass(frozen=True)
class Int:
    """A whole number between two bounds, both included; the attributes are those of ``Float``.

    Raises:
        InvalidSpace: bounds or default are not allowed.
    """

    low: int
    high: int
    log: bool = False
    default: int | None = None
    when: When | None = None

    def __post_init__(self) -> None:
        _settle_number(self, int)

    @property
    def prior(self) -> int:
        """The default, or else the middle of the range: geometric on a log scale."""
        if self.default is not None:
            return self.default
        return round(math.sqrt(self.low * self.high)) if self.log else (self.low + self.high) // 2

    def check(self, name: str, value: object) -> int:
        """Returns the value as a Python int.

        Raises:
            InvalidSpace: the value is not one of this parameter's; the message calls it ``name``.
        """
        return _number_within(self, name, value, int)

    def encode(self, value: int) -> float:
        """Returns the centre of the bin of a valid value in [0, 1]."""
        if self.log:
            return _place((math.log(value - 0.5) + math.log(value + 0.5)) / 2, *self._log_edges())
        return (value - self.low + 0.5) / (self.high - self.low + 1)

    def decode(self, u: float) -> int:
        """Returns the value whose bin holds ``u``.

        The bins are equally wide, or on a log scale as wide as the ratio of ``value + 1/2`` to ``value - 1/2`` asks for.
        """
        if self.log:
            low, high = self._log_edges()
            value = round(math.exp(low + u * (high - low)))
        else:
            value = self.low + int(u * (self.high - self.low + 1))
        return min(max(value, self.low), self.high)

    def _log_edges(self) -> tuple[float, float]:
        return math.log(self.low - 0.5), math.log(self.high + 0.5)


@bound_class
@dataclass(frozen=True)
class Choice:
    """One of several plain values, without order.

    Attributes:
        options: strings, numbers, booleans or None, all different in Python's eyes (1, 1.0 and True are one value).
        default: the option known to work, if any. None says that there is none, even where None is an option.
        when: the values that other parameters must have for this one to exist; None for always.
    Raises:
        InvalidSpace: options or default are not allowed.
    """

    options: Sequence[Value]
    default: Value = None
    when: When | None = None

    def __post_init__(self) -> None:
        if isinstance(self.options, str) or not isinstance(self.options, Sequence):
            raise InvalidSpace(
                f"options={shown(self.options)} is not a sequence of plain values; write for example Choice(['relu', 'tanh'])."
            )
        options = tuple(_plain_value("option", option) for option in self.options)
        if not options:
            raise InvalidSpace("Choice has no options; it needs at least one. Add an option, or leave the parameter out.")
        first: dict[Value, Value] = {}
        for option in options:
            if option in first:
                raise InvalidSpace(
                    f"options {shown(first[option])} and {shown(option)} are equal in Python; options must differ. Remove one, or quote it."
                )
            first[option] = option
        object.__setattr__(self, "options", options)
        if self.default is not None:
            object.__setattr__(self, "default", self.check("default", self.default))
        object.__setattr__(self, "when", conditions_of(self) or None)

    @property
    def prior(self) -> Value:
        """The default, or else the first option."""
        return self.options[0] if self.default is None else self.default

    def check(self, name: str, value: object) -> Value:
        """Returns the option that equals the value.

        Raises:
            InvalidSpace: the value is not one of this parameter's; the message calls it ``name``.
        """
        plain = _plain_value(name, value)
        if plain not in self.options:
            raise InvalidSpace(f"{name}={shown(plain)} is not among {brief(', '.join(map(shown, self.options[:9])))}. Choose one of these.")
        return self.options[self.options.index(plain)]

    def encode(self, value: Value) -> float:
        """Returns the centre of the bin of an option in [0, 1]."""
        return (self.options.index(value) + 0.5) / len(self.options)

    def decode(self, u: float) -> Value:
        """Returns the option whose bin holds ``u``; all bins are equally wide."""
        return self.options[min(int(u * len(self.options)), len(self.options) - 1)]


Parameter: TypeAlias = Float | Int | Choice


def conditions_of(param: Parameter) -> dict[str, tuple[Value, ...]]:
    """Returns the allowed values of each parameter that this one depends on."""
    if param.when is None:
        return {}
    if not isinstance(param.when, Mapping):
        raise InvalidSpace(
            f"when={shown(param.when)} is not a mapping; write the allowed values by parameter, as in when={{'opt': ['sgd', 'adam']}}."
        )
    conditions: dict[str, tuple[Value, ...]] = {}
    for parent, allowed in param.when.items():
        values = allowed if isinstance(allowed, Sequence) and not isinstance(allowed, str) else (allowed,)
        if not values:
            raise InvalidSpace(
                f"when={shown(param.when)} allows no value of {brief(str(parent))}, so it never holds. Allow at least one value."
            )
        conditions[parent] = tuple(_plain_value(parent, value) for value in values)
    return conditions


def _settle_number(param: Float | Int, kind: type[int | float]) -> None:
    """Checks a freshly made number parameter and makes its fields plain Python."""
    if not isinstance(param.log, bool):
        raise InvalidSpace(f"log={shown(param.log)} is not True or False. A default is given by name: default={shown(param.log)}.")
    low, high = _number("low", param.low, kind), _number("high", param.high, kind)
    if low > high:
        raise InvalidSpace(f"low={low!r} is above high={high!r}; low may be at most high. Swap them.")
    if param.log and low <= 0:
        raise InvalidSpace(f"low={low!r} has no logarithm; a log scale needs bounds above 0. Raise low or drop log.")
    object.__setattr__(param, "low", low)
    object.__setattr__(param, "high", high)
    if param.default is not None:
        object.__setattr__(param, "default", param.check("default", param.default))
    object.__setattr__(param, "when", conditions_of(param) or None)


def _number_within(param: Float | Int, name: str, value: object, kind: type[_Number]) -> _Number:
    number = _number(name, value, kind)
    if not param.low <= number <= param.high:
        raise InvalidSpace(f"{name}={shown(number)} is outside of {param.low!r} to {param.high!r}. Choose a value within.")
    return number


def _number(name: str, value: object, kind: type[_Number]) -> _Number:
    plain = _plain(value)
    allowed = (int,) if kind is int else (int, float)
    if isinstance(plain, bool) or not isinstance(plain, allowed):
        raise InvalidSpace(f"{name}={shown(plain)} is not a {'whole ' if kind is int else ''}number. Write one, without quotes.")
    if not abs(plain) <= _LIMITS[kind]:
        raise InvalidSpace(
            f"{name}={shown(plain)} is out of bounds; allowed is at most {_LIMITS[kind]:g} on either side of 0. Choose a smaller number."
        )
    return kind(plain)


def _plain_value(name: str, value: object) -> Value:
    plain = _plain(value)
    if not (plain is None or isinstance(plain, str | int | float)) or (isinstance(plain, float) and not math.isfinite(plain)):
        raise InvalidSpace(f"{name}={shown(value)} is not a plain value; allowed are strings, finite numbers, True, False and None.")
    return plain


def _plain(value: object) -> object:
    return value.item() if isinstance(value, np.generic) else value


def _place(x: float, low: float, high: float) -> float:
    return (x - low) / (high - low) if high > low else 0.5
