"""Checkpoint files: whole or absent, the damaged passed over, two kept."""

from __future__ import annotations

import os

import pytest

from shoestring import checkpoint
from shoestring.errors import StoreUnwritable


def units(folder):
    return [found.unit for found in checkpoint.newest_first(folder)]


def newest_whole(folder):
    return next((data for found in checkpoint.newest_first(folder) if (data := found.read()) is not None), None)


def test_the_newest_is_read_back(tmp_path):
    checkpoint.write(tmp_path, 1, b"one")
    written = checkpoint.write(tmp_path, 12, b"twelve")

    assert newest_whole(tmp_path) == b"twelve"
    assert next(checkpoint.newest_first(tmp_path)) == written


def test_the_last_two_are_kept(tmp_path):
    for unit in range(1, 6):
        checkpoint.write(tmp_path, unit, b"%d" % unit)

    assert units(tmp_path) == [5, 4]


def test_a_damaged_newest_falls_back_to_the_one_before(tmp_path):
    checkpoint.write(tmp_path, 1, b"one")
    damaged = checkpoint.write(tmp_path, 2, b"two")
    for content in (b"twx", b"", b"two and more"):
        damaged.path.write_bytes(content)

        assert damaged.read() is None
        assert newest_whole(tmp_path) == b"one"


def test_a_trial_that_fell_back_keeps_two_whole_ones_again(tmp_path):
    for unit in (1, 2, 3):
        damaged = checkpoint.write(tmp_path, unit, b"%d" % unit)
    damaged.path.write_bytes(b"")
    checkpoint.write(tmp_path, 2, b"2")

    assert units(tmp_path) == [2]
    checkpoint.write(tmp_path, 3, b"3 again")
    assert units(tmp_path) == [3, 2]


def test_a_damaged_one_of_the_same_unit_is_not_kept(tmp_path):
    checkpoint.write(tmp_path, 1, b"one")
    damaged = checkpoint.write(tmp_path, 2, b"two")
    damaged.path.write_bytes(b"")

    again = checkpoint.write(tmp_path, 2, b"two, trained with other random numbers")

    assert next(checkpoint.newest_first(tmp_path)) == again
    assert units(tmp_path) == [2, 1]


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

    assert newest_whole(tmp_path) == b"one"
    assert len(list(tmp_path.iterdir())) == 1
