"""The CPU capability: what PyTorch says of itself, worked out without importing it, and recorded with runs and verdicts."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from shoestring.machine.processor import capability
from shoestring.verdicts.check import page

pytestmark = pytest.mark.slow

SAID = """
import sys
from shoestring.machine.processor import capability
before = capability()
assert "torch" not in sys.modules
import torch
print(before, capability(), torch.backends.cpu.get_cpu_capability())
"""


@pytest.mark.parametrize("asked", ["", "default", "avx2"])
def test_it_is_what_pytorch_chooses(asked):
    env = {name: value for name, value in os.environ.items() if name not in ("ATEN_CPU_CAPABILITY", "MKL_ENABLE_INSTRUCTIONS")}

    said = subprocess.run(
        [sys.executable, "-c", SAID], env=env | {"ATEN_CPU_CAPABILITY": asked} if asked else env, capture_output=True, text=True
    )

    assert len(set(said.stdout.split())) == 1, said


def test_what_narrows_other_libraries_is_named(monkeypatch):
    monkeypatch.setenv("MKL_ENABLE_INSTRUCTIONS", "AVX2")

    assert str(capability()).endswith(", MKL_ENABLE_INSTRUCTIONS=AVX2")


def test_a_run_records_it(tmp_path, monkeypatch):
    import shoestring as ss

    monkeypatch.chdir(tmp_path)

    def train(trial):
        for _ in trial.steps():
            trial.report(loss=trial.config["x"])

    ss.search(train, {"x": ss.Float(0, 1)}, metric="loss", goal="min", budget="4 epochs", horizon=1, runner="inline", store="kept")

    assert json.loads((tmp_path / "kept" / "env.json").read_text())["cpu_capability"] == capability()


def test_a_verdict_from_before_it_was_recorded_says_so():
    record = {"system": "s", "claim": "c", "statement": "x", "source": "y", "verdict": "holds", "control_verdict": None}
    record |= {"estimate": None, "spent": {"wall_s": 1.0}, "paper_cost": "z"}

    text = page([record | {"machine": {}}, record | {"machine": {"cpu_capability": "AVX2"}}])

    assert "CPU capability: AVX2; not recorded." in text
