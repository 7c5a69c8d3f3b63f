"""ProgramLattice: a loss on demonstrations that name actions only, summed over all ways in which calls could lie between them.

It owns no parameters, no environment and no optimizer. The sum over paths of (i actions done, depth l) is exact; what is *not* exact is
what each path remembers: stacks and states that meet in a node are averaged by weight, so that the loss is a mean-field stand-in for the
marginal likelihood, and equals it only for a core that ignores its program and state.
Source: Li et al. 2017 (Neural Program Lattices, ICLR), sections 2 and 3.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from shoestring.errors import UsageError
from shoestring.systems.program_lattice.advance import NEVER, Advance
from shoestring.systems.program_lattice.frames import Frames
from shoestring.systems.program_lattice.model import Core, Step
from shoestring.systems.program_lattice.nodes import Front, fronts
from shoestring.systems.program_lattice.task import POP, PUSH, STAY, Env, Floats, Ints, Trace


class _Moment(NamedTuple):
    """A time of the recursion: log weights of the nodes, log probabilities of leaving by each kind, ``(m, 3, n, b)``, and the steps."""

    front: Front
    log_y: Tensor
    leaving: Tensor
    step: Step


class ProgramLattice:
    """The neural program lattice over any core.

    Attributes:
        core: the step; all methods work on all of its models at once.
        max_depth: the most programs that wait for one that they called.
    """

    def __init__(self, core: Core, max_depth: int) -> None:
        """Keeps the core.

        Raises:
            UsageError: a negative depth.
        """
        if max_depth < 0:
            raise UsageError(f"max_depth={max_depth} must be 0 or more; 0 is a flat policy without calls, and 1 lets the root call.")
        self.core, self.max_depth = core, max_depth

    def full_loss(self, frames: Frames) -> Tensor:
        """Returns ``-sum log P`` of all steps of full traces, ``(m,)``: kinds, and the programs called and actions done.

        Args:
            frames: of the traces, one set for each model.
        """
        m, n, longest, _ = frames.observations.shape
        seen = self.core.see(frames.observations.transpose(1, 2).reshape(m, longest * n, -1)).reshape(m, longest, n, -1)
        embedded = self.core.programs.gather(1, frames.programs[:, :, None].expand(-1, -1, self.core.programs.shape[2]))
        h = c = seen.new_zeros((m, n, self.core.d_hidden))
        said: list[list[Tensor]] = []
        for now in seen.unbind(1):
            *log_p, h, c = self.core.step(now, embedded, h, c)
            said.append(log_p)
        kind, program, action = (torch.stack(parts, dim=2) for parts in zip(*said, strict=True))
        total = torch.where(frames.kinds >= 0, _chosen(kind, frames.kinds), 0.0)
        for which, named in ((PUSH, program), (STAY, action)):
            is_it = frames.kinds == which
            total = total + torch.where(is_it, _chosen(named, torch.where(is_it, frames.names, 0)), 0.0)
        return -total.sum(dim=(1, 2))

    def loss(self, observations: Tensor, actions: Tensor, *, max_calls: int | None = None) -> Tensor:
        """Returns ``-log`` of the lattice's probability of each demonstration, ``(m, b)``.

        Args:
            observations: ``(m, b, n_actions + 1, d_obs)``, before each action and after the last one.
            actions: ``(m, b, n_actions)``; -1 after the last one of a shorter demonstration.
            max_calls: the most calls that an execution may have made; None for as many as actions.
        """
        lengths = (actions >= 0).sum(2)
        shortest = int(lengths.min())
        moments = self._walk(observations, actions, max_calls)
        ends = [self._ends(moment, lengths) for moment in moments if moment.front.furthest >= shortest]
        return -torch.logsumexp(torch.cat(ends, dim=1), dim=1)

    @torch.no_grad()
    def decode(self, observations: Tensor, actions: Tensor, *, max_calls: int | None = None) -> list[list[Trace]]:
        """Returns the likeliest full trace of each demonstration, by model: the best path, with the likeliest program of each call.

        Args:
            observations, actions, max_calls: as for ``loss``.
        """
        moments = list(self._walk(observations, actions, max_calls))
        leaving = [moment.leaving.cpu().numpy() for moment in moments]
        called = [moment.step.program.argmax(2).reshape(moment.log_y.shape).cpu().numpy() for moment in moments]
        # Every path passes one node at each time: the best score of each, and the kind of step that led there.
        scores, kinds = [np.zeros_like(leaving[0][:, 0])], [np.full(leaving[0][:, 0].shape, -1)]
        for t in range(1, len(moments)):
            out = (scores[-1][:, None] + leaving[t - 1]).reshape(len(leaving[0]), -1, actions.shape[1])
            arrivals = moments[t].front.arrivals.cpu().numpy()
            edges = np.concatenate([out, np.full_like(out[:, :1], NEVER)], axis=1)[:, arrivals].reshape(len(out), 3, -1, out.shape[2])
            scores.append(edges.max(axis=1))
            kinds.append(edges.argmax(axis=1))
        lengths = (actions >= 0).sum(2).cpu().numpy()
        traces = []
        for model in range(actions.shape[0]):
            mine = []
            for b in range(actions.shape[1]):
                best = max(
                    (scores[t][model, row, b] + leaving[t][model, POP, row, b], t, row)
                    for t, moment in enumerate(moments)
                    for row in np.flatnonzero(moment.front.done[: moment.front.n_root].cpu().numpy() == lengths[model, b])
                )
                mine.append(self._backwards(int(best[1]), int(best[2]), model, b, moments, kinds, called, actions))
            traces.append(mine)
        return traces

    @torch.no_grad()
    def run(self, env: Env, *, max_steps: int) -> Ints:
        """Executes the models greedily in an environment, each in its own share of the problems, and returns how many steps each took.

        Args:
            env: with ``m * k`` problems: the first k are the first model's.
            max_steps: after which a problem is given up.
        Returns:
            steps taken, ``(m * k,)``, the root's return included; -1 where it had not returned.
        """
        programs, d_hidden = self.core.programs, self.core.d_hidden
        m, _, d_program = programs.shape
        seen = self._seen(env.observe(), programs)
        k = seen.shape[1]
        stack = seen.new_zeros((self.max_depth + 1, m, k, d_program + 2 * d_hidden))
        stack[0, ..., :d_program] = programs[:, :1]
        depth = torch.zeros((m, k), dtype=torch.long, device=seen.device)
        took = np.full(m * k, -1, dtype=np.int64)
        alive = torch.ones((m, k), dtype=torch.bool, device=seen.device)
        rows, columns = torch.arange(m, device=seen.device)[:, None].expand(m, k), torch.arange(k, device=seen.device).expand(m, k)
        for t in range(max_steps):
            program, h, c = torch.split(stack[depth, rows, columns], [d_program, d_hidden, d_hidden], dim=2)
            step = self.core.step(seen, program, h, c)
            allowed = step.kind.clone()
            allowed[..., PUSH] = torch.where(depth == self.max_depth, NEVER, allowed[..., PUSH])
            kind = torch.where(alive, allowed.argmax(2), -1)
            stack[depth, rows, columns] = torch.cat((program, step.h, step.c), dim=2)
            took[((kind == POP) & (depth == 0)).reshape(-1).cpu().numpy()] = t + 1
            alive &= ~((kind == POP) & (depth == 0))
            depth = depth + (kind == PUSH).long() - ((kind == POP) & (depth > 0)).long()
            called = programs.gather(1, step.program.argmax(2)[:, :, None].expand(-1, -1, d_program))
            fresh = torch.cat((called, torch.zeros_like(step.h), torch.zeros_like(step.c)), dim=2)
            stack[depth, rows, columns] = torch.where((kind == PUSH)[:, :, None], fresh, stack[depth, rows, columns])
            if not alive.any():
                break
            stays = kind == STAY
            if stays.any():
                env.act(torch.where(stays, step.action.argmax(2), -1).reshape(-1).cpu().numpy())
                seen = self._seen(env.observe(), programs)
        return took

    def _walk(self, observations: Tensor, actions: Tensor, max_calls: int | None) -> Iterator[_Moment]:
        """Goes through the times, and yields the nodes alive at each."""
        m, b, longest = actions.shape
        if observations.shape[:3] != (m, b, longest + 1):
            given = tuple(observations.shape[:3]), (m, b, longest + 1)
            raise UsageError(
                f"observations of shape {given[0]} do not go with these actions; give {given[1]}, one before each and one after all."
            )
        core, device = self.core, observations.device
        seen = core.see(observations.transpose(1, 2).reshape(m, (longest + 1) * b, -1)).reshape(m, longest + 1, b, -1)
        programs, d_program, d_hidden = core.programs, core.programs.shape[2], core.d_hidden
        ahead = torch.cat((actions, actions.new_full((m, b, 1), -1)), dim=2).transpose(1, 2)  # (m, longest + 1, b)
        cannot = torch.where(ahead < 0, NEVER, 0.0)
        ahead = ahead.clamp_min(0)
        program = programs[:, None, :1].expand(m, 1, b, d_program)
        h = c = seen.new_zeros((m, 1, b, d_hidden))
        waiting = seen.new_zeros((m, 1, b, self.max_depth * (d_program + 2 * d_hidden)))
        log_y = torch.zeros((m, 1, b), dtype=torch.promote_types(seen.dtype, torch.float32), device=device)
        times = [front.to(device) for front in fronts(longest, self.max_depth, longest if max_calls is None else max_calls)]
        everywhere, sizes = torch.cat([front.done for front in times]), [len(front.done) for front in times]
        told = (torch.split(part.index_select(1, everywhere), sizes, dim=1) for part in (seen, ahead, cannot))
        for t, (front, n, seen_here, ahead_here, cannot_here) in enumerate(zip(times, sizes, *told, strict=True)):
            step = core.step(*(part.reshape(m, n * b, -1) for part in (seen_here, program, h, c)))
            push, pop, stay = step.kind.reshape(m, n, b, 3).unbind(3)
            acts = step.action.gather(2, ahead_here.reshape(m, n * b, 1)).reshape(m, n, b)
            leaving = torch.stack((push, pop, stay + acts + cannot_here), dim=1)
            yield _Moment(front, log_y, leaving, step)
            if t + 1 < len(times):
                called = torch.bmm(step.program.exp().to(seen.dtype), programs).reshape(m, n, b, d_program)
                after = step.h.reshape(m, n, b, d_hidden), step.c.reshape(m, n, b, d_hidden)
                here_after = program, *after, waiting, called, log_y, leaving, times[t + 1]
                program, h, c, waiting, log_y = Advance.apply(*here_after)  # type: ignore[no-untyped-call]

    def _ends(self, moment: _Moment, lengths: Tensor) -> Tensor:
        """Returns the log weight with which the root returns at each node of depth 0, ``(m, n_root, b)``."""
        n = moment.front.n_root
        is_done = moment.front.done[:n][None, :, None] == lengths[:, None, :]
        return torch.where(is_done, moment.log_y[:, :n] + moment.leaving[:, POP, :n], NEVER)

    def _backwards(
        self,
        t: int,
        row: int,
        model: int,
        b: int,
        moments: list[_Moment],
        kinds: list[Ints],
        called: list[Ints],
        actions: Tensor,
    ) -> Trace:
        """Follows the best path back from where the root returned."""
        steps = [(POP, 0)]
        while t:
            kind = int(kinds[t][model, row, b])
            row = int(moments[t].front.parents[kind, row])
            t -= 1
            name = {PUSH: int(called[t][model, row, b]), POP: 0}.get(kind)
            steps.append((kind, int(actions[model, b, moments[t].front.done[row]]) if name is None else name))
        return Trace.of(steps[::-1])

    def _seen(self, observations: Floats, like: Tensor) -> Tensor:
        m = like.shape[0]
        return self.core.see(torch.from_numpy(observations).to(like).reshape(m, len(observations) // m, -1))


def _chosen(log_p: Tensor, which: Tensor) -> Tensor:
    """Returns the entries that indices name, the first for -1: ``(m, n, t, k)``, ``(m, n, t)`` to ``(m, n, t)``."""
    return log_p.gather(3, which.clamp_min(0)[..., None])[..., 0]
