"""How the command line says something: everything that it prints goes through here, so that no name or message steers a terminal."""

from __future__ import annotations

import os

import typer

from shoestring.cleaning import for_terminal


def say(text: object, *, err: bool = False, nl: bool = True) -> None:
    """Prints a text on stdout, or on stderr: nobody has to read that, so a reader who has gone ends nothing."""
    try:
        typer.echo(for_terminal(str(text)), err=err, nl=nl)
    except BrokenPipeError:
        if not err:
            raise
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 2)
        os.close(nowhere)
