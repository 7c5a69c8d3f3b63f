"""The store on disk: one coordinator, any reader, and nothing but one clear error whatever is wrong with the folder."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rows import TRIAL

import shoestring as ss
from shoestring.engine.run import Run
from shoestring.errors import NotARun, StoreCorrupt, StoreError, StoreLocked, StoreUnwritable, StoreVersion
from shoestring.store import schema
from shoestring.store.store import Store

OPEN = "import os, sys, pathlib; from shoestring.store.store import Store; store = Store.create_or_open(pathlib.Path(sys.argv[1])); "


@pytest.fixture
def folder(tmp_path):
    """A stored run of one trial."""
    store = Store.create_or_open(tmp_path / "run")
    store.put(schema.trials, TRIAL)
    store.commit()
    store.close()
    return tmp_path / "run"


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The folder of a small search that has ended."""
    folder = tmp_path_factory.mktemp("finished") / "run"
    ask(folder)
    return folder


def ask(folder, budget="9 epochs"):
    runner = ss.ReplayRunner(lambda config, seed: [{"loss": config["x"] / unit} for unit in range(1, 4)])
    space = {"x": ss.Float(0, 1)}
    return ss.search(
        lambda trial: None, space, metric="loss", goal="min", budget=budget, horizon=3, sampler="random", runner=runner, store=folder
    )


def go_on(folder):
    ask(folder, budget="12 epochs")


