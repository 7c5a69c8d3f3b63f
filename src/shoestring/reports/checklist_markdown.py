"""The answers to checklists as Markdown, with a box for each part. It answers nothing itself."""

from __future__ import annotations

from collections.abc import Sequence

from shoestring.cleaning import for_markdown
from shoestring.engine.run import Run
from shoestring.reports.checklist import checklist


def checklist_markdown(runs: Sequence[Run]) -> str:
    """Returns the items as Markdown, with a box for each part: ticked where the record answers it."""
    lines = [
        "# Checklist",
        "",
        "Answered from the ledger; the questions are in our own words. A ticked part is on record; an empty box was not seen and is yours",
        "to answer. Nothing here says Yes for you: read the original question, add what is missing, and sign.",
    ]
    for item in checklist(runs):
        state = "open: something was not seen" if item.is_open else "on record; yours to confirm"
        lines += ["", f"## {item.name}: {item.about}", "", f"State: {state}.", ""]
        lines += [
            f"- [{' ' if part.answer is None else 'x'}] {part.asked}: {'_open_' if part.answer is None else for_markdown(part.answer)}"
            for part in item.parts
        ]
    return "\n".join(lines) + "\n"
