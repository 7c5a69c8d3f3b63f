"""The report of a run, as text for the terminal and as Markdown for the run's folder."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from shoestring.budget import Cost, describe, duration
from shoestring.errors import StoreUnwritable
from shoestring.run import Run
from shoestring.space_text import format_space

SHOWN = 10


def write(run: Run) -> Path:
    """Writes ``report.md`` into the run's folder and returns its path.

    Raises:
        StoreUnwritable: the disk is full or read-only.
    """
    path = run.folder / "report.md"
    temporary = path.with_suffix(".part")
    try:
        temporary.write_text(markdown(run), encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        raise StoreUnwritable(f"{path} could not be written ({error.strerror}); `shoestring status` shows the run as well.") from error
    return path


def markdown(run: Run) -> str:
    """Returns the report as Markdown: the answer and what may not be claimed, where the budget went, the best trials, the failures."""
    question, ranked, unit = run.question, run.ranked(), run.question.unit
    parts = [f"# Which configuration gives the best {question.metric}?", ""]
    parts += list(_answer(run))
    parts += ["", "## The question", ""]
    scheduler = f"{question.scheduler} (eta={question.eta})" if question.horizon > 1 else question.scheduler
    facts = [
        ("target", f"`{question.target}`"),
        ("metric", f"{question.metric}, {question.goal}"),
        ("full training", describe("units", question.horizon, unit)),
        ("scheduler and sampler", f"{scheduler}, {question.sampler}"),
        ("seed", str(question.seed)),
        ("space", f"`{format_space(question.space)}`"),
    ]
    parts += _table(("", ""), facts)
    parts += ["", "## Where the budget went", "", f"Budget: {run.budget}. Spent: {_amounts(run.spent(), unit)}.", ""]
    parts += _table(
        ("outcome", "leases", f"{unit}s", "clock", "CPU", "GPU", "kWh", "usd"),
        ((outcome, str(n), *_cells(cost)) for outcome, (n, cost) in sorted(run.by_outcome().items())),
    )
    lost = sum(row["lost_units"] for row in run.ledger)
    parts += [
        "",
        f"Of the {unit}s, {lost} were trained in vain: lost before a checkpoint kept them." if lost else f"No {unit} was trained in vain.",
    ]
    parts += ["", f"## The best of {run.n_begun()} trials", ""]
    names = list(question.space.names)
    rows = (
        (str(trial.id), f"{value:.6g}", str(at), trial.state, *(_shown(trial.config.get(name, "")) for name in names))
        for trial, value, at in ranked[:SHOWN]
    )
    parts += _table(("trial", question.metric, unit, "state", *map(_escape, names)), rows)
    failed = [trial for trial in run.trials if trial.error]
    if failed:
        parts += ["", f"## Failures ({len(failed)})", ""]
        parts += _table(
            ("trial", "kind", "message"),
            ((str(trial.id), trial.error["type"], trial.error["message"]) for trial in failed[:SHOWN] if trial.error),
        )
    return "\n".join(parts) + "\n"


def text(run: Run) -> str:
    """Returns the state of a run in a few lines for the terminal."""
    question, unit = run.question, run.question.unit
    states: dict[str, int] = {}
    for trial in run.trials:
        states[trial.state] = states.get(trial.state, 0) + 1
    lines = [
        f"run      {run.folder}",
        f"question {question.target}: {question.metric} {question.goal}, {describe('units', question.horizon, unit)} a full training",
        f"budget   {_progress(run)}",
        f"trials   {len(run.trials)}: " + ", ".join(f"{n} {state}" for state, n in sorted(states.items())),
    ]
    for trial, value, at in run.ranked()[:5]:
        config = "  ".join(f"{name}={_shown(item)}" for name, item in trial.config.items())
        lines.append(f"{trial.id:6d}   {question.metric} {value:.6g} at {unit} {at}, {trial.state}: {config}")
    return "\n".join(lines)


def _answer(run: Run) -> Iterable[str]:
    ranked = run.ranked()
    if not ranked:
        yield f"No trial showed a finite {run.question.metric}: nothing may be claimed."
        return
    trial, value, at = ranked[0]
    config = ", ".join(f"`{name}={_shown(item)}`" for name, item in trial.config.items())
    after = describe("units", at, run.question.unit)
    yield f"The best {run.question.metric} seen is **{value:.6g}**, after {after} of trial {trial.id}: {config}."
    yield (
        f"It was selected among {run.n_begun()} trials for being best, so it is optimistic; "
        "it may not be reported as the performance of this configuration."
    )
    yield "Trained once with one seed each, the trials say nothing about how much of the difference between them is luck."


def _progress(run: Run) -> str:
    spent = run.spent()
    shares = (
        f"{describe(name, getattr(spent, name), run.question.unit)} of {describe(name, limit, run.question.unit)}"
        for name, limit in run.budget.limits.items()
    )
    return ", ".join(shares)


def _amounts(cost: Cost, unit: str) -> str:
    shown = [describe(name, amount, unit) for name, amount in cost.as_dict().items() if amount]
    return ", ".join(shown) or "nothing"


def _cells(cost: Cost) -> tuple[str, ...]:
    return (str(cost.units), duration(cost.wall_s), duration(cost.cpu_s), duration(cost.gpu_s), f"{cost.kwh:.3g}", f"{cost.usd:.3g}")


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = ["| " + " | ".join(header) + " |", "|" + " --- |" * len(header)]
    return lines + ["| " + " | ".join(_escape(cell) for cell in row) + " |" for row in rows]


def _escape(cell: str) -> str:
    return " ".join(cell.replace("|", "\\|").replace("<", "&lt;").split())


def _shown(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
