"""The networks of one task under training: they store patterns, remember vectors, or count parentheses.

They know no trial and no budget. Source: Collins, Sohl-Dickstein and Sussillo 2017, arXiv:1611.09913, sections 2 and 3.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from shoestring.systems.rnn_capacity.ensemble import Adam, Ensemble
from shoestring.systems.rnn_capacity.model import Recurrent, n_params, params_for_budget
from shoestring.systems.rnn_capacity.storage import Attempt, Storage
from shoestring.systems.rnn_capacity.task import Parentheses, random_bits

if TYPE_CHECKING:
    from shoestring.systems.rnn_capacity.training import CapacityConfig, MemoryConfig, ParenthesesConfig

N_TEST = 512  # fresh vectors or sequences on which a network is judged
LEAST_BITS = 1e-3  # counted as held by a network that holds none, so that a slope can be taken


class Capacity:
    """Cells of several sizes that store random bits."""

    def __init__(self, config: CapacityConfig, seed: int, device: str) -> None:
        self._config = config
        self._groups: dict[tuple[str, int], Storage] = {}
        for cell, size in product(_words(config.cells), _numbers(config.sizes)):
            n_h = params_for_budget(cell, int(size), config.n_in, 1, config.depth)
            n = n_params(cell, n_h, config.n_in, 1, config.depth)
            make = partial(Recurrent, cell, config.n_in, n_h, 1, depth=config.depth, delay=config.delay, nonlinearity=config.nonlinearity)
            grid = product(_numbers(config.ratios), _numbers(config.lrs), range(config.inits))
            attempts = [Attempt(round(ratio * n), lr, _seed(seed, int(size), i)) for ratio, lr, i in grid]
            self._groups[cell, int(size)] = Storage(make, attempts, random_bits(config.n_in), config.n_steps, device=device)

    def train(self, until: int) -> None:
        """Trains until so many steps are done in all."""
        for storage in self._groups.values():
            storage.train(until)

    def metrics(self) -> dict[str, float]:
        """Returns what is reported of them; see ``training.train``."""
        best = {key: max(LEAST_BITS, float(one.bits(shuffled=self._config.shuffled).max())) for key, one in self._groups.items()}
        rates = {key: best[key] / self._groups[key].n_params for key in best}
        cells, sizes = _words(self._config.cells), [int(size) for size in _numbers(self._config.sizes)]
        found = {f"bits_{cell}_{size}": rates[cell, size] for cell, size in rates}
        at_largest = [rates[cell, sizes[-1]] for cell in cells]
        found |= {"bits_per_param": max(at_largest), "ratio": max(at_largest) / min(at_largest)}
        if len(sizes) > 1:
            held = {cell: [best[cell, size] for size in sizes] for cell in cells}
            n = {cell: [self._groups[cell, size].n_params for size in sizes] for cell in cells}
            slopes = {cell: float(np.polyfit(np.log(n[cell]), np.log(held[cell]), 1)[0]) for cell in cells}
            found |= {f"slope_{cell}": slope for cell, slope in slopes.items()}
            found["slope"] = sum(slopes.values()) / len(slopes)
        return found

    def state_dict(self) -> dict[str, Any]:
        """Returns all that training changes."""
        return {f"{cell} {size}": one.state_dict() for (cell, size), one in self._groups.items()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Takes it back."""
        for (cell, size), one in self._groups.items():
            one.load_state_dict(state[f"{cell} {size}"])


