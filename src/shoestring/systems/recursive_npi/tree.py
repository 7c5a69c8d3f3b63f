"""Frames: what one call of a program sees and does, step by step, kept as a tree in which frames share what they have in common.

A frame begins with a call (program, arguments); each node below is one more observation, and says what the reference does then. It holds
no network and no environment. Source: Cai, Shin and Song 2017, arXiv:1704.06611, section 3.3: the sequences of step inputs within a frame.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass

import numpy as np

from shoestring.errors import UsageError
from shoestring.systems.recursive_npi.task import NOTHING, Ints, Obs, Step, Task

MOST_STEPS = 100_000  # of one frame: a reference that goes on longer does not end


@dataclass(frozen=True)
class Frame:
    """One frame: the call that opened it, what it saw, and what the reference did at each step."""

    program: str
    args: tuple[int, ...]
    observations: tuple[Obs, ...]
    steps: tuple[Step, ...]

    def __str__(self) -> str:
        seen = " then ".join(map(str, self.observations))
        return f"{self.program}({', '.join(map(str, self.args))}), having seen {seen}"


class Frames(Set[Frame]):
    """A growing set of frames, as a tree of steps whose outputs are the reference's.

    It is a set as Python knows them: ``len``, ``in``, iteration, ``==``, ``<=`` and ``-``, whose result is a plain set.

    Attributes:
        task: whose programs they are.
        names: programs, then primitives; a program's number is its place here, and ``len(names)`` means nothing is called.
        size: nodes, those of calls included.
        n_frames: how many different frames there are.
        parent: by node; -1 for a call.
        depth: by node, steps since the call; 0 for the call itself.
        root: by node, the node of its call.
        code: by node, its observation as one number; for a call its program and arguments.
        ends: by node, whether the frame ends.
        callee: by node, the number of the program that is called.
        args: by node, its arguments ``(size, n_args)``.
    """

    def __init__(self, task: Task) -> None:
        """Begins without any frame.

        Raises:
            UsageError: a task that names no program, one name twice, or sizes below 1.
        """
        names = (*task.programs, *task.primitives)
        if not task.programs or len(set(names)) < len(names):
            raise UsageError(f"task {task.name!r} names the programs {', '.join(names) or 'none'}; name at least one, and none twice.")
        if not task.obs_sizes or min((*task.obs_sizes, *task.arg_sizes)) < 1:
            raise UsageError(f"task {task.name!r} has obs_sizes={task.obs_sizes} and arg_sizes={task.arg_sizes}; each size is at least 1.")
        self.task, self.names, self.n_args = task, names, len(task.arg_sizes)
        self._index = {name: i for i, name in enumerate(names)}
        self._obs_radix, self._obs_sizes = _radix(task.obs_sizes), np.array(task.obs_sizes, np.int64)
        self._arg_radix = _radix(task.arg_sizes)
        self._n_codes = math.prod(task.obs_sizes)
        self.size = self.n_frames = 0
        self.parent, self.depth, self.root, self.code, self.callee = (np.zeros(64, np.int64) for _ in range(5))
        self.ends, self.args = np.zeros(64, bool), np.zeros((64, self.n_args), np.int64)
        self._calls = np.full(len(task.programs) * math.prod(task.arg_sizes), -1, np.int64)
        self._children: dict[int, int] = {}
        self._sorted_keys, self._sorted_nodes = np.zeros(0, np.int64), np.zeros(0, np.int64)

    def __len__(self) -> int:
        return self.n_frames

    def __iter__(self) -> Iterator[Frame]:
        return (self.frame(int(leaf)) for leaf in self.leaves)

    def __contains__(self, frame: object) -> bool:
        return isinstance(frame, Frame) and self._holds(frame)

    def __repr__(self) -> str:
        return f"<{self.n_frames} frames of {self.task.name}>"

    @classmethod
    def _from_iterable(cls, it: Iterable[Frame]) -> Set[Frame]:  # type: ignore[override]
        return frozenset(it)

    @property
    def leaves(self) -> Ints:
        """The nodes in which a frame ends, in the order in which they were found: one for each frame."""
        return np.flatnonzero(self.ends[: self.size])

    def call_node(self, program: int, args: Ints) -> int:
        """Returns the node of a call."""
        return int(self.call_nodes(np.array([program]), np.array(args, np.int64)[None])[0])

    def call_nodes(self, programs: Ints, args: Ints) -> Ints:
        """Returns the nodes of many calls, ``args`` being ``(n, n_args)``."""
        codes = programs * math.prod(self.task.arg_sizes) + args @ self._arg_radix
        nodes = self._calls[codes]
        for i in np.flatnonzero(nodes < 0):
            if self._calls[codes[i]] < 0:
                node = self._calls[codes[i]] = self._new(-1, 0, int(codes[i]))
                self.callee[node], self.args[node], self.root[node] = programs[i], args[i], node
            nodes[i] = self._calls[codes[i]]
        return nodes

    def codes(self, observations: Ints) -> Ints:
        """Returns observations ``(n, n_obs)`` as one number each.

        Raises:
            UsageError: one of them is not within the task's sizes, and would pass for another one.
        """
        sizes = self._obs_sizes
        if observations.shape[1:] != sizes.shape:
            raise UsageError(f"task {self.task.name!r} shows {observations.shape[-1]} parts at once; obs_sizes has {len(sizes)}.")
        if not (inside := (observations >= 0) & (observations < sizes)).all():
            seen = observations[~inside.all(axis=1)][0].tolist()
            raise UsageError(f"task {self.task.name!r} shows the observation {tuple(seen)}; obs_sizes={self.task.obs_sizes} must cover it.")
        return observations @ self._obs_radix

    def find(self, parents: Ints, codes: Ints) -> Ints:
        """Returns the nodes that follow ``parents`` on observations, -1 where there is none yet."""
        keys = parents * self._n_codes + codes
        if not len(self._sorted_keys):
            return np.array([self._children.get(int(key), -1) for key in keys], dtype=np.int64)
        place = np.minimum(np.searchsorted(self._sorted_keys, keys), len(self._sorted_keys) - 1)
        nodes = np.where(self._sorted_keys[place] == keys, self._sorted_nodes[place], -1)
        if len(self._children) > len(self._sorted_keys):
            for i in np.flatnonzero(nodes < 0):
                nodes[i] = self._children.get(int(keys[i]), -1)
        return nodes

    def extend(self, parent: int, code: int) -> int:
        """Returns the node that follows ``parent`` on an observation; a new one is what the reference says."""
        key = int(parent) * self._n_codes + int(code)
        node = self._children.get(key)
        if node is not None:
            return node
        step = self._ask(int(parent), int(code))
        node = self._children[key] = self._new(int(parent), int(self.depth[parent]) + 1, int(code))
        self.root[node] = self.root[parent]
        self.callee[node], self.args[node], self.ends[node] = self.encode(step)
        self.n_frames += int(self.ends[node])
        if len(self._children) > 2 * len(self._sorted_keys) + 64:
            self.settle()
        return node

    def settle(self) -> None:
        """Makes finding fast for all that is there."""
        keys = np.fromiter(self._children.keys(), np.int64, len(self._children))
        order = np.argsort(keys)
        self._sorted_keys = keys[order]
        self._sorted_nodes = np.fromiter(self._children.values(), np.int64, len(keys))[order]

    def encode(self, step: Step) -> tuple[int, Ints, bool]:
        """Returns a step as numbers: what is called, its arguments, and whether the frame ends.

        Raises:
            UsageError: the task has no such program, or no such argument.
        """
        args = np.zeros(self.n_args, np.int64)
        args[: len(step.args)] = step.args[: self.n_args]
        if step.program is not None and step.program not in self._index:
            raise UsageError(f"a reference calls {step.program!r}, which task {self.task.name!r} lacks; it has {', '.join(self.names)}.")
        if len(step.args) > self.n_args or (args < 0).any() or (args >= np.array(self.task.arg_sizes, np.int64)).any():
            raise UsageError(f"a reference calls {step.program} with {step.args}; arg_sizes are {self.task.arg_sizes}.")
        number = len(self.names) if step.program is None else self._index[step.program]
        return number, args, step.ends or step.program is None

    def _holds(self, frame: Frame) -> bool:
        """Returns whether a frame is one of these, with the same steps."""
        try:
            codes = self.codes(np.array(frame.observations, np.int64))
            callee, args, _ = self.encode(Step(frame.program, frame.args))
            steps = [self.encode(step) for step in frame.steps]
        except (UsageError, ValueError):  # of a task of other names or sizes
            return False
        if callee >= len(self.task.programs) or len(codes) != len(steps):
            return False
        node = int(self._calls[callee * math.prod(self.task.arg_sizes) + args @ self._arg_radix])
        for code, step in zip(codes, steps, strict=True):
            node = self._children.get(node * self._n_codes + int(code), -1) if node >= 0 else -1
            if node < 0 or not self._does(node, step):
                return False
        return bool(steps) and bool(self.ends[node])

    def _does(self, node: int, step: tuple[int, Ints, bool]) -> bool:
        callee, args, ends = step
        return callee == self.callee[node] and ends == self.ends[node] and bool((args == self.args[node]).all())

    def is_steady(self, node: int) -> bool:
        """Returns whether the reference, asked again at a node, does what it did when the node was made."""
        return self._does(node, self.encode(self._ask(int(self.parent[node]), int(self.code[node]))))

    def step_of(self, callee: int, args: Ints, ends: bool) -> Step:
        """Returns numbers as a step, with the arguments written out."""
        return Step(None if callee == len(self.names) else self.names[callee], tuple(int(arg) for arg in args), bool(ends))

    def reference_step(self, node: int) -> Step:
        """Returns what the reference does at a node."""
        return self.step_of(int(self.callee[node]), self.args[node], bool(self.ends[node]))

    def path(self, node: int) -> list[int]:
        """Returns the nodes from the first step of a frame to ``node``."""
        nodes = []
        while self.depth[node] > 0:
            nodes.append(int(node))
            node = int(self.parent[node])
        return nodes[::-1]

    def paths(self, leaves: Ints) -> Ints:
        """Returns the nodes of frames, ``(len(leaves), longest)``, filled up with -1."""
        depth = self.depth[leaves]
        paths = np.full((len(leaves), int(depth.max(initial=1))), -1, np.int64)
        nodes, left = leaves.copy(), depth.copy()
        while (left > 0).any():
            rows = np.flatnonzero(left > 0)
            paths[rows, left[rows] - 1] = nodes[rows]
            nodes[rows] = self.parent[nodes[rows]]
            left[rows] -= 1
        return paths

    def observations(self, nodes: Ints) -> Ints:
        """Returns what is seen at nodes, ``(len(nodes), n_obs)``."""
        return self.code[nodes, None] // self._obs_radix % self._obs_sizes

    def frame(self, node: int) -> Frame:
        """Returns a frame up to a node."""
        path, root = self.path(node), int(self.root[node])
        seen = tuple(tuple(int(part) for part in row) for row in self.observations(np.array(path)))
        steps = tuple(self.reference_step(one) for one in path)
        return Frame(self.names[self.callee[root]], tuple(int(arg) for arg in self.args[root]), seen, steps)

    def digest(self) -> str:
        """Returns the SHA-256 of the programs, sizes, and frames with all that the reference does in them, whatever order they came in."""
        head = repr((self.task.name, self.task.programs, self.task.primitives, self.task.arg_sizes, self.task.obs_sizes)).encode()
        order: dict[int, bytes] = {}
        for node in range(self.size):
            before = order[int(self.parent[node])] if self.parent[node] >= 0 else b""
            own = np.array([self.code[node], self.callee[node], self.ends[node], *self.args[node]], np.int64).tobytes()
            order[node] = hashlib.sha256(before + own).digest()
        return hashlib.sha256(head + b"".join(sorted(order.values()))).hexdigest()

    def _ask(self, parent: int, code: int) -> Step:
        """Returns what the reference does after a path and one observation more: the frame is run again from its call."""
        call = int(self.root[parent])
        seen = self.observations(np.array([*self.path(parent)], dtype=np.int64)).tolist()
        seen.append([code // int(radix) % size for radix, size in zip(self._obs_radix, self.task.obs_sizes, strict=True)])
        if len(seen) > MOST_STEPS:
            raise UsageError(f"a frame of {self.names[self.callee[call]]} of task {self.task.name!r} took {len(seen)} steps; it must end.")
        args = tuple(int(arg) for arg in self.args[call])
        program = self.task.reference(self.names[self.callee[call]], args, tuple(seen[0]))
        step = next(program, NOTHING)
        for obs in seen[1:]:
            try:
                step = program.send(tuple(obs))
            except StopIteration:
                step = NOTHING
        return step

    def _new(self, parent: int, depth: int, code: int) -> int:
        node = self.size
        if node == len(self.parent):
            for name in ("parent", "depth", "root", "code", "callee", "ends", "args"):
                old = getattr(self, name)
                setattr(self, name, np.concatenate([old, np.zeros_like(old)]))
        self.parent[node], self.depth[node], self.code[node] = parent, depth, code
        self.size += 1
        return node


def _radix(sizes: tuple[int, ...]) -> Ints:
    """Returns the weight of each digit of a number with digits of such sizes."""
    return np.array([math.prod(sizes[i + 1 :]) for i in range(len(sizes))], dtype=np.int64)
