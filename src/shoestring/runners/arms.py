"""What is trained: one training function or script, or several of them, picked by the arm of a lease."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from shoestring.errors import UsageError
from shoestring.machine.importing import load, reference
from shoestring.runners.script import Script
from shoestring.runners.worker import Train, Work, python_work
from shoestring.trial.lease import Lease

One: TypeAlias = Train | str | Script


@dataclass(frozen=True)
class Arms:
    """Several things to train in one study.

    Attributes:
        members: by the name of the arm; all functions, or all scripts that are read in the same way.
    Raises:
        UsageError: functions and scripts are mixed, or scripts are read by different patterns.
    """

    members: Mapping[str, One]

    def __post_init__(self) -> None:
        readers = {(member.pattern, member.metric) if isinstance(member, Script) else None for member in self.members.values()}
        if len(readers) > 1:
            raise UsageError("the arms mix training functions and scripts, or scripts with different patterns; give all in the same way.")


Target: TypeAlias = One | Arms


def work_of(target: Target) -> Work:
    """Returns what carries out the leases of a target, imported.

    Raises:
        InvalidTarget: it cannot be imported.
    """
    if isinstance(target, Script):
        return target.carry_out
    if not isinstance(target, Arms):
        return python_work(load(target) if isinstance(target, str) else target)
    works = {name: work_of(member) for name, member in target.members.items()}

    def carry_out(lease: Lease, stop_requested: Callable[[], bool], device: str) -> None:
        works[lease.arm](lease, stop_requested, device)

    return carry_out


def script_of(target: Target) -> Script | None:
    """Returns the script that says how what was reported is read, None for training functions."""
    if isinstance(target, Arms):
        return script_of(next(iter(target.members.values())))
    return target if isinstance(target, Script) else None


def catch_up(target: Target, folder: Path, token: int) -> None:
    """Writes down as events what a script has reported when nobody was there any more to read it."""
    if script := script_of(target):
        script.recover(folder, token)


def check_scripts(target: Target, parameters: Mapping[str, Iterable[str]]) -> None:
    """Checks the templates of all scripts before anything is run.

    Args:
        parameters: names of the parameters by arm; ``""`` where there is but one thing to train.
    Raises:
        UnknownName, InvalidTarget: as ``Script.check``.
    """
    members = target.members if isinstance(target, Arms) else {"": target}
    for name, member in members.items():
        if isinstance(member, Script):
            member.check(parameters.get(name, ()))


def by_name(target: Target) -> Target:
    """Returns a target with functions replaced by the names under which a clean process imports them, where all have one."""
    if not isinstance(target, Arms):
        return _named(target)
    named = {name: _named(member) for name, member in target.members.items()}
    return Arms(named) if all(isinstance(member, str | Script) for member in named.values()) else target


def _named(target: One) -> One:
    return target if isinstance(target, str | Script) else reference(target) or target


def to_plain(target: Target) -> Any:
    """Returns a target as plain data, None if it holds functions; ``by_name`` first gives those their names."""
    if isinstance(target, Script):
        return target.to_json()
    if isinstance(target, Arms):
        members = [to_plain(member) for member in target.members.values()]
        return None if None in members else {"arms": dict(zip(target.members, members, strict=True))}
    return target if isinstance(target, str) else None


def from_plain(data: Any) -> Target:
    """Returns the target that ``to_plain`` described."""
    if isinstance(data, dict) and "arms" in data:
        return Arms({name: _one(member) for name, member in data["arms"].items()})
    return _one(data)


def _one(data: Any) -> One:
    return Script.from_json(data) if isinstance(data, dict) else str(data)
