"""How the command line says something: everything that it prints goes through here, so that no name or message steers a terminal."""

from __future__ import annotations

import typer

from shoestring.cleaning import for_terminal


def say(text: object, *, err: bool = False, nl: bool = True) -> None:
    """Prints a text on stdout, or on stderr."""
    typer.echo(for_terminal(str(text)), err=err, nl=nl)