def run_python(code, *args):
    command = [sys.executable, "-c", code, *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_a_second_coordinator_is_refused_with_the_pid_of_the_first(tmp_path):
    code = OPEN + "print('open', flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code, tmp_path / "run"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as first:
        assert first.stdout.readline() == "open\n"

        with pytest.raises(StoreLocked, match=f"worked on by process {first.pid};") as refusal:
            Store.create_or_open(tmp_path / "run")
        first.stdin.close()

    assert refusal.value.pid == first.pid
    Store.create_or_open(tmp_path / "run").close()


def test_the_lock_of_a_killed_coordinator_is_free(tmp_path):
    code = OPEN + "os.kill(os.getpid(), 9)"

    assert run_python(code, tmp_path / "run").returncode == -9

    Store.create_or_open(tmp_path / "run").close()


@pytest.mark.parametrize("content", [b"", b"no number", b"\xff\xfe", "²".encode()])
def test_a_lock_file_without_a_pid_is_refused_as_well(folder, content):
    with closing(Store.create_or_open(folder)):
        (folder / "lock").write_bytes(content)

        with pytest.raises(StoreLocked, match="another process"):
            Store.create_or_open(folder)


def test_a_reader_neither_waits_for_the_writer_nor_holds_it_up(folder):
    with closing(Store.create_or_open(folder)) as writer, closing(Store.read(folder)) as reader:
        for target in range(2, 5):
            writer.put(schema.trials, TRIAL | {"target": target})
            writer.commit()

            assert reader.rows(schema.trials)[0]["target"] == target


@pytest.mark.parametrize("name", ["with space", "100%", "what?", "a#b", "ünï", "quote'\"", "%41"])
def test_any_folder_name_will_do(tmp_path, name):
    folder = tmp_path / name

    with closing(Store.create_or_open(folder)) as store:
        store.put(schema.trials, TRIAL)
        store.commit()

    assert (folder / "study.db").is_file()
    with closing(Store.read(folder)) as store:
        assert store.rows(schema.trials) == [TRIAL]


def test_an_older_or_newer_format_is_refused_with_its_version(folder):
    with sqlite3.connect(folder / "study.db") as connection:
        connection.execute("""UPDATE meta SET value = '7' WHERE key = 'schema_version'""")
    connection.close()

    for open_ in (Store.create_or_open, Store.read):
        with pytest.raises(StoreVersion, match=f"has schema_version 7; this Shoestring reads {schema.SCHEMA_VERSION}") as refusal:
            open_(folder)
        assert (refusal.value.found, refusal.value.supported) == ("7", schema.SCHEMA_VERSION)


def test_someone_elses_database_is_refused(tmp_path):
    with sqlite3.connect(tmp_path / "study.db") as connection:
        connection.execute("CREATE TABLE theirs (x)")
    connection.close()

    for open_ in (Store.create_or_open, Store.read):
        with pytest.raises(StoreVersion, match="unknown"):
            open_(tmp_path)


def test_a_folder_with_something_else_is_no_run(tmp_path):
    (tmp_path / "thesis.tex").write_text("")

    for open_ in (Store.create_or_open, Store.read):
        with pytest.raises(NotARun, match="no study.db"):
            open_(tmp_path)
    assert os.listdir(tmp_path) == ["thesis.tex"]


def test_a_file_is_no_run(tmp_path):
    (tmp_path / "file").write_text("")

    for open_ in (Store.create_or_open, Store.read):
        with pytest.raises(NotARun):
            open_(tmp_path / "file")
    with pytest.raises(StoreUnwritable):
        Store.create_or_open(tmp_path / "file" / "run")


def test_a_database_that_someone_holds_is_said_to_be_in_use(folder, monkeypatch):
    monkeypatch.setattr("shoestring.store.sqlite_driver.BUSY_TIMEOUT_MS", 1)
    connection = sqlite3.connect(folder / "study.db", isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")

    with pytest.raises(StoreLocked, match="another process"):
        Store.read(folder)
    connection.close()


def use_as_anybody(everyones):
    """Reads the run, and returns what is said when it or a new one is to be written."""
    with closing(Store.read(everyones / "run")) as store:
        yield str(len(store.rows(schema.trials)))
    for name in ("run", "new"):
        try:
            Store.create_or_open(everyones / name)
        except StoreUnwritable as error:
            yield str(error)


def as_nobody(function, *args):
    """Returns what a function yields when somebody runs it who is not root, as root may write anywhere."""
    answer, write = os.pipe()
    if (pid := os.fork()) == 0:
        try:
            os.setuid(65534)
            os.write(write, "\n".join(function(*args)).encode())
        finally:
            os._exit(0)
    os.close(write)
    os.waitpid(pid, 0)
    with open(answer, encoding="utf-8") as file:
        return file.read().splitlines()


def test_a_read_only_folder_can_be_read_and_is_refused_for_writing(folder):
    everyones = Path(tempfile.mkdtemp())
    shutil.copytree(folder, everyones / "run")
    for path in (*(everyones / "run").iterdir(), everyones / "run", everyones):
        path.chmod(0o444 if path.is_file() else 0o555)

    said = as_nobody(use_as_anybody, everyones) if os.getuid() == 0 else list(use_as_anybody(everyones))

    for path in (everyones, everyones / "run"):
        path.chmod(0o755)
    shutil.rmtree(everyones)
    assert said == ["1", *(f"{everyones / name} cannot be written (Permission denied); choose another --store." for name in ("run", "new"))]


def test_a_full_disk_is_one_clear_error_and_nothing_is_lost(folder):
    with closing(Store.create_or_open(folder)) as store:
        with store._database._engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA max_page_count = 1")
        store.put(schema.trials, TRIAL | {"config": '{"x": "' + "x" * 200_000 + '"}'})

        with pytest.raises(StoreUnwritable, match="full"):
            store.commit()
        assert store.rows(schema.trials) == [TRIAL]
        with store._database._engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA max_page_count = 100000")
        store.commit()

        assert len(store.rows(schema.trials)[0]["config"]) > 200_000


def test_a_run_that_is_removed_while_it_is_under_way_says_so(folder):
    store = Store.create_or_open(folder)
    store.put(schema.trials, TRIAL)
    shutil.rmtree(folder)

    with pytest.raises(StoreUnwritable, match="was removed while its run was under way"):
        store.commit()
    store.close()


def damaged(whole, data):
    place = data.draw(st.integers(0, len(whole) - 1))
    return data.draw(
        st.sampled_from(
            [whole[:place], whole[:place] + bytes([whole[place] ^ data.draw(st.integers(1, 255))]) + whole[place + 1 :], b"\0" * place]
        )
    )


@settings(max_examples=20)
@given(st.data())
def test_a_damaged_database_is_read_or_refused_with_one_clear_error(finished, tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("damaged")
    (folder / "study.db").write_bytes(damaged((finished / "study.db").read_bytes(), data))

    for use in (Run.read, ask, go_on):
        try:
            use(folder)
        except StoreError as refusal:
            assert "\n" not in str(refusal)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE meta SET value = '{' WHERE key = 'question'",
        "UPDATE meta SET value = '[1]' WHERE key = 'question'",
        "UPDATE meta SET value = '{}' WHERE key = 'question'",
        "UPDATE meta SET value = '[1]' WHERE key = 'request'",
        "UPDATE trials SET config = 'x'",
        "UPDATE trials SET config = x'ff'",
        "UPDATE observations SET metrics = '[]'",
        "UPDATE leases SET wall_s = 'much'",
        "UPDATE leases SET trial_id = 99",
        "UPDATE decisions SET trial_id = 99",
        "UPDATE decisions SET unit = 99",
        "DELETE FROM trials",
        "DROP TABLE leases",
        "ALTER TABLE trials RENAME COLUMN seed TO sead",
    ],
)
def test_a_database_that_makes_no_sense_is_refused_by_whoever_needs_it(finished, tmp_path, change):
    shutil.copytree(finished, tmp_path / "run")
    with sqlite3.connect(tmp_path / "run" / "study.db") as connection:
        connection.execute(change)
    connection.close()

    for use in (Run.read, ask, go_on):
        try:
            use(tmp_path / "run")
        except StoreError as refusal:
            assert "\n" not in str(refusal)


def test_a_database_of_other_bytes_is_corrupt(tmp_path):
    (tmp_path / "study.db").write_bytes(b"not a database at all" * 100)

    for open_ in (Store.create_or_open, Store.read):
        with pytest.raises(StoreCorrupt, match="Restore it from a copy"):
            open_(tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        "CREATE VIEW extra AS SELECT * FROM trials",
        "CREATE TRIGGER extra AFTER INSERT ON trials BEGIN DELETE FROM leases; END",
        "CREATE TABLE extra (x)",
        "CREATE INDEX extra ON trials (seed)",
        "ALTER TABLE trials ADD COLUMN extra INTEGER",
        "ALTER TABLE trials ADD COLUMN extra GENERATED ALWAYS AS (seed)",
    ],
)
def test_a_database_with_anything_beside_our_tables_is_refused(folder, change):
    with closing(sqlite3.connect(folder / "study.db")) as connection:
        connection.execute(change)
        connection.commit()

    for open_ in (Store.create_or_open, Store.read):
        with pytest.raises(StoreCorrupt, match=r"study\.db holds what cannot be right .*(extra|trials)"):
            open_(folder)


