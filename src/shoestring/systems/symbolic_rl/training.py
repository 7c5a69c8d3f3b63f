"""Trains agents of one kind on one variant of the game and tests them, there or elsewhere: ``train(trial)``, its settings, what it reports.

It compares nothing: see ``claims``. Source of the protocol: Garnelo, Arulkumaran and Shanahan 2016, arXiv:1609.05518, section 4.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self, TypeAlias, get_args

import torch
from torch import Tensor

from shoestring import Trial
from shoestring.errors import UsageError
from shoestring.systems.kit.settings import one_of, read
from shoestring.systems.symbolic_rl.dqn import DQN, DQNConfig
from shoestring.systems.symbolic_rl.extraction import ObjectExtractor
from shoestring.systems.symbolic_rl.model import Credit, RelationalQ
from shoestring.systems.symbolic_rl.players import Blind, Networks, Oracle, Player, Seeing, open_eyes
from shoestring.systems.symbolic_rl.task import ACTIONS, N_OBJECTS, N_STEPS, NAMES, SIZE, VARIANTS, Games, Variant
from shoestring.systems.symbolic_rl.tracking import Tracker

Arm: TypeAlias = Literal["dsrl", "oracle", "credit", "seen-credit", "dqn", "egocentric", "random"]
ARMS: tuple[Arm, ...] = get_args(Arm)
WINDOW, WANTED = 20, 0.8  # epochs over which the share of positives must reach what counts as learnt


@dataclass(frozen=True)
class Config:
    """What is trained, on what, and how it is tested.

    Attributes:
        arm: ``"dsrl"``: objects learnt from frames, shared credit; ``"oracle"``: true objects; ``"credit"``: true objects, interaction
            credit; ``"seen-credit"``: learnt objects, interaction credit; ``"dqn"``: on the whole field; ``"egocentric"``: on a crop of
            the same size around the agent; ``"random"``.
        variant: of the games trained on.
        test: of the games tested on.
        swapped: in the test, what looked positive is negative and the reverse: the control.
        shuffled: what is seen is compared with the truth of another game: the control of ``f1`` and ``switches``.
        epochs: games an agent is trained on (200: the paper's figure shows them).
        n_steps: of a game (100, PyDSRL).
        agents: independent ones, side by side; those that see share one extractor.
        test_games: of each agent.
        size, n_objects: of the field; ours.
        epsilon: chance of any action in training (0.1, the paper).
        test_epsilon: in the test (0.05, Mnih et al. 2015), for every arm.
        radius: within which objects count, in steps (2.5, PyDSRL).
        alpha, gamma: learning rate and discount of the tables; discount of the networks. Ours.
        lr: of the networks. Ours.
        warmup: steps before their first update. Ours.
        frames: of random play from which objects are learnt.
        fit_steps: of the autoencoder.
        features: of the autoencoder (16, PyDSRL).
    """

    arm: Arm = "dsrl"
    variant: Variant = "mixed-random"
    test: Variant = "mixed-random"
    swapped: bool = False
    shuffled: bool = False
    epochs: int = 200
    n_steps: int = N_STEPS
    agents: int = 1
    test_games: int = 30
    size: int = SIZE
    n_objects: int = N_OBJECTS
    epsilon: float = 0.1
    test_epsilon: float = 0.05
    radius: float = 2.5
    alpha: float = 0.1
    gamma: float = 0.9
    lr: float = 1e-3
    warmup: int = 500
    frames: int = 640
    fit_steps: int = 300
    features: int = 16

    def __post_init__(self) -> None:
        one_of("arm", self.arm, ARMS)
        one_of("variant", self.variant, VARIANTS)
        one_of("variant", self.test, VARIANTS)
        if min(self.epochs, self.n_steps, self.agents, self.test_games, self.fit_steps) < 1 or self.frames < 32:
            raise UsageError("epochs, n_steps, agents, test_games and fit_steps count from 1, and frames from 32; raise what is below.")

    @classmethod
    def paper(cls) -> Self:
        """Returns the paper's scale, as far as it is known: 1,000 epochs, and objects learnt from 5,000 frames."""
        return cls(epochs=1000, frames=5000, fit_steps=5000, test_games=100)

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Self:
        """Returns the configuration of plain settings: those that differ from the defaults.

        Raises:
            UnknownName: there is no such setting.
        """
        return read(cls, settings)


@dataclass(frozen=True)
class Played:
    """What came of games, ``(n_agents, n_games)`` each: objects touched that were worth 1, and that were worth -1."""

    positives: Tensor
    negatives: Tensor

    @property
    def share(self) -> Tensor:
        """Share of what each agent touched, in all its games, that was worth 1; 0 if it touched nothing: ``(n_agents,)``."""
        total = (self.positives + self.negatives).sum(1)
        return self.positives.sum(1) / total.clamp_min(1)

    @property
    def score(self) -> Tensor:
        """Each agent's mean score a game, ``(n_agents,)``."""
        return (self.positives - self.negatives).mean(1)


def play(
    games: Games, player: Player, n: int, generator: torch.Generator, *, n_steps: int, epsilon: float, agents: int, learns: bool
) -> Played:
    """Plays ``n`` games with each of so many agents, all at once."""
    state = games.reset(agents * n, generator)
    seen = player.see(games, state, True)
    positives = negatives = torch.zeros(agents * n, device=state.agent.device)
    for _ in range(n_steps):
        actions = player.act(seen, epsilon, generator)
        state, rewards, _ = games.step(state, actions)
        before, seen = seen, player.see(games, state, False)
        if learns:
            player.learn(before, actions, rewards, seen)
        positives, negatives = positives + (rewards > 0), negatives + (rewards < 0)
    return Played(positives.view(agents, n), negatives.view(agents, n))


class Work:
    """Agents under training, and their learning curve."""

    def __init__(self, config: Config, seed: int, device: str) -> None:
        """Makes them untrained. Agents that see objects are made when they first open their eyes."""
        self.config, self.seed, self.device = config, seed, device
        self.games = Games(config.variant, config.size, config.n_objects)
        self.generator = torch.Generator(device).manual_seed(seed)
        self.curve = torch.zeros(0, 2, config.agents)
        self.player: Player | None = None
        if not self._is_seeing:
            self.player = self._blind_to_pixels()

    @property
    def _is_seeing(self) -> bool:
        return self.config.arm in ("dsrl", "seen-credit")

    def train(self, until: int) -> None:
        """Trains until so many epochs are done in all; an epoch is one game of each agent."""
        config, player = self.config, self.player or self._open_eyes()
        self.player = player
        rows = [self.curve]
        for _ in range(until - len(self.curve)):
            played = play(
                self.games, player, 1, self.generator, n_steps=config.n_steps, epsilon=config.epsilon, agents=config.agents, learns=True
            )
            rows.append(torch.stack((played.positives[:, 0], played.negatives[:, 0])).cpu()[None])
        self.curve = torch.cat(rows)

    def tested(self, variant: Variant) -> tuple[Played, Player]:
        """Plays test games of a variant, the same at every call; returns what came of them, and who played."""
        assert self.player is not None, "trained before"
        config, player = self.config, self.player
        if isinstance(player, Seeing):
            player = player.for_test(config.test_games, config.shuffled)
        played = play(
            Games(variant, config.size, config.n_objects, config.swapped),
            player,
            config.test_games,
            torch.Generator(self.device).manual_seed(self.seed + 2**32),
            n_steps=config.n_steps,
            epsilon=config.test_epsilon,
            agents=config.agents,
            learns=False,
        )
        return played, player

    def metrics(self) -> dict[str, float]:
        """Tests the agents, and returns what is reported, means over agents."""
        played, player = self.tested(self.config.test)
        found = {
            "positive": float(played.share.mean()),
            "score": float(played.score.mean()),
            "collected": float((played.positives + played.negatives).mean()),
            "epochs_to_80": float(self.epochs_to(WANTED).mean()),
        }
        if isinstance(player, Seeing) and player.sight is not None:
            found |= {
                "f1": player.sight.f1,
                "switches": player.sight.switches,
                "purity": player.sight.purity,
                "n_types": float(player.extractor.n_types),
                "agent_types": float(len(player.learner.agents)),
            }
        return found

    def epochs_to(self, share: float) -> Tensor:
        """Returns the first epoch at which each agent's last games gave that share of positives; one more than all if there was none."""
        sums = self.curve.cumsum(0)
        sums[WINDOW:] -= sums[:-WINDOW].clone()
        is_there = sums[:, 0] >= share * sums.sum(1).clamp_min(1)
        is_there[: WINDOW - 1] = False  # fewer games say too little
        return torch.where(is_there.any(0), is_there.int().argmax(0) + 1, len(is_there) + 1).float()

    def _learner(self, n_types: int, agent: list[int], step: float) -> RelationalQ:
        config = self.config
        credit: Credit = "interaction" if config.arm in ("credit", "seen-credit") else "shared"
        return RelationalQ(
            n_types,
            len(ACTIONS),
            agent=agent,
            step=step,
            radius=config.radius,
            alpha=config.alpha,
            gamma=config.gamma,
            credit=credit,
            n_agents=config.agents,
            device=self.device,
        )

    def _blind_to_pixels(self) -> Player:
        config = self.config
        if config.arm in ("oracle", "credit"):
            return Oracle(self._learner(len(NAMES), [0], 1.0))
        if config.arm == "random":
            return Blind()
        capacity = config.epochs * config.n_steps
        settings = DQNConfig(
            "field" if config.arm == "dqn" else "agent", config.gamma, config.lr, warmup=config.warmup, capacity=min(capacity, 100_000)
        )
        return Networks(DQN(settings, config.agents, config.size, self.seed, self.device))

    def _open_eyes(self) -> Seeing:
        extractor = self._extractor()
        generator = torch.Generator().manual_seed(self.seed + 2**33)
        agent, step = open_eyes(
            self.games, extractor, generator, n_games=16, n_steps=self.config.frames // 16, fit_steps=self.config.fit_steps
        )
        return self._seeing(extractor, list(agent), step)

    def _extractor(self) -> ObjectExtractor:
        return ObjectExtractor(5, features=self.config.features, device=self.device)

    def _seeing(self, extractor: ObjectExtractor, agent: list[int], step: float) -> Seeing:
        trackers = [Tracker(extractor.max_types) for _ in range(self.config.agents)]
        return Seeing(self._learner(extractor.max_types, agent, step), extractor, trackers)

    def state_dict(self) -> dict[str, Any]:
        """Returns all that training changes."""
        player = None if self.player is None else self.player.state_dict()
        return {"player": player, "curve": self.curve, "generator": self.generator.get_state()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Takes it back."""
        self.curve = state["curve"]
        self.generator.set_state(state["generator"].cpu())
        player = state["player"]
        if player is None:
            return
        if self.player is None:
            self.player = self._seeing(self._extractor(), player["agent"]["types"].tolist(), player["agent"]["step"])
        self.player.load_state_dict(player)


def train(trial: Trial) -> None:
    """Trains agents, an equal share of their epochs in each unit, and tests them.

    Reported, means over agents: ``positive``, the share of objects touched that were worth 1; ``score``, a game; ``collected``, a game;
    ``epochs_to_80``, until 80% of what the last 20 training games gave was positive, one more than all if it never was. Of agents that see:
    ``f1`` of objects found; ``switches``, the share of objects that get another number a step; ``purity``, the share that are of the
    kind that most of their type are; ``n_types``, ``agent_types``.
    """
    config = Config.of(trial.config)
    work = Work(config, trial.seed, trial.device)
    for unit in trial.steps(work=work):
        work.train(config.epochs * (unit + 1) // trial.horizon)
        trial.report(**work.metrics())


def train_transfer(trial: Trial) -> None:
    """Trains agents on the grid and others on random places, tests both on random places, and compares their scores.

    Config: as ``train``'s, but ``variant``, which says where the first are trained; ``share``, what of the others' score must be kept.
    Reported: ``score`` and ``positive`` of those trained on ``variant``; ``home_score``, of those trained where they are tested;
    ``surplus``, the first less ``share`` of the second.
    """
    settings = dict(trial.config)
    share = float(settings.pop("share", 0.8) or 0.0)
    away = Config.of(settings)
    home = Config.of({**asdict(away), "variant": away.test, "swapped": False})
    works = {"away": Work(away, trial.seed, trial.device), "home": Work(home, trial.seed, trial.device)}
    for unit in trial.steps(**works):
        for work in works.values():
            work.train(away.epochs * (unit + 1) // trial.horizon)
        found, own = works["away"].metrics(), works["home"].metrics()
        trial.report(
            surplus=found["score"] - share * own["score"], score=found["score"], positive=found["positive"], home_score=own["score"]
        )
