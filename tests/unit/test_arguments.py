"""The check of types at the doors: what is given is what is asked for, or refused by its name in one short sentence."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import shoestring as ss
from shoestring.arguments import LATER, bound_class, checked, refuse_call, settle
from shoestring.errors import InvalidArgument, UnknownName, UsageError, shown


class Unwritable:
    def __repr__(self):
        raise RuntimeError


class Unreadable:
    def __len__(self):
        return 1

    def __getitem__(self, i):
        raise RuntimeError


Pair = tuple[float | None, float | None]


@pytest.mark.parametrize(
    ("value", "annotation", "settled"),
    [
        (np.int64(3), int, 3),
        (np.float32(0.5), float, 0.5),
        (3, float, 3),
        (Fraction(1, 2), float, 0.5),
        (np.bool_(True), bool, True),
        (np.str_("a"), str, "a"),
        (None, int | None, None),
        ("min", Literal["min", "max"], "min"),
        (np.array([1, 2]), Sequence[int], (1, 2)),
        (range(2), Sequence[float], (0, 1)),
        ({"a": np.int64(1)}, Mapping[str, int], {"a": 1}),
        ([np.float64(1), None], Pair, (1.0, None)),
        (Path("a"), str | Path, Path("a")),
        ({1}, Annotated[int, LATER], {1}),
    ],
)
def test_what_fits_becomes_plain_python(value, annotation, settled):
    found = settle("x", value, annotation)

    assert (found, type(found)) == (settled, type(settled))


@pytest.mark.parametrize(
    ("value", "annotation", "sentence"),
    [
        (True, int, "x must be a whole number, got True."),
        (3.0, int, "x must be a whole number, got 3.0."),
        ("3", int | None, "x must be a whole number or None, got '3'."),
        (2**63, int, "which is beyond 2**63."),
        (float("nan"), float, "got nan, which is not a number"),
        (10**400, float, "which is not a number that a float can hold."),
        (1, bool, "x must be True or False, got 1."),
        (b"a", str, "x must be text, got b'a'."),
        ("a\0", str, "which holds NUL or is not Unicode."),
        ("\udcff", str, "which holds NUL or is not Unicode."),
        (Path("a\0"), Path, "which holds NUL."),
        ("ab", Sequence[str], "x must be a list of texts, got 'ab'."),
        ([1, "a"], Sequence[int], "x[1] must be a whole number, got 'a'."),
        ((1, 2, 3), Pair, "x must be a pair of"),
        ({1: 2}, Mapping[str, int], "x's key 1 must be text, got 1."),
        ({"a": 1.5}, Mapping[str, int] | None, "x['a'] must be a whole number, got 1.5."),
        (["a", "b"], Annotated[str, "one name"], "x must be one name, got ['a', 'b']."),
        (5, Callable[[int], None], "x must be a function of 1 argument, got 5."),
        (lambda: None, Callable[[int], None], "which takes ()."),
        (Unreadable(), Sequence[int], "which raises RuntimeError."),
        (ss.Space, ss.Space, "x must be a Space, got the class Space."),
        ("mni", Literal["min", "max"], "unknown x 'mni'; known: max, min. Did you mean 'min'?"),
    ],
)
def test_what_does_not_fit_is_refused_by_its_name(value, annotation, sentence):
    with pytest.raises(UsageError) as refusal:
        settle("x", value, annotation)

    assert sentence in str(refusal.value)


@checked
def door(a: int, b: str = "", *, c: float = 0.0) -> tuple[int, str, float]:
    return a, b, c


@pytest.mark.parametrize(
    ("args", "kwargs", "sentence"),
    [
        ((), {}, "door needs a as well; it was given nothing."),
        ((1,), {"cc": 1}, "Did you mean 'c'?"),
        ((1, "", 2), {}, "door cannot be called so (too many positional arguments); it takes a, b, c."),
        ((1, 2), {}, "b must be text, got 2."),
    ],
)
def test_a_call_with_other_arguments_is_refused(args, kwargs, sentence):
    with pytest.raises((InvalidArgument, UnknownName)) as refusal:
        door(*args, **kwargs)

    assert sentence in str(refusal.value)
    assert door(np.int64(1), c=2) == (1, "", 2)


def test_a_class_that_checks_its_types_itself_has_its_arguments_counted():
    @bound_class
    class Thing:
        def __init__(self, a: int) -> None:
            self.a = a

    assert Thing("any").a == "any"
    with pytest.raises(InvalidArgument, match="Thing needs a as well"):
        Thing()


async def waits(trial): ...


def yields(trial):
    yield trial


class Trains:
    def __call__(self, trial): ...


@pytest.mark.parametrize(
    ("function", "why"),
    [
        (waits, "is an async function"),
        (functools.partial(waits), "is an async function"),
        (yields, "is a generator function"),
        (Trains, "is a class"),
        (lambda: None, "takes ()"),
        (lambda a, b: None, "takes (a, b)"),
        (lambda trial, *, k: None, "takes (trial, *, k)"),
        (Trains(), ""),
        (lambda *a: None, ""),
        (lambda trial, k=1: None, ""),
        (functools.wraps(lambda a, b: None)(lambda trial: None), ""),
        (print, ""),
    ],
)
def test_a_function_that_cannot_be_called_so_is_told_why(function, why):
    assert refuse_call(function, ["trial"]).startswith(why) is True
    assert bool(refuse_call(function, ["trial"])) is bool(why)


@given(
    st.recursive(st.integers() | st.text() | st.binary() | st.floats(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))
)
def test_a_value_is_shown_on_one_short_line(value):
    assert len(shown(value)) <= 120
    assert "\n" not in shown(value)


LONG = {"text": "x" * 10**6, "number": 10**5000, "nested": [[[[[1]]]]] * 99}
ODD = {"object": object(), "objects": [object()] * 9, "builtin": print, "method": [].append, "unwritable": [Unwritable()], "module": ss}


@pytest.mark.parametrize("name", [*LONG, *ODD])
def test_a_value_is_shown_without_its_address(name):
    value = (LONG | ODD)[name]

    assert "0x" not in shown(value)
    assert 0 < len(shown(value)) <= 120


@pytest.mark.parametrize("given", ["x" * 10**6, f"{object()}", "ab " * 10**5], ids=lambda given: type(given).__name__)
def test_a_message_is_cut_however_long_what_was_given_is(given):
    message = str(UsageError(f"{given} is given.\nThe end."))

    assert max(map(len, message.splitlines())) <= 600
    assert message.endswith("is given.\nThe end.")
    assert "0x" not in message
