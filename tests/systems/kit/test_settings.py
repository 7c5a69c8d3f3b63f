"""Tests of the reader of settings that all systems share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import pytest

from shoestring.errors import UnknownName, UsageError
from shoestring.systems.kit.settings import read, read_kind


@dataclass(frozen=True)
class Bread:
    grain: Literal["rye", "spelt"] = "rye"
    loaves: int = 1
    salt: float = 0.02
    sizes: str = "1,2"
    dark: bool = False


def test_fields_that_are_not_given_keep_their_defaults():
    assert read(Bread, {"loaves": 3}) == Bread(loaves=3)


@pytest.mark.parametrize(("settings", "nearest"), [({"lofes": 3}, "loaves"), ({"grain": "spelled"}, "spelt")])
def test_a_misspelt_name_or_word_is_refused_with_the_nearest(settings, nearest):
    with pytest.raises(UnknownName, match=f"Did you mean '{nearest}'"):
        read(Bread, settings)


@pytest.mark.parametrize("settings", [{"loaves": "three"}, {"loaves": 1.5}, {"salt": None}, {"dark": 1}, {"sizes": None}, {"grain": 3}])
def test_a_wrong_type_is_refused_in_a_sentence(settings):
    with pytest.raises(UsageError, match=f"^{next(iter(settings))} must be .*, got .*\\.$"):
        read(Bread, settings)


@pytest.mark.parametrize(("value", "text"), [(1000, "1000"), (0.5, "0.5"), (True, "true")])
def test_what_a_command_line_takes_for_a_number_is_text_where_text_is_wanted(value, text):
    assert read(Bread, {"sizes": value}).sizes == text


def test_an_entry_names_the_dataclass():
    assert read_kind({"bread": Bread}, "kind", {"kind": "bread", "loaves": 2}, "bread") == Bread(loaves=2)
    with pytest.raises(UnknownName, match="Did you mean 'bread'"):
        read_kind({"bread": Bread}, "kind", {"kind": "braed"}, "bread")
