"""The demonstrations that models of one trial learn from: some full traces, some weak ones, for each model its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from shoestring.systems.program_lattice.frames import Frames
from shoestring.systems.program_lattice.task import Demonstrations, Floats, Ints, Trace, record
from shoestring.systems.program_lattice.worlds import World


@dataclass(frozen=True)
class Shelf:
    """The demonstrations of one length for one model, the full ones first; ``weak`` are what a learner sees of their actions."""

    seen: Demonstrations
    traces: list[Trace]
    weak: Ints
    questions: Floats


@dataclass(frozen=True)
class Corpus:
    """All demonstrations.

    Attributes:
        shelves: by model, then by length.
        n_full: how many of each shelf are full.
    """

    shelves: list[list[Shelf]]
    n_full: int

    @classmethod
    def draw(cls, world: World, lengths: Sequence[int], n_full: int, n_weak: int, seed: int, n_models: int, shuffled: bool) -> Corpus:
        """Draws as many problems of each length, and records the reference at work on them.

        Args:
            world: whose.
            lengths: of the problems.
            n_full, n_weak: traces of each kind for each length.
            seed: each model's draws are its own, whatever the others are; a smaller ``n_weak`` takes the first of the same demonstrations.
            n_models: how many models.
            shuffled: put the actions of each weak demonstration in a random order, beside what was truly seen: a control.
        """
        shelves = []
        for model in range(n_models):
            mine = []
            for length in lengths:
                rng = np.random.default_rng([seed, model, length])
                problems = world.demonstrated(n_full + MOST_WEAK, length, rng)
                traces = problems.traces()
                questions = world.question(problems)
                seen = record(problems, [trace.actions for trace in traces])
                weak = seen.actions.copy()
                for row in weak[n_full:]:
                    n = int((row >= 0).sum())
                    row[:n] = rng.permutation(row[:n]) if shuffled else row[:n]
                kept = n_full + n_weak
                seen = Demonstrations(seen.observations[:kept], seen.actions[:kept])
                mine.append(Shelf(seen, traces[:kept], weak[:kept], questions[:kept]))
            shelves.append(mine)
        return cls(shelves, n_full)

    @property
    def n_lengths(self) -> int:
        """How many lengths there are."""
        return len(self.shelves[0])

    def frames(self, *, all_full: bool, flat: bool = False) -> tuple[Frames, Tensor]:
        """Returns the frames of each model's full traces, padded to one shape, and how many each model has, ``(m,)``.

        Args:
            all_full: take every demonstration as a full one.
            flat: leave all calls out.
        """
        cut = [self._frames_of(shelves, slice(None if all_full else self.n_full), flat) for shelves in self.shelves]
        return Frames.stack(cut), torch.tensor([frames.kinds.shape[1] for frames in cut])

    def weak_batch(self, which: int, size: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Returns observations and actions of weak demonstrations of one length for each model: neighbours by their number of actions.

        A lattice costs what its longest demonstration costs, so that those of a batch had better be of about the same number.

        Args:
            which: the length, by its place.
            size: of the batch.
            rng: draws.
        """
        drawn, place = [], rng.random()
        for shelves in self.shelves:
            shelf = shelves[which]
            order = self.n_full + np.argsort(shelf.seen.lengths[self.n_full :], kind="stable")
            first = round(place * len(order) - size / 2)
            drawn.append((shelf, order[min(max(first, 0), max(len(order) - size, 0)) :][:size]))
        longest = max(int(shelf.seen.lengths[rows].max()) for shelf, rows in drawn)
        seen = np.stack([_fitted(shelf.seen.observations[rows], longest + 1, 0) for shelf, rows in drawn])
        actions = np.stack([_fitted(shelf.weak[rows], longest, -1) for shelf, rows in drawn])
        return torch.from_numpy(seen), torch.from_numpy(actions)

    def question_batch(self, which: int, size: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Returns questions and actions, full and weak demonstrations alike: arguments as for ``weak_batch``."""
        drawn = [(shelves[which], rng.integers(len(shelves[which].weak), size=size)) for shelves in self.shelves]
        longest = max(int(shelf.seen.lengths[rows].max()) for shelf, rows in drawn)
        questions = np.stack([shelf.questions[rows] for shelf, rows in drawn])
        return torch.from_numpy(questions), torch.from_numpy(np.stack([_fitted(shelf.weak[rows], longest, -1) for shelf, rows in drawn]))

    def _frames_of(self, shelves: Sequence[Shelf], rows: slice, flat: bool) -> Frames:
        parts = []
        for shelf in shelves:
            told = shelf.traces[rows]
            if flat:
                weak = shelf.weak[rows]
                told = [Trace.of_actions(row[row >= 0]) for row in weak]
            parts.append(Frames.of(shelf.seen.observations[rows], told))
        return Frames.join(parts)


MOST_WEAK = 256  # demonstrations are drawn up to here, so that a smaller set is a part of a larger one


def _fitted(
    rows: np.ndarray[tuple[int, ...], np.dtype[np.generic]], length: int, filler: int
) -> np.ndarray[tuple[int, ...], np.dtype[np.generic]]:
    """Returns rows cut or filled up to a length along their second axis."""
    missing = max(0, length - rows.shape[1])
    padding = [(0, 0), (0, missing)] + [(0, 0)] * (rows.ndim - 2)
    return np.pad(rows[:, :length], padding, constant_values=filler)
