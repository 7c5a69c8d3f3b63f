"""Texts with the graph that is true after each sentence, and their form as tensors. Not where the texts come from: see ``babi``, ``rules``.

A story is a list of sentences; each adds nodes, and says all edges that hold after it. Questions stand between sentences.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from shoestring.errors import UsageError

AnswerKind = Literal["one", "set", "sequence"]
Edge = tuple[int, int, str]
END = "<end>"


@dataclass(frozen=True)
class Sentence:
    """A sentence, and the graph once it has been read.

    Attributes:
        words: in order.
        new: types of the nodes that it adds, which get the next numbers in this order.
        edges: all that hold after it: first node, second node, type; nodes are counted from 0 over the story.
    """

    words: tuple[str, ...]
    new: tuple[str, ...] = ()
    edges: frozenset[Edge] = frozenset()


@dataclass(frozen=True)
class Question:
    """A question.

    Attributes:
        words: in order.
        answer: one word, or several for a set or a sequence.
        after: how many sentences have been read when it is asked, from 1.
    """

    words: tuple[str, ...]
    answer: tuple[str, ...]
    after: int


@dataclass(frozen=True)
class Story:
    """Sentences, questions, and the types of nodes that are there from the start."""

    sentences: tuple[Sentence, ...]
    questions: tuple[Question, ...] = ()
    initial: tuple[str, ...] = ()

    def types(self, after: int | None = None) -> tuple[str, ...]:
        """Returns the types of all nodes after so many sentences, in their order; None for all sentences."""
        return self.initial + tuple(name for sentence in self.sentences[:after] for name in sentence.new)


@dataclass(frozen=True)
class Vocabulary:
    """What texts and graphs are made of.

    Attributes:
        words: all of them; a word's number is its place plus 1.
        types: of nodes.
        edge_types: of edges.
        answers: words of answers.
        names: the type that a word names, for direct reference.
        kind: whether an answer is one word, a set or a sequence.
        n_most: the most nodes that a sentence adds.
    """

    words: tuple[str, ...]
    types: tuple[str, ...]
    edge_types: tuple[str, ...]
    answers: tuple[str, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    kind: AnswerKind = "one"
    n_most: int = 1

    @classmethod
    def of(cls, stories: Iterable[Story], names: Mapping[str, str] | None = None, kind: AnswerKind = "one") -> Vocabulary:
        """Returns the vocabulary of stories; by default a word names the type that is written like it."""
        stories = list(stories)
        sentences = [sentence for story in stories for sentence in story.sentences]
        questions = [question for story in stories for question in story.questions]
        words = {word for sentence in sentences for word in sentence.words} | {word for one in questions for word in one.words}
        types = {name for story in stories for name in story.types()}
        edges = {edge[2] for sentence in sentences for edge in sentence.edges}
        answers = {word for question in questions for word in question.answer} | ({END} if kind == "sequence" else set())
        named = {word: word for word in words & types} if names is None else dict(names)
        n_most = max((len(sentence.new) for sentence in sentences), default=0)
        parts = [tuple(sorted(found)) for found in (words, types, edges, answers)]
        return cls(parts[0], parts[1], parts[2], parts[3], named, kind, n_most)


@dataclass(frozen=True)
class Batch:
    """Stories as tensors, padded to the longest: ``T`` sentences, ``V`` nodes, ``Q`` questions, ``L`` words, ``S`` words of an answer.

    Nodes that one sentence adds lie in the order of their types. Words, types and answers that are not there are 0, -1 and -1.

    Attributes:
        words: ``(..., T, L)``.
        counts: ``(..., T + 1)``, nodes before the first and after each sentence.
        types: ``(..., V)``.
        edges: ``(..., T, V, V, Y)``, true or false.
        lengths: ``(...)``, sentences of a story.
        asked: words of questions, ``(..., Q, L)``.
        after: ``(..., Q)``, sentences read before a question; 0 for no question.
        answers: ``(..., Q, S)``.
    """

    words: Tensor
    counts: Tensor
    types: Tensor
    edges: Tensor
    lengths: Tensor
    asked: Tensor
    after: Tensor
    answers: Tensor

    def __getitem__(self, index: Tensor | slice) -> Batch:
        """Returns stories by number; the index's shape takes the place of the first axis."""
        return Batch(*(getattr(self, one.name)[index] for one in fields(self)))

    def to(self, device: str | torch.device) -> Batch:
        """Returns the batch on another device."""
        return Batch(*(getattr(self, one.name).to(device) for one in fields(self)))

    def trimmed(self) -> Batch:
        """Returns the batch without padding that all of its stories have."""
        t, v = int(self.lengths.max()), int(self.counts.max())
        return replace(
            self,
            words=self.words[..., :t, :],
            counts=self.counts[..., : t + 1],
            types=self.types[..., :v],
            edges=self.edges[..., :t, :v, :v, :],
        )

    def __len__(self) -> int:
        return len(self.lengths)


