"""The event file: whatever happens to its bytes, whole lines are read, torn ones are not, and nothing is appended to a torn one."""

from __future__ import annotations

import os
import pickle
import threading
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shoestring.errors import StoreCorrupt, StoreUnwritable, UsageError
from shoestring.trial.events import EventWriter, decode, encode, plain, read

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


@pytest.mark.parametrize("flip", [0x01, 0x80, 0xFF])
def test_a_flipped_byte_is_refused_wherever_it_is(tmp_path, flip):
    path, whole = tmp_path / "events.jsonl", b"".join(LINES)

    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ flip]) + whole[place + 1 :])
        with pytest.raises(StoreCorrupt, match=r"events\.jsonl was changed after it was written: the .*line at byte \d+ is damaged"):
            contents(path)


def test_a_byte_turned_into_a_line_end_is_refused(tmp_path):
    path, whole = tmp_path / "events.jsonl", b"".join(LINES)

    for place in set(range(len(whole))) - {end - 1 for end in ENDS} - {0, *ENDS}:
        path.write_bytes(whole[:place] + b"\n" + whole[place + 1 :])
        with pytest.raises(StoreCorrupt, match="is damaged"):
            contents(path)


def test_what_a_power_failure_never_wrote_is_passed_over(tmp_path):
    path = tmp_path / "events.jsonl"
    path.write_bytes(LINES[0] + bytes(100) + LINES[1][-9:] + LINES[2])

    assert contents(path) == [EVENTS[0], EVENTS[2]]


def test_a_file_that_was_cut_or_changed_before_the_offset_is_refused(tmp_path):
    path = tmp_path / "events.jsonl"
    for content, how in ((LINES[0], "ends before byte"), (b"x" + b"".join(LINES), "no line begins at byte"), (None, "ends before byte")):
        path.unlink(missing_ok=True)
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(StoreCorrupt, match=how):
            contents(path, ENDS[1])


def test_a_file_that_a_power_failure_made_shorter_may_be_asked_for(tmp_path):
    path = tmp_path / "events.jsonl"
    path.write_bytes(LINES[0])

    assert list(read(path, ENDS[1], may_be_shorter=True)) == []


def test_threads_append_all_their_events(tmp_path):
    writer = EventWriter(tmp_path / "events.jsonl")
    threads = [threading.Thread(target=lambda i=i: [writer.append({"thread": i, "n": n}) for n in range(200)]) for i in range(6)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    found = contents(writer.path)
    assert [[event["n"] for event in found if event["thread"] == i] for i in range(6)] == [list(range(200))] * 6


def test_a_forked_child_is_refused_and_the_refusal_is_recorded_once(tmp_path):
    writer = EventWriter(tmp_path / "events.jsonl")
    writer.append(EVENTS[0])
    if (child := os.fork()) == 0:
        said = []
        for _ in range(2):
            try:
                writer.append(EVENTS[1])
            except UsageError as error:
                said.append(str(error))
        os._exit(0 if len(said) == 2 and f"process {os.getpid()}" in said[0] else 1)
    _, status = os.waitpid(child, 0)
    writer.append(EVENTS[2])

    assert status == 0
    assert contents(writer.path) == [EVENTS[0], {"token": 1, "refused": child}, EVENTS[2]]


def test_a_writer_cannot_be_sent_to_another_process(tmp_path):
    with pytest.raises(UsageError, match="cannot be handed to another process"):
        pickle.dumps(EventWriter(tmp_path / "events.jsonl"))


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
    write = os.write
    monkeypatch.setattr(os, "write", lambda file, data: write(file, data[:7]))

    with pytest.raises(StoreUnwritable, match="Free some space"):
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
def test_bytes_that_are_no_events_are_refused_or_hold_none(tmp_path, data):
    path = tmp_path / "events.jsonl"
    path.write_bytes(data)

    try:
        assert contents(path) == []
    except StoreCorrupt as refusal:
        assert str(path) in str(refusal)


def test_a_line_that_holds_no_object_is_no_event():
    text = b"[1]"
    assert decode(b"%d %08x %s" % (len(text), zlib.crc32(text), text)) is None


@pytest.mark.parametrize(("value", "written"), [(0.5, 0.5), (float("nan"), "nan"), (float("inf"), "inf"), (-float("inf"), "-inf")])
def test_numbers_that_json_lacks_are_written_as_words(value, written):
    assert plain(value) == written


def test_a_last_line_whose_end_was_changed_is_refused(tmp_path):
    (tmp_path / "events.jsonl").write_bytes(encode({"token": 1, "begin": 1})[:-1] + b"\x0b")

    with pytest.raises(StoreCorrupt, match="the end of the line at byte 0 is damaged"):
        list(read(tmp_path / "events.jsonl"))
