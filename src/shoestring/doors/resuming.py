"""The front door ``resume``: goes on with a stored study."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from shoestring.answer import Answer
from shoestring.budget import Price
from shoestring.errors import UsageError
from shoestring.launch import launch
from shoestring.run import Run
from shoestring.runners.arms import from_plain
from shoestring.spending import Spending
from shoestring.study import Study


def resume(folder: Path, on_progress: Callable[[Study], None] = lambda _study: None, began: float | None = None) -> Answer:
    """Goes on with a stored study, exactly as it was asked.

    Raises:
        UsageError: it was started with a function that no other process can import; run that program again.
        StoreError: the folder holds no run, or one that cannot be read.
    """
    run = Run.read(folder)
    request = run.request
    if request["target"] is None:
        raise UsageError(
            f"{folder} was started from a program with a function of its own ({run.question.target}); run that program again to go on."
        )
    spending = Spending(run.budget, Price(*request["price"]), request["grace"], request["watts"], request["workers"])
    folder = folder.resolve()
    os.chdir(request["cwd"])
    return launch(from_plain(request["target"]), run.question, spending, request["runner"], folder, on_progress, began)
