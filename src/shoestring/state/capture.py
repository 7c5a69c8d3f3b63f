"""The state of a trial as a tree of plain data: what the objects handed to ``trial.steps`` hold, and how it is put back into them.

torch is used if the trial has imported it, and is not imported otherwise.
"""

from __future__ import annotations

import copy
import sys
from collections import defaultdict, deque
from collections.abc import Mapping
from typing import Any

import numpy as np

from shoestring.errors import InvalidState
from shoestring.state.built import Built
from shoestring.state.generators import generator_name, generator_state, restored_generator
from shoestring.state.kinds import ATOMS, Stateful, is_array, is_changeable, is_generator, is_stateful
from shoestring.state.modules import check_outline, extra, is_module, is_optimizer, restore_module, restore_optimizer, tensors_in
from shoestring.state.packing import DICTS, Moved, Saved, Tree, place, refuse, to_bytes
from shoestring.state.unpacking import from_bytes

__all__ = ["Capture", "Restore", "Stateful", "Tree", "capture", "check_restorable", "from_bytes", "is_array", "restore", "to_bytes"]


def check_restorable(stateful: Mapping[str, object]) -> None:
    """Checks that each object handed to ``steps`` can be restored in place.

    Raises:
        InvalidState: one is a number, a string or another value that its holder would not see change.
    """
    for name, value in stateful.items():
        if not (is_stateful(value) or isinstance(value, dict | list) or is_generator(value) or is_array(value)):
            advice = f"Put a plain value into a dict, such as {name}={{'value': ...}}."
            if hasattr(value, "__dict__") and not callable(value):
                advice = (
                    f"Give it these two methods, or hand in its attributes: {name}=vars({name}). Or run without pauses (scheduler 'fixed')."
                )
            raise InvalidState(
                f"steps({name}=...) was handed {type(value).__name__!r}, which cannot be restored in place. Allowed are modules, "
                f"optimizers and others with state_dict and load_state_dict, random generators, arrays, tensors, dicts and lists. {advice}"
            )


def capture(value: object, name: str = "state") -> Tree:
    """Returns the state of ``value`` as a tree; dicts, lists and tuples are followed."""
    return Capture().of(value, name)


def restore(value: object, tree: Tree, name: str) -> Tree:
    """Puts a captured tree back into ``value``, in place where that can be, and returns what should stand in its stead.

    Raises:
        InvalidState: the tree does not fit the object, such as an array of another shape.
    """
    restoring = Restore({})
    found = restoring.put(value, tree, name)
    restoring.finish()
    return found


