"""Checkpoint files: whole or absent, the damaged passed over, two kept."""

from __future__ import annotations

import os

import pytest

from shoestring.errors import StoreUnwritable
from shoestring.trial import checkpoint
from shoestring.trial.events import EventWriter


def newest_first(folder):
    return list(checkpoint.newest_first(folder, folder / "events.jsonl"))


def units(folder):
    return [unit for unit, _ in newest_first(folder)]


def test_the_newest_is_read_back(tmp_path):
    checkpoint.write(tmp_path, 1, b"one")
    checkpoint.write(tmp_path, 12, b"twelve")

    assert newest_first(tmp_path)[0] == (12, b"twelve")


def test_the_last_two_are_kept(tmp_path):
    for unit in range(1, 6):
        checkpoint.write(tmp_path, unit, b"%d" % unit)

    assert units(tmp_path) == [5, 4]


def test_a_damaged_newest_falls_back_to_the_one_before(tmp_path):
    checkpoint.write(tmp_path, 1, b"one")
    damaged = checkpoint.write(tmp_path, 2, b"two")
    for content in (b"twx", b"", b"two and more"):
        damaged.write_bytes(content)

        assert newest_first(tmp_path) == [(1, b"one")]


def test_a_trial_that_fell_back_keeps_two_whole_ones_again(tmp_path):
    for unit in (1, 2, 3):
        damaged = checkpoint.write(tmp_path, unit, b"%d" % unit)
    damaged.write_bytes(b"")
    checkpoint.write(tmp_path, 2, b"2")

    assert units(tmp_path) == [2]
    checkpoint.write(tmp_path, 3, b"3 again")
    assert units(tmp_path) == [3, 2]


def test_a_damaged_one_of_the_same_unit_is_not_kept(tmp_path):
    checkpoint.write(tmp_path, 1, b"one")
    damaged = checkpoint.write(tmp_path, 2, b"two")
    damaged.write_bytes(b"")

    checkpoint.write(tmp_path, 2, b"two, trained with other random numbers")

    assert newest_first(tmp_path) == [(2, b"two, trained with other random numbers"), (1, b"one")]


def test_what_a_killed_writer_left_is_passed_over_and_removed(tmp_path):
    torn = tmp_path / ".000000002.123.part"
    torn.write_bytes(b"half of it")
    (tmp_path / "notes.txt").write_text("the user's own")

    assert units(tmp_path) == []
    checkpoint.write(tmp_path, 1, b"one")

    assert not torn.exists()
    assert (tmp_path / "notes.txt").exists()


def test_a_missing_folder_holds_none(tmp_path):
    assert units(tmp_path / "checkpoints") == []


def test_a_full_disk_is_one_clear_error_and_harms_nothing(tmp_path, monkeypatch):
    checkpoint.write(tmp_path, 1, b"one")

    def full(_file):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreUnwritable, match="No space left on device"):
        checkpoint.write(tmp_path, 2, b"two")

    assert newest_first(tmp_path) == [(1, b"one")]
    assert len(list(tmp_path.iterdir())) == 1


def test_a_deleted_folder_is_not_called_a_full_disk(tmp_path):
    with pytest.raises(FileNotFoundError, match="was deleted while its trial ran"):
        checkpoint.write(tmp_path / "0001" / "checkpoints", 2, b"two")


def test_lines_of_the_event_file_and_files_are_one_row(tmp_path):
    writer = EventWriter(tmp_path / "events.jsonl")
    for unit, data in ((1, b"one"), (4, b"four"), (4, b"four again")):
        writer.append({"token": 1, **checkpoint.event_of(unit, data, holds_it=True)})
    writer.append({"token": 1, "unit": 5, "metrics": {"state": 0.5}})
    for unit, data in ((3, b"three"), (4, b"four in a file")):
        checkpoint.write(tmp_path, unit, data)
    writer.append({"token": 1, **checkpoint.event_of(3, b"three", holds_it=False)})
    writer.close()

    assert newest_first(tmp_path) == [(4, b"four again"), (4, b"four"), (4, b"four in a file"), (3, b"three"), (1, b"one")]


def test_a_line_whose_hash_is_wrong_is_passed_over(tmp_path):
    writer = EventWriter(tmp_path / "events.jsonl")
    for change in ({}, {"sha256": "0" * 64}, {"state": "no base 64"}):
        writer.append({"token": 1, **checkpoint.event_of(2, b"two", holds_it=True), **change})
    writer.close()

    assert newest_first(tmp_path) == [(2, b"two")]
