"""Takes a run's data elsewhere: CSV, JSON lines, or an Optuna storage that optuna-dashboard opens."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO, Any

from shoestring.budget import RESOURCES
from shoestring.cleaning import for_csv, for_terminal
from shoestring.engine.run import Run, StoredTrial
from shoestring.errors import UnknownName, UsageError
from shoestring.questions.kinds import kind_of

WHATS = ("trials", "observations", "ledger")
FORMATS = ("csv", "jsonl", "optuna")


def rows(run: Run, what: str) -> list[dict[str, Any]]:
    """Returns the trials, observations or ledger of a run as flat rows.

    Raises:
        UnknownName: there is no such part.
    """
    if what == "trials":
        return [_trial_row(run, trial) for trial in run.trials]
    if what == "observations":
        return [
            {"trial": row["trial_id"], "unit": row["unit"], "lease": row["token"]} | json.loads(row["metrics"]) for row in run.observations
        ]
    if what == "ledger":
        return [_ledger_row(row) for row in run.ledger]
    raise UnknownName("part of a run", what, WHATS)


def write_rows(table: Iterable[Mapping[str, Any]], form: str, file: IO[str]) -> None:
    """Writes rows as CSV (the columns of all rows, in the order in which they first appear) or as JSON lines.

    A cell of CSV that a spreadsheet would take for a formula begins with ``'``.

    Raises:
        UnknownName: there is no such format.
    """
    listed = list(table)
    if form == "jsonl":
        for row in listed:
            file.write(for_terminal(json.dumps(row, ensure_ascii=False)) + "\n")
    elif form == "csv":
        columns = list(dict.fromkeys(name for row in listed for name in row))
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(map(for_csv, columns))
        writer.writerows([for_csv(row.get(name)) for name in columns] for row in listed)
    else:
        raise UnknownName("format", form, FORMATS)


def to_optuna(run: Run, path: Path) -> str:
    """Writes the trials as a study into a new SQLite file in Optuna's own schema, and returns the storage's URL.

    Conditions of the space are dropped: Optuna's distributions have none.

    Raises:
        UsageError: the file exists.
    """
    import optuna

    from shoestring.space.convert import to_optuna as distributions_of

    space = kind_of(run.question).space(run.question)
    if space is None:
        raise UsageError(f"{run.folder} holds no search, and Optuna has no form for anything else; export it as csv or jsonl.")
    if path.exists():
        raise UsageError(f"{path} exists; give another --out, or remove it.")
    url = f"sqlite:///{path}"
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    direction = optuna.study.StudyDirection.MINIMIZE if run.question.goal == "min" else optuna.study.StudyDirection.MAXIMIZE
    study = optuna.create_study(storage=url, study_name=run.folder.resolve().name, direction=direction)
    distributions = distributions_of(space)
    states = optuna.trial.TrialState
    for trial in run.trials:
        best = run.best_of(trial)
        curve = {unit: metrics[run.question.metric] for unit, metrics in trial.curve.items() if run.question.metric in metrics}
        complete = trial.state in ("complete", "finished") and best is not None
        state = states.COMPLETE if complete else states.FAIL if trial.state in ("failed", "diverged") else states.PRUNED
        study.add_trial(
            optuna.trial.create_trial(
                state=state,
                params=dict(trial.config),
                distributions={name: distributions[name] for name in trial.config},
                value=best[0] if best and state != states.FAIL else None,
                intermediate_values={unit: value for unit, value in curve.items() if math.isfinite(value)},
                user_attrs={"trial": trial.id, "seed": trial.seed, "state": trial.state},
            )
        )
    return url


def _trial_row(run: Run, trial: StoredTrial) -> dict[str, Any]:
    best = run.best_of(trial)
    last = max(trial.curve, default=0)
    row: dict[str, Any] = {name: getattr(trial, name) for name in ("arm", "purpose", "state", "seed")}
    row = {"trial": trial.id, **row, "units": last}
    row |= {run.question.metric: best and best[0], "at_unit": best and best[1]}
    row |= {f"config.{name}": value for name, value in trial.config.items()}
    return row | {"error": trial.error and f"{trial.error['type']}: {trial.error['message']}"}


def _ledger_row(row: Mapping[str, Any]) -> dict[str, Any]:
    names = (
        "token",
        "trial_id",
        "purpose",
        "outcome",
        "start",
        "to",
        "opened_at",
        "closed_at",
        "lost_units",
        "busy_s",
        *RESOURCES,
        "peak_bytes",
        "note",
    )
    reserved = json.loads(row["reserved"])
    sources = json.loads(row["provenance"])
    flat = {name: row[name] for name in names}
    return (
        flat
        | {f"reserved.{name}": amount for name, amount in reserved.items()}
        | {f"source.{name}": source for name, source in sources.items()}
    )
