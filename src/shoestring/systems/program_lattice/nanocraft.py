"""NANOCRAFT: build a rectangle of blocks on a 6 by 6 grid, some of which already lie there; many problems at once.

Source: Li et al. 2017 (Neural Program Lattices, ICLR), section 4.1. The hand begins in one corner, walks to where the rectangle begins,
and goes once around it, placing a block wherever the right one is missing.
"""

from __future__ import annotations

import numpy as np

from shoestring.errors import UsageError
from shoestring.systems.program_lattice.task import POP, PUSH, STAY, Floats, Ints, Trace, one_hot

SIZE, EMPTY, N_KINDS = 6, 4, 4  # a kind of block is one of two colours in one of two materials
RIGHT, DOWN, LEFT, UP, PLACE = range(5)  # actions; PLACE + k places a block of kind k
CRAFT, MOVE_MANY, BUILD_FENCE = 0, 1, 3  # programs; MOVE_MANY + 1 is its other direction, BUILD_FENCE + d builds along direction d
PROGRAMS = ("NANOCRAFT", "MOVE_MANY right", "MOVE_MANY down", *(f"BUILD_FENCE {way}" for way in ("right", "down", "left", "up")))
MOVES = np.array([(0, 1), (1, 0), (0, -1), (-1, 0)])
LARGEST_START, SIDES = 3, (2, 3)  # a rectangle begins less than so far from the corner, and has sides of these


class Nanocraft:
    """Rectangles to build, in place.

    Attributes:
        goals: ``(n, 5)``: column and row where it begins, width, height, kind of block.
        grid: ``(n, 6, 6)``, kinds; ``EMPTY`` for none.
        hand: ``(n, 2)``, row and column.
    """

    def __init__(self, goals: Ints, grid: Ints, *, full: bool = False) -> None:
        """Begins in the corner.

        Args:
            goals, grid: as above.
            full: show the whole grid, in planes; else only the block under the hand. The goal is always shown.
        """
        self.goals, self.grid, self.full, self.start = goals, grid.copy(), full, grid.copy()
        self.hand = np.zeros((len(goals), 2), dtype=np.int64)

    @staticmethod
    def sizes(full: bool = False) -> tuple[int, int, int]:
        """Returns ``(d_obs, n_programs, n_actions)``."""
        goal = 2 * LARGEST_START + 2 * len(SIDES) + N_KINDS
        return goal + (SIZE * SIZE * (1 + N_KINDS) if full else N_KINDS + 1), len(PROGRAMS), PLACE + N_KINDS

    @classmethod
    def random(cls, n: int, rng: np.random.Generator, *, full: bool = False, ready: float = 0.3) -> Nanocraft:
        """Returns rectangles drawn uniformly, each of whose blocks already lies there with probability ``ready``."""
        starts = rng.integers(LARGEST_START, size=(n, 2))
        goals = np.concatenate([starts, rng.choice(SIDES, size=(n, 2)), rng.integers(N_KINDS, size=(n, 1))], axis=1)
        lies_there = rng.random((n, SIZE, SIZE)) < ready
        wanted = blueprint(goals)
        return cls(goals, np.where(lies_there, wanted, EMPTY), full=full)

    def observe(self) -> Floats:
        """Returns the goal and what is seen of the grid, ``(n, d_obs)``, as ones and zeros."""
        column, row, width, height, kind = self.goals.T
        sides = [one_hot(side - SIDES[0], len(SIDES)) for side in (width, height)]
        goal = [one_hot(column, LARGEST_START), one_hot(row, LARGEST_START), *sides, one_hot(kind, N_KINDS)]
        n = len(self.goals)
        if self.full:
            place = one_hot(self.hand[:, 0] * SIZE + self.hand[:, 1], SIZE * SIZE)
            return np.concatenate([*goal, place, one_hot(self.grid, N_KINDS + 1)[..., :N_KINDS].reshape(n, -1)], axis=1)
        return np.concatenate([*goal, one_hot(self.grid[np.arange(n), *self.hand.T], N_KINDS + 1)], axis=1)

    def act(self, actions: Ints) -> None:
        """Does one action in each problem, ``(n,)``; -1 for none. The hand stays on the grid."""
        moves = np.flatnonzero((actions >= 0) & (actions < PLACE))
        self.hand[moves] = np.clip(self.hand[moves] + MOVES[actions[moves]], 0, SIZE - 1)
        places = np.flatnonzero(actions >= PLACE)
        self.grid[places, *self.hand[places].T] = actions[places] - PLACE

    def solved(self) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Returns whether the grid holds the rectangle and nothing else, ``(n,)``."""
        return np.asarray((self.grid == blueprint(self.goals)).all(axis=(1, 2)))

    def traces(self) -> list[Trace]:
        """Returns the reference execution of each problem, from where it began."""
        return [self._trace(goal.tolist(), grid) for goal, grid in zip(self.goals, self.start, strict=True)]

    def _trace(self, goal: list[int], grid: Ints) -> Trace:
        column, row, width, height, kind = goal
        if row + height > SIZE or column + width > SIZE:
            raise UsageError(f"a rectangle of {width} by {height} at column {column}, row {row} leaves the grid of {SIZE} by {SIZE}.")
        steps: list[tuple[int, int]] = []
        for program, way, times in ((MOVE_MANY, RIGHT, column), (MOVE_MANY + 1, DOWN, row)):
            if times:
                steps += [(PUSH, program), *[(STAY, way)] * times, (POP, 0)]
        hand = np.array([row, column])
        for way, times in ((RIGHT, width - 1), (DOWN, height - 1), (LEFT, width - 1), (UP, height - 1)):
            steps.append((PUSH, BUILD_FENCE + way))
            for _ in range(times):
                steps += [(STAY, PLACE + kind)] if grid[tuple(hand)] != kind else []
                steps.append((STAY, way))
                hand = hand + MOVES[way]
            steps.append((POP, 0))
        return Trace.of([*steps, (POP, 0)])


def blueprint(goals: Ints) -> Ints:
    """Returns the finished grids, ``(n, 6, 6)``."""
    column, row, width, height, kind = (part[:, None, None] for part in goals.T)
    y, x = np.mgrid[:SIZE, :SIZE]
    inside = (x >= column) & (x < column + width) & (y >= row) & (y < row + height)
    core = (x > column) & (x < column + width - 1) & (y > row) & (y < row + height - 1)
    return np.where(inside & ~core, kind, EMPTY)
