"""Does the seed change anything? A search asks this with one more unit of training, before it reserves budget for runs on fresh seeds.

A trial is begun again on another seed. If both give the same number to the last digit, and such a number is not met by chance, nothing
varies that fresh runs could tell. A coarse number, such as an accuracy over 50 items, is met by chance: then four different ones must
match.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import final

LEAST_OBSERVATIONS = 8  # of a search, before one unit is spent on this
MOST_TRIALS = 100  # among which a run to repeat is looked for
MATCHES = 4  # of coarse numbers
_LARGEST_DENOMINATOR = 100_000


@final
@dataclass
class Reseeding:
    """What a search knows of the effect of its seeds.

    Attributes:
        changes_nothing: True once runs on other seeds repeated what they should not have by chance.
        repeated: the trial and unit of the last run that was repeated.
        over: whether no more runs are wanted.
    """

    changes_nothing: bool = False
    over: bool = False
    repeated: tuple[int, int] = (-1, 0)
    _curves: dict[int, dict[int, float]] = field(default_factory=dict)
    _n_observed: int = 0
    _under_way: int | None = None
    _repetitions: set[int] = field(default_factory=set)
    _matched: set[float] = field(default_factory=set)

    def observed(self, trial: int, unit: int, loss: float) -> None:
        """Takes note of what a trial of the search showed."""
        self._n_observed += 1
        if math.isfinite(loss):
            self._curves.setdefault(trial, {})[unit] = loss

    def due(self, best: int) -> tuple[int, int] | None:
        """Returns the trial to begin again and the unit to take it to, None if there is none now; the best one is preferred."""
        if self.over or self._under_way is not None or self._n_observed < LEAST_OBSERVATIONS or len(self._curves) > MOST_TRIALS:
            return None
        first = {trial: next(iter(curve.items())) for trial, curve in self._curves.items()}
        if best not in first or len({loss for _, loss in first.values()}) < 2:
            return None
        new = [trial for trial in (best, *first) if first[trial][1] not in self._matched]
        chosen = next((trial for trial in new if is_fine(first[trial][1])), new[0] if new else None)
        return None if chosen is None else (chosen, first[chosen][0])

    def started(self, trial: int, best: int) -> None:
        """Takes note that the run that is due has begun, as trial number ``trial``."""
        if (due := self.due(best)) is not None:
            self.repeated, self._under_way = due, trial
            self._repetitions.add(trial)

    def is_repetition(self, trial: int) -> bool:
        """Returns whether a trial repeats another one."""
        return trial in self._repetitions

    def answered(self, unit: int, loss: float, ended: bool) -> None:
        """Takes in what the repetition showed."""
        trial, at = self.repeated
        if self._under_way is None or (unit < at and not ended):
            return
        self._under_way = None
        if unit != at or loss != self._curves[trial][at]:
            self.over = True
            return
        self._matched.add(loss)
        self.changes_nothing = self.over = is_fine(loss) or len(self._matched) >= MATCHES

    def compare(self, trial: int, curve: Mapping[int, float]) -> None:
        """Takes in a whole run of a trial's configuration on a fresh seed."""
        known = self._curves.get(trial, {})
        common = [unit for unit in known if unit in curve]
        same = bool(common) and all(curve[unit] == known[unit] for unit in common)
        self.changes_nothing |= same and any(is_fine(known[unit]) for unit in common)
        if same:
            self.repeated = (trial, max(common))


def is_fine(value: float) -> bool:
    """Returns whether a number has too many digits to be met twice by chance: it is neither short nor a fraction of small numbers."""
    if not math.isfinite(value) or float(f"{value:.6g}") == value:
        return False
    near = float(Fraction(value).limit_denominator(_LARGEST_DENOMINATOR))
    return abs(near - value) > 1e-12 * abs(value)
