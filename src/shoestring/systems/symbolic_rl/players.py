"""Who plays: agents that see the true objects, or those they learnt to see, or the field; or that see nothing. All share one interface."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from shoestring.systems.symbolic_rl.dqn import DQN, Fields
from shoestring.systems.symbolic_rl.extraction import ObjectExtractor
from shoestring.systems.symbolic_rl.model import RelationalQ, Relations, moving
from shoestring.systems.symbolic_rl.scene import Objects, Scene
from shoestring.systems.symbolic_rl.task import ACTIONS, CELL, NAMES, Games, State, centres
from shoestring.systems.symbolic_rl.tracking import Tracker


class Player(Protocol):
    """``n_agents`` agents; in a state of many games, those of the first agent come first."""

    def see(self, games: Games, state: State, is_new: bool) -> Any:
        """Returns what they see of a state; ``is_new`` at the start of games."""

    def act(self, seen: Any, epsilon: float, generator: torch.Generator) -> Tensor:
        """Returns actions ``(n_agents * n_games,)``."""

    def learn(self, before: Any, actions: Tensor, rewards: Tensor, after: Any) -> None:
        """Learns from one step of one game an agent."""

    def state_dict(self) -> dict[str, Any]:
        """Returns all that training changes."""

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Takes it back."""


@dataclass
class Sight:
    """How well objects are seen and followed, counted against the truth.

    Attributes:
        found, spurious, missed: objects of all frames; an object is found if something is seen within half a cell of it.
        followed: objects seen in two successive frames.
        switched: those of them that got another number.
        types: how often an object of each kind, ``+``, ``o`` and ``x``, was taken for each type.
        shuffled: compare what is seen of each game with the truth of the next one: the control.
    """

    found: int = 0
    spurious: int = 0
    missed: int = 0
    followed: int = 0
    switched: int = 0
    types: NDArray[np.int64] = field(default_factory=lambda: np.zeros((len(NAMES), 64), np.int64))
    shuffled: bool = False

    @property
    def purity(self) -> float:
        """Share of objects that are of the kind that most of their type are."""
        return float(self.types.max(0).sum() / max(self.types.sum(), 1))

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        return 2 * self.found / max(2 * self.found + self.spurious + self.missed, 1)

    @property
    def switches(self) -> float:
        """Share of objects followed that got another number, a step."""
        return self.switched / max(self.followed, 1)

    def compare(self, scene: Scene, kinds: NDArray[np.int64], positions: NDArray[np.float64], last: NDArray[np.int64]) -> NDArray[np.int64]:
        """Counts one frame; returns the number that each true object was seen under, -1 for none.

        Args:
            scene: what was seen.
            kinds: ``(n,)``, of the true objects, -1 for those that are gone.
            positions: ``(n, 2)``, theirs, in pixels.
            last: ``(n,)``, what this gave for the frame before.
        """
        filled, there = np.flatnonzero(scene.ids >= 0), kinds >= 0
        ids = np.full(len(positions), -1)
        if len(filled):
            distance = np.abs(positions[:, None] - scene.positions[filled]).max(-1)
            is_near = there & (distance.min(1) <= CELL / 2)
            nearest = filled[distance.argmin(1)[is_near]]
            ids[is_near] = scene.ids[nearest]
            np.add.at(self.types, (kinds[is_near], scene.types[nearest]), 1)
        n = len(np.unique(ids[ids >= 0]))
        self.found += n
        self.missed += int(there.sum()) - n
        self.spurious += len(filled) - n
        both = (ids >= 0) & (last >= 0)
        self.followed += int(both.sum())
        self.switched += int((ids != last)[both].sum())
        return ids


class Oracle:
    """Symbolic agents that are told which objects there are."""

    def __init__(self, learner: RelationalQ) -> None:
        """Plays for a learner whose positions are in cells, and whose types are the game's."""
        self.learner = learner

    def see(self, games: Games, state: State, is_new: bool) -> Relations:
        kinds, cells = state.things()
        n = self.learner.n_agents
        return self.learner.relations(kinds.view(n, -1, *kinds.shape[1:]), cells.view(n, -1, *cells.shape[1:]).float())

    def act(self, seen: Relations, epsilon: float, generator: torch.Generator) -> Tensor:
        return self.learner.act(seen, epsilon, generator).flatten()

    def learn(self, before: Relations, actions: Tensor, rewards: Tensor, after: Relations) -> None:
        self.learner.update(before, actions[:, None], rewards[:, None], after)

    def state_dict(self) -> dict[str, Any]:
        return self.learner.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.learner.load_state_dict(state)


