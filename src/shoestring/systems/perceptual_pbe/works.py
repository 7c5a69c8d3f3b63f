"""The experiments on grids, under training: one task from scratch, and four tasks one after the other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from shoestring.errors import UnknownName
from shoestring.systems.perceptual_pbe.baselines import Multitask
from shoestring.systems.perceptual_pbe.fitting import (
    Fit,
    accuracies,
    are_right,
    chance_selected,
    chosen,
    copy_of,
    fit_labels,
    fit_learner,
    network_accuracy,
    wilson,
)
from shoestring.systems.perceptual_pbe.learner import Learner, Perceptrons
from shoestring.systems.perceptual_pbe.scenarios import Grid
from shoestring.systems.perceptual_pbe.task import TASKS, Examples, add_grids, apply_grids, digits, operators

if TYPE_CHECKING:
    from shoestring.systems.perceptual_pbe.training import CodeConfig, LifelongConfig

RIGHT = {  # a right program of ADD2x2 for each task, by the moves before the sum
    "top": ("E",),
    "left": ("S",),
    "bottom": ("S", "E"),
    "right": ("E", "S"),
}
DRAWN = 4000  # operators of a pool


def sizes_of(hidden: str, side: int, classes: int) -> tuple[int, ...]:
    """Returns the sizes of a network: pixels, hidden layers from text such as ``"256,256"``, classes."""
    return (side * side, *(int(units) for units in hidden.split(",") if units), classes)


def right_program(task: str, lines: int) -> dict[str, int]:
    """Returns a right program of ADD2x2.

    Raises:
        UnknownName: there is no such task.
    """
    if task not in RIGHT:
        raise UnknownName("task", task, RIGHT)
    moves = RIGHT[task]
    at = len(moves) + 1
    program = {f"do {i + 1}": 1 + "NESW".index(move) for i, move in enumerate(moves)} | {f"do {at}": 5}
    return program | {f"a {at}": at - 2, f"b {at}": at - 1, "return": at} | {f"do {i}": 0 for i in range(at + 1, lines + 1)}


class Code:
    """Restarts of one task."""

    def __init__(self, config: CodeConfig, seed: int, device: str) -> None:
        """Draws grids, networks and programs."""
        self.config, self.n_steps = config, config.n_steps
        rng, generator = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
        classes, network = (10, "net_0") if config.scenario == "add" else (4, "net_1")
        modulus = 19 if config.scenario == "add" else 10
        self.values, self.is_mnist = modulus, 0.0
        examples, self.test = (part.to(device) for part in self._draw(rng))
        grid = Grid(config.lines, (network,), 0 if config.scenario == "add" else 3, modulus, config.scenario == "apply")
        sizes = sizes_of(config.hidden, config.side, classes)
        networks = {network: Perceptrons(config.restarts, sizes, generator, n=modulus)}
        self.learner = Learner(grid.template, networks, config.restarts, generator).to(device)
        if config.supervision == "strong":
            seen = {f"{network} {cell}": examples.labels[f"{network} {cell}"] for cell in TASKS[config.task]}
            labelled = Examples(examples.views, examples.targets, {}, seen)
            self.fit = fit_labels(self.learner.networks, labelled, batch=config.batch, seed=seed, lr=config.lr_network)
        else:
            rates = {"lr_program": config.lr_program, "lr_network": config.lr_network}
            self.fit = fit_learner(self.learner, examples, batch=config.batch, seed=seed, **rates)

    def _draw(self, rng: np.random.Generator) -> tuple[Examples, Examples]:
        config = self.config
        if config.scenario == "add":
            pools = [digits(split, side=config.side, generated=config.generated) for split in ("train", "test")]
            self.is_mnist = float(pools[0].source == "mnist")
            drawn = [add_grids(pool, config.task, n, rng) for pool, n in zip(pools, (config.grids, config.tests), strict=True)]
        elif config.scenario == "apply":
            pools = [operators(DRAWN, rng, side=config.side) for _ in range(2)]
            drawn = [apply_grids(pool, config.task, n, rng) for pool, n in zip(pools, (config.grids, config.tests), strict=True)]
        else:
            raise UnknownName("scenario", config.scenario, ("add", "apply"))
        return (drawn[0].shuffled(rng) if config.shuffled else drawn[0]), drawn[1]

    def train(self, until: int) -> None:
        """Trains until so many steps are done in all."""
        self.fit.train(min(until, self.n_steps))

    def metrics(self) -> dict[str, float]:
        """Returns what ``training.train`` reports of it."""
        programs = self.learner.discretise()
        if self.config.supervision == "strong":
            programs = [right_program(self.config.task, self.config.lines)] * len(programs)
        losses = self.fit.judged()
        right = are_right(self.learner, programs, self.test, self.values)
        low, high = wilson(int(right.sum()), len(right))
        best = int(losses.argmin())
        return {
            "rate": float(right.double().mean()),
            "rate_low": low,
            "rate_high": high,
            "selected": chance_selected(losses, right, min(self.config.selected, len(right))),
            "is_right": float(right[best]),
            "accuracy": float(accuracies(self.learner, programs, self.test)[best]),
            "network": float(network_accuracy(self.learner.networks, self.test)[best]),
            "loss": float(losses[best]),
            "mnist": self.is_mnist,
        }

    def state_dict(self) -> dict[str, Any]:
        """Returns all that training changes."""
        return {"fit": self.fit.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Takes it back."""
        self.fit.load_state_dict(state["fit"])


