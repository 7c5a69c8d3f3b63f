"""A few studies killed with `kill -9` at random moments; `benchmarks/crash.py --runs 200` is the long version."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "crash.py"


@pytest.mark.slow
def test_nothing_is_lost_or_left_over_when_a_study_is_killed(tmp_path):
    out = tmp_path / "crash.json"

    done = subprocess.run(
        [sys.executable, str(BENCHMARK), "--runs", "9", "--modes", "process", "script", "inline", "--out", str(out)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    modes = json.loads(out.read_text())["modes"]
    assert sum(sum(tally["kills"].values()) for tally in modes.values()) >= 9
    assert all(tally["reported"] > 0 and tally["lost_reports"] == 0 for tally in modes.values())
