"""The pages do what they say: every block and command runs, every link leads somewhere. Long budgets are replaced by a few epochs.

A block is left out only by a comment before it that says why: ``<!-- not run: reason -->``. ``<!-- part of: file -->`` marks an excerpt.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import shoestring
from shoestring import datasets

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
PAGES = [*sorted(ROOT.glob("*.md")), *sorted(ROOT.glob("docs/**/*.md"))]
LONGEST_S = 300  # of one command, on a machine that does much else; a hang, not a measure
SMALL, ENDLESS, HORIZON = 24, 5_000, 9

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


def run(command: str) -> None:
    """Runs a command in a shell; Ctrl-C reaches it after its first report, where the command's comment says so."""
    expected = int(found[1]) if (found := re.search(r"#.*exit code (\d)", command)) else 0
    interrupted = "# Ctrl-C" in command
    short = shortened(command, ENDLESS if interrupted else SMALL)
    with subprocess.Popen(["bash", "-c", f"exec {short}"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        try:
            said = []
            for line in process.stdout:
                said.append(line)
                if interrupted and line.startswith("trial "):
                    process.send_signal(signal.SIGINT)
                    interrupted = False
            code = process.wait(LONGEST_S)
        finally:
            process.kill()
    assert code == expected, f"{short}\n{''.join(said)}"


def run_block(block: Block, folder: Path) -> None:
    if block.mark.startswith("not run: "):
        assert len(block.mark) > len("not run: a reason"), "say why"
    elif block.mark.startswith("part of: "):
        assert block.body in (ROOT / block.mark.removeprefix("part of: ")).read_text(encoding="utf-8")
    elif block.language == "python":
        (folder / "train.py").write_text(shortened(block.body), encoding="utf-8")
        run(f"{sys.executable} train.py")
    elif block.language in ("console", "sh"):
        for command in commands(block.body):
            run(command)


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page)], ids=lambda page: page.name)
def test_every_block_runs(page, folder):
    for block in blocks(page):
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

    run(re.sub(r'"24 ', '"9 ', shortened(command)))


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

    assert rows == [command.name or command.callback.__name__ for command in app.registered_commands]


def test_every_make_target_that_the_pages_name_exists():
    targets = re.findall(r"^(\w+):.*##", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    pages = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)

    assert set(re.findall(r"(?:`|^ *)make (\w+)(?:`|  )", pages, re.MULTILINE)) <= {*targets}


def test_changelog_and_metadata_have_the_version_of_the_package():
    released = re.findall(r"^## \[(\d[^\]]*)\]", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    metadata = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

    assert released[0] == shoestring.__version__ == metadata["project"]["version"]
