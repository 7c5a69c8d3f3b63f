"""Makes the table of learning curves that the claims replay.

    OMP_NUM_THREADS=1 python benchmarks/systems/hyperband_tabulate.py [--workers 2] [--out PATH] [--ratio]

Trains 200 configurations of each network, drawn from its space with seed 0, to 81 units, each once and with its own
seed, and writes validation and test errors after every unit. Needs Fashion-MNIST.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch

from shoestring.systems.hyperband.table import DIVERGED, HORIZON, PATH
from shoestring.systems.hyperband.task import NETS, Net, space
from shoestring.systems.hyperband.training import Config, batches, curves

N_CONFIGS = 200
_SEED = 0


def main() -> None:
    """Runs the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, default=PATH)
    parser.add_argument("--ratio", action="store_true", help="instead, measure what training networks together saves")
    options = parser.parse_args()
    if options.ratio:
        print("\n".join(_ratios()))
        return
    began = time.perf_counter()
    jobs = [(net, numbers) for net in NETS for numbers in batches(configs_of(net))]
    counts = {net: {name: np.zeros((N_CONFIGS, HORIZON), np.uint16) for name in ("error", "test_error")} for net in NETS}
    cpu_s = 0.0
    with ProcessPoolExecutor(options.workers, mp_context=get_context("spawn")) as pool:
        for i, ((net, numbers), (found, spent_s)) in enumerate(zip(jobs, pool.map(_train, jobs), strict=True)):
            cpu_s += spent_s
            for name, errors in found.items():
                counts[net][name][numbers] = errors
            print(f"{i + 1} of {len(jobs)}: {net}, {len(numbers)} networks, {spent_s:.1f} s", file=sys.stderr, flush=True)
    arrays: dict[str, Any] = {f"{net}_{name}": array for net, its in counts.items() for name, array in its.items()}
    arrays |= _columns() | {"cpu_s": np.array(cpu_s)}
    np.savez_compressed(options.out, **arrays)
    print(f"{options.out}: {options.out.stat().st_size / 1e3:.0f} kB, {cpu_s:.0f} CPU seconds, {time.perf_counter() - began:.0f} s")


def _ratios(n_units: int = 3) -> Iterator[str]:
    """Yields the processor time that networks take alone and together, for each network and batch size."""
    torch.set_num_threads(1)
    yield "| network | batch size | networks at once | ms a unit of one, alone | together | ratio |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for net in NETS:
        configs = configs_of(net)
        largest = {configs[numbers[0]].batch_size: numbers for numbers in sorted(batches(configs), key=len)}
        for size, numbers in sorted(largest.items()):
            chosen = [configs[i] for i in numbers]
            curves(chosen[:1], numbers[:1], 1)  # what is loaded once
            began = time.process_time()
            for config, number in zip(chosen, numbers, strict=True):
                curves([config], [number], n_units)
            between = time.process_time()
            curves(chosen, numbers, n_units)
            alone, together = (s / n_units / len(numbers) * 1e3 for s in (between - began, time.process_time() - between))
            yield f"| {net} | {size} | {len(numbers)} | {alone:.1f} | {together:.1f} | {alone / together:.1f} |"


def configs_of(net: Net) -> list[Config]:
    """Returns the configurations of the table."""
    drawn: list[dict[str, Any]] = [space(net).sample(np.random.default_rng([_SEED, i])) for i in range(N_CONFIGS)]
    return [Config(net=net, **values) for values in drawn]


def _train(job: tuple[Net, list[int]]) -> tuple[dict[str, np.ndarray], float]:
    torch.set_num_threads(1)
    net, numbers = job
    began = time.process_time()
    all_configs = configs_of(net)
    chosen = [all_configs[i] for i in numbers]
    found = curves(chosen, numbers, HORIZON)
    sizes = {"error": chosen[0].n_valid, "test_error": chosen[0].n_test}
    return {name: _counts(errors, sizes[name]) for name, errors in found.items()}, time.process_time() - began


def _counts(errors: np.ndarray, n: int) -> np.ndarray:
    """Returns how many of ``n`` are wrong, as small whole numbers."""
    return np.where(np.isfinite(errors), np.rint(np.where(np.isfinite(errors), errors, 0) * n), DIVERGED).astype(np.uint16)


def _columns() -> dict[str, np.ndarray]:
    """Returns the hyperparameters, one array ``(n_configs,)`` each."""
    return {f"{net}_{name}": np.array([getattr(config, name) for config in configs_of(net)]) for net in NETS for name in space(net).names}


if __name__ == "__main__":
    main()
