"""The whole set of frames that a task's reference can ever meet, found on abstract states: a closed fixpoint, not a sample.

For each call (program, arguments, state) it keeps the states in which the call may end, until nothing is added. On the way it collects
all frames. What it returns is only as sound as the task's abstraction, which ``soundness`` tests. Source: Cai, Shin and Song 2017, section
3.3, where the observation-to-observation maps of the programs are computed "like value iteration".
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, TypeAlias, get_args

import numpy as np

from shoestring.errors import UnknownName, UsageError
from shoestring.systems.recursive_npi.machine import TablePolicy, run_policy
from shoestring.systems.recursive_npi.task import Abstraction, Ints, State, Task
from shoestring.systems.recursive_npi.tree import Frames

MOST_FRAMES = 200_000
DEEPEST = 200  # steps of a frame
SAMPLED_N, SAMPLED_LENGTHS = 200, tuple(range(1, 11))  # random problems of each length
Key = tuple[int, State]  # the node of a call, and the state in which it is made
Mode: TypeAlias = Literal["abstract", "saturate"]


def frames(task: Task, mode: Mode = "abstract", *, n: int = SAMPLED_N, lengths: Iterable[int] = SAMPLED_LENGTHS, seed: int = 0) -> Frames:
    """Returns the frames of a task as a set: ``len``, ``in``, iteration, ``==``, ``<=`` and ``-`` work on it.

    Args:
        mode: ``"abstract"``: all frames that there are, by the task's abstraction. ``"saturate"``: those that the reference meets on ``n``
            random problems of each of ``lengths``, a sample.
        seed: of the random problems.
    Raises:
        UnknownName: there is no such mode.
        UsageError: as ``closure`` and ``saturated``.
    """
    check_mode(mode)
    return closure(task) if mode == "abstract" else saturated(task, n, lengths, np.random.default_rng(seed))


def check_mode(mode: str) -> None:
    """Checks that there is such a mode.

    Raises:
        UnknownName: there is not.
    """
    if mode not in get_args(Mode):
        raise UnknownName("mode", mode, get_args(Mode))


def closure(task: Task, most: int = MOST_FRAMES) -> Frames:
    """Returns all frames of a task.

    Args:
        task: with an abstraction.
        most: frames, from which on the set counts as endless.
    Raises:
        UsageError: the task has no abstraction, or it cannot follow the reference, or there is no end of frames.
    """
    if not isinstance(task, Abstraction):
        raise UsageError(f"task {task.name!r} has no abstract_step, so nothing can be proved of it; add one, or use mode='saturate'.")
    return _Closure(task, task, most).frames


def saturated(task: Task, n: int, lengths: Iterable[int], rng: np.random.Generator, max_steps: int = 1_000_000) -> Frames:
    """Returns the frames that the reference meets on random problems, ``n`` of each length: a sample, whatever its size.

    Raises:
        UsageError: the reference does not end.
    """
    frames = Frames(task)
    for length in lengths:
        visit(frames, task.problems(n, length, rng), max_steps)
    frames.settle()
    return frames


def visit(frames: Frames, env: Any, max_steps: int = 1_000_000) -> list[tuple[Ints, Ints]]:
    """Runs the reference on an environment, adds what it meets to the tree, and returns the rows and nodes of each step.

    Raises:
        UsageError: it has not ended after ``max_steps``.
    """
    visits: list[tuple[Ints, Ints]] = []
    policy = TablePolicy(frames, tell=lambda rows, nodes: visits.append((rows, nodes)))
    if not run_policy(policy, frames.task, env, max_steps).ended.all():
        raise UsageError(
            f"the reference of task {frames.task.name!r} has not ended after {max_steps} steps; let it end, or raise max_steps."
        )
    return visits


class _Closure:
    """The fixpoint under way: each path of each call is followed once, and goes on when what it called ends in one state more."""

    def __init__(self, task: Task, abstraction: Abstraction, most: int) -> None:
        self.frames, self._abstraction, self._most = Frames(task), abstraction, most
        self._exits: dict[Key, set[State]] = {}
        self._waiting: dict[Key, list[tuple[Key, int, State]]] = {}  # for a call's exits: the caller, its node, what it set aside
        self._seen: set[tuple[Key, int, State]] = set()
        self._work: list[tuple[Key, int, State]] = []
        self._codes: dict[State, int] = {}
        entry = self.frames.call_node(0, np.zeros(self.frames.n_args, np.int64))
        for state in self._guarded(abstraction.abstract_start):
            self._open((entry, state))
        while self._work:
            self._step(*self._work.pop())
        self.frames.settle()

    def _open(self, key: Key) -> None:
        if key not in self._exits:
            self._exits[key], self._waiting[key] = set(), []
            self._go_on(key, *key)

    def _go_on(self, key: Key, parent: int, state: State) -> None:
        if (key, parent, state) not in self._seen:
            self._seen.add((key, parent, state))
            self._work.append((key, parent, state))

    def _step(self, key: Key, parent: int, state: State) -> None:
        """Does one step of a call that has come to a node and a state."""
        frames = self.frames
        node = frames.extend(parent, self._code(state))
        if frames.n_frames > self._most or frames.depth[node] > DEEPEST:
            raise UsageError(
                f"the frames of task {frames.task.name!r} have no end ({frames.n_frames} so far, one of {frames.depth[node]} steps): "
                "the set to check is not finite; use recursion, or mode='saturate' for evidence."
            )
        callee, args = int(frames.callee[node]), frames.args[node]
        if callee == len(frames.names):
            self._end(key, state)
        elif callee >= len(frames.task.programs):
            name, plain = frames.names[callee], tuple(args.tolist())
            for after in self._guarded(lambda: list(self._abstraction.abstract_step(state, name, plain))):
                self._resume(key, node, after)
        else:
            local, aside = self._guarded(lambda: self._abstraction.abstract_call(state, frames.names[callee]))
            called = frames.call_node(callee, args), local
            self._open(called)
            self._waiting[called].append((key, node, aside))
            for ended in tuple(self._exits[called]):
                self._return(key, node, aside, ended)

    def _end(self, key: Key, state: State) -> None:
        """Tells all callers that a call may end in a state."""
        ends = [(key, state)]
        while ends:
            key, state = ends.pop()
            if state in self._exits[key]:
                continue
            self._exits[key].add(state)
            for caller, node, aside in tuple(self._waiting[key]):
                after = self._guarded(lambda state=state, aside=aside: self._abstraction.abstract_return(state, aside))
                if self.frames.ends[node]:
                    ends.append((caller, after))
                else:
                    self._go_on(caller, node, after)

    def _return(self, key: Key, node: int, aside: State, ended: State) -> None:
        self._resume(key, node, self._guarded(lambda: self._abstraction.abstract_return(ended, aside)))

    def _resume(self, key: Key, node: int, after: State) -> None:
        if self.frames.ends[node]:
            self._end(key, after)
        else:
            self._go_on(key, node, after)

    def _code(self, state: State) -> int:
        code = self._codes.get(state)
        if code is None:
            observation = np.array([self._abstraction.abstract_observe(state)], np.int64)
            code = self._codes[state] = int(self.frames.codes(observation)[0])
        return code

    def _guarded(self, ask: Any) -> Any:
        try:
            return ask()
        except LookupError as error:
            raise UsageError(
                f"the abstraction of task {self.frames.task.name!r} cannot follow the reference ({' '.join(map(str, error.args))}); "
                "complete it, or use mode='saturate' for evidence."
            ) from error
