"""The options of a system's tool, ``--name value``: read and described from one table. The engine's own commands have typer's.

It knows no option of anyone's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from shoestring.errors import UnknownName, UsageError

Options: TypeAlias = Mapping[str, tuple[Callable[[str], Any], Any, str]]  # by name: what reads a value, the default, what it is


def read_options(arguments: Sequence[str], options: Options) -> dict[str, Any]:
    """Returns the value of every option; ``--name value`` and ``--name=value`` are read.

    Raises:
        UnknownName: there is no such option.
        UsageError: a value is missing or cannot be read.
    """
    values = {name: default for name, (_, default, _) in options.items()}
    rest = list(arguments)
    while rest:
        name, equals, value = rest.pop(0).partition("=")
        if not name.startswith("--") or name[2:] not in options:
            raise UnknownName("option", name, [f"--{known}" for known in options])
        if not equals and not rest:
            raise UsageError(f"{name} has no value; write {name} VALUE.")
        read, _, meaning = options[name[2:]]
        text = value if equals else rest.pop(0)
        try:
            values[name[2:]] = read(text)
        except (ValueError, KeyError) as error:
            wanted = "a whole number" if read is int else "a number" if read is float else meaning
            raise UsageError(f"{name} {text!r} cannot be read; give {wanted}.") from error
    return values


def describe_options(system: str, options: Options) -> str:
    """Returns how a system's tool is called: its options, one a line, with their defaults."""
    width = max(map(len, options)) + 2
    lines = []
    for name, (_, default, meaning) in options.items():
        shown = ",".join(map(str, default)) if isinstance(default, tuple) else default
        lines.append(f"  --{name.ljust(width)}{meaning} [{shown}]")
    return "\n".join([f"shoestring run {system} [--name value ...]", *lines])
