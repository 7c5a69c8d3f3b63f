"""Environments as arrays of many problems at once, traces, and demonstrations of them; it knows no learner.

A *full* trace names every step: which program is called, which action is done, when a program returns. A *weak* one names the actions
only. Source of the distinction: Li et al. 2017 (Neural Program Lattices, ICLR), section 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from shoestring.errors import UsageError

PUSH, POP, STAY = 0, 1, 2  # the kinds of steps: call a program, return from one, do an action
Floats = NDArray[np.float32]
Ints = NDArray[np.int64]


class Env(Protocol):
    """So many problems side by side."""

    def observe(self) -> Floats:
        """Returns what is seen of each, ``(n, d_obs)``."""

    def act(self, actions: Ints) -> None:
        """Does one action in each, ``(n,)``; -1 for none."""


@dataclass(frozen=True)
class Trace:
    """All steps of one execution, the last one the return of the root program, which is program 0 and is called by nobody.

    Attributes:
        kinds: of the steps, ``(n_steps,)``: ``PUSH``, ``POP`` or ``STAY``.
        names: the program of a call, the action of a ``STAY``, 0 for a return, ``(n_steps,)``.
    Raises:
        UsageError: calls and returns do not match.
    """

    kinds: Ints
    names: Ints

    def __post_init__(self) -> None:
        depth = np.cumsum((self.kinds == PUSH).astype(int) - (self.kinds == POP))
        if len(depth) == 0 or depth[-1] != -1 or (depth[:-1] < 0).any():
            raise UsageError("a trace's calls and returns do not match; end it with the one return of its root program.")

    @classmethod
    def of(cls, steps: Sequence[tuple[int, int]]) -> Trace:
        """Returns the trace of (kind, name) pairs."""
        kinds, names = np.array(steps, dtype=np.int64).reshape(-1, 2).T
        return cls(kinds, names)

    @classmethod
    def of_actions(cls, actions: Ints) -> Trace:
        """Returns actions without any call: a trace of the root program alone, which a flat policy learns from."""
        return cls.of([*((STAY, int(action)) for action in actions), (POP, 0)])

    @property
    def actions(self) -> Ints:
        """The actions alone, ``(n_actions,)``."""
        return np.asarray(self.names[self.kinds == STAY])

    @property
    def calls(self) -> tuple[tuple[int, int], ...]:
        """Every call as (actions done before it, program)."""
        done = np.cumsum(self.kinds == STAY)
        return tuple((int(done[t]), int(self.names[t])) for t in np.flatnonzero(self.kinds == PUSH))

    @property
    def depth(self) -> int:
        """The most programs that wait for one that they called."""
        return max(0, int(np.cumsum((self.kinds == PUSH).astype(int) - (self.kinds == POP)).max()))


@dataclass(frozen=True)
class Demonstrations:
    """Weak traces: what was seen and done.

    Attributes:
        observations: ``(n, longest + 1, d_obs)``: before each action, and after the last one.
        actions: ``(n, longest)``; -1 after the last one.
    """

    observations: Floats
    actions: Ints

    @property
    def lengths(self) -> Ints:
        """How many actions each has, ``(n,)``."""
        return np.asarray((self.actions >= 0).sum(axis=1))


def record(env: Env, actions: Sequence[Ints]) -> Demonstrations:
    """Does actions in an environment, one list for each of its problems, and returns what was seen; nothing changes where a list has
    ended."""
    longest = max(len(one) for one in actions)
    done = np.full((len(actions), longest), -1, dtype=np.int64)
    for row, one in zip(done, actions, strict=True):
        row[: len(one)] = one
    seen = [env.observe()]
    for t in range(longest):
        env.act(done[:, t])
        seen.append(env.observe())
    return Demonstrations(np.stack(seen, axis=1), done)


def one_hot(values: Ints, n: int) -> Floats:
    """Returns ``(..., n)`` with a 1 at each value."""
    return np.eye(n, dtype=np.float32)[values]
