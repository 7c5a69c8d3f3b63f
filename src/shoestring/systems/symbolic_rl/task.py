"""The paper's game, many at once in one tensor program: a field, an agent that walks, objects that are worth 1 or -1 when touched.

It learns nothing and knows no Gymnasium: that is ``game``. Source: Garnelo, Arulkumaran and Shanahan 2016, arXiv:1609.05518, section 4.
Sizes follow the public code PyDSRL where the paper's were not at hand; the number of objects is ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import torch
from torch import Tensor

from shoestring.errors import UnknownName, UsageError

Variant: TypeAlias = Literal["negative-grid", "negative-random", "mixed-grid", "mixed-random"]
VARIANTS: tuple[Variant, ...] = get_args(Variant)
ACTIONS = ("up", "down", "left", "right")
MOVES = torch.tensor([[-1, 0], [1, 0], [0, -1], [0, 1]])
AGENT, NEGATIVE, POSITIVE = 0, 1, 2  # what a thing is: drawn as +, o and x
NAMES = ("+", "o", "x")
CELL = 8  # pixels: a glyph of 5 by 5 and a gap
SIZE, N_OBJECTS, N_STEPS = 11, 16, 100

_GLYPHS = (
    ("..#..", "..#..", "#####", "..#..", "..#.."),
    (".###.", "#...#", "#...#", "#...#", ".###."),
    ("#...#", ".#.#.", "..#..", ".#.#.", "#...#"),
)
GLYPHS = torch.tensor([[[255 * (dot == "#") for dot in row] for row in glyph] for glyph in _GLYPHS], dtype=torch.uint8)


@dataclass(frozen=True)
class State:
    """What games are in, as tensors on one device.

    Attributes:
        agent: ``(n_games, 2)`` int64, row and column of the agent's cell.
        cells: ``(n_games, n_objects, 2)`` int64, of each object.
        kinds: ``(n_games, n_objects)`` int64, ``NEGATIVE`` or ``POSITIVE``.
        alive: ``(n_games, n_objects)`` bool, not touched yet.
    """

    agent: Tensor
    cells: Tensor
    kinds: Tensor
    alive: Tensor

    def things(self) -> tuple[Tensor, Tensor]:
        """Returns what is there and where, the agent first: kinds ``(n_games, 1 + n_objects)``, -1 where nothing is, and cells."""
        kinds = torch.where(self.alive, self.kinds, -1)
        return torch.cat((torch.full_like(kinds[:, :1], AGENT), kinds), 1), torch.cat((self.agent[:, None], self.cells), 1)


@dataclass(frozen=True)
class Games:
    """The rules of one variant; games are ``State`` values, and nothing is kept here.

    Attributes:
        variant: objects are negative only or mixed half and half; in the same regular grid in every game, or anywhere.
        size: cells of a side.
        n_objects: of a random variant; a grid has one in each second cell, 16 for a size of 11.
        swapped: what looks positive is worth -1 and the reverse.
    """

    variant: Variant = "mixed-random"
    size: int = SIZE
    n_objects: int = N_OBJECTS
    swapped: bool = False

    def __post_init__(self) -> None:
        if self.variant not in VARIANTS:
            raise UnknownName("variant", self.variant, VARIANTS)
        if self.size < 5 or not 0 < self.n_objects < self.size**2:
            raise UsageError(
                f"a field of size={self.size} with n_objects={self.n_objects} makes no game; give a size of 5 or more, and from 1 to"
                f" {max(self.size, 5) ** 2 - 1} objects."
            )

    @property
    def pixels(self) -> int:
        """Pixels of a side of a frame."""
        return self.size * CELL

    def reset(self, n_games: int, generator: torch.Generator) -> State:
        """Returns new games; the agent begins in any free cell. On the generator's device."""
        device = generator.device
        order = torch.rand(n_games, self.size**2, generator=generator, device=device).argsort(1)
        if self.variant.endswith("grid"):
            taken = self._grid(device)
            free = order[~torch.isin(order, taken)].view(n_games, -1)
            places, start = taken.expand(n_games, -1), free[:, 0]
            kinds = (places // self.size // 2 + places % self.size // 2) % 2 + NEGATIVE  # a chessboard of the two
        else:
            places, start = order[:, 1 : self.n_objects + 1], order[:, 0]
            kinds = (torch.arange(self.n_objects, device=device) % 2 + NEGATIVE).expand(n_games, -1)
        if self.variant.startswith("negative"):
            kinds = torch.full_like(kinds, NEGATIVE)
        return State(self._cells(start), self._cells(places), kinds.clone(), torch.ones_like(kinds, dtype=torch.bool))

    def step(self, state: State, actions: Tensor) -> tuple[State, Tensor, Tensor]:
        """Moves each agent; at the edge it stays.

        Args:
            state: of ``n_games`` games.
            actions: ``(n_games,)`` int64, in the order of ``ACTIONS``.
        Returns:
            The state after; rewards ``(n_games,)`` float32; and ``(n_games, n_objects)`` bool, the objects touched, which are gone.
        """
        agent = (state.agent + MOVES.to(actions.device)[actions]).clamp(0, self.size - 1)
        touched = state.alive & (state.cells == agent[:, None]).all(-1)
        worth = torch.where(state.kinds == POSITIVE, 1.0, -1.0) * (-1.0 if self.swapped else 1.0)
        return State(agent, state.cells, state.kinds, state.alive & ~touched), (worth * touched).sum(1), touched

    def frames(self, state: State) -> Tensor:
        """Returns pictures, ``(n_games, pixels, pixels)`` uint8, white on black; what a thing is shows in its shape only."""
        kinds, cells = state.things()
        n = len(kinds)
        canvas = torch.zeros(n, self.size**2, 5, 5, dtype=torch.uint8, device=kinds.device)
        glyphs = torch.where((kinds >= 0)[..., None, None], GLYPHS.to(kinds.device)[kinds.clamp_min(0)], 0)
        places = cells[..., 0] * self.size + cells[..., 1]
        canvas.scatter_reduce_(1, places[..., None, None].expand_as(glyphs), glyphs, "amax")  # those gone draw nothing over the others
        tiles = torch.nn.functional.pad(canvas, (0, CELL - 5, 0, CELL - 5)).view(n, self.size, self.size, CELL, CELL)
        return tiles.transpose(2, 3).reshape(n, self.pixels, self.pixels)

    def boards(self, state: State) -> Tensor:
        """Returns ``(n_games, size, size)`` uint8: 0 nothing, 1 negative, 2 positive. The agent is not in it."""
        board = torch.zeros(len(state.agent), self.size**2, dtype=torch.uint8, device=state.agent.device)
        board.scatter_reduce_(1, state.cells[..., 0] * self.size + state.cells[..., 1], (state.kinds * state.alive).byte(), "amax")
        return board.view(-1, self.size, self.size)

    def _grid(self, device: torch.device) -> Tensor:
        lines = torch.arange(2, self.size - 2, 2, device=device)
        return (lines[:, None] * self.size + lines).flatten()

    def _cells(self, places: Tensor) -> Tensor:
        return torch.stack((places // self.size, places % self.size), -1)


def centres(cells: Tensor) -> Tensor:
    """Returns the middle of cells in pixels, float64: where a thing is seen."""
    return cells.double() * CELL + 2
