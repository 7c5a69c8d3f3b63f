"""Random and wrong command lines: one sentence and an exit code, never a traceback of ours, and nothing stored is harmed."""

from __future__ import annotations

import io
import os
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shoestring import cli

TARGET = """
def train(trial):
    for _ in trial.steps():
        trial.report(loss=float(len(str(trial.config))))

def raises(trial):
    raise RuntimeError("no")

number = 3
"""
GOOD = [
    "search",
    "target.py:train",
    "x=0:1",
    "--metric",
    "loss",
    "--goal",
    "min",
    "--budget",
    "4 epochs",
    "--horizon",
    "2",
    "--runner",
    "inline",
]


@pytest.fixture(scope="module", autouse=True)
def _folder(tmp_path_factory):
    """A folder with a target, a module that does not import, and a run."""
    folder = tmp_path_factory.mktemp("fuzz")
    (folder / "target.py").write_text(TARGET)
    (folder / "broken.py").write_text("import no_such_module\n")
    (folder / "taken").mkdir()
    (folder / "taken" / "thesis.tex").write_text("42")
    before = Path.cwd()
    os.chdir(folder)
    assert shoestring(*GOOD, "--store", "run")[0] == 0
    yield
    os.chdir(before)


def shoestring(*arguments: str) -> tuple[int, str, str]:
    """Returns the exit code, stdout and stderr of a command; anything but an exit is an error."""
    out, err = io.TextIOWrapper(io.BytesIO(), "utf-8", "surrogateescape"), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as ended:
        cli.main(arguments)
    out.seek(0)
    return ended.value.code or 0, out.read(), err.getvalue()


WORDS = (
    "x=0:1|x=log:1e-3:1|x=int:1:9|x=1:0|x=log:0:1|x=a,b|x|=|x==|x=0:1?y=1|target.py:train|target.py:raises|target.py:number|target.py:nothing"
    "|broken.py:train|nowhere.py:f|json:loads|a:b:c|:||run|taken|no such|/|4 epochs|1 epoch|0.2s|0s|-1s|1e999s|4 epochs, 1m|two weeks|1 usd"
    "|1 gpu-hour|$1|nan s|loss|los|min|max|3|0|-1|1e3|nan|inf|99999999999999999999|tpe|grid|random|sobol|gp|cma-es|halving|fixed|hyperband"
    "|bogus|process?|inline|replay|2.5/gpu-hour|csv|jsonl|optuna|text|ledger|a\nb|\x1b[31m|ü 日本|\udcff|{x}|{|{nope}|(|(.)"
)
OPTIONS = (
    "--space --metric --goal --budget --horizon --unit --seed --scheduler --sampler --eta --trials --workers --pattern --price --watts"
    " --grace --store --json --format --what --bogus --watc"
)
WORD, OPTION = st.sampled_from(WORDS.split("|")), st.sampled_from(OPTIONS.split())
BASE = st.sampled_from(
    [
        GOOD,
        ["plan", *GOOD[1:]],
        ["search"],
        ["status"],
        ["report"],
        ["export"],
        ["resume"],
        ["status", "run"],
        ["export", "run"],
        ["resume", "run"],
    ]
)


@given(base=BASE, more=st.lists(st.one_of(WORD, st.tuples(OPTION, WORD)), max_size=3))
@settings(max_examples=120)
def test_no_command_line_ends_in_a_traceback(base, more, tmp_path_factory):
    arguments = [*base, *(part for item in more for part in (item if isinstance(item, tuple) else (item,)))]
    if base[0] in ("search", "plan") and "--store" not in arguments:
        arguments += ["--store", str(tmp_path_factory.mktemp("store") / "run")]

    code, _, err = shoestring(*arguments)

    assert code in (0, 2, 3, 4, 5), err
    assert "Traceback (most recent call last)" not in err or "broken.py" in err


BAD = {
    "unknown metric": (["--metric", "los"], "Did you mean 'loss'?"),
    "low above high": (["x=1:0"], "low"),
    "log of zero": (["x=log:0:1"], "log"),
    "empty choice": (["x=,"], "x="),
    "less than one unit": (["--budget", "0 epochs"], "above zero"),
    "half a unit": (["--budget", "4.5 epochs"], "whole"),
    "less than a full trial": (["--horizon", "9"], "cannot carry one trial to horizon=9; needs 9"),
    "unknown unit of measure": (["--budget", "4 epocs"], "Did you mean 'epoch'?"),
    "other unit": (["--unit", "step"], "--unit epoch"),
    "a unit that means a time": (["--unit", "weeks"], "has another meaning"),
    "a unit of two words": (["--unit", "two words"], "must be one word"),
    "unknown scheduler": (["--scheduler", "halvng"], "Did you mean 'halving'?"),
    "unknown sampler": (["--sampler", "tpee"], "Did you mean 'tpe'?"),
    "unknown runner": (["--runner", "proces"], "Did you mean 'process'?"),
    "unknown goal": (["--goal", "minn"], "Did you mean 'min'?"),
    "money without a price": (["--budget", "5 usd"], "--price"),
    "no folder of a run": (["--store", "taken"], "holds no run"),
    "another question": (["--store", "run", "--seed", "7"], "another question"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_gets_one_sentence_and_harms_nothing(case, tmp_path):
    wrong, says = BAD[case]
    base = [
        part
        for part in GOOD
        if not (wrong[0].startswith("x=") and part == "x=0:1") and not ("--budget" in wrong and part in ("--budget", "4 epochs"))
    ]
    before = {path: path.read_bytes() for path in [*Path("run").glob("study.*"), *Path("taken").iterdir()]}

    code, out, err = shoestring(*base, *([] if "--store" in wrong else ["--store", str(tmp_path / "run")]), *wrong)

    assert (code, out) == (2, "")
    assert err.startswith("shoestring: ") or case == "unknown metric"
    assert says in err
    assert err.count("\n") == 1 or case == "unknown metric"
    assert before == {path: path.read_bytes() for path in before}


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ("target.py:trian", "Did you mean 'train'?"),
        ("target.py:number", "must be a function"),
        ("nowhere.py:train", "there is no file"),
        ("nowhere:train", "there is no module"),
        ("target.py", "write file.py:function"),
    ],
)
@pytest.mark.parametrize("runner", ["inline", "process"])
def test_a_target_that_is_none_is_named(target, says, runner, tmp_path):
    code, _, err = shoestring("search", target, *GOOD[2:-1], runner, "--store", str(tmp_path / "run"))

    assert code == 2
    assert says in err
    assert "Traceback" not in err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("runner", ["inline", "process"])
def test_a_target_that_does_not_import_shows_its_own_traceback(runner, tmp_path):
    code, _, err = shoestring("search", "broken.py:train", *GOOD[2:-1], runner, "--store", str(tmp_path / "run"))

    assert code == 2
    assert "No module named 'no_such_module'" in err
    assert 'broken.py", line 1' in err
    assert "runners/" not in err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (["cat", "{lrr}"], "Did you mean '{x}'?"),
        (["cat", "{x"], "brace"),
        (["cat", "{0}"], "unknown placeholder"),
        ([], "what to train"),
    ],
)
def test_a_template_with_a_mistake_is_refused(command, says, tmp_path):
    code, _, err = shoestring("search", *GOOD[2:], "--store", str(tmp_path / "run"), "--", *command)

    assert code == 2
    assert says in err or "unknown placeholder" in err
    assert not (tmp_path / "run").exists()
