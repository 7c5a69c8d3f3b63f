"""A run whose rows are in PostgreSQL: a real server, which is killed, comes back, and lets two coordinators race."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import closing

import pytest
from rows import TRIAL

import shoestring as ss
from shoestring.errors import StoreCorrupt, StoreLocked, StoreUnreachable, StoreUnwritable, UsageError
from shoestring.store import postgresql as module
from shoestring.store import schema
from shoestring.store.layout import ADDRESS
from shoestring.store.store import Store

pytestmark = pytest.mark.slow

SPACE = {"x": ss.Float(0, 1)}
SCRIPT = """
import time

def train(trial):
    for epoch in trial.steps():
        time.sleep(0.02)
        trial.report(loss=(trial.config["x"] - 0.3) ** 2 + 1 / (epoch + 1) + trial.seed % 7 / 100)
"""


def train(trial):
    for epoch in trial.steps():
        trial.report(loss=(trial.config["x"] - 0.3) ** 2 + 1 / (epoch + 1))


def search(folder, url=None, budget="30 epochs"):
    return ss.search(
        train, SPACE, metric="loss", goal="min", budget=budget, horizon=3, runner="inline", confirm=False, store=folder, database=url
    )


def command(*words):
    """What a command of Shoestring's comes to: exit code and all it says."""
    done = subprocess.run([sys.executable, "-m", "shoestring", *map(str, words)], capture_output=True, text=True, timeout=120)
    return done.returncode, done.stdout + done.stderr


def backends(server):
    return int(server.ask("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'shoestring'"))


def test_a_study_is_the_same_as_with_a_file(postgresql, tmp_path):
    kept, filed = search(tmp_path / "kept", postgresql.url), search(tmp_path / "filed")

    assert kept.finding == filed.finding
    assert not (tmp_path / "kept" / "study.db").exists()
    assert ss.load(tmp_path / "kept").observations == ss.load(tmp_path / "filed").observations


def test_the_folder_is_all_that_later_calls_need(postgresql, tmp_path):
    search(tmp_path / "run", postgresql.url)

    again = search(tmp_path / "run", budget="60 epochs")

    assert again.spent.units == 60
    assert "report.html" in [path.name for path in ss.report(tmp_path / "run")]
    assert command("status", tmp_path / "run")[0] == 0


def test_two_runs_of_a_name_keep_out_of_each_others_way(postgresql, tmp_path):
    for place in "ab":
        search(tmp_path / place / "run", postgresql.url)

    assert (tmp_path / "a" / "run" / ADDRESS).read_text() != (tmp_path / "b" / "run" / ADDRESS).read_text()


def test_a_broken_connection_is_made_again(postgresql, tmp_path):
    with closing(Store.create_or_open(tmp_path / "run", postgresql.url)) as store:
        for number in range(20):
            if number % 5 == 4:
                postgresql.ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'shoestring'")
            store.put(schema.trials, TRIAL | {"id": number})
            store.commit()

        assert [row["id"] for row in store.rows(schema.trials)] == list(range(20))


def test_a_server_that_loses_its_power_loses_nothing_that_was_committed(postgresql, tmp_path):
    stop = threading.Event()

    def lose_power():
        while not stop.wait(0.3):
            postgresql.stop()
            postgresql.start()

    blows = threading.Thread(target=lose_power)
    with closing(Store.create_or_open(tmp_path / "run", postgresql.url)) as store:
        blows.start()
        try:
            for number in range(1500):
                store.put(schema.trials, TRIAL | {"id": number})
                store.commit()
        finally:
            stop.set()
            blows.join()
        assert [row["id"] for row in store.rows(schema.trials)] == list(range(1500))


def test_a_server_that_stays_away_ends_the_study_which_can_be_resumed(postgresql, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "RETRY_S", 0.5)
    store = Store.create_or_open(tmp_path / "run", postgresql.url)
    store.put(schema.trials, TRIAL)
    postgresql.stop()
    try:
        with pytest.raises(StoreUnwritable, match="resume the run when the server is back"):
            store.commit()
        store.close()
        with pytest.raises(StoreUnreachable, match="cannot be reached"):
            Store.read(tmp_path / "run")
    finally:
        postgresql.start()
    with closing(Store.create_or_open(tmp_path / "run")) as again:
        assert again.rows(schema.trials) == []


def test_a_second_coordinator_is_refused_even_in_a_copy_of_the_folder(postgresql, tmp_path):
    with closing(Store.create_or_open(tmp_path / "run", postgresql.url)):
        copy = tmp_path / "copy"  # of another host, whose locks the first one does not see
        copy.mkdir()
        (copy / ADDRESS).write_text((tmp_path / "run" / ADDRESS).read_text())
        with pytest.raises(StoreLocked):
            Store.create_or_open(copy)
    Store.create_or_open(copy).close()


def test_a_coordinator_whose_run_was_taken_over_writes_nothing_more(postgresql, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "RETRY_S", 5.0)
    first = Store.create_or_open(tmp_path / "run", postgresql.url)
    copy = tmp_path / "copy"
    copy.mkdir()
    (copy / ADDRESS).write_text((tmp_path / "run" / ADDRESS).read_text())
    postgresql.ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'shoestring'")
    with closing(Store.create_or_open(copy)) as second:
        second.put(schema.trials, TRIAL)
        second.commit()

    first.put(schema.trials, TRIAL | {"seed": 7})
    with pytest.raises(StoreUnwritable, match="taken over"):
        first.commit()
    first.close()

    with closing(Store.read(copy)) as store:
        assert [row["seed"] for row in store.rows(schema.trials)] == [TRIAL["seed"]]


