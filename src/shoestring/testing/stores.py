"""The checks of a database: a run's rows are kept whole, in order and for one writer, as the store relies on it.

A check takes what opens the database of a folder, for writing or for reading only, and an empty folder:

    @pytest.mark.parametrize("check", STORE_CHECKS)
    def test_my_database(check, tmp_path):
        addresses = defaultdict(lambda: Address.new("mine://server/studies", tmp_path))
        check(lambda folder, writing: MyDatabase(folder, addresses[folder], writing=writing), tmp_path)
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, TypeAlias

from shoestring.errors import StoreError, StoreLocked
from shoestring.store import schema
from shoestring.store.protocol import Database, Row

Open: TypeAlias = Callable[[Path, bool], Database]

_TRIAL: Row = {
    "id": 0,
    "config": "{}",
    "seed": 2**63 - 1,
    "arm": "wide, ünï",
    "purpose": "useful",
    "state": "running",
    "target": 1,
    "checkpoint": 0,
    "offset": 2**62,
    "losses": 0,
    "error": None,
}
_ODD = (0.1, -1e-320, sys.float_info.max, sys.float_info.min, -float("inf"), 1 / 3)  # losses


def _decision(seq: int, loss: float | None) -> Row:
    return {"seq": seq, "kind": "tell", "trial_id": 0, "unit": 1, "loss": loss}


def _observation(trial_id: int, unit: int = 1) -> Row:
    return {"trial_id": trial_id, "unit": unit, "token": 1, "metrics": json.dumps({"loss": 0.1})}


def it_gives_back_what_was_committed_to_the_last_bit(open_it: Open, folder: Path) -> None:
    """Whole numbers of 64 bits, numbers that are hardly or not finite, texts of any script, and nothing where nothing was."""
    trials = {number: _TRIAL | {"id": number, "config": json.dumps({"x": "é\n"})} for number in (2, 0, 1)}
    decisions = {seq: _decision(seq, loss) for seq, loss in enumerate((*_ODD, None))}
    with closing(open_it(folder, True)) as database:
        database.commit({schema.trials: trials, schema.decisions: decisions})

        assert database.rows(schema.trials) == [trials[number] for number in sorted(trials)]
        assert [repr(row["loss"]) for row in database.rows(schema.decisions)] == [repr(row["loss"]) for row in decisions.values()]


def it_replaces_a_row_with_the_same_key(open_it: Open, folder: Path) -> None:
    """The newer row stands."""
    with closing(open_it(folder, True)) as database:
        for state in ("running", "paused"):
            database.commit({schema.trials: {0: _TRIAL | {"state": state}}})

        assert database.rows(schema.trials) == [_TRIAL | {"state": "paused"}]


def it_takes_rows_before_what_they_refer_to(open_it: Open, folder: Path) -> None:
    """Within one commit the order of tables means nothing."""
    with closing(open_it(folder, True)) as database:
        database.commit({schema.observations: {(0, 1, 1): _observation(0)}, schema.trials: {0: _TRIAL}})

        assert database.rows(schema.observations) == [_observation(0)]


def it_commits_all_or_nothing(open_it: Open, folder: Path) -> None:
    """A commit of which one row cannot be kept, as there is no such trial, changes nothing; the next one is kept."""
    with closing(open_it(folder, True)) as database:
        refused: Any = {schema.trials: {0: _TRIAL}, schema.observations: {(9, 1, 1): _observation(9)}}
        try:
            database.commit(refused)
        except StoreError:
            pass
        else:
            raise AssertionError("an observation of a trial that does not exist was taken")
        assert database.rows(schema.trials) == []
        database.commit({schema.trials: {0: _TRIAL}})

        assert database.rows(schema.trials) == [_TRIAL]


def it_outlives_its_writer(open_it: Open, folder: Path) -> None:
    """What was committed is there for readers, and for the next writer, which goes on."""
    with closing(open_it(folder, True)) as database:
        for number in range(3):
            database.commit({schema.trials: {number: _TRIAL | {"id": number}}})
    with closing(open_it(folder, True)) as database:
        database.commit({schema.trials: {3: _TRIAL | {"id": 3}}})
    with closing(open_it(folder, False)) as database:
        assert [row["id"] for row in database.rows(schema.trials)] == [0, 1, 2, 3]


def it_shows_readers_each_commit(open_it: Open, folder: Path) -> None:
    """A reader sees what was committed while the writer is at work, and holds it up in nothing."""
    with closing(open_it(folder, True)) as database:
        database.commit({schema.trials: {0: _TRIAL}})
        with closing(open_it(folder, False)) as reader:
            for number in (1, 2):
                database.commit({schema.trials: {number: _TRIAL | {"id": number}}})
                assert [row["id"] for row in reader.rows(schema.trials)] == list(range(number + 1))


def it_has_one_writer(open_it: Open, folder: Path) -> None:
    """A second writer is refused as long as the first one is there."""
    with closing(open_it(folder, True)):
        try:
            open_it(folder, True).close()
        except StoreLocked:
            pass
        else:
            raise AssertionError("two writers were let in")
    open_it(folder, True).close()


def it_begins_with_the_version_of_its_tables(open_it: Open, folder: Path) -> None:
    """So that an older or newer Shoestring refuses it by name."""
    with closing(open_it(folder, True)) as database:
        notes = {row["key"]: row["value"] for row in database.rows(schema.meta)}

    assert notes["schema_version"] == str(schema.SCHEMA_VERSION)


STORE_CHECKS: list[Callable[[Open, Path], None]] = [
    it_gives_back_what_was_committed_to_the_last_bit,
    it_replaces_a_row_with_the_same_key,
    it_takes_rows_before_what_they_refer_to,
    it_commits_all_or_nothing,
    it_outlives_its_writer,
    it_shows_readers_each_commit,
    it_has_one_writer,
    it_begins_with_the_version_of_its_tables,
]
