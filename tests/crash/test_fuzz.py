"""Some hundred fuzzed calls of the Python doors and of the command line; `benchmarks/fuzz.py` is the long version."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def fuzz(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import fuzz

    yield fuzz
    del sys.modules["fuzz"]


@pytest.mark.parametrize(("n_python", "n_commands", "n_processes"), [(300, 0, 0), (0, 60, 1)])
def test_every_call_answers_or_is_refused_in_a_sentence(fuzz, n_python, n_commands, n_processes):
    kinds, shown = fuzz.fuzz(seed=3, n_python=n_python, n_commands=n_commands, n_processes=n_processes)

    assert not kinds, shown


def test_a_fault_is_seen(fuzz):
    def deep():
        raise KeyError("x")

    assert fuzz.fault_of(deep)
    assert fuzz.fault_of_message("word " * 1000)
    assert fuzz.fault_of_message("an object is <object object at 0x7f0011223344>")
    assert not fuzz.fault_of(lambda: 0)
