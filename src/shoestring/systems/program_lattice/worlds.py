"""The two tasks as the training function asks for them: problems by length, their sizes, and the limits of a lattice over them.

A world of one's own needs none of this: ``ProgramLattice`` takes any demonstrations.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np

from shoestring.systems.program_lattice.addition import Addition
from shoestring.systems.program_lattice.nanocraft import Nanocraft
from shoestring.systems.program_lattice.task import Floats, one_hot

TASKS = ("addition", "nanocraft")
Problems: TypeAlias = Addition | Nanocraft


class World(Protocol):
    """A family of problems."""

    @property
    def max_depth(self) -> int:
        """The depth of its programs."""

    def sizes(self) -> tuple[int, int, int]:
        """Returns ``(d_obs, n_programs, n_actions)``."""

    def problems(self, n: int, length: int, rng: np.random.Generator) -> Problems:
        """Returns problems of one length."""

    def demonstrated(self, n: int, length: int, rng: np.random.Generator) -> Problems:
        """Returns problems to be demonstrated, which need not be drawn as those of a test are."""

    def max_calls(self, n_actions: int) -> int:
        """Returns the most calls that an execution with so many actions makes."""

    def max_steps(self, length: int) -> int:
        """Returns more steps than any execution at this length needs."""

    def question(self, problems: Problems) -> Floats:
        """Returns the problem as a sequence, ``(n, length, d_question)``: all that a learner gets that never looks at the environment."""


@dataclass(frozen=True)
class AdditionWorld:
    """Sums of two numbers of as many digits as the length; ``covering``: see ``Config``."""

    base: int = 4
    covering: bool = False
    max_depth: int = 2

    def sizes(self) -> tuple[int, int, int]:
        """As in ``World``."""
        return Addition.sizes(self.base)

    def problems(self, n: int, length: int, rng: np.random.Generator) -> Addition:
        """As in ``World``."""
        return Addition.random(n, length, self.base, rng)

    def demonstrated(self, n: int, length: int, rng: np.random.Generator) -> Addition:
        """As in ``World``."""
        drawn = self.problems(n, length, rng)
        if not self.covering or length < 2:
            return drawn
        cover = Addition.covering(length, self.base, rng)
        first, second = (np.concatenate(pair)[:n] for pair in ((cover.first, drawn.first), (cover.second, drawn.second)))
        return Addition(first, second, self.base)

    def max_calls(self, n_actions: int) -> int:
        """Three calls for five actions where nothing is carried, four for eight where something is."""
        return math.ceil(0.6 * n_actions)

    def max_steps(self, length: int) -> int:
        """Sixteen steps for a digit with a carry."""
        return 20 * (length + 2)

    def question(self, problems: Problems) -> Floats:
        """Both digits of a column at a time, the lowest first, and a last column of blanks."""
        assert isinstance(problems, Addition)
        inputs = problems.cells[:, :2, : problems.first.shape[1] + 1].transpose(0, 2, 1)
        return one_hot(inputs, self.base + 1).reshape(*inputs.shape[:2], -1)


@dataclass(frozen=True)
class NanocraftWorld:
    """Rectangles to build; there is but one length."""

    full: bool = False
    max_depth: int = 1

    def sizes(self) -> tuple[int, int, int]:
        """As in ``World``."""
        return Nanocraft.sizes(self.full)

    def problems(self, n: int, length: int, rng: np.random.Generator) -> Nanocraft:
        """As in ``World``; the length is not used."""
        return Nanocraft.random(n, rng, full=self.full)

    def demonstrated(self, n: int, length: int, rng: np.random.Generator) -> Nanocraft:
        """As in ``World``."""
        return self.problems(n, length, rng)

    def max_calls(self, n_actions: int) -> int:
        """Two ways to walk, and four sides."""
        return 6

    def max_steps(self, length: int) -> int:
        """At most 19 actions and 6 calls."""
        return 60

    def question(self, problems: Problems) -> Floats:
        """The goal and the whole grid, at once."""
        assert isinstance(problems, Nanocraft)
        return Nanocraft(problems.goals, problems.start, full=True).observe()[:, None]


def world_of(task: str, base: int = 4, full: bool = False, covering: bool = False) -> World:
    """Returns the world of a task by its name, ``"addition"`` or ``"nanocraft"``."""
    return AdditionWorld(base, covering) if task == "addition" else NanocraftWorld(full)
