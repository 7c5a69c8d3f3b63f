"""``shoestring run recursive_npi``: fits a model of a task that comes with the system until it is verified, and keeps both as files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from shoestring.errors import UsageError
from shoestring.systems.kit.options import describe_options, read_options
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
        print(describe_options("recursive_npi", OPTIONS))
        return 0
    given = read_options(arguments, OPTIONS)
    for name, least in {"width": 1, "steps": 1, "rounds": 0, "seed": 0}.items():
        if given[name] < least:
            raise UsageError(f"--{name} {given[name]} must be at least {least}.")
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
