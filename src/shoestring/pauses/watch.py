"""Runs a training function under a lease as the worker does, and writes down what can be seen between its units.

This is the half of ``shoestring check`` that runs in the worker. The trial in the folder named ``STRAIGHT`` is the reference: its states
are kept whole. Every trial in a folder beside it is compared with it, unit by unit. Nothing here changes how the function runs.
"""

from __future__ import annotations

import ast
import inspect
import json
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import Any, cast

import numpy as np

from shoestring.pauses.suspects import Leaves, Root, Suspect, fingerprint, flatten, roots, search
from shoestring.runners.worker import Train, Work, carry_out
from shoestring.state.capture import capture, from_bytes, to_bytes
from shoestring.state.packing import Saved
from shoestring.trial import Trial, seeding
from shoestring.trial.lease import Lease

STRAIGHT = "straight"
WORK = "shoestring.pauses.watch:watched_work"  # what the process runner is told to load
_COUNTERS = ("enumerate", "zip")


def watched_work(train: Train) -> Work:
    """Returns what carries out leases with a training function that is watched."""

    def call(lease: Lease, trial: Trial) -> Any:
        watched = WatchedTrial(trial, lease)
        return train(cast(Trial, watched))  # it answers to everything that a trial does

    return lambda lease, stop_requested, device: carry_out(lambda trial: call(lease, trial), lease, stop_requested, device)


def note_of(folder: Path, unit: int, token: int) -> Path:
    """Returns where a lease writes down what was seen after ``unit`` units."""
    return folder / "watched" / f"{unit:09d}-{token}.json"


class WatchedTrial:
    """A trial that writes down state, generators and surroundings before every unit and after the last; all else it leaves to the trial."""

    def __init__(self, trial: Trial, lease: Lease) -> None:
        self._trial = trial
        self._lease = lease
        self._ignored: tuple[object, ...] = ()
        self._roots: list[Root] = []
        self._bound: dict[str, int] = {}  # the names that stood for something handed in when the loop began

    def __getattr__(self, name: str) -> Any:
        return getattr(self._trial, name)

    def steps(self, **stateful: object) -> Iterator[int]:
        """Does what ``Trial.steps`` does, and writes down what is seen at each of its pauses for breath."""
        frames = list(_frames_of_user(sys._getframe(1)))
        steps = self._steps(stateful, frames)
        self._ignored = (self, self._trial, steps)
        return steps

    def _steps(self, stateful: dict[str, object], frames: list[FrameType]) -> Iterator[int]:
        begun = False
        for done in self._trial.steps(**stateful):
            if not begun:
                begun = True
                handed = {id(value) for value in stateful.values()}
                self._roots = roots(frames)
                self._bound = {root.name: id(root.value()) for root in self._roots if id(root.value()) in handed}
                self._write("loop.json", {"counter": _counter_around_steps(frames)})
            self._look(stateful, done)
            yield done
        if begun:
            self._look(stateful, self._trial.units_done)

    def _look(self, stateful: Mapping[str, object], done: int) -> None:
        tree = {name: capture(value, name) for name, value in stateful.items()}
        seen: dict[str, Any] = {
            "state": _leaves(tree),
            "generators": {name: fingerprint(Saved("generator", name, value, {})) for name, value in seeding.capture().items()},
            "suspects": {suspect.name: asdict(suspect) for suspect in self._suspects()},
            "handed": list(self._bound),
        }
        state_file = Path("..", "..", STRAIGHT, "watched", f"{done:09d}.state")
        if self._lease.folder.name == STRAIGHT:
            self._write(state_file.name, to_bytes(tree, ""))
        elif (reference := self._straight(done)) is not None:
            seen = _differences(reference, seen, lambda: from_bytes((self._lease.folder / "watched" / state_file).read_bytes()), tree)
        self._write(note_of(self._lease.folder, done, self._lease.token).name, seen)

    def _suspects(self) -> list[Suspect]:
        found = search(self._roots, self._ignored)
        rebound = {root.name for root in self._roots if root.name in self._bound and id(root.value()) != self._bound[root.name]}
        return [Suspect(each.name, each.kind, each.where, each.leaves, each.name in rebound) for each in found]

    def _straight(self, done: int) -> dict[str, Any] | None:
        notes = list((self._lease.folder.parent / STRAIGHT / "watched").glob(f"{done:09d}-*.json"))
        return json.loads(notes[0].read_text(encoding="utf-8")) if notes else None

    def _write(self, name: str, content: bytes | Mapping[str, Any]) -> None:
        folder = self._lease.folder / "watched"
        folder.mkdir(exist_ok=True)
        (folder / name).write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())


