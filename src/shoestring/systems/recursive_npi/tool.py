"""``shoestring run recursive_npi``: fits a model of a task that comes with the system until it is verified, and keeps both as files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from shoestring.errors import UnknownName, UsageError
from shoestring.systems.recursive_npi.certificate import write
from shoestring.systems.recursive_npi.refinement import fit_until_verified
from shoestring.systems.recursive_npi.tasks import TASKS, make_task
from shoestring.systems.recursive_npi.verification import Certificate

OPTIONS: dict[str, tuple[type, Any, str]] = {
    "task": (str, "quicksort", ", ".join(TASKS)),
    "seed": (int, 0, "of weights and training problems"),
    "width": (int, 64, "units of each of the two LSTM layers"),
    "steps": (int, 4000, "the most steps of fitting"),
    "rounds": (int, 20, "the most refutations to learn from"),
    "out": (str, "certificates", "folder for TASK.json and TASK.safetensors"),
}


def main(arguments: Sequence[str]) -> int:
    """Does as options ``--name value`` ask, prints what was proved, and returns the exit code: 0, or 3 if the model was not certified.

    Raises:
        UsageError: an option that cannot be used.
    """
    if "--help" in arguments:
        print(usage())
        return 0
    given = parsed(arguments)
    task = make_task(given["task"])
    problems = task.papers_problems(np.random.default_rng(given["seed"]))
    limits = {name: given[name] for name in ("width", "steps", "rounds", "seed")}
    fitted = fit_until_verified(task, problems, **limits)
    print(fitted)
    if not isinstance(fitted.found, Certificate):
        return 3
    path = write(fitted.found, fitted.model, Path(given["out"]) / f"{given['task']}.json")
    print(f"certificate {path}, weights {path.with_suffix('.safetensors')}")
    return 0


def usage() -> str:
    """Returns the options, one a line."""
    lines = [f"  --{name.ljust(8)}{text} [{default}]" for name, (_, default, text) in OPTIONS.items()]
    return "\n".join(["shoestring run recursive_npi [--name value ...]", *lines])


def parsed(arguments: Sequence[str]) -> dict[str, Any]:
    """Returns the value of every option; ``--name value`` and ``--name=value`` are read.

    Raises:
        UnknownName: there is no such option.
        UsageError: a value is missing, cannot be read, or is below what makes sense.
    """
    values = {name: default for name, (_, default, _) in OPTIONS.items()}
    rest = list(arguments)
    while rest:
        name, equals, value = rest.pop(0).partition("=")
        if not name.startswith("--") or name[2:] not in OPTIONS:
            raise UnknownName("option", name, [f"--{known}" for known in OPTIONS])
        if not equals and not rest:
            raise UsageError(f"{name} has no value; write {name} VALUE.")
        kind, _, text = OPTIONS[name[2:]]
        given = value if equals else rest.pop(0)
        try:
            values[name[2:]] = kind(given)
        except ValueError as error:
            raise UsageError(f"{name} {given!r} cannot be read; give a whole number ({text}).") from error
        if kind is int and values[name[2:]] < (1 if name in ("--width", "--steps") else 0):
            raise UsageError(f"{name} {given} makes no sense; give a larger number ({text}).")
    return values
