"""Which object of a frame is which of the frame before: the paper's likelihood, and the best assignment of all at once.

It sees no pixels and learns one thing: how often each type became each other, or nothing. Source: Garnelo, Arulkumaran and Shanahan 2016,
arXiv:1609.05518, section 3.2; weights as in the public code PyDSRL.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from shoestring.errors import UsageError
from shoestring.systems.symbolic_rl.scene import Objects, Scene

Floats = NDArray[np.float64]


class Tracker:
    """Follows typed objects from frame to frame.

    Two objects of successive frames are the same with likelihood ``L = w1 / (1 + d) + w2 P(type -> type') + w3 / (1 + |N - N'|)``: their
    distance, how often that type became that other, and the change in their number of neighbours. Vanishing and appearing are changes to
    and from no type: ``L = w2 P``. The assignment with the largest sum of likelihoods is taken.

    Attributes:
        counts: ``(n_types + 1, n_types + 1)`` float64, how often each type became each other; the last is no type.
    """

    # Differs: the public code takes the first match in turn; the best assignment of all is what the likelihood asks for.

    def __init__(
        self,
        n_types: int = 8,
        *,
        weights: tuple[float, float, float] = (2.0, 1.0, 1.0),
        radius: float = 15.0,
        persistence: float = 10.0,
        n_slots: int = 64,
    ) -> None:
        """Begins with nothing in sight.

        Args:
            n_types: the most types that there can be.
            weights: ``w1, w2, w3``, of distance, type and neighbourhood.
            radius: within it, objects are neighbours; in the unit of positions.
            persistence: how often each type is taken to have stayed itself before anything was seen; every other change counts once.
            n_slots: the most objects in a frame.
        Raises:
            UsageError: sizes below 1, or anything negative.
        """
        if n_types < 1 or n_slots < 1 or min(*weights, radius, persistence) < 0:
            raise UsageError(f"n_types={n_types}, n_slots={n_slots}: give 1 or more of each, and weights, radius and persistence from 0.")
        self.weights, self.radius, self.n_types, self.n_slots = weights, radius, n_types, n_slots
        self.counts = np.ones((n_types + 1, n_types + 1))  # so that no change is impossible, and no count is zero
        self.counts[range(n_types), range(n_types)] = 1 + persistence
        self.reset()

    def reset(self) -> None:
        """Forgets what was in sight, as at the start of an episode; what was learnt of types stays."""
        self._ids = np.full(self.n_slots, -1)
        self._types = np.full(self.n_slots, -1)
        self._positions = np.zeros((self.n_slots, 2))
        self._last = Objects(np.empty(0, np.int64), np.empty((0, 2)))
        self._slots = np.empty(0, np.int64)
        self._next, self._is_first = 0, True

    def update(self, objects: Objects) -> Scene:
        """Returns the objects in their slots; a slot left by an object stays empty for one frame at least.

        Raises:
            UsageError: more objects than slots, or a type beyond ``n_types``.
        """
        if len(objects) and objects.types.max() >= self.n_types:
            raise UsageError(f"type {objects.types.max()} is one too many for n_types={self.n_types}; raise n_types.")
        old, new = self.match(self._last, objects)
        slots = np.full(len(objects), -1)
        slots[new] = self._slots[old]
        empty = np.flatnonzero(self._ids < 0)
        appeared = np.flatnonzero(slots < 0)
        if len(appeared) > len(empty):
            raise UsageError(f"{len(objects)} objects are too many to follow in n_slots={self.n_slots}; raise n_slots.")
        slots[appeared] = empty[: len(appeared)]
        ids = np.full(self.n_slots, -1)
        ids[slots[new]] = self._ids[slots[new]]
        ids[slots[appeared]] = self._next + np.arange(len(appeared))
        self._next += len(appeared)
        if not self._is_first:  # in a first frame nothing appears: it was there
            self._learn(self._last.types, objects.types, old, new)
        self._ids, self._types, self._positions = ids, np.full(self.n_slots, -1), np.zeros((self.n_slots, 2))
        self._types[slots], self._positions[slots] = objects.types, objects.positions
        self._last, self._slots, self._is_first = objects, slots, False
        return Scene(ids, self._types, self._positions)

    def match(self, before: Objects, after: Objects) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Returns the pairs of the best assignment, as indices into both; who is in no pair vanished or appeared."""
        n, m = len(before), len(after)
        if not n or not m:
            return np.empty(0, np.int64), np.empty(0, np.int64)
        chance = self.counts / self.counts.sum(1, keepdims=True)
        vanish = self.weights[1] * chance[before.types, -1]
        appear = self.weights[1] * chance[-1, after.types]
        # Each pair gains its likelihood and spares one vanishing and one appearing; pairs that would lose by it are none.
        gain = self.likelihood(before, after) - vanish[:, None] - appear
        rows, columns = linear_sum_assignment(np.maximum(gain, 0.0), maximize=True)
        is_pair = gain[rows, columns] > 0
        return rows[is_pair], columns[is_pair]

    def likelihood(self, before: Objects, after: Objects) -> Floats:
        """Returns ``L``, ``(n_before, n_after)``."""
        chance = self.counts / self.counts.sum(1, keepdims=True)
        distance = np.sqrt(((before.positions[:, None] - after.positions) ** 2).sum(-1))
        change = np.abs(self._neighbours(before)[:, None] - self._neighbours(after))
        w1, w2, w3 = self.weights
        return np.asarray(w1 / (1 + distance) + w2 * chance[before.types[:, None], after.types] + w3 / (1 + change))

    def state_dict(self) -> dict[str, Any]:
        """Returns what was learnt."""
        return {"counts": self.counts.copy()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Takes it back; nothing is in sight then."""
        self.counts = np.array(state["counts"], dtype=np.float64)
        self.reset()

    def _neighbours(self, objects: Objects) -> NDArray[np.int64]:
        distance2 = ((objects.positions[:, None] - objects.positions) ** 2).sum(-1)
        return np.asarray((distance2 <= self.radius**2).sum(1) - 1)

    def _learn(self, before: NDArray[np.int64], after: NDArray[np.int64], old: NDArray[np.int64], new: NDArray[np.int64]) -> None:
        gone, come = np.delete(before, old), np.delete(after, new)
        none = self.n_types  # the row and column of no type
        np.add.at(self.counts, (before[old], after[new]), 1)
        np.add.at(self.counts, (gone, np.full_like(gone, none)), 1)
        np.add.at(self.counts, (np.full_like(come, none), come), 1)
