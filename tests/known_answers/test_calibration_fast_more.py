"""The calibration bars of races, ablations, confirmations, capacities, scaling laws and plans with few studies instead of 10,000.

A figure may be 3 standard errors beyond its bar. The bars themselves are in ``benchmarks/calibrate_more.py``.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from shoestring.stats.race import Race

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def bars() -> Iterator[ModuleType]:
    """The module that holds the bars."""
    sys.path.insert(0, str(BENCHMARKS))
    try:
        import calibrate_more

        yield calibrate_more
    finally:
        sys.path.remove(str(BENCHMARKS))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "n_studies"),
    [
        ("races", 300),
        ("schedules", 1000),
        ("ablations", 500),
        ("confirmations", 600),
        ("capacities", 1000),
        ("scaling", 600),
    ],
)
def test_a_bar_is_met(bars, name, n_studies):
    rows = getattr(bars, name)(n_studies)

    assert [f"{row.what}: {row.measured:.4f}, required {row.required}" for row in rows if not row.holds(errors=3)] == []


@pytest.mark.slow
def test_plans_come_true(bars):
    rows = bars.plans(1000, points=5)

    assert [f"{row.what}: {row.measured:.4f}, required {row.required}" for row in rows if not row.holds(errors=3)] == []


@pytest.mark.parametrize("assume_normal", [True, False])
def test_the_simulated_races_are_the_race_itself(bars, assume_normal):
    race = Race(4, 12, costs=(1.0, 1.0, 2.0, 4.0), assume_normal=assume_normal)
    scores = np.random.default_rng(0).normal(size=(8, 4, 12)) + np.array([1.5, 0.5, 0.0, 0.0])[None, :, None]

    states, spent = bars.run_races(scores, race)

    for table, expected, cost in zip(scores, states, spent, strict=True):
        counts = [0] * 4
        while (state := race.state([own[:n] for own, n in zip(table, counts, strict=True)])).ended is None:
            for arm in state.wants:
                counts[arm] += 1
        assert state == expected and cost == pytest.approx(np.dot(counts, race.costs) / (12 * 8))