def _race(folder, barrier, wins):
    barrier.wait()
    try:
        store = Store.create_or_open(folder)
    except StoreLocked:
        return
    wins.put(os.getpid())
    barrier.wait()
    store.close()


def test_of_two_that_race_for_a_run_one_wins(postgresql, tmp_path):
    Store.create_or_open(tmp_path / "run", postgresql.url).close()
    spawn = multiprocessing.get_context("fork")
    for _ in range(10):
        barrier, wins = spawn.Barrier(2), spawn.Queue()
        racers = [spawn.Process(target=_race, args=(tmp_path / "run", barrier, wins)) for _ in range(2)]
        for racer in racers:
            racer.start()
        wins.get(timeout=30)
        time.sleep(0.3)
        assert wins.empty()
        barrier.abort()
        for racer in racers:
            racer.join(10)
            racer.kill()


def test_a_study_whose_coordinator_is_killed_ends_as_an_undisturbed_one(postgresql, tmp_path):
    (tmp_path / "train.py").write_text(SCRIPT)
    words = [
        "search",
        f"{tmp_path}/train.py:train",
        "x=0:1",
        "--metric",
        "loss",
        "--goal",
        "min",
        "--horizon",
        "3",
        "--budget",
        "60 epochs",
    ]
    words += ["--confirm", "none", "--workers", "1", "--database", postgresql.url]
    for wait in (2.0, 2.5, 3.0):
        study = subprocess.Popen(
            [sys.executable, "-m", "shoestring", *words, "--store", tmp_path / "killed"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(wait)
        study.send_signal(signal.SIGKILL)
        study.wait()
    assert command(*words, "--store", tmp_path / "killed")[0] == 0
    assert command(*words, "--store", tmp_path / "whole")[0] == 0

    killed, whole = ss.load(tmp_path / "killed"), ss.load(tmp_path / "whole")
    assert len({(row["trial_id"], row["unit"]) for row in killed.observations}) == len(killed.observations)
    assert killed.spent().units <= 60
    assert [trial.config for trial in killed.trials[:5]] == [trial.config for trial in whole.trials[:5]]


def test_a_password_is_written_nowhere(postgresql, tmp_path):
    (tmp_path / "train.py").write_text(SCRIPT)
    url = postgresql.url.replace("shoestring@", "shoestring:hunter2hunter2@")

    code, said = command(
        *["search", f"{tmp_path}/train.py:train", "x=0:1", "--metric", "loss", "--goal", "min", "--horizon", "3", "--budget", "6 epochs"],
        *["--store", tmp_path / "run", "--database", url],
    )
    command("report", tmp_path / "run")

    assert code == 0, said
    assert "hunter2" not in said
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and b"hunter2" in path.read_bytes()]


def test_a_changed_row_is_noticed(postgresql, tmp_path):
    search(tmp_path / "run", postgresql.url)
    namespace = (tmp_path / "run" / ADDRESS).read_text().strip().rpartition("#")[2]
    postgresql.ask(f"UPDATE {namespace}.trials SET seed = seed + 1 WHERE id = 0")

    with pytest.raises(StoreCorrupt, match="another checksum"):
        ss.load(tmp_path / "run")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("mysql://me@here/studies", "unknown store 'mysql'"),
        ("postgres://me@here/studies", "Did you mean 'postgresql'"),
        ("here/studies", "must be a URL such as postgresql://"),
        ("postgresql://me@here/studies?passfile=/etc/passwd", "'passfile'; allowed"),
        ("postgresql://me@127.0.0.1:1/studies", "cannot be reached"),
        ("postgresql://me@/nothing?host={folder}", "cannot be reached .*does not exist"),
    ],
)
def test_a_database_that_cannot_be_used_is_refused_and_nothing_is_begun(postgresql, tmp_path, url, said):
    with pytest.raises((UsageError, StoreUnreachable), match=said):
        search(tmp_path / "run", url.format(folder=postgresql.folder))

    assert not (tmp_path / "run" / ADDRESS).exists()


def test_a_role_that_may_make_no_schema_is_told_so(postgresql, tmp_path):
    postgresql.ask("CREATE ROLE guest LOGIN")

    with pytest.raises(UsageError, match="ask for the right to create schemas"):
        search(tmp_path / "run", postgresql.url.replace("shoestring@", "guest@"))


@pytest.mark.parametrize(
    "content", ["", "postgresql://me@here/x", "postgresql://me@here/x#public", "postgresql://me@here/x?service=y#shoestring_a"]
)
def test_an_address_that_was_not_kept_by_shoestring_is_refused(tmp_path, content):
    (tmp_path / ADDRESS).write_text(content)

    with pytest.raises(StoreCorrupt, match=r"study\.url holds no address"):
        Store.read(tmp_path)


def test_a_run_stays_where_it_began(postgresql, tmp_path):
    search(tmp_path / "run")

    with pytest.raises(UsageError, match="leave out --database"):
        search(tmp_path / "run", postgresql.url, budget="60 epochs")


def test_no_connection_outlives_its_study(postgresql, tmp_path):
    search(tmp_path / "run", postgresql.url)
    ss.load(tmp_path / "run")

    assert backends(postgresql) == 0