@pytest.mark.parametrize(
    "change",
    ["seed = 2", "config = '{\"x\": 1}'", "config = x'7b7d'", "seed = 1.5", "target = 2", "crc = 0"],
)
def test_a_changed_value_is_noticed(folder, change):
    with closing(sqlite3.connect(folder / "study.db")) as connection:
        connection.execute(f"UPDATE trials SET {change}")
        connection.commit()

    with closing(Store.read(folder)) as store, pytest.raises(StoreCorrupt, match=r"study\.db holds what cannot be right"):
        store.rows(schema.trials)


@pytest.mark.parametrize("config", ["[" * 100_000, "[1]", "{", "3", '{"x": [1]}'])
def test_json_of_another_form_is_refused_though_its_checksum_is_right(folder, config):
    with closing(Store.create_or_open(folder)) as store:
        store.put(schema.trials, TRIAL | {"config": config})
        store.commit()

    with closing(Store.read(folder)) as store, pytest.raises(StoreCorrupt, match=r"study\.db holds what cannot be right"):
        store.rows(schema.trials)


@pytest.mark.parametrize("name", ["study.db", "study.db-journal", "redo.log", "lock", "trials", "trials/0000"])
@pytest.mark.parametrize("make", [lambda path: path.symlink_to(path.parents[1]), os.mkfifo], ids=["link", "fifo"])
def test_links_and_special_files_in_a_run_are_refused(folder, name, make):
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.unlink(missing_ok=True)
    make(path)

    for open_ in (Store.create_or_open, Store.read):
        with pytest.raises(StoreError):
            open_(folder)


def test_a_journal_that_names_another_file_is_refused(folder, tmp_path):
    (tmp_path / "victim").write_text("untouched")
    (folder / "study.db-journal").write_bytes(bytes(100) + bytes.fromhex("d9d505f920a163d7"))

    with pytest.raises(StoreCorrupt, match="names another file"):
        Store.create_or_open(folder)


def test_a_relative_folder_stays_the_same_when_the_program_changes_its_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with closing(Store.create_or_open(Path("run"))) as store:
        (tmp_path / "elsewhere").mkdir()
        monkeypatch.chdir(tmp_path / "elsewhere")
        store.put(schema.trials, TRIAL)
        store.commit()

    assert store.trial_folder(3) == tmp_path / "run" / "trials" / "0003"
    assert not any((tmp_path / "elsewhere").iterdir())


def test_a_lock_whose_descriptor_other_code_has_closed_is_named(folder):
    store = Store.create_or_open(folder)
    os.close(store._database._lock._file)
    store.put(schema.trials, TRIAL)

    with pytest.raises(StoreUnwritable, match=r"lock could not be written \(Bad file descriptor\)"):
        store.commit()
    store.close()