class Capture:
    """Turns objects into trees; what was one object is one tree.

    Args:
        built: the objects as they were handed to ``steps``, None where that does not matter.

    Attributes:
        arrays: name, value, and whether it was built before training, of each array and tensor.
    """

    def __init__(self, built: Built | None = None) -> None:
        self.arrays: list[tuple[str, Any, bool]] = []
        self._built = built
        self._known: dict[int, Tree] = {}
        self._open: set[int] = set()

    def of(self, value: object, name: str) -> Tree:
        """Returns the tree of an object.

        Raises:
            InvalidState: it could not be restored; the message says where.
        """
        if type(value) in ATOMS:
            return value
        if id(value) not in self._known:
            if id(value) in self._open:
                raise InvalidState(f"{name} contains itself, which cannot be saved. Store it without the circle.")
            self._open.add(id(value))
            self._known[id(value)] = self._tree(value, name)
            self._open.remove(id(value))
        tree = self._known[id(value)]
        if self._built is None or not is_changeable(value):
            return tree
        at = self._built.place_of(value)
        return tree if at == name or (at is None and not self._built.was_anything_at(name)) else Moved(at, tree)

    def _tree(self, value: Any, name: str) -> Tree:
        if is_stateful(value):
            return self._saved(value, name)
        if is_generator(value):
            return Saved("generator", generator_name(value), generator_state(value, name), {})
        kind = type(value)
        if isinstance(value, dict):
            items = {key: item if type(item) in ATOMS else self.of(item, place(name, key)) for key, item in value.items()}
            return _like(value, items) if kind in DICTS else self._derived("dict", value, items, name)
        if isinstance(value, list) or kind in (tuple, deque) or (isinstance(value, tuple) and hasattr(kind, "_fields")):
            found = [item if type(item) in ATOMS else self.of(item, f"{name}[{i}]") for i, item in enumerate(value)]
            if isinstance(value, list):
                return found if kind is list else self._derived("list", value, found, name)
            return (
                deque(found, value.maxlen) if kind is deque else value if getattr(value, "__dict__", None) else tuple.__new__(kind, found)
            )
        if is_array(value):
            self.arrays.append((name, value, self._built is None or self._built.place_of(value) is not None))
        return value

    def _saved(self, value: Stateful, name: str) -> Saved:
        at = None if self._built is None else self._built.place_of(value)
        if self._built and at is not None:
            check_outline(value, self._built.outlines[at], name)
        try:
            state = value.state_dict()
        except Exception as error:  # code of the user
            raise InvalidState(
                f"{name} cannot be saved: {type(value).__name__}.state_dict() raised {type(error).__name__}: {error}"
            ) from error
        kind = "module" if is_module(value) else "optimizer" if is_optimizer(value) else "object"
        more = extra(value, self._built.attributes[at] if self._built and at else None) if is_module(value) else {}
        if self._built and at is None:
            more["like"] = self._built.model_of(value, name)
        if kind != "object" and isinstance(state, dict):
            self.arrays += [(place(name, key), item, True) for key, item in tensors_in(state)]
        return Saved(kind, type(value).__qualname__, state, more)

    def _derived(self, kind: str, value: Any, content: Tree, name: str) -> Saved:
        """Returns the tree of a dict or list of the user's own class: what is in it, and its attributes."""
        if self._built and self._built.place_of(value) is None:
            refuse(name, value, f"Store it as a plain {kind}, or build it before steps().")
        own = getattr(value, "__dict__", None)
        return Saved(kind, type(value).__qualname__, content, {} if not own or own is value else {"vars": self.of(own, f"vars({name})")})


