"""What all tests share: a clean environment, one Hypothesis profile, one thread for torch."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
import servers
from hypothesis import HealthCheck, settings

SHARED = Path(__file__).parents[2] / "shared" / "data"
DATA = os.environ.get("SHOESTRING_DATA") or (str(SHARED) if SHARED.is_dir() else None)
if DATA:
    os.environ["SHOESTRING_DATA"] = DATA  # before a test asks whether a data set is there
os.environ["OMP_NUM_THREADS"] = "1"  # before anything imports torch
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # a run under nohup ignores it, and so would the programs that the tests start

settings.register_profile(
    "ci",
    derandomize=True,
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("ci")


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch, tmp_path):
    """No setting of the person who runs the tests reaches them, and no run lands in their folders."""
    for name in [name for name in os.environ if name.startswith("SHOESTRING_")]:
        monkeypatch.delenv(name)
    if DATA:
        monkeypatch.setenv("SHOESTRING_DATA", DATA)
    monkeypatch.setenv("SHOESTRING_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("NO_COLOR", "1")


@pytest.fixture(scope="session")
def torch():
    """torch on one thread."""
    module = pytest.importorskip("torch")
    module.set_num_threads(1)
    return module


@pytest.fixture(scope="session")
def postgresql():
    """A PostgreSQL of the tests' own, once a session."""
    with servers.postgresql() as server:
        yield server
