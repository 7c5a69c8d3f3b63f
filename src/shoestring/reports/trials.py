"""The table of all trials of a run."""

from __future__ import annotations

from shoestring.budget import plural_of
from shoestring.engine.run import Run
from shoestring.reports.spending import amount, cost_by_trial
from shoestring.reports.table import Cell, Datum, Table, cell, table
from shoestring.reports.views import view_of
from shoestring.reports.wording import in_words


def trial_table(run: Run) -> Table:
    """Returns all trials with what they showed and cost."""
    question, costs = run.question, cost_by_trial(run)
    rows: list[list[Datum | Cell]] = []
    for trial in run.trials:
        best, cost = run.best_of(trial), costs.get(trial.id)
        rows.append(
            [
                trial.id,
                trial.arm or trial.purpose,
                trial.state,
                max(trial.curve, default=0),
                best and best[0],
                cell(cost.wall_s, amount("wall_s", cost.wall_s, question.unit)) if cost else None,
                str(trial.seed),
                in_words(trial.config),
            ]
        )
    return table(
        f"All trials with their best {question.metric}, and the seconds of the study's clock that they took.",
        ("trial", view_of(run).group, "state", plural_of(question.unit), question.metric, "clock", "seed", "configuration"),
        rows,
    )
