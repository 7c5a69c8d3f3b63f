"""The tasks that come with the system, by name, so that a stored certificate or a configuration can name one.

A task of one's own needs no entry here. Source: Cai, Shin and Song 2017, arXiv:1704.06611, section 4.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import TypeAlias

from shoestring.errors import UnknownName
from shoestring.systems.recursive_npi.addition import Addition
from shoestring.systems.recursive_npi.bubble_sort import BubbleSort
from shoestring.systems.recursive_npi.quicksort import Quicksort
from shoestring.systems.recursive_npi.topological_sort import TopologicalSort

BuiltIn: TypeAlias = Addition | BubbleSort | Quicksort | TopologicalSort
TASKS: dict[str, type[BuiltIn]] = {
    "addition": Addition,
    "bubble-sort": BubbleSort,
    "quicksort": Quicksort,
    "topological-sort": TopologicalSort,
}
ALLOWED = {"recursion": ("full", "partial", "none"), "encoder": ("comparison", "digits")}


def make_task(name: str, settings: Mapping[str, str] | None = None) -> BuiltIn:
    """Returns a task that comes with the system.

    Args:
        name: one of ``TASKS``.
        settings: ``recursion``, and for bubble sort ``encoder``.
    Raises:
        UnknownName: there is no such task, setting or value.
    """
    if name not in TASKS:
        raise UnknownName("task", name, TASKS)
    known = [field.name for field in fields(TASKS[name])]
    for setting, value in (settings or {}).items():
        if setting not in known:
            raise UnknownName(f"setting of {name}", setting, known)
        allowed = ALLOWED[setting] if name == "bubble-sort" else ALLOWED[setting][::2]  # only bubble sort has a partial recursion
        if value not in allowed:
            raise UnknownName(setting, str(value), allowed)
    return TASKS[name](**(settings or {}))


def settings_of(task: object) -> dict[str, str] | None:
    """Returns the settings that make a task again, None for a task that does not come with the system."""
    return asdict(task) if type(task) in TASKS.values() else None  # type: ignore[call-overload]


def kind_of(task: object) -> str | None:
    """Returns the name by which ``make_task`` knows a task, None for one of the reader's own."""
    return next((name for name, kind in TASKS.items() if type(task) is kind), None)
