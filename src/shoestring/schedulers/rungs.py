"""Where rungs lie and how many trials each carries, in integer arithmetic alone.

``floor(log(243) / log(3))`` is 4 in floating point, and a library that computes it so loses a bracket; here it is 5.

Source: Li et al. 2018, arXiv:1603.06560, Algorithm 1 and Table 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral
from typing import final

from shoestring.errors import UsageError


@final
@dataclass(frozen=True, slots=True)
class Bracket:
    """One run of successive halving: how many trials are taken how far.

    Attributes:
        s: how often the trials are thinned out.
        rungs: pairs ``(n, unit)``, lowest rung first: so many trials are taken to that unit.
    """

    s: int
    rungs: tuple[tuple[int, int], ...]

    @property
    def n(self) -> int:
        """How many trials the bracket starts."""
        return self.rungs[0][0]

    def units(self, *, resume: bool = True) -> int:
        """Returns the units that the bracket costs if no trial ends early.

        Args:
            resume: trials are paused and resume where they stopped; False: each rung trains them again from nothing, as in the paper.
        """
        total = paid = 0
        for n, unit in self.rungs:
            total += n * (unit - paid)
            paid = unit if resume else 0
        return total


def s_max(horizon: int, eta: int) -> int:
    """Returns the largest s with ``eta**s <= horizon``.

    Raises:
        UsageError: ``horizon`` below 1 or ``eta`` below 2.
    """
    at_least("horizon", horizon, 1)
    at_least("eta", eta, 2)
    s = 0
    while eta ** (s + 1) <= horizon:
        s += 1
    return s


def rungs(horizon: int, eta: int, s: int) -> tuple[int, ...]:
    """Returns the units of the ``s + 1`` rungs of bracket ``s``, strictly increasing, the last one ``horizon``.

    Raises:
        UsageError: ``s`` outside of 0 to ``s_max(horizon, eta)``, ``horizon`` below 1 or ``eta`` below 2.
    """
    at_least("s", s, 0)
    if s > s_max(horizon, eta):
        raise UsageError(f"s={s} is too many halvings for horizon={horizon} and eta={eta}; at most {s_max(horizon, eta)} are possible.")
    # Differs: r_i = R * eta**(i - s) is no whole number unless R is a power of eta; it is rounded down, so that no bracket costs more.
    return tuple(horizon // eta ** (s - i) for i in range(s + 1))


def bracket(n: int, horizon: int, eta: int, s: int) -> Bracket:
    """Returns the bracket that starts ``n`` trials and keeps the best ``floor(n / eta**i)`` for rung i."""
    return Bracket(s, tuple((n // eta**i, unit) for i, unit in enumerate(rungs(horizon, eta, s))))


def brackets(horizon: int, eta: int, table1: bool = False) -> list[Bracket]:
    """Returns one round of Hyperband, the bracket with the most trials first.

    The paper contradicts itself: at R = 81 and eta = 3 its Algorithm 1 starts 81, 34, 15, 8 and 5 trials, its Table 1 81, 27, 9, 6 and 5.

    Args:
        horizon: the most units a trial can get, the paper's R.
        eta: one trial in ``eta`` continues at each rung.
        table1: False: ``n = ceil((s_max + 1) / (s + 1) * eta**s)``, Algorithm 1; True: the quotient is rounded down first, Table 1.
    """
    most = s_max(horizon, eta)
    return [bracket(_n_trials(most, eta**s, s, table1), horizon, eta, s) for s in range(most, -1, -1)]


def _n_trials(most: int, width: int, s: int, table1: bool) -> int:
    return (most + 1) // (s + 1) * width if table1 else -(-(most + 1) * width // (s + 1))


def at_least(name: str, value: int, least: int) -> None:
    """Checks a whole number that a user gave.

    Raises:
        UsageError: ``value`` is below ``least`` or no whole number.
    """
    if not isinstance(value, Integral) or value < least:
        raise UsageError(f"{name}={value!r} cannot be used; it must be a whole number of at least {least}.")
