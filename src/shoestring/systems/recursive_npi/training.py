"""Trains several models of one task, all in one tensor program, and tests them: ``train(trial)``, its settings, and what it reports.

It compares nothing: see ``claims``. Source of settings: Cai, Shin and Song 2017, arXiv:1704.06611; where a default has none, it is ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch

from shoestring import Trial
from shoestring.errors import UnknownName, UsageError
from shoestring.systems.kit.settings import read
from shoestring.systems.recursive_npi.closure import closure, visit
from shoestring.systems.recursive_npi.fitting import Fitting
from shoestring.systems.recursive_npi.machine import TablePolicy, run_policy
from shoestring.systems.recursive_npi.model import NPI, NetworkPolicy
from shoestring.systems.recursive_npi.planted import BUGS, forgetful
from shoestring.systems.recursive_npi.quicksort import PAPERS_ARRAY, Quicksort
from shoestring.systems.recursive_npi.refinement import Refinement, traced
from shoestring.systems.recursive_npi.running import run, table
from shoestring.systems.recursive_npi.tasks import BuiltIn, make_task
from shoestring.systems.recursive_npi.topological_sort import PAPERS_GRAPH, TopologicalSort
from shoestring.systems.recursive_npi.tree import Frames


@dataclass(frozen=True)
class Config:
    """Models of one task.

    Attributes:
        task: its name.
        recursion: ``"full"``; ``"none"``; for bubble sort ``"partial"``.
        encoder: of bubble sort.
        traces: ``"paper"`` for the paper's own training set; for topological sort ``"one"`` for its one trace.
        models: trained together, each with first weights and training problems of its own.
        width, layers: of the LSTM; the paper has two layers of 256 (Reed and de Freitas, section 4.1).
        n_steps: the most steps of fitting.
        lr: Adam's; the paper has 1e-4 with a decay, for single traces.
        batch: frames of a step; the paper has one trace.
        rounds: the most refutations that a model learns from; 0 leaves it with the paper's training set alone.
        lengths: of the test problems, with commas between.
        n_test: test problems of each length; the paper has 30.
        long: the length of one problem more, for the first certified model, by its table; 0 for none.
        verified: verify models, and test only those that are certified; False tests all of them.
        bug: verify against a reference with a planted bug, and learn from no refutation: the control.
    """

    task: str = "quicksort"
    recursion: str = "full"
    encoder: str = "comparison"
    traces: str = "paper"
    models: int = 5
    width: int = 32
    layers: int = 2
    n_steps: int = 2000
    lr: float = 5e-3
    batch: int = 128
    rounds: int = 10
    lengths: str = "3,5,8,12,20"
    n_test: int = 100
    long: int = 0
    verified: bool = True
    bug: bool = False

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Self:
        """Returns the configuration that plain settings describe.

        Raises:
            UnknownName: there is no such setting.
        """
        return read(cls, settings)

    @classmethod
    def paper(cls) -> Self:
        """Returns the paper's scale: two layers of 256 units, a learning rate of 1e-4, 30 problems a length."""
        return cls(width=256, n_steps=50_000, lr=1e-4, batch=256, models=1, n_test=30, lengths="3,5,7,11,15,20,25,30,70")

    def make_task(self) -> BuiltIn:
        """Returns the task.

        Raises:
            UsageError: there is no such task, or it has no such setting.
        """
        encoder = {"encoder": self.encoder} if self.task == "bubble-sort" else {}
        return make_task(self.task, {"recursion": self.recursion, **encoder})

    def training_problems(self, task: BuiltIn, rng: np.random.Generator) -> list[Any]:
        """Returns the environments that a model learns from.

        Raises:
            UnknownName: there are no such traces.
        """
        if self.traces == "one" and isinstance(task, TopologicalSort):
            return [task.of_edges(5, PAPERS_GRAPH)]
        if self.traces != "paper":
            raise UnknownName("traces", self.traces, ("paper", "one") if self.task == "topological-sort" else ("paper",))
        return list(task.papers_problems(rng))