def encode(stories: Sequence[Story], vocabulary: Vocabulary) -> Batch:
    """Returns stories as tensors.

    Raises:
        UsageError: no story, a word, type or answer that the vocabulary lacks, or an edge of a node that is not there.
    """
    if not stories:
        raise UsageError("no story was given; give at least one.")
    coder = _Coder(vocabulary)
    n, t = len(stories), max(len(story.sentences) for story in stories)
    v = max(len(story.types()) for story in stories)
    q = max(1, *(len(story.questions) for story in stories))
    texts = [one.words for story in stories for one in story.sentences] + [one.words for story in stories for one in story.questions]
    length = max(len(words) for words in texts)
    s = max([len(one.answer) for story in stories for one in story.questions], default=1) + (vocabulary.kind == "sequence")
    words, counts, types, lengths = (np.zeros((n, *shape), np.int64) for shape in ((t, length), (t + 1,), (v,), ()))
    edges = np.zeros((n, t, v, v, len(vocabulary.edge_types)), bool)
    asked, after, answers = (np.zeros((n, *shape), np.int64) for shape in ((q, length), (q,), (q, s)))
    types, answers = types - 1, answers - 1
    for i, story in enumerate(stories):
        place = _places(story)
        types[i, place] = [coder.number("type", name) for name in story.types()]
        counts[i, 0], lengths[i] = len(story.initial), len(story.sentences)
        for j, sentence in enumerate(story.sentences):
            words[i, j, : len(sentence.words)] = [coder.number("word", word) for word in sentence.words]
            counts[i, j + 1] = counts[i, j] + len(sentence.new)
            for first, second, kind in sentence.edges:
                if not 0 <= max(first, second) < counts[i, j + 1]:
                    raise UsageError(
                        f"sentence {' '.join(sentence.words)!r} has an edge {first}-{second} and {counts[i, j + 1]} nodes; count from 0."
                    )
                edges[i, j, place[first], place[second], coder.number("edge type", kind)] = True
        counts[i, len(story.sentences) + 1 :] = counts[i, len(story.sentences)]
        for k, question in enumerate(story.questions):
            asked[i, k, : len(question.words)] = [coder.number("word", word) for word in question.words]
            given = [coder.number("answer", word) for word in (*question.answer, *((END,) if vocabulary.kind == "sequence" else ()))]
            answers[i, k, : len(given)], after[i, k] = given, question.after
    return Batch(*(torch.from_numpy(one) for one in (words, counts, types, edges, lengths, asked, after, answers)))


def names_of(vocabulary: Vocabulary) -> Tensor:
    """Returns for each word's number the type that it names, -1 for none; the first entry is the padding's."""
    number = {name: i for i, name in enumerate(vocabulary.types)}
    return torch.tensor([-1, *(number.get(vocabulary.names.get(word, ""), -1) for word in vocabulary.words)])


def shuffled_graphs(stories: Sequence[Story], rng: np.random.Generator) -> list[Story]:
    """Returns the stories with the edges of other stories: supervision that teaches nothing.

    Nodes stay; edges after sentence ``t`` are those of another story after ``t``, as far as their nodes are there.
    """
    order = rng.permutation(len(stories))
    shuffled = []
    for story, other in zip(stories, (stories[i] for i in order), strict=True):
        place = {name: i for i, name in enumerate(story.types())}
        theirs = other.types()
        sentences, count = [], len(story.initial)
        for t, sentence in enumerate(story.sentences):
            count += len(sentence.new)
            given = other.sentences[min(t, len(other.sentences) - 1)].edges
            named = len(set(theirs)) == len(theirs)
            moved = ((place.get(theirs[a], -1), place.get(theirs[b], -1), kind) if named else (a, b, kind) for a, b, kind in given)
            sentences.append(
                Sentence(sentence.words, sentence.new, frozenset(edge for edge in moved if min(edge[:2]) >= 0 and max(edge[:2]) < count))
            )
        shuffled.append(Story(tuple(sentences), story.questions, story.initial))
    return shuffled


def _places(story: Story) -> list[int]:
    """Returns where each node lies: new nodes of one sentence in the order of their types."""
    place, start = list(range(len(story.initial))), len(story.initial)
    for sentence in story.sentences:
        ranks = sorted(range(len(sentence.new)), key=lambda k: sentence.new[k])
        place += [start + ranks.index(k) for k in range(len(sentence.new))]
        start += len(sentence.new)
    return place


class _Coder:
    def __init__(self, vocabulary: Vocabulary) -> None:
        self.tables = {
            "word": {word: i + 1 for i, word in enumerate(vocabulary.words)},
            "type": {name: i for i, name in enumerate(vocabulary.types)},
            "edge type": {name: i for i, name in enumerate(vocabulary.edge_types)},
            "answer": {name: i for i, name in enumerate(vocabulary.answers)},
        }

    def number(self, table: str, name: str) -> int:
        if name not in self.tables[table]:
            raise UsageError(f"the {table} {name!r} is not in the vocabulary; make it of all stories, with Vocabulary.of.")
        return self.tables[table][name]
