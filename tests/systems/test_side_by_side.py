"""Ratios of processor time, of work whose ratio is known."""

from __future__ import annotations

import pytest
from side_by_side import Ratio, print_table, ratio


def work(n):
    return lambda: sum(range(n * 100_000))


def test_four_times_the_work_takes_about_four_times_as_long():
    found = ratio(work(8), work(2), turns=5)

    assert len(found.turns) == 5
    assert 2 < sorted(found.turns)[2] < 8


def test_a_share_of_the_work_is_scaled_up():
    assert 2 < sorted(ratio(work(2), work(2), share=1 / 4).turns)[2] < 8


@pytest.mark.parametrize(
    ("turns", "shown"), [((2.0, 1.0, 3.0), "2.00 (1.00 to 3.00)"), ((12.34,), "12.3 (12.3 to 12.3)"), ((876.5,), "876 (876 to 876)")]
)
def test_a_ratio_is_shown_with_the_digits_that_it_has(turns, shown):
    assert str(Ratio(turns)) == shown


def test_a_table_is_markdown(capsys):
    print_table({"a / b": lambda: Ratio((2.0,))})

    assert capsys.readouterr().out == "| | ratio |\n| --- | --- |\n| a / b | 2.00 (2.00 to 2.00) |\n"
