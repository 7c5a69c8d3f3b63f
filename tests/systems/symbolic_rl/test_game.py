"""The game: rewards, layouts and pictures are what they say, and Gymnasium takes it for an environment."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium.envs.registration import EnvSpec
from gymnasium.utils.env_checker import check_env

from shoestring.errors import UnknownName, UsageError
from shoestring.systems.symbolic_rl import GridGame
from shoestring.systems.symbolic_rl.task import AGENT, CELL, GLYPHS, MOVES, NEGATIVE, POSITIVE, VARIANTS, Games


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("variant", VARIANTS)
def test_gymnasium_takes_it_for_an_environment(variant):
    spec = EnvSpec("GridGame-v0", entry_point="shoestring.systems.symbolic_rl:GridGame", kwargs={"variant": variant})

    check_env(gymnasium.make(spec, render_mode="rgb_array").unwrapped)


@pytest.mark.parametrize("variant", VARIANTS)
def test_many_games_at_once_are_those_of_a_walk_on_paper(variant):
    games = Games(variant)
    state, score, walked = games.reset(7, generator()), np.zeros(7), np.zeros(7)
    field = {(g, *cell): kind for g in range(7) for cell, kind in zip(state.cells[g].tolist(), state.kinds[g].tolist(), strict=True)}
    at = state.agent.tolist()

    for actions in torch.randint(4, (60, 7), generator=generator(1)):
        state, rewards, _ = games.step(state, actions)
        score += rewards.numpy()
        for g, action in enumerate(actions.tolist()):
            at[g] = [min(max(x + d, 0), games.size - 1) for x, d in zip(at[g], MOVES[action].tolist(), strict=True)]
            kind = field.pop((g, *at[g]), None)
            walked[g] += {None: 0, POSITIVE: 1, NEGATIVE: -1}[kind]

    assert at == state.agent.tolist() and np.array_equal(score, walked)
    assert int(state.alive.sum()) == len(field)


def test_a_grid_is_the_same_in_every_game_and_random_places_are_not():
    grid, anywhere = Games("mixed-grid").reset(2, generator()), Games("mixed-random").reset(2, generator())

    assert grid.cells[0].equal(grid.cells[1]) and grid.kinds[0].equal(grid.kinds[1]) and len(grid.cells[0]) == 16
    assert not anywhere.cells[0].equal(anywhere.cells[1])
    for state in (grid, anywhere):
        _, cells = state.things()
        assert len(np.unique(cells[0].numpy(), axis=0)) == 17 and (state.kinds[0] == POSITIVE).sum() == 8
    assert (Games("negative-random").reset(1, generator()).kinds == NEGATIVE).all()


def test_a_frame_shows_each_thing_in_its_cell_and_nothing_that_is_gone():
    games = Games()
    state = games.reset(3, generator())
    for actions in torch.randint(4, (40, 3), generator=generator(2)):
        state, _, _ = games.step(state, actions)
    expected = np.zeros((3, games.pixels, games.pixels), np.uint8)
    for g in range(3):
        for kind, (row, column) in zip(*(x[g].tolist() for x in state.things()), strict=True):
            if kind >= 0:
                expected[g, row * CELL : row * CELL + 5, column * CELL : column * CELL + 5] = GLYPHS[kind]

    assert not state.alive.all() and np.array_equal(games.frames(state).numpy(), expected)


def test_swapped_games_pay_the_reverse():
    state = Games().reset(50, generator())
    actions = torch.randint(4, (50,), generator=generator(1))

    _, plain, touched = Games().step(state, actions)
    _, swapped, _ = Games(swapped=True).step(state, actions)

    assert touched.any() and plain.equal(-swapped)


def test_a_seed_gives_the_same_game_and_objects_are_the_truth():
    env, other = GridGame(), GridGame()
    first, _ = env.reset(seed=3)
    second, _ = other.reset(seed=3)

    assert np.array_equal(first, second) and not np.array_equal(first, env.reset()[0])
    assert sorted(other.objects().types.tolist()) == [AGENT] + 8 * [NEGATIVE] + 8 * [POSITIVE]


def test_a_game_is_cut_off_and_ends_when_nothing_is_left():
    env = GridGame(size=5, n_objects=1, n_steps=300)
    env.reset(seed=0)
    env.action_space.seed(0)
    *_, last = (env.step(env.action_space.sample()) for _ in iter(lambda: env._step < 300 and bool(env._state.alive.any()), False))

    assert last[2] and last[4]["positives"] + last[4]["negatives"] == 1
    env = GridGame(n_steps=2)
    env.reset(seed=0)
    assert [env.step(0)[3] for _ in range(2)] == [False, True]


@pytest.mark.parametrize(
    ("make", "error", "said"),
    [
        (lambda: GridGame("mixed"), UnknownName, "mixed-grid"),
        (lambda: GridGame(size=3), UsageError, "size of 5 or more"),
        (lambda: GridGame(render_mode="human"), UsageError, "rgb_array"),
        (lambda: GridGame().step(0), UsageError, "reset"),
        (lambda: GridGame().objects(), UsageError, "reset"),
    ],
)
def test_what_cannot_be_played_is_said(make, error, said):
    with pytest.raises(error, match=said):
        make()