@dataclass
class Seeing:
    """Symbolic agents that see frames: one extractor for all, a tracker for each game.

    Attributes:
        learner: in pixels, with the extractor's types.
        trackers: what is followed, a game each; in training, an agent each.
        sight: counted if it is not None.
        scenes: what was seen last, a game each.
    """

    learner: RelationalQ
    extractor: ObjectExtractor
    trackers: list[Tracker]
    sight: Sight | None = None
    scenes: list[Scene] = field(default_factory=list)
    _ids: list[NDArray[np.int64]] = field(default_factory=list)

    def see(self, games: Games, state: State, is_new: bool) -> Relations:
        if is_new:
            for tracker in self.trackers:
                tracker.reset()
        found = self.extractor.extract(games.frames(state)[..., None])
        self.scenes = [tracker.update(objects) for tracker, objects in zip(self.trackers, found, strict=True)]
        if self.sight is not None:
            kinds, cells = state.things()
            truth = list(zip(kinds.cpu().numpy(), centres(cells).cpu().numpy(), strict=True))
            truth = truth[1:] + truth[:1] if self.sight.shuffled else truth
            last = [np.full(len(one), -1) for one, _ in truth] if is_new else self._ids
            self._ids = [self.sight.compare(scene, *one, before) for scene, one, before in zip(self.scenes, truth, last, strict=True)]
        n, device = self.learner.n_agents, self.learner.q.device
        types = torch.from_numpy(np.stack([scene.types for scene in self.scenes])).to(device)
        positions_seen = torch.from_numpy(np.stack([scene.positions for scene in self.scenes])).to(device)
        return self.learner.relations(types.view(n, -1, *types.shape[1:]), positions_seen.view(n, -1, *positions_seen.shape[1:]))

    def act(self, seen: Relations, epsilon: float, generator: torch.Generator) -> Tensor:
        return self.learner.act(seen, epsilon, generator).flatten()

    def learn(self, before: Relations, actions: Tensor, rewards: Tensor, after: Relations) -> None:
        self.learner.update(before, actions[:, None], rewards[:, None], after)

    def for_test(self, n_games: int, shuffled: bool = False) -> Seeing:
        """Returns the same agents with trackers for so many games each, whose sight is counted."""
        trackers = [Tracker(tracker.n_types, radius=tracker.radius) for tracker in self.trackers for _ in range(n_games)]
        for i, tracker in enumerate(trackers):
            tracker.load_state_dict(self.trackers[i // n_games].state_dict())
        return Seeing(self.learner, self.extractor, trackers, Sight(shuffled=shuffled))

    def state_dict(self) -> dict[str, Any]:
        return {
            "learner": self.learner.state_dict(),
            "agent": {"types": self.learner.agents, "step": self.learner.step},
            "extractor": self.extractor.state_dict(),
            "trackers": [tracker.state_dict() for tracker in self.trackers],
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.extractor.load_state_dict(state["extractor"])
        for tracker, counts in zip(self.trackers, state["trackers"], strict=True):
            tracker.load_state_dict(counts)
        self.learner.load_state_dict(state["learner"])


@dataclass(frozen=True)
class Networks:
    """Deep Q-networks."""

    dqn: DQN

    def see(self, games: Games, state: State, is_new: bool) -> Fields:
        return games.boards(state), state.agent

    def act(self, seen: Fields, epsilon: float, generator: torch.Generator) -> Tensor:
        return self.dqn.act(seen, epsilon, generator)

    def learn(self, before: Fields, actions: Tensor, rewards: Tensor, after: Fields) -> None:
        self.dqn.learn(before, actions, rewards, after)

    def state_dict(self) -> dict[str, Any]:
        return self.dqn.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.dqn.load_state_dict(state)


@dataclass(frozen=True)
class Blind:
    """Agents that take any action."""

    def see(self, games: Games, state: State, is_new: bool) -> Tensor:
        return state.agent

    def act(self, seen: Tensor, epsilon: float, generator: torch.Generator) -> Tensor:
        return torch.randint(len(ACTIONS), (len(seen),), generator=generator, device=seen.device)

    def learn(self, before: Tensor, actions: Tensor, rewards: Tensor, after: Tensor) -> None: ...

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None: ...


def open_eyes(
    games: Games, extractor: ObjectExtractor, generator: torch.Generator, *, n_games: int, n_steps: int, fit_steps: int
) -> tuple[tuple[int, ...], float]:
    """Trains an extractor on random play, and returns which of its types the agent is, and its step in pixels; see ``moving``.

    Args:
        generator: on the CPU.
        n_games, n_steps: of random play; as many frames as their product.
        fit_steps: of the autoencoder.
    """
    state, frames = games.reset(n_games, generator), []
    for _ in range(n_steps):
        frames.append(games.frames(state))
        state, _, _ = games.step(state, torch.randint(len(ACTIONS), (n_games,), generator=generator))
    extractor.fit(torch.cat(frames).numpy(), generator, steps=fit_steps)
    return _agent(extractor, frames)


def _agent(extractor: ObjectExtractor, frames: list[Tensor]) -> tuple[tuple[int, ...], float]:
    trackers = [Tracker(extractor.max_types) for _ in frames[0]]
    seen: list[list[Objects]] = [extractor.extract(frame) for frame in frames]
    scenes = [[tracker.update(objects) for tracker, objects in zip(trackers, now, strict=True)] for now in seen]
    types = [torch.from_numpy(np.concatenate([scene.types for scene in now])) for now in scenes]
    positions = [torch.from_numpy(np.concatenate([scene.positions for scene in now])) for now in scenes]
    return moving(types, positions, extractor.max_types)
