"""The words in which an interpreter is written once for all back ends: ``Param``, ``Var``, ``lift``, ``switch``, ``constant``.

They compute nothing: a ``Machine`` does, softly (``soft``) or over many programs at once (``search``).
Source: Gaunt et al. 2016, arXiv:1611.02109, section 3, and TerpreT, arXiv:1608.04428.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from shoestring.errors import UsageError

MOST_COMBINATIONS = 1_000_000  # of arguments: a table this large is a mistake


@dataclass(frozen=True)
class Param:
    """A hole in a program: one of several values, to be learnt.

    Attributes:
        name: what it is called.
        values: what each value is called in the program's text.
    """

    name: str
    values: tuple[str, ...]

    @property
    def n(self) -> int:
        """How many values there are."""
        return len(self.values)


@dataclass(frozen=True, eq=False)
class Var:
    """A distribution over ``0 .. n - 1``, for each program and each example.

    Attributes:
        machine: what computes with it.
        n: how many values it can have.
        data: what the machine keeps of it.
    """

    machine: Machine
    n: int
    data: Any


Branch: TypeAlias = Callable[[], tuple[Var, ...]]


class Machine(Protocol):
    """A way to run an interpreter."""

    def constant(self, value: int, n: int) -> Var:
        """Returns the certain ``value``."""

    def call(self, function: Lifted, arguments: Sequence[Var]) -> Var:
        """Returns the function's value for arguments that are independent of each other."""

    def switch(self, selector: Var, branches: Sequence[Branch]) -> tuple[Var, ...]:
        """Returns the variables of the branch that the selector names: a mixture of them where it is uncertain."""


@dataclass(frozen=True, eq=False)
class Lifted:
    """A function of whole numbers that takes distributions: ``mu_z[i] = sum_jk [f(j, k) = i] mu_x[j] mu_y[k]``.

    Attributes:
        table: its value for each combination of arguments, of as many axes as there are arguments.
        n: how many values it can have.
    """

    table: NDArray[np.int64]
    n: int

    @cached_property
    def indicator(self) -> NDArray[np.float64]:
        """``[f = i]`` for each combination of arguments, row by row, and each value i: ``(combinations, n)``."""
        return np.eye(self.n)[self.table.reshape(-1)]

    def __call__(self, *arguments: Var) -> Var:
        """Returns the distribution of its value.

        Raises:
            UsageError: arguments of other sizes than it was lifted for.
        """
        sizes = tuple(argument.n for argument in arguments)
        if sizes != self.table.shape:
            raise UsageError(f"a function lifted for arguments of sizes {self.table.shape} was given sizes {sizes}; give those.")
        return arguments[0].machine.call(self, arguments)


def lift(function: Callable[..., int], sizes: Sequence[int], n: int) -> Lifted:
    """Returns ``function`` for distributions.

    Args:
        function: takes as many whole numbers as there are sizes, and gives one from 0 to ``n - 1``.
        sizes: how many values each argument can have.
        n: how many values the function can have.
    Raises:
        UsageError: no argument, too many combinations, or a value outside of the range.
    Source: section 3 of the paper.
    """
    if not sizes or np.prod([float(size) for size in sizes]) > MOST_COMBINATIONS:
        raise UsageError(f"sizes={tuple(sizes)} cannot be lifted; give one to a few arguments, {MOST_COMBINATIONS:,} combinations at most.")
    table = np.array([function(*arguments) for arguments in product(*map(range, sizes))], dtype=np.int64)
    if table.min() < 0 or table.max() >= n:
        raise UsageError(f"the function takes values from {table.min()} to {table.max()}; with n={n} they must be from 0 to {n - 1}.")
    return Lifted(table.reshape(*sizes), n)


def constant(value: int, n: int, like: Var) -> Var:
    """Returns a certain value, on the machine of another variable.

    Raises:
        UsageError: the value is not from 0 to ``n - 1``.
    """
    if not 0 <= value < n:
        raise UsageError(f"constant {value} is outside of 0 to {n - 1}; give one inside, or a larger n.")
    return like.machine.constant(value, n)


def switch(selector: Var, branches: Sequence[Branch]) -> tuple[Var, ...]:
    """Returns what the branch gives that the selector names: ``mu_z = sum_k mu_selector[k] mu_branch_k``.

    Branches are functions, so that a machine need not run those that a program does not take.

    Args:
        branches: one for each value of the selector; each returns as many variables, of the same sizes.
    Raises:
        UsageError: not as many branches as values.
    """
    if len(branches) != selector.n:
        raise UsageError(f"{len(branches)} branches for a selector of {selector.n} values; give one for each.")
    return selector.machine.switch(selector, branches)


def pick(selector: Var, values: Sequence[Var]) -> Var:
    """Returns the value that the selector names: ``switch`` over variables that are there already."""
    (picked,) = switch(selector, [lambda value=value: (value,) for value in values])  # type: ignore[misc]
    return picked
