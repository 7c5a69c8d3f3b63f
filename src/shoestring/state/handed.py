"""What a training function hands to ``trial.steps``: known as it was built, saved, and restored into what is built the next time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from shoestring.errors import InvalidState
from shoestring.state.built import Built
from shoestring.state.capture import Capture, Restore, check_restorable
from shoestring.state.modules import span_of
from shoestring.state.packing import Tree, to_bytes


class Handed:
    """The objects handed to ``steps``, from before the first unit of a lease on.

    Args:
        stateful: the objects by name.
    Raises:
        InvalidState: one cannot be restored in place.
    """

    def __init__(self, stateful: Mapping[str, object]) -> None:
        check_restorable(stateful)
        self._stateful = stateful
        self._built = Built()
        for name, value in stateful.items():
            self._built.add(value, name)

    def capture(self) -> dict[str, Tree]:
        """Returns what the objects hold, by name.

        Raises:
            InvalidState: something could not be restored into what the function builds at its start; the message says where.
        """
        found = Capture(self._built)
        trees = {name: found.of(value, name) for name, value in self._stateful.items()}
        _check_shared(found.arrays)
        return trees

    def restore(self, trees: Mapping[str, Tree]) -> None:
        """Puts the states back into the objects.

        Raises:
            InvalidState: they do not fit.
        """
        if missing := trees.keys() ^ self._stateful.keys():
            raise InvalidState(
                f"steps() was handed other objects than at the checkpoint ({', '.join(sorted(missing))}); hand in the same each time."
            )
        restoring = Restore(dict(self._built.places()))
        for name, value in self._stateful.items():
            if restoring.put(value, trees[name], name) is not value:
                raise InvalidState(
                    f"{name} is a {type(value).__name__!r}, and was none at the checkpoint; hand in the same kinds of objects."
                )
        restoring.finish()

    def holds(self, trees: Mapping[str, Tree]) -> bool:
        """Tells whether the objects, as built now, hold just what these states hold."""
        with suppress(InvalidState):
            return to_bytes(dict(trees), "") == to_bytes(self.capture(), "")
        return False


def _check_shared(arrays: Sequence[tuple[str, Any, bool]]) -> None:
    """Checks that no array made while training shares memory with another: restored, the two would be apart.

    Raises:
        InvalidState: one does.
    """
    if all(built for _, _, built in arrays):
        return
    spans = sorted((*span, name, built) for name, value, built in arrays if (span := span_of(value)))
    furthest = ("", -1, "", True)
    for device, start, end, name, built in spans:
        if device == furthest[0] and start < furthest[1] and not (built and furthest[3]):
            mine, other = (furthest[2], name) if built else (name, furthest[2])
            raise InvalidState(
                f"{mine} shares its memory with {other}, and a pause would part them. Store a copy, made with copy.deepcopy."
            )
        if device != furthest[0] or end > furthest[1]:
            furthest = (device, end, name, built)
