"""Topological sort of acyclic graphs by depth-first search with a stack: environment, programs and abstraction.

Source: Cai, Shin and Song 2017, arXiv:1704.06611, section 4.1 and appendix A.2. Which pointers and actions there are is the paper's as far
as it was at hand; the order of steps in ``STACK`` is ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from shoestring.systems.recursive_npi.task import Bools, Ints, Obs, Reference, State, call, last

PAPERS_GRAPH = ((1, 2), (1, 5), (2, 4), (2, 5), (3, 5))  # of the trace that the paper says is enough
WHITE, GREY, BLACK, INVALID = range(4)
P_START, P_STACK, P_CHILD, P_RESULT = range(4)  # MOVE
DOWN, UP = range(2)
ACTIVE_START, ACTIVE_CHILD, ACTIVE_STACK, COLOUR, PUSH, SAVE = range(6)  # WRITE
PUSHES, POPS = range(2)  # STACK


@dataclass
class Graphs:
    """Problems; vertices are 1 to ``n_vertices``, 0 is none.

    Attributes:
        edges: ``(n, V + 2, V + 2)``, whether one vertex must come before another.
        children: ``(n, V + 2, V + 2)``, the children of each vertex in some order, then 0.
        colour: ``(n, V + 2)``; 0 and V + 1 are invalid.
        child: ``(n, V + 2)``, by vertex, the place in its list.
        active: ``(n,)`` the vertex looked at.
        at: ``(n, 4)`` first vertex not begun yet, the stack's free place (from 1), nothing, free place of the result.
        stack, result: ``(n, V + 2)``.
    """

    edges: Bools
    children: Ints
    colour: Ints
    child: Ints
    active: Ints
    at: Ints
    stack: Ints
    result: Ints

    def __len__(self) -> int:
        return len(self.active)


@dataclass(frozen=True)
class TopologicalSort:
    """Orders the vertices of acyclic graphs.

    Attributes:
        recursion: ``"full"``, or ``"none"`` for loops within a frame.
    """

    recursion: str = "full"

    name = "topological-sort"
    programs = ("TOPOSORT", "TRAVERSE", "CHECK_CHILD", "EXPLORE", "STACK", "NEXT_START")
    primitives = ("WRITE", "MOVE")
    arg_sizes = (6, 4)
    obs_sizes = (4, 4, 2)

    def reference(self, program: str, args: tuple[int, ...], obs: Obs) -> Reference:
        """Runs one frame of a program."""
        is_full = self.recursion == "full"
        if program == "TOPOSORT":
            while obs[0] != INVALID:
                yield call("TRAVERSE")
                if is_full:
                    yield call("NEXT_START")
                    yield last("TOPOSORT")
                obs = yield call("NEXT_START")
        elif program == "TRAVERSE":
            yield call("WRITE", ACTIVE_START)
            yield call("STACK", PUSHES)
            yield last("EXPLORE")
        elif program == "EXPLORE":
            while True:
                obs = yield call("CHECK_CHILD")
                if obs[1] == INVALID:
                    obs = yield call("STACK", POPS)
                    if obs[2]:
                        return
                else:
                    yield call("WRITE", ACTIVE_CHILD)
                    obs = yield call("STACK", PUSHES)
                if is_full:
                    yield last("EXPLORE")
        elif program == "CHECK_CHILD":
            while obs[1] in (GREY, BLACK):
                obs = yield call("MOVE", P_CHILD, UP)
                if is_full:
                    yield last("CHECK_CHILD")
        elif program == "NEXT_START":
            while obs[0] in (GREY, BLACK):
                obs = yield call("MOVE", P_START, UP)
                if is_full:
                    yield last("NEXT_START")
        elif program == "STACK" and args[0] == PUSHES:
            yield call("WRITE", COLOUR, GREY)
            yield call("WRITE", PUSH)
            yield last("MOVE", P_STACK, UP)
        elif program == "STACK":
            yield call("WRITE", COLOUR, BLACK)
            yield call("WRITE", SAVE)
            yield call("MOVE", P_RESULT, DOWN)
            yield call("MOVE", P_STACK, DOWN)
            yield last("WRITE", ACTIVE_STACK)

    def problems(self, n: int, length: int, rng: np.random.Generator) -> Graphs:
        """Returns random graphs of ``length`` vertices, each pair being joined with a probability that is drawn for the graph."""
        order = rng.permuted(np.tile(np.arange(1, length + 1), (n, 1)), axis=1)
        joined = np.triu(rng.random((n, length, length)) < rng.random((n, 1, 1)), 1)
        edges = np.zeros((n, length + 2, length + 2), bool)
        edges[np.arange(n)[:, None, None], order[:, :, None], order[:, None, :]] = joined
        return self.of(edges, rng)

    def of_edges(self, n_vertices: int, edges: Sequence[tuple[int, int]]) -> Graphs:
        """Returns the problem of one graph, each vertex's children in the order of the edges."""
        joined = np.zeros((1, n_vertices + 2, n_vertices + 2), bool)
        joined[(0, *np.array(edges).T)] = True
        return self.of(joined, None)

    def of(self, edges: Bools, rng: np.random.Generator | None) -> Graphs:
        """Returns problems of edges ``(n, V + 2, V + 2)``; children in a random order, or in that of their numbers."""
        n, width = edges.shape[:2]
        keys = np.where(edges, rng.random(edges.shape) if rng else np.linspace(0, 0.5, width), 1.0)
        order = np.argsort(keys, axis=2, kind="stable")
        children = np.where(np.take_along_axis(edges, order, 2), order, 0)
        colour = np.full((n, width), WHITE)
        colour[:, [0, -1]] = INVALID
        at = np.tile(np.array([1, 1, 0, width - 2], np.int64), (n, 1))
        empty = np.zeros((n, width), np.int64)
        return Graphs(edges, children, colour, empty.copy(), empty[:, 0].copy(), at, empty.copy(), empty.copy())

    def papers_problems(self, rng: np.random.Generator) -> list[Graphs]:
        """Returns the paper's larger training set: the graph of its one trace, and five random ones of seven vertices."""
        return [self.of_edges(5, PAPERS_GRAPH), self.problems(5, 7, rng)]

    def observe(self, env: Graphs, rows: Ints) -> Ints:
        """Returns the colour of the start, that of the active vertex's current child, and whether the stack is empty."""
        active, at = env.active[rows], env.at[rows]
        child = env.children[rows, active, env.child[rows, active]]
        return np.stack([env.colour[rows, at[:, P_START]], env.colour[rows, child], at[:, P_STACK] == 1], axis=1).astype(np.int64)

    def act(self, env: Graphs, rows: Ints, primitive: str, args: Ints) -> None:
        """Moves a pointer, or writes."""
        if primitive == "MOVE":
            by, width = np.where(args[:, 1] == UP, 1, -1), env.stack.shape[1]
            is_child = args[:, 0] == P_CHILD
            chosen, which = rows[~is_child], args[~is_child, 0]
            env.at[chosen, which] = np.clip(env.at[chosen, which] + by[~is_child], np.where(which == P_RESULT, 0, 1), width - 1)
            chosen, active = rows[is_child], env.active[rows[is_child]]
            env.child[chosen, active] = np.clip(env.child[chosen, active] + by[is_child], 0, width - 1)
            return
        for action in np.unique(args[:, 0]):
            self._write(env, rows[args[:, 0] == action], int(action), args[args[:, 0] == action, 1])

    def _write(self, env: Graphs, rows: Ints, action: int, colour: Ints) -> None:
        active, at = env.active[rows], env.at[rows]
        if action == ACTIVE_START:
            env.active[rows] = at[:, P_START]
        elif action == ACTIVE_CHILD:
            env.active[rows] = env.children[rows, active, env.child[rows, active]]
        elif action == ACTIVE_STACK:
            env.active[rows] = env.stack[rows, at[:, P_STACK] - 1]
        elif action == COLOUR:
            is_vertex = env.colour[rows, active] != INVALID
            env.colour[rows[is_vertex], active[is_vertex]] = colour[is_vertex]
        elif action == PUSH:
            env.stack[rows, at[:, P_STACK]] = active
        else:
            env.result[rows, at[:, P_RESULT]] = active

    def solved(self, env: Graphs) -> Bools:
        """Returns where the result names every vertex once and none before one that must precede it."""
        n, width = env.stack.shape
        whole = (np.sort(env.result[:, 1:-1]) == np.arange(1, width - 1)).all(axis=1)
        place = np.zeros((n, width), np.int64)
        np.put_along_axis(place, env.result[:, 1:-1], np.arange(1, width - 1)[None], 1)
        bad = env.edges & (place[:, :, None] > place[:, None, :])
        right: Bools = whole & ~bad.any(axis=(1, 2))
        return right

    def describe(self, env: Graphs, row: int) -> Any:
        """Returns the number of vertices, and by vertex its children in order."""
        width = env.stack.shape[1]
        return {str(v): [int(child) for child in env.children[row, v] if child] for v in range(1, width - 1)}

    def abstract_start(self) -> Iterable[State]:
        """Returns graphs of at least one vertex, of which none is coloured."""
        return [Seen(WHITE, INVALID, 0, "none")]

    def abstract_observe(self, state: Any) -> Obs:
        """Returns the two colours, and whether the stack is empty."""
        seen: Seen = state
        return seen.start, seen.child, int(seen.height == 0)

    def abstract_step(self, state: Any, primitive: str, args: tuple[int, ...]) -> Iterable[State]:
        """Returns the states that may follow."""
        seen: Seen = state
        return seen.after(primitive, args)

    def abstract_call(self, state: Any, program: str) -> tuple[State, State]:
        """Returns all of the state: every program may touch it."""
        return state, None

    def abstract_return(self, state: Any, aside: Any) -> State:
        """Returns the state as it is."""
        returned: State = state
        return returned


