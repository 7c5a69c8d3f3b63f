"""The lattice is what the paper writes: equal to a plain loop, to the enumeration of all paths where that is exact, and to finite
differences."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from shoestring.errors import UsageError
from shoestring.systems.program_lattice import (
    POP,
    PUSH,
    STAY,
    Addition,
    Frames,
    LSTMCore,
    Nanocraft,
    ProgramLattice,
    Step,
    Trace,
    n_nodes,
    plain_loss,
    record,
)
from shoestring.systems.program_lattice.nodes import fronts


class Forgetful:
    """A core whose probabilities depend on the observation alone; the marginal over paths is then exact."""

    d_hidden = 2

    def __init__(self, n_states, n_programs, n_actions, seed=0):
        rng = torch.Generator().manual_seed(seed)
        self.programs = torch.randn(1, n_programs, 3, generator=rng, dtype=torch.float64)
        self.tables = [torch.randn(n_states, n, generator=rng, dtype=torch.float64).log_softmax(1) for n in (3, n_programs, n_actions)]

    def see(self, observations):
        return observations.double()

    def step(self, seen, program, h, c):
        return Step(*(table[seen[..., 0].long()] for table in self.tables), h, c)


def paths(n_actions, max_depth, max_calls):
    """Yields all executions, as lists of kinds, that do so many actions."""
    for calls in range(max_calls + 1):
        for kinds in set(itertools.permutations([PUSH] * calls + [POP] * calls + [STAY] * n_actions)):
            depth = np.cumsum([{PUSH: 1, POP: -1, STAY: 0}[kind] for kind in kinds])
            if len(kinds) == 0 or (depth.min() >= 0 and depth.max() <= max_depth):
                yield [*kinds, POP]


@pytest.mark.parametrize(("n_actions", "max_depth", "max_calls"), [(1, 0, 0), (2, 1, 1), (3, 1, 2), (3, 2, 2), (2, 2, 3)])
def test_it_is_the_sum_over_all_paths_where_the_core_ignores_its_state(n_actions, max_depth, max_calls):
    core = Forgetful(n_actions + 1, 3, 4)
    actions = np.random.default_rng(0).integers(4, size=n_actions)
    kind_p, _, action_p = (table.exp().numpy() for table in core.tables)
    total = 0.0
    for path in paths(n_actions, max_depth, max_calls):
        p, i = 1.0, 0
        for kind in path:
            p *= kind_p[i, kind]
            if kind == STAY:
                p, i = p * action_p[i, actions[i]], i + 1
        total += p

    seen = torch.arange(n_actions + 1.0)[None, None, :, None]
    loss = ProgramLattice(core, max_depth).loss(seen, torch.from_numpy(actions)[None, None], max_calls=max_calls)

    assert float(loss) == pytest.approx(-np.log(total), rel=1e-12)


def demonstrations(n_models=1, d_hidden=5, dtype=torch.float64):
    env = Addition(np.array([[1], [3], [0]] * n_models), np.array([[2], [2], [0]] * n_models))
    seen = record(env, [trace.actions for trace in env.traces()])
    core = LSTMCore(*Addition.sizes(), d_hidden=d_hidden, d_program=3, n_models=n_models).to(dtype)
    observations = torch.from_numpy(seen.observations).to(dtype).reshape(n_models, 3, *seen.observations.shape[1:])
    return core, observations, torch.from_numpy(seen.actions).reshape(n_models, 3, -1)


def test_it_equals_the_plain_loop_with_all_gradients():
    core, observations, actions = demonstrations()
    assert len({int(n) for n in (actions >= 0).sum(2)[0]}) > 1, "of several lengths"
    plain = []
    for row, done in zip(observations[0], actions[0], strict=True):
        n = int((done >= 0).sum())
        plain.append(plain_loss(core, row[: n + 1], done[:n], max_depth=2, max_calls=4))

    loss = ProgramLattice(core, 2).loss(observations, actions, max_calls=4)[0]

    torch.testing.assert_close(loss, torch.stack(plain), rtol=1e-12, atol=0)
    ours, theirs = (torch.autograd.grad(one.sum(), list(core.parameters())) for one in (loss, torch.stack(plain)))
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-11)


def test_gradients_equal_finite_differences():
    core, observations, actions = demonstrations(d_hidden=2)
    lattice = ProgramLattice(core, 1)
    weights = [core.embeddings, core.heads, core.gates]

    def loss(*_):
        return lattice.loss(observations[:, :1, :4], actions[:, :1, :3], max_calls=2)

    assert torch.autograd.gradcheck(loss, weights)


def test_models_never_meet():
    core, observations, actions = demonstrations(n_models=2)
    together = ProgramLattice(core, 2).loss(observations, actions, max_calls=4)

    for k in range(2):
        alone = LSTMCore(*Addition.sizes(), d_hidden=5, d_program=3).double()
        alone.load_state_dict({name: value[k : k + 1] for name, value in core.state_dict().items()})
        one = ProgramLattice(alone, 2).loss(observations[k : k + 1], actions[k : k + 1], max_calls=4)
        torch.testing.assert_close(one[0], together[k], rtol=1e-12, atol=0)


def test_it_does_not_underflow_in_half_the_digits():
    env = Nanocraft.random(4, np.random.default_rng(0))
    seen = record(env, [trace.actions for trace in env.traces()])
    core = LSTMCore(*Nanocraft.sizes(), d_hidden=8)
    for dtype, tolerance in ((torch.float32, 1e-4), (torch.bfloat16, 0.05)):
        observations, actions = torch.from_numpy(seen.observations)[None], torch.from_numpy(seen.actions)[None]
        exact = ProgramLattice(core.double(), 1).loss(observations.double(), actions, max_calls=6)
        loss = ProgramLattice(core.to(dtype), 1).loss(observations.to(dtype), actions, max_calls=6)
        loss.sum().backward()
        torch.testing.assert_close(loss.double(), exact, rtol=tolerance, atol=0)
        assert all(torch.isfinite(p.grad).all() for p in core.parameters())
        core.zero_grad()


def test_only_nodes_on_a_whole_path_are_alive():
    n_actions, max_depth, max_calls = 3, 2, 2
    alive = set()
    for path in paths(n_actions, max_depth, max_calls):
        i = depth = 0
        for t, kind in enumerate(path):
            alive.add((t, i, depth))
            i, depth = i + (kind == STAY), depth + (kind == PUSH) - (kind == POP)

    assert n_nodes(n_actions, max_depth, max_calls) == len(alive)
    assert sorted(i for _, i, _ in alive) == sorted(int(i) for front in fronts(n_actions, max_depth, max_calls) for i in front.done)


def test_full_loss_is_the_loop_over_steps_with_a_stack():
    env = Addition.random(2, 2, 4, np.random.default_rng(1))
    traces = env.traces()
    seen = record(env, [trace.actions for trace in traces])
    core = LSTMCore(*Addition.sizes(), d_hidden=5, d_program=3).double()
    total = 0.0
    for row, trace in zip(seen.observations, traces, strict=True):
        zero = torch.zeros(1, 1, 5, dtype=torch.float64)
        stack, i = [(core.programs[:, :1], zero, zero)], 0
        for kind, name in zip(trace.kinds, trace.names, strict=True):
            program, h, c = stack.pop()
            step = core.step(core.see(torch.from_numpy(row[i]).double()[None, None]), program, h, c)
            total -= float(step.kind[0, 0, kind].detach())
            if kind != POP:
                total -= float((step.program if kind == PUSH else step.action)[0, 0, name].detach())
                stack.append((program, step.h, step.c))
            if kind == PUSH:
                stack.append((core.programs[:, name : name + 1], zero, zero))
            i += kind == STAY

    frames = Frames.of(seen.observations.astype(np.float64), traces)

    assert float(ProgramLattice(core, 2).full_loss(frames).detach()) == pytest.approx(total, rel=1e-12)


def test_a_loss_over_one_path_is_the_full_loss():
    """With no calls allowed there is one path, nothing is averaged, and the lattice is the exact likelihood."""
    core, observations, actions = demonstrations()
    traces = [Trace.of_actions(row[row >= 0].numpy()) for row in actions[0]]

    loss = ProgramLattice(core, 2).loss(observations, actions, max_calls=0)

    full = ProgramLattice(core, 0).full_loss(Frames.of(observations[0].numpy(), traces))
    torch.testing.assert_close(loss.sum(), full.sum(), rtol=1e-12, atol=0)


def test_decode_finds_the_best_path_of_all():
    core = Forgetful(4, 3, 4, seed=5)
    actions = torch.tensor([[[1, 3, 0]]])
    kind_p, program_p, _ = (table.numpy() for table in core.tables)

    def score(path):
        done = np.concatenate([[0], np.cumsum([kind == STAY for kind in path])[:-1]])
        return sum(kind_p[i, kind] for i, kind in zip(done, path, strict=True))

    best = max(paths(3, 2, 2), key=score)

    found = ProgramLattice(core, 2).decode(torch.arange(4.0)[None, None, :, None], actions, max_calls=2)[0][0]

    assert found.kinds.tolist() == best
    assert found.actions.tolist() == [1, 3, 0]
    assert all(program == program_p[i].argmax() for i, program in found.calls)


def test_shapes_that_do_not_go_together_are_refused():
    core, observations, actions = demonstrations()
    with pytest.raises(UsageError, match="one before each"):
        ProgramLattice(core, 1).loss(observations[:, :, 1:], actions)
    with pytest.raises(UsageError, match="max_depth=-1"):
        ProgramLattice(core, -1)
    with pytest.raises(UsageError, match="do not match"):
        Trace.of([(PUSH, 1), (POP, 0)])
