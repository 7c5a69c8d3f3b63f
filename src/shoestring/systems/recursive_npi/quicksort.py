"""Quicksort with Lomuto's partition and a stack of its own calls: environment, programs and abstraction.

Source: Cai, Shin and Song 2017, arXiv:1704.06611, section 4.1 and appendix A.3. The order in which a call's two ends are pushed is ours.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from shoestring.systems.recursive_npi.task import Bools, Ints, Obs, Reference, State, Step, call, last

PAPERS_ARRAY = (8, 2, 1, 2, 0, 8, 5, 8, 3, 7)  # the paper's verification set
PIVOT, J, STACK_LO, STACK_HI, LO, HI = range(6)  # places in ``at``; MOVE takes the first four
DOWN, UP = range(2)
WITH_HI, WITH_J = range(2)  # SWAP
TO_LO, TO_HI, TO_STACK_LO, TO_STACK_HI = range(4)  # WRITE, where
OF_LO, OF_HI, OF_LO_PEEK, OF_HI_PEEK, OF_PIVOT_LESS, OF_PIVOT_MORE, RESET = range(7)  # WRITE, what
PUSH_CALL1, PUSH_CALL2, POP = range(3)  # STACK


@dataclass
class Arrays:
    """Problems.

    Attributes:
        cells: ``(n, length + 2)``, the array at 1 to ``length``.
        at: ``(n, 6)``: pivot, j (0 is none), tops of both stacks, lo, hi; a stack's top is the first free place, 1 when it is empty.
        stack: ``(n, 2, places)``, the lower and upper ends of calls.
        given: the arrays as they came, sorted.
    """

    cells: Ints
    at: Ints
    stack: Ints
    given: Ints

    def __len__(self) -> int:
        return len(self.cells)


@dataclass(frozen=True)
class Known:
    """What is known of an environment within one call of ``QUICKSORT``, whose ends are ``lo`` and ``hi``: a state of the abstraction.

    Ends of calls are symbols: ``"lo"``, ``"hi"``, ``"pivot-1"``, ``"pivot+1"``.

    Attributes:
        is_long: whether lo < hi.
        lows, highs: the stacks, as far as this call put them there; the first is the call itself.
        free: the symbols last written to the free places above the stacks, None where it is not known.
        regs: the symbols in the registers lo and hi, None where it is not known.
        splits: whether pivot+1 < hi and lo < pivot-1, None before it shows.
        pivot: where it is: ``"lo"`` before j is set; then relative to j: ``"at"`` it; ``"next"``, one above it; ``"big"``, below it, all
            elements from it to before j above A[hi]; ``"small"``, the same but for its own, which is at most A[hi], and A[j] above A[hi];
            ``"end"``, anywhere from lo to hi, after the partition; None where it is not known.
        j: A[j] <= A[hi], and j = hi; None where j is not set.
    """

    is_long: bool
    lows: tuple[str, ...] = ("lo",)
    highs: tuple[str, ...] = ("hi",)
    free: tuple[str | None, str | None] = (None, None)
    regs: tuple[str | None, str | None] = ("lo", "hi")
    splits: tuple[bool | None, bool | None] = (None, None)
    pivot: str | None = None
    j: tuple[bool, bool] | None = None

    @property
    def top(self) -> bool:
        """Whether the lower end on top is below the upper one on top."""
        low, high = self.lows[-1], self.highs[-1]
        found = {
            ("lo", "hi"): self.is_long,
            ("pivot+1", "hi"): self.splits[0],
            ("lo", "pivot-1"): self.splits[1],
            ("pivot+1", "pivot-1"): False,
        }[low, high]
        if found is None:
            raise LookupError(f"{low} < {high} is not known")
        return found

    @property
    def is_at_rest(self) -> bool:
        """Whether both stacks are as high, the registers hold the call on top, and j is not set: where a call begins."""
        return len(self.lows) == len(self.highs) and self.regs == (self.lows[-1], self.highs[-1]) and self.j is None

    @property
    def observation(self) -> Obs:
        """What is seen; the stack is never empty, as the call itself lies on it."""
        ordered, at_end = self.j or (False, False)
        return int(ordered), int(at_end), int(self.top), 0

    def after(self, primitive: str, args: tuple[int, ...]) -> Iterable[Known]:
        """Returns the states that may follow a primitive."""
        first, second = args
        if primitive == "WRITE" and self.j is None:
            return [self._written(first, second)]
        if primitive == "MOVE" and first in (STACK_LO, STACK_HI) and self.j is None:
            return self._moved_stack(first, second)
        if primitive == "SET_PIVOT_LO" and self.regs == ("lo", "hi") and self.j is None:
            return [replace(self, pivot="lo", splits=(None, None))] if len(self.lows) == len(self.highs) == 1 else self._lost(primitive)
        if primitive == "SET_J_LO" and self.pivot == "lo" and self.is_long:
            return [replace(self, pivot="at", j=(ordered, False)) for ordered in (True, False)]
        if self.j is None:
            return self._lost(primitive)
        ordered, at_end = self.j
        if primitive == "SET_J_NULL" and (self.pivot == "end" or (at_end and self.pivot in ("at", "big"))):
            return [replace(self, pivot="end", j=None)]
        if primitive == "SWAP" and first == WITH_J and ordered and not at_end and self.pivot in ("at", "big"):
            return [self] if self.pivot == "at" else [replace(self, pivot="small", j=(False, False))]
        if primitive == "SWAP" and first == WITH_HI and at_end and self.pivot in ("at", "big"):
            return [replace(self, pivot="end")]  # j is at hi still, and A[hi] <= A[hi]
        if primitive == "MOVE" and (first, second) == (PIVOT, UP) and not at_end and self.pivot in ("at", "small"):
            return [replace(self, pivot=new) for new in (("next",) if self.pivot == "at" else ("at", "big"))]
        if primitive == "MOVE" and (first, second) == (J, UP) and not at_end:
            pivot = "at" if self.pivot == "next" else "big" if self.pivot in ("at", "big") and not ordered else None
            return [replace(self, pivot=pivot, j=new) for new in ((True, True), (True, False), (False, False))]
        return self._lost(primitive)

    def _written(self, where: int, what: int) -> Known:
        sources: dict[int, str | None] = {OF_LO: self.regs[0], OF_HI: self.regs[1], OF_LO_PEEK: self.lows[-1], OF_HI_PEEK: self.highs[-1]}
        if self.pivot == "end":
            sources |= {OF_PIVOT_LESS: "pivot-1", OF_PIVOT_MORE: "pivot+1"}
        value = sources.get(what)
        if where == TO_LO:
            return replace(self, regs=(value, self.regs[1]))
        if where == TO_HI:
            return replace(self, regs=(self.regs[0], value))
        return replace(self, free=(value, self.free[1]) if where == TO_STACK_LO else (self.free[0], value))

    def _moved_stack(self, which: int, way: int) -> Iterable[Known]:
        is_low = which == STACK_LO
        old = self.lows if is_low else self.highs
        new_one = self.free[0 if is_low else 1]
        if way == UP and new_one not in (("lo", "pivot+1") if is_low else ("hi", "pivot-1")):
            return self._lost("a push of what is not known")
        if way == DOWN and len(old) == 1:
            return self._lost("a pop of the call itself")
        new = (*old, str(new_one)) if way == UP else old[:-1]
        moved = replace(self, lows=new, free=(None, self.free[1])) if is_low else replace(self, highs=new, free=(self.free[0], None))
        pair = moved.lows[-1], moved.highs[-1]
        right, left = moved.splits
        if pair == ("pivot+1", "hi") and right is None:
            return [replace(moved, splits=(bit, left)) for bit in (True, False)]
        if pair == ("lo", "pivot-1") and left is None:
            return [replace(moved, splits=(right, bit)) for bit in (True, False)]
        return [moved]

    def _lost(self, what: str) -> Iterable[Known]:
        raise LookupError(f"{what} in {self}")


@dataclass(frozen=True)
class Quicksort:
    """Sorts numbers by quicksort.

    Attributes:
        recursion: ``"full"``, or ``"none"`` for loops within a frame.
    """

    recursion: str = "full"

    name = "quicksort"
    programs = ("QUICKSORT", "PARTITION", "COMPSWAP_LOOP", "COMPSWAP", "STACK")
    primitives = ("SET_PIVOT_LO", "SET_J_LO", "SET_J_NULL", "MOVE", "SWAP", "WRITE")
    arg_sizes = (4, 7)
    obs_sizes = (2, 2, 2, 2)

    def reference(self, program: str, args: tuple[int, ...], obs: Obs) -> Reference:
        """Runs one frame of a program."""
        if program == "QUICKSORT":
            while self.recursion == "none" and not obs[3]:
                yield call("WRITE", TO_HI, OF_HI_PEEK)
                obs = yield call("WRITE", TO_LO, OF_LO_PEEK)
                if obs[2]:
                    yield call("PARTITION")
                    yield call("STACK", POP)
                    yield call("STACK", PUSH_CALL2)
                    obs = yield call("STACK", PUSH_CALL1)
                else:
                    obs = yield call("STACK", POP)
            if self.recursion == "full" and obs[2]:
                yield call("PARTITION")
                yield call("STACK", PUSH_CALL2)
                yield call("STACK", PUSH_CALL1)
                for is_second in (False, True):
                    yield call("WRITE", TO_HI, OF_HI_PEEK)
                    yield call("WRITE", TO_LO, OF_LO_PEEK)
                    yield call("QUICKSORT")
                    yield Step("STACK", (POP,), is_second)
        elif program == "PARTITION":
            yield call("SET_PIVOT_LO")
            obs = yield call("SET_J_LO")
            if self.recursion == "full":
                yield call("COMPSWAP_LOOP")
            while self.recursion == "none" and not obs[1]:
                obs = yield call("COMPSWAP")
            yield call("SWAP", WITH_HI)
            yield last("SET_J_NULL")
        elif program == "COMPSWAP_LOOP" and not obs[1]:
            yield call("COMPSWAP")
            yield last("COMPSWAP_LOOP")
        elif program == "COMPSWAP":
            if obs[0]:
                yield call("SWAP", WITH_J)
                yield call("MOVE", PIVOT, UP)
            yield last("MOVE", J, UP)
        elif program == "STACK" and args[0] == POP:
            yield call("MOVE", STACK_LO, DOWN)
            yield last("MOVE", STACK_HI, DOWN)
        elif program == "STACK":
            yield call("WRITE", TO_STACK_LO, OF_LO if args[0] == PUSH_CALL1 else OF_PIVOT_MORE)
            yield call("WRITE", TO_STACK_HI, OF_PIVOT_LESS if args[0] == PUSH_CALL1 else OF_HI)
            yield call("MOVE", STACK_LO, UP)
            yield last("MOVE", STACK_HI, UP)

    def problems(self, n: int, length: int, rng: np.random.Generator) -> Arrays:
        """Returns arrays of ``length`` random numbers: digits up to ten of them, then as many different ones as there are places."""
        return self.of(rng.integers(max(10, length), size=(n, length)))

    def of(self, arrays: Ints) -> Arrays:
        """Returns the problem of sorting given arrays ``(n, length)``."""
        n, length = arrays.shape
        at = np.tile(np.array([1, 0, 2, 2, 1, length], np.int64), (n, 1))
        stack = np.zeros((n, 2, 16), np.int64)
        stack[:, :, 1] = 1, length
        return Arrays(np.pad(arrays, ((0, 0), (1, 1))).astype(np.int64), at, stack, np.sort(arrays))

    def papers_problems(self, rng: np.random.Generator) -> list[Arrays]:
        """Returns the paper's training set: four arrays of five."""
        return [self.problems(4, 5, rng)]

    def observe(self, env: Arrays, rows: Ints) -> Ints:
        """Returns whether A[j] <= A[hi], j = hi, the top call's lower end is below its upper one, and the stack is empty."""
        at = env.at[rows]
        j, hi, is_set = at[:, J], at[:, HI], at[:, J] > 0
        lower, upper = env.stack[rows, 0, at[:, STACK_LO] - 1], env.stack[rows, 1, at[:, STACK_HI] - 1]
        seen = is_set & (env.cells[rows, j] <= env.cells[rows, hi]), is_set & (j == hi), lower < upper, at[:, STACK_LO] == 1
        return np.stack(seen, axis=1).astype(np.int64)

    def act(self, env: Arrays, rows: Ints, primitive: str, args: Ints) -> None:
        """Sets, moves, swaps or writes."""
        at = env.at
        if primitive == "SET_PIVOT_LO":
            at[rows, PIVOT] = at[rows, LO]
        elif primitive == "SET_J_LO":
            at[rows, J] = at[rows, LO]
        elif primitive == "SET_J_NULL":
            at[rows, J] = 0
        elif primitive == "MOVE":
            self._move(env, rows, args[:, 0], np.where(args[:, 1] == UP, 1, -1))
        elif primitive == "SWAP":
            first, second = at[rows, PIVOT], np.where(args[:, 0] == WITH_HI, at[rows, HI], at[rows, J])
            env.cells[rows, first], env.cells[rows, second] = env.cells[rows, second], env.cells[rows, first]
        else:
            self._write(env, rows, args[:, 0], args[:, 1])

    def _move(self, env: Arrays, rows: Ints, which: Ints, by: Ints) -> None:
        most = np.where(which <= J, env.cells.shape[1] - 1, np.iinfo(np.int64).max)
        env.at[rows, which] = np.clip(env.at[rows, which] + by, np.where(which == J, 0, 1), most)
        if env.at[rows, which].max(initial=0) >= env.stack.shape[2]:
            env.stack = np.concatenate([env.stack, np.zeros_like(env.stack)], axis=2)

    def _write(self, env: Arrays, rows: Ints, where: Ints, what: Ints) -> None:
        at, stack = env.at[rows], env.stack
        tops = stack[rows, 0, at[:, STACK_LO] - 1], stack[rows, 1, at[:, STACK_HI] - 1]
        sources = np.stack([at[:, LO], at[:, HI], *tops, at[:, PIVOT] - 1, at[:, PIVOT] + 1, np.zeros(len(rows), np.int64)])
        values = sources[np.minimum(what, RESET), np.arange(len(rows))]
        for target, place in ((TO_LO, LO), (TO_HI, HI)):
            chosen = where == target
            env.at[rows[chosen], place] = np.clip(values[chosen], 0, env.cells.shape[1] - 1)
        for target, which, top in ((TO_STACK_LO, 0, STACK_LO), (TO_STACK_HI, 1, STACK_HI)):
            chosen = where == target
            stack[rows[chosen], which, at[chosen, top]] = values[chosen]

    def solved(self, env: Arrays) -> Bools:
        """Returns which arrays are sorted."""
        right: Bools = (env.cells[:, 1:-1] == env.given).all(axis=1)
        return right

    def describe(self, env: Arrays, row: int) -> Any:
        """Returns the array."""
        return env.cells[row, 1:-1].tolist()

    def abstract_start(self) -> Iterable[State]:
        """Returns an array of one element and a longer one."""
        return [Known(is_long=False), Known(is_long=True)]

    def abstract_observe(self, state: Any) -> Obs:
        """Returns what is seen in a state."""
        known: Known = state
        return known.observation

    def abstract_step(self, state: Any, primitive: str, args: tuple[int, ...]) -> Iterable[State]:
        """Returns the states that may follow."""
        known: Known = state
        return known.after(primitive, args)

    def abstract_call(self, state: Any, program: str) -> tuple[State, State]:
        """Returns, for ``QUICKSORT``, only its own call of all that the stacks hold: what lies below it cannot touch."""
        known: Known = state
        if program != "QUICKSORT" or not known.is_at_rest:
            return known, None
        return Known(is_long=known.top), known

    def abstract_return(self, state: Any, aside: Any) -> State:
        """Returns the caller's state, with registers that hold it knows not what."""
        if aside is None:
            returned: State = state
            return returned
        if state.lows != ("lo",) or state.highs != ("hi",) or state.j is not None:
            raise LookupError("QUICKSORT did not leave the stacks as it found them")
        known: Known = aside
        return replace(known, regs=(None, None), pivot=None, j=None)