class Restore:
    """Puts trees back into objects; what was one object is one again. Optimizers come last: they go by the dtypes of their parameters.

    Args:
        built: the objects that the function has built this time, by place.
    """

    def __init__(self, built: Mapping[str, object]) -> None:
        self._built = built
        self._found: dict[int, tuple[Tree, object]] = {}  # by the tree's id
        self._later: list[tuple[Any, Saved, str]] = []

    def finish(self) -> None:
        """Restores what was put off.

        Raises:
            InvalidState: it does not fit.
        """
        for value, saved, name in self._later:
            self._load(value, saved, name)
        self._later.clear()

    def put(self, value: Any, tree: Tree, name: str) -> Any:
        """Puts a tree into an object, and returns what should stand in its stead.

        Raises:
            InvalidState: it does not fit.
        """
        if type(tree) in ATOMS:
            return tree
        if isinstance(tree, Moved):
            return self.put(None if tree.at is None else self._built.get(tree.at), tree.tree, name)
        if id(tree) not in self._found:
            self._found[id(tree)] = tree, self._put(value, tree, name)
        return self._found[id(tree)][1]

    def _put(self, value: Any, tree: Tree, name: str) -> Any:
        if isinstance(tree, Saved):
            return self._put_saved(value, tree, name)
        if isinstance(tree, dict):
            mine: Any = value if type(value) is type(tree) else {}
            items = {key: self.put(mine.get(key), item, place(name, key)) for key, item in tree.items()}
            return _filled(value, items) if type(value) is type(tree) else _like(tree, items)
        if isinstance(tree, list | tuple | deque):
            before = list(value) if isinstance(value, list | tuple | deque) else []
            found = [self.put(before[i] if i < len(before) else None, item, f"{name}[{i}]") for i, item in enumerate(tree)]
            if isinstance(tree, tuple):
                same = type(value) is type(tree) and len(found) == len(before) and all(map(_is, found, before))
                return value if same else tuple.__new__(type(tree), found)
            if type(value) is type(tree) and getattr(value, "maxlen", None) == getattr(tree, "maxlen", None):
                value.clear()
                value.extend(found)
                return value
            return found if isinstance(tree, list) else deque(found, tree.maxlen)
        if isinstance(tree, set | bytearray) and type(value) is type(tree):
            value.clear()
            value.update(tree) if isinstance(value, set) else value.extend(tree)
            return value
        if is_array(tree) and is_array(value) and isinstance(tree, np.ndarray) == isinstance(value, np.ndarray):
            return _copied(value, tree, name)
        return tree

    def _put_saved(self, value: Any, saved: Saved, name: str) -> Any:
        if saved.kind == "generator":
            if value is not None and not is_generator(value):
                raise InvalidState(
                    f"{name} was a random generator at the checkpoint and is now a {type(value).__name__!r}; "
                    "hand in the same kinds of objects."
                )
            return restored_generator(value, saved)
        if "like" in saved.extra:
            value = copy.deepcopy(self._built[saved.extra["like"]])
        fits = isinstance(value, dict | list) if saved.kind in ("dict", "list") else is_stateful(value)
        if not fits or type(value).__qualname__ != saved.cls:
            raise InvalidState(
                f"{name} was a {saved.cls!r} at the checkpoint and is now a {type(value).__qualname__!r}; "
                "hand in the same kinds of objects, built from trial.config alone."
            )
        if saved.kind == "optimizer":
            self._later.append((value, saved, name))
        else:
            self._load(value, saved, name)
        return value

    def _load(self, value: Any, saved: Saved, name: str) -> None:
        if saved.kind in ("dict", "list"):
            before = dict(value) if saved.kind == "dict" else dict(enumerate(value))
            pairs = saved.state.items() if saved.kind == "dict" else enumerate(saved.state)
            items = {key: self.put(before.get(key), item, place(name, key)) for key, item in pairs}
            if saved.kind == "dict":
                _filled(value, items)
            else:
                value[:] = list(items.values())
            if "vars" in saved.extra:
                self.put(vars(value), saved.extra["vars"], f"vars({name})")
            return
        try:
            if saved.kind == "module":
                restore_module(value, saved, name)
            elif saved.kind == "optimizer":
                restore_optimizer(value, saved)
            else:
                value.load_state_dict(saved.state)
        except InvalidState:
            raise
        except Exception as error:  # code of torch or the user
            raise InvalidState(
                f"{name} cannot be restored: {type(value).__name__}.load_state_dict() raised {type(error).__name__}: {error}. "
                "Build it from trial.config alone, the same each time, and all of it before steps()."
            ) from error


def _is(a: object, b: object) -> bool:
    return a is b


def _like(value: Any, items: dict[Any, Any]) -> Any:
    """Returns a new dict of the type of ``value``."""
    return _filled(type(value)(value.default_factory) if isinstance(value, defaultdict) else type(value)(), items)


def _filled(value: Any, items: dict[Any, Any]) -> Any:
    value.clear()
    for key, item in items.items():  # a Counter's update would add
        value[key] = item
    return value


def _copied(value: Any, tree: Any, name: str) -> Any:
    """Copies an array into another of its shape and dtype."""
    for what, now, then in (("shape", tuple(value.shape), tuple(tree.shape)), ("dtype", value.dtype, tree.dtype)):
        if now != then:
            raise InvalidState(f"{name} has {what} {now}, but its checkpoint has {then}; build it from trial.config alone.")
    if isinstance(value, np.ndarray):
        if not value.flags.writeable:
            return value if value.tobytes() == tree.tobytes() else tree
        value[...] = tree
        value.flags.writeable = tree.flags.writeable
        return value
    with sys.modules["torch"].no_grad():
        value.copy_(tree)
    if value.is_leaf and value.requires_grad != tree.requires_grad:
        value.requires_grad_(tree.requires_grad)
    if value.is_leaf and (value.grad is not None or tree.grad is not None):
        value.grad = None if tree.grad is None else tree.grad.to(value.device)
    return value
