"""The enumerating back end: all programs at once, each filled only as far as it has been read.

A program is a row. A hole is filled when it is first read: the row then becomes one row for each value, so that what a program never
reads is never told apart. A variable is, for each row, the number of a distribution in a table that holds none twice; what thousands of
programs compute alike is computed once. Nothing is approximated: a finished row has the marginals that ``gradient`` gives the same program.
It searches nothing: see ``search``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from shoestring.errors import BudgetTooSmall, UsageError
from shoestring.systems.perceptual_pbe.template import Template
from shoestring.systems.perceptual_pbe.variables import Branch, Lifted, Var

Rows: TypeAlias = NDArray[np.int32]
Marginals: TypeAlias = NDArray[np.float64]
UNREAD = -1
DENSE = 8  # a table of at most so many entries a row is faster than sorting
AT_ONCE = 1 << 24  # numbers of a joint distribution that are held at one time


@dataclass(eq=False)
class World:
    """Programs under way.

    Attributes:
        size: how many rows there are.
        filled: by hole, the value of each row, -1 where it has not been read.
        parent: the world that this one grew out of.
        rows: for each row, the parent's row that it grew out of.
    """

    size: int
    filled: dict[str, NDArray[np.int8]]
    parent: World | None = None
    rows: Rows | None = None
    maps: dict[World, Rows] = field(default_factory=dict)

    def since(self, ancestor: World) -> Rows | None:
        """Returns for each row the ancestor's row that it grew out of; None if the two are one."""
        if self is ancestor:
            return None
        if ancestor not in self.maps:
            assert self.parent is not None and self.rows is not None, "variables are used in the worlds that follow theirs"
            before = self.parent.since(ancestor)
            self.maps[ancestor] = self.rows if before is None else before[self.rows]
        return self.maps[ancestor]

    def part(self, rows: Rows) -> World:
        """Returns the world of some rows."""
        return World(len(rows), {name: values[rows] for name, values in self.filled.items()}, self, rows)

    def forget(self) -> None:
        """Drops what was filled: nothing grows out of this world any more."""
        self.filled = {}


