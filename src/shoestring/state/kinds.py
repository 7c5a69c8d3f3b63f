"""The kinds of objects that a state can hold besides plain data: what has a ``state_dict``, generators, arrays."""

from __future__ import annotations

import random
import sys
from collections import deque
from typing import Any, Protocol, TypeGuard, runtime_checkable

import numpy as np

ATOMS = (bool, int, float, str, type(None))
CONTAINERS = (dict, list, tuple, deque)


@runtime_checkable
class Stateful(Protocol):
    """Anything that can tell its state and take it back."""

    def state_dict(self) -> Any:
        """Returns the state."""

    def load_state_dict(self, state: Any) -> Any:
        """Takes the state back."""


def is_stateful(value: object) -> TypeGuard[Stateful]:
    """Tells whether a value can tell its state and take it back; a class cannot, only its objects."""
    return isinstance(value, Stateful) and not isinstance(value, type)


def is_array(value: object) -> TypeGuard[Any]:
    """Tells whether a value is a NumPy array or a torch tensor."""
    torch = sys.modules.get("torch")
    return isinstance(value, np.ndarray) or bool(torch and isinstance(value, torch.Tensor))


def is_generator(value: object) -> bool:
    """Tells whether a value is a random number generator of Python, NumPy or torch."""
    torch = sys.modules.get("torch")
    known = isinstance(value, random.Random | np.random.Generator | np.random.RandomState)
    return known or bool(torch and isinstance(value, torch.Generator))


def is_changeable(value: object) -> bool:
    """Tells whether a value is restored in place where it can be, so that it matters which object it is."""
    return isinstance(value, dict | list | deque | set | bytearray) or is_array(value) or is_stateful(value) or is_generator(value)
