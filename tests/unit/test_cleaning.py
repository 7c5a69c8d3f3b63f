"""No name, message or metric steers what it is shown in: a terminal, a spreadsheet, Markdown, LaTeX, a page."""

from __future__ import annotations

import ast
import csv
import html
import io
import json
import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from rich.console import Console

import shoestring as ss
from shoestring import cli, reports
from shoestring.budget import Budget, Cost
from shoestring.cleaning import for_csv, for_latex, for_line, for_markdown, for_terminal
from shoestring.cli import main
from shoestring.cli.live import _view
from shoestring.engine.run import Run
from shoestring.reports.export import write_rows

STEERING = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
PIECES = ["\x1b[2J", "\x1b]8;;http://x\x07", "\x9b31m", "\r", "\n", "\t", "\u202e", "\udcff", "=", "+", "-", "@", "a", " ", "1", "%", "{"]
PIECES += ["[a](http://b)", "![i](j)", "<b>", "https://x.y/z", "www.x.y", "<http://x.y>", "# ", "1. ", "> ", "---", "```", "`", "*", "_"]
PIECES += ["|", "\\", "$x$", "&amp;", "~~", "==="]
hostile = st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=8).map("".join)


@given(hostile)
def test_nothing_steers_a_terminal(text):
    assert not STEERING.search(for_terminal(text)) and not STEERING.search(for_line(text))
    assert "\n" not in for_line(text)


@given(st.text(st.characters(categories=["L", "N", "P", "S", "Zs"])))
def test_ordinary_text_stays_as_it_is(text):
    assert for_terminal(text) == for_line(text) == text


@given(st.dictionaries(st.text(max_size=3), hostile | st.floats(allow_nan=False) | st.none(), max_size=3))
def test_what_is_json_stays_json(row):
    file = io.StringIO()
    write_rows([row], "jsonl", file)

    assert json.loads(file.getvalue()) == row and not STEERING.search(file.getvalue())
    assert json.loads(for_terminal(json.dumps(row))) == row


@given(hostile)
@example("=cmd|' /C calc'!A0")
@example("\t=1")
def test_no_cell_is_a_formula(text):
    file = io.StringIO()
    write_rows([{text or "name": text}], "csv", file)
    header, cells = csv.reader(io.StringIO(file.getvalue(), newline=""))

    for cell in (*header, *cells):
        assert not STEERING.search(cell) and (not cell.startswith(tuple("=+-@\t\r\n")) or isinstance(float(cell), float))


@given(st.one_of(st.integers(), st.floats(), st.none(), st.booleans()))
def test_numbers_stay_numbers(value):
    assert for_csv(value) is value
    assert for_csv(str(value)) == str(value)


@given(hostile)
def test_markdown_shows_a_text_and_obeys_nothing(text):
    line = for_markdown(text)
    rendered = MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(f"{line}\n")

    assert not re.search(r"https?://|(?<![\w\\])www\.", line) and "\n" not in line
    assert set(re.findall(r"<(\w+)", rendered)) <= {"p"}
    assert html.unescape(re.sub(r"</?p>", "", rendered)).split() == for_line(text).split()


@given(hostile)
def test_latex_sets_a_text_and_obeys_nothing(text):
    bare = re.sub(r"\\(text\w+|ldots)\{\}|\\[&%$#_{}]|\\ensuremath\{[^}]*\}", "", for_latex(text))

    assert not re.search(r"[\\&%$#_{}~^<>|\"]", bare) and not STEERING.search(bare)


CALC = "=cmd|'/C calc'!A0"
ESCAPE = "\x1b]0;owned\x07\x9b2J\u202e"


def train(trial):
    if trial.config["act"] == CALC:
        raise ValueError(f"{ESCAPE} ![](http://x/y.png) {CALC}")
    for _ in trial.steps():
        trial.report(**{f"loss{ESCAPE}": trial.config["x"], CALC: 1.0})


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run whose names and messages are all hostile."""
    folder = tmp_path_factory.mktemp("runs") / f"run{ESCAPE}"
    space = {"x": ss.Float(0, 1), "act": ss.Choice([f"[a](http://b){ESCAPE}", CALC])}
    ss.search(train, space, metric=f"loss{ESCAPE}", goal="min", budget="24 epochs", confirm=False, runner="inline", store=folder)
    return folder


@pytest.mark.parametrize(
    "words",
    [
        "status",
        "report",
        "report --format text",
        "report --format markdown",
        "export",
        "export --format jsonl",
        "export --what observations",
    ],
)
def test_no_command_lets_a_name_steer_the_terminal(run, capsys, words):
    command, *rest = words.split()
    with pytest.raises(SystemExit):
        main([command, str(run), *rest])
    out, err = capsys.readouterr()

    assert "u001b" in out and "0;owned" in out and not STEERING.search(out + err)


def test_no_answer_and_no_error_lets_a_name_steer_the_terminal(run, capsys):
    with pytest.raises(SystemExit):
        main(["status", f"nowhere{ESCAPE}"])
    space = {"x": ss.Float(0, 1), "act": ss.Choice(["a"])}
    answer = ss.search(train, space, metric=f"loss{ESCAPE}", goal="min", budget="2 epochs", runner="inline", store=":memory:")

    assert not STEERING.search("".join(capsys.readouterr()) + str(answer) + answer._repr_html_())
    assert "owned" in (run / "log.txt").read_text() + str(answer) and not STEERING.search((run / "log.txt").read_text())


def test_no_file_of_a_report_obeys_a_name(run):
    files = {path.name: path.read_bytes().decode() for path in reports.write_all(Run.read(run)) if path.suffix != ".pdf"}

    assert len(files) > 8 and not any(STEERING.search(text) for text in files.values())
    assert "](" not in files["report.md"].replace("\\](", "").replace("\\]", "") and "http://" not in files["report.md"]
    assert all(f"'{CALC}" in files[name] for name in ("trials.csv",)) and f",{CALC}" not in files["trials.csv"]


def test_the_live_view_reads_no_markup_in_a_name():
    name = f"[link=http://x][red]{ESCAPE}[/red]"
    trial = SimpleNamespace(id=1, arm=name, told=(1, 2), target=3, config={"act": name})
    ledger = SimpleNamespace(spent=Cost, budget=Budget("3 epochs"))
    study = SimpleNamespace(ledger=ledger, question=SimpleNamespace(unit="epoch"), progress=name, trials={1: trial}, running=[trial])
    console = Console(file=io.StringIO(), width=400, no_color=True)

    console.print(_view(study))

    assert console.file.getvalue().count("[link=http://x][red]") == 3 and not STEERING.search(console.file.getvalue())


@pytest.mark.parametrize("path", sorted(Path(cli.__file__).parent.glob("*.py")), ids=lambda path: path.name)
def test_the_command_line_says_everything_in_one_place(path):
    calls = (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call))
    spoken = [
        ast.unparse(call) for call in calls if ast.unparse(call.func) in ("typer.echo", "print", "sys.stdout.write", "sys.stderr.write")
    ]

    assert path.name == "saying.py" or all(call.startswith(("print(for_terminal", "print(json.dumps")) for call in spoken)


def test_no_error_lets_a_name_steer_the_terminal():
    with pytest.raises(ss.ShoestringError) as error:
        ss.search("f.py:train", {"x": ss.Float(0, 1)}, metric="loss", goal=ESCAPE, budget="2 epochs")

    assert "owned" in str(error.value) and not STEERING.search(str(error.value))