class Lifelong:
    """Tasks one after the other: each begins with the network that the one before left behind."""

    def __init__(self, config: LifelongConfig, seed: int, device: str) -> None:
        """Draws grids, networks and the first programs."""
        self.config, self.seed, self.device = config, seed, device
        self.tasks = tuple(config.tasks.split(","))
        self.n_steps = config.n_steps * len(self.tasks)
        rng, generator = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
        pool, tests = (digits(split, side=config.side, generated=config.generated) for split in ("train", "test"))
        self.is_mnist = float(pool.source == "mnist")
        drawn = [add_grids(pool, task, config.grids, rng) for task in self.tasks]
        self.examples = [(one.shuffled(rng) if config.shuffled else one).to(device) for one in drawn]
        self.tests = [add_grids(tests, task, config.tests, rng).to(device) for task in self.tasks]
        sizes = sizes_of(config.hidden, config.side, 10)
        self.fresh = nn.ModuleDict({"net_0": Perceptrons(config.restarts, sizes, generator, n=19)})
        self.learners = [
            Learner(Grid(config.lines).template, dict(self.fresh.items()), config.restarts, generator).to(device) for _ in self.tasks
        ]
        self.rival = Multitask(config.rival_restarts, sizes, config.head, 19, self.tasks, generator).to(device)
        self.programs: list[dict[str, int]] = []
        self.then = 0.0
        self.fits = self._fits(0)

    def train(self, until: int) -> None:
        """Trains until so many steps are done in all, over all tasks."""
        each = self.config.n_steps
        while len(self.programs) < len(self.tasks):
            due = min(each, until - each * len(self.programs))
            for fit, pace in zip(self.fits, (1, self.config.rival_steps), strict=False):
                fit.train(due * pace)
            if due < each:
                return
            self._hand_on()

    def metrics(self) -> dict[str, float]:
        """Returns what ``training.train`` reports of it."""
        n = len(self.programs)
        found = {"accuracy": 0.0, "first": 0.0, "gain": 0.0, "right": 0.0, "network": 0.0, "mnist": self.is_mnist}
        if not n:
            return found | ({"multitask": 0.0, "lead": 0.0} if self.config.baseline else {})
        learner = self.learners[0]
        each = [float(accuracies(learner, [p], test)[0]) for p, test in zip(self.programs, self.tests, strict=False)]
        right = [bool(are_right(learner, [p], test, 19)[0]) for p, test in zip(self.programs, self.tests, strict=False)]
        found |= {f"accuracy_{task}": value for task, value in zip(self.tasks, each, strict=False)}
        found |= {"accuracy": float(np.mean(each)), "first": each[0], "gain": each[0] - self.then, "right": float(np.mean(right))}
        found["network"] = float(network_accuracy(learner.networks, self.tests[0])[0])
        if self.config.baseline:
            with torch.no_grad():
                answers = [self.rival(task, test)[0] for task, test in zip(self.tasks[:n], self.tests, strict=False)]
            rival = [float((a.argmax(dim=-1) == test.targets).double().mean()) for a, test in zip(answers, self.tests, strict=False)]
            found |= {"multitask": float(np.mean(rival)), "lead": float(np.mean(each) - np.mean(rival))}
        return found

    def _fits(self, stage: int) -> list[Fit]:
        config, task, examples = self.config, self.tasks[stage], self.examples[stage]
        seed = self.seed + stage
        rates = {"lr_program": config.lr_program, "lr_network": config.lr_network}
        fits = [fit_learner(self.learners[stage], examples, batch=config.batch, seed=seed, **rates)]
        if config.baseline:
            trained = [*self.rival.shared.parameters(), *self.rival.heads[task].parameters()]

            def losses(rows: torch.Tensor) -> torch.Tensor:
                return self.rival.losses(task, examples.take(rows))

            fits.append(
                Fit(self.rival, losses, len(examples), [{"params": trained, "lr": config.lr_network}], batch=config.batch, seed=seed)
            )
        return fits

    def _hand_on(self) -> None:
        """Keeps the program of lowest training loss, gives every restart its network, and begins the next task."""
        stage = len(self.programs)
        learner, best = self.learners[stage], [int(fit.judged().argmin()) for fit in self.fits]
        self.programs.append(learner.discretise()[best[0]])
        copy_of(learner.networks, chosen(learner.networks, best[0]), self.config.restarts)
        if self.config.baseline:
            copy_of(self.rival, chosen(self.rival, best[1]), self.config.rival_restarts)
        if stage == 0:
            self.then = float(accuracies(learner, self.programs, self.tests[0])[0])
        if stage + 1 < len(self.tasks):
            self.fits = self._fits(stage + 1)

    def state_dict(self) -> dict[str, Any]:
        """Returns all that training changes."""
        return {
            "networks": self.fresh.state_dict(),
            "rival": self.rival.state_dict(),
            "programs": [dict(program) for program in self.programs],
            "then": self.then,
            "fits": [fit.state_dict() for fit in self.fits],
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Takes it back."""
        self.programs, self.then = [dict(program) for program in state["programs"]], float(state["then"])
        self.fits = self._fits(min(len(self.programs), len(self.tasks) - 1))
        for fit, kept in zip(self.fits, state["fits"], strict=True):
            fit.load_state_dict(kept)
        self.fresh.load_state_dict(state["networks"])
        self.rival.load_state_dict(state["rival"])
