"""The command that makes the table of a convolutional space: every child trained on two seeds, some on a third.

    python benchmarks/systems/nas_rl_tabulate.py --preset small --workers 2

It goes on where an earlier run of the same command stopped, and trains nothing twice. Not a search.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from shoestring.systems.nas_rl.children import train_children
from shoestring.systems.nas_rl.model import batches
from shoestring.systems.nas_rl.table import FOLDER, N_GATE, N_SEEDS, tabled
from shoestring.systems.nas_rl.task import PRESETS, child_of, images

_EVERY_S = 20.0  # between two savings of what is done


def jobs(preset_name: str, most: int) -> list[list[int]]:
    """Returns the programs to run, each a list of rows: row ``seed * n_children + child``, cheap ones first."""
    preset = PRESETS[preset_name]
    children = [child_of(config, preset) for config in tabled(preset)]
    n = len(children)
    gate = np.random.default_rng(N_GATE).permutation(n)[:N_GATE]
    rows = [*range(N_SEEDS * n), *(N_SEEDS * n + int(i) for i in np.sort(gate))]
    programs = batches([children[row % n] for row in rows], preset.side, most, least=24)
    return [[rows[i] for i in members] for members in programs]


def run(preset_name: str, rows: list[int], device: str) -> NDArray[np.uint16]:
    """Trains the children of some rows; returns how many images each had right, ``(3, n_rows)``: short, valid and test."""
    if device == "cpu":
        torch.set_num_threads(1)
    preset = PRESETS[preset_name]
    configs = tabled(preset)
    n = len(configs)
    children = [child_of(configs[row % n], preset) for row in rows]
    found = train_children(children, [row // n for row in rows], preset, images(preset), device=device, most=len(rows))
    counts = found.short * preset.n_valid, found.valid * preset.n_valid, found.test * preset.n_test
    return np.round(np.stack(counts)).astype(np.uint16)


def tabulate(preset_name: str, out: Path, workers: int, device: str) -> None:
    """Makes or completes the table at ``out``."""
    preset = PRESETS[preset_name]
    images(preset)  # says at once if the data are missing
    n = len(tabled(preset))
    part = out.with_suffix(".part.npz")
    right, is_done, seconds = np.zeros((3, (N_SEEDS + 1) * n), np.uint16), np.zeros((N_SEEDS + 1) * n, bool), 0.0
    if part.is_file():
        with np.load(part) as kept:
            right, is_done, seconds = kept["right"], kept["is_done"], float(kept["seconds"])
    left = [rows for rows in jobs(preset_name, 64 if device == "cpu" else 1024) if not is_done[rows].all()]
    began = saved = time.monotonic()
    for i, (rows, counts) in enumerate(_results(preset_name, left, workers, device)):
        right[:, rows], is_done[rows] = counts, True
        if time.monotonic() - saved > _EVERY_S or i + 1 == len(left):
            saved = time.monotonic()
            np.savez_compressed(part, right=right, is_done=is_done, seconds=seconds + saved - began)
            print(f"{is_done.sum()} trainings done, {i + 1} of {len(left)} programs, {saved - began:.0f} s", flush=True)
    seconds += time.monotonic() - began
    about = {"preset": preset_name, "workers": workers, "device": device, "wall_s": round(seconds), "torch": torch.__version__}
    shaped = right.reshape(3, N_SEEDS + 1, n)
    np.savez_compressed(out, right=shaped[:, :N_SEEDS], gate=shaped[:, N_SEEDS], is_gate=is_done[N_SEEDS * n :], about=json.dumps(about))
    part.unlink(missing_ok=True)
    print(f"{out}: {out.stat().st_size / 1000:.0f} kB, {about}")


def _results(preset_name: str, left: list[list[int]], workers: int, device: str) -> Iterator[tuple[list[int], NDArray[np.uint16]]]:
    if workers == 1:
        yield from ((rows, run(preset_name, rows, device)) for rows in left)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield from zip(left, pool.map(run, [preset_name] * len(left), left, [device] * len(left)), strict=True)


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--preset", default="small", choices=sorted(set(PRESETS) - {"paper"}))
    parser.add_argument("--workers", type=int, default=2, help="processes, each with one thread")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--out", type=Path, default=None, help="by default, beside this file")
    args = parser.parse_args()
    tabulate(args.preset, args.out or FOLDER / f"{args.preset}.npz", 1 if args.device != "cpu" else args.workers, args.device)


if __name__ == "__main__":
    main()
