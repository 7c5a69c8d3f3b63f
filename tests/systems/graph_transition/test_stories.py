"""Machines against themselves computed plainly; bAbI's graphs against the published answers, which can be read off them."""

from __future__ import annotations

import numpy as np
import pytest

from shoestring import datasets
from shoestring.errors import UnknownName, UsageError
from shoestring.systems.graph_transition.babi import TASKS, annotate, babi, first_questions, generated, words_of
from shoestring.systems.graph_transition.rules import Machine, automaton, tape_of, turing
from shoestring.systems.graph_transition.stories import Sentence, Story, Vocabulary, encode, shuffled_graphs
from shoestring.systems.graph_transition.transcript import tape_words, transcript
from shoestring.verdicts.check import claim_set

needs_babi = pytest.mark.skipif(datasets.find("babi-en-1k") is None, reason="bAbI is not on this machine")


def test_rule_30_from_one_cell_is_the_published_triangle():
    story = automaton(30, [0, 1], 3)

    tapes = ["".join(tape_words(story, t)).strip("0") for t in range(3, 6)]

    assert tapes == ["111", "11001", "1101111"]


def test_cells_are_where_the_tape_says():
    story = automaton(110, [1, 0, 1, 1], 2)
    leftmost = len(story.types()) - 2

    assert [str(v) for v in tape_of(story.sentences[-1].edges, leftmost)] == list(tape_words(story, len(story.sentences)))


@pytest.mark.parametrize(("rule", "cells"), [(31, 8), (300, 8), (30, 1)])
def test_machines_that_cannot_be_told_are_refused(rule, cells):
    with pytest.raises(UsageError, match="give"):
        automaton(rule, [1] * cells, 1)


def test_a_turing_machine_runs():
    machine = Machine((((1, 1, 1), (1, -1, 1)), ((1, -1, 0), (1, 0, 1))))  # of the table of Rado's busy beaver, without its halt

    story = turing(machine, [0, 0], 0, 3)

    tapes = [tape_words(story, len(story.sentences) - 3 + t) for t in range(4)]
    assert tapes == [
        ("state_0", "symbol_0*", "symbol_0"),
        ("state_1", "symbol_1", "symbol_0*"),
        ("state_0", "symbol_1*", "symbol_1"),
        ("state_1", "symbol_0*", "symbol_1", "symbol_1"),
    ]
    assert story.types()[-1] == "cell"
    assert transcript(story)[1][:4] == ("state_1", "symbol_1", "symbol_0*", "#")


def reachable(edges, start, kind):
    found = {start}
    while more := {b for a, b, k in edges if k == kind and a in found} - found:
        found |= more
    return found - {start}


def read_off(task, story, question, solutions):
    """Returns the answer that a few lines of rules read off the graph."""
    types, edges, words = story.types(question.after), story.sentences[question.after - 1].edges, question.words
    named = {word: types.index(word) for word in words if word in types}
    at = lambda a, kind: [types[b] for x, b, k in edges if x == a and k == kind]  # noqa: E731
    if task in (1, 11, 12, 13):
        return tuple(at(named[words[2]], "is_in"))
    if task == 2:
        thing = named[words[3]]
        holder = at(thing, "held_by")
        return tuple(at(types.index(holder[0]), "is_in") if holder else at(thing, "is_in"))
    if task in (6, 9, 10):
        places = at(named[words[1]], "is_in"), at(named[words[1]], "may_be_in")
        return ("yes" if words[4] in places[0] else "maybe" if words[4] in places[1] else "no",)
    if task in (7, 8):
        held = tuple(types[a] for a, b, k in edges if k == "held_by" and types[b] in words)
        return held if task == 8 else (("none", "one", "two", "three")[len(held)],)
    if task == 15:
        return tuple(at(types.index(at(named[words[2]], "is_a")[0]), "afraid_of"))
    if task == 18:
        first, second = (types.index(word) for word in words if word in types)
        big, small = (second, first) if words[0] == "does" else (first, second)
        return ("yes" if small in reachable(edges, big, "bigger_than") else "no",)
    raise AssertionError(task)


@needs_babi
@pytest.mark.parametrize("task", [1, 2, 6, 7, 8, 9, 10, 11, 12, 13, 15, 18])
def test_the_published_answers_can_be_read_off_the_graphs(task):
    stories = babi(task, "test")[:60]

    asked = [(read_off(task, story, q, stories), q.answer) for story in stories for q in story.questions]

    assert len(asked) > 50
    wrong = [(mine, true) for mine, true in asked if sorted(mine) != sorted(true)]
    assert not wrong


@needs_babi
@pytest.mark.parametrize("task", TASKS)
def test_every_sentence_of_a_task_is_read_and_encoded(task):
    stories = [*babi(task, "train")[:40], *babi(task, "test")[:40]]

    batch = encode(stories, Vocabulary.of(stories, kind=TASKS[task].kind))

    assert (batch.after > 0).sum() == sum(len(story.questions) for story in stories)
    assert sum(len(story.questions) for story in first_questions(stories, 50)) <= 50


def test_generated_stories_are_in_the_words_of_their_task():
    story = generated(2, 1, np.random.default_rng(0))[0]

    assert story.questions and {"held_by", "is_in"} >= {kind for sentence in story.sentences for _, _, kind in sentence.edges}


def test_pronouns_negation_and_phrases():
    story = annotate(["Mary and John went to the hall.", "Then they moved to the park.", "Mary is not in the park."])

    assert [(story.types()[a], story.types()[b]) for a, b, _ in story.sentences[-1].edges] == [("john", "park")]
    assert words_of("The box of chocolates fits!") == ("the", "box_of_chocolates", "fits")


def test_what_cannot_be_read_is_refused():
    with pytest.raises(UsageError, match="no form"):
        annotate(["Colourless green ideas sleep furiously."])
    with pytest.raises(UnknownName, match="bAbI task"):
        babi(3)
    with pytest.raises(UsageError, match="at least one"):
        encode([], Vocabulary((), (), ()))
    with pytest.raises(UsageError, match="count from 0"):
        encode([Story((Sentence(("a",), ("b",), frozenset({(0, 1, "c")})),))], Vocabulary(("a",), ("b",), ("c",)))
    with pytest.raises(UsageError, match="Vocabulary.of"):
        encode([Story((Sentence(("z",)),))], Vocabulary(("a",), ("b",), ("c",)))


def test_shuffled_graphs_are_graphs_of_other_stories_with_ones_own_nodes():
    stories = [automaton(30, [i >> k & 1 for k in range(6)], 2) for i in range(20)]

    shuffled = shuffled_graphs(stories, np.random.default_rng(0))

    assert [one.types() for one in shuffled] == [one.types() for one in stories]
    differ = [a.sentences[-1].edges != b.sentences[-1].edges for a, b in zip(stories, shuffled, strict=True)]
    assert sum(differ) > 15


def test_claims_about_texts_say_that_they_need_them(monkeypatch, tmp_path):
    monkeypatch.setattr("shoestring.datasets.folders", lambda: [tmp_path])

    for claim in claim_set("graph_transition").claims:
        if "babi" not in str(claim.question):
            assert claim.needs is None
            continue
        with pytest.raises(UsageError, match="babi-en-1k is not on this machine"):
            claim.needs()
