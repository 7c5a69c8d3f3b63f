"""Frames as a tree: what a reference does, said anew for any path; look-ups, whatever has been added since; one hash for one set."""

from __future__ import annotations

import numpy as np
import pytest

from shoestring.errors import UsageError
from shoestring.systems.recursive_npi import Quicksort, TopologicalSort, closure, frames, trace
from shoestring.systems.recursive_npi.planted import BUGS, forgetful
from shoestring.systems.recursive_npi.task import NOTHING, Step, call, last
from shoestring.systems.recursive_npi.tree import Frames


class Tiny:
    """One program that calls what it is told to."""

    name, programs, primitives, arg_sizes, obs_sizes = "tiny", ("MAIN",), ("TICK",), (3,), (2, 3)

    def __init__(self, *steps):
        self.steps = steps

    def reference(self, program, args, obs):
        for step in self.steps:
            _ = yield step


def at(frames, *observations):
    """Returns the node of a path below the first program's call."""
    node = frames.call_node(0, np.zeros(frames.n_args, np.int64))
    for obs in observations:
        node = frames.extend(node, int(frames.codes(np.array([obs]))[0]))
    return node


def test_a_node_says_what_the_reference_does():
    frames = Frames(Tiny(call("TICK", 2), last("MAIN")))
    node = at(frames, (1, 2), (0, 1))

    frame = frames.frame(node)

    assert frame.observations == ((1, 2), (0, 1))
    assert frame.steps == (Step("TICK", (2,)), Step("MAIN", (0,), True))
    assert frames.n_frames == 1 and frames.leaves.tolist() == [node]


def test_a_reference_that_just_ends_calls_nothing():
    frames = Frames(Tiny())

    assert frames.reference_step(at(frames, (0, 0))).program is NOTHING.program
    assert frames.n_frames == 1


def test_looking_up_finds_old_and_new_nodes_and_nothing_else():
    frames = Frames(Tiny(*[call("TICK")] * 200))
    node, nodes = at(frames), []
    for _ in range(150):
        node = frames.extend(node, 3)
        nodes.append(node)

    found = frames.find(np.array([0, *nodes]), np.full(151, 3))

    assert found[:-1].tolist() == nodes and found[-1] == -1
    assert frames.find(np.array([0]), np.array([4])).tolist() == [-1]


def test_paths_are_filled_up():
    frames = closure(Quicksort())
    paths = frames.paths(frames.leaves)

    for leaf, path in zip(frames.leaves, paths, strict=True):
        assert [node for node in path if node >= 0] == frames.path(int(leaf))


def test_frames_are_a_set():
    all_of_them, some = frames(Quicksort()), frames(Quicksort(), "saturate", n=5, lengths=[2])

    assert len(all_of_them) == len(set(all_of_them)) == 25
    assert some < all_of_them == closure(Quicksort()) and frames(Quicksort(), "saturate") == all_of_them
    assert len(all_of_them - some) == 25 - len(some) and all(frame in all_of_them for frame in some)


def test_frames_of_other_tasks_are_not_among_them():
    some, other = frames(Quicksort()), frames(TopologicalSort())

    assert some.isdisjoint(other) and some != other and "frame" not in some
    assert not frames(forgetful(Quicksort(), *BUGS["quicksort"])) <= some


def test_one_set_has_one_hash_in_any_order():
    first, second = Frames(Tiny(call("TICK"), last("TICK"))), Frames(Tiny(call("TICK"), last("TICK")))
    at(first, (0, 0), (1, 1)), at(first, (1, 0), (0, 0))
    at(second, (1, 0), (0, 0)), at(second, (0, 0), (1, 1))
    other = Frames(Tiny(call("TICK"), last("TICK", 1)))
    at(other, (1, 0), (0, 0)), at(other, (0, 0), (1, 1))

    assert first.digest() == second.digest() != other.digest()


@pytest.mark.parametrize(
    ("steps", "match"),
    [((call("TOCK"),), "TOCK"), ((call("TICK", 3),), "arg_sizes"), ((call("TICK", 0, 1),), "arg_sizes")],
)
def test_a_call_of_what_is_not_there_is_refused(steps, match):
    with pytest.raises(UsageError, match=match):
        at(Frames(Tiny(*steps)), (0, 0))


def test_a_task_without_programs_or_sizes_is_refused():
    nameless, unseen = Tiny(), Tiny()
    nameless.programs, unseen.obs_sizes = (), ()

    with pytest.raises(UsageError, match="at least one"):
        Frames(nameless)
    with pytest.raises(UsageError, match="obs_sizes"):
        Frames(unseen)


def test_a_trace_has_the_programs_that_were_asked_for():
    task, rng = TopologicalSort(), np.random.default_rng
    recursive, loops = (trace(task, task.problems(5, 6, rng(0)), recursive=which) for which in (True, False))

    assert recursive.depth.max() <= 6 < loops.depth.max()
    with pytest.raises(UsageError, match="recursive=None"):
        trace(Tiny(), None, recursive=True)
