"""The redo log: commits that the database does not hold yet survive whatever ends their process, all or none of each."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing

import pytest

from shoestring.errors import StoreCorrupt, StoreUnwritable
from shoestring.store import redo, schema
from shoestring.store.layout import DATABASE, REDO
from shoestring.store.redo import RedoLog
from shoestring.store.store import Store

COMMITS = [{"decisions": [{"seq": seq, "kind": "tell", "trial_id": 0, "unit": 1, "loss": 0.1}]} for seq in range(3)]


def put(store, seq):
    store.put(schema.decisions, {"seq": seq, "kind": "tell", "trial_id": 0, "unit": 1, "loss": seq / 3})


def in_database(folder):
    with closing(sqlite3.connect(folder / DATABASE)) as connection:
        return [seq for (seq,) in connection.execute("SELECT seq FROM decisions ORDER BY seq")]


def seqs(store):
    return [row["seq"] for row in store.rows(schema.decisions)]


@pytest.fixture
def killed(tmp_path):
    """A run as a process leaves it that is killed after four commits, of which the first reached the database."""
    with closing(Store.create_or_open(tmp_path / "run")) as store:
        for seq in range(4):
            put(store, seq)
            store.commit()
        put(store, 4)  # and one that was not committed
        folder = shutil.copytree(tmp_path / "run", tmp_path / "killed")
    assert in_database(folder) == [0]
    return folder


def test_commits_come_back_with_their_generation(tmp_path):
    log = RedoLog(tmp_path / "redo.log")
    for commit in COMMITS:
        log.append(7, commit)
    log.close()

    assert redo.read(tmp_path / "redo.log") == [(7, commit, False) for commit in COMMITS]


def test_a_missing_log_holds_nothing(tmp_path):
    assert list(redo.read(tmp_path / "redo.log")) == []


def test_a_log_that_begins_anew_holds_nothing_of_before(tmp_path):
    log = RedoLog(tmp_path / "redo.log")
    for commit in COMMITS:
        log.append(1, commit)
    log.restart()
    log.append(2, COMMITS[2])
    log.close()

    found = [commit.rows for commit in redo.read(tmp_path / "redo.log") if commit.generation == 2]
    assert found == [COMMITS[2]]


@pytest.fixture
def whole(tmp_path):
    """A log of three commits, as bytes, and where each ends."""
    log = RedoLog(tmp_path / "redo.log")
    ends = []
    for commit in COMMITS:
        log.append(1, commit)
        ends.append(log.size)
    log.close()
    return (tmp_path / "redo.log").read_bytes()[: log.size], ends


def test_a_log_cut_at_any_byte_holds_what_comes_before(tmp_path, whole):
    data, ends = whole
    for place in range(len(data)):
        (tmp_path / "redo.log").write_bytes(data[:place])

        assert redo.read(tmp_path / "redo.log") == [(1, COMMITS[i], False) for i in range(sum(place >= end - 1 for end in ends))], place


@pytest.mark.parametrize("mask", [1, 4, 128])
def test_a_log_damaged_at_any_byte_loses_one_commit_and_says_so_of_those_behind_it(tmp_path, whole, mask):
    data, ends = whole
    for place in range(len(data)):
        (tmp_path / "redo.log").write_bytes(data[:place] + bytes([data[place] ^ mask]) + data[place + 1 :])

        found = redo.read(tmp_path / "redo.log")

        lost = sum(place >= end for end in ends)
        if place + 1 in ends:  # the line end alone: the line proves itself whole
            assert found == [(1, commit, False) for commit in COMMITS], place
        else:
            assert found == [(1, commit, i > lost) for i, commit in enumerate(COMMITS) if i != lost], place


def test_a_run_whose_log_is_damaged_in_its_middle_is_refused(killed):
    data = bytearray((killed / REDO).read_bytes())
    data[30] ^= 1
    (killed / REDO).write_bytes(data)

    with pytest.raises(StoreCorrupt, match=r"redo\.log is damaged: a commit in its middle"):
        Store.create_or_open(killed)
    with closing(Store.read(killed)) as reader, pytest.raises(StoreCorrupt, match=r"redo\.log is damaged"):
        seqs(reader)


@pytest.mark.parametrize("harm", [lambda file: os.close(file), lambda file: os.dup2(os.open("/dev/null", os.O_RDWR), file)])
def test_a_descriptor_that_other_code_has_closed_or_taken_is_named(tmp_path, harm):
    log = RedoLog(tmp_path / "redo.log")
    log.append(1, COMMITS[0])
    harm(log._file)

    with pytest.raises(OSError, match="Bad file descriptor"):
        log.append(1, COMMITS[1])

    assert redo.read(tmp_path / "redo.log") == [(1, COMMITS[0], False)]


def test_a_log_grows_in_large_steps(tmp_path):
    log = RedoLog(tmp_path / "redo.log")
    sizes = set()
    for _ in range(2 * redo.ROOM // 1000):
        log.append(1, {"meta": [{"key": "k", "value": "x" * 1000}]})
        sizes.add((tmp_path / "redo.log").stat().st_size)
    log.close()

    assert sizes == {redo.ROOM, 2 * redo.ROOM, 3 * redo.ROOM}
    assert len(list(redo.read(tmp_path / "redo.log"))) == 2 * redo.ROOM // 1000


def test_what_a_killed_process_has_committed_is_there_for_readers_and_for_the_next_writer(killed):
    with closing(Store.read(killed)) as reader:
        assert seqs(reader) == [0, 1, 2, 3]
    with closing(Store.create_or_open(killed)) as writer:
        assert seqs(writer) == [0, 1, 2, 3]
        assert in_database(killed) == [0, 1, 2, 3]
        put(writer, 4)
        writer.commit()
        with closing(Store.read(killed)) as reader:
            assert seqs(reader) == [0, 1, 2, 3, 4]

    assert in_database(killed) == [0, 1, 2, 3, 4]


def test_what_the_database_holds_is_not_taken_in_again(killed):
    old = (killed / REDO).read_bytes()
    with closing(Store.create_or_open(killed)) as store:
        store.put(schema.decisions, {"seq": 3, "kind": "ended", "trial_id": 0, "unit": 2, "loss": None})
        store.commit()
    (killed / REDO).write_bytes(old)  # as a power failure may leave it

    for open_ in (Store.read, Store.create_or_open):
        with closing(open_(killed)) as store:
            assert store.rows(schema.decisions)[3]["kind"] == "ended"


def test_a_reader_sees_each_commit_of_a_run_that_is_under_way(tmp_path):
    with closing(Store.create_or_open(tmp_path / "run")) as store, closing(Store.read(tmp_path / "run")) as reader:
        for seq in range(5):
            put(store, seq)
            assert seqs(reader) == list(range(seq))
            store.commit()
            assert seqs(reader) == list(range(seq + 1))


def test_a_full_disk_keeps_what_was_put_for_another_try(tmp_path, monkeypatch):
    with closing(Store.create_or_open(tmp_path / "run")) as store:
        for seq in range(2):
            put(store, seq)
            store.commit()
        put(store, 2)

        def full(_file):
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as patch, pytest.raises(StoreUnwritable, match="No space left on device"):
            patch.setattr(os, "fdatasync", full)
            store.commit()
        store.commit()

        assert seqs(store) == [0, 1, 2]
    assert in_database(tmp_path / "run") == [0, 1, 2]
