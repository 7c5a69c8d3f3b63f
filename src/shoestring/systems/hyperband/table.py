"""Tables of finished learning curves: the one that comes with this system, 400 networks on Fashion-MNIST, and two made to deceive.

A table is what a search is replayed on, so that a scheduler can be tried hundreds of times for the price of one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from shoestring import Space
from shoestring.errors import UsageError
from shoestring.systems.hyperband.task import NETS, Net, space

PATH = Path(__file__).with_name("curves.npz")
HORIZON = 81
DIVERGED = 65535  # in the file, where errors are counts
N_VALID = N_TEST = 1000


@dataclass(frozen=True)
class Curves:
    """Learning curves, lower is better.

    Attributes:
        errors: ``(n_configs, horizon)``, what a search sees after each unit; ``inf`` from where a trial has diverged.
        test_errors: the same shape: what the found configuration is worth at that unit. Without a test set, ``errors`` again.
        space: the space of the configurations, for a sampler that learns; None where there is none.
        places: ``(n_configs, n_params)``, where in the unit cube of that space they lie.
    Raises:
        UsageError: the shapes do not fit, or a number is NaN.
    """

    errors: NDArray[np.float64]
    test_errors: NDArray[np.float64]
    space: Space | None = None
    places: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        if self.errors.ndim != 2 or not self.errors.size or self.errors.shape != self.test_errors.shape:
            raise UsageError(
                f"errors of shape {self.errors.shape} and test errors of shape {self.test_errors.shape} must be those of "
                "a table: two arrays (n_configs, horizon) of one shape."
            )
        if np.isnan(self.errors).any():
            raise UsageError("the errors hold NaN; write inf from where a trial has diverged.")

    @property
    def horizon(self) -> int:
        """The most units that a trial can get, the paper's R."""
        return int(self.errors.shape[1])

    def part(self, rows: slice) -> Curves:
        """Returns the table of some of the configurations."""
        return replace(
            self, errors=self.errors[rows], test_errors=self.test_errors[rows], places=None if self.places is None else self.places[rows]
        )

    def blinded(self, units: int, rng: np.random.Generator) -> Curves:
        """Returns the table with errors that say nothing in the first ``units`` units: chance level for ten classes, give or take .05."""
        errors = self.errors.copy()
        errors[:, :units] = rng.uniform(0.85, 0.95, errors[:, :units].shape)
        return replace(self, errors=errors)


@lru_cache(maxsize=len(NETS))
def fashion_mnist_curves(net: Net) -> Curves:
    """Returns 200 configurations of one network, 81 units each; ``benchmarks/systems/hyperband_tabulate.py`` made them."""
    with np.load(PATH) as file:
        errors, test_errors = (_errors(file[f"{net}_{name}"], n) for name, n in (("error", N_VALID), ("test_error", N_TEST)))
        columns = {name: file[f"{net}_{name}"].tolist() for name in space(net).names}
    places = [space(net).encode(dict(zip(columns, values, strict=True))) for values in zip(*columns.values(), strict=True)]
    return Curves(errors, test_errors, space(net), np.array(places))


def crossing_curves(n_configs: int, horizon: int, rng: np.random.Generator) -> Curves:
    """Returns straight lines that all cross between the last two units: who leads before is last in the end.

    The final errors are uniform on 0 to 1. Before the end, errors lie above 1 and in the reverse order, so that every early stop takes
    the worst: the worst case for a search that stops trials early, in its simplest form.
    """
    final = rng.random((n_configs, 1))
    falling = np.linspace(1, 0, horizon - 1)[None] if horizon > 1 else np.empty((1, 0))
    errors = np.hstack([2 - final + falling, final])
    return Curves(errors, errors)


def _errors(counts: NDArray[np.uint16], n: int) -> NDArray[np.float64]:
    return np.where(counts == DIVERGED, np.inf, counts / n)
