"""What is seen in a frame: typed objects at positions, before and after someone told which is which."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shoestring.errors import UsageError


@dataclass(frozen=True)
class Objects:
    """The objects of one frame, in no order.

    Attributes:
        types: ``(n,)`` int64, from 0.
        positions: ``(n, 2)`` float64, row and column in pixels or any unit of length.
    Raises:
        UsageError: the shapes do not fit together, or a type is negative.
    """

    types: NDArray[np.int64]
    positions: NDArray[np.float64]

    def __post_init__(self) -> None:
        types, positions = np.asarray(self.types, np.int64), np.asarray(self.positions, np.float64)
        if types.ndim != 1 or positions.shape != (len(types), 2) or (types < 0).any():
            raise UsageError(
                f"types of shape {types.shape} and positions of shape {positions.shape} must be (n,) types from 0, and (n, 2) positions."
            )
        object.__setattr__(self, "types", types)
        object.__setattr__(self, "positions", positions)

    def __len__(self) -> int:
        return len(self.types)


@dataclass(frozen=True)
class Scene:
    """The objects of one frame, each in the slot that it had in the frame before.

    Attributes:
        ids: ``(n_slots,)`` int64, a number that an object keeps for as long as it is followed; -1 where a slot is empty.
        types: ``(n_slots,)`` int64; -1 where a slot is empty.
        positions: ``(n_slots, 2)`` float64.
    """

    ids: NDArray[np.int64]
    types: NDArray[np.int64]
    positions: NDArray[np.float64]