@dataclass(frozen=True)
class Seen:
    """What is known of an environment: a state of the abstraction.

    While vertices are on the stack, the lowest is the start, each other one is the current child of the one below, and exactly they are
    grey. As a graph has no cycle, no child of the topmost is grey.

    Attributes:
        start: colour of the start.
        child: colour of the active vertex's current child.
        height: vertices on the stack: 0, 1, or 2 for more.
        active: ``"none"``; ``"first"``, the white start before its push; ``"fresh"``, the white current child of the topmost before
            its push; ``"grey"`` and ``"pushed"``, the same once coloured, and once also written to the stack; ``"top"``, the topmost;
            ``"black"``, the topmost coloured black, ``"saved"``, written to the result too, ``"counted"``, the result's pointer moved;
            ``"popped"``, it is off the stack.
    """

    start: int
    child: int
    height: int
    active: str

    def after(self, primitive: str, args: tuple[int, ...]) -> Iterable[Seen]:
        """Returns the states that may follow a primitive; only what a search does in its order is known."""
        key = (self.active, primitive, *args)
        if key == ("none", "WRITE", ACTIVE_START, 0) and self.start == WHITE:
            return [replace(self, active="first", child=child) for child in (WHITE, BLACK, INVALID)]
        if key == ("top", "WRITE", ACTIVE_CHILD, 0) and self.child == WHITE:
            return [replace(self, active="fresh", child=child) for child in (WHITE, BLACK, INVALID)]
        if key in (("first", "WRITE", COLOUR, GREY), ("fresh", "WRITE", COLOUR, GREY)):
            return [replace(self, active="grey", start=GREY)]
        if key == ("grey", "WRITE", PUSH, 0):
            return [replace(self, active="pushed")]
        if key == ("pushed", "MOVE", P_STACK, UP):
            return [replace(self, active="top", height=min(self.height + 1, 2))]
        if key == ("top", "MOVE", P_CHILD, UP) and self.child != INVALID:
            return [replace(self, child=child) for child in (WHITE, BLACK, INVALID)]
        if key == ("top", "WRITE", COLOUR, BLACK):
            return [replace(self, active="black", start=BLACK if self.height == 1 else GREY)]
        if key == ("black", "WRITE", SAVE, 0):
            return [replace(self, active="saved")]
        if key == ("saved", "MOVE", P_RESULT, DOWN):
            return [replace(self, active="counted")]
        if key == ("counted", "MOVE", P_STACK, DOWN):
            return [replace(self, active="popped", height=height) for height in {1: (0,), 2: (1, 2)}[self.height]]
        if key == ("popped", "WRITE", ACTIVE_STACK, 0):  # below lies a vertex whose current child is the one that has just become black
            return [replace(self, active="top", child=BLACK) if self.height else replace(self, active="none", child=INVALID)]
        if key == ("none", "MOVE", P_START, UP) and self.start == BLACK and self.height == 0:
            return [replace(self, start=start) for start in (WHITE, BLACK, INVALID)]
        raise LookupError(f"{primitive}{args} in {self}")
