"""How much faster many small networks train as one tensor program than one by one: python benchmarks/randomization_batching.py

Both train the same networks to the same parameters. The two ways take turns, and the best of several rounds counts.
"""

from __future__ import annotations

import time

import numpy as np
import torch

from shoestring.systems.randomization_test.fitting import Regulariser, Sets, generators, train_epoch
from shoestring.systems.randomization_test.model import Ensemble, mlp

ROUNDS, BATCH = 5, 32


def seconds(n_models: int, width: int, d: int, n: int, *, together: bool) -> float:
    """Returns the seconds of an epoch of so many networks; ``(n, d)`` inputs each."""
    rng = np.random.default_rng(0)
    xs = [rng.standard_normal((n, d)).astype(np.float32) for _ in range(n_models)]
    ys = [rng.integers(10, size=n) for _ in range(n_models)]
    groups = [range(n_models)] if together else [range(i, i + 1) for i in range(n_models)]
    parts = []
    for group in groups:
        ensemble = Ensemble(lambda: mlp((d,), 10, width), group)
        optimizer = torch.optim.SGD(list(ensemble.parameters.values()), lr=0.01, momentum=0.9)
        parts.append((ensemble, optimizer, Sets.of([xs[i] for i in group], [ys[i] for i in group]), generators(group)))
    began = time.perf_counter()
    for ensemble, optimizer, sets, orders in parts:
        train_epoch(ensemble, optimizer, sets, orders, BATCH, Regulariser())
    return time.perf_counter() - began


def main() -> None:
    torch.set_num_threads(1)
    print("networks  inputs  width  one by one  at once  ratio")
    for n_models, d, width in ((20, 64, 16), (20, 64, 64), (20, 64, 512), (5, 784, 512), (5, 2352, 512)):
        rounds = [[seconds(n_models, width, d, 320, together=together) for together in (False, True)] for _ in range(ROUNDS)]
        alone, at_once = (min(times) for times in zip(*rounds, strict=True))
        print(f"{n_models:8d}  {d:6d}  {width:5d}  {alone * 1e3:7.1f} ms  {at_once * 1e3:4.1f} ms  {alone / at_once:5.2f}")


if __name__ == "__main__":
    main()
