"""With several workers a trial is promoted as soon as its value is seen; its next lease still waits until the last one has ended."""

from __future__ import annotations

from itertools import pairwise

import shoestring
from shoestring.engine.run import Run

TARGET = """
import time

def train(trial):
    for _ in trial.steps(state={}):
        trial.report(loss=trial.config["x"])
    time.sleep(0.3)
"""


def test_no_trial_has_two_leases_at_once(tmp_path):
    (tmp_path / "target.py").write_text(TARGET)

    answer = shoestring.search(
        f"{tmp_path / 'target.py'}:train",
        {"x": shoestring.Float(0, 1)},
        metric="loss",
        goal="min",
        budget="18 epochs",
        horizon=9,
        sampler="random",
        confirm=False,
        workers=2,
        store=tmp_path / "run",
    )

    ledger = [row for row in Run.read(tmp_path / "run").ledger if row["trial_id"] is not None]
    leases = sorted((row["trial_id"], row["opened_at"], row["closed_at"]) for row in ledger)
    assert all(trial != other or closed <= opened for (trial, _, closed), (other, opened, _) in pairwise(leases))
    assert answer.spent.units == 18
    assert {row["outcome"] for row in ledger} == {"useful"}
