"""Text from outside as a store can hold it."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from shoestring.cleaning import message_of, storable


@given(st.text(st.characters(), max_size=300), st.integers(2, 200))
def test_whatever_it_was_it_is_unicode_without_nul_and_of_bounded_length(text, most):
    kept = storable(text, most)

    assert json.loads(json.dumps(kept.encode().decode())) == kept
    assert "\0" not in kept
    assert len(kept) <= 6 * (most + 40)


def test_good_text_stays_as_it_is():
    assert storable("größer als 3 ≥ 2\n") == "größer als 3 ≥ 2\n"


def test_an_exception_that_cannot_say_what_it_is_gives_the_reason():
    class Mute(Exception):
        def __str__(self):
            raise KeyError("x")

    assert message_of(Mute()) == "(its message cannot be shown: __str__ raised KeyError)"
