"""What a program is learnt for: the ``Task`` protocol, the steps that a reference program takes, and the tasks that come with the system.

It holds no network. Source: Cai, Shin and Song 2017, arXiv:1704.06611, section 3; Reed and de Freitas 2016, arXiv:1511.06279.
"""

from __future__ import annotations

from collections.abc import Generator, Hashable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

Ints: TypeAlias = NDArray[np.int64]
Bools: TypeAlias = NDArray[np.bool_]
Obs: TypeAlias = tuple[int, ...]
State: TypeAlias = Hashable


@dataclass(frozen=True, slots=True)
class Step:
    """What a program does next.

    Attributes:
        program: what is called, a program or a primitive; None for nothing.
        args: its arguments; those that are missing are 0.
        ends: whether the frame ends once the call has returned. The last call of a frame says so itself, as the paper's Algorithm 1
            has it: the return is no step of its own.
    """

    program: str | None
    args: tuple[int, ...] = ()
    ends: bool = False


Reference: TypeAlias = Generator[Step, Obs, None]
NOTHING = Step(None, (), True)


def call(program: str, *args: int) -> Step:
    """Returns a call after which the frame goes on."""
    return Step(program, args)


def last(program: str, *args: int) -> Step:
    """Returns a call with which the frame ends."""
    return Step(program, args, True)


@runtime_checkable
class Task(Protocol):
    """Programs over an environment, with a reference for each. Environments are batches: one object holds many problems as arrays.

    Attributes:
        name: what it is called in a certificate.
        programs: those that are learnt; the first one is where a run begins, with all arguments 0.
        primitives: those that act on the environment.
        arg_sizes: how many values each argument has.
        obs_sizes: how many values each part of an observation has.
    """

    @property
    def name(self) -> str: ...
    @property
    def programs(self) -> tuple[str, ...]: ...
    @property
    def primitives(self) -> tuple[str, ...]: ...
    @property
    def arg_sizes(self) -> tuple[int, ...]: ...
    @property
    def obs_sizes(self) -> tuple[int, ...]: ...

    def reference(self, program: str, args: tuple[int, ...], obs: Obs) -> Reference:
        """Runs one frame: yields steps, is sent the observation after each, and just ends where nothing is left to do.

        It must be a function of ``program``, ``args`` and the observations alone: nothing else is known to a network.
        """

    def problems(self, n: int, length: int, rng: np.random.Generator) -> Any:
        """Returns an environment of ``n`` random problems of a length; ``len`` of it is ``n``."""

    def observe(self, env: Any, rows: Ints) -> Ints:
        """Returns what is seen in some problems, ``(len(rows), len(obs_sizes))``."""

    def act(self, env: Any, rows: Ints, primitive: str, args: Ints) -> None:
        """Applies one primitive to some problems, in place; ``args`` is ``(len(rows), len(arg_sizes))``. No call may fail."""

    def solved(self, env: Any) -> Bools:
        """Returns which problems have a right result, ``(n,)``."""

    def describe(self, env: Any, row: int) -> Any:
        """Returns one problem as plain data, for a person to read."""


@runtime_checkable
class Abstraction(Protocol):
    """What a task adds so that a model can be proved right: finitely many states that stand for all that an environment can be.

    It must be sound: whatever a primitive does to an environment for which a state stands, one of the states that ``abstract_step`` returns
    stands for the result. Where an abstraction does not know what comes next it raises ``LookupError``, and nothing is proved.
    """

    def abstract_start(self) -> Iterable[State]:
        """Returns the states that stand for all environments at the beginning."""

    def abstract_observe(self, state: Any) -> Obs:
        """Returns what is seen in a state."""

    def abstract_step(self, state: Any, primitive: str, args: tuple[int, ...]) -> Iterable[State]:
        """Returns all states that may follow a primitive."""

    def abstract_call(self, state: Any, program: str) -> tuple[State, State]:
        """Returns the part of a state that a called program can touch, and what is set aside for its caller."""

    def abstract_return(self, state: Any, aside: Any) -> State:
        """Returns the caller's state, from the one in which a called program ended and what was set aside."""


def rows_of(env: Any) -> Ints:
    """Returns the numbers of all problems of an environment."""
    return np.arange(len(env))
