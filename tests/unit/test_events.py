"""The event file: whatever happens to its bytes, whole lines are read, torn ones are not, and nothing is appended to a torn one."""

from __future__ import annotations

import os
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shoestring.errors import StoreUnwritable
from shoestring.events import EventWriter, decode, encode, plain, read

EVENTS = [
    {"token": 1, "begin": 1},
    {"token": 1, "unit": 1, "metrics": {"loss": 0.25, "naïve": "nan"}},
    {"token": 1, "end": "paused", "at": 1},
]
LINES = [encode(event) for event in EVENTS]
ENDS = [len(b"".join(LINES[: i + 1])) for i in range(len(LINES))]

events = st.dictionaries(
    st.text(max_size=5), st.one_of(st.integers(), st.text(max_size=9), st.floats(allow_nan=False, allow_infinity=False))
)


def contents(path, offset=0):
    return [event for event, _ in read(path, offset)]


@given(st.lists(events, max_size=6))
def test_what_is_appended_is_read_back_with_the_offsets_of_what_follows(tmp_path, appended):
    path = tmp_path / "events.jsonl"
    path.unlink(missing_ok=True)
    writer = EventWriter(path)

    for event in appended:
        writer.append(event)
    writer.close()

    found = list(read(path))
    assert [event for event, _ in found] == appended
    assert all(contents(path, offset) == appended[i + 1 :] for i, (_, offset) in enumerate(found))


def test_a_file_cut_at_any_byte_opens_again_and_keeps_all_whole_lines(tmp_path):
    path, whole = tmp_path / "events.jsonl", b"".join(LINES)

    for cut in range(len(whole) + 1):
        path.write_bytes(whole[:cut])
        kept = [event for event, end in zip(EVENTS, ENDS, strict=True) if end <= cut]
        assert contents(path) == kept
        writer = EventWriter(path)
        writer.append({"new": cut})
        writer.close()
        assert contents(path) == [*kept, {"new": cut}]


def test_no_flipped_byte_makes_another_event_or_costs_more_than_two(tmp_path):
    path, whole = tmp_path / "events.jsonl", b"".join(LINES)

    for place in range(len(whole)):
        for flip in (0x01, 0x80, whole[place] ^ 0x0A):
            path.write_bytes(whole[:place] + bytes([whole[place] ^ flip]) + whole[place + 1 :])
            found = contents(path)
            assert all(event in EVENTS for event in found)
            assert len(found) >= len(EVENTS) - 2 or flip == 0


def test_a_file_shorter_than_what_is_known_of_it_is_read_on_without_a_gap(tmp_path):
    path = tmp_path / "events.jsonl"
    path.write_bytes(LINES[0] + LINES[1][:5])
    known = ENDS[1]

    writer = EventWriter(path, offset=known)
    writer.append({"new": 1})
    writer.close()

    assert contents(path, known) == [{"new": 1}]
    assert contents(path) == [EVENTS[0], {"new": 1}]


def test_only_what_follows_the_known_offset_is_looked_at(tmp_path):
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"".join(LINES) + b"12 torn")

    EventWriter(path, offset=ENDS[-1]).close()

    assert path.read_bytes() == b"".join(LINES)


def test_a_missing_file_holds_no_events(tmp_path):
    assert contents(tmp_path / "none.jsonl") == []


def test_a_full_disk_is_one_clear_error_and_takes_back_what_was_written_of_the_line(tmp_path, monkeypatch):
    path = tmp_path / "events.jsonl"
    writer = EventWriter(path)
    writer.append(EVENTS[0])
    pwrite = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda file, data, at: pwrite(file, data[:7], at))

    with pytest.raises(StoreUnwritable, match="free some space"):
        writer.append(EVENTS[1])
    monkeypatch.undo()
    writer.append(EVENTS[2])
    writer.close()

    assert contents(path) == [EVENTS[0], EVENTS[2]]


def test_a_place_that_cannot_be_written_is_one_clear_error(tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(StoreUnwritable, match="could not be written"):
        EventWriter(tmp_path / "file" / "events.jsonl")


@given(st.binary(max_size=60))
def test_no_bytes_make_the_reader_fail(tmp_path, data):
    path = tmp_path / "events.jsonl"
    path.write_bytes(data)

    assert contents(path) == []


def test_a_line_that_holds_no_object_is_no_event():
    text = b"[1]"
    assert decode(b"%d %08x %s" % (len(text), zlib.crc32(text), text)) is None


@pytest.mark.parametrize(("value", "written"), [(0.5, 0.5), (float("nan"), "nan"), (float("inf"), "inf"), (-float("inf"), "-inf")])
def test_numbers_that_json_lacks_are_written_as_words(value, written):
    assert plain(value) == written
