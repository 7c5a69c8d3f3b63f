"""What a study can find out, as every kind of question says it, and the words for a configuration."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from shoestring.values.orders import Config


@dataclass(frozen=True, slots=True)
class Best:
    """The best that was seen: value ``value`` of the metric after ``unit`` units of trial ``trial``.

    It was selected for being best, so the value is optimistic: no estimate of what a fresh run would give.
    """

    trial: int
    config: Config
    value: float
    unit: int


@runtime_checkable
class Finding(Protocol):
    """What a study found out; each kind of question has its own."""

    @property
    def answers(self) -> bool:
        """Whether the question is answered by it."""

    def lines(self) -> Iterator[str]:
        """Yields it in sentences, the most important first."""

    def to_json(self) -> dict[str, Any]:
        """Returns it as plain data, as ``--json`` prints it."""


def short(value: object) -> str:
    """Returns a parameter's value as a person reads it."""
    return f"{value:.4g}" if isinstance(value, float) else value if isinstance(value, str) else json.dumps(value)


def in_words(config: Mapping[str, object]) -> str:
    """Returns a configuration on one line."""
    return "  ".join(f"{name}={short(value)}" for name, value in config.items())


def plural(n: int, noun: str) -> str:
    """Returns a number of things, such as ``1 trial`` or ``3 trials``."""
    return f"{n} {noun}{'' if n == 1 else 's'}"
