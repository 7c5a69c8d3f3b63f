"""Shoestring answers research questions in machine learning within a compute budget that is fixed in advance.

Names are loaded when they are first used, so that importing the package costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from shoestring.budget import Budget
    from shoestring.doors import compare, largest, scale, search
    from shoestring.errors import ShoestringError
    from shoestring.runners.replay import ReplayRunner
    from shoestring.runners.script import Script
    from shoestring.space import Choice, Float, Int, Space
    from shoestring.trial import Trial
    from shoestring.values.answer import Answer
    from shoestring.verdicts.claim import Claim, Ruling, Verdict

__version__ = "0.1.0"

_HOMES = {
    "Answer": "values.answer",
    "Budget": "budget",
    "Choice": "space",
    "Claim": "verdicts.claim",
    "Float": "space",
    "Int": "space",
    "ReplayRunner": "runners.replay",
    "Ruling": "verdicts.claim",
    "Script": "runners.script",
    "ShoestringError": "errors",
    "Space": "space",
    "Trial": "trial",
    "Verdict": "verdicts.claim",
    "compare": "doors",
    "largest": "doors",
    "scale": "doors",
    "search": "doors",
}

__all__ = [
    "Answer",
    "Budget",
    "Choice",
    "Claim",
    "Float",
    "Int",
    "ReplayRunner",
    "Ruling",
    "Script",
    "ShoestringError",
    "Space",
    "Trial",
    "Verdict",
    "compare",
    "largest",
    "scale",
    "search",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'shoestring' has no attribute {name!r}")
    return getattr(importlib.import_module(f"shoestring.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
