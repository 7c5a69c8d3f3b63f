"""One reader of settings for all systems: the plain values of a trial become a frozen dataclass, checked by name and by type."""

from __future__ import annotations

import typing
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias, TypeVar

from shoestring.arguments import settle
from shoestring.errors import UnknownName

Settings: TypeAlias = Mapping[str, Any]
C = TypeVar("C")


def read(config: type[C], settings: Settings) -> C:
    """Returns the dataclass made of the settings. Fields that are not given keep their defaults.

    Raises:
        UnknownName: a setting, or a word that must be one of several, is misspelt.
        UsageError: a value has the wrong type.
    """
    hints = typing.get_type_hints(config)
    for name in settings:
        one_of("setting", name, hints)
    return config(**{name: settle(name, _as_text(value) if hints[name] is str else value, hints[name]) for name, value in settings.items()})


def read_kind(kinds: Mapping[str, type[C]], key: str, settings: Settings, default: str) -> C:
    """Returns the settings as the dataclass that their entry ``key`` names.

    Raises:
        UnknownName: there is no such kind or setting.
        UsageError: a value has the wrong type.
    """
    kind = settings.get(key, default)
    one_of(key, kind, kinds)
    return read(kinds[kind], {name: value for name, value in settings.items() if name != key})


def one_of(what: str, name: object, known: Iterable[str]) -> None:
    """Does nothing if the name is known.

    Raises:
        UnknownName: it is not.
    """
    if name not in tuple(known):
        raise UnknownName(what, str(name), known)


def _as_text(value: object) -> object:
    """Returns a number as text: a command line reads ``sizes=1000`` as a number, and a lone ``true`` as a truth value."""
    return str(value).lower() if isinstance(value, bool | int | float) else value
