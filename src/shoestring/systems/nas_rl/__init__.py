"""Neural architecture search by policy gradient: a recurrent controller that writes networks and is paid for their accuracy.

Zoph and Le 2017 (arXiv:1611.01578) trained 12,800 children on 800 GPUs and found networks on a par with designed ones, and a recurrent
cell that beat the LSTM on words. Claimed here: the comparison of the controller with random search and with regularised evolution on
tables of finished trainings, and how far the reward can be trusted. Not claimed: the 3.65% on CIFAR-10, or the perplexity of 62.4.

The controller is the engine's sampler ``policy-gradient``, beside ``evolution`` and ``random``. Offered here: ``cnn_space`` and
``cell_space``; ``train_children``, many children as one tensor program; ``TreeCell`` and ``NAS_CELL``; ``Table`` and ``TableSearch``, a
search in milliseconds; ``reliability``, what to measure before any search; and ``train``. Where a table is enough, torch is not imported.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from shoestring.systems.nas_rl.cells import NAS_CELL, Tree, TreeCell, cell_space, tree_of
    from shoestring.systems.nas_rl.children import train_children
    from shoestring.systems.nas_rl.search import TableSearch, reliability, sampler_of
    from shoestring.systems.nas_rl.table import Table, cnn_table, nasbench201
    from shoestring.systems.nas_rl.task import PRESETS, Images, Preset, child_of, cnn_space
    from shoestring.systems.nas_rl.training import Config, train

_HOMES = {
    "NAS_CELL": "cells",
    "Tree": "cells",
    "TreeCell": "cells",
    "cell_space": "cells",
    "tree_of": "cells",
    "train_children": "children",
    "TableSearch": "search",
    "reliability": "search",
    "sampler_of": "search",
    "Table": "table",
    "cnn_table": "table",
    "nasbench201": "table",
    "PRESETS": "task",
    "Images": "task",
    "Preset": "task",
    "child_of": "task",
    "cnn_space": "task",
    "Config": "training",
    "train": "training",
}

__all__ = [
    "NAS_CELL",
    "PRESETS",
    "Config",
    "Images",
    "Preset",
    "Table",
    "TableSearch",
    "Tree",
    "TreeCell",
    "cell_space",
    "child_of",
    "cnn_space",
    "cnn_table",
    "nasbench201",
    "reliability",
    "sampler_of",
    "train",
    "train_children",
    "tree_of",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
