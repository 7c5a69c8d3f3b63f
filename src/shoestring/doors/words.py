"""What the front doors are given: the types that several of them share, and how a message names them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, TypeAlias

from shoestring.arguments import LATER
from shoestring.budget import Budget
from shoestring.runners.arms import One
from shoestring.runners.replay import Curve

Trained: TypeAlias = Annotated[One | Curve, "a training function of one argument (the trial), 'file.py:function' or a Script"]
Metric: TypeAlias = Annotated[str, "the name of one metric (one metric decides; a trial may report others)"]
Limits: TypeAlias = Annotated[str | Sequence[str] | Budget, LATER]
Prices: TypeAlias = Annotated[str | Sequence[str], LATER]
