"""The members of an extension room: named in its table, in the entry points of installed packages, or in a user's own module."""

from __future__ import annotations

import functools
import importlib
import json
from collections.abc import Callable, Mapping
from importlib.metadata import entry_points
from typing import Any, Generic, TypeVar

from shoestring.errors import ShoestringError, UnknownName, UsageError, shown
from shoestring.machine.importing import load, reference

M = TypeVar("M")


class Members(Generic[M]):
    """What can be chosen in a room, by name or as it is.

    A member is a class or a function that makes one. Its name is that of a row of the table; that of an entry point of another package; or
    ``file.py:Name`` or ``package.module:Name``, with settings behind it as JSON: ``mine.py:Sampler {"width": 3}``.

    Args:
        kind: what a member is called in messages, such as ``"sampler"``.
        table: ``module:Name`` by name.
    """

    def __init__(self, kind: str, table: Mapping[str, str]) -> None:
        self.kind = kind
        self.names = tuple(sorted(table))
        self._table = table
        self._given: dict[str, Callable[..., M]] = {}  # what this process was handed

    def find(self, name: str) -> Callable[..., M]:
        """Returns what makes the member of a name.

        Raises:
            UnknownName: there is none.
            InvalidTarget: its module cannot be imported, or has no such name.
        """
        if name in self._given:
            return self._given[name]
        if name in self._table:
            module, _, attribute = self._table[name].partition(":")
            return getattr(importlib.import_module(module), attribute)  # type: ignore[no-any-return]
        if ":" in name:
            where, _, settings = name.partition(" ")
            return functools.partial(load(where), **self._read(name, settings)) if settings else load(where)
        installed = {point.name: point for point in entry_points(group=f"shoestring.{self.kind}s")}
        if name not in installed:
            hint = f"A {self.kind} of your own is given as file.py:Name or package.module:Name."
            raise UnknownName(self.kind, name, [*self.names, *installed], hint=hint)
        return installed[name].load()  # type: ignore[no-any-return]

    def make(self, name: str, *given: object, verbs: tuple[str, ...]) -> M:
        """Returns the member of a name, made of what such a member is made of.

        Args:
            verbs: the methods that it must have.
        Raises:
            UnknownName, InvalidTarget: as ``find``.
            UsageError: it cannot be made of that, or has not these methods.
        """
        if name in self._table:
            return self.find(name)(*given)
        try:
            made = self.find(name)(*given)
        except ShoestringError:
            raise
        except Exception as error:  # the edge: what a user's class raises
            raise UsageError(f"{self.kind} {shown(name)} could not be made ({type(error).__name__}: {error}).") from error
        if missing := [verb for verb in verbs if not callable(getattr(made, verb, None))]:
            raise UsageError(f"{name} makes {shown(made)}, which has no {missing[0]}; a {self.kind} has {', '.join(verbs)}.")
        return made

    def name_of(self, member: str | Callable[..., M]) -> str:
        """Returns the name under which a member is stored and found again.

        Raises:
            UsageError: it is not a class or function that a module names, or its settings are not plain data.
        """
        if isinstance(member, str):
            return member
        made, settings = (member.func, member.keywords) if isinstance(member, functools.partial) else (member, {})
        module, name = getattr(made, "__module__", None), getattr(made, "__qualname__", "")
        if (isinstance(member, functools.partial) and member.args) or not module or not name.isidentifier():
            raise UsageError(
                f"{self.kind}={shown(member)} cannot be stored; give a class or function of a module, or a functools.partial of one "
                "with keywords."
            )
        try:
            text = f"{reference(made) or f'{module}:{name}'}{' ' + json.dumps(settings, sort_keys=True) if settings else ''}"
        except (TypeError, ValueError) as error:
            raise UsageError(f"the settings of {self.kind} {name} must be numbers, texts and lists of them ({error}).") from None
        self._given[text] = member
        return text

    def _read(self, name: str, settings: str) -> dict[str, Any]:
        try:
            read = json.loads(settings)
        except ValueError as error:
            raise UsageError(
                f'the settings of {self.kind} {shown(name)} are not JSON ({error}); write for example {{"width": 3}}.'
            ) from None
        if not isinstance(read, dict):
            raise UsageError(f'the settings of {self.kind} {shown(name)} must be a JSON object, such as {{"width": 3}}.')
        return read
