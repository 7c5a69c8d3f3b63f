"""Resumes a stored study, once it is agreed to what that runs."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from shoestring.budget import Price
from shoestring.engine.launch import launch
from shoestring.engine.origin import command_of, foreign
from shoestring.engine.run import Run
from shoestring.engine.spending import Spending
from shoestring.engine.study import Study
from shoestring.errors import UsageError
from shoestring.questions.kinds import kind_of
from shoestring.runners.arms import from_plain
from shoestring.store.integrity import making_sense
from shoestring.values.answer import Answer

Resuming: TypeAlias = Callable[[Callable[[Study], None], float | None], Answer]  # with on_progress and began


def resumption(folder: Path, agree: Callable[[str], bool], *, accept_changes: bool = False) -> Resuming:
    """Returns what resumes a stored study, once what it runs is agreed to.

    Args:
        agree: called with a sentence that shows what would be run, if the folder was made elsewhere; True to run it.
    Raises:
        UsageError: it was made elsewhere and that is not agreed to; or it cannot be resumed from here.
        StoreError: the folder holds no run, or one that cannot be read.
    """
    run = Run.read(folder)
    request = run.request
    if request["target"] is None:
        raise UsageError(
            f"{folder} was started from a program with a function of its own ({run.question.target}). Run that program again to resume."
        )
    with making_sense(folder):
        target, runner, cwd = from_plain(request["target"]), request["runner"], Path(request["cwd"])
        spending = Spending(run.budget, Price(*request["price"]), request["grace"], request["watts"], request["workers"])
        members = kind_of(run.question).members(run.question)
        why = foreign(folder, request, members)
    runs = ", ".join([command_of(target), *members, *([runner] if ":" in runner else [])])
    said = f"{folder} {why}. Resuming it runs: {runs} (in {cwd})"
    if why and not agree(said):
        raise UsageError(f"{said}. Give --yes (yes=True) if that may run.")
    if not cwd.is_dir():
        raise UsageError(
            f"{folder} was started in {cwd}, which is not there. Run its command again from where its code lies now, "
            f"with --store {folder.resolve()}."
        )

    def resuming(on_progress: Callable[[Study], None], began: float | None) -> Answer:
        there = folder.resolve()
        os.chdir(cwd)
        return launch(target, run.question, spending, runner, there, on_progress, began, accept_changes=accept_changes)

    return resuming
