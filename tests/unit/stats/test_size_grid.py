from __future__ import annotations

from itertools import pairwise

import pytest

from shoestring.stats.size_grid import size_grid


def test_sizes_are_half_doublings_from_the_start():
    assert size_grid(8, 1, 64) == (1, 2, 3, 4, 6, 8, 11, 16, 23, 32, 45, 64)
    assert size_grid(10, 10, 25) == (10, 14, 20)


@pytest.mark.parametrize("start", [1, 2, 3, 7, 10, 100])
def test_the_start_is_among_them_and_they_increase(start):
    sizes = size_grid(start, 1, 10_000)
    assert start in sizes
    assert all(low < high for low, high in pairwise(sizes))


@pytest.mark.parametrize(("start", "smallest", "largest"), [(0, 0, 4), (5, 1, 4), (1, 2, 4), (3, 3, 3)])
def test_senseless_limits_are_refused(start, smallest, largest):
    with pytest.raises(ValueError, match="in this order"):
        size_grid(start, smallest, largest)
