"""The objects handed to ``trial.steps`` as they were built: which stood where, and how modules and optimizers were made up."""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Mapping
from typing import Any

from shoestring.state.kinds import ATOMS, is_array, is_changeable, is_stateful
from shoestring.state.modules import attributes, is_built_like, is_module, outline
from shoestring.state.packing import place, refuse


class Built:
    """The objects that can be changed, by the place where each was when it was handed over; none of them is kept alive for that alone."""

    def __init__(self) -> None:
        self._at: dict[int, tuple[str, Any]] = {}  # by id: place, and the object or a reference to it
        self._taken: set[str] = set()
        self.outlines: dict[str, Mapping[str, Any]] = {}
        self.attributes: dict[str, Mapping[str, Any]] = {}

    def add(self, value: Any, name: str) -> None:
        """Adds an object and what it holds."""
        if type(value) in ATOMS:
            return
        if is_changeable(value):
            self._taken.add(name)
            if id(value) in self._at:
                return
            self._at[id(value)] = name, weakref.ref(value) if is_array(value) else value
        if is_stateful(value):
            self.outlines[name] = outline(value)
            if is_module(value):
                self.attributes[name] = attributes(value)
        elif isinstance(value, dict):
            for key, item in value.items():
                if type(item) not in ATOMS:
                    self.add(item, place(name, key))
        elif isinstance(value, list | tuple | deque):
            for i, item in enumerate(value):
                if type(item) not in ATOMS:
                    self.add(item, f"{name}[{i}]")

    def place_of(self, value: Any) -> str | None:
        """Returns where an object was, None if it is a new one."""
        name, known = self._at.get(id(value), ("", None))
        known = known() if isinstance(known, weakref.ref) else known
        return name if known is value else None

    def was_anything_at(self, name: str) -> bool:
        """Tells whether there was an object at a place."""
        return name in self._taken

    def places(self) -> list[tuple[str, Any]]:
        """Returns all places and what was there, if it is still alive."""
        return [(name, known() if isinstance(known, weakref.ref) else known) for name, known in self._at.values()]

    def model_of(self, value: Any, name: str) -> str:
        """Returns the place of a module of which a copy could stand for one that was made while training.

        Raises:
            InvalidState: there is none.
        """
        like = next((at for at, other in self.places() if is_module(value) and is_built_like(value, other)), None)
        if like is None:
            advice = f"Store {name}.state_dict(), copied with copy.deepcopy, or build it before steps()."
            refuse(name, value, f"It was made while training, so that nothing takes its state back at a resume. {advice}")
        return like
