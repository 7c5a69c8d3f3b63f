"""Of a JSON line the numbers are read, whatever stands beside them; what is not read is counted."""

from __future__ import annotations

import itertools
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shoestring.runners.json_lines import LONGEST_JSON, JsonReader
from shoestring.runners.reading import LeftOut

BESIDE = st.recursive(st.none() | st.text(max_size=5), lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=3), inner))


def read(text, left_out=None, pieces=None):
    reader = JsonReader(left_out or LeftOut())
    found = [reading for piece in pieces or [text] for reading in reader.read(piece)]
    return [(reading.unit, reading.metrics) for reading in [*found, *reader.end(is_whole=False)]]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"unit": 3, "loss": 0.5}\n', (3, {"loss": 0.5})),
        ('{"unit": 3, "loss": 0.5}', (3, {"loss": 0.5})),
        ('\ufeff{"unit": 3, "loss": 0.5}\r\n', (3, {"loss": 0.5})),
        ('{"loss": 0.5}\n', (None, {"loss": 0.5})),
        ('{"unit": null, "loss": 0.5}\n', (None, {"loss": 0.5})),
        ('{"unit": "3", "loss": "5e-1"}\n', (3, {"loss": 0.5})),
        ('{"unit": 3.0, "loss": 0.5, "solved": true}\n', (3, {"loss": 0.5, "solved": 1.0})),
        ('{"unit": 3, "loss": Infinity}\n', (3, {"loss": math.inf})),
        ('{"unit": 3, "loss": -inf}\n', (3, {"loss": -math.inf})),
        ('{"unit": 3, "loss": 0.5, "note": "a: nan, b"}\n', (3, {"loss": 0.5})),
        ('{"unit": 3, "loss": 0.5, "eval": {"loss": 9}, "all": [1, 2], "best": null, "huge": 1' + 400 * "0" + "}\n", (3, {"loss": 0.5})),
    ],
)
def test_one_line_is_one_report(text, found):
    assert read(text) == [found]


@pytest.mark.parametrize("value", ["NaN", "nan", "-nan", '"nan"'])
def test_nan_is_a_number(value):
    ((_, metrics),) = read(f'{{"unit": 1, "loss": {value}}}\n')

    assert math.isnan(metrics["loss"])


@given(st.dictionaries(st.text(min_size=1, max_size=3), BESIDE), st.floats(allow_nan=False, allow_infinity=False))
def test_nothing_beside_a_number_loses_it(beside, loss):
    ((unit, metrics),) = read(json.dumps(beside | {"unit": 2, "loss": loss}) + "\n")

    assert (unit, metrics["loss"]) == (2, loss)


@given(st.lists(st.integers(0, 200)), st.lists(st.sampled_from(['{"unit": 1, "loss": 2}', "\n", "\r\n", "x", '{"é": 1}', " "])))
def test_it_does_not_matter_in_which_pieces_a_line_arrives(cuts, parts):
    text = "".join(parts)
    edges = sorted({0, len(text), *(cut % (len(text) + 1) for cut in cuts)})

    assert read("", pieces=[text[a:b] for a, b in itertools.pairwise(edges)]) == read(text)


def test_objects_without_a_line_end_between_them_are_reports_too():
    assert read('{"unit": 1, "loss": 3}{"unit": 2, "loss": 2}') == [(1, {"loss": 3.0}), (2, {"loss": 2.0})]


def test_what_is_not_read_is_counted_with_an_example():
    left_out = LeftOut()
    lines = [
        '{"unit": 1, "loss": 0.5, "phase": "val"}',
        '{"unit": 2, "loss": 0.4, "phase": "test"}',
        "oops",
        "[1, 2]",
        '{"unit": "a", "loss": 1}',
    ]

    assert len(read("\n".join(lines) + "\n\n", left_out)) == 2
    assert [sentence for _, sentence in left_out.sentences()] == [
        "left out 2 values of 'phase' that are not numbers, such as 'val'",
        "left out 2 lines that are not JSON objects, such as 'oops'",
        "left out 1 value of 'unit' that is not a number, such as 'a'",
    ]


def test_a_line_without_end_is_not_kept_and_is_counted():
    left_out = LeftOut()
    pieces = ["[" * 65_536] * (LONGEST_JSON // 65_536 + 9) + ['\n{"loss": 0.5}\n']

    assert read("", left_out, pieces) == [(None, {"loss": 0.5})]
    assert "longer than" in next(left_out.sentences())[1]


def test_reasons_without_end_are_counted_together():
    left_out = LeftOut()
    read("\n".join(f'{{"loss": 1, "name {n}": "text"}}' for n in range(99)), left_out)

    assert len(list(left_out.sentences())) <= 21
