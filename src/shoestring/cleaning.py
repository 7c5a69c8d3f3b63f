"""Text from names, messages and metrics made harmless: one function for each place it is put, used by everything that puts it there.

None of them changes ordinary text. What a terminal, a spreadsheet, a renderer or a typesetter would obey is shown instead of obeyed.
"""

from __future__ import annotations

import re
from typing import TypeVar

T = TypeVar("T")

MOST = 10_000  # characters of a message that is stored

# Controls but line ends and tabs, lone surrogates, and what reorders or hides text; joiners stay, words and emoji need them.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]"
)
_FORMULA = tuple("=+-@\t\r\n＝＋－＠")
_MARKDOWN = re.compile(r"[\\`*\[\]<>|~$&]|(?<!\w)_|_(?!\w)|(?<=:)/(?=/)|(?<=www)\.|(?<=\w)@(?=\w)", re.IGNORECASE)
_BLOCK = re.compile(r"^(#{1,6}(?=\s|$)|[-+](?=\s|$)|[-=]+\s*$|\d{1,9}(?=[.)](?:\s|$)))")
_LATEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "−": r"\ensuremath{-}",
    "∞": r"\ensuremath{\infty}",
    "–": "--",
    "…": r"\ldots{}",
}


def for_terminal(text: str) -> str:
    """Returns a text whose control characters are shown as ``\\u001b`` and the like; line ends and tabs stay. JSON stays JSON."""
    return _UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def for_line(text: str) -> str:
    """Returns a text as one line of a terminal, of a page or of a drawing."""
    return for_terminal(text.replace("\r\n", "\n")).replace("\n", " ").replace("\t", " ")


def for_csv(value: T) -> T | str:
    """Returns a cell that no spreadsheet takes for a formula: what would be one begins with ``'``. Numbers stay as they are."""
    if not isinstance(value, str):
        return value
    shown = for_terminal(value)
    if not value.startswith(_FORMULA):
        return shown
    try:
        float(value)
    except ValueError:
        return f"'{shown}"
    return shown


def for_markdown(text: str) -> str:
    """Returns a text that Markdown shows as it stands, on one line and in one cell: no link, image, tag, emphasis or heading."""
    line = " ".join(for_line(text).split())
    escaped = _MARKDOWN.sub(lambda found: {"&": "&amp;", "<": "&lt;", ">": "&gt;"}.get(found[0], f"\\{found[0]}"), line)
    return _BLOCK.sub(lambda found: f"{found[0]}\\" if found[0].isdigit() else f"\\{found[0]}", escaped)


def for_latex(text: str) -> str:
    """Returns a text that LaTeX sets as it stands, on one line."""
    printable = "".join(character if character.isprintable() else " " for character in text)
    return " ".join("".join(_LATEX.get(character, character) for character in printable).split())


def storable(text: str, most: int = MOST) -> str:
    """Returns a text with what no store holds written as escapes; of a longer one the beginning, the end, and how long it was."""
    if len(text) > most:
        text = f"{text[: most // 2]} [... {len(text):,} characters ...] {text[-most // 2 :]}"
    if text.isascii() and "\0" not in text:
        return text
    return text.encode(errors="backslashreplace").decode().replace("\0", "\\x00")


def message_of(error: BaseException) -> str:
    """Returns what an exception says; one that cannot say it gives the reason instead."""
    try:
        return storable(str(error))
    except Exception as failure:  # the exception is the user's, and so is its __str__
        return f"(its message cannot be shown: __str__ raised {type(failure).__name__})"
