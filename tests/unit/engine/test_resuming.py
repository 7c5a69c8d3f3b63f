"""A folder that came from someone else: what it names is shown, and not run unasked."""

from __future__ import annotations

import json
import os
import platform
import shutil
from contextlib import closing

import pytest

import shoestring as ss
from shoestring.api import resume
from shoestring.cli import main
from shoestring.engine.run import Run
from shoestring.errors import DifferentQuestion, UsageError
from shoestring.reports import text
from shoestring.store.store import Store

pytestmark = pytest.mark.slow

TRAIN = "import pathlib\npathlib.Path('ran').touch()\ndef train(trial):\n    for _ in trial.steps(): trial.report(loss=1.0)\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A run that has begun and can be resumed; the file ``ran`` shows whether its code was imported since."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "f.py").write_text(TRAIN)
    ss.search(
        "f.py:train", {"x": ss.Float(0, 1)}, metric="loss", goal="min", budget="2 epochs", confirm=False, runner="inline", store="run"
    )
    change(tmp_path / "run", seal=True, budget=["4 epochs"])
    os.remove("ran")
    return tmp_path / "run"


def change(folder, seal=False, **changes):
    """Changes what a run's record says, with or without the seal of this machine."""
    from shoestring.engine.origin import made_here

    store = Store.create_or_open(folder)
    request = store.noted("request") | changes
    store.note("request", request | {"made": made_here(folder, request, ())} if seal else request)
    store.commit()
    store.close()


def test_a_run_of_ones_own_is_resumed_unasked(folder):
    assert resume(folder).spent.units == 4 and os.path.exists("ran")


@pytest.mark.parametrize(
    ("name", "value"),
    [("user", "mallory"), ("host", "elsewhere"), ("path", "/home/mallory/run"), ("seal", "0" * 64)],
)
def test_a_run_made_elsewhere_is_shown_and_not_run(folder, name, value):
    change(folder, made=Run.read(folder).request["made"] | {name: value})

    with pytest.raises(UsageError, match=r"Resuming it runs: f\.py:train \(in .*Give --yes \(yes=True\)"):
        resume(folder)
    assert not os.path.exists("ran")
    assert resume(folder, yes=True).spent.units == 4


@pytest.mark.parametrize("made", [None, 5, "x", {}])
def test_a_run_that_does_not_say_where_it_was_made_is_not_run(folder, made):
    change(folder, made=made)

    with pytest.raises(UsageError, match="Resuming it runs"):
        resume(folder)


def test_a_run_that_was_moved_asks_once(folder, tmp_path):
    moved = shutil.move(folder, tmp_path / "moved")

    with pytest.raises(UsageError, match=r"was made elsewhere \(path "):
        resume(tmp_path / "moved")
    resume(tmp_path / "moved", yes=True)
    assert resume(moved).spent.units == 4


def test_a_sampler_from_a_file_is_shown_and_not_run(folder):
    (folder.parent / "evil.py").write_text("open('evil-ran', 'w')\n")
    with closing(Store.create_or_open(folder)) as store:
        store.note("question", store.noted("question") | {"sampler": "evil.py:Sampler"})
        store.commit()

    with pytest.raises(UsageError, match=r"Resuming it runs: f\.py:train, evil\.py:Sampler \(in "):
        resume(folder)
    assert not os.path.exists("evil-ran")


EVIL = {"command": ["sh", "-c", "touch ran; echo 'a b'"], "pattern": None, "metric": "loss"}


def test_status_shows_what_resume_would_run(folder, capsys):
    change(folder, target=EVIL)

    assert "touch ran" in text(Run.read(folder))
    with pytest.raises(UsageError) as refusal:
        resume(folder)
    assert """runs: sh -c 'touch ran; echo '"'"'a b'"'"'' (in """ in str(refusal.value)
    with pytest.raises(DifferentQuestion, match="target"):
        resume(folder, yes=True)
    assert not os.path.exists("ran")


def test_an_arm_shows_what_resume_would_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arms = {name: ss.Script(("sh", "-c", 'echo "loss 1"'), "loss (.)", "loss") for name in "ab"}
    ss.compare(arms, metric="loss", goal="min", budget="8 epochs", runner="inline", store="run")
    change(tmp_path / "run", target={"arms": {"a": EVIL, "b": EVIL}})

    assert "touch ran" in Run.read(tmp_path / "run").question.arms[1].target
    with pytest.raises(UsageError, match="arm b: sh -c"):
        resume(tmp_path / "run")


def test_a_directory_that_is_gone_gives_a_sentence(folder, tmp_path):
    change(folder, seal=True, cwd=str(tmp_path / "gone"))

    with pytest.raises(UsageError, match=r"was started in .*/gone, which is not there\. Run its command again"):
        resume(folder)


@pytest.mark.parametrize(("words", "code"), [([], 2), (["--yes"], 0)])
def test_the_command_line_runs_it_only_if_told(folder, capsys, words, code):
    change(folder, made={**Run.read(folder).request["made"], "user": "\x1b[2Jmallory"})

    with pytest.raises(SystemExit) as ended:
        main(["resume", str(folder), "--json", *words])

    out, err = capsys.readouterr()
    assert (ended.value.code or 0) == code and os.path.exists("ran") == (code == 0)
    assert json.loads(out.splitlines()[-1])["status"] == ("answered" if code == 0 else "error")
    assert ("mallory" in err and "f.py:train" in err) == (code == 2)


@pytest.mark.parametrize(("typed", "code"), [("n\n", 2), ("y\n", 0)])
def test_on_a_terminal_it_asks(folder, monkeypatch, capsys, typed, code):
    change(folder, made={"host": platform.node()})
    monkeypatch.setattr("shoestring.cli.commands.sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("shoestring.cli.commands.sys.stderr.isatty", lambda: True)
    monkeypatch.setattr("typer.confirm", lambda said, **_: print(said) or typed == "y\n")

    with pytest.raises(SystemExit) as ended:
        main(["resume", str(folder)])

    assert (ended.value.code or 0) == code and os.path.exists("ran") == (code == 0)
    assert "Resuming it runs: f.py:train" in capsys.readouterr().out
