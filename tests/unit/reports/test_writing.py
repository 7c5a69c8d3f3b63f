"""The files of a report, of one run and of a project."""

from __future__ import annotations

import csv
import os

import pytest

import shoestring as ss
from shoestring.budget import Budget, Cost
from shoestring.engine.run import Run
from shoestring.errors import NotARun, StoreUnwritable
from shoestring.questions.search.finding import Selection
from shoestring.reports import listed, write, write_all, write_project
from shoestring.reports.project import project_rows, read_project
from shoestring.values.answer import Answer, Status
from shoestring.values.finding import Best

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def written(compared):
    return write_all(compared)


def rows_of(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_after_a_run_there_are_the_page_and_its_text(failed):
    path = write(failed)

    assert path == failed.folder / "report.html" and path.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert (failed.folder / "report.md").exists()
    assert not list(failed.folder.glob("*.part"))


def test_all_that_a_paper_needs_is_written(compared, written):
    names = {str(path.relative_to(compared.folder)) for path in written}

    assert {"results.csv", "trials.csv", "ledger.csv", "table.tex", "compute.tex", "checklist.md", "figures/differences.pdf"} <= names
    assert all(path.stat().st_size for path in written)
    assert listed(written).splitlines()[0].startswith(f"report    {compared.folder / 'report.html'}")


@pytest.mark.usefixtures("written")
def test_tables_can_be_read_back(compared):
    assert len(rows_of(compared.folder / "trials.csv")) == len(compared.trials)
    assert sum(int(row["units"]) for row in rows_of(compared.folder / "ledger.csv")) == compared.spent().units
    difference = next(row for row in rows_of(compared.folder / "results.csv") if row["what"] == "difference")
    assert float(difference["value"]) == compared.finding.headline.difference


def test_a_project_sums_up_all_runs(folder, searched, compared, failed):
    written = write_project(folder)
    runs, unread = read_project(folder)

    assert written[0] == folder / "project.html"
    assert {run.folder.name for run in runs} >= {"searched", "compared", "failed"} and unread == []
    assert sum(row["units"] for row in project_rows(runs)) == sum(run.spent().units for run in runs)
    assert "failed" in {row["outcome"] for row in project_rows(runs)}


def test_a_run_that_cannot_be_read_is_named(folder, searched, tmp_path):
    (tmp_path / "torn").mkdir()
    (tmp_path / "torn" / "study.db").write_text("torn")
    os.symlink(searched.folder, tmp_path / "sound")

    runs, unread = read_project(tmp_path)

    assert [run.folder.name for run in runs] == ["sound"]
    assert len(unread) == 1 and "torn" in unread[0]


def test_a_folder_without_runs_is_refused(tmp_path):
    with pytest.raises(NotARun, match="no run"):
        write_project(tmp_path)


def huge(trial):
    for _ in trial.steps():
        trial.report(loss=1.7e308 if trial.seed % 2 else -1.7e308)


@pytest.mark.parametrize("ask", ["search", "compare", "scale"])
def test_values_beyond_what_can_be_drawn_leave_a_report(ask, tmp_path):
    asked = {"metric": "loss", "goal": "min", "budget": "20 epochs", "horizon": 2, "runner": "inline", "store": tmp_path / ask}
    if ask == "search":
        ss.search(huge, {"x": ss.Float(0, 1)}, confirm=False, **asked)
    elif ask == "compare":
        ss.compare({"a": {}, "b": {}}, huge, seeds=5, **asked)
    else:
        ss.scale(huge, over="n", sizes=[1, 2, 4, 8, 16], seeds=2, **asked)

    written = write_all(Run.read(tmp_path / ask))

    assert "could not be drawn (" in written[0].read_text(encoding="utf-8")
    assert {"report.md", "table.tex", "results.csv"} <= {path.name for path in written}


def test_a_page_that_cannot_take_its_place_leaves_the_old_one(failed):
    page = write(failed)
    before = page.read_bytes()
    (failed.folder / "report.html.part").mkdir()
    try:
        with pytest.raises(StoreUnwritable, match=r"report\.html"):
            write(failed)
    finally:
        (failed.folder / "report.html.part").rmdir()

    assert page.read_bytes() == before


def test_a_notebook_shows_an_answer_without_markup_of_its_names():
    finding = Selection("<b>", "epoch", Best(0, {"<i>": 1.0}, 0.5, 3), None, "no confirmation was asked for")
    answer = Answer(Status.ANSWERED, finding, Cost(units=3), Budget("3 epochs"), "epoch", 1, None, ("1 of 1 <u>",))

    shown = answer._repr_html_()

    assert "answered" in shown and "&lt;b&gt;" in shown
    assert not any(tag in shown for tag in ("<b>", "<i>", "<u>", "<script"))
