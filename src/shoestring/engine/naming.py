"""What a study is called, and where its run lies if nobody says."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

from shoestring.errors import NotARun, UsageError, shown
from shoestring.questions.protocol import Question
from shoestring.runners.arms import Arms, Target
from shoestring.runners.script import Script
from shoestring.store.layout import runs_in

IN_MEMORY = ":memory:"
_LONGEST_STEM = 60  # characters of a folder's name, of which a file system takes 255 bytes


def name_of(target: Target) -> str:
    """Returns what is trained, in words: ``file.py:function``, ``package.module:function`` or the command."""
    if isinstance(target, str):
        return target
    if isinstance(target, Script):
        return " ".join(target.command)
    if isinstance(target, Arms):
        return name_of(next(iter(target.members.values())))
    module, name = getattr(target, "__module__", "?"), getattr(target, "__qualname__", type(target).__name__)
    main = getattr(sys.modules["__main__"], "__file__", None) if module == "__main__" else None
    return f"{Path(main).name if main else module}:{name}"


def folder_of(store: str | Path | None, question: Question) -> Path | None:
    """Returns the run's folder for what was given as ``store``, None for a run in memory.

    Raises:
        UsageError: it cannot be the name of a folder.
    """
    if store is None:
        where, _, function = question.target.rpartition(":")
        if function.isidentifier():
            named = f"{Path(where).stem if where.endswith('.py') else where.rpartition('.')[2]}-{function}"
        else:  # a command
            named = Path(question.target.split(" ")[0]).stem
        stem = re.sub(r"[^\w.-]+", "-", named).strip("-.")[:_LONGEST_STEM] or "study"
        return runs_folder() / f"{stem}-{question.to_json()['question']}"
    return None if str(store) == IN_MEMORY else nameable(Path(store))


def nameable(path: Path) -> Path:
    """Returns a path that the file system can look up, whether or not anything is there.

    Raises:
        UsageError: it is too long, or holds what no name may hold.
    """
    try:
        path.exists()
    except (OSError, ValueError) as error:
        raise UsageError(f"{shown(str(path))} cannot be a folder ({getattr(error, 'strerror', error)}); give another path.") from error
    return path


def runs_folder() -> Path:
    """Returns the folder of all runs: ``SHOESTRING_RUNS``, or ``runs`` in the current folder."""
    return Path(os.environ.get("SHOESTRING_RUNS") or "runs")


def run_named(run: str | None) -> Path:
    """Returns the folder of a run that is given by its folder or by its name below the folder of runs; of the newest run if None.

    Raises:
        NotARun: there is none.
    """
    if run is not None:
        named = runs_folder() / run
        return named if not nameable(Path(run)).exists() and named.exists() else Path(run)
    found = runs_in(runs_folder())
    if not found:
        raise NotARun(f"there is no run in {runs_folder()}; give a run's folder, or set SHOESTRING_RUNS to where the runs lie.")
    return found[-1]
