"""How Shoestring speaks: no sentence that a user reads holds a phrase that the field has a better word for."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "SECURITY.md", *(page for page in sorted(ROOT.glob("docs/**/*.md")) if page.parent.name != "decisions")]
MODULES = sorted(ROOT.glob("src/shoestring/**/*.py"))
INSTEAD = {  # what is said in its place
    r"\b(?:go|goes|going|went|gone) on\b(?! (?:forever|one|several|all))": "resume, continue",
    r"\b(?:is|are) no (?!such|longer|more)\w+": "must be ..., got ...; is not a ...",
    r"\bmakes? no sense\b": "must be ..., got ...",
    r"\bof \S+ less \w+": "a - b; a minus b",
    r"\bin vain\b": "lost, repeated",
    r"\bkept in\b": "saved in",
    r"\b(?:set|put) aside\b": "reserved, dropped",
    r"\bat hand\b": "given, available",
    r"\btakes? up\b": "resume, run",
    r"\bshrunk\b": "bias-corrected",
    r"\bexaggerated\b": "inflated",
}
ALLOWED = re.compile(r"\b[Tt]here (?:is|are) no\b|\bis no worse\b|self\.shrunk")  # plain English; a name in a format


def said(module: Path) -> Iterator[tuple[int, str]]:
    """Yields the texts of a module that are not documentation of its code, with their lines."""
    tree = ast.parse(module.read_text(encoding="utf-8"))
    inner = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    documented = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield node.lineno, ast.unparse(node)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inner | documented:
            yield node.lineno, node.value


def found_in(text: str) -> list[str]:
    plain = ALLOWED.sub("", text)
    return [f"{found[0]!r}; say {better}" for phrase, better in INSTEAD.items() for found in re.finditer(phrase, plain)]


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT / "src" / "shoestring")))
def test_what_a_module_says_is_plain_english(module):
    assert not [f"line {line}: {found}" for line, text in said(module) for found in found_in(text)]


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_a_page_says_is_plain_english(page):
    prose = re.sub(r"^```.*?^```|`[^`]*`", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)

    assert not found_in(prose)


@pytest.mark.parametrize("text", ["alpha=2 is no error rate", "the same command goes on", "2 units were trained in vain"])
def test_such_a_phrase_would_be_found(text):
    assert found_in(text)
