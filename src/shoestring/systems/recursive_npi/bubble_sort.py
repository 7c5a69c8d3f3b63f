"""Bubble sort: an array, two pointers and a counter; three degrees of recursion, two encoders, and an abstraction for one of them.

The order of steps inside ``RESET`` is ours. Source: Cai, Shin and Song 2017, arXiv:1704.06611, sections 3.2 and 4.1.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from shoestring.systems.recursive_npi.task import Bools, Ints, Obs, Reference, State, call, last

OFF = 10  # what the digits encoder sees where a pointer is off the array
FIRST, SECOND, COUNTER = range(3)
LEFT, RIGHT = range(2)


@dataclass
class Arrays:
    """Problems.

    Attributes:
        cells: ``(n, length + 2)``, the array at 1 to ``length``.
        at: ``(n, 3)``, two pointers and the counter, all from 1.
        given: the arrays as they came, sorted.
    """

    cells: Ints
    at: Ints
    given: Ints

    def __len__(self) -> int:
        return len(self.cells)


@dataclass(frozen=True)
class Pair:
    """What is known of an environment with the comparison encoder: a state of the abstraction.

    Attributes:
        place: of the first pointer: 0, 1, or 2 for more.
        gap: from the first pointer to the second, 0 to 2.
        room: from the second to the end: 0 for off the array, 1 for the last element, 2 for more.
        ordered: whether the pointed elements are in order; True where they are one, or a pointer is off.
        at_end: whether the counter is at its end.
        memory: the order, where it is known, of the pair to the left: of the elements one to the left of both pointers; with a gap of 0, of
            that and the pointed one; with a gap of 2, of the first pointed one and its right neighbour.
    """

    place: int
    gap: int
    room: int
    ordered: bool
    at_end: bool
    memory: bool | None = None

    @property
    def on_first(self) -> bool:
        """Whether the first pointer is on the array."""
        return self.place >= 1 and self.room >= 1 - self.gap

    @property
    def on_second(self) -> bool:
        """Whether the second pointer is on the array."""
        return self.place + self.gap >= 1 and self.room >= 1

    @property
    def is_on(self) -> bool:
        """Whether both are."""
        return self.on_first and self.on_second

    def after(self, primitive: str, args: tuple[int, ...]) -> Iterable[Pair]:
        """Returns the states that may follow a primitive."""
        if primitive == "SWAP" and self.gap == 1 and self.is_on and not self.ordered:
            return [replace(self, ordered=True, memory=None)]
        if primitive == "PTR" and args == (COUNTER, RIGHT) and not self.at_end:
            return [replace(self, at_end=new) for new in (True, False)]
        if primitive == "PTR" and args == (FIRST, RIGHT) and self.gap == 1:
            memory = self.ordered if self.is_on else None
            return [Pair(min(self.place + 1, 2), 0, self.room, True, self.at_end, memory)]
        if primitive == "PTR" and args == (SECOND, RIGHT) and self.gap == 0 and self.room:
            rooms = {1: (0,), 2: (1, 2)}[self.room]
            return [new for room in rooms for new in Pair(self.place, 1, room, True, self.at_end, self.memory).either()]
        if primitive == "PTR" and args == (FIRST, LEFT) and self.gap == 1 and self.place:
            places = {1: (0,), 2: (1, 2)}[self.place]
            moved = [new for place in places for new in Pair(place, 2, self.room, True, self.at_end, self.memory).either()]
            return [replace(new, memory=self._middle(new)) for new in moved if not self._contradicts(new)]
        if primitive == "PTR" and args == (SECOND, LEFT) and self.gap == 2:
            moved = list(Pair(self.place, 1, min(self.room + 1, 2), True, self.at_end).either())
            return [new for new in moved if not new.is_on or self.memory in (None, new.ordered)]
        raise LookupError(f"{primitive}{args} in {self}")

    def either(self) -> Iterable[Pair]:
        """Returns the state in both orders where it has two elements."""
        return [replace(self, ordered=new) for new in (True, False)] if self.is_on and self.gap else [self]

    def _contradicts(self, wider: Pair) -> bool:
        """Whether a pair one wider to the left cannot be: order is transitive."""
        known = self.is_on and wider.is_on and self.memory is not None
        return known and self.memory == self.ordered != wider.ordered

    def _middle(self, wider: Pair) -> bool | None:
        """Returns what is known of the pair to the left, once the order of the wider pair is known too."""
        if self.memory is not None or not (self.is_on and wider.is_on):
            return self.memory
        return wider.ordered if wider.ordered != self.ordered else None


@dataclass(frozen=True)
class BubbleSort:
    """Sorts digits by bubble sort.

    Attributes:
        recursion: ``"full"``, ``"partial"`` (of ``BUBBLESORT`` only), or ``"none"``: loops within a frame.
        encoder: ``"comparison"``: whether the first pointed element is at most the second, whether either pointer is on the array, whether
            the counter is at its end; or ``"digits"``: both elements and the counter.
    """

    recursion: str = "full"
    encoder: str = "comparison"

    programs = ("BUBBLESORT", "BUBBLE", "RESET", "BSTEP", "COMPSWAP", "RSHIFT", "LSHIFT")
    primitives = ("PTR", "SWAP")
    arg_sizes = (3, 2)  # pointer, direction

    @property
    def name(self) -> str:
        """The name, with the encoder where it is not the comparison."""
        return "bubble-sort" if self.encoder == "comparison" else "bubble-sort-digits"

    @property
    def obs_sizes(self) -> tuple[int, ...]:
        """How many values each part of an observation has."""
        return (2, 2, 2, 2) if self.encoder == "comparison" else (11, 11, 2)

    def _sees(self, obs: Obs) -> tuple[bool, bool, bool, bool]:
        """Returns the comparison's observation, whichever the encoder."""
        if self.encoder == "comparison":
            return bool(obs[0]), bool(obs[1]), bool(obs[2]), bool(obs[3])
        return obs[0] <= obs[1] or OFF in obs[:2], obs[0] != OFF, obs[1] != OFF, bool(obs[2])

    def reference(self, program: str, args: tuple[int, ...], obs: Obs) -> Reference:
        """Runs one frame of a program."""
        ordered, on_first, on_second, at_end = self._sees(obs)
        if program == "BUBBLESORT":
            while not at_end:
                yield call("BUBBLE")
                if self.recursion != "none":
                    yield call("RESET")
                    yield last("BUBBLESORT")
                at_end = self._sees((yield call("RESET")))[3]
        elif program == "BUBBLE":
            if self.recursion == "full":
                yield call("PTR", SECOND, RIGHT)
                yield last("BSTEP")
            on_second = self._sees((yield call("PTR", SECOND, RIGHT)))[2]
            while on_second:
                on_second = self._sees((yield call("BSTEP")))[2]
        elif program == "BSTEP" and on_second:
            yield call("COMPSWAP")
            if self.recursion == "full":
                yield call("RSHIFT")
                yield last("BSTEP")
            yield last("RSHIFT")
        elif program == "COMPSWAP" and not ordered:
            yield last("SWAP")
        elif program == "RSHIFT":
            yield call("PTR", FIRST, RIGHT)
            yield last("PTR", SECOND, RIGHT)
        elif program == "RESET":
            if self.recursion == "full":
                yield call("LSHIFT")
            while self.recursion != "full" and on_first:
                on_first = self._sees((yield call("LSHIFT")))[1]
            yield call("PTR", FIRST, RIGHT)
            yield last("PTR", COUNTER, RIGHT)
        elif program == "LSHIFT" and on_first:
            yield call("PTR", FIRST, LEFT)
            if self.recursion == "full":
                yield call("PTR", SECOND, LEFT)
                yield last("LSHIFT")
            yield last("PTR", SECOND, LEFT)

    def problems(self, n: int, length: int, rng: np.random.Generator) -> Arrays:
        """Returns arrays of ``length`` random digits."""
        return self.of(rng.integers(10, size=(n, length)))

    def of(self, arrays: Ints) -> Arrays:
        """Returns the problem of sorting given arrays of digits ``(n, length)``."""
        return Arrays(np.pad(arrays, ((0, 0), (1, 1))), np.ones((len(arrays), 3), np.int64), np.sort(arrays))

    def papers_problems(self, rng: np.random.Generator) -> list[Arrays]:
        """Returns the paper's training set: two arrays of seven and one of six; with the digits encoder, a hundred of two."""
        return [self.problems(100, 2, rng)] if self.encoder == "digits" else [self.problems(2, 7, rng), self.problems(1, 6, rng)]

    def observe(self, env: Arrays, rows: Ints) -> Ints:
        """Returns what the encoder sees."""
        length, at = env.given.shape[1], env.at[rows]
        on = (at[:, :COUNTER] >= 1) & (at[:, :COUNTER] <= length)
        elements = env.cells[rows[:, None], at[:, :COUNTER]]
        at_end = at[:, COUNTER] == length
        if self.encoder == "digits":
            return np.column_stack([np.where(on, elements, OFF), at_end]).astype(np.int64)
        ordered = (elements[:, 0] <= elements[:, 1]) | ~on.all(axis=1)
        return np.column_stack([ordered, on, at_end]).astype(np.int64)

    def act(self, env: Arrays, rows: Ints, primitive: str, args: Ints) -> None:
        """Moves a pointer, or swaps the two pointed elements."""
        if primitive == "PTR":
            at = env.at[rows, args[:, 0]] + np.where(args[:, 1] == RIGHT, 1, -1)
            env.at[rows, args[:, 0]] = np.clip(at, 0, env.cells.shape[1] - 1)
        else:
            first, second = env.at[rows, FIRST], env.at[rows, SECOND]
            env.cells[rows, first], env.cells[rows, second] = env.cells[rows, second], env.cells[rows, first]

    def solved(self, env: Arrays) -> Bools:
        """Returns which arrays are sorted."""
        right: Bools = (env.cells[:, 1:-1] == env.given).all(axis=1)
        return right

    def describe(self, env: Arrays, row: int) -> Any:
        """Returns the array."""
        return env.cells[row, 1:-1].tolist()

    def abstract_start(self) -> Iterable[State]:
        """Returns arrays of one element and of more.

        Raises:
            LookupError: the digits encoder sees too much for states like these.
        """
        if self.encoder != "comparison":
            raise LookupError("the digits encoder has no abstraction")
        return [Pair(1, 0, 1, True, True), Pair(1, 0, 2, True, False)]

    def abstract_observe(self, state: Any) -> Obs:
        """Returns the comparison, which pointers are on the array, and whether the counter is at its end."""
        pair: Pair = state
        return int(pair.ordered or not pair.is_on), int(pair.on_first), int(pair.on_second), int(pair.at_end)

    def abstract_step(self, state: Any, primitive: str, args: tuple[int, ...]) -> Iterable[State]:
        """Returns the states that may follow."""
        pair: Pair = state
        return pair.after(primitive, args)

    def abstract_call(self, state: Any, program: str) -> tuple[State, State]:
        """Returns all of the state: every program may touch it."""
        return state, None

    def abstract_return(self, state: Any, aside: Any) -> State:
        """Returns the state as it is."""
        returned: State = state
        return returned
