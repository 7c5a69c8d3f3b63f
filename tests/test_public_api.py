"""What the package offers, and how little it costs to import."""

from __future__ import annotations

import subprocess
import sys

import pytest

import shoestring

NAMES = [
    "Answer",
    "Budget",
    "Capacity",
    "Choice",
    "Claim",
    "Comparison",
    "Float",
    "Int",
    "Law",
    "Options",
    "ReplayRunner",
    "Ruling",
    "Run",
    "Runner",
    "Sampler",
    "Scheduler",
    "Script",
    "Selection",
    "ShoestringError",
    "Space",
    "Trial",
    "UsageError",
    "Verdict",
    "check",
    "claims",
    "compare",
    "largest",
    "load",
    "plan",
    "report",
    "resume",
    "scale",
    "search",
]
HEAVY = ("torch", "scipy.stats", "matplotlib", "sqlalchemy", "optuna", "numpy")


def test_these_names_are_offered_and_no_others():
    assert shoestring.__all__ == NAMES == sorted(NAMES, key=lambda name: (name.islower(), name))
    assert len(NAMES) <= 35


@pytest.mark.parametrize("name", NAMES)
def test_every_name_is_there_and_documented(name):
    assert getattr(shoestring, name).__doc__
    assert name in dir(shoestring)


def test_another_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'serch'"):
        _ = shoestring.serch


@pytest.mark.parametrize("what", ["import shoestring", "import shoestring.cli"])
def test_importing_loads_nothing_heavy(what):
    code = f"{what}; import sys; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"
