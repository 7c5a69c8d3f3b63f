"""The page and the command that makes it: complete in themselves, and saying what is wrong."""

from __future__ import annotations

import re

import numpy as np
import pytest

from shoestring import datasets
from shoestring.errors import UnknownName, UsageError
from shoestring.systems.graph_transition.babi import generated
from shoestring.systems.graph_transition.picture import drawing, page, places_of
from shoestring.systems.graph_transition.reading import Graph, Reading, true_graphs
from shoestring.systems.graph_transition.rules import automaton
from shoestring.systems.graph_transition.stories import Vocabulary
from shoestring.systems.graph_transition.tool import OPTIONS, main

needs_babi = pytest.mark.skipif(datasets.find("babi-en-1k") is None, reason="bAbI is not on this machine")


def test_a_page_shows_each_sentence_twice_and_names_what_is_wrong():
    story = generated(1, 1, np.random.default_rng(0), n_sentences=2)[0]
    vocabulary = Vocabulary.of([story])
    true = true_graphs(story, vocabulary)
    reading = Reading((true[0], Graph(true[1].nodes, frozenset())), (("<nowhere>",),))

    text = page("A & B", "untrained", story, reading, vocabulary)

    assert text.count("<img") == 4 and "A &amp; B" in text
    assert "1 of 2 graphs are exactly right" in text
    assert "&lt;nowhere&gt;" in text and f"not {story.questions[0].answer[0]}" in text
    assert not re.search(r'(src|href)="(?!data:)', text)


def test_a_drawing_marks_wrong_and_missing_edges_and_is_the_same_each_time():
    true = Graph(("ann", "hall", "attic"), frozenset({(0, 1, "in")}))
    wrong = Graph(("ann", "hall", "attic", "cellar"), frozenset({(0, 2, "in")}))
    places = places_of([true])

    assert "#d62728" in drawing(wrong, true, places) and "#b0b0b0" in drawing(wrong, true, places)
    assert "#d62728" not in drawing(true, true, places)
    assert drawing(wrong, true, places) == drawing(wrong, true, places)


def test_places_are_apart_for_machines_too():
    story = automaton(30, [1, 0, 1], 2)
    places = np.array(list(places_of(true_graphs(story, Vocabulary.of([story]))).values()))

    distances = np.linalg.norm(places[:, None] - places[None], axis=-1) + np.eye(len(places))
    assert distances.min() > 0.05


@needs_babi
def test_the_command_writes_a_page_and_draws_a_story_of_ones_own(tmp_path, capsys):
    (tmp_path / "own.txt").write_text("Mary went to the garden.\nSandra moved to the office.\nWhere is Mary?\tgarden\n")
    few = ["--updates", "2", "--size=20", "--out", str(tmp_path / "page")]

    assert main([*few, "--task", "babi-1", "--text", str(tmp_path / "own.txt")]) == 0

    assert "accuracy" in capsys.readouterr().out
    assert (tmp_path / "page" / "graphs.html").read_text().count("<img") == 4


@pytest.mark.parametrize(
    ("args", "error", "match"),
    [
        (["--taks", "babi-1"], UnknownName, "--task"),
        (["--seed"], UsageError, "no value"),
        (["--seed", "x"], UsageError, "cannot be read"),
        (["--direct", "maybe"], UsageError, "yes or no"),
        (["--updates", "0"], UsageError, "from 1"),
        (["--task", "babi-1,babi-2"], UsageError, "give one"),
        (["--task", "nope"], UnknownName, "rule-30"),
    ],
)
def test_a_wrong_argument_is_refused(args, error, match):
    with pytest.raises(error, match=match):
        main(args)


def test_help_names_every_option(capsys):
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    assert all(f"--{name} " in shown for name in OPTIONS)
