"""The state of a random number generator of Python, NumPy or torch: read as a tree, and put into that generator or one like it."""

from __future__ import annotations

import random
import sys
from typing import Any

import numpy as np

from shoestring.errors import InvalidState
from shoestring.state.packing import Saved, Tree, refuse

_BIT_GENERATORS = ("PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64")


def generator_name(value: Any) -> str:
    """Returns what kind of generator a value is."""
    inner = f"/{type(value.bit_generator).__name__}" if isinstance(value, np.random.Generator) else ""
    return f"{type(value).__module__.partition('.')[0]}.{type(value).__name__}{inner}"


def generator_state(value: Any, name: str) -> Tree:
    """Returns the state of a generator as a tree.

    Raises:
        InvalidState: it has none.
    """
    try:
        if isinstance(value, random.Random):
            version, words, gauss = value.getstate()
            return (version, np.array(words, np.uint32), gauss)
        if isinstance(value, np.random.Generator):
            return (value.bit_generator.state, _spawned(value))
        if isinstance(value, np.random.RandomState):
            return value.get_state(legacy=False)
        return value.get_state()
    except NotImplementedError:
        refuse(name, value, "It has no state that could be restored.")


def _spawned(value: np.random.Generator) -> Tree:
    """Returns what decides which generators this one spawns next."""
    seeds: Any = value.bit_generator.seed_seq
    if type(seeds) is not np.random.SeedSequence:
        return None
    found = {name: getattr(seeds, name) for name in ("entropy", "spawn_key", "pool_size", "n_children_spawned")}
    return found | {"entropy": seeds.entropy.tolist() if isinstance(seeds.entropy, np.ndarray) else seeds.entropy}


def restored_generator(value: Any, saved: Saved) -> Any:
    """Returns a generator in a saved state: ``value`` if it is of the same kind, otherwise a new one.

    Raises:
        InvalidState: it is of a kind that cannot be made.
    """
    name, state = saved.cls, saved.state
    made: Any
    in_place = value is not None and generator_name(value) == name
    if name.endswith(".Random"):
        version, words, gauss = state
        made = value if in_place else random.Random()
        made.setstate((version, tuple(words.tolist()), gauss))
    elif name.startswith("numpy.Generator/"):
        numbers, spawned = state
        kind = name.rpartition("/")[2]
        if not in_place and kind not in _BIT_GENERATORS:
            raise InvalidState(f"a random generator of kind {name} was saved and is not there now; hand in the same kinds of objects.")
        made = value if in_place else np.random.Generator(getattr(np.random, kind)())
        made.bit_generator.state = numbers
        if spawned and _spawned(made) != spawned:
            made.bit_generator.__setstate__((numbers, np.random.SeedSequence(**spawned)))
    else:
        made = value if in_place else np.random.RandomState() if "RandomState" in name else sys.modules["torch"].Generator()
        made.set_state(state)
    return made
