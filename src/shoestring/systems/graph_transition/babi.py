"""Graphs of the bAbI stories: a reader of the published files, and an annotator of sentences that are simple parses.

Not a parser of English: ``annotate`` knows the sentences of the tasks in ``TASKS``, and refuses any other. The paper's graphs come from its
author's own generator of stories; these are of the same kind, made from the published text.

Source: Weston et al. 2015, arXiv:1502.05698; Johnson 2017, appendix D.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from shoestring import datasets
from shoestring.errors import UnknownName, UsageError
from shoestring.systems.graph_transition.stories import AnswerKind, Edge, Question, Sentence, Story

FOLDER = "babi-en-1k"
MOST_SENTENCES = 25
DIRECTIONS = ("north", "south", "east", "west")
SINGULAR = {"mice": "mouse", "wolves": "wolf", "cats": "cat", "sheep": "sheep"}
PEOPLE = ["Mary", "John", "Daniel", "Sandra"]
PLACES = ["bathroom", "bedroom", "garden", "hallway", "kitchen", "office"]
THINGS = ["football", "milk", "apple"]
WAYS = ["went", "moved", "journeyed", "travelled", "went back"]
GENERATED = (1, 2, 7, 8, 12)
PHRASES = {"box of chocolates": "box_of_chocolates"}


_Pick = Callable[[list[str]], str]


@dataclass(frozen=True)
class Task:
    """How a task is read.

    Attributes:
        kind: of its answers.
        tracks: whether something that is put down is then in the place where its bearer is.
    """

    kind: AnswerKind = "one"
    tracks: bool = False


TASKS = {number: Task() for number in (1, 4, 6, 7, 9, 10, 11, 12, 13, 15, 16, 18, 20)} | {
    2: Task(tracks=True),
    8: Task("set"),
    19: Task("sequence"),
}


def babi(task: int, split: str = "train", most_sentences: int = MOST_SENTENCES) -> list[Story]:
    """Returns the stories of a task with their graphs; each of ``"train"`` and ``"test"`` has 1,000 questions.

    Args:
        task: one of ``TASKS``.
        split: ``"train"`` or ``"test"``.
        most_sentences: a longer story ends there, and questions after it are left out.
    Raises:
        UnknownName: there are no graphs for this task.
        UsageError: the files are not on this machine.
    """
    if task not in TASKS:
        raise UnknownName("bAbI task", str(task), [str(number) for number in sorted(TASKS)])
    if split not in ("train", "test"):
        raise UsageError(f"split {split!r} is not known; give 'train' or 'test'.")
    folder = datasets.find(FOLDER)
    found = sorted(folder.glob(f"qa{task}_*_{split}.txt")) if folder else []
    if not found:
        places = ", ".join(str(place / FOLDER) for place in datasets.folders())
        raise UsageError(f"{FOLDER} is not on this machine (looked in {places}). Put its qa*.txt files there, or set SHOESTRING_DATA.")
    return [annotate(lines, TASKS[task], most_sentences) for lines in _stories(found[0])]


def annotate(lines: Sequence[str], task: Task | None = None, most_sentences: int = MOST_SENTENCES) -> Story:
    """Returns the story of lines of text: sentences, and questions as ``question<tab>answer``.

    Args:
        lines: in order.
        task: how it is read; None for the plainest way.
        most_sentences: further sentences, and questions after them, are left out.
    Raises:
        UsageError: a sentence of a form that is not known.
    """
    task = task or Task()
    world, sentences, questions = _World(task.tracks), list[Sentence](), list[Question]()
    for line in lines:
        text, _, rest = line.partition("\t")
        words = words_of(text)
        if rest:
            answer = rest.split("\t")[0].strip().lower()
            answers = tuple(answer.split(",")) if task.kind != "one" else (answer,)
            questions.append(Question(words, () if task.kind == "set" and answers == ("nothing",) else answers, len(sentences)))
        elif len(sentences) == most_sentences:
            break
        else:
            sentences.append(world.read(words))
    return Story(tuple(sentences), tuple(questions))


def words_of(text: str) -> tuple[str, ...]:
    """Returns the words of a sentence in lower case; a phrase that names one thing is one word."""
    text = text.lower()
    for phrase, word in PHRASES.items():
        text = text.replace(phrase, word)
    return tuple(re.findall(r"\w+", text))


def names_in(types: Sequence[str]) -> dict[str, str]:
    """Returns the type that each word names: itself, or for a plural its singular."""
    return {name: name for name in types} | {plural: one for plural, one in SINGULAR.items() if one in types}


def first_questions(stories: Sequence[Story], n: int) -> list[Story]:
    """Returns the first stories, as far as they have at most ``n`` questions together, and at least one story."""
    taken, count = list[Story](), 0
    for story in stories:
        count += len(story.questions)
        if taken and count > n:
            break
        taken.append(story)
    return taken


def generated(task: int, n: int, rng: np.random.Generator, n_sentences: int = 10) -> list[Story]:
    """Returns new stories in the words of a task, as many as one likes, with a question after every second sentence.

    People walk, alone or in pairs (task 12), and take and drop things (tasks 2, 7 and 8). The published stories come from another
    generator: these are more, and not the same.

    Args:
        task: 1, 2, 7, 8 or 12.
        n: stories.
        rng: draws them.
        n_sentences: of a story.
    Raises:
        UnknownName: none are made for this task.
    """
    if task not in GENERATED:
        raise UnknownName("bAbI task to make stories of", str(task), [str(number) for number in GENERATED])
    return [annotate(_told(task, rng, n_sentences), TASKS[task], n_sentences) for _ in range(n)]


def _told(task: int, rng: np.random.Generator, n_sentences: int) -> list[str]:
    """Returns the lines of a story, questions and answers included."""
    pick: _Pick = lambda names: str(rng.choice(names))  # noqa: E731
    at, held, left, lines = dict[str, str](), dict[str, str](), dict[str, str](), list[str]()
    for count in range(1, n_sentences + 1):
        who = pick(PEOPLE)
        free = [thing for thing in THINGS if thing not in held]
        mine = [thing for thing, bearer in held.items() if bearer == who]
        act = pick(["walk", "take", "drop"]) if task in (2, 7, 8) and who in at else "walk"
        if act == "take" and free:
            held[thing := pick(free)] = who
            lines.append(f"{who} took the {thing}.")
        elif act == "drop" and mine:
            left[thing := pick(mine)] = at[who]
            held.pop(thing)
            lines.append(f"{who} dropped the {thing}.")
        else:
            both = [who, pick([name for name in PEOPLE if name != who])] if task == 12 else [who]
            at |= dict.fromkeys(both, place := pick(PLACES))
            lines.append(f"{' and '.join(both)} {pick(WAYS)} to the {place}.")
        if count % 2 == 0:
            lines += _asked(task, at, held, left, pick)
    return lines


def _asked(task: int, at: dict[str, str], held: dict[str, str], left: dict[str, str], pick: _Pick) -> list[str]:
    """Returns a question with its answer; none where nothing can be asked."""
    if task in (1, 12):
        return [f"Where is {(who := pick(list(at)))}?\t{at[who]}"]
    if task == 2:
        known = {thing: at[bearer] for thing, bearer in held.items()} | {thing: place for thing, place in left.items() if thing not in held}
        return [f"Where is the {(thing := pick(list(known)))}?\t{known[thing]}"] if known else []
    who = pick(list(at))
    things = [thing for thing, bearer in held.items() if bearer == who]
    if task == 7:
        return [f"How many objects is {who} carrying?\t{('none', 'one', 'two', 'three')[len(things)]}"]
    return [f"What is {who} carrying?\t{','.join(things) or 'nothing'}"]


def _stories(path: Path) -> list[list[str]]:
    stories: list[list[str]] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        number, _, text = line.partition(" ")
        if number == "1":
            stories.append([])
        stories[-1].append(text)
    return stories


@dataclass
class _World:
    """Nodes and edges as they change from sentence to sentence."""

    tracks: bool
    nodes: dict[str, int] = field(default_factory=dict)
    edges: set[Edge] = field(default_factory=set)
    last: tuple[str, ...] = ()

    def read(self, words: tuple[str, ...]) -> Sentence:
        text, known = " ".join(words), len(self.nodes)
        for pattern, act in _FORMS:
            if found := pattern.fullmatch(text):
                act(self, *found.groups())
                return Sentence(words, tuple(self.nodes)[known:], frozenset(self.edges))
        raise UsageError(f"the sentence {text!r} has no form that is known; see TASKS for the tasks that are read.")

    def node(self, name: str) -> int:
        return self.nodes.setdefault(SINGULAR.get(name, name), len(self.nodes))

    def put(self, first: str, kind: str, *others: str, instead_of: tuple[str, ...] = ()) -> None:
        """Joins a node to others, and takes away its edges of the kinds that this ends."""
        a = self.node(first)
        self.edges = {edge for edge in self.edges if edge[0] != a or edge[2] not in instead_of}
        self.edges |= {(a, self.node(other), kind) for other in others}

    def move(self, who: str, place: str) -> None:
        people = self.last if who in ("he", "she", "they") else tuple(who.split(" and "))
        for one in people:
            self.put(one, "is_in", place, instead_of=("is_in", "may_be_in"))
        self.last = people

    def doubt(self, who: str, place: str, other: str) -> None:
        self.put(who, "may_be_in", place, other, instead_of=("is_in", "may_be_in"))

    def deny(self, who: str, place: str) -> None:
        self.node(who), self.node(place)
        self.edges -= {(self.node(who), self.node(place), "is_in")}

    def take(self, who: str, thing: str) -> None:
        self.node(who)
        self.put(thing, "held_by", who, instead_of=("held_by", "is_in"))

    def drop(self, who: str, thing: str) -> None:
        self.node(who)
        self.put(thing, "held_by", instead_of=("held_by",))
        places = [name for name, i in self.nodes.items() if (self.node(who), i, "is_in") in self.edges]
        if self.tracks and places:
            self.put(thing, "is_in", places[0])

    def give(self, who: str, thing: str, other: str) -> None:
        self.node(who)
        self.take(other, thing)


_WENT = r"(?:went back|went|journeyed|travelled|moved)"
_Act = Callable[..., None]


def _forms() -> list[tuple[re.Pattern[str], _Act]]:

    def put(kind: str) -> _Act:
        return lambda world, a, b: world.put(a, kind, b)

    forms: list[tuple[str, _Act]] = [
        (rf"(?:after that |following that |afterwards |then )?(\w+(?: and \w+)?) {_WENT} to the (\w+)", _World.move),
        (r"(\w+) is in the (\w+)", _World.move),
        (r"(\w+) is either in the (\w+) or the (\w+)", _World.doubt),
        (r"(\w+) is (?:not|no longer) in the (\w+)", _World.deny),
        (r"(\w+) (?:got|took|grabbed|picked up) the (\w+)(?: there)?", _World.take),
        (r"(\w+) (?:dropped|discarded|left|put down) the (\w+)(?: there)?", _World.drop),
        (r"(\w+) (?:gave|handed|passed) the (\w+) to (\w+)", _World.give),
        (r"(\w+) are afraid of (\w+)", put("afraid_of")),
        (r"(\w+) is a (\w+)", put("is_a")),
        (r"(\w+) is (green|white|gray|yellow)", put("has_color")),
        (r"(\w+) is (tired|bored|hungry|thirsty)", put("feels")),
        (r"the (\w+) is bigger than the (\w+)", put("bigger_than")),
        (r"the (\w+) fits inside the (\w+)", lambda world, a, b: world.put(b, "bigger_than", a)),
        *((rf"the (\w+) is {way} of the (\w+)", put(f"{way}_of")) for way in DIRECTIONS),
    ]
    return [(re.compile(pattern), act) for pattern, act in forms]


_FORMS = _forms()