def train(trial: Trial) -> None:
    """Trains, verifies and tests the models of a configuration; an equal share of the most steps in each unit, tests in the last.

    Reported: ``learnt``, ``certified`` and ``at_once``, the shares of models that learnt all they were shown, were verified, and were so
    without a refutation; ``rounds``, the mean number of refutations; and at the end ``right_LENGTH``, the share of test problems solved;
    ``right_long``, whether the long one is; ``failed``, how many were not solved by certified models; ``safe``, the share of models
    certified that solved all; ``collapsed``, the share of models that learnt all they were shown and solve at most half of the longest
    problems.
    """
    config = Config.of(trial.config)
    lengths = [int(length) for length in config.lengths.split(",")]
    if config.traces == "one" and config.task != "topological-sort":
        raise UnknownName("traces", config.traces, ("paper",))
    task, refinement = begin(config, trial.seed, trial.device)
    for unit in trial.steps(refinement=refinement):
        if config.verified:
            refinement.run(config.n_steps // trial.horizon)
        else:
            refinement.fitting.run(config.n_steps // trial.horizon)
        verified, rounds = refinement.verified, refinement.rounds
        metrics = {
            "learnt": refinement.fitting.learnt.mean(),
            "certified": verified.mean(),
            "at_once": (verified & (rounds == 0)).mean(),
            "rounds": rounds.mean(),
        }
        if unit + 1 == trial.horizon:
            metrics |= _tested(config, task, refinement, lengths, trial.seed)
        trial.report(**{name: float(value) for name, value in metrics.items()})


def begin(config: Config, seed: int, device: str = "cpu") -> tuple[BuiltIn, Refinement]:
    """Returns the task, and untrained models with what they learn from.

    Raises:
        UsageError: a configuration that describes none.
    """
    task = config.make_task()
    if config.verified and config.recursion != "full":
        raise UsageError(f"recursion={config.recursion!r} has no finite set of frames to verify; give verified=False.")
    frames = closure(task) if config.verified else Frames(task)
    chosen = traced(frames, [config.training_problems(task, np.random.default_rng((seed, model))) for model in range(config.models)])
    against = closure(forgetful(task, *BUGS[config.task])) if config.bug else frames
    generator = torch.Generator().manual_seed(seed)
    model = NPI(task, width=config.width, layers=config.layers, n_models=config.models, generator=generator).to(device)
    fitting = Fitting(model, frames, chosen, lr=config.lr, batch=config.batch, seed=seed)
    return task, Refinement(fitting, rounds=0 if config.bug else config.rounds, against=against)


def _tested(config: Config, task: BuiltIn, refinement: Refinement, lengths: list[int], seed: int) -> dict[str, float]:
    """Returns what tests of the models come to; without verification all are tested, else only those that are certified."""
    model, verified = refinement.model(), refinement.verified
    tested = np.flatnonzero(verified) if config.verified else np.arange(model.n_models)
    if not len(tested):
        return {"failed": 0.0, "safe": 0.0, "collapsed": 0.0}
    models = model.members(tested)
    right: list[Any] = []
    metrics: dict[str, float] = {}
    for length in lengths:
        env = task.problems(len(tested) * config.n_test, length, np.random.default_rng((seed, 1_000_000, length)))
        most = 2 * int(
            run_policy(TablePolicy(Frames(task)), task, task.problems(20, length, np.random.default_rng(seed)), 10**6).steps.max()
        )
        solved = run_policy(NetworkPolicy(models, task), task, env, most).solved.reshape(len(tested), -1)
        metrics[f"right_{length}"] = float(solved.mean())
        right.append(solved.mean(axis=1))
    share = np.stack(right)
    if config.long and config.verified:
        env = task.problems(1, config.long, np.random.default_rng((seed, config.long)))
        metrics["right_long"] = float(run(table(models.member(0), task), task, env).solved.all())
    n_failed = float(((1 - share) * config.n_test).round().sum())
    return metrics | {
        "failed": n_failed,
        "safe": float((share == 1).all(axis=0).sum() / model.n_models * metrics.get("right_long", 1.0)) if config.verified else 0.0,
        "collapsed": float((refinement.fitting.learnt[tested] & (share[-1] <= 0.5)).mean()),
    }


def count_frames(trial: Trial) -> None:
    """Counts the frames that references meet on more and more random problems; nothing is trained. One unit is one pass.

    Config: ``recursion``. Reported: ``frames_TASK_N`` after ``N`` problems; ``growth``, for recursive programs the most and for others the
    least, over tasks, by which the frames after 1,500 problems outnumber those after 500: 0 for a set that does not grow.
    """
    recursion = str(trial.config.get("recursion", "full"))
    for _ in trial.steps():
        growth: list[float] = []
        metrics: dict[str, float] = {}
        for name in ("quicksort", "bubble-sort", "topological-sort"):
            task, rng = make_task(name, {"recursion": recursion}), np.random.default_rng(trial.seed)
            frames, counts = Frames(task), []
            for _part in range(3):
                for length in range(1, 11):
                    visit(frames, task.problems(50, length, rng))
                counts.append(frames.n_frames)
            growth.append(counts[-1] / counts[0] - 1)
            metrics |= {f"frames_{name}_{500 * (i + 1)}": float(count) for i, count in enumerate(counts)}
        trial.report(growth=max(growth) if recursion == "full" else min(growth), **metrics)


def cover(trial: Trial) -> None:
    """Counts which frames of quicksort one array covers, of all that there are; nothing is trained. One unit is one pass.

    Config: ``array``, ``"paper"`` or the length of a random one. Reported: ``covered``, a share; ``whole``, 1 where it is all.
    """
    task = Quicksort()
    for _ in trial.steps():
        given = str(trial.config.get("array", "paper"))
        rng = np.random.default_rng(trial.seed)
        array = np.array(PAPERS_ARRAY) if given == "paper" else rng.integers(10, size=int(given))
        frames = closure(task)
        n_frames = frames.n_frames
        share = float(traced(frames, [[task.of(array[None])]]).sum()) / n_frames
        trial.report(covered=share, whole=float(share == 1))
