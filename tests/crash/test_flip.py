"""A flipped byte in a run's files changes no answer without a word; `benchmarks/flip.py` is the long version."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "flip.py"


def test_a_flipped_byte_gives_the_same_answer_or_a_refusal_that_names_the_file():
    done = subprocess.run([sys.executable, str(BENCHMARK), "--places", "3", "--every", "29"], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)
    assert {"redo.log", "events.jsonl", "study.db", "checkpoints"} <= found.keys()
    assert sum(counts.get("refused", 0) for counts in found.values()) > 0
