"""Holm and e-BH: many claims at once, from p-values or e-values that were made one pair at a time.

It makes no p-value and no e-value. Sources: Holm 1979, "A simple sequentially rejective multiple test procedure"; Wang and Ramdas 2022,
"False discovery rate control with e-values", arXiv:2009.02824.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def holm(p_values: Sequence[float] | NDArray[np.float64], alpha: float) -> tuple[bool, ...]:
    """Returns for each hypothesis whether it is rejected; the chance of even one false rejection is at most ``alpha``.

    It holds under any dependence. With anytime-valid p-values (``PairTest.p_value``) it holds at whatever moment it is asked.

    Args:
        p_values: ``(m,)``, each from 0 to 1.
        alpha: between 0 and 1.
    Raises:
        ValueError: a p-value outside 0 to 1, or ``alpha`` not between 0 and 1.
    """
    _check_alpha(alpha)
    return tuple(bool(p <= alpha) for p in adjusted(p_values))


def adjusted(p_values: Sequence[float] | NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns Holm's adjusted p-values, ``(m,)``: the smallest family error rate at which each hypothesis is rejected.

    Raises:
        ValueError: a p-value outside 0 to 1.
    """
    p = np.asarray(p_values, dtype=np.float64)
    if p.ndim != 1 or not np.all((p >= 0) & (p <= 1)):
        raise ValueError(f"p-values {p_values!r} cannot be used; give one list of numbers from 0 to 1.")
    order = np.argsort(p, kind="stable")
    steps = p[order] * np.arange(p.size, 0, -1)
    out = np.empty_like(p)
    out[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return out


def e_bh(e_values: Sequence[float] | NDArray[np.float64], alpha: float) -> tuple[bool, ...]:
    """Returns for each hypothesis whether it is among the discoveries; at most ``alpha`` of those are false on average.

    Meant for more than ten hypotheses. The e-values must be *current* ones, taken at one common moment (``SignFlipProcess.e_value``):
    with running maxima the error rate breaks.

    Args:
        e_values: ``(m,)``, each at least 0.
        alpha: between 0 and 1.
    Raises:
        ValueError: a negative or missing e-value, or ``alpha`` not between 0 and 1.
    """
    _check_alpha(alpha)
    e = np.asarray(e_values, dtype=np.float64)
    if e.ndim != 1 or not np.all(e >= 0):
        raise ValueError(f"e-values {e_values!r} cannot be used; give one list of numbers of at least 0.")
    m = e.size
    sorted_down = np.sort(e)[::-1]
    enough = np.flatnonzero(sorted_down * np.arange(1, m + 1) >= m / alpha)
    if not enough.size:
        return (False,) * m
    return tuple(bool(x) for x in e >= m / (alpha * (enough[-1] + 1)))


def _check_alpha(alpha: float) -> None:
    if not 0 < alpha < 1:
        raise ValueError(f"alpha={alpha!r} cannot be used; give a number between 0 and 1, such as 0.05.")
