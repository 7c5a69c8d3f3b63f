"""The command line. Only typer is imported before a command needs more, so that ``--help`` comes at once."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

from shoestring.machine import signals


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command line and exits with its code: 0, 2 (usage), 3 (budget spent), 4 (stopped) or 5 (every trial failed)."""
    signals.stop_at_once_on_signals()
    given = list(sys.argv[1:] if arguments is None else arguments)
    command: list[str] = []
    if "--" in given:
        where = given.index("--")
        given, command = given[:where], given[where + 1 :]

    if given[:1] == ["plan"] and given[1:2] and given[1] in ("search", "compare", "scale"):
        given[:2] = ["plan" if given[1] == "search" else f"plan {given[1]}"]

    try:
        _carry_out(given, command)
    except signals.Stopped:
        signals.leave(signals.STOPPED)
    except SystemExit as end:
        if end.code == signals.EXIT_CODE:
            signals.leave()
        raise


def _carry_out(given: list[str], command: list[str]) -> None:
    from shoestring.cli.commands import app
    from shoestring.cli.saying import say
    from shoestring.errors import ShoestringError

    try:
        app(given, obj=command)
    except ShoestringError as error:
        say(f"shoestring: {error}", err=True)
        if "--json" in given:
            print(json.dumps({"status": "error", "error": str(error)}))
        sys.exit(error.exit_code)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
