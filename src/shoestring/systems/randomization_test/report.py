"""What a randomisation test found, as a table, as sentences, and as plain data."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy.special import betaincinv, stdtrit

from shoestring.systems.randomization_test.complexity import Norms, Stability

Interval = tuple[float, float]


def binomial_interval(successes: int, n: int, level: float = 0.95) -> Interval:
    """Returns the exact (Clopper and Pearson 1934) interval of a chance."""
    tail = (1 - level) / 2
    low = 0.0 if successes == 0 else float(betaincinv(successes, n - successes + 1, tail))
    high = 1.0 if successes == n else float(betaincinv(successes + 1, n - successes, 1 - tail))
    return low, high


def mean_interval(values: tuple[float, ...], level: float = 0.95) -> Interval:
    """Returns Student's interval of a mean; all numbers if there is one value only."""
    if len(values) < 2:
        return -math.inf, math.inf
    half = float(stdtrit(len(values) - 1, (1 + level) / 2)) * float(np.std(values, ddof=1)) / math.sqrt(len(values))
    return float(np.mean(values)) - half, float(np.mean(values)) + half


@dataclass(frozen=True)
class Row:
    """What came of one variant under one regulariser.

    Attributes:
        variant, regulariser: their names.
        fitted_at: the first epoch at which each network was fitted, None where it was not.
        train, test: accuracies at the end; of ``"signs"`` the test accuracy means nothing.
        norms: of the networks at the end.
        seconds: of training all of them.
    """

    variant: str
    regulariser: str
    fitted_at: tuple[int | None, ...]
    train: tuple[float, ...]
    test: tuple[float, ...]
    norms: Norms
    seconds: float

    @property
    def n_fitted(self) -> int:
        """How many networks were fitted."""
        return sum(at is not None for at in self.fitted_at)

    @property
    def epochs(self) -> float | None:
        """Mean epochs to be fitted, None unless all were."""
        at = [epoch for epoch in self.fitted_at if epoch is not None]
        return float(np.mean(at)) if len(at) == len(self.fitted_at) else None

    @property
    def gap(self) -> float:
        """Mean training accuracy less mean test accuracy."""
        return float(np.mean(self.train) - np.mean(self.test))

    def __str__(self) -> str:
        with_ = "" if self.regulariser == "none" else f" with {self.regulariser}"
        return (
            f"{self.variant}{with_}: {self.n_fitted} of {len(self.train)} fitted, train {np.mean(self.train):.4f}, "
            f"test {np.mean(self.test):.4f}, {self.seconds:.1f}s"
        )


