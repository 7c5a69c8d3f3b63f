"""Configurations, each default with its source, and the training function that the engine runs: some networks a trial, as one program."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from shoestring import Trial
from shoestring.errors import UnknownName, UsageError
from shoestring.systems.graph_transition.babi import TASKS as BABI
from shoestring.systems.graph_transition.model import Sizes
from shoestring.systems.graph_transition.networks import Networks, Transcripts, Work
from shoestring.systems.kit.settings import one_of, read

CONTRASTS = ("", "direct", "supervision", "draw")
SUPERVISIONS = ("graphs", "shuffled", "none")
MODELS = ("ggtnn", "gru")
SIMPLE = ("1", "4", "9", "11", "15", "16", "18", "20")  # bAbI tasks that take fewer updates
ONE_QUESTION = ("4", "16", "19")  # tasks with one question a story, and not about five
DRAW = 10**9  # from the seeds of one draw to those of the next
GOAL = 0.95  # the share of right answers at which a bAbI task counts as solved, as Weston et al. 2015 have it


@dataclass(frozen=True)
class Config:
    """What is learnt, from how much, by which network.

    Attributes:
        task: ``"rule-30"`` or another even rule, ``"rule-any"`` (a table for each story), ``"turing-2"`` (so many states),
            ``"babi-1"``; or several bAbI tasks with commas between.
        model: ``"ggtnn"``, or for machines ``"gru"``, which writes the tape.
        supervision: ``"graphs"``; ``"shuffled"``, those of other stories; or ``"none"``: answers only.
        sizes: how many questions (bAbI) or stories (machines) networks are trained on, with commas between.
        models: networks for each size, which differ in weights and batches.
        n_updates: steps of Adam.
        batch: stories of a batch.
        lr: Adam's learning rate; it falls linearly over the last two thirds.
        width, message, hidden, n_steps, direct, intermediate, keep, sparse: as in ``model.Sizes``.
        n_cells: first cells of a machine's tape.
        lengths: steps of machines, with commas between: the first trained on, all tested.
        by_task: take what ``preset`` has for each task; ``n_updates`` is then the most.
        contrast: of bAbI, train other networks too and report by how much the first are better: ``"direct"``, without direct
            reference; ``"supervision"``, from answers only; ``"draw"``, the same in another draw; ``""`` for none.
        draw: other weights and other stories under the same seed, for two runs that must not differ.
        n_test: stories of a machine's test, for each length and network; questions of bAbI's.
    """

    task: str = "rule-30"
    model: str = "ggtnn"
    supervision: str = "graphs"
    sizes: str = "1000"  # section 5: 1,000 stories, 1,000 questions
    models: int = 1
    n_updates: int = 600  # the author's code: 3,000 for bAbI, up to 100,000 for machines
    batch: int = 16  # the author's code: 100
    lr: float = 0.005  # the author's code: 0.002
    width: int = 20  # the author's code
    message: int = 20  # the author's code: 50
    hidden: int = 20  # the author's code: 50
    n_steps: int = 5  # the author's code
    direct: bool = True
    keep: float = -2.0  # ours
    intermediate: bool = False  # section 5: for machines, and bAbI tasks 3 and 5 only
    sparse: bool = False
    n_cells: int = 8
    lengths: str = "4,8,12"  # section 5: 7, 20 and 30 steps for rule 30; 6, 20 and 30 for Turing machines
    n_test: int = 1000
    contrast: str = ""
    by_task: bool = False
    draw: int = 0

    def __post_init__(self) -> None:
        for name, known in (("model", MODELS), ("supervision", SUPERVISIONS), ("contrast", CONTRASTS)):
            one_of(name, getattr(self, name), known)
        if (self.contrast or self.supervision == "none") and any(not task.startswith("babi") for task in self.task.split(",")):
            raise UsageError(f"task={self.task!r} has no answers to learn from or to count; give bAbI tasks, such as task='babi-1'.")

    @classmethod
    def paper(cls, task: str = "babi-1") -> Self:
        """Returns the scale of the author's code for a task."""
        is_babi = task.startswith("babi")
        lengths = "7,20,30" if task.startswith("rule") else "6,20,30"
        return cls(
            task=task,
            sizes="50,100,250,500,1000" if is_babi else "1000" if task.startswith("rule") else "20000",
            n_updates=3000 if is_babi else 100_000,
            batch=100,
            lr=0.002,
            message=50,
            hidden=50,
            intermediate=not is_babi,
            lengths=lengths,
        )

    @classmethod
    def of(cls, settings: Mapping[str, object]) -> Self:
        """Returns the configuration that plain settings describe: those that differ from the defaults.

        Raises:
            UnknownName: there is no such setting, model or supervision.
        """
        return read(cls, settings)

    @property
    def other(self) -> Self:
        """What the networks are contrasted with."""
        changes: dict[str, dict[str, Any]] = {
            "direct": {"direct": False},
            "supervision": {"supervision": "none"},
            "draw": {"draw": self.draw + 1},
        }
        return replace(self, contrast="", **changes.get(self.contrast, {}))

    @property
    def network(self) -> Sizes:
        """The network's size."""
        return Sizes(self.width, self.message, self.hidden, self.n_steps, self.direct, self.intermediate, self.keep, self.sparse)

    def numbers(self, name: str) -> list[int]:
        """Returns a setting with commas between as numbers."""
        return [int(text) for text in str(getattr(self, name)).split(",")]

    def works(self, seed: int, device: str) -> dict[str, Work]:
        """Returns the networks of each task, untrained.

        Raises:
            UnknownName: there is no such task.
            UsageError: it cannot be read, or not by this model.
        """
        if self.model == "gru" and "babi" in self.task:
            raise UsageError("model='gru' writes the tapes of machines and cannot answer questions; give task='rule-30' or 'turing-2'.")
        make = Transcripts if self.model == "gru" else Networks
        return {task: make(self.for_task(task), task, seed + DRAW * self.draw, device) for task in self.task.split(",")}

    def for_task(self, task: str) -> Self:
        """Returns the configuration of one of the tasks: with ``by_task`` that of its preset, of which ``n_updates`` is the most.

        Raises:
            UnknownName: there is no such task.
        """
        if not self.by_task:
            return self
        chosen = replace(self, **preset(task))  # type: ignore[arg-type]  # plain values, as Config.__init__ takes them
        return replace(chosen, n_updates=min(chosen.n_updates, self.n_updates))


