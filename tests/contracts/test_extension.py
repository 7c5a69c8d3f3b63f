"""A package that adds a member to every room, installed beside Shoestring as anybody's would be: ``examples/extension``."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

import shoestring as ss
from shoestring.errors import UnknownQuestion
from shoestring.machine import mark as marks
from shoestring.runners.protocol import Post
from shoestring.store.address import Address
from shoestring.testing import RUNNER_CHECKS, SAMPLER_CHECKS, SCHEDULER_CHECKS, STORE_CHECKS

pytestmark = pytest.mark.slow

EXTENSION = Path(__file__).parents[2] / "examples" / "extension"
SCRIPT = """
def train(trial):
    for epoch in trial.steps(state={}):
        trial.report(loss=(trial.config.get("x", 0) - 0.3) ** 2 + trial.seed % 7 / 100 + 1 / (epoch + 1))
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A folder with the package in it, as pip installs it."""
    folder = tmp_path_factory.mktemp("site")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "--target", folder, EXTENSION], check=True, stdin=subprocess.DEVNULL)
    return folder


@pytest.fixture
def member(site, monkeypatch):
    """What finds a member of the package in this process."""
    monkeypatch.syspath_prepend(site)
    importlib.invalidate_caches()
    return lambda module, name: getattr(importlib.import_module(f"shoestring_extension.{module}"), name)


@pytest.fixture
def python(site, tmp_path):
    """What runs a program where the package is installed."""
    (tmp_path / "train.py").write_text(SCRIPT)

    def run(program, *words):
        command = [sys.executable, "-c", f"import sys; sys.path[:0] = [{str(site)!r}, '.']; {program}", *words]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)

    return run


@pytest.fixture
def shoestring(python):
    """The command line, where the package is installed."""
    return lambda *words: python("from shoestring.cli import main; main()", *words)


@pytest.mark.parametrize("check", SAMPLER_CHECKS, ids=lambda check: check.__name__)
def test_its_sampler_keeps_the_promises(member, check):
    check(member("sampler", "Antithetic"))


@pytest.mark.parametrize("check", SCHEDULER_CHECKS, ids=lambda check: check.__name__)
def test_its_scheduler_keeps_the_promises(member, check):
    check(member("scheduler", "Halfway"))


@pytest.mark.parametrize("check", RUNNER_CHECKS, ids=lambda check: check.__name__)
def test_its_runner_keeps_the_promises(member, check, tmp_path):
    check(lambda target: member("runner", "Logged")(Post(target, 2, None, marks.new(), None)), tmp_path)


@pytest.mark.parametrize("check", STORE_CHECKS, ids=lambda check: check.__name__)
def test_its_database_keeps_the_promises(member, check, tmp_path):
    address = Address.new(f"json:///{tmp_path}", tmp_path)
    check(lambda folder, writing: member("store", "JsonDatabase")(folder, address, writing=writing), tmp_path)


def test_all_are_named_on_the_command_line(shoestring, tmp_path):
    asked = ["search", "train.py:train", "x=0:1", "--metric", "loss", "--goal", "min", "--horizon", "4", "--store", "runs/all"]
    members = ["--sampler", "antithetic", "--scheduler", "halfway", "--runner", "logged", "--database", f"json:///{tmp_path}"]

    stopped = shoestring(*asked, *members, "--budget", "20 epochs")
    done = shoestring(*asked, *members[:-2], "--budget", "40 epochs", "--json")

    assert "trial 0, units 0 to 2" in stopped.stderr
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["spent"]["epochs"] == 40
    assert shoestring("report", "runs/all").returncode == 0


def test_its_question_is_asked_and_reported_with_its_own_table(python, shoestring):
    asking = "mean('train.py:train', metric='loss', least=0.1, n=5, budget='5 epochs', store='runs/mean')"

    asked = python(f"from shoestring_extension.question import mean; print({asking})")
    report = shoestring("report", "runs/mean", "--format", "markdown")

    assert "which is enough" in asked.stdout, asked.stderr
    assert "Every run." in report.stdout, report.stderr


def test_without_the_package_a_run_says_what_it_lacks(python, tmp_path):
    asking = "mean('train.py:train', metric='loss', least=0.1, n=5, budget='5 epochs', store='runs/mean')"
    python(f"from shoestring_extension.question import mean; {asking}")

    with pytest.raises(UnknownQuestion, match="a question of kind 'mean' is not known here; install the package that adds it"):
        ss.load(tmp_path / "runs" / "mean")
