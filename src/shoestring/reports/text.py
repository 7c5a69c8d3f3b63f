"""The state of a run in a few lines for the terminal."""

from __future__ import annotations

from shoestring.budget import describe
from shoestring.cleaning import for_line
from shoestring.engine.run import Run
from shoestring.questions.search.question import Search
from shoestring.reports.wording import in_words, progress

SHOWN = 5


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
    if not isinstance(question, Search):
        return "\n".join(map(for_line, [*lines, *(f"finding  {line}" for line in run.finding.lines())]))
    for trial, value, at in run.ranked()[:SHOWN]:
        lines.append(f"{trial.id:6d}   {question.metric} {value:.6g} at {unit} {at}, {trial.state}: {in_words(trial.config)}")
    return "\n".join(map(for_line, lines))
