"""Full traces cut into frames: what one call sees and does, from its beginning to its return.

A callee begins with a state of zero and the caller's is restored, so that given a full trace the frames do not depend on each other: they
are sequences that can be trained side by side, and the sum over frames is the sum over steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
from torch import Tensor, nn

from shoestring.systems.program_lattice.task import POP, PUSH, STAY, Floats, Trace


@dataclass(frozen=True)
class Frames:
    """Frames of several models, as many of each.

    Attributes:
        observations: ``(m, n, longest, d_obs)``.
        programs: whose frame it is, ``(m, n)``.
        kinds, names: of the steps, ``(m, n, longest)``; -1 after the last one.
    """

    observations: Tensor
    programs: Tensor
    kinds: Tensor
    names: Tensor

    @classmethod
    def of(cls, observations: Floats, traces: Sequence[Trace]) -> Frames:
        """Cuts the traces of one model.

        Args:
            observations: ``(n_traces, longest + 1, d_obs)``, before each action and after the last one.
            traces: full ones of the same executions.
        """
        programs: list[int] = []
        steps: list[list[tuple[int, int, int, int]]] = []  # (trace, actions done, kind, name)
        for i, trace in enumerate(traces):
            open_frames, done = [len(steps)], 0
            programs.append(0)
            steps.append([])
            for kind, name in zip(trace.kinds.tolist(), trace.names.tolist(), strict=True):
                steps[open_frames[-1]].append((i, done, kind, name))
                if kind == PUSH:
                    open_frames.append(len(steps))
                    programs.append(name)
                    steps.append([])
                elif kind == POP:
                    open_frames.pop()
                elif kind == STAY:
                    done += 1
        longest = max(len(one) for one in steps)
        table = np.full((len(steps), longest, 4), -1, dtype=np.int64)
        for row, one in zip(table, steps, strict=True):
            row[: len(one)] = one
        trace_of, done_at, kinds, names = np.moveaxis(table, 2, 0)
        return cls(
            torch.from_numpy(observations[trace_of, done_at])[None],
            torch.tensor(programs)[None],
            torch.from_numpy(kinds)[None],
            torch.from_numpy(names)[None],
        )

    def take(self, rows: Tensor) -> Frames:
        """Returns some frames of each model: ``rows (m, k)``."""
        models = torch.arange(len(rows), device=rows.device)[:, None]
        return Frames(self.observations[models, rows], self.programs[models, rows], self.kinds[models, rows], self.names[models, rows])

    @classmethod
    def join(cls, parts: Sequence[Frames]) -> Frames:
        """Returns all frames of the same models, one part after the other, padded to the longest."""
        longest = max(part.kinds.shape[2] for part in parts)
        padded = [part._padded(part.kinds.shape[1], longest) for part in parts]
        return cls(*(torch.cat([getattr(part, field.name) for part in padded], dim=1) for field in fields(cls)))

    @classmethod
    def stack(cls, models: Sequence[Frames]) -> Frames:
        """Returns the frames of several models side by side, padded to the most and the longest."""
        n, longest = (max(one.kinds.shape[axis] for one in models) for axis in (1, 2))
        padded = [one._padded(n, longest) for one in models]
        return cls(*(torch.cat([getattr(one, field.name) for one in padded]) for field in fields(cls)))

    def to(self, device: str) -> Frames:
        """Returns the same on a device."""
        return Frames(*(getattr(self, field.name).to(device) for field in fields(self)))

    def _padded(self, n: int, longest: int) -> Frames:
        more, longer = n - self.kinds.shape[1], longest - self.kinds.shape[2]
        return Frames(
            nn.functional.pad(self.observations, (0, 0, 0, longer, 0, more)),
            nn.functional.pad(self.programs, (0, more)),
            nn.functional.pad(self.kinds, (0, longer, 0, more), value=-1),
            nn.functional.pad(self.names, (0, longer, 0, more), value=-1),
        )

    @property
    def n_steps(self) -> Tensor:
        """Steps of each model's frames, ``(m,)``."""
        return (self.kinds >= 0).sum(dim=(1, 2))
