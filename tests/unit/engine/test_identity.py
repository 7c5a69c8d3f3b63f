"""What was run is part of a study: changed code is noticed, whatever way it is named, and nothing else is."""

from __future__ import annotations

import functools
import importlib
import json
import linecache
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import shoestring as ss
from shoestring.engine.identity import changed, pieces_of, same_name
from shoestring.engine.sources import is_own
from shoestring.errors import DifferentQuestion
from shoestring.runners.arms import Arms
from shoestring.values.answer import Status

PROGRAM = """import shoestring as ss
import torch_free_helper as helper
from package import part
RATE = 0.5
SEED = [1]
SEED.append(2)
UNUSED = 1

def scale(x):
    return x * RATE

class Net:
    width = len(SEED)

def train(trial):
    net = Net()
    for _ in trial.steps():
        trial.report(loss=scale(trial.config["x"]) + helper.add(part.ONE))

answer = ss.search(train, {}, metric="loss", goal="min", budget="10 units") if 0 else None

if __name__ == "__main__":
    print("10 units")
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A small project in the current folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    (tmp_path / "program.py").write_text(PROGRAM)
    (tmp_path / "torch_free_helper.py").write_text("def add(x):\n    return x + 1\n")
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "__init__.py").write_text("from .deep import TWO\n")
    (tmp_path / "package" / "deep.py").write_text("TWO = 2\n")
    (tmp_path / "package" / "part.py").write_text("from package.deep import TWO\nONE = TWO - 1\n")
    yield tmp_path
    for name in ("program", "torch_free_helper", "package", "package.part", "package.deep"):
        sys.modules.pop(name, None)


def edit(path, before, after):
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))


@pytest.mark.parametrize(
    ("file", "before", "after", "said"),
    [
        ("program.py", "* RATE", "/ RATE", "scale in program.py"),
        ("program.py", "RATE = 0.5", "RATE = 0.25", "RATE in program.py"),
        ("program.py", "append(2)", "append(3)", "SEED in program.py"),
        ("program.py", "width = len", "width = 1 + len", "Net in program.py"),
        ("program.py", "loss=scale", "loss=-scale", "train in program.py"),
        ("torch_free_helper.py", "x + 1", "x + 2", "torch_free_helper.py"),
        ("package/part.py", "TWO - 1", "TWO", "package/part.py"),
        ("package/deep.py", "= 2", "= 3", "package/deep.py"),
    ],
)
def test_an_edit_of_what_training_reaches_is_named(project, file, before, after, said):
    then = pieces_of("program.py:train")
    edit(project / file, before, after)

    assert changed(then, pieces_of("program.py:train")) == [said]


@pytest.mark.parametrize(
    ("before", "after"),
    [("10 units", "20 units"), ("UNUSED = 1", "UNUSED = 2"), ("SEED = [1]\n", "# a comment\n\nSEED = [1]\n"), ("print(", "print('!' +")],
)
def test_an_edit_of_what_it_does_not_reach_is_none(project, before, after):
    then = pieces_of("program.py:train")
    edit(project / "program.py", before, after)

    assert changed(then, pieces_of("program.py:train")) == []


def test_a_function_is_one_target_however_it_is_named(project):
    by_file, by_module = pieces_of("program.py:train"), pieces_of("program:train")
    imported = pieces_of(importlib.import_module("program").train)

    assert by_file == by_module == imported and len(by_file) >= 8
    assert all(same_name("a/program.py:train", name) for name in ("program:train", "program.py:train", "x.program:train"))
    assert not same_name("program.py:train", "program.py:other") and not same_name("python a.py", "python b.py")


def maker(rate):
    def train(trial):
        return rate

    return train


class Trainer:
    def __init__(self, width):
        self.width = width

    def __call__(self, trial):
        return self.width

    def fit(self, trial):
        return -self.width


@pytest.mark.parametrize(
    "make",
    [maker, Trainer, lambda n: Trainer(n).fit, lambda n: functools.partial(maker, n), lambda n: functools.partial(maker, rate=n)],
    ids=["closure", "callable", "method", "partial", "keywords"],
)
def test_what_a_callable_was_made_with_is_part_of_it(make):
    assert pieces_of(make(1)) and changed(pieces_of(make(1)), pieces_of(make(1))) == []
    assert len(changed(pieces_of(make(1)), pieces_of(make(2)))) == 1


def test_a_partial_is_another_target_than_its_function():
    assert changed(pieces_of(maker), pieces_of(functools.partial(maker, 1))) == ["arguments"]


def test_lambdas_are_told_apart():
    first = lambda trial: 1  # noqa: E731
    second = lambda trial: 2  # noqa: E731

    assert changed(pieces_of(first), pieces_of(second)) == ["<lambda> in test_identity.py"]


@pytest.mark.parametrize("in_arms", [False, True])
def test_the_files_that_a_command_names_are_part_of_it(project, in_arms):
    script = ss.Script((sys.executable, "program.py", "--lr={x}", "--conf=conf.yaml"), None, "loss")
    target, prefix = (Arms({"a": script}), "arm a, ") if in_arms else (script, "")
    (project / "conf.yaml").write_text("x: 1\n")
    then = pieces_of(target)

    edit(project / "conf.yaml", "1", "2")
    edit(project / "program.py", "10 units", "20 units")  # a program runs all of it
    edit(project / "package" / "deep.py", "2", "3")
    assert changed(then, pieces_of(target)) == [prefix + name for name in ("program.py", "package/deep.py", "conf.yaml")]


@pytest.mark.parametrize("command", [("sh", "-c", "python program.py --lr {x}"), ("./run.sh", "{x}"), ("python", "-m", "program")])
def test_a_program_is_found_behind_a_shell(project, command):
    (project / "run.sh").write_text("cd .\nexec python 'program.py' $1 > results.txt\n")
    then = pieces_of(ss.Script(command, None, "loss"))
    edit(project / "torch_free_helper.py", "x + 1", "x + 2")

    assert changed(then, pieces_of(ss.Script(command, None, "loss"))) == ["torch_free_helper.py"]


@pytest.mark.parametrize("element", ["out.csv", "--data=out.npz", "missing.yaml", sys.executable, "/bin/sh"])
def test_data_and_what_a_command_writes_are_no_part_of_it(project, element):
    target = ss.Script(("python", "program.py", element), None, "loss")
    for name in ("out.csv", "out.npz"):
        (project / name).write_text("1")
    then = pieces_of(target)
    for name in ("out.csv", "out.npz", "missing.yaml"):
        (project / name).write_text("2")

    assert changed(then, pieces_of(target)) == [] and not any("sh" in key or "bin" in key for key in then)


def session(source):
    """Returns a function of a session without files."""
    space = {"__name__": "__main__"}
    exec(source, space)
    return space["train"]


@pytest.mark.parametrize("after", ["K = 2", "return x * 3", "report(b=1)"])
def test_a_function_without_a_file_is_known_by_its_code(after):
    source = "K = 1\ndef helper(x): return x * 2\ndef train(trial): trial.report(a=helper(K))\n"
    edited = source.replace({"K": "K = 1", "r": "return x * 2"}[after[0]] if after[:3] != "rep" else "report(a=helper(K))", after)

    assert changed(pieces_of(session(source)), pieces_of(session(source))) == []
    assert changed(pieces_of(session(source)), pieces_of(session(edited)))


def test_a_function_of_a_session_that_goes_into_a_file_is_the_same(tmp_path):
    source = "import math\nK = 1.5\ndef helper(x):\n    return x * math.pi\ndef train(trial):\n    trial.report(a=helper(K))\n"
    (tmp_path / "cells.py").write_text(source)
    linecache.cache["<cell>"] = (len(source), None, source.splitlines(keepends=True), "<cell>")
    space = {"__name__": "__main__"}
    exec(compile(source, "<cell>", "exec"), space)
    now = pieces_of(f"{tmp_path}/cells.py:train")

    assert changed(pieces_of(space["train"]), now) == [] and same_name("__main__:train", "cells.py:train")
    space["K"] = 2.5
    assert changed(pieces_of(space["train"]), now) == ["K in cells.py"]


@pytest.mark.parametrize("target", ["shoestring.systems.hyperband.training:train", "json:dumps", "nowhere.py:train", "nowhere:train"])
def test_what_is_installed_is_known_by_its_version_and_what_is_not_there_by_nothing(target):
    assert pieces_of(target) in ({"shoestring": ss.__version__}, {})


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=200))
def test_no_file_is_too_strange_to_be_looked_at(tmp_path, text):
    (tmp_path / "odd.py").write_text(text, encoding="utf-8", errors="replace")

    assert isinstance(pieces_of(f"{tmp_path}/odd.py:train"), dict)


def ask(folder, target, budget="4 epochs", **more):
    asked = {"metric": "loss", "goal": "min", "confirm": False, "sampler": "random", "runner": "inline"} | more
    return ss.search(target, {"x": ss.Float(0, 1)}, budget=budget, store=folder, **asked)


def test_a_kept_answer_says_so_and_changed_code_is_refused(tmp_path):
    (tmp_path / "f.py").write_text("def train(trial):\n    for _ in trial.steps(): trial.report(loss=1.0)\n")
    target, folder = f"{tmp_path}/f.py:train", tmp_path / "run"
    ask(folder, target)
    assert "nothing was run" in ask(folder, target).notes[0]

    edit(tmp_path / "f.py", "loss=1.0", "loss=2.0")
    for budget in ("4 epochs", "8 epochs"):
        with pytest.raises(DifferentQuestion, match=r"changed since .* train in f\.py.*accept_changes=True"):
            ask(folder, target, budget)
    accepted = ask(folder, target, "8 epochs", accept_changes=True)
    assert accepted.spent.units == 8 and "old and new code are mixed" in accepted.notes[-1]
    assert "old and new code are mixed" in "".join(ask(folder, target, "8 epochs").notes)


def test_a_fault_that_is_mended_before_anything_was_reported_bars_no_folder(tmp_path):
    (tmp_path / "f.py").write_text("def train(trial):\n    for _ in trial.steps(): trial.report(loss=nothing)\n")
    target = f"{tmp_path}/f.py:train"
    assert ask(tmp_path / "run", target, "20 epochs", horizon=2).status is Status.ALL_FAILED

    edit(tmp_path / "f.py", "nothing", "1.0")
    answer = ask(tmp_path / "run", target, "20 epochs", horizon=2)

    assert answer.best.value == 1.0 and "before any trial had reported" in answer.notes[-1]


def test_a_program_and_its_module_share_a_run(project):
    edit(project / "program.py", 'print("10 units")', "ask()")
    edit(project / "program.py", "answer =", f"def ask(): ask_({str(project / 'run')!r})\n\nanswer =")
    edit(project / "program.py", "UNUSED", "from functools import partial\nask_ = None\nUNUSED")
    edit(
        project / "program.py",
        "ask()\n",
        'ss.search(train, {"x": ss.Float(0, 1)}, metric="loss", goal="min", confirm=False, sampler="random", runner="inline", '
        'budget="4 epochs", store="run")\n',
    )
    subprocess.run([sys.executable, "program.py"], check=True, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})

    assert "nothing was run" in ask(project / "run", "program.py:train").notes[0]
    assert ask(project / "run", importlib.import_module("program").train, "6 epochs").spent.units == 6


def test_neither_the_library_nor_this_package_is_own_code():
    assert not is_own(Path(json.__file__))
    assert not is_own(Path(ss.__file__).parent / "systems" / "hyperband" / "training.py")
    assert is_own(Path(__file__))