def _differences(straight: Mapping[str, Any], here: Mapping[str, Any], load: Callable[[], Any], tree: Mapping[str, Any]) -> dict[str, Any]:
    """Returns, of what was seen here, only what differs from the straight run."""
    states = sorted(_unequal(straight["state"], here["state"]))
    sizes: dict[str, float | None] = {}
    if states:
        ours, theirs = _flat(tree), _flat(load())
        sizes = {path: largest_difference(theirs.get(path), ours.get(path)) for path in states}
    rebound = [name for name, seen in straight["suspects"].items() if seen["rebound"]]
    suspects = {name: seen for name, seen in here["suspects"].items() if name in rebound or name not in here["handed"]}
    return {
        "state": [[path, straight["state"].get(path), here["state"].get(path), sizes[path]] for path in states],
        "generators": [name for name in here["generators"] if straight["generators"].get(name) != here["generators"][name]],
        "suspects": [
            seen | {"differing": differing}
            for name, seen in suspects.items()
            if name in straight["suspects"] and (differing := _compared(straight["suspects"][name], seen))
        ],
        "rebound": rebound,
    }


def largest_difference(a: object, b: object) -> float | None:
    """Returns the largest absolute difference between two numbers or arrays of one shape, None if they have none."""
    torch = sys.modules.get("torch")
    if torch and isinstance(a, torch.Tensor) and isinstance(b, torch.Tensor):
        if a.shape != b.shape or a.is_complex() or a.numel() == 0:
            return None
        return float((a.detach().cpu().double() - b.detach().cpu().double()).abs().max())
    if not isinstance(a, bool | int | float | np.number | np.ndarray) or not isinstance(b, bool | int | float | np.number | np.ndarray):
        return None
    x, y = np.asarray(a), np.asarray(b)
    if x.shape != y.shape or x.size == 0 or not (np.issubdtype(x.dtype, np.number) and np.issubdtype(y.dtype, np.number)):
        return None
    return float(np.abs(x.astype(np.float64) - y.astype(np.float64)).max())


def _compared(straight: Mapping[str, Any], here: Mapping[str, Any]) -> list[list[str | None]]:
    """Returns path, value without a pause and value here of each leaf of a suspect that differs."""
    before, now = straight["leaves"], here["leaves"]
    if straight["kind"] != here["kind"]:
        return []
    return [[path, before.get(path), now.get(path)] for path in _unequal(before, now)]


def _unequal(a: Leaves, b: Leaves) -> list[str]:
    return [path for path in {**a, **b} if a.get(path) != b.get(path)]


def _leaves(tree: Mapping[str, Any]) -> Leaves:
    return {path: fingerprint(leaf) for path, leaf in _flat(tree).items()}


def _flat(tree: Mapping[str, Any]) -> dict[str, Any]:
    return {path: leaf for name, part in tree.items() for path, leaf in flatten(part, name)}


def _frames_of_user(frame: FrameType | None) -> Iterator[FrameType]:
    """Yields the frames from the one that called ``steps`` out to the training function."""
    while frame is not None and frame.f_globals.get("__name__") != __name__:
        yield frame
        frame = frame.f_back


def _counter_around_steps(frames: list[FrameType]) -> str | None:
    """Returns ``enumerate`` or ``zip`` if the loop over ``steps`` is wrapped in it, so that it counts from 0 after each pause."""
    for frame in frames:
        try:
            tree = ast.parse(textwrap.dedent(inspect.getsource(frame.f_code)))
        except (OSError, SyntaxError, TypeError):
            continue
        for loop in ast.walk(tree):
            if isinstance(loop, ast.For) and isinstance(loop.iter, ast.Call) and isinstance(loop.iter.func, ast.Name):
                inner = [node for node in ast.walk(loop.iter) if isinstance(node, ast.Attribute) and node.attr == "steps"]
                if inner and loop.iter.func.id in _COUNTERS:
                    return loop.iter.func.id
    return None
