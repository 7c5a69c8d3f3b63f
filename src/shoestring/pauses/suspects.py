"""Finds what a training function holds on to besides what it handed to ``trial.steps``: the variables that a pause may lose.

Looked at are the locals and closures of the frames around the loop and the globals of the user's modules, and what these hold. Nothing is
judged here: every find is recorded as text, so that two runs can be compared.
"""

from __future__ import annotations

import functools
import hashlib
import itertools
import os
import sys
import types
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any, TypeAlias

import numpy as np

from shoestring.state.capture import Tree, capture
from shoestring.state.kinds import is_generator
from shoestring.state.packing import Moved, Saved

Leaves: TypeAlias = dict[str, str]  # path -> the value as text, or its hash

PLAIN = "plain"  # numbers, strings, arrays and containers of them: everything that changes in a loop, so no more than a hint
_MAX_DEPTH = 6
_MAX_NODES = 20_000
_MAX_ITEMS = 64
_SAMPLED_BYTES = 16 << 20  # of a larger array, only every n-th number is looked at
_SCALARS = bool | int | float | complex | str | bytes | np.generic
_CONTAINERS = (list, tuple, deque, set, frozenset, dict)


@dataclass(frozen=True, slots=True)
class Suspect:
    """One variable, or something that it holds.

    Attributes:
        name: how the user would write it, such as ``agent.rng``.
        kind: its class, or ``PLAIN``.
        where: ``"local variable"``, ``"closure"`` or ``"global variable"``.
        leaves: what it holds.
        rebound: the name stood for something handed to ``steps``, and now stands for another object.
    """

    name: str
    kind: str
    where: str
    leaves: Leaves = field(default_factory=dict)
    rebound: bool = False


@dataclass(frozen=True, slots=True)
class Root:
    """A variable from which the search starts: where it lives, under which name, and how its value is read."""

    name: str
    where: str
    space: FrameType | Mapping[str, Any]
    key: str

    def value(self) -> object:
        """Returns the variable's value now, None if it is gone."""
        return (self.space.f_locals if isinstance(self.space, FrameType) else self.space).get(self.key)


def roots(frames: Iterable[FrameType]) -> list[Root]:
    """Returns the variables of frames and of the modules beside them that exist now."""
    frames = list(frames)
    found = []
    for frame in frames:
        free = frame.f_code.co_freevars
        found += [Root(name, "closure" if name in free else "local variable", frame, name) for name in frame.f_locals]
    own = frames[0].f_globals if frames else {}
    for module in _modules_beside(own):
        prefix = "" if vars(module) is own else f"{module.__name__.rpartition('.')[2]}."
        found += [Root(prefix + name, "global variable", vars(module), name) for name in list(vars(module)) if not name.startswith("__")]
    return found


def search(starts: Iterable[Root], ignored: Iterable[object] = ()) -> list[Suspect]:
    """Returns what the variables hold, near things first; each object is found once, under its shortest name.

    Args:
        starts: the variables.
        ignored: objects that are passed over, with all that only they hold.
    """
    starts = list(starts)
    spaces = [root.space.f_globals if isinstance(root.space, FrameType) else root.space for root in starts]
    own_modules = {str(space.get("__name__")) for space in spaces}
    waiting = deque((root.name, root.where, root.value(), 0) for root in starts)
    seen: dict[int, object] = {id(value): value for value in ignored}  # the objects are kept, so that no number is given twice
    found = []
    while waiting and len(seen) < _MAX_NODES:
        name, where, value, depth = waiting.popleft()
        if value is None or (id(value) in seen and not isinstance(value, _SCALARS)):
            continue
        seen[id(value)] = value
        if suspect := _described(value, name, where):
            found.append(suspect)
        if depth < _MAX_DEPTH:
            within = "closure" if isinstance(value, types.FunctionType) else where
            waiting.extend((name + step, within, item, depth + 1) for step, item in _inside(value, own_modules))
    return found


def is_stateful(value: object) -> bool:
    """Tells whether the value's class has ``state_dict`` and ``load_state_dict``; a class that answers to every name has not."""
    return hasattr(type(value), "state_dict") and hasattr(type(value), "load_state_dict")


def flatten(tree: Tree, name: str) -> Iterator[tuple[str, Any]]:
    """Yields path and value of each leaf of a state tree; the state of a random generator is one leaf."""
    if isinstance(tree, Moved):
        yield from flatten(tree.tree, name)
    elif isinstance(tree, Saved) and tree.kind != "generator":
        yield from flatten(tree.state, name)
        for key, item in tree.extra.items():
            yield from flatten(item, f"{name}.{key}")
    elif isinstance(tree, dict):
        for key, item in tree.items():
            yield from flatten(item, f"{name}[{key!r}]")
    elif isinstance(tree, list | tuple):
        for i, item in enumerate(tree):
            yield from flatten(item, f"{name}[{i}]")
    else:
        yield name, tree