class _Online:
    """Ensembles that learn from fresh batches, the same for all of them."""

    ensembles: dict[str, Ensemble]
    adams: dict[str, Adam]
    rng: np.random.Generator
    done: int = 0

    def state_dict(self) -> dict[str, Any]:
        """Returns all that training changes."""
        adams = {name: adam.state_dict() for name, adam in self.adams.items()}
        return {"done": self.done, "rng": self.rng.bit_generator.state, "adams": adams}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Takes it back."""
        self.done, self.rng.bit_generator.state = int(state["done"]), state["rng"]
        for name, adam in self.adams.items():
            adam.load_state_dict(state["adams"][name])


class Memory(_Online):
    """Cells of several widths that remember a random vector."""

    def __init__(self, config: MemoryConfig, seed: int, device: str) -> None:
        self._config, self._device = config, device
        self.rng = np.random.default_rng(_seed(seed, 1))
        self._lrs = _numbers(config.lrs)
        self._pairs = list(product(_words(config.cells), map(int, _numbers(config.widths))))
        self.ensembles, self.adams = {}, {}
        for cell, n_h in self._pairs:
            models = [_made(seed, cell, config.n_in, n_h, config.n_in, delay=config.delay) for _ in self._lrs]
            self.ensembles[f"{cell}_{n_h}"] = Ensemble(models, device=device)
            self.adams[f"{cell}_{n_h}"] = Adam(self.ensembles[f"{cell}_{n_h}"], self._lrs)
        fresh = np.random.default_rng(_seed(seed, 2))
        self._select, self._test = self._vectors(fresh, N_TEST), self._vectors(fresh, N_TEST)

    def train(self, until: int) -> None:
        """Trains until so many steps are done in all."""
        while self.done < until:
            x = self._vectors(self.rng, self._config.batch)
            scale = 0.5 * (1 + math.cos(math.pi * self.done / self._config.n_steps))
            for name, ensemble in self.ensembles.items():
                self.adams[name].step(_errors(ensemble, x).sum(), scale)
            self.done += 1

    @torch.no_grad()
    def metrics(self) -> dict[str, float]:
        """Returns what is reported of them; see ``training.train``."""
        config, found, mse = self._config, {}, {}
        for cell, n_h in self._pairs:
            ensemble = self.ensembles[f"{cell}_{n_h}"]
            best = int(_errors(ensemble, self._select).nan_to_num(math.inf).argmin())
            target = self._test.roll(1, 0) if config.shuffled else self._test
            mse[cell, n_h] = float(_errors(ensemble, self._test, target)[best])
            found[f"mse_{cell}_{n_h}"] = mse[cell, n_h]
        cells, widths = _words(config.cells), [int(width) for width in _numbers(config.widths)]
        enough = [width for width in widths if width >= config.n_in]
        threshold = max(mse[cell, width] / mse[cell, config.n_in // 2] for cell in cells for width in enough)
        spread = max(max(mse[cell, width] for cell in cells) - min(mse[cell, width] for cell in cells) for width in widths)
        violation = max(threshold / config.threshold, spread / config.spread)
        return found | {"threshold": threshold, "spread": spread, "violation": violation}

    def _vectors(self, rng: np.random.Generator, n: int) -> Tensor:
        return torch.from_numpy(rng.standard_normal((n, self._config.n_in), dtype=np.float32)).to(self._device)


class Counting(_Online):
    """One cell that counts parentheses, under random hyperparameters."""

    def __init__(self, config: ParenthesesConfig, seed: int, device: str) -> None:
        self._config, self._device = config, device
        self._task = Parentheses(config.streams, time=config.time)
        self.rng = np.random.default_rng(_seed(seed, 1, config.draw))
        sets = np.random.default_rng(_seed(seed, 3, config.draw))
        lrs, gains, clips = (_uniform(text, config.n_sets, sets, log=True) for text in (config.lr, config.gain, config.clip))
        biases, beta1 = (_uniform(text, config.n_sets, sets) for text in (config.forget_bias, config.beta1))
        n_in, n_out = self._task.n_in, self._task.n_out
        n_h = params_for_budget(config.cell, config.n_params, n_in, n_out, config.depth)
        make = partial(_made, cell=config.cell, n_in=n_in, n_h=n_h, n_out=n_out, depth=config.depth, reads_all=True)
        models = [
            make(_seed(seed, 4, config.draw, i), gain=gain, forget_bias=bias)
            for i, (gain, bias) in enumerate(zip(gains, biases, strict=True))
        ]
        self.ensembles = {"all": Ensemble(models, device=device)}
        self.adams = {"all": Adam(self.ensembles["all"], lrs, beta1=beta1, clip=clips)}
        self._test = self._task.draw(N_TEST, np.random.default_rng(_seed(seed, 2, config.draw)))

    def train(self, until: int) -> None:
        """Trains until so many steps are done in all."""
        while self.done < until:
            x, depths = (part.to(self._device) for part in self._task.draw(self._config.batch, self.rng))
            losses = self._task.losses(self.ensembles["all"](x, shared=True), depths)
            self.adams["all"].step(losses.sum(), 0.5 * (1 + math.cos(math.pi * self.done / self._config.n_steps)))
            self.done += 1

    @torch.no_grad()
    def metrics(self) -> dict[str, float]:
        """Returns what is reported of them; see ``training.train``."""
        x, depths = (part.to(self._device) for part in self._test)
        losses = self._task.losses(self.ensembles["all"](x, shared=True), depths).nan_to_num(math.inf)
        by_chance = (losses / self._task.chance(depths)).clamp_max(1.0)
        return {"infeasible": float((by_chance >= 1.0).float().mean()), "loss": float(by_chance.mean())}


def _errors(ensemble: Ensemble, x: Tensor, target: Tensor | None = None) -> Tensor:
    """Returns each network's mean squared error, ``(n_models,)``, in reconstructing vectors ``(batch, n_in)``."""
    return (ensemble(x, shared=True) - (x if target is None else target)).square().flatten(1).mean(dim=1)


def _made(
    seed: int,
    cell: str,
    n_in: int,
    n_h: int,
    n_out: int,
    *,
    depth: int = 1,
    delay: int = 0,
    reads_all: bool = False,
    gain: float = 1.0,
    forget_bias: float = 1.0,
) -> Recurrent:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Recurrent(cell, n_in, n_h, n_out, depth=depth, delay=delay, reads_all=reads_all, gain=gain, forget_bias=forget_bias)


def _seed(*numbers: int) -> int:
    return int(np.random.SeedSequence(list(numbers)).generate_state(1)[0])


def _words(text: str) -> list[str]:
    return [word.strip() for word in str(text).split(",")]


def _numbers(text: str) -> list[float]:
    return [float(word) for word in _words(text)]


def _uniform(text: str, n: int, rng: np.random.Generator, *, log: bool = False) -> list[float]:
    low, high = _numbers(text)
    drawn = rng.uniform(math.log(low), math.log(high), n) if log else rng.uniform(low, high, n)
    return [float(value) for value in (np.exp(drawn) if log else drawn)]
