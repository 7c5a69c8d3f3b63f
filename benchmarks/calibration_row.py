"""One line of the calibration table: what was required, what was measured, how uncertain that is."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """A bar and what was measured against it.

    Attributes:
        bar: number of the bar.
        what: what was simulated, in words.
        side: ``<=`` or ``>=``: on which side of the limit the figure must lie; ``none``: documented, no limit.
        limit: the limit.
        measured: the figure.
        error: its standard error, 0 if it is no estimate.
    """

    bar: int
    what: str
    side: str
    limit: float
    measured: float
    error: float = 0.0

    def holds(self, errors: float = 0.0) -> bool:
        """Returns whether the figure is within the limit, or not more than so many standard errors beyond it."""
        match self.side:
            case "<=":
                return self.measured <= self.limit + errors * self.error
            case ">=":
                return self.measured >= self.limit - errors * self.error
        return True

    @property
    def required(self) -> str:
        """The limit as the table shows it."""
        return "documented" if self.side == "none" else f"{self.side} {self.limit:g}"

    @property
    def verdict(self) -> str:
        """``pass``, ``FAIL`` or ``-``."""
        return "-" if self.side == "none" else "pass" if self.holds() else "FAIL"


def rate(bar: int, what: str, side: str, limit: float, hits: int, n: int) -> Row:
    """Returns the row of a proportion."""
    share = hits / n
    return Row(bar, what, side, limit, share, math.sqrt(max(share * (1 - share), 1 / n) / n))
