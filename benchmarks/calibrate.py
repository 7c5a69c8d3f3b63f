"""Measures by simulation what the statistics promise, and writes docs/explanation/calibration.md.

    python benchmarks/calibrate.py                           all bars, 10,000 studies each
    python benchmarks/calibrate.py --only economy coverage   some of them; the others keep their last figures

Figures are kept in ``calibration.json`` beside this file.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import calibrate_more
import calibrate_pairs
from calibration_row import Row

HERE = Path(__file__).resolve().parent
PAGE = HERE.parent / "docs" / "explanation" / "calibration.md"
STORED = HERE / "calibration.json"
STUDIES = 10_000

BARS: list[Callable[[int], list[Row]]] = [*calibrate_pairs.BARS, *getattr(calibrate_more, "BARS", [])]


def page(stored: dict[str, Any], names: list[str]) -> str:
    """Returns the page for the figures that are stored, in the order of the bars."""
    lines = [
        "# What is measured about the statistics",
        "",
        "Every promise about error rates is simulated, with fixed seeds, under laws of which the truth is known. `make calibrate` repeats",
        "it and writes this page. A row that is only documented promises nothing: it shows where one ends. A *control* is a procedure that",
        "must be seen to fail, which shows that the simulation can see it.",
        "The figure behind ± is one standard error.",
        "",
        "| bar | simulated | studies | required | measured | |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    failed = total = 0
    for name in names:
        if name not in stored:
            lines.append(f"| | {name.replace('_', ' ')} | | | not run | |")
            continue
        for fields in stored[name]["rows"]:
            row = Row(**fields)
            figure = f"{row.measured:.3g}" if row.error == 0 else f"{row.measured:.4f} ± {row.error:.4f}"
            lines.append(f"| {row.bar or ''} | {row.what} | {stored[name]['studies']:,} | {row.required} | {figure} | {row.verdict} |")
            failed, total = failed + (row.verdict == "FAIL"), total + (row.verdict != "-")
    seconds = sum(float(entry["seconds"]) for name, entry in stored.items() if name in names)
    lines += ["", f"{total - failed} of {total} bars that ran are met. All of them took {seconds / 60:.0f} minutes of one core.", ""]
    return "\n".join(lines)


def main() -> int:
    """Runs the bars that are asked for, prints their rows, writes the figures and the page; returns 1 if a bar is not met."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", default=None, help="names of bars")
    parser.add_argument("--studies", type=int, default=STUDIES)
    arguments = parser.parse_args()
    names = [bar.__name__ for bar in BARS]
    if unknown := set(arguments.only or []) - set(names):
        parser.error(f"no bar is called {', '.join(sorted(unknown))}; there are {', '.join(names)}.")
    failed = 0
    for bar in BARS:
        if arguments.only is not None and bar.__name__ not in arguments.only:
            continue
        start = time.process_time()
        rows = bar(arguments.studies)
        entry = {"studies": arguments.studies, "seconds": round(time.process_time() - start, 1), "rows": [asdict(row) for row in rows]}
        for row in rows:
            print(f"{row.verdict:4}  {row.required:12}  {row.measured:9.4f}  {row.what}", flush=True)
        failed += sum(row.verdict == "FAIL" for row in rows)
        keep(bar.__name__, entry, names)
    print(f"{failed} bars not met" if failed else "all bars that ran are met")
    return int(failed > 0)


def keep(name: str, entry: dict[str, Any], names: list[str]) -> None:
    """Writes one bar's figures beside those of the others, and the page anew."""
    stored = json.loads(STORED.read_text()) if STORED.exists() else {}
    stored[name] = entry
    STORED.write_text(json.dumps(stored, indent=1) + "\n")
    PAGE.write_text(page(stored, names), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
