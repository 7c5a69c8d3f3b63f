"""Grade-school addition: the environment of four rows of digits, the programs of Reed and de Freitas, and its abstraction.

Source: Cai, Shin and Song 2017, arXiv:1704.06611, sections 3.2 and 4; Reed and de Freitas 2016, arXiv:1511.06279, section 4.1.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from shoestring.systems.recursive_npi.task import Bools, Ints, Obs, Reference, State, call, last

END = 10  # the symbol beyond the last digit of both numbers
IN1, IN2, CARRY, OUT = range(4)
LEFT, RIGHT = range(2)


@dataclass
class Sums:
    """Problems, digits least significant first, so that going left is going up.

    Attributes:
        cells: ``(n, 4, width)``: two numbers with ``END`` beyond their last digit, carries, result.
        at: ``(n, 4)`` the pointed cell of each row.
    """

    cells: Ints
    at: Ints

    def __len__(self) -> int:
        return len(self.cells)


@dataclass(frozen=True)
class Addition:
    """Adds two numbers of equally many digits.

    Attributes:
        recursion: ``"full"``, or ``"none"`` for a loop over the columns within one frame.
    """

    recursion: str = "full"

    name = "addition"
    programs = ("ADD", "ADD1", "CARRY", "LSHIFT")
    primitives = ("WRITE", "PTR")
    arg_sizes = (4, 10)  # row; digit, or direction
    obs_sizes = (11, 11, 11, 11)

    def reference(self, program: str, args: tuple[int, ...], obs: Obs) -> Reference:
        """Runs one frame of a program."""
        if program == "ADD":
            while obs[IN1] != END:
                yield call("ADD1")
                if self.recursion == "full":
                    yield call("LSHIFT")
                    yield last("ADD")
                obs = yield call("LSHIFT")
        elif program == "ADD1":
            total = sum(obs[:OUT]) if obs[IN1] != END else 0
            if total < 10:
                yield last("WRITE", OUT, total)
            yield call("WRITE", OUT, total % 10)
            yield last("CARRY")
        elif program == "CARRY":
            yield call("PTR", CARRY, LEFT)
            yield call("WRITE", CARRY, 1)
            yield last("PTR", CARRY, RIGHT)
        elif program == "LSHIFT":
            yield call("PTR", IN1, LEFT)
            yield call("PTR", IN2, LEFT)
            yield call("PTR", CARRY, LEFT)
            yield last("PTR", OUT, LEFT)

    def problems(self, n: int, length: int, rng: np.random.Generator) -> Sums:
        """Returns pairs of random numbers of ``length`` digits; the column above them holds two zeros, for the last carry."""
        return self.of(rng.integers(10, size=(n, 2, length)))

    def of(self, numbers: Ints) -> Sums:
        """Returns the problem of adding given digits ``(n, 2, length)``, least significant first."""
        n, _, length = numbers.shape
        cells = np.zeros((n, 4, length + 3), np.int64)  # the last column is only stepped on by a carry
        cells[:, :2, :length] = numbers
        cells[:, :2, length + 1 :] = END
        return Sums(cells, np.zeros((n, 4), np.int64))

    def papers_problems(self, rng: np.random.Generator) -> list[Sums]:
        """Returns the paper's training set: 200 sums of up to three digits."""
        return [self.problems(n, length, rng) for n, length in ((66, 1), (67, 2), (67, 3))]

    def observe(self, env: Sums, rows: Ints) -> Ints:
        """Returns the four pointed cells."""
        return env.cells[rows[:, None], np.arange(4), env.at[rows]]

    def act(self, env: Sums, rows: Ints, primitive: str, args: Ints) -> None:
        """Writes a digit, or moves a pointer."""
        row = args[:, 0]
        if primitive == "WRITE":
            env.cells[rows, row, env.at[rows, row]] = args[:, 1]
        else:
            env.at[rows, row] = np.clip(env.at[rows, row] + np.where(args[:, 1] == LEFT, 1, -1), 0, env.cells.shape[2] - 1)

    def solved(self, env: Sums) -> Bools:
        """Returns where the result is the sum, column by column."""
        right, carry = np.ones(len(env), bool), np.zeros(len(env), np.int64)
        for column in range(env.cells.shape[2] - 2):
            total = env.cells[:, IN1, column] + env.cells[:, IN2, column] + carry
            right &= env.cells[:, OUT, column] == total % 10
            carry = total // 10
        return right

    def describe(self, env: Sums, row: int) -> Any:
        """Returns both numbers as text."""
        width = env.cells.shape[2] - 3
        return ["".join(str(digit) for digit in env.cells[row, which, :width][::-1]) for which in (IN1, IN2)]

    # A state: the pointed cells (in1, in2, carry, out), the other carry of this column and the next, and which pointers are in the next.
    # Both numbers have the same digits, so that the second one's END comes with the first's.

    def abstract_start(self) -> Iterable[State]:
        """Returns every first column."""
        return [((a, b, 0, 0), 0, (False,) * 4) for a in range(10) for b in range(10)]

    def abstract_observe(self, state: Any) -> Obs:
        """Returns the four pointed cells; a carry pointer that has moved sees the next carry."""
        cells: tuple[int, ...] = state[0]
        return cells

    def abstract_step(self, state: Any, primitive: str, args: tuple[int, ...]) -> Iterable[State]:
        """Returns the columns that may follow."""
        cells, other, moved = state
        row, value = args[0], args[1]
        if cells[IN1] == END and not any(moved):
            raise LookupError("nothing lies beyond the end of the numbers")
        if primitive == "WRITE" and (row == CARRY or (row == OUT and not moved[OUT])):
            return [(_with(cells, row, value), other, moved)]
        if primitive == "PTR" and row == CARRY and value == (RIGHT if moved[CARRY] else LEFT):
            return [(_with(cells, CARRY, other), cells[CARRY], _with(moved, CARRY, not moved[CARRY]))]
        if primitive == "PTR" and value == LEFT and not moved[row]:
            if row == OUT and all(moved[:OUT]):
                return [(_with(cells, OUT, 0), 0, (False,) * 4)]  # the next column is the current one; nobody has written beyond it
            if row == IN1 and not any(moved):
                return [(_with(cells, IN1, digit), other, _with(moved, IN1, True)) for digit in range(11)]
            if row == IN2 and moved == (True, False, False, False):
                digits = [END] if cells[IN1] == END else range(10)
                return [(_with(cells, IN2, digit), other, _with(moved, IN2, True)) for digit in digits]
        raise LookupError(f"{primitive}{args} in {state}")

    def abstract_call(self, state: Any, program: str) -> tuple[State, State]:
        """Returns all of the state: every program may touch it."""
        return state, None

    def abstract_return(self, state: Any, aside: Any) -> State:
        """Returns the state as it is."""
        returned: State = state
        return returned


def _with(cells: tuple[Any, ...], place: int, value: Any) -> tuple[Any, ...]:
    return (*cells[:place], value, *cells[place + 1 :])
