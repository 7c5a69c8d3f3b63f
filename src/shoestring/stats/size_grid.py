"""The sizes that a search over sizes may ask for: a factor of sqrt 2 apart, rounded to whole numbers. It chooses none of them."""

from __future__ import annotations

import functools
import math


@functools.lru_cache(maxsize=64)
def size_grid(start: int, smallest: int, largest: int) -> tuple[int, ...]:
    """Returns the sizes from ``smallest`` to ``largest`` that lie ``sqrt(2)**k`` from ``start``, rounded, distinct, increasing.

    Raises:
        ValueError: not ``1 <= smallest <= start <= largest`` with the first below the last.
    """
    if not 1 <= smallest <= start <= largest or smallest == largest:
        raise ValueError(
            f"smallest={smallest}, start={start}, largest={largest} cannot be used; "
            "they must be whole numbers of at least 1 in this order, the first below the last."
        )
    down = math.ceil(2 * math.log2(start / smallest))
    up = math.ceil(2 * math.log2(largest / start))
    steps = {round(start * 2 ** (step / 2)) for step in range(-down, up + 1)}
    return tuple(sorted(size for size in steps if smallest <= size <= largest))
