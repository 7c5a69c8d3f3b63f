"""What is learnt by gradient descent: networks and the logits of a template's holes, for many restarts in one tensor program.

It runs no budget and chooses no data: see ``training``. Source: Gaunt et al. 2016, arXiv:1611.02109, section 3.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn

from shoestring.errors import UnknownName, UsageError
from shoestring.systems.perceptual_pbe.gradient import run
from shoestring.systems.perceptual_pbe.task import Examples
from shoestring.systems.perceptual_pbe.template import Template

LEAST_P = 1e-6  # of an answer, so that its logarithm is finite


class Perceptrons(nn.Module):
    """Perceptrons of one shape, one for each restart, with ReLU between and a softmax at the end.

    Attributes:
        sizes: pixels, hidden units, classes.
        n: values of the variable that they give; those beyond the classes have probability 0.
    """

    def __init__(self, restarts: int, sizes: Sequence[int], rng: torch.Generator, *, n: int | None = None) -> None:
        """Draws weights uniform in ``+- 1 / sqrt(inputs)``, as ``torch.nn.Linear`` does.

        Raises:
            UsageError: fewer than two sizes, or fewer values than classes.
        """
        nn.Module.__init__(self)
        self.sizes, self.n = tuple(sizes), sizes[-1] if n is None else n
        if len(sizes) < 2 or self.n < sizes[-1]:
            raise UsageError(f"sizes={tuple(sizes)}, n={self.n} make no network; give two sizes or more, and n from the last of them.")
        pairs = list(pairwise(sizes))
        self.weights = nn.ParameterList(_uniform((restarts, i, o), i, rng) for i, o in pairs)
        self.biases = nn.ParameterList(_uniform((restarts, 1, o), i, rng) for i, o in pairs)

    def forward(self, images: Tensor) -> Tensor:
        """Returns posteriors ``(restarts, n_images, n)`` of images ``(n_images, pixels)``."""
        x = images.to(self.weights[0].dtype).expand(len(self.weights[0]), *images.shape)
        for i, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            x = torch.baddbmm(bias, x.relu() if i else x, weight)
        return nn.functional.pad(x.softmax(dim=-1), (0, self.n - x.shape[-1]))


def _uniform(shape: tuple[int, ...], fan_in: int, rng: torch.Generator) -> nn.Parameter:
    return nn.Parameter((2 * torch.rand(shape, generator=rng) - 1) / math.sqrt(fan_in))


def inputs_of(networks: Mapping[str, nn.Module], examples: Examples) -> dict[str, Tensor]:
    """Returns what a template runs on, ``(restarts or 1, n, values)`` by input: each network's posteriors, and what is given.

    Raises:
        UnknownName: an input is looked at by a network that is not there.
    """
    inputs = {name: marginals[None] for name, marginals in examples.given.items()}
    for network in {network for network, _ in examples.views.values()}:
        if network not in networks:
            raise UnknownName("network", network, networks)
        names = [name for name, (looks, _) in examples.views.items() if looks == network]
        posteriors = networks[network](torch.cat([examples.views[name][1] for name in names]))
        inputs |= dict(zip(names, posteriors.split(len(examples), dim=1), strict=True))
    return inputs


def as_arrays(inputs: Mapping[str, Tensor]) -> dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float64]]]:
    """Returns the inputs of a single restart as ``enumerate_programs`` takes them, ``(n, values)`` by input."""
    return {name: marginals[0].detach().double().cpu().numpy() for name, marginals in inputs.items()}


class Learner(nn.Module):
    """A template's logits and the networks that it looks through, with ``restarts`` copies of all.

    Attributes:
        template: the program with holes.
        networks: by name; shared by all uses within a program.
        logits: one ``(restarts, values)`` for each hole, in the template's order.
    """

    def __init__(
        self, template: Template, networks: Mapping[str, nn.Module], restarts: int, rng: torch.Generator, *, spread: float = 1.0
    ) -> None:
        """Draws the logits normal with deviation ``spread``: near-uniform ones end in programs that are all alike."""
        nn.Module.__init__(self)
        self.template, self.restarts = template, restarts
        self.networks = nn.ModuleDict(networks)
        self.logits = nn.ParameterList(nn.Parameter(spread * torch.randn(restarts, p.n, generator=rng)) for p in template.params)

    def holes(self) -> dict[str, Tensor]:
        """Returns the marginals of each hole, ``(restarts, values)``."""
        return {param.name: logits.softmax(dim=-1) for param, logits in zip(self.template.params, self.logits, strict=True)}

    def forward(self, examples: Examples) -> Tensor:
        """Returns the marginals of the answers, ``(restarts, n, values)``."""
        return run(self.template, self.holes(), inputs_of(dict(self.networks.items()), examples))

    def losses(self, examples: Examples) -> Tensor:
        """Returns the mean of ``-log p(answer)`` in nats, ``(restarts,)``."""
        answers: Tensor = self(examples)
        p = answers.gather(-1, examples.targets.expand(len(answers), -1)[..., None])
        return p.clamp(min=LEAST_P).log().mean(dim=(1, 2)).neg()

    def discretise(self) -> list[dict[str, int]]:
        """Returns each restart's program: the most likely value of each hole."""
        chosen = [logits.argmax(dim=-1).tolist() for logits in self.logits]
        return [dict(zip((param.name for param in self.template.params), values, strict=True)) for values in zip(*chosen, strict=True)]
