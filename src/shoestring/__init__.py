"""Shoestring answers research questions in machine learning within a compute budget that is fixed in advance.

Names are loaded when they are first used, so that importing the package costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from shoestring.api import check, claims, compare, largest, load, plan, report, resume, scale, search
    from shoestring.budget import Budget
    from shoestring.engine.options import Options
    from shoestring.engine.run import Run
    from shoestring.errors import ShoestringError, UsageError
    from shoestring.questions.compare.finding import Comparison
    from shoestring.questions.largest.finding import Capacity
    from shoestring.questions.scale.finding import Law
    from shoestring.questions.search.finding import Selection
    from shoestring.runners.protocol import Runner
    from shoestring.runners.replay import ReplayRunner
    from shoestring.runners.script import Script
    from shoestring.space import Choice, Float, Int, Space
    from shoestring.trial import Trial
    from shoestring.values.answer import Answer
    from shoestring.values.orders import Sampler, Scheduler
    from shoestring.verdicts.claim import Claim, Ruling, Verdict

__version__ = "0.1.0"

_HOMES = {
    "Answer": "values.answer",
    "Budget": "budget",
    "Capacity": "questions.largest.finding",
    "Choice": "space",
    "Claim": "verdicts.claim",
    "Comparison": "questions.compare.finding",
    "Float": "space",
    "Int": "space",
    "Law": "questions.scale.finding",
    "Options": "engine.options",
    "ReplayRunner": "runners.replay",
    "Ruling": "verdicts.claim",
    "Run": "engine.run",
    "Runner": "runners",
    "Sampler": "values.orders",
    "Scheduler": "values.orders",
    "Script": "runners.script",
    "Selection": "questions.search.finding",
    "ShoestringError": "errors",
    "Space": "space",
    "Trial": "trial",
    "UsageError": "errors",
    "Verdict": "verdicts.claim",
    "check": "api",
    "claims": "api",
    "compare": "api",
    "largest": "api",
    "load": "api",
    "plan": "api",
    "report": "api",
    "resume": "api",
    "scale": "api",
    "search": "api",
}

__all__ = [
    "Answer",
    "Budget",
    "Capacity",
    "Choice",
    "Claim",
    "Comparison",
    "Float",
    "Int",
    "Law",
    "Options",
    "ReplayRunner",
    "Ruling",
    "Run",
    "Runner",
    "Sampler",
    "Scheduler",
    "Script",
    "Selection",
    "ShoestringError",
    "Space",
    "Trial",
    "UsageError",
    "Verdict",
    "check",
    "claims",
    "compare",
    "largest",
    "load",
    "plan",
    "report",
    "resume",
    "scale",
    "search",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'shoestring' has no attribute {name!r}")
    return getattr(importlib.import_module(f"shoestring.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
