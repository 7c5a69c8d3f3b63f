"""What a proof rests on, tested: the reference runs on random problems, and every frame that it meets must be one of the closed set.

A test can only refute. That no random problem refutes an abstraction does not prove it. Source: ours.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from shoestring.systems.recursive_npi.closure import SAMPLED_LENGTHS, SAMPLED_N, closure
from shoestring.systems.recursive_npi.machine import TablePolicy, run_policy
from shoestring.systems.recursive_npi.task import Ints, Task
from shoestring.systems.recursive_npi.tree import Frame, Frames

MOST_STEPS = 20_000  # of the reference on one problem
MOST_ASKED = 2_000  # frames met whose steps are asked for a second time


@dataclass(frozen=True)
class Checked:
    """What the reference did on random problems, beside the frames that it was checked against.

    Attributes:
        task: its name.
        frames: how many there are in the closed set.
        problems: how many the reference was run on.
        met: how many different frames it met.
        solved: the share of the problems that it solved.
        ended: whether it ended on all of them.
        fault: what forbids a proof, as a sentence; None where nothing does.
        frame: the one in which the fault shows, as far as it was met; None where it shows in none.
        problem: as plain data, the one on which it shows.
    """

    task: str
    frames: int
    problems: int
    met: int
    solved: float
    ended: bool = True
    fault: str | None = None
    frame: Frame | None = None
    problem: Any = None

    @property
    def is_sound(self) -> bool:
        """Whether nothing forbids a proof."""
        return self.fault is None

    def __str__(self) -> str:
        if self.fault is not None:
            return f"no proof: {self.fault}"
        return f"{self.problems} random problems of {self.task} meet {self.met} frames, all of them among its {self.frames}, and are solved"


def check_abstraction(
    task: Task, *, n: int = SAMPLED_N, lengths: Iterable[int] = SAMPLED_LENGTHS, seed: int = 0, max_steps: int = MOST_STEPS
) -> Checked:
    """Runs a task's reference on random problems, and returns whether what it does is what the task's abstraction says it may do.

    It finds an abstraction that forgets a state, a reference that solves not every problem or never ends, and one that does not depend on
    the program, its arguments and the observations alone. ``verify`` does the same before it proves anything.

    Args:
        task: with an abstraction.
        n: problems of each length.
        lengths: of the problems, as ``task.problems`` takes them.
        seed: of the problems.
        max_steps: from which on a reference counts as never ending.
    Raises:
        UsageError: the task has no abstraction, or it cannot follow the reference, or there is no end of frames.
    """
    return check_frames(closure(task), random_problems(task, n, lengths, seed), max_steps)


def random_problems(task: Task, n: int, lengths: Iterable[int], seed: int) -> Iterable[Any]:
    """Returns ``n`` random problems of each length, one environment a length."""
    rng = np.random.default_rng(seed)
    return (task.problems(n, length, rng) for length in lengths)


def check_frames(frames: Frames, environments: Iterable[Any], max_steps: int = MOST_STEPS, *, is_closed: bool = True) -> Checked:
    """Runs the reference on environments, which it changes, and returns what shows; frames that the tree lacks are added to it.

    Args:
        is_closed: a frame that the tree lacks is a fault, and so is a problem that is not solved.
    """
    task, n_solved = frames.task, 0
    found, watch = Checked(task.name, len(frames), 0, 0, 0.0), _Watch(frames)
    for env in environments:
        inputs = [task.describe(env, row) for row in range(len(env))]
        run = run_policy(TablePolicy(frames, tell=watch.tell), task, env, max_steps)
        n, n_solved = found.problems + len(env), n_solved + int(run.solved.sum())
        found = replace(found, problems=n, met=watch.n_frames, solved=n_solved / max(n, 1), ended=bool(run.ended.all()))
        if is_closed and watch.stray is not None:
            row, node = watch.stray
            return _stray(found, frames.frame(node), inputs[row])
        if not found.ended:  # a longer problem would take all of its steps too
            return _unsolved(found, inputs[int(np.argmin(run.ended))], f"end within {max_steps} steps on")
        if is_closed and found.fault is None and not run.solved.all():
            found = _unsolved(found, inputs[int(np.argmin(run.solved))], "solve")
    return found if found.fault else _unsteady(found, frames, watch.nodes)


class _Watch:
    """Sees which nodes of a tree a reference meets.

    Attributes:
        stray: the row and node that came first of those that the tree lacked; None where there is none.
    """

    def __init__(self, frames: Frames) -> None:
        self._frames, self._size, self._met = frames, frames.size, np.zeros(frames.size, bool)
        self.stray: tuple[int, int] | None = None

    def tell(self, rows: Ints, nodes: Ints) -> None:
        """Takes one step of each problem."""
        if len(self._met) < self._frames.size:
            self._met = np.concatenate([self._met, np.zeros(self._frames.size, bool)])
        self._met[nodes] = True
        if self.stray is None and self._frames.size > self._size and (is_new := nodes >= self._size).any():
            first = int(np.argmax(is_new))
            self.stray = int(rows[first]), int(nodes[first])

    @property
    def nodes(self) -> Ints:
        """The nodes that were met."""
        return np.flatnonzero(self._met)

    @property
    def n_frames(self) -> int:
        """How many of them end a frame."""
        return int(self._frames.ends[self.nodes].sum())


def _stray(found: Checked, frame: Frame, problem: Any) -> Checked:
    fault = (
        f"the reference meets {frame}, on problem {problem}, and the abstraction of {found.task} does not lead there; "
        "let it name every state that may follow"
    )
    return replace(found, fault=fault, frame=frame, problem=problem)


def _unsolved(found: Checked, problem: Any, what: str) -> Checked:
    fault = f"the reference of {found.task} does not {what} problem {problem}; correct it, or what solved() takes for right"
    return replace(found, fault=fault, problem=problem)


def _unsteady(found: Checked, frames: Frames, nodes: Ints) -> Checked:
    """Returns the fault of a reference that does something else when it is asked again, what was found where there is none."""
    node = next((int(node) for node in nodes[:MOST_ASKED] if not frames.is_steady(int(node))), None)
    if node is None:
        return found
    frame = frames.frame(node)
    fault = (
        f"the reference of {found.task} does something else when asked again in {frame}; "
        "let it depend on program, arguments and observations alone"
    )
    return replace(found, fault=fault, frame=frame)