def fingerprint(value: object, sampled: bool = False) -> str:
    """Returns a leaf as text that is equal only for equal bits: short values as they are, arrays by hash.

    Args:
        value: the leaf.
        sampled: of a very large array, look at some of its numbers only.
    """
    if isinstance(value, Saved):
        text = "|".join(f"{path}={fingerprint(leaf)}" for path, leaf in flatten(value.state, ""))
        return f"random state {_hash(text.encode())}"
    array = as_array(value)
    if array is None:
        text = repr(value)
        return text if len(text) <= 80 else f"{text[:60]}... {_hash(text.encode())}"
    flat = array.reshape(-1)
    if sampled and array.nbytes > _SAMPLED_BYTES:
        flat = flat[:: array.nbytes // _SAMPLED_BYTES + 1]
    return f"{getattr(value, 'dtype', '')} {tuple(getattr(value, 'shape', ()))} {_hash(flat.tobytes())}"


def as_array(value: object) -> np.ndarray[Any, Any] | None:
    """Returns the bytes of an array or dense tensor as an array (a tensor's as bytes), None for anything else."""
    torch = sys.modules.get("torch")
    if torch and isinstance(value, torch.Tensor):
        if value.layout is not torch.strided or value.is_quantized:
            return None
        bits: np.ndarray[Any, Any] = value.detach().cpu().resolve_conj().contiguous().reshape(-1).view(torch.uint8).numpy()
        return bits
    return value if isinstance(value, np.ndarray) and not value.dtype.hasobject else None


def _described(value: object, name: str, where: str) -> Suspect | None:
    if is_generator(value) or is_stateful(value):
        try:
            tree = capture(value)
        except Exception:  # a look at a bystander must not fail the trial, whatever its state_dict raises
            return None
        leaves = {path: fingerprint(leaf, sampled=True) for path, leaf in flatten(tree, name) if leaf is not None}
        return Suspect(name, type(value).__name__, where, leaves)
    if as_array(value) is not None or isinstance(value, _SCALARS | itertools.count):
        return Suspect(name, PLAIN, where, {name: fingerprint(value, sampled=True)})
    if isinstance(value, _CONTAINERS) and _is_plain(value):
        content = sorted(value, key=repr) if isinstance(value, set | frozenset) else value
        return Suspect(name, PLAIN, where, {name: fingerprint(content)})
    return None


def _is_plain(value: Iterable[object]) -> bool:
    items = [*value.keys(), *value.values()] if isinstance(value, dict) else value
    return all(item is None or isinstance(item, _SCALARS) for item in itertools.islice(items, 10_000))


def _inside(value: object, own_modules: set[str]) -> Iterator[tuple[str, object]]:
    """Yields what an object holds, each with what is to be written behind the object's name to reach it."""
    if isinstance(value, dict):
        if not _is_plain(value):
            yield from ((f"[{key!r}]", item) for key, item in itertools.islice(value.items(), _MAX_ITEMS) if isinstance(key, _SCALARS))
    elif isinstance(value, list | tuple | deque):
        if not _is_plain(value):
            yield from ((f"[{i}]", item) for i, item in enumerate(itertools.islice(value, _MAX_ITEMS)))
    elif isinstance(value, types.FunctionType):
        if value.__module__ in own_modules:
            cells = zip(value.__code__.co_freevars, value.__closure__ or (), strict=True)
            yield from ((f".{name}", cell.cell_contents) for name, cell in cells if _is_filled(cell))
            yield from ((f".{name}", item) for name, item in vars(value).items())
            yield from ((f".__defaults__[{i}]", item) for i, item in enumerate(value.__defaults__ or ()))
    elif isinstance(value, types.MethodType):
        yield ".__self__", value.__self__
    elif isinstance(value, types.GeneratorType):
        if value.gi_frame is not None:
            yield from ((f".{name}", item) for name, item in value.gi_frame.f_locals.items())
    elif isinstance(value, functools.partial):
        yield from ((".func", value.func), (".args", value.args), (".keywords", value.keywords))
    elif isinstance(value, type):
        if value.__module__ in own_modules:
            yield from ((f".{name}", item) for name, item in vars(value).items() if not name.startswith("__") and not callable(item))
    elif type(value).__module__.partition(".")[0] not in sys.stdlib_module_names:
        yield from ((f".{name}", item) for name, item in _attributes(value).items())


def _attributes(value: object) -> dict[str, object]:
    """Returns an object's attributes without running any code of its own; those of a torch module under the names that users write."""
    attributes: dict[str, object] = dict(getattr(value, "__dict__", {}))
    for cls in type(value).__mro__:
        for name, slot in vars(cls).items():
            if isinstance(slot, types.MemberDescriptorType) and not name.startswith("__"):
                with suppress(AttributeError):
                    attributes[name] = slot.__get__(value)
    attributes.pop("_parameters", None)  # in the state_dict of the module that holds them
    for inner in ("_modules", "_buffers"):
        held = attributes.pop(inner, None)
        attributes |= held if isinstance(held, dict) else {}
    return attributes


def _is_filled(cell: types.CellType) -> bool:
    try:
        return cell.cell_contents is not None
    except ValueError:
        return False


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:12]


def _modules_beside(own: Mapping[str, Any]) -> list[types.ModuleType]:
    """Returns the module of these globals and the imported ones in its folder, installed packages apart."""
    if not own.get("__file__"):
        return [module for module in list(sys.modules.values()) if getattr(module, "__dict__", None) is own]
    folder = Path(own["__file__"]).absolute().parent
    files = [(module, getattr(module, "__file__", None)) for module in list(sys.modules.values())]
    beside = [module for module, file in files if isinstance(file, str) and file.endswith(".py") and _is_inside(folder, file)]
    return sorted(beside, key=lambda module: vars(module) is not own)


def _is_inside(folder: Path, file: str) -> bool:
    inner = os.path.abspath(file).removeprefix(f"{folder}{os.sep}")  # looks at no file: there may be thousands of modules
    return not os.path.isabs(inner) and not {"site-packages", "dist-packages"} & set(inner.split(os.sep))
