"""The calibration bars of the pair tests with at most 1,000 studies instead of 10,000; a figure may be 3 standard errors beyond its bar.

The bars themselves are in ``benchmarks/calibrate_pairs.py``, their figures with 10,000 studies in ``docs/explanation/calibration.md``.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
STUDIES = 1000


@pytest.fixture(scope="module")
def bars() -> Iterator[ModuleType]:
    """The module that holds the bars."""
    sys.path.insert(0, str(BENCHMARKS))
    try:
        import calibrate_pairs

        yield calibrate_pairs
    finally:
        sys.path.remove(str(BENCHMARKS))


def missed(rows: list) -> list[str]:
    return [f"{row.what}: {row.measured:.4f}, required {row.required}" for row in rows if not row.holds(errors=3)]


@pytest.mark.parametrize(
    "name", ["worked_values", "type_one_tmix", "type_one_process", "type_one_others", "controls", "equivalence", "exaggeration", "wins"]
)
def test_a_bar_that_takes_no_time_is_met(bars, name):
    assert missed(getattr(bars, name)(STUDIES)) == []


@pytest.mark.slow
def test_seqflip_claims_nothing_false_under_any_law(bars):
    assert missed(bars.type_one_seqflip(STUDIES, horizons=(10,))) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", ["economy", "futility"])
def test_a_bar_that_follows_thirty_seeds_is_met(bars, name):
    assert missed(getattr(bars, name)(STUDIES // 5)) == []


@pytest.mark.slow
def test_intervals_contain_the_truth(bars):
    assert missed(bars.coverage(STUDIES // 2, horizon=12)) == []


@pytest.mark.slow
def test_intervals_and_tests_agree(bars):
    assert missed(bars.interval_agrees(0, horizon=12)) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", ["coarse", "one_arm_crashes"])
def test_few_values_and_crashes_make_no_false_claims(bars, name):
    assert missed(getattr(bars, name)(STUDIES // 2)) == []


@pytest.mark.parametrize("one_sided", [False, True])
def test_the_simulated_test_is_the_test_itself(bars, one_sided):
    differences = bars.crashing((0.2, 0.3), bars.COARSE["4 values"])(np.random.default_rng(0), (60, 7))

    stops = [bars.TMix(7, 0.05, one_sided=one_sided).stop(row) for row in differences]

    assert bars.tmix_stops(differences, 7, one_sided=one_sided).tolist() == [stop.n if stop else 0 for stop in stops]


def test_a_procedure_that_peeks_is_seen_to_fail(bars):
    naive = bars.controls(STUDIES)[0]

    assert "control" in naive.what and naive.measured > 0.2
