"""The commands ``run`` and ``verify``: a system as a tool on one's own work, and what it proved, proved again."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Annotated

import typer

from shoestring.cli.asking import Json
from shoestring.cli.saying import say


def run(
    context: typer.Context,
    system: Annotated[str, typer.Argument(help="The system; shoestring systems lists them.")],
) -> None:
    """Runs a system as a tool on one's own model and data; its own options follow its name."""
    from shoestring.errors import UnknownName, UsageError
    from shoestring.verdicts.check import systems

    if system in ("--help", "-h"):  # after a system's name it is the tool that is asked
        say(context.get_help())
        raise typer.Exit
    if system not in systems():
        raise UnknownName("system", system, systems())
    tool = _room(system, "tool")
    if tool is None:
        raise UsageError(f"{system} has no tool to run; shoestring claims {system} checks its claims.")
    raise typer.Exit(tool.main(context.args))


def verify(
    certificate: Annotated[Path, typer.Argument(help="The .json that was written with a proven model, its weights beside it.")],
    as_json: Json = False,
) -> None:
    """Proves anew what a certificate says of the model that is stored beside it; exits 1 if that is refuted."""
    import json

    from shoestring.errors import UsageError
    from shoestring.verdicts.check import systems

    try:
        record = json.loads(certificate.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{certificate} is not a certificate ({error}); give the .json that was written with a proven model.") from error
    system = record.get("system") if isinstance(record, dict) else None
    room = _room(system, "certificate") if system in systems() else None
    if room is None:
        known = ", ".join(name for name in systems() if _room(name, "certificate"))
        raise UsageError(f"{certificate} names the system {system!r}, which gives no certificates; these do: {known}.")
    found = room.recheck(certificate)
    holds = isinstance(found, room.Certificate)
    say(json.dumps({"certificate": str(certificate), "holds": holds, "found": str(found)}) if as_json else str(found))
    raise typer.Exit(0 if holds else 1)


def _room(system: str, name: str) -> ModuleType | None:
    """Returns a module of a system, None if it has none of that name."""
    import importlib
    from importlib.util import find_spec

    from shoestring.verdicts.check import SYSTEMS

    return importlib.import_module(f"{SYSTEMS}.{system}.{name}") if find_spec(f"{SYSTEMS}.{system}.{name}") else None
