"""The game as a Gymnasium environment: pictures in, one of four moves out. It is one game of ``task``; many at once are ``task.Games``."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import torch
from numpy.typing import NDArray

from shoestring.errors import UsageError
from shoestring.systems.symbolic_rl.scene import Objects
from shoestring.systems.symbolic_rl.task import ACTIONS, N_OBJECTS, N_STEPS, SIZE, Games, State, Variant, centres

Picture = NDArray[np.uint8]


class GridGame(gymnasium.Env[Picture, np.int64]):
    """One game. Observations are ``(pixels, pixels)`` uint8; a game is truncated after ``n_steps`` and ends when no object is left.

    ``info`` holds ``positives`` and ``negatives``, touched so far. ``objects()`` is the truth, for those who would rather not see.
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": 10}  # noqa: RUF012  # as gymnasium has it

    def __init__(
        self,
        variant: Variant = "mixed-random",
        *,
        size: int = SIZE,
        n_objects: int = N_OBJECTS,
        n_steps: int = N_STEPS,
        swapped: bool = False,
        render_mode: str | None = None,
    ) -> None:
        """Makes a game of a variant, see ``Games``.

        Raises:
            UnknownName: there is no such variant.
            UsageError: a size, a number of objects or steps, or a way to render that makes no sense.
        """
        if render_mode not in (None, "rgb_array") or n_steps < 1:
            raise UsageError(f"render_mode={render_mode!r} and n_steps={n_steps} do not go; give None or 'rgb_array', and 1 step or more.")
        self.games = Games(variant, size, n_objects, swapped)
        self.n_steps = n_steps
        self.render_mode = render_mode
        self.observation_space = gymnasium.spaces.Box(0, 255, (self.games.pixels, self.games.pixels), np.uint8)
        self.action_space = gymnasium.spaces.Discrete(len(ACTIONS))
        self._state: State | None = None
        self._step, self._collected = 0, {"positives": 0, "negatives": 0}

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Picture, dict[str, Any]]:
        """Begins a game; with a seed, always the same one."""
        super().reset(seed=seed)
        generator = torch.Generator().manual_seed(int(self.np_random.integers(2**62)))
        self._state = self.games.reset(1, generator)
        self._step, self._collected = 0, {"positives": 0, "negatives": 0}
        return self._picture(self._state), dict(self._collected)

    def step(self, action: np.int64) -> tuple[Picture, float, bool, bool, dict[str, Any]]:
        """Moves the agent.

        Raises:
            UsageError: no game was begun, or there is no such action.
        """
        if self._state is None or not self.action_space.contains(np.int64(action)):
            raise UsageError(f"action {action} cannot be taken; call reset() first, and give 0 to {len(ACTIONS) - 1}.")
        self._state, reward, _ = self.games.step(self._state, torch.tensor([int(action)]))
        self._step += 1
        self._collected["positives"] += int(reward > 0)  # a cell holds one object at most
        self._collected["negatives"] += int(reward < 0)
        is_over = not bool(self._state.alive.any())
        return self._picture(self._state), float(reward), is_over, self._step >= self.n_steps, dict(self._collected)

    def objects(self) -> Objects:
        """Returns the true objects, a type for each shape: ``+``, ``o``, ``x``; positions in pixels.

        Raises:
            UsageError: no game was begun.
        """
        if self._state is None:
            raise UsageError("the objects are known once a game is begun; call reset() first.")
        kinds, cells = self._state.things()
        there = kinds[0] >= 0
        return Objects(kinds[0][there].numpy(), centres(cells[0][there]).numpy())

    def render(self) -> Picture | None:
        """Returns the field as ``(4 pixels, 4 pixels, 3)`` uint8 if ``render_mode`` is ``"rgb_array"``."""
        if self.render_mode is None or self._state is None:
            return None
        return np.asarray(self._picture(self._state).repeat(4, 0).repeat(4, 1)[..., None].repeat(3, 2))

    def _picture(self, state: State) -> Picture:
        return np.asarray(self.games.frames(state)[0].numpy())