@dataclass(frozen=True)
class Report:
    """What a randomisation test found.

    Attributes:
        rows: by variant and regulariser, the true labels first.
        stability: how far networks move when an example is left out, by variant.
        n_classes, n_test, n_weights: of the problem and of one network.
        fitted: the training accuracy that counts as fitted.
        epochs: the most epochs.
        skipped: what the budget had no time for.
        seconds: in all.
    """

    rows: tuple[Row, ...]
    stability: Mapping[str, Stability]
    n_classes: int
    n_test: int
    n_weights: int
    fitted: float
    epochs: int
    skipped: tuple[str, ...]
    seconds: float

    def row(self, variant: str, regulariser: str = "none") -> Row | None:
        """Returns a row, None if it was not run."""
        return next((row for row in self.rows if (row.variant, row.regulariser) == (variant, regulariser)), None)

    def slowdown(self, row: Row) -> float | None:
        """Returns the epochs to fit a row against those to fit true labels without regulariser; None unless all of both were fitted."""
        true = self.row("true")
        return row.epochs / true.epochs if row.epochs and true and true.epochs else None

    @property
    def rademacher(self) -> Interval | None:
        """Interval of how well random signs are fitted, ``E 2 accuracy - 1``: a lower limit of the empirical Rademacher complexity."""
        row = self.row("signs")
        return None if row is None else mean_interval(tuple(2 * accuracy - 1 for accuracy in row.train))

    def table(self) -> str:
        """Returns all rows as text."""
        head = ("variant", "regulariser", "fitted", "epochs", "times", "train", "test", "gap", "spectral", "moved", "seconds")
        lines = [head, *(self._cells(row) for row in self.rows)]
        widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
        return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines)

    def _cells(self, row: Row) -> tuple[str, ...]:
        times = self.slowdown(row)
        return (
            row.variant,
            row.regulariser,
            f"{row.n_fitted}/{len(row.train)}",
            f">{self.epochs}" if row.epochs is None else f"{row.epochs:.1f}",
            "" if times is None else f"{times:.2f}",
            f"{np.mean(row.train):.4f}",
            "" if row.variant == "signs" else f"{np.mean(row.test):.4f}",
            "" if row.variant == "signs" else f"{row.gap:.4f}",
            f"{np.mean(row.norms.spectral):.3g}",
            f"{np.mean(row.norms.moved):.3g}",
            f"{row.seconds:.1f}",
        )

    def verdict(self) -> str:
        """Returns what may be said, and what may not, one sentence a line."""
        return "\n".join(self._sentences())

    def _sentences(self) -> Iterator[str]:
        for row in self.rows:
            if row.regulariser == "none" and row.variant in ("random-labels", "random-pixels", "gaussian"):
                yield self._memory(row)
        if random := self.row("random-labels"):
            low, high = mean_interval(random.test)
            found = f"after random labels the test accuracy is {np.mean(random.test):.4f} ({low:.4f} to {high:.4f} over seeds)"
            yield f"{found}; chance is {1 / self.n_classes:.4f}."
        yield from self._gaps()
        yield from self._regularisers()
        if limits := self.rademacher:
            found = f"random signs are fitted to a correlation of {limits[0]:.3f} to {limits[1]:.3f}"
            yield f"{found}; near 1, bounds by the Rademacher complexity of this model say nothing."
        yield from self._moves()
        if self.skipped:
            yield f"the budget had no time for: {', '.join(self.skipped)}."

    def _memory(self, row: Row) -> str:
        n, times = len(row.train), self.slowdown(row)
        low, high = binomial_interval(row.n_fitted, n)
        chance = f"{row.n_fitted} of {n} networks (chance {low:.2f} to {high:.2f}) reach training accuracy {self.fitted:g}"
        if row.n_fitted < n:
            return f"{row.variant} cannot all be memorised in {self.epochs} epochs: {chance}, the mean is {np.mean(row.train):.4f}."
        cost = "" if times is None else f", in {times:.2f} times the epochs of true labels"
        return f"{row.variant} are memorised: {chance}{cost}."

    def _gaps(self) -> Iterator[str]:
        steps = [(_share(row.variant), row.gap) for row in self.rows if row.regulariser == "none" and _share(row.variant) is not None]
        if len(steps) > 1:
            text = ", ".join(f"{share:.0%} {gap:.3f}" for share, gap in sorted(steps))
            yield f"the gap between training and test accuracy by share of labels drawn anew: {text}."

    def _regularisers(self) -> Iterator[str]:
        none = self.row("true")
        for row in self.rows:
            if row.regulariser != "none" and row.variant == "true" and none:
                random = self.row("random-labels", row.regulariser)
                also = f"; of random labels it leaves {random.n_fitted} of {len(random.train)} fitted" if random else ""
                difference = np.mean(row.test) - np.mean(none.test)
                yield f"{row.regulariser} changes the test accuracy on true labels by {difference:+.4f}, to {np.mean(row.test):.4f}{also}."

    def _moves(self) -> Iterator[str]:
        for variant, moved in self.stability.items():
            yield (
                f"with one example less, {variant}: predictions move by {np.mean(moved.predictions):.4f}, parameters by "
                f"{np.mean(moved.parameters):.4f} of their norm; of the examples {np.mean(moved.memorised):.0%} were right only by memory."
            )

    def to_json(self) -> dict[str, Any]:
        """Returns it as plain data."""
        return {
            "rows": [
                asdict(row) | {"n_fitted": row.n_fitted, "epochs": row.epochs, "gap": row.gap, "slowdown": self.slowdown(row)}
                for row in self.rows
            ],
            "stability": {variant: asdict(moved) for variant, moved in self.stability.items()},
            "rademacher": limits if (limits := self.rademacher) and math.isfinite(limits[0]) else None,
            "verdict": list(self._sentences()),
            **{name: getattr(self, name) for name in ("n_classes", "n_test", "n_weights", "fitted", "epochs", "skipped", "seconds")},
        }

    def __str__(self) -> str:
        return f"{self.table()}\n\n{self.verdict()}"


def _share(variant: str) -> float | None:
    """Returns the share of labels that a variant draws anew, None if it changes the inputs."""
    named = {"true": 0.0, "random-labels": 1.0}
    return named[variant] if variant in named else float(variant[8:-1]) / 100 if variant.startswith("corrupt-") else None
