"""Prints the tables of the README: the paper's brackets, and every method replayed on the table of learning curves.

    python benchmarks/systems/hyperband_evidence.py [--replays 500] [--methods hyperband,tpe]

The intervals are over replays of one table of 400 curves. What another table would give, the four pools hint at: each network's
configurations in two halves.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from shoestring.schedulers import brackets
from shoestring.systems.hyperband.replaying import ETA, METHODS, Clock, replay
from shoestring.systems.hyperband.table import HORIZON, Curves, fashion_mnist_curves
from shoestring.systems.hyperband.task import NETS, Net

PRICES = np.arange(0.5, 100.5, 0.5)  # in full trainings
SHOWN = (5, 10, 25, 50)
RANDOM_2X = "random-2x"
_BY_RANDOM_AT = 50
_WITH_A_MODEL = 25  # a model proposes in some 15 ms, and would take most of the time


def main() -> None:
    """Runs the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--replays", type=int, default=500)
    parser.add_argument("--methods", default=",".join(METHODS), help="with commas; random is always among them")
    options = parser.parse_args()
    n_replays, names = options.replays, dict.fromkeys(["random", *options.methods.split(",")])
    tables = {net: fashion_mnist_curves(net) for net in NETS}
    print("\n".join([*_brackets(), *_about(tables)]), flush=True)
    found = {name: _replayed(list(tables.values()), name, n_replays) for name in names}
    for clock in ("restart", "resume"):
        means = {name: its[clock].mean(0) for name, its in found.items()}  # (n_replays, n_prices), the networks' mean
        print("\n".join(_results(with_random_2x(means), clock)), flush=True)
    print("\n".join(_pools(tables, n_replays)))


def with_random_2x(found: dict[str, NDArray[np.float64]]) -> dict[str, NDArray[np.float64]]:
    """Returns the methods with random search at twice the price among them; ``(..., n_prices)`` each, NaN beyond what was replayed."""
    doubled = np.full_like(found["random"], np.nan)
    n = len(PRICES) // 2
    doubled[..., :n] = found["random"][..., 1::2]
    return found | {RANDOM_2X: doubled}


def _replayed(tables: list[Curves], name: str, n_replays: int) -> dict[Clock, NDArray[np.float64]]:
    """Returns the test errors by clock, ``(n_tables, n_replays, n_prices)``; NaN beyond 50R but for random search, or 25R with a model."""
    most = PRICES[-1] if name == "random" else _WITH_A_MODEL if METHODS[name].sampler else _BY_RANDOM_AT
    prices = PRICES[most >= PRICES]
    clocks: tuple[Clock, ...] = ("restart", "resume")
    found: dict[Clock, NDArray[np.float64]] = {clock: np.full((len(tables), n_replays, len(PRICES)), np.nan) for clock in clocks}
    for i, curves in enumerate(tables):
        for seed in range(n_replays):
            trace = replay(curves, METHODS[name], seed, prices[-1] * curves.horizon)
            for clock in clocks:
                found[clock][i, seed, : len(prices)] = trace.test_errors_at(prices * curves.horizon, clock)
    return found


def _brackets() -> Iterator[str]:
    yield f"Brackets at R = {HORIZON}, eta = {ETA}: trials x units; price restarting and resuming, in R"
    yield ""
    yield "| s | Algorithm 1 | price | Table 1 | price |"
    yield "| --- | --- | --- | --- | --- |"
    for pair in zip(brackets(HORIZON, ETA), brackets(HORIZON, ETA, table1=True), strict=True):
        cells = []
        for bracket in pair:
            cells.append(", ".join(f"{n} x {unit}" for n, unit in bracket.rungs))
            cells.append(" / ".join(f"{bracket.units(resume=resume) / HORIZON:.2f}" for resume in (False, True)))
        yield f"| {pair[0].s} | {' | '.join(cells)} |"


def _about(tables: dict[Net, Curves]) -> Iterator[str]:
    yield ""
    yield "| network | rank correlation with the end at 1, 3, 9, 27 units | diverged | above .5 at the end | best, median at the end |"
    yield "| --- | --- | --- | --- | --- |"
    for net, curves in tables.items():
        final = curves.errors[:, -1]
        capped = np.where(np.isfinite(curves.errors), curves.errors, 1.0)
        ranks = ", ".join(f"{spearmanr(capped[:, unit - 1], capped[:, -1]).statistic:.2f}" for unit in (1, 3, 9, 27))
        shares = f"{np.mean(~np.isfinite(final)):.0%} | {np.mean(final > 0.5):.0%}"
        yield f"| {net} | {ranks} | {shares} | {final.min():.3f}, {np.median(final):.3f} |"


def _results(found: dict[str, NDArray[np.float64]], clock: Clock) -> Iterator[str]:
    target = found["random"][:, PRICES == _BY_RANDOM_AT].mean()
    yield ""
    yield f"Clock: {clock}. Mean test error in %, half a 95% interval over replays, and standard deviation in brackets"
    yield ""
    yield f"| method | {' | '.join(f'{r}R' for r in SHOWN)} | price of random's error at {_BY_RANDOM_AT}R |"
    yield "| --- |" + " --- |" * (len(SHOWN) + 1)
    for name in found:
        errors = found[name] * 100
        cells = []
        for r in SHOWN:
            at = errors[:, r == PRICES]
            cells.append(
                "not run"
                if np.isnan(at).any()
                else f"{at.mean():.2f} ± {1.96 * at.std(ddof=1) / len(at) ** 0.5:.2f} ({at.std(ddof=1):.2f})"
            )
        yield f"| {name} | {' | '.join(cells)} | {_price_of(errors.mean(0), target * 100)} |"


def _price_of(means: NDArray[np.float64], target: float) -> str:
    """Returns the lowest price at which a mean error is at the target, and how often random's 50R hold it."""
    reached = PRICES[means <= target + 1e-9]
    if len(reached):
        return f"{reached[0]:g}R, 1/{_BY_RANDOM_AT / reached[0]:.1f}"
    return f"not by {PRICES[np.isfinite(means)][-1]:g}R"


def _pools(tables: dict[Net, Curves], n_replays: int) -> Iterator[str]:
    yield ""
    yield "Pools of 100 configurations: test error of hyperband minus that of random-2x, in points, restart clock"
    yield ""
    yield f"| pool | {' | '.join(f'{r}R' for r in SHOWN)} | price of random's error at {_BY_RANDOM_AT}R |"
    yield "| --- |" + " --- |" * (len(SHOWN) + 1)
    for net, curves in tables.items():
        for half in (0, 1):
            pool = curves.part(slice(half, None, 2))
            found = with_random_2x({name: _replayed([pool], name, n_replays)["restart"][0] for name in ("hyperband", "random")})
            means = {name: errors.mean(0) * 100 for name, errors in found.items()}
            less = means["hyperband"] - means[RANDOM_2X]
            cells = [f"{less[r == PRICES][0]:+.2f}" for r in SHOWN]
            yield f"| {net} {half} | {' | '.join(cells)} | {_price_of(means['hyperband'], means['random'][PRICES == _BY_RANDOM_AT][0])} |"


if __name__ == "__main__":
    main()
