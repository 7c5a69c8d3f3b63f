"""The tasks: references solve problems, abstractions hold all that random problems meet, and both say what is wrong."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from shoestring.errors import UnknownName, UsageError
from shoestring.systems.recursive_npi import Abstraction, Addition, BubbleSort, Quicksort, Task, TopologicalSort, closure, saturated
from shoestring.systems.recursive_npi.machine import TablePolicy, run_policy
from shoestring.systems.recursive_npi.planted import BUGS, forgetful
from shoestring.systems.recursive_npi.tasks import TASKS, make_task, settings_of
from shoestring.systems.recursive_npi.tree import Frames

EVERY = [
    *(make_task(name, {"recursion": recursion}) for name in TASKS for recursion in ("full", "none")),
    BubbleSort("partial"),
    *(BubbleSort(recursion, "digits") for recursion in ("full", "partial", "none")),
]


@cache
def closed_set(name):
    return closure(make_task(name))


CLOSED = {"quicksort": 25, "bubble-sort": 26, "topological-sort": 34, "addition": 40702}


@pytest.mark.parametrize("task", EVERY, ids=str)
def test_references_solve_problems_of_every_size(task):
    for length in (1, 2, 7):
        env = task.problems(40, length, np.random.default_rng(length))

        run = run_policy(TablePolicy(Frames(task)), task, env, 100_000)

        assert run.solved.all()


@pytest.mark.parametrize("name", TASKS)
def test_the_closed_set_has_every_frame_that_random_problems_meet(name):
    task = make_task(name)
    closed = closed_set(name)
    size = closed.size

    met = saturated(task, 60, (2, 3, 5, 8), np.random.default_rng(1))
    for length in (1, 4, 7):
        run_policy(TablePolicy(closed), task, task.problems(60, length, np.random.default_rng(length)), 100_000)

    assert closed.size == size and closed.n_frames == CLOSED[name]
    if name != "addition":  # which has more columns than random problems show
        assert met.n_frames == closed.n_frames and met.digest() == closed.digest()


def test_the_frames_of_addition_are_those_that_columns_allow():
    closed = closed_set("addition")
    n_by_program = np.bincount(closed.callee[closed.root[closed.leaves]], minlength=4)

    n_columns, n_after = 10 * 10 * 2, 10 * 10 + 1  # two digits and a carry; two digits or the end, the carry being settled
    n_carrying = sum(a + b + c >= 10 for a in range(10) for b in range(10) for c in range(2))
    assert n_by_program.tolist() == [n_columns * n_after + 2, n_columns, n_carrying, n_columns * n_after]


@pytest.mark.parametrize("name", TASKS)
def test_the_kept_tasks_meet_the_protocols(name):
    task = make_task(name)

    assert isinstance(task, Task) and isinstance(task, Abstraction)
    assert make_task(name, settings_of(task)) == task and settings_of(object()) is None


@pytest.mark.parametrize("task", [Quicksort("none"), BubbleSort("none"), TopologicalSort("none"), Addition("none")], ids=str)
def test_loops_have_no_finite_set_of_frames(task):
    with pytest.raises(UsageError, match=r"no end|cannot follow"):
        closure(task)


def test_the_digits_encoder_has_no_abstraction_and_grows_even_with_recursion():
    task, rng = BubbleSort(encoder="digits"), np.random.default_rng(0)
    few, many = (saturated(task, n, (4, 6), rng).n_frames for n in (20, 80))

    assert many > 1.3 * few
    with pytest.raises(UsageError, match="digits encoder"):
        closure(task)


@pytest.mark.parametrize("name", TASKS)
def test_a_planted_bug_shows_in_what_the_reference_does(name):
    task = make_task(name)
    bad = forgetful(task, *BUGS[name])
    env = task.problems(50, 6, np.random.default_rng(0))

    run = run_policy(TablePolicy(Frames(bad)), bad, env, 100_000)

    assert run.ended.all() and not run.solved.all()


@pytest.mark.parametrize(
    ("name", "settings", "match"),
    [
        ("quicksrot", {}, "quicksort"),
        ("quicksort", {"recursion": "partial"}, "known: full, none"),
        ("quicksort", {"encoder": "digits"}, "recursion"),
        ("bubble-sort", {"encoder": "digit"}, "digits"),
    ],
)
def test_a_misspelt_task_is_named_with_the_nearest(name, settings, match):
    with pytest.raises(UnknownName, match=match):
        make_task(name, settings)


def test_the_stack_of_quicksort_grows_with_its_depth():
    task = Quicksort()
    env = task.of(np.arange(24)[None])

    run = run_policy(TablePolicy(closure(task), grows=False), task, env, 100_000)

    assert run.solved.all() and run.deepest >= 23 and env.stack.shape[2] > 23