def preset(task: str) -> dict[str, object]:
    """Returns settings for a task at a scale of a minute or so on one core, chosen on seeds that no claim uses.

    Raises:
        UnknownName: there is no such task.
    """
    kind, _, which = task.partition("-")
    if kind == "babi":
        n_updates = 200 if which in SIMPLE else 400
        return {"batch": 50 if which in ONE_QUESTION else 10, "lr": 0.02, "n_updates": n_updates}
    if kind == "rule":
        return {"batch": 16, "lr": 0.005, "n_steps": 3, "intermediate": True, "keep": 0.0}
    if kind == "turing":
        return {"batch": 32, "lr": 0.006, "intermediate": True, "keep": 0.0, "sparse": True, "n_cells": 4, "sizes": "4000"}
    raise UnknownName("task", task, ["rule-30", "rule-110", "rule-any", "turing-2", *(f"babi-{number}" for number in sorted(BABI))])


class _All:
    """The state of several works as one."""

    def __init__(self, works: Mapping[str, Work]) -> None:
        self.works = works

    def state_dict(self) -> dict[str, Any]:
        return {task: work.state_dict() for task, work in self.works.items()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        for task, work in self.works.items():
            work.load_state_dict(state[task])


def train(trial: Trial) -> None:
    """Trains the networks of a configuration, an equal share of their updates in each unit, and reports what they can do.

    For machines, of each number of steps in ``lengths``: ``exact_STEPS``, the share of runs without one wrong graph after any
    instruction, free running, and ``graphs_STEPS``, that of right graphs; ``learnt``, the share of networks that reach ``WANTED``.
    For bAbI: ``accuracy_SIZE``, the share of test questions that are answered rightly, from graphs of the network's own; of several tasks
    the mean, beside ``accuracy_SIZE_TASK`` of each; and ``solved_SIZE``, how many tasks reach ``GOAL``.
    With a contrast: ``gain_SIZE``, the accuracy of the first networks less that of the second, and ``least_gain``, the least of these.
    """
    config = Config.of(trial.config)
    works = config.works(trial.seed, trial.device)
    others = config.other.works(trial.seed, trial.device) if config.contrast else {}
    for unit in trial.steps(works=_All(works), others=_All(others)):
        for work in (*works.values(), *others.values()):
            work.train(work.config.n_updates * (unit + 1) // trial.horizon)
        found = merged({task: work.metrics() for task, work in works.items()})
        if others:
            other = merged({task: work.metrics() for task, work in others.items()})
            gains = {f"gain_{size}": found[f"accuracy_{size}"] - other[f"accuracy_{size}"] for size in config.numbers("sizes")}
            found |= gains | {"least_gain": min(gains.values())}
        trial.report(**found)


def merged(found: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """Returns the metrics of several tasks as those of one, see ``train``."""
    by_task = list(found.values())
    if len(found) == 1 and not any(name.startswith("accuracy") for name in by_task[0]):
        return dict(by_task[0])
    means = {name: sum(one[name] for one in by_task) / len(by_task) for name in by_task[0]}
    solved = {name.replace("accuracy", "solved"): float(sum(one[name] >= GOAL for one in by_task)) for name in means}
    return means | solved | {f"{name}_{task}": value for task, one in found.items() for name, value in one.items()}
