"""The experiment on expressions: programs found by search or by gradient descent, or an LSTM, from what two networks see.

The networks are made with labels, and do not change afterwards: what is compared is how a program is found, and how far it reaches.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from shoestring.errors import UnknownName
from shoestring.systems.perceptual_pbe.baselines import Reader
from shoestring.systems.perceptual_pbe.fitting import Fit, fit_labels
from shoestring.systems.perceptual_pbe.gradient import execute, run
from shoestring.systems.perceptual_pbe.learner import LEAST_P, Learner, Perceptrons, as_arrays, inputs_of
from shoestring.systems.perceptual_pbe.scenarios import OPERATORS, Tape
from shoestring.systems.perceptual_pbe.search import enumerate_programs
from shoestring.systems.perceptual_pbe.task import Examples, Pool, digits, expressions, operators
from shoestring.systems.perceptual_pbe.works import sizes_of

if TYPE_CHECKING:
    from shoestring.systems.perceptual_pbe.training import MathConfig

Inputs = dict[str, Tensor]
METHODS = ("enumerate", "gradient", "lstm")
PROOF = (2, 3, 4, 5)  # numbers of the expressions on which a program must be right to be called right
N_PROOF = 100  # expressions of each of them
TIED = 64  # equally good programs, at most, that are looked at


class Math:
    """Networks, and then what reads expressions through them."""

    def __init__(self, config: MathConfig, seed: int, device: str) -> None:
        """Draws images, networks and what is to be learnt.

        Raises:
            UnknownName: there is no such method.
        """
        if config.method not in METHODS:
            raise UnknownName("method", config.method, METHODS)
        self.config, self.seed, self.device = config, seed, device
        self.n_steps = config.n_network_steps + (1 if config.method == "enumerate" else config.n_steps)
        self.rng, generator = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
        sides = {"side": config.side, "generated": config.generated}
        self.numbers = tuple(digits(split, **sides) for split in ("train", "test"))  # type: ignore[arg-type]
        self.signs = tuple(operators(n, self.rng, side=config.side) for n in (config.images, 2000))
        sizes = {"net_0": 10, "net_1": len(OPERATORS)}
        networks = {
            name: Perceptrons(1, sizes_of(config.hidden, config.side, classes), generator, n=config.modulus)
            for name, classes in sizes.items()
        }
        self.networks = nn.ModuleDict(networks).to(device)
        self.naming = fit_labels(self.networks, self._labelled(0, config.images), seed=seed)
        self.lengths = tuple(int(length) for length in config.lengths.split(","))
        drawn = [self._expressions(0, length, config.expressions) for length in self.lengths]
        self.examples = [one.shuffled(self.rng) if config.shuffled else one for one in drawn]
        self.tests = {length: self._expressions(1, length, config.tests) for length in range(2, config.longest + 1)}
        self.proofs = {length: self._expressions(1, length, N_PROOF) for length in PROOF}
        self.learner = Learner(Tape(modulus=config.modulus).template, {}, config.restarts, generator).to(device)
        torch.manual_seed(seed)  # Reader draws from torch's own generator
        self.reader = Reader(sum(sizes.values()), config.units, config.modulus, layers=config.layers).to(device)
        self.seen: list[Inputs] = []
        self.fit = self._fit()
        self.programs: list[dict[str, int]] = []

    def train(self, until: int) -> None:
        """Trains until so many steps are done in all: the networks', then the method's."""
        first = self.config.n_network_steps
        self.naming.train(min(until, first))
        if until <= first:
            return
        self._look()
        if self.config.method == "enumerate":
            blocks = [(as_arrays(seen), one.targets.cpu().numpy()) for seen, one in zip(self.seen, self.examples, strict=True)]
            self.programs = list(enumerate_programs(self.learner.template, blocks).programs[:TIED])
            return
        self.fit.train(until - first)
        if self.config.method == "gradient":
            self.programs = self.learner.discretise()

    def metrics(self) -> dict[str, float]:
        """Returns what ``training.train`` reports of it."""
        labelled = self._labelled(1, 2000)
        with torch.no_grad():
            seen = inputs_of(dict(self.networks.items()), labelled)
        p = [float((seen[name].argmax(dim=-1) == labels).double().mean()) for name, labels in labelled.labels.items()]
        found = {"network_0": p[0], "network_1": p[1], "mnist": float(self.numbers[0].source == "mnist")}
        right = [self._is_right(program) for program in self.programs]
        found["found"] = float(np.mean(right)) if right else 0.0
        accuracy = {length: self._accuracy(length) for length in self.tests}
        beyond = [p[0] ** n * p[1] ** (n - 1) - value for n, value in accuracy.items() if n > max(self.lengths)]
        return found | {f"accuracy_{n}": value for n, value in accuracy.items()} | {"shortfall": max(beyond, default=0.0)}

    def _labelled(self, split: int, n: int) -> Examples:
        numbers, signs = self.numbers[split], self.signs[split]
        one, other = _first(numbers, n), _first(signs, n)
        views = {"digit": ("net_0", one.images.to(self.device)), "sign": ("net_1", other.images.to(self.device))}
        return Examples(views, one.labels, {}, {"digit": one.labels.to(self.device), "sign": other.labels.to(self.device)})

    def _expressions(self, split: int, length: int, n: int) -> Examples:
        numbers, signs = self.numbers[split], self.signs[split]
        return expressions(numbers, signs, length, n, self.rng, modulus=self.config.modulus).to(self.device)

    def _look(self) -> None:
        """Runs the networks on all expressions to learn from, once."""
        if not self.seen:
            with torch.no_grad():
                self.seen = [inputs_of(dict(self.networks.items()), one) for one in self.examples]

    def _fit(self) -> Fit:
        config = self.config
        module = self.learner if config.method == "gradient" else self.reader
        lr = config.lr_program if config.method == "gradient" else config.lr_lstm
        losses = self._program_losses if config.method == "gradient" else self._reader_losses
        groups = [{"params": list(module.parameters()), "lr": lr}]
        return Fit(module, losses, config.expressions, groups, batch=config.batch, seed=self.seed)

    def _program_losses(self, rows: Tensor) -> Tensor:
        """Returns the losses on one length: step by step, lengths take turns."""
        return self._losses_on(self.fit.done % len(self.lengths), rows)

    def _losses_on(self, turn: int, rows: Tensor) -> Tensor:
        answers = run(self.learner.template, self.learner.holes(), {name: p[:, rows] for name, p in self.seen[turn].items()})
        p = answers.gather(-1, self.examples[turn].targets[rows].expand(len(answers), -1)[..., None])
        return p.clamp(min=LEAST_P).log().mean(dim=(1, 2)).neg()

    def _best(self) -> int:
        """Returns the restart of lowest training loss over all lengths."""
        with torch.no_grad():
            losses = [self._losses_on(turn, torch.arange(len(one))) for turn, one in enumerate(self.examples)]
        return int(torch.stack(losses).mean(dim=0).argmin())

    def _reader_losses(self, rows: Tensor) -> Tensor:
        losses = [
            cross_entropy(self.reader(_sequence({name: marginals[:, rows] for name, marginals in seen.items()})), examples.targets[rows])
            for seen, examples in zip(self.seen, self.examples, strict=True)
        ]
        return torch.stack(losses).mean(dim=0, keepdim=True)

    def _accuracy(self, length: int) -> float:
        test = self.tests[length]
        with torch.no_grad():
            seen = inputs_of(dict(self.networks.items()), test)
            if self.config.method == "lstm":
                answers = self.reader(_sequence(seen))[None]
            elif not self.programs:
                return 0.0
            else:
                best = self._best() if self.config.method == "gradient" else 0
                answers = execute(self.learner.template, [self.programs[best]], seen)
        return float((answers[0].argmax(dim=-1) == test.targets).double().mean())

    def _is_right(self, program: dict[str, int]) -> bool:
        """Returns whether a program is right for expressions of several lengths if it is told what is in the images."""
        m = self.config.modulus
        for proof in self.proofs.values():
            told = {name: torch.eye(m, device=self.device)[labels][None] for name, labels in proof.labels.items()}
            blank = {name: torch.full((1, N_PROOF, m), 1 / m, device=self.device) for name in proof.views if name not in told}
            answers = execute(self.learner.template, [program], told | blank)[0]
            if not bool((answers.argmax(dim=-1) == proof.targets).all()):
                return False
        return True

    def state_dict(self) -> dict[str, Any]:
        """Returns all that training changes."""
        programs = [dict(program) for program in self.programs]
        return {"naming": self.naming.state_dict(), "fit": self.fit.state_dict(), "programs": programs}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Takes it back."""
        self.naming.load_state_dict(state["naming"])
        self.fit.load_state_dict(state["fit"])
        self.programs = [dict(program) for program in state["programs"]]
        if self.naming.done >= self.config.n_network_steps:
            self._look()


def _first(pool: Pool, n: int) -> Pool:
    rows = torch.arange(n) % len(pool.images)
    return Pool(pool.images[rows], pool.labels[rows], pool.source)


def _sequence(seen: Inputs) -> Tensor:
    """Returns what both networks see in each image, ``(n, images, 14)``."""
    n = len({name.split()[1] for name in seen})
    both = [torch.cat([seen[f"net_0 {i}"][0][:, :10], seen[f"net_1 {i}"][0][:, : len(OPERATORS)]], dim=-1) for i in range(n)]
    return torch.stack(both, dim=1)
