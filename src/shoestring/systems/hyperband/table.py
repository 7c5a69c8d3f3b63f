"""A table of finished learning curves, and the one that comes with this system: 400 networks on Fashion-MNIST."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from shoestring.errors import UsageError
from shoestring.systems.hyperband.task import NETS, Net, space

PATH = Path(__file__).with_name("curves.npz")
HORIZON = 81
DIVERGED = 65535
