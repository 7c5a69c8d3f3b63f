"""How many times longer one computation takes than another: in turns and in processor time, so that a busy machine slows both."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Ratio:
    """Processor time of a slow computation by that of a fast one, turn by turn."""

    turns: tuple[float, ...]

    def __str__(self) -> str:
        middle, low, high = statistics.median(self.turns), min(self.turns), max(self.turns)
        digits = 0 if middle >= 100 else 1 if middle >= 10 else 2
        return f"{middle:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def seconds(call: Callable[[], object]) -> float:
    """Returns the processor seconds that a call takes in this process, all threads together."""
    began = time.process_time()
    call()
    return time.process_time() - began


def ratio(slow: Callable[[], object], fast: Callable[[], object], *, share: float = 1.0, turns: int = 5) -> Ratio:
    """Returns how many times longer ``slow`` takes than ``fast`` for as much work; a first turn warms up and does not count.

    Args:
        slow, fast: what is timed, one after the other in each turn.
        share: of the work of ``fast`` that one call of ``slow`` does.
        turns: that count.
    """
    found = [seconds(slow) / share / max(seconds(fast), 1e-9) for _ in range(turns + 1)]
    return Ratio(tuple(found[1:]))


def print_table(rows: Mapping[str, Callable[[], Ratio]]) -> None:
    """Measures and prints a table in Markdown, row by row: median ratio, lowest to highest."""
    print("| | ratio |\n| --- | --- |")
    for name, measure in rows.items():
        print(f"| {name} | {measure()} |", flush=True)
