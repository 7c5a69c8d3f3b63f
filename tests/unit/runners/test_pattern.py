"""What a pattern finds in a script's output is what a terminal would show of it, however it arrives."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shoestring.errors import InvalidTarget
from shoestring.runners.pattern import PatternReader, groups_of
from shoestring.runners.reading import LeftOut

LOSS = r"loss:? ?([-+.,\w]+)"
BY_UNIT = r"epoch (?P<unit>[\d.]+) loss (?P<loss>\S+)"
WORDS = ["loss: 0.5", "loss: 0.25 ", "epoch 1 loss 3", "epoch 2 loss 7", "é", "\n", "\n", "\r", "\r\n", "\b"]
CODES = ["[31m", "[0m", "[2K", "[A", "[K", "]0;title\x07", "[3D", "[2J", "[H", "[J", "[B", "[5G", "7"]
PIECES = st.lists(st.sampled_from([*WORDS, *("\x1b" + code for code in CODES)]), max_size=30).map("".join)


def read(text, pattern=LOSS, is_whole=True, pieces=None, left_out=None):
    reader = PatternReader(pattern, "loss", left_out or LeftOut())
    found = [(r, r.unit, dict(r.metrics)) for piece in pieces or [text] for r in reader.read(piece)]
    found += [(r, r.unit, dict(r.metrics)) for r in reader.end(is_whole=is_whole)]
    return found


def losses(text, **how):
    return [metrics["loss"] for _, _, metrics in read(text, **how)]


@pytest.mark.parametrize(
    ("output", "shown"),
    [
        ("loss: 0.5\nloss: 0.25\n", [0.5, 0.25]),
        ("loss: 0.5\r\nloss: 0.25\r\n", [0.5, 0.25]),
        ("loss: 0.5\nloss: 0.25", [0.5, 0.25]),
        ("\rloss: 9.5\rloss: 3.5\rloss: 0.5\n", [0.5]),
        ("loss: 9.5\rloss: 0.5\r\n", [0.5]),
        ("loss: 12.25\rloss: 0.5\r\n", [0.5]),  # the rest of what was written over is not part of the number
        ("[    ] loss: 0.5\r[====]\n", [0.5]),
        ("loss: 9.5\b\b\b0.5\n", [0.5]),
        ("loss: 0.5 |\b/\b-\b\b\n", [0.5]),
        ("loss: \x1b[31m0.5\x1b[0m\n", [0.5]),
        ("lo\x1b[1mss\x1b[22m: \x1b[38;5;9m0.5\x1b[m\n", [0.5]),
        ("\x1b]0;loss: 9\x07loss: \x1b]8;;http://x\x1b\\0.5\x1b]8;;\x1b\\\n", [0.5]),
        ("loss: 9.5\x1b[2K\rloss: 0.5\n", [0.5]),
        ("loss: 9.5\x1b[1G\x1b[Kloss: 0.5\n", [0.5]),
        ("loss: 9.5\x1b[2K\r\n", []),
        ("loss: 9.5\r         \r\n", []),
        ("\x1b[?25lloss: 0.5\x1b[?25h\n", [0.5]),
        ("\x1b[H\x1b[Jloss: 0.5\n\x1b[H\x1b[Jloss: 0.25\n", [0.5, 0.25]),
        ("\x1b[2J\x1b[Hloss: 0.5\n\x1b[2J\x1b[Hloss: 0.25\n", [0.5, 0.25]),
        ("l\0o\0s\0s\0:\0 \x000\0.\x005\0\n\0", [0.5]),
    ],
)
def test_the_metric_is_what_a_terminal_shows(output, shown):
    assert losses(output) == shown


def test_a_row_that_is_written_again_is_the_same_reading():
    bars = "outer\n\rloss: 9\x1b[A\n\rloss: 8\x1b[A\n\rloss: 0.5\x1b[A\n\nloss: 0.25\n"

    found = read(bars)

    assert [metrics["loss"] for _, _, metrics in found] == [9, 8, 0.5, 0.25]
    assert [reading is found[0][0] for reading, _, _ in found] == [True, True, True, False]


def test_what_a_row_showed_last_of_each_unit_counts():
    bar = "epoch 1 loss 9\repoch 1 loss 8\repoch 2 loss 4\x1b[2K\repoch 3 loss 2\repoch 3 loss 1\r     done     \n"

    assert [(unit, metrics["loss"]) for _, unit, metrics in read(bar, pattern=BY_UNIT)] == [(1, 8), (2, 4), (3, 1)]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        *[("1e-3", 1e-3), (".5", 0.5), ("5.", 5.0), ("+1", 1.0), ("-2.5E+1", -25.0), ("1,234.5", 1234.5), ("12,345,678", 12345678.0)],
        *[("0.5,", 0.5), ("0.5}", 0.5), ("0.5...", 0.5), ("[0.5]", 0.5), ("'0.5'", 0.5), ("91.5%", 91.5), ("1.5D-03", 0.0015)],
        *[("inf", float("inf")), ("-Infinity", -float("inf"))],
    ],
)
def test_numbers_are_read_as_programs_print_them(text, number):
    assert losses(f"loss: {text}\n", pattern=r"loss: (\S+)") == [number]


@pytest.mark.parametrize("text", ["0,5", "0,123", "1,5", "1.2.3", "0.5s", "12:00", "--", ".", "tensor(0.5)", "1,23,456"])
def test_what_is_not_a_number_is_counted(text):
    left_out = LeftOut()

    assert losses(f"loss: {text}\n" * 2, pattern=r"loss: (\S+)", left_out=left_out) == []
    assert [sentence for _, sentence in left_out.sentences()] == [f"left out 2 values of 'loss' that are not numbers, such as {text!r}"]


def test_nan_is_a_number():
    (loss,) = losses("loss: -nan\n", pattern=r"loss: (\S+)")

    assert loss != loss


@given(PIECES, st.lists(st.integers(0, 300)), st.sampled_from([LOSS, BY_UNIT]))
def test_it_does_not_matter_in_which_pieces_the_output_arrives(output, cuts, pattern):
    edges = sorted({0, len(output), *(cut % (len(output) + 1) for cut in cuts)})
    pieces = [output[a:b] for a, b in itertools.pairwise(edges)]

    assert [found[1:] for found in read("", pattern, pieces=pieces)] == [found[1:] for found in read(output, pattern)]


@given(st.lists(st.floats(allow_nan=False), max_size=9), st.booleans())
def test_plain_lines_are_read_one_by_one(values, ends):
    text = "\n".join(f"loss {value!r}" for value in values) + ("\n" if ends else "")

    assert losses(text, pattern=r"loss (\S+)") == values


def test_of_a_script_that_was_stopped_the_last_line_counts_if_it_has_an_end():
    left_out = LeftOut()

    assert losses("loss: 0.5\nloss: 0.2", is_whole=False, left_out=left_out) == [0.5]
    assert [sentence for _, sentence in left_out.sentences()] == ["left out 1 line cut off at its end, such as 'loss: 0.2'"]


def test_a_line_without_end_is_not_kept_whole_and_is_counted():
    left_out = LeftOut()
    pieces = ["x" * 65_536] * 64 + ["loss: 9\nloss: 0.5\n"]

    assert losses("", pieces=pieces, left_out=left_out) == [0.5]
    assert [sentence for _, sentence in left_out.sentences()] == ["left out 1 line longer than 16384 characters"]


@pytest.mark.parametrize(
    ("pattern", "groups"),
    [
        (r"loss (\S+)", {"loss": 1}),
        (r"epoch (?P<unit>\d+) loss (\S+)", {"unit": 1, "loss": 2}),
        (r"(\S+) at (?P<unit>\d+)", {"unit": 2, "loss": 1}),
        (r"(?P<accuracy>\S+) (\S+)", {"accuracy": 1, "loss": 2}),
        (r"(?P<loss>\S+) (?P<accuracy>\S+)", {"loss": 1, "accuracy": 2}),
    ],
)
def test_the_group_without_a_name_is_the_metric(pattern, groups):
    assert groups_of(pattern, "loss") == groups


@pytest.mark.parametrize(
    ("pattern", "says"),
    [
        ("loss", "no group"),
        (r"(\d+) loss (\S+)", "2 groups have no name"),
        (r"(?P<unit>\d+) (\S+) (\S+)", "2 groups have no name"),
        (r"(?P<loss>\d+) (\S+)", "beside loss"),
        (r"epoch (?P<unit>\d+)", "no group for the metric loss"),
        (r"(?P<accuracy>\S+)", "no group for the metric loss"),
        ("loss (", "regular expression"),
    ],
)
def test_a_pattern_that_does_not_say_what_the_metric_is_is_refused(pattern, says):
    with pytest.raises(InvalidTarget, match=says):
        groups_of(pattern, "loss")
