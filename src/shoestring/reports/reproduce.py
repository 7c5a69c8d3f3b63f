"""How to run a study again: the command, the seeds, the code. It names what is known and says what is not."""

from __future__ import annotations

import hashlib
import shlex
from dataclasses import dataclass

from shoestring.engine.run import Run
from shoestring.reports.machine import environment, git
from shoestring.reports.wording import plural


@dataclass(frozen=True, slots=True)
class Reproduction:
    """What a rerun needs.

    Attributes:
        command: the command line that began the run, None if it was not recorded.
        again: how to run it again with the same decisions.
        facts: names and values.
    """

    command: str | None
    again: str
    facts: tuple[tuple[str, str], ...]


def reproduction(run: Run) -> Reproduction:
    """Returns what a rerun of the study needs."""
    env = environment(run)
    command = shlex.join(env["command"]) if env.get("command") else None
    if run.request.get("target") is None:
        again = "It was started from a program with a function of its own: run that program again in an empty folder."
    else:
        again = "Run the command again with another --store and --workers 1: one worker makes the same decisions in the same order."
    packages = env.get("packages") or {}
    known = [
        ("folder it was started in", str(run.request.get("cwd") or "not recorded")),
        ("code", git(run) or "not recorded: it was no git repository, or git was not found"),
        ("SHA-256 of what was trained", _code(run)),
        ("seed of the study", f"{run.question.seed}; the seed of each trial is in trials.csv"),
        ("Python", env.get("python") or "not recorded"),
        ("packages", " ".join(f"{name}=={number}" for name, number in packages.items()) or "not recorded"),
        ("data", "not recorded: state the data sets, their versions and splits"),
        ("SHA-256 of the question", hashlib.sha256(repr(sorted(run.question.to_json().items())).encode()).hexdigest()),
    ]
    return Reproduction(command, again, tuple(known))


def _code(run: Run) -> str:
    """Returns one hash over the pieces of code that the training reaches, with how many they are."""
    pieces = (run.request.get("code") or {}).get("pieces")
    return (
        f"{hashlib.sha256(repr(sorted(pieces.items())).encode()).hexdigest()} ({plural(len(pieces), 'piece')})"
        if pieces
        else "not recorded"
    )
