"""Grade-school addition on a scratch pad of four rows, after Reed and de Freitas 2016, arXiv:1511.06279; many problems at once.

Rows are the two inputs, the carries and the output; each has a pointer that begins at the lowest digit. All that is seen are the four cells
under the pointers.
"""

from __future__ import annotations

import numpy as np

from shoestring.systems.program_lattice.task import POP, PUSH, STAY, Floats, Ints, Trace, one_hot

ADD, ADD1, ACT_WRITE, CARRY, LSHIFT = range(5)
PROGRAMS = ("ADD", "ADD1", "ACT_WRITE", "CARRY", "LSHIFT")
CARRIES = 2  # the row of carries


class Addition:
    """Sums to work out, in place.

    Actions: 0 to 3 move a row's pointer one digit up, 4 moves that of the carries down again, 5 writes a carry, 6 + d writes digit d.

    Attributes:
        cells: ``(n, 4, width)``: ``base`` is a blank.
        pointers: ``(n, 4)``.
    """

    def __init__(self, first: Ints, second: Ints, base: int = 4) -> None:
        """Writes the inputs down.

        Args:
            first, second: ``(n, n_digits)``, the lowest digit first; ``base`` for none.
            base: of the digits.
        """
        n, n_digits = first.shape
        self.base, self.first, self.second = base, first, second
        self.cells = np.full((n, 4, n_digits + 3), base, dtype=np.int64)
        self.cells[:, 0, :n_digits], self.cells[:, 1, :n_digits], self.cells[:, CARRIES] = first, second, 0
        self.pointers = np.zeros((n, 4), dtype=np.int64)

    @staticmethod
    def sizes(base: int = 4) -> tuple[int, int, int]:
        """Returns ``(d_obs, n_programs, n_actions)``."""
        return 3 * (base + 1) + 2, len(PROGRAMS), 6 + base

    @classmethod
    def random(cls, n: int, n_digits: int, base: int, rng: np.random.Generator) -> Addition:
        """Returns sums of two numbers of so many digits, drawn uniformly."""
        return cls(rng.integers(base, size=(n, n_digits)), rng.integers(base, size=(n, n_digits)), base)

    @classmethod
    def covering(cls, n_digits: int, base: int, rng: np.random.Generator) -> Addition:
        """Returns sums of two numbers of at least two digits among which every pair of digits meets with and without a carry.

        There are ``2 base^2`` of them, in a random order; the digits that do not matter are drawn.
        """
        first, second, carries = (part.reshape(-1) for part in np.mgrid[:base, :base, :2])
        n = len(first)
        digits = rng.integers(base, size=(2, n, max(n_digits, 2)))
        digits[0, :, 0] = rng.integers(1, base, size=n)
        digits[1, :, 0] = np.where(carries == 1, base - 1, 0)  # which carries with anything but 0
        digits[:, :, 1] = first, second
        order = rng.permutation(n)
        return cls(digits[0, order], digits[1, order], base)

    def observe(self) -> Floats:
        """Returns the cells under the pointers, ``(n, 3 (base + 1) + 2)``, each as one of its values."""
        under = np.take_along_axis(self.cells, self.pointers[:, :, None], axis=2)[:, :, 0]
        parts = [one_hot(under[:, row], 2 if row == CARRIES else self.base + 1) for row in range(4)]
        return np.concatenate(parts, axis=1)

    def act(self, actions: Ints) -> None:
        """Does one action in each problem, ``(n,)``; -1 for none. A pointer stays within the pad."""
        last = self.cells.shape[2] - 1
        for row in range(4):
            self.pointers[actions == row, row] += 1
        self.pointers[actions == 4, CARRIES] -= 1
        np.clip(self.pointers, 0, last, out=self.pointers)
        for row, writes, values in ((CARRIES, actions == 5, 1), (3, actions >= 6, actions - 6)):
            where = np.flatnonzero(writes)
            self.cells[where, row, self.pointers[where, row]] = np.broadcast_to(values, actions.shape)[where]

    def solved(self) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Returns whether the output row is the sum, ``(n,)``."""
        want = np.full((len(self.first), self.cells.shape[2]), self.base, dtype=np.int64)
        carry = np.zeros(len(self.first), dtype=np.int64)
        for i in range(self.first.shape[1] + 1):
            pair = [row[:, i] if i < row.shape[1] else np.full_like(carry, self.base) for row in (self.first, self.second)]
            total = sum(np.where(digit == self.base, 0, digit) for digit in pair) + carry
            is_there = (np.minimum(*pair) < self.base) | (carry > 0)
            want[:, i] = np.where(is_there, total % self.base, self.base)
            carry = total // self.base
        return np.asarray((self.cells[:, 3] == want).all(axis=1))

    def traces(self) -> list[Trace]:
        """Returns the reference execution of each problem."""
        return [self._trace(a, b) for a, b in zip(self.first.tolist(), self.second.tolist(), strict=True)]

    def _trace(self, first: list[int], second: list[int]) -> Trace:
        steps: list[tuple[int, int]] = []
        carry, i = 0, 0
        while True:
            pair = [row[i] if i < len(row) else self.base for row in (first, second)]
            if min(pair) == self.base and not carry:
                return Trace.of([*steps, (POP, 0)])
            total = sum(digit % self.base for digit in pair) + carry
            carry, i = total // self.base, i + 1
            steps += [(PUSH, ADD1), (PUSH, ACT_WRITE), (STAY, 6 + total % self.base), (POP, 0)]
            if carry:
                steps += [(PUSH, CARRY), (STAY, CARRIES), (STAY, 5), (STAY, 4), (POP, 0)]
            steps += [(PUSH, LSHIFT), *((STAY, row) for row in range(4)), (POP, 0), (POP, 0)]
