"""The thresholds that T-MIX must reach, c(N, alpha), from a table that this module can also derive again.

Not a formula: Ville's inequality allows 1 / alpha, but with at most N looks the true level is then less than half of alpha. The table was
made by simulating standard normal differences (the statistic depends neither on their scale nor, under the null, on anything else):

    python -m shoestring.stats.tmix_thresholds

Source: Lindon et al. 2022, "Anytime-valid inference in linear models", arXiv:2210.08589, for the statistic; the calibration is our own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import final

import numpy as np
from numpy.typing import NDArray

TABLE_G = 0.5
ALPHAS = (
    0.001,
    0.002,
    0.0025,
    0.005,
    0.0075,
    0.01,
    0.0125,
    0.0166,
    0.02,
    0.025,
    0.03,
    0.04,
    0.05,
    0.06,
    0.08,
    0.1,
    0.13,
    0.16,
    0.2,
    0.25,
    0.3,
    0.4,
    0.5,
)
HORIZONS = (*range(3, 31), 35, 40, 45, 50, 60, 70, 80, 100, 125, 150, 200, 300, 500, 700, 1000)
_FILE = "tmix_thresholds.json"


@final
@dataclass(frozen=True, slots=True)
class Thresholds:
    """The table.

    Attributes:
        alphas: ``(n_alphas,)``, increasing.
        horizons: ``(n_horizons,)``, increasing.
        log_c: ``(n_horizons, n_alphas)``.
    """

    alphas: NDArray[np.float64]
    horizons: NDArray[np.float64]
    log_c: NDArray[np.float64]

    def at(self, horizon: int) -> NDArray[np.float64]:
        """Returns log c of every alpha, ``(n_alphas,)``, linear in log N between two horizons.

        Raises:
            ValueError: the horizon is outside of the table.
        """
        if not self.horizons[0] <= horizon <= self.horizons[-1]:
            raise ValueError(
                f"horizon={horizon} has no calibrated threshold; allowed are {self.horizons[0]:.0f} to {self.horizons[-1]:.0f}. "
                "Take horizon=None for a study without end."
            )
        return np.array([np.interp(np.log(horizon), np.log(self.horizons), column) for column in self.log_c.T])


@cache
def table() -> Thresholds:
    """Returns the table that comes with the package."""
    stored = json.loads((files("shoestring.stats") / _FILE).read_text())
    return Thresholds(np.array(stored["alphas"]), np.array(stored["horizons"], dtype=np.float64), np.array(stored["log_c"]))


@cache
def log_threshold(horizon: int, alpha: float) -> float:
    """Returns log c(N, alpha) for ``g = 0.5`` and looks at every n >= 3; linear in log alpha between two entries.

    Args:
        horizon: N.
        alpha: two-sided error rate.
    Raises:
        ValueError: one of the two is outside of the table.
    """
    thresholds = table()
    row = thresholds.at(horizon)
    if not thresholds.alphas[0] <= alpha <= thresholds.alphas[-1]:
        raise ValueError(
            f"a two-sided alpha of {alpha:g} has no threshold; allowed are {thresholds.alphas[0]:g} to {thresholds.alphas[-1]:g}."
        )
    return float(np.interp(np.log(alpha), np.log(thresholds.alphas), row))


def level_of(horizon: int, log_e: float) -> float:
    """Returns the two-sided error rate whose threshold ``log_e`` just reaches.

    The table's smallest alpha is the least that it returns; below the threshold of its largest alpha it returns 1.
    """
    thresholds = table()
    row = thresholds.at(horizon)
    if log_e < row[-1]:
        return 1.0
    if log_e >= row[0]:
        return float(thresholds.alphas[0])
    return float(np.exp(np.interp(-log_e, -row, np.log(thresholds.alphas))))


def derive(n_paths: int, horizons: tuple[int, ...], alphas: tuple[float, ...], rng: np.random.Generator) -> NDArray[np.float64]:
    """Returns log c, ``(n_horizons, n_alphas)``, by simulation.

    The relative error of a rate is about ``1 / sqrt(n_paths * alpha)``; 200,000 paths to N = 30 take a second.
    """
    tops = np.concatenate(list(_running_maxima(n_paths, horizons, rng)), axis=1)
    return np.array([np.quantile(row, 1 - np.array(alphas)) for row in tops])


def _running_maxima(
    n_paths: int, horizons: tuple[int, ...], rng: np.random.Generator, chunk: int = 10_000
) -> Iterator[NDArray[np.float32]]:
    """Yields ``(n_horizons, chunk)``: the largest log E up to each horizon, of ``n_paths`` paths in all."""
    for start in range(0, n_paths, chunk):
        size = min(chunk, n_paths - start)
        mean, square, top = np.zeros(size), np.zeros(size), np.full(size, -np.inf)
        tops = []
        for n in range(1, horizons[-1] + 1):
            draw = rng.standard_normal(size)
            gap = draw - mean
            mean += gap / n
            square += gap * (draw - mean)
            if n >= 3:
                shrink = 1 + n * TABLE_G
                signal = n * mean**2
                np.maximum(top, n / 2 * np.log((square + signal) / (square + signal / shrink)) - 0.5 * np.log(shrink), out=top)
            if n in horizons:
                tops.append(top.astype(np.float32))
        yield np.array(tops)


def _write(path: Path, n_paths: int, seed: int) -> None:
    log_c = derive(n_paths, HORIZONS, ALPHAS, np.random.default_rng(seed))
    rows = ",\n".join(f"    {json.dumps([round(float(value), 5) for value in row])}" for row in log_c)
    head = {"g": TABLE_G, "n_paths": n_paths, "seed": seed, "alphas": ALPHAS, "horizons": HORIZONS}
    lines = ",\n".join(f'  "{key}": {json.dumps(value)}' for key, value in head.items())
    path.write_text(f'{{\n{lines},\n  "log_c": [\n{rows}\n  ]\n}}\n')


if __name__ == "__main__":
    _write(Path(__file__).with_name(_FILE), n_paths=8_000_000, seed=2017)
