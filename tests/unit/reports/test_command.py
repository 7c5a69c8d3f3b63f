"""``shoestring report``, as it is typed."""

from __future__ import annotations

import json

import pytest

from shoestring.cli import main
from shoestring.errors import StoreReadOnly


def typed(capsys, *arguments):
    """Returns the exit code, stdout and stderr of a command."""
    with pytest.raises(SystemExit) as ended:
        main(list(map(str, arguments)))
    said = capsys.readouterr()
    return ended.value.code or 0, said.out, said.err


def test_it_says_what_it_wrote(capsys, failed):
    code, out, _ = typed(capsys, "report", failed.folder)

    assert code == 0
    assert out.startswith(f"report    {failed.folder / 'report.html'}")
    assert "checklist.md" in out and "trials.csv" in out


def test_markdown_and_text_are_printed(capsys, failed):
    assert typed(capsys, "report", failed.folder, "--format", "markdown")[1].startswith("# Which configuration")
    assert typed(capsys, "report", failed.folder, "--format", "text")[1].startswith("run      ")


def test_a_project_is_summed_up(capsys, folder, failed):
    code, out, _ = typed(capsys, "report", "--project", folder, "--json")

    assert code == 0
    assert json.loads(out)["report"] == str(folder / "project.html")


def test_what_makes_no_sense_is_refused(capsys, failed):
    assert typed(capsys, "report", failed.folder, "--format", "pdf")[0] == 2
    code, _, err = typed(capsys, "report", failed.folder, "--project", failed.folder)

    assert code == 2 and "leave out the run" in err


@pytest.mark.parametrize("error", [StoreReadOnly("it cannot be written."), OverflowError("too large\nby far")])
def test_a_report_that_cannot_be_written_leaves_the_answer(capsys, monkeypatch, tmp_path, error):
    def refuse(_run):
        raise error

    monkeypatch.setattr("shoestring.reports.write", refuse)
    (tmp_path / "f.py").write_text("def train(trial):\n    for _ in trial.steps(): trial.report(loss=1.0)\n")
    asked = ("x=0:1", "--metric", "loss", "--goal", "min", "--budget", "2 epochs", "--runner", "inline", "--confirm", "none", "--json")
    code, out, err = typed(capsys, "search", tmp_path / "f.py:train", *asked, "--store", tmp_path / "run")

    assert code == 0 and json.loads(out)["status"] == "answered"
    assert err.splitlines()[-1].startswith("The answer is saved, but its report was not written: ")
