"""The state of a run in a few lines for the terminal."""

from __future__ import annotations

from shoestring.budget import describe
from shoestring.cleaning import for_line
from shoestring.engine.run import Run
from shoestring.reports.views import view_of
from shoestring.reports.wording import progress


def text(run: Run) -> str:
    """Returns the state of a run in a few lines for the terminal."""
    question, unit = run.question, run.question.unit
    states: dict[str, int] = {}
    for trial in run.trials:
        states[trial.state] = states.get(trial.state, 0) + 1
    lines = [
        f"run      {run.folder}",
        f"question {question.target}: {question.metric} {question.goal}, {describe('units', question.horizon, unit)} a full training",
        f"budget   {progress(run)}",
        f"trials   {len(run.trials)}: " + ", ".join(f"{n} {state}" for state, n in sorted(states.items())),
    ]
    return "\n".join(map(for_line, [*lines, *view_of(run).status(run)]))
