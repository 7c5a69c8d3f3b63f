from __future__ import annotations

from itertools import pairwise

import pytest

from shoestring.errors import UsageError
from shoestring.schedulers.rungs import bracket, brackets, rungs, s_max

ALGORITHM_1_AT_81 = [
    ((81, 1), (27, 3), (9, 9), (3, 27), (1, 81)),
    ((34, 3), (11, 9), (3, 27), (1, 81)),
    ((15, 9), (5, 27), (1, 81)),
    ((8, 27), (2, 81)),
    ((5, 81),),
]
TABLE_1 = [  # of arXiv:1603.06560
    ((81, 1), (27, 3), (9, 9), (3, 27), (1, 81)),
    ((27, 3), (9, 9), (3, 27), (1, 81)),
    ((9, 9), (3, 27), (1, 81)),
    ((6, 27), (2, 81)),
    ((5, 81),),
]


@pytest.mark.parametrize(
    ("horizon", "eta", "expected"),
    [
        (1, 3, 0),
        (2, 3, 0),
        (3, 3, 1),
        (81, 3, 4),
        (243, 3, 5),
        (242, 3, 4),
        (1000, 10, 3),
        (999, 10, 2),
        (300, 4, 4),
        (2**60, 2, 60),
        (3**40, 3, 40),
    ],
)
def test_s_max_is_exact(horizon: int, eta: int, expected: int) -> None:
    assert s_max(horizon, eta) == expected


def test_algorithm_1_at_81() -> None:
    assert [b.rungs for b in brackets(81, 3)] == ALGORITHM_1_AT_81


def test_table_1_at_81() -> None:
    assert [b.rungs for b in brackets(81, 3, table1=True)] == TABLE_1


@pytest.mark.parametrize(
    ("horizon", "eta", "table1", "starts"),
    [
        (243, 3, False, [243, 98, 41, 18, 9, 6]),
        (243, 3, True, [243, 81, 27, 18, 9, 6]),
        (1000, 10, False, [1000, 134, 20, 4]),
        (1000, 10, True, [1000, 100, 20, 4]),
        (300, 4, False, [256, 80, 27, 10, 5]),  # the paper's CIFAR-10 setting
        (27, 3, False, [27, 12, 6, 4]),
        (8, 2, False, [8, 6, 4, 4]),
        (1, 3, False, [1]),
    ],
)
def test_how_many_trials_each_bracket_starts(horizon: int, eta: int, table1: bool, starts: list[int]) -> None:
    assert [b.n for b in brackets(horizon, eta, table1)] == starts


def test_rungs_of_a_horizon_that_is_no_power_of_eta_are_rounded_down() -> None:
    assert rungs(300, 4, 4) == (1, 4, 18, 75, 300)


@pytest.mark.parametrize("eta", [2, 3, 4, 10])
def test_rungs_increase_strictly_up_to_the_horizon(eta: int) -> None:
    for horizon in range(1, 300):
        units = rungs(horizon, eta, s_max(horizon, eta))
        assert units[-1] == horizon
        assert all(low >= 1 and eta * low <= high for low, high in pairwise(units))


@pytest.mark.parametrize("table1", [False, True])
@pytest.mark.parametrize("eta", [2, 3, 4, 10])
def test_every_bracket_takes_someone_to_the_horizon(eta: int, table1: bool) -> None:
    for horizon in range(1, 300):
        assert all(b.rungs[-1][0] >= 1 and b.rungs[-1][1] == horizon for b in brackets(horizon, eta, table1))


@pytest.mark.parametrize(
    ("table1", "restarted", "resumed"),
    [
        (False, [405, 363, 351, 378, 405], [297, 276, 279, 324, 405]),
        (True, [405, 324, 243, 324, 405], [297, 243, 189, 270, 405]),
    ],
)
def test_what_a_round_costs_at_81(table1: bool, restarted: list[int], resumed: list[int]) -> None:
    table = brackets(81, 3, table1)
    assert [b.units(resume=False) for b in table] == restarted
    assert [b.units() for b in table] == resumed


def test_resuming_saves_17_percent_of_a_round_and_27_of_its_first_bracket() -> None:
    table = brackets(81, 3)
    assert 1 - table[0].units() / table[0].units(resume=False) == pytest.approx(0.267, abs=5e-4)
    assert 1 - sum(b.units() for b in table) / sum(b.units(resume=False) for b in table) == pytest.approx(0.169, abs=5e-4)


@pytest.mark.parametrize(("horizon", "eta", "s"), [(81, 3, 5), (81, 3, -1), (81, 1, 0), (0, 3, 0), (81, 2.5, 1)])
def test_senseless_rungs_are_refused(horizon: int, eta: int, s: int) -> None:
    with pytest.raises(UsageError):
        bracket(9, horizon, eta, s)
