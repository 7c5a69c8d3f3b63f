"""The environments do what their references say, and a model that knows the reference by heart executes it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from shoestring.errors import UsageError
from shoestring.systems.program_lattice import POP, PUSH, STAY, Addition, Frames, LSTMCore, Nanocraft, ProgramLattice, Trace, record


@pytest.mark.parametrize(("n_digits", "base"), [(1, 4), (3, 4), (2, 10), (20, 10)])
def test_the_reference_adds(n_digits, base):
    env = Addition.random(50, n_digits, base, np.random.default_rng(0))
    powers = [base**i for i in range(n_digits + 3)]

    record(env, [trace.actions for trace in env.traces()])

    assert env.solved().all()
    for first, second, row in zip(env.first, env.second, env.cells[:, 3], strict=True):
        values = [sum(int(d) * p for d, p in zip(digits, powers, strict=False) if d < base) for digits in (first, second, row)]
        assert values[0] + values[1] == values[2]


def test_a_wrong_or_unwritten_digit_is_no_sum():
    env = Addition(np.array([[1], [1]]), np.array([[1], [1]]))
    env.act(np.array([6 + 3, -1]))

    assert not env.solved().any()


@pytest.mark.parametrize("full", [False, True])
def test_the_reference_builds(full):
    env = Nanocraft.random(100, np.random.default_rng(1), full=full)
    assert not env.solved().all()

    seen = record(env, [trace.actions for trace in env.traces()])

    assert env.solved().all()
    assert seen.observations.shape[2] == Nanocraft.sizes(full)[0]


def test_a_rectangle_that_leaves_the_grid_is_refused():
    env = Nanocraft(np.array([[5, 0, 3, 3, 0]]), np.full((1, 6, 6), 4))

    with pytest.raises(UsageError, match="leaves the grid"):
        env.traces()


def test_the_traces_use_what_the_paper_names():
    addition = Addition(np.array([[3]]), np.array([[2]])).traces()[0]
    craft = Nanocraft(np.array([[2, 1, 3, 2, 0]]), np.full((1, 6, 6), 4)).traces()[0]

    assert addition.depth == 2 and [program for _, program in addition.calls] == [1, 2, 3, 4, 1, 2, 4]
    assert craft.depth == 1 and [program for _, program in craft.calls] == [1, 2, 3, 4, 5, 6]


def test_a_model_executes_what_it_was_taught():
    env = Addition(np.array([[3, 1]]), np.array([[2, 0]]))
    traces = env.traces()
    frames = Frames.of(record(env, [trace.actions for trace in traces]).observations, traces)
    core = LSTMCore(*Addition.sizes(), n_models=1)
    lattice = ProgramLattice(core, 2)
    adam = torch.optim.Adam(core.parameters(), lr=0.02)
    for _ in range(150):
        adam.zero_grad()
        lattice.full_loss(frames).sum().backward()
        adam.step()

    again = Addition(np.array([[3, 1], [0, 0]]), np.array([[2, 0], [3, 3]]))
    took = lattice.run(again, max_steps=100)

    assert took[0] == len(traces[0].kinds)
    assert again.solved()[0] and not again.solved()[1]


def test_a_problem_that_never_returns_is_given_up():
    class Calls:
        d_hidden = 1
        programs = torch.zeros(1, 2, 1)

        def see(self, observations):
            return observations

        def step(self, seen, program, h, c):
            kind = torch.full((*seen.shape[:2], 3), -9.0)
            kind[..., PUSH] = 0.0
            kind[..., STAY] = -1.0
            from shoestring.systems.program_lattice import Step

            return Step(kind, torch.zeros(*seen.shape[:2], 2), torch.zeros(*seen.shape[:2], 10), h, c)

    env = Addition.random(3, 1, 4, np.random.default_rng(0))

    assert (ProgramLattice(Calls(), 2).run(env, max_steps=9) == -1).all()
    assert (env.pointers[:, 0] == 3).all(), "at the deepest level it acts instead of calling"


def test_frames_are_what_one_call_sees_and_does():
    trace = Trace.of([(STAY, 3), (PUSH, 1), (STAY, 2), (POP, 0), (POP, 0)])
    frames = Frames.of(np.arange(3, dtype=np.float32)[None, :, None], [trace])

    assert frames.programs.tolist() == [[0, 1]]
    assert frames.kinds.tolist() == [[[STAY, PUSH, POP], [STAY, POP, -1]]]
    assert frames.observations[0, :, :, 0].tolist()[0] == [0.0, 1.0, 2.0]
    assert frames.observations[0, 1, :2, 0].tolist() == [1.0, 2.0]
    assert int(frames.n_steps) == 5


@pytest.mark.parametrize("base", [4, 10])
def test_a_covering_set_holds_every_pair_of_digits_with_and_without_a_carry(base):
    env = Addition.covering(2, base, np.random.default_rng(0))

    carries = env.first[:, 0] + env.second[:, 0] >= base

    assert len({*zip(env.first[:, 1], env.second[:, 1], carries, strict=True)}) == len(env.first) == 2 * base**2
