"""The command ``run``: a system as a tool on one's own work."""

from __future__ import annotations

from typing import Annotated

import typer


def run(
    context: typer.Context,
    system: Annotated[str, typer.Argument(help="The system; shoestring systems lists them.")],
) -> None:
    """Runs a system as a tool on one's own model and data; its own options follow its name."""
    import importlib

    from shoestring.claims import SYSTEMS, systems
    from shoestring.errors import UnknownName, UsageError

    if system not in systems():
        raise UnknownName("system", system, systems())
    try:
        tool = importlib.import_module(f"{SYSTEMS}.{system}.tool")
    except ModuleNotFoundError as error:
        if error.name != f"{SYSTEMS}.{system}.tool":
            raise
        raise UsageError(f"{system} has no tool to run; shoestring claims {system} checks its claims.") from None
    raise typer.Exit(tool.main(context.args))
