"""What a configuration teaches, as tensors: stories to learn from and to be tested on, drawn from a seed or read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from shoestring.errors import UnknownName
from shoestring.systems.graph_transition.babi import TASKS, babi, first_questions, names_in
from shoestring.systems.graph_transition.rules import Machine, automaton, turing
from shoestring.systems.graph_transition.stories import Batch, Story, Vocabulary, encode, shuffled_graphs

if TYPE_CHECKING:
    from shoestring.systems.graph_transition.training import Config


def stories_of(config: Config, task: str, rng: np.random.Generator) -> tuple[list[Story], dict[str, list[Story]]]:
    """Returns a task's training stories, and its tests by name: ``"test"`` for bAbI, the number of steps for machines.

    Raises:
        UnknownName: there is no such task.
        UsageError: it cannot be read.
    """
    kind, _, which = task.partition("-")
    if kind == "babi" and which.isdigit():
        return babi(int(which), "train"), {"test": first_questions(babi(int(which), "test"), config.n_test)}
    if kind == "rule" and (which.isdigit() or which == "any"):

        def make(n_steps: int) -> Story:
            rule = int(which) if which.isdigit() else 2 * int(rng.integers(128))
            return automaton(rule, rng.integers(2, size=config.n_cells).tolist(), n_steps)

    elif kind == "turing" and which.isdigit():

        def make(n_steps: int) -> Story:
            machine, tape = Machine.drawn(int(which), 2, rng), rng.integers(2, size=config.n_cells)
            return turing(machine, tape.tolist(), int(rng.integers(int(which))), n_steps)

    else:
        raise UnknownName("task", task, ["rule-30", "rule-110", "rule-any", "turing-2", *(f"babi-{number}" for number in sorted(TASKS))])
    lengths = config.numbers("lengths")
    train = [make(lengths[0]) for _ in range(max(config.numbers("sizes")))]
    return train, {str(n): [make(n) for _ in range(config.n_test)] for n in lengths}


@dataclass(frozen=True)
class Lesson:
    """A task as tensors.

    Attributes:
        vocabulary: of all its stories.
        train: stories to learn from.
        tests: by name.
        stories: the tests' stories, by name.
        limits: how many of the first training stories each network may see, ``(M,)``.
    """

    vocabulary: Vocabulary
    train: Batch
    tests: dict[str, Batch]
    stories: dict[str, list[Story]]
    limits: tuple[int, ...]


def lesson(config: Config, task: str, seed: int) -> Lesson:
    """Returns a task's stories as tensors.

    Raises:
        UnknownName: there is no such task.
        UsageError: it cannot be read.
    """
    rng = np.random.default_rng([seed, 1])
    train, tests = stories_of(config, task, rng)
    kind = TASKS[int(task.partition("-")[2])].kind if task.startswith("babi") else "one"
    everything = [*train, *(story for stories in tests.values() for story in stories)]
    names = names_in(sorted({name for story in everything for name in story.types()}))
    vocabulary = Vocabulary.of(everything, names, kind)
    if task.startswith("babi"):
        train = [train[i] for i in rng.permutation(len(train))]
        limits = [len(first_questions(train, size)) for size in config.numbers("sizes")]
    else:
        limits = config.numbers("sizes")
    if config.supervision == "shuffled":
        train = shuffled_graphs(train, rng)
    per_network = tuple(limit for limit in limits for _ in range(config.models))
    encoded = {name: encode(stories, vocabulary) for name, stories in tests.items()}
    return Lesson(vocabulary, encode(train, vocabulary), encoded, tests, per_network)
