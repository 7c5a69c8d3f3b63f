"""Why nothing was read of what a script printed, and what to do about it."""

from __future__ import annotations

import re
from pathlib import Path

from shoestring.runners.reading import LeftOut
from shoestring.runners.screen import Screen
from shoestring.runners.tail import Tail, size_of

_ROOM = 1 << 16  # bytes of output that are looked at
_SHOWN = 80
_NUMBER = r"[-+]?(?:\d*\.?\d+(?:[eE][-+]?\d+)?|nan|inf)"


def last_output(path: Path, offset: int) -> str:
    """Returns what a terminal would show of the end of a file, from ``offset`` on at most."""
    screen: Screen[None] = Screen()
    tail = Tail(path, max(offset, size_of(path) - _ROOM))
    rows = [row.text + "\n" for text in tail.read(last=True) for row, is_left in screen.write(text) if is_left]
    tail.close()
    return "".join(rows) + screen.row.text


def why_unread(pattern: str | None, metric: str, output: str, left_out: LeftOut) -> str:
    """Returns why a script that ended well has reported nothing, empty if it printed no number either."""
    if reasons := "; ".join(sentence for _, sentence in left_out.sentences()):
        return reasons
    lines = [line.strip() for line in output.splitlines() if re.search(_NUMBER, line, re.IGNORECASE)]
    named = [
        (line, found) for line in lines if (found := re.search(rf"{re.escape(metric)}(\D{{0,12}}?)(?={_NUMBER})", line, re.IGNORECASE))
    ]
    if not lines:
        return ""
    line = named[-1][0] if named else lines[-1]
    example = "'" + re.sub(r"([][\\.*+?(){}|^$])", r"\\\1", named[-1][1][0] if named else metric + " ") + "([-+.\\w]+)'"
    if pattern is not None:
        return f"the pattern {pattern!r} matches no line of its output, such as {line[:_SHOWN]!r}. Try --pattern {example}"
    return (
        f"it printed {line[:_SHOWN]!r}, and no --pattern says how to read that. Add --pattern {example}, or append lines such as "
        f'{{"unit": 1, "{metric}": 0.21}} to the file named by SHOESTRING_EVENTS'
    )
