"""A script of which nothing was read is told why, and what to do."""

from __future__ import annotations

import re
import shlex

import pytest

from shoestring.runners.pattern import PatternReader, groups_of
from shoestring.runners.reading import LeftOut
from shoestring.runners.unread import last_output, why_unread


@pytest.mark.parametrize(
    "line", ["epoch 3 loss 0.5", "val loss: 0.5 (best)", '{"unit": 3, "loss": 0.5}', "| Loss | 0.5 |", "f(x)+loss=0.5."]
)
def test_the_pattern_that_is_proposed_reads_the_line(line):
    why = why_unread(None, "loss", f"starting\n{line}\ndone\n", LeftOut())
    proposed = shlex.split(re.search(r"--pattern '[^']*'", why)[0])[1]

    groups_of(proposed, "loss")
    assert [reading.metrics for reading in PatternReader(proposed, "loss", LeftOut()).read(line + "\n")] == [{"loss": 0.5}]


def test_a_pattern_that_found_nothing_is_named_with_a_line():
    why = why_unread("accuracy ([0-9.]+)", "loss", "loss 0.5\n", LeftOut())

    assert "'accuracy ([0-9.]+)' matches no line" in why
    assert "'loss 0.5'" in why


def test_what_was_left_out_comes_first():
    left_out = LeftOut()
    left_out.add("value of 'loss'", "that are not numbers", "n/a")

    assert why_unread(None, "loss", "loss 0.5\n", left_out) == "left out 1 value of 'loss' that is not a number, such as 'n/a'"


def test_of_a_script_that_printed_no_number_nothing_is_known():
    assert why_unread(None, "loss", "nothing to say\n", LeftOut()) == ""


def test_the_end_of_the_output_is_what_a_terminal_shows_of_it(tmp_path):
    path = tmp_path / "stdout.txt"
    path.write_text("before\n1%\r\x1b[32m100%\x1b[0m\nTraceback")

    assert last_output(path, 7) == "100%\nTraceback"
