"""Keeps the verdicts of a store of claims: ``python benchmarks/verdicts.py STORE``.

Copies them to docs/reference/verdicts, and writes docs/reference/claims.md and the tables in the systems' READMEs from all that are kept.
``--check`` writes nothing and exits with 1 if page and tables do not say what the kept verdicts say; a test asks that.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from shoestring.verdicts.check import page, verdicts_in

HOME = Path(__file__).parents[1]
KEPT = HOME / "docs" / "reference" / "verdicts"
PAGE = HOME / "docs" / "reference" / "claims.md"
SYSTEMS = HOME / "src" / "shoestring" / "systems"
BEGIN, END = "<!-- verdicts: written by benchmarks/verdicts.py -->\n", "<!-- end of verdicts -->\n"
HEAD = (
    "| claim | verdict | control | estimate (95% interval) | mean of each arm | seeds | CPU s | where it is claimed |\n"
    + "| --- " * 8
    + "|\n"
)


def table(records: Sequence[Mapping[str, Any]]) -> str:
    """Returns the verdicts of one system as a table in Markdown."""
    return HEAD + "".join(f"| {' | '.join(_cells(record))} |\n" for record in records)


def _cells(record: Mapping[str, Any]) -> Iterator[str]:
    verdict, estimate = record["verdict"], record["estimate"]
    low, high = (_number(limit) for limit in record["interval"])
    yield f"`{record['claim']}`"
    yield verdict if verdict == "undecided" else f"**{verdict}**"
    yield record["control_verdict"] or "not run"
    yield "none yet" if estimate is None else f"{_number(estimate)} ({low} to {high})" if low + high else f"{_number(estimate)} (none yet)"
    arms = record["detail"].get("arms", {})
    yield "; ".join(f"{name} {_number(arm['mean'])}" for name, arm in arms.items())
    yield str(len(record["seeds"]))
    yield f"{record['spent'].get('cpu_s', 0.0):.0f}"
    yield record["source"].replace("|", "\\|")


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}"


def pages() -> Iterator[tuple[Path, str]]:
    """Yields each file that shows verdicts, with the text that it should have."""
    records = verdicts_in(KEPT)
    yield PAGE, page(records)
    for system in sorted({record["system"] for record in records}):
        readme = SYSTEMS / system / "README.md"
        before, _, rest = readme.read_text(encoding="utf-8").partition(BEGIN)
        after = rest.partition(END)[2]
        yield readme, before + BEGIN + table([record for record in records if record["system"] == system]) + END + after


def main(arguments: Sequence[str]) -> int:
    """Keeps the verdicts of the stores that are named, or checks what is kept; returns the exit code."""
    stale = [path for path, text in pages() if path.read_text(encoding="utf-8") != text]
    if "--check" in arguments:
        for path in stale:
            print(f"{path.relative_to(HOME)} does not show the kept verdicts; run benchmarks/verdicts.py.", file=sys.stderr)
        return int(bool(stale))
    for store in map(Path, arguments):
        for found in store.glob("*/*/verdict.json"):
            kept = KEPT / found.relative_to(store)
            kept.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(found, kept)
    for path, text in pages():
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
