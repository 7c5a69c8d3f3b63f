"""Measures what it saves to play and to train many at once: ``python benchmarks/systems/symbolic_rl_speed.py``; prints ratios, no claim."""

from __future__ import annotations

import statistics

import torch
from side_by_side import print_table, ratio, seconds

from shoestring.systems.symbolic_rl.game import GridGame
from shoestring.systems.symbolic_rl.players import Blind
from shoestring.systems.symbolic_rl.task import Games
from shoestring.systems.symbolic_rl.training import Arm, Config, Work, play


def one_game() -> None:
    """Plays one game of 100 random actions through the Gymnasium environment."""
    env = GridGame()
    env.reset(seed=0)
    env.action_space.seed(0)
    for _ in range(100):
        env.step(env.action_space.sample())


def games_at_once(n: int, with_frames: bool) -> None:
    """Plays ``n`` games of 100 random actions in one tensor program."""
    games, generator = Games(), torch.Generator().manual_seed(0)
    if not with_frames:
        play(games, Blind(), n, generator, n_steps=100, epsilon=0.0, agents=1, learns=False)
        return
    state = games.reset(n, generator)
    for _ in range(100):
        state, _, _ = games.step(state, torch.randint(4, (n,), generator=generator))
        games.frames(state)


def trained(arm: Arm, agents: int, seed: int = 0) -> None:
    """Trains so many agents side by side, for 5 games each."""
    Work(Config(arm=arm, agents=agents, epochs=5, warmup=20), seed, "cpu").train(5)


def main() -> None:
    """Prints the table."""
    torch.set_num_threads(1)
    played = statistics.median(seconds(lambda: games_at_once(1000, False)) for _ in range(5))
    print(f"games a second, median of 5: {1000 / played:.0f}\n")
    print_table(
        {
            "1,000 games with frames: gymnasium one by one / at once": lambda: ratio(
                one_game, lambda: games_at_once(1000, True), share=1 / 1000
            ),
            "1,000 games without frames": lambda: ratio(one_game, lambda: games_at_once(1000, False), share=1 / 1000),
            "8 tables with true objects: one by one / together": lambda: ratio(
                lambda: trained("oracle", 1), lambda: trained("oracle", 8), share=1 / 8
            ),
            "8 deep Q-networks": lambda: ratio(lambda: trained("dqn", 1), lambda: trained("dqn", 8), share=1 / 8),
        }
    )


if __name__ == "__main__":
    main()
