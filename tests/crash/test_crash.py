"""A few studies killed, stopped and hung up at random moments; `benchmarks/siege.py --blows 200` is the long version."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "siege.py"


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["grid, hyperband, process", "wrapper, process", "wrapper, inline"])
def test_nothing_is_lost_or_left_over_when_a_study_is_struck(tmp_path, kind):
    out = tmp_path / "siege.json"

    done = subprocess.run(
        [sys.executable, str(BENCHMARK), "--blows", "3", "--kinds", kind, "--out", str(out)], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr
    tally = json.loads(out.read_text())["kinds"][kind]
    assert sum(tally["blows"].values()) >= 3
    assert tally["reported"] > 0
