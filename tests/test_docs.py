"""The pages do what they say: every block and command runs, every link leads somewhere. Long budgets are replaced by a few epochs.

A block is left out only by a comment before it that says why: ``<!-- not run: reason -->``. ``<!-- part of: file -->`` marks an
excerpt, ``<!-- with: postgresql -->`` what is run with a server of the tests' own. The commands of the README and of the examples train
the real thing; those of the tutorial, to save time, a stand-in without torch.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

import shoestring
from shoestring import datasets
from shoestring.cli import main

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
PAGES = [*sorted(ROOT.glob("*.md")), *sorted(ROOT.glob("docs/**/*.md"))]
LONGEST_S = 300  # of one command, on a machine that does much else; a hang, not a measure
SMALL, ENDLESS, HORIZON = 12, 5_000, 3

STAND_IN = """
import random


def train(trial):
    state = {"accuracy": 0.0, "loss": 1.0}
    for _ in trial.steps(state=state):
        state["accuracy"] += (1 - state["accuracy"]) * random.random() * trial.config.get("lr", 0.1)
        state["loss"] = 2 * trial.config.get("width", 32) ** -0.5 * (1 + 0.03 * random.gauss(0, 1))
        trial.report(**state)
"""

_BLOCK = re.compile(r"(?:^<!-- (?P<mark>[^>]*) -->\n)?^```(?P<language>\w+)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r"^(?:#   |    |\$ )?(?=shoestring )(?P<command>(?:.*\\\n)*.*)$", re.MULTILINE)
_LINK = re.compile(r"\]\((?!https?:)(?P<path>[^)\s#]*)(?:#(?P<heading>[^)\s]*))?\)")


@dataclass(frozen=True)
class Block:
    language: str
    body: str
    mark: str


def blocks(page: Path) -> list[Block]:
    return [Block(found["language"], found["body"], found["mark"] or "") for found in _BLOCK.finditer(page.read_text(encoding="utf-8"))]


def commands(text: str) -> list[str]:
    """Returns the shoestring commands in a text, each on one line."""
    return [re.sub(r"\s*\\\n#?\s*", " ", found["command"]) for found in _COMMAND.finditer(text)]


def shortened(text: str, n_units: int = SMALL) -> str:
    """Returns a command or program with budgets in time, or of more than 100 units, replaced by a few units, and the horizon lowered."""
    unit = found[1] if (found := re.search(r"--unit (\w+)", text)) else "epoch"
    text = re.sub(r'(budget[ =])(?:"?\d+[smh]"?|"\d{3,} \w+")', rf'\g<1>"{n_units} {unit}s"', text)
    return re.sub(r"(horizon[ =])(\d+)", lambda found: f"{found[1]}{min(int(found[2]), HORIZON)}", text)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with the examples, as a clone has them, in which the commands are those of this environment."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples", ignore=shutil.ignore_patterns("__pycache__", "runs"))
    monkeypatch.chdir(ROOT)
    data = datasets.find("fashion-mnist")
    if data:
        monkeypatch.setenv("SHOESTRING_DATA", str(data.parent.resolve()))
    monkeypatch.delenv("SHOESTRING_RUNS")
    monkeypatch.setenv("PATH", os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(command: str, n_units: int = SMALL) -> None:
    """Runs a command as the command line would; where its comment says Ctrl-C, in a process that gets one after its first report."""
    expected = int(found[1]) if (found := re.search(r"#.*exit code (\d)", command)) else 0
    if "# Ctrl-C" in command:
        assert interrupted(shortened(command, ENDLESS)) == expected, command
        return
    arguments = shlex.split(re.sub(r"\$\(.*?\)", "now", shortened(command, n_units)), comments=True)
    with pytest.raises(SystemExit) as exit_:
        main(arguments[1:])
    assert exit_.value.code == expected, arguments


def interrupted(command: str) -> int:
    with subprocess.Popen(shlex.split(command, comments=True), stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            next(line for line in process.stderr if line.startswith("trial "))
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=LONGEST_S)
            return process.returncode
        finally:
            process.kill()


def run_block(block: Block, folder: Path) -> None:
    if block.mark.startswith("not run: "):
        assert len(block.mark) > len("not run: a reason"), "say why"
    elif block.mark.startswith("part of: "):
        assert block.body in (ROOT / block.mark.removeprefix("part of: ")).read_text(encoding="utf-8")
    elif block.language == "python":
        (folder / "train.py").write_text(shortened(block.body), encoding="utf-8")
        subprocess.run([sys.executable, "train.py"], check=True, timeout=LONGEST_S)
    elif block.language in ("console", "sh"):
        for command in commands(block.body):
            run(command)


def stories() -> Iterator[object]:
    """Yields what is run in one folder: each block of the README by itself, all blocks of another page one after the other."""
    for i, block in enumerate(blocks(README)):
        if block.language in ("python", "console"):
            yield pytest.param([block], id=f"README-{i}")
    for page in PAGES:
        if page != README and blocks(page):
            yield pytest.param(blocks(page), id=page.stem)


@pytest.mark.slow
@pytest.mark.parametrize("story", list(stories()))
def test_every_block_runs(story, folder, request):
    if request.node.callspec.id == "tutorial":
        (folder / "examples" / "digits.py").write_text(STAND_IN, encoding="utf-8")

    for block in story:
        if block.mark == "with: postgresql":
            block = replace(block, body=block.body.replace("postgresql://me@db.lab/studies", request.getfixturevalue("postgresql").url))
        run_block(block, folder)


def commands_of_examples() -> Iterator[tuple[str, str]]:
    """Yields each example with the command that it gives or `make` has for it, but for those that the README runs."""
    shown = {re.sub(r" --store \S+", "", command) for block in blocks(README) for command in commands(block.body)}
    for path in sorted([*ROOT.glob("examples/*.py"), *ROOT.glob("examples/script/*")]):
        given = commands(path.read_text(encoding="utf-8")) or commands_of_make(path)
        assert given, f"{path} gives no command"
        yield from ((path.name, command) for command in given if command not in shown)


def commands_of_make(path: Path) -> list[str]:
    recipes = (ROOT / "Makefile").read_text(encoding="utf-8").replace("\t@$(VENV)/bin/", "    ").replace("$$", "$")
    return [command for command in commands(recipes) if path.name in command]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "command"), list(commands_of_examples()), ids=lambda text: text.split(" ")[0])
def test_every_example_runs(name, command, folder):
    if name == "fashion_mnist.py" and "SHOESTRING_DATA" not in os.environ:
        pytest.skip("Fashion-MNIST is not on this machine")

    run(command, n_units=3)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page):
    prose = re.sub(r"`[^`]*`", "", _BLOCK.sub("", page.read_text(encoding="utf-8")))

    for link in _LINK.finditer(prose):
        target = page.parent / link["path"] if link["path"] else page
        assert target.exists(), link[0]
        assert not link["heading"] or link["heading"] in headings(target), link[0]


def headings(page: Path) -> set[str]:
    """Returns the anchors of a page's headings."""
    lines = re.findall(r"^#+ (.*)$", _BLOCK.sub("", page.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", line.lower()).replace(" ", "-") for line in lines}


def test_the_readme_is_short():
    assert len(README.read_text(encoding="utf-8").splitlines()) <= 120


def test_the_readme_has_a_row_for_every_command():
    from shoestring.cli.commands import app

    rows = re.findall(r"^\| `(\w+)` \|", README.read_text(encoding="utf-8"), re.MULTILINE)

    assert rows == [command.name or command.callback.__name__ for command in app.registered_commands if not command.hidden]


def test_every_make_target_that_the_pages_name_exists():
    targets = re.findall(r"^(\w+):.*##", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    pages = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)

    assert set(re.findall(r"(?:`|^ *)make (\w+)(?:`|  )", pages, re.MULTILINE)) <= {*targets}


def test_changelog_and_metadata_have_the_version_of_the_package():
    released = re.findall(r"^## \[(\d[^\]]*)\]", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    metadata = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

    assert released[0] == shoestring.__version__ == metadata["project"]["version"]