@dataclass(eq=False)
class Table:
    """Distributions over ``n`` values for each example, none of them twice."""

    n_examples: int
    n: int
    size: int = 0
    known: dict[bytes, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.held = np.empty((64, self.n_examples, self.n))

    def numbers(self, marginals: Marginals) -> Rows:
        """Returns the numbers of distributions ``(k, examples, n)``, which are new or known."""
        numbers = np.empty(len(marginals), dtype=np.int32)
        for i, one in enumerate(np.ascontiguousarray(marginals)):
            number = self.known.setdefault(one.tobytes(), self.size)
            if number == self.size:
                if self.size == len(self.held):
                    self.held = np.concatenate([self.held, np.empty_like(self.held)])
                self.held[number] = one
                self.size += 1
            numbers[i] = number
        return numbers


@dataclass(frozen=True, eq=False)
class Numbered:
    """What a variable is here: in a world, the number of each row's distribution."""

    world: World
    numbers: Rows


class Exact:
    """Runs all programs of a template that agree with what is filled so far."""

    def __init__(self, n_examples: int, start: World, most: int) -> None:
        """Begins with the rows of ``start``; more than ``most`` are refused."""
        self.n_examples, self.world, self.most = n_examples, start, most
        self.tables: dict[int, Table] = {}

    def given(self, marginals: Marginals) -> Var:
        """Returns a variable of known distributions ``(examples, n)``."""
        number = self._table(marginals.shape[-1]).numbers(np.asarray(marginals, dtype=np.float64)[None])
        return self._var(marginals.shape[-1], np.repeat(number, self.world.size))

    def constant(self, value: int, n: int) -> Var:
        """Returns the certain ``value``."""
        return self.given(np.broadcast_to(np.eye(n)[value], (self.n_examples, n)))

    def call(self, function: Lifted, arguments: Sequence[Var]) -> Var:
        """Returns the function's marginals, computed once for each combination of arguments that occurs."""
        known = [self._read(argument) for argument in arguments]
        combined, inverse = _distinct([self._numbers(argument) for argument in known], [self._table(one.n).size for one in known])
        indicator = function.indicator
        tables = [self._table(argument.n).held for argument in known]

        def value(chosen: NDArray[np.int64]) -> Marginals:
            joint = tables[0][chosen[:, 0]]
            for table, column in zip(tables[1:], chosen.T[1:], strict=True):
                joint = (joint[..., :, None] * table[column][..., None, :]).reshape(*joint.shape[:2], -1)
            return np.asarray(joint @ indicator)

        return self._var(function.n, self._interned(function.n, combined, value, len(indicator))[inverse])

    def switch(self, selector: Var, branches: Sequence[Branch]) -> tuple[Var, ...]:
        """Returns each row's own branch; a row whose selector is uncertain gets the mixture."""
        here, parts = self.world, []
        for rows, taken in self._ways(selector):
            if len(rows) == 0:
                continue
            self.world = here if len(rows) == here.size and taken.hole is None else here.part(rows)
            if taken.hole is not None:
                self.world.filled[taken.hole] = np.full(len(rows), taken.values[0], dtype=np.int8)
            results = [branches[value]() for value in taken.values]
            mixed = results[0] if len(results) == 1 else self._mixed(selector, taken.values, results)
            parts.append((self.world, [(var.n, self._numbers(self._read(var))) for var in mixed]))
        return self._joined(here, parts)

    def numbers(self, var: Var) -> tuple[Rows, Marginals]:
        """Returns for each row the number of its distribution, and the distributions ``(numbers, examples, n)``."""
        known = self._read(var)
        return self._numbers(known), self._table(known.n).held[: self._table(known.n).size]

    def _read(self, var: Var) -> Var:
        """Returns the variable, or what a hole holds, which fills it."""
        if not isinstance(var.data, str):
            return var
        (held,) = self.switch(var, [lambda value=value: (self.constant(value, var.n),) for value in range(var.n)])  # type: ignore[misc]
        return held

    def _ways(self, selector: Var) -> list[tuple[Rows, Taken]]:
        if isinstance(selector.data, str):
            filled = self.world.filled.get(selector.data)
            if filled is None:
                self._check_size(self.world.size * selector.n)
                every = np.arange(self.world.size, dtype=np.int32)
                return [(every, Taken((value,), selector.data)) for value in range(selector.n)]
            self._check_size(self.world.size + int((filled < 0).sum()) * (selector.n - 1))
            return [
                (np.flatnonzero((filled == value) | (filled < 0)).astype(np.int32), Taken((value,), selector.data))
                for value in range(selector.n)
            ]
        numbers = self._numbers(selector)
        present = np.flatnonzero(np.bincount(numbers, minlength=1))
        supports = (self._table(selector.n).held[present] > 0).any(axis=1)
        kinds, kind = np.unique(supports, axis=0, return_inverse=True)
        kind_of = np.zeros(present[-1] + 1, dtype=np.int32)
        kind_of[present] = kind.reshape(-1)
        of_rows = kind_of[numbers]
        return [
            (np.flatnonzero(of_rows == i).astype(np.int32), Taken(tuple(np.flatnonzero(support).tolist()), None))
            for i, support in enumerate(kinds)
        ]

    def _mixed(self, selector: Var, values: Sequence[int], results: Sequence[tuple[Var, ...]]) -> tuple[Var, ...]:
        mixed = []
        for options in zip(*results, strict=True):
            known = [selector, *(self._read(option) for option in options)]
            combined, inverse = _distinct([self._numbers(var) for var in known], [self._table(var.n).size for var in known])
            weights, tables = self._table(selector.n).held, [self._table(var.n).held for var in known[1:]]

            def value(chosen: NDArray[np.int64], weights: Marginals = weights, tables: list[Marginals] = tables) -> Marginals:
                terms = (
                    weights[chosen[:, 0], :, one, None] * table[column]
                    for one, table, column in zip(values, tables, chosen.T[1:], strict=True)
                )
                return np.asarray(sum(terms))

            n = known[1].n
            mixed.append(self._var(n, self._interned(n, combined, value, n)[inverse]))
        return tuple(mixed)

    def _joined(self, here: World, parts: Sequence[tuple[World, list[tuple[int, Rows]]]]) -> tuple[Var, ...]:
        if len(parts) == 1 and parts[0][0].since(here) is None:
            return tuple(self._var(n, numbers) for n, numbers in parts[0][1])
        worlds = [world for world, _ in parts]
        every = np.arange(here.size, dtype=np.int32)
        maps = [world.since(here) for world in worlds]
        filled = {
            name: np.concatenate([world.filled.get(name, np.full(world.size, UNREAD, dtype=np.int8)) for world in worlds])
            for name in sorted({name for world in worlds for name in world.filled})
        }
        rows = np.concatenate([every if one is None else one for one in maps])
        self.world = World(len(rows), filled, here, rows)
        for world in (here, *worlds):
            world.forget()
        columns = zip(*(results for _, results in parts), strict=True)
        return tuple(self._var(column[0][0], np.concatenate([numbers for _, numbers in column])) for column in columns)

    def _interned(self, n: int, combined: NDArray[np.int64], value: Callable[[NDArray[np.int64]], Marginals], width: int) -> Rows:
        step = max(1, AT_ONCE // (width * self.n_examples))
        parts = [self._table(n).numbers(value(combined[i : i + step])) for i in range(0, len(combined), step)]
        return np.concatenate(parts)

    def _numbers(self, var: Var) -> Rows:
        rows = self.world.since(var.data.world)
        numbers: Rows = var.data.numbers
        return numbers if rows is None else numbers[rows]

    def _var(self, n: int, numbers: Rows) -> Var:
        return Var(self, n, Numbered(self.world, numbers))

    def _table(self, n: int) -> Table:
        if n not in self.tables:
            self.tables[n] = Table(self.n_examples, n)
        return self.tables[n]

    def _check_size(self, size: int) -> None:
        if size > self.most:
            raise BudgetTooSmall(
                f"{size:,} partial programs are more than most={self.most:,}; give fewer holes, fewer first examples, or a larger most.",
                given=self.most,
                needed=size,
            )


@dataclass(frozen=True)
class Taken:
    """The branches that some rows take, and the hole that this fills, if it is one."""

    values: tuple[int, ...]
    hole: str | None


def run_all(template: Template, start: World, inputs: Mapping[str, Marginals], most: int) -> tuple[World, Rows, Marginals]:
    """Runs every program that agrees with what is filled.

    Args:
        start: programs, as far as they are filled.
        inputs: by name, the marginals ``(examples, n)`` of each input.
        most: how many rows may be under way at a time.
    Returns:
        The programs that were told apart, the number of each one's answer, and the answers ``(numbers, examples, n)``.
    Raises:
        BudgetTooSmall: more rows than ``most``.
        UsageError: no input, or inputs of several numbers of examples.
    """
    lengths = {len(marginals) for marginals in inputs.values()}
    if len(lengths) != 1:
        raise UsageError(f"inputs have {sorted(lengths)} examples; give inputs of one number of examples.")
    machine = Exact(lengths.pop(), start, most)
    holes = {param.name: Var(machine, param.n, param.name) for param in template.params}
    answer = template.run(holes, {name: machine.given(marginals) for name, marginals in inputs.items()})
    numbers, marginals = machine.numbers(answer)
    return machine.world, numbers, marginals


def _distinct(columns: Sequence[Rows], sizes: Sequence[int]) -> tuple[NDArray[np.int64], Rows]:
    """Returns the combinations that occur, ``(k, columns)``, and for each row which of them it has."""
    key = columns[0].astype(np.int64)
    for column, size in zip(columns[1:], sizes[1:], strict=True):
        key = key * size + column
    total = int(np.prod([float(size) for size in sizes]))
    if total <= DENSE * len(key) + 1024:
        seen = np.zeros(total, dtype=bool)
        seen[key] = True
        keys = np.flatnonzero(seen)
        place = np.empty(total, dtype=np.int32)
        place[keys] = np.arange(len(keys), dtype=np.int32)
        inverse: Rows = place[key]
    else:
        keys, backward = np.unique(key, return_inverse=True)
        inverse = np.asarray(backward.reshape(-1), dtype=np.int32)
    combined = np.empty((len(keys), len(columns)), dtype=np.int64)
    for j in range(len(columns) - 1, -1, -1):
        keys, combined[:, j] = (keys // sizes[j], keys % sizes[j]) if j else (keys, keys)
    return combined, inverse
