"""A stored run read back: as a value, as a report, and in other people's formats."""

from __future__ import annotations

import csv
import io
import json
import math

import optuna
import pytest

import shoestring as ss
from shoestring import reports
from shoestring.budget import RESOURCES
from shoestring.engine.run import Run
from shoestring.errors import NotARun, UnknownName, UsageError
from shoestring.reports import export
from shoestring.store.store import Store

SPACE = {
    "lr": ss.Float(1e-4, 1, log=True),
    "act": ss.Choice(["re|lu", "tän<h>", None]),
    "slope": ss.Float(0, 1, when={"act": "re|lu"}),
}


def train(trial):
    if trial.config["act"] is None:
        raise ValueError("no activation | at all\nnone")
    for epoch in trial.steps():
        trial.report(
            accuracy=math.nan if trial.config["lr"] > 0.5 else trial.config["lr"] * (epoch + 1) + 1e-12 * trial.seed, other=math.inf
        )


@pytest.fixture(scope="module")
def answer(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "a run"
    return ss.search(
        train, SPACE, metric="accuracy", goal="max", budget="80 epochs", horizon=9, seed=3, sampler="random", runner="inline", store=folder
    )


@pytest.fixture(scope="module")
def run(answer):
    return Run.read(answer.run)


def test_a_run_is_read_back_as_it_was_asked_and_answered(run, answer):
    trial, value, unit = run.ranked()[0]

    assert (run.question.metric, run.question.goal, run.budget.limits) == ("accuracy", "max", {"units": 80})
    assert (trial.id, dict(trial.config), value, unit) == (answer.best.trial, dict(answer.best.config), answer.best.value, answer.best.unit)
    assert run.n_begun() == len({row["trial_id"] for row in run.ledger if row["units"]})


def test_the_ledger_that_is_read_adds_up(run, answer):
    by_outcome = [cost for _, cost in run.by_outcome().values()]

    assert run.spent().as_dict() == pytest.approx(answer.spent.as_dict())
    assert sum(cost.units for cost in by_outcome) == answer.spent.units == 80


def test_states_tell_what_became_of_each_trial(run):
    states = {trial.state for trial in run.trials}

    assert {"failed", "diverged", "complete", "paused"} <= states
    assert all((trial.error is not None) == (trial.state == "failed") for trial in run.trials)


def test_a_folder_without_a_run_is_refused(tmp_path):
    Store.create_or_open(tmp_path / "begun").close()

    with pytest.raises(NotARun, match="never began"):
        Run.read(tmp_path / "begun")
    with pytest.raises(NotARun, match="not the folder of a run"):
        Run.read(tmp_path / "missing")


def test_the_report_says_what_may_not_be_claimed_and_where_the_budget_went(run):
    text = reports.markdown(run)

    assert "it is optimistic: it may not be reported as the performance" in text
    assert "Budget: 80 epochs. Spent: 80 epochs" in text
    assert "## Failures" in text


def test_no_name_breaks_the_tables_of_a_report(run):
    tables = [line for line in reports.markdown(run).splitlines() if line.startswith("|")]

    widths = [line.replace("\\|", "").count("|") for line in tables]
    heads = [widths[i - 1] for i, line in enumerate(tables) if line.startswith("| ---")]
    assert set(widths) == set(heads)
    assert not any("<h>" in line for line in tables)


def test_a_report_is_written_into_the_folder(run):
    page = reports.write(run)

    assert page.name == "report.html"
    assert (page.parent / "report.md").read_text(encoding="utf-8") == reports.markdown(run)


def test_the_short_report_fits_a_terminal(run):
    lines = reports.text(run).splitlines()

    assert lines[2] == "budget   80 epochs of 80 epochs"
    assert len(lines) == 9


def test_a_run_without_a_result_claims_nothing(tmp_path):
    def fail(trial):
        raise ValueError

    ss.search(
        fail, SPACE, metric="loss", goal="min", budget="9 epochs", horizon=9, sampler="random", runner="inline", store=tmp_path / "run"
    )
    run = Run.read(tmp_path / "run")

    assert "Nothing may be claimed" in reports.markdown(run)
    assert run.ranked() == []


@pytest.mark.parametrize("what", export.WHATS)
def test_csv_and_json_lines_hold_the_same_rows(run, what):
    table, as_csv, as_lines = export.rows(run, what), io.StringIO(), io.StringIO()
    export.write_rows(table, "csv", as_csv)
    export.write_rows(table, "jsonl", as_lines)

    read = list(csv.DictReader(as_csv.getvalue().splitlines(keepends=True)))
    lines = [json.loads(line, parse_constant=pytest.fail) for line in as_lines.getvalue().splitlines()]
    assert lines == table
    assert [{name: "" if row.get(name) is None else str(row[name]) for name in read[0]} for row in table] == read


def test_the_exported_ledger_adds_up(run):
    table = export.rows(run, "ledger")

    assert {name: sum(row[name] for row in table) for name in RESOURCES} == pytest.approx(run.spent().as_dict())


def test_observations_are_all_exported(run):
    assert len(export.rows(run, "observations")) == sum(len(trial.curve) for trial in run.trials)


def test_unknown_parts_and_formats_are_refused(run):
    with pytest.raises(UnknownName, match="Did you mean 'trials'"):
        export.rows(run, "trial")
    with pytest.raises(UnknownName, match="Did you mean 'csv'"):
        export.write_rows([], "cvs", io.StringIO())


@pytest.fixture(scope="module")
def study(run, tmp_path_factory):
    """What Optuna itself loads."""
    url = export.to_optuna(run, tmp_path_factory.mktemp("optuna") / "a#b %.db")
    return optuna.load_study(study_name=None, storage=url)


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # optuna leaves its connections to the garbage collector
def test_optuna_loads_every_trial(run, study):
    assert [trial.params for trial in study.trials] == [dict(trial.config) for trial in run.trials]
    assert [trial.user_attrs["state"] for trial in study.trials] == [trial.state for trial in run.trials]
    assert study.direction is optuna.study.StudyDirection.MAXIMIZE


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_optuna_sees_the_curves(run, study):
    finite = [
        {unit: metrics["accuracy"] for unit, metrics in trial.curve.items() if math.isfinite(metrics["accuracy"])} for trial in run.trials
    ]

    assert [trial.intermediate_values for trial in study.trials] == finite


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_optuna_finds_a_best_trial_among_the_complete(run, study):
    complete = [(value, trial.id) for trial, value, _ in run.ranked() if trial.state == "complete"]

    assert (study.best_value, study.best_trial.number) == max(complete)


def test_an_existing_file_is_not_overwritten(run, tmp_path):
    (tmp_path / "there.db").write_text("mine")

    with pytest.raises(UsageError, match="exists"):
        export.to_optuna(run, tmp_path / "there.db")
    assert (tmp_path / "there.db").read_text() == "mine"
