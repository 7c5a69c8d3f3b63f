"""A file that grows is read once, whatever is done to it meanwhile."""

from __future__ import annotations

import codecs
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shoestring.runners.tail import Tail


@pytest.fixture
def path(tmp_path):
    return tmp_path / "output"


def rest(tail, *, last=False):
    return "".join(tail.read(last=last))


def test_a_file_that_does_not_exist_yet_is_empty(path):
    tail = Tail(path, 0)
    before = rest(tail)
    path.write_text("later")

    assert (before, rest(tail, last=True)) == ("", "later")


@given(
    st.text(st.characters(exclude_categories=["Cs"])), st.lists(st.integers(0, 200)), st.sampled_from(["utf-8", "utf-16-le", "utf-16-be"])
)
def test_characters_may_be_cut_anywhere(tmp_path_factory, text, cuts, encoding):
    path = tmp_path_factory.mktemp("tail") / "output"
    data = {"utf-16-le": codecs.BOM_UTF16_LE, "utf-16-be": codecs.BOM_UTF16_BE}.get(encoding, b"") + f"x{text}".encode(encoding)
    edges = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    tail, found = Tail(path, 0), ""
    for a, b in itertools.pairwise(edges):
        with open(path, "ab") as file:
            file.write(data[a:b])
        found += rest(tail)

    assert (found + rest(tail, last=True)).removeprefix("\ufeff") == f"x{text}"
    tail.close()


def test_bytes_that_are_not_utf8_are_latin1(path):
    path.write_bytes("précision 0.5 é".encode("latin-1") + " é 日".encode())

    assert rest(Tail(path, 0), last=True) == "précision 0.5 é é 日"


def test_nothing_is_read_twice_and_reading_begins_at_the_offset(path):
    path.write_text("old\nnew\n")
    tail = Tail(path, 4)
    first = rest(tail)
    with open(path, "a") as file:
        file.write("newest\n")

    assert (first, rest(tail), rest(tail)) == ("new\n", "newest\n", "")


def test_a_file_that_was_cut_is_read_from_its_beginning(path):
    path.write_text("one and more\n")
    tail = Tail(path, 0)
    rest(tail)
    path.write_text("two\n")
    rest(tail)

    assert (rest(tail), tail.restarts) == ("two\n", 1)


@pytest.mark.parametrize("content", ["2\n", "two\n", "two and more\n"])
def test_a_file_with_other_content_is_read_from_its_beginning_whatever_its_length(path, content):
    path.write_text("one\n")
    tail = Tail(path, 0)
    rest(tail)
    path.write_text(content)

    assert (rest(tail, last=True), tail.restarts) == (content, 1)


def test_a_file_that_is_written_anew_with_all_that_it_held_is_read_on(path):
    path.write_text("one\n")
    tail = Tail(path, 0)
    rest(tail)
    path.write_text("")
    meanwhile = rest(tail)
    path.write_text("one\ntwo\n")

    assert (meanwhile, rest(tail), tail.restarts) == ("", "two\n", 0)


def test_of_a_file_that_was_replaced_the_end_of_the_old_one_is_read_first(path):
    path.write_text("one\n")
    tail = Tail(path, 0)
    rest(tail)
    with open(path, "a") as file:
        file.write("two\n")
    path.rename(path.with_suffix(".1"))
    path.write_text("three\n")

    assert rest(tail) == "two\nthree\n"
    tail.close()


def test_what_is_not_a_file_is_empty(path):
    path.mkdir()

    assert rest(Tail(path, 0), last=True) == ""
