"""Runs programs on many problems at once: the stack of every problem is rows of arrays, and one pass of the loop is one step of all.

It learns nothing. A frame whose last call is under way is not kept on the stack: it would return at once. So tail recursion takes no
space, and no depth meets Python's own limit. Source: Cai, Shin and Song 2017, arXiv:1704.06611, Algorithm 1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from shoestring.systems.recursive_npi.task import Bools, Ints, Task
from shoestring.systems.recursive_npi.tree import Frames


class Policy(Protocol):
    """Says what each problem's current frame does next, and keeps what it needs to know of a frame."""

    def begin(self, n: int) -> None:
        """Opens the frame of the task's first program in each of ``n`` problems."""

    def step(self, rows: Ints, observations: Ints) -> tuple[Ints, Ints, Bools]:
        """Returns what is called, its arguments ``(len(rows), n_args)``, and which frames end; -1 calls give a problem up."""

    def save(self, rows: Ints, depth: Ints) -> None:
        """Keeps the current frames at a depth of the stack."""

    def restore(self, rows: Ints, depth: Ints) -> None:
        """Takes them back."""

    def enter(self, rows: Ints, programs: Ints, args: Ints) -> None:
        """Opens new frames."""


@dataclass(frozen=True)
class Run:
    """What a run came to.

    Attributes:
        env: the environment afterwards.
        ended: by problem, whether its first frame ended.
        steps: by problem, the steps that it took.
        solved: by problem, whether it ended with a right result.
        deepest: the most frames that any stack held.
    """

    env: Any
    ended: Bools
    steps: Ints
    solved: Bools
    deepest: int


def run_policy(policy: Policy, task: Task, env: Any, max_steps: int) -> Run:
    """Runs a policy on all problems of an environment, which it changes; a problem that takes more than ``max_steps`` is given up."""
    n, n_programs, names = len(env), len(task.programs), (*task.programs, *task.primitives)
    depth, steps, ended, deepest = np.zeros(n, np.int64), np.zeros(n, np.int64), np.zeros(n, bool), 0
    rows = np.arange(n)
    policy.begin(n)
    for _ in range(max_steps):
        if not len(rows):
            break
        called, args, ends = policy.step(rows, task.observe(env, rows))
        steps[rows] += 1
        is_act, is_program = (called >= n_programs) & (called < len(names)), (called >= 0) & (called < n_programs)
        for primitive in np.unique(called[is_act]):
            chosen = called == primitive
            task.act(env, rows[chosen], names[primitive], args[chosen])
        if is_program.any():
            kept = rows[is_program & ~ends]
            policy.save(kept, depth[kept])
            depth[kept] += 1
            deepest = max(deepest, int(depth[kept].max(initial=0)))
            policy.enter(rows[is_program], called[is_program], args[is_program])
        leaving = ends & ~is_program & (called >= 0)
        if leaving.any() or (called < 0).any():
            back = rows[leaving & (depth[rows] > 0)]
            ended[rows[leaving & (depth[rows] == 0)]] = True
            depth[back] -= 1
            policy.restore(back, depth[back])
            rows = rows[(called >= 0) & ~ended[rows]]
    return Run(env, ended, steps, ended & task.solved(env), deepest)


class TablePolicy:
    """Runs from a tree of frames: each step is one look-up.

    Attributes:
        frames: the tree.
    """

    def __init__(self, frames: Frames, *, grows: bool = True, tell: Callable[[Ints, Ints], None] | None = None) -> None:
        """Takes a tree.

        Args:
            grows: ask the reference for what the tree lacks; a problem is given up there otherwise.
            tell: is called at each step with its rows and nodes.
        """
        self.frames, self._grows, self._tell = frames, grows, tell

    def begin(self, n: int) -> None:
        """Opens the frame of the task's first program in each of ``n`` problems."""
        self._at = np.full(n, self.frames.call_node(0, np.zeros(self.frames.n_args, np.int64)))
        self._stack = np.zeros((16, n), np.int64)

    def step(self, rows: Ints, observations: Ints) -> tuple[Ints, Ints, Bools]:
        """Returns what the tree says; see ``Policy``."""
        frames, codes = self.frames, self.frames.codes(observations)
        nodes = frames.find(self._at[rows], codes)
        if (missing := np.flatnonzero(nodes < 0)).size and self._grows:
            nodes[missing] = [frames.extend(self._at[rows[i]], codes[i]) for i in missing]
        self._at[rows] = nodes
        if self._tell is not None:
            self._tell(rows, nodes)
        return np.where(nodes < 0, -1, frames.callee[nodes]), frames.args[nodes], frames.ends[nodes]

    def save(self, rows: Ints, depth: Ints) -> None:
        """Keeps the current frames at a depth of the stack."""
        while depth.max(initial=0) >= len(self._stack):
            self._stack = np.concatenate([self._stack, np.zeros_like(self._stack)])
        self._stack[depth, rows] = self._at[rows]

    def restore(self, rows: Ints, depth: Ints) -> None:
        """Takes them back."""
        self._at[rows] = self._stack[depth, rows]

    def enter(self, rows: Ints, programs: Ints, args: Ints) -> None:
        """Opens new frames."""
        self._at[rows] = self.frames.call_nodes(programs, args)
