"""The wheel: what is in it, and that a user's type checker sees the types."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SITE = Path(sys.executable).parents[1] / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
PROGRAM = """
import shoestring as ss

def train(trial: ss.Trial) -> None:
    for _ in trial.steps():
        trial.report(loss=float(trial.config["x"]))

answer = ss.search(train, {"x": ss.Float(0, 1)}, metric="loss", goal="%s", budget="3 epochs", runner="inline", confirm=False)
assert answer.best is not None
value: float = answer.best.value
"""


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    bare = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, env=bare)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built from this tree."""
    folder = tmp_path_factory.mktemp("wheel")
    done = run(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "--no-index", "-w", folder, ROOT)
    assert done.returncode == 0, done.stderr
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def python(wheel, tmp_path_factory):
    """The interpreter of a new environment that holds the wheel, and this environment's dependencies."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False)
    site = folder / SITE.relative_to(SITE.parents[2])
    zipfile.ZipFile(wheel).extractall(site)
    (site / "dependencies.pth").write_text(f"{SITE}\n")
    return folder / "bin" / "python"


@pytest.mark.slow
def test_the_wheel_holds_the_package_and_nothing_else(wheel):
    names = zipfile.ZipFile(wheel).namelist()

    assert "shoestring/py.typed" in names
    assert {name.split("/")[0].split("-")[0] for name in names} == {"shoestring"}


@pytest.mark.slow
def test_the_installed_package_runs_from_its_own_files(python, tmp_path):
    done = run(python, "-I", "-c", "import shoestring; print(shoestring.__file__)")

    assert Path(done.stdout.strip()).is_relative_to(python.parents[1]), done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(("goal", "code"), [("min", 0), ("lowest", 1)])
def test_a_type_checker_sees_the_types_in_a_users_program(python, tmp_path, goal, code):
    program = tmp_path / "program.py"
    program.write_text(PROGRAM % goal)

    done = run(
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "--config-file=",
        "--cache-dir",
        python.parent / "cache",
        "--python-executable",
        python,
        program,
    )

    assert done.returncode == code, done.stdout
    assert ("goal" in done.stdout) == bool(code)
