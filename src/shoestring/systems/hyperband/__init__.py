"""Hyperband: many short trainings and few long ones, hedged against each other, with no guess which is right.

Li et al. 2018 (arXiv:1603.06560, JMLR 18) run successive halving in several brackets, from many configurations with a small resource to
few with a large one. They report an order of magnitude over random search and Bayesian optimisation on deep networks, without knowing
the best bracket. Claimed here: the comparison with random search, the hedge among brackets and its worst case, on small networks. Not
claimed: the factor of 20, or the comparison with the Bayesian optimisers of 2016.

The schedulers are the engine's (``shoestring.schedulers``). Offered here is what measures them: ``Curves``, a table of learning curves;
``replay`` with ``METHODS``, a search on such a table; ``fashion_mnist_curves``, a table of 400 real ones; ``crossing_curves``, the worst
case; and ``train``, the networks that the table was made from. Where a table is enough, torch is not imported.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from shoestring.systems.hyperband.replaying import METHODS, Method, Trace, replay
    from shoestring.systems.hyperband.table import Curves, crossing_curves, fashion_mnist_curves
    from shoestring.systems.hyperband.training import Config, paper, train

_HOMES = {
    "METHODS": "replaying",
    "Method": "replaying",
    "Trace": "replaying",
    "replay": "replaying",
    "Curves": "table",
    "crossing_curves": "table",
    "fashion_mnist_curves": "table",
    "Config": "training",
    "paper": "training",
    "train": "training",
}

__all__ = ["METHODS", "Config", "Curves", "Method", "Trace", "crossing_curves", "fashion_mnist_curves", "paper", "replay", "train"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
