"""Training by gradient descent that can stop after any step and go on bit for bit.

Batches depend on the seed and the step alone. Source: Gaunt et al. 2016, arXiv:1611.02109, section 4.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor, nn

from shoestring.errors import UsageError
from shoestring.systems.perceptual_pbe.gradient import execute
from shoestring.systems.perceptual_pbe.learner import Learner, inputs_of
from shoestring.systems.perceptual_pbe.task import Examples

Losses: TypeAlias = Callable[[Tensor], Tensor]
JUDGED = 1000  # examples, at most, on which restarts are judged after training
WILSON_Z = 1.959964  # of a two-sided interval at 95%


class Fit:
    """Adam on the summed losses of all restarts: each goes its own way, as their parameters are apart.

    Attributes:
        module: what is trained.
        done: steps so far.
    """

    def __init__(
        self, module: nn.Module, losses: Losses, n_examples: int, groups: list[dict[str, Any]], *, batch: int = 64, seed: int = 0
    ) -> None:
        """``losses`` takes rows and returns one loss for each restart; ``groups`` are Adam's, each with its learning rate.

        Raises:
            UsageError: no example.
        """
        if n_examples < 1:
            raise UsageError("no example to learn from; give at least one.")
        self.module, self.losses, self.n_examples = module, losses, n_examples
        self.batch, self.seed, self.done = batch, seed, 0
        self.optimizer = torch.optim.Adam(groups)

    def train(self, until: int) -> None:
        """Takes steps until so many are done in all."""
        while self.done < until:
            rows = np.random.default_rng([self.seed, self.done]).integers(self.n_examples, size=self.batch)
            loss = self.losses(torch.from_numpy(rows)).sum()
            self.optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            self.optimizer.step()
            self.done += 1

    def judged(self) -> Tensor:
        """Returns the training loss of each restart, on the first examples."""
        with torch.no_grad():
            return self.losses(torch.arange(min(self.n_examples, JUDGED)))

    def state_dict(self) -> dict[str, Any]:
        """Returns all that training changes."""
        return {"module": self.module.state_dict(), "optimizer": self.optimizer.state_dict(), "done": self.done}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Takes it back."""
        self.module.load_state_dict(state["module"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.done = int(state["done"])


def fit_learner(
    learner: Learner, examples: Examples, *, batch: int = 64, seed: int = 0, lr_program: float = 0.05, lr_network: float = 0.003
) -> Fit:
    """Returns the training of programs and networks from answers alone.

    The networks' rate is far below the programs', as in the paper: a program must be able to settle before the networks follow it.
    """
    groups = [{"params": list(learner.logits), "lr": lr_program}]
    if networks := list(learner.networks.parameters()):
        groups.append({"params": networks, "lr": lr_network})
    return Fit(learner, lambda rows: learner.losses(examples.take(rows)), len(examples), groups, batch=batch, seed=seed)


def fit_labels(networks: nn.ModuleDict, examples: Examples, *, batch: int = 64, seed: int = 0, lr: float = 0.003) -> Fit:
    """Returns the training of networks from the labels of their images: strong supervision."""

    def losses(rows: Tensor) -> Tensor:
        some = examples.take(rows)
        seen = inputs_of(dict(networks.items()), Examples({name: some.views[name] for name in some.labels}, some.targets))
        logs = [seen[name].gather(-1, y.expand(len(seen[name]), -1)[..., None]).clamp(min=1e-6).log() for name, y in some.labels.items()]
        return torch.stack(logs).mean(dim=(0, 2, 3)).neg()

    return Fit(networks, losses, len(examples), [{"params": list(networks.parameters()), "lr": lr}], batch=batch, seed=seed)


def chosen(module: nn.Module, restart: int) -> dict[str, Tensor]:
    """Returns one restart's parameters, each with a leading axis of 1, which fit any number of restarts once expanded."""
    return {name: tensor[[restart]].clone() for name, tensor in module.state_dict().items()}


def copy_of(module: nn.Module, parameters: Mapping[str, Tensor], restarts: int) -> None:
    """Fills a module of ``restarts`` restarts with copies of one restart's parameters."""
    module.load_state_dict({name: tensor.expand(restarts, *tensor.shape[1:]).clone() for name, tensor in parameters.items()})


def accuracies(learner: Learner, programs: list[dict[str, int]], test: Examples) -> Tensor:
    """Returns how often each restart's discrete program gives the right answer on images, ``(restarts,)``."""
    with torch.no_grad():
        answers = execute(learner.template, programs, inputs_of(dict(learner.networks.items()), test))
    return (answers.argmax(dim=-1) == test.targets).double().mean(dim=1)


def are_right(learner: Learner, programs: list[dict[str, int]], test: Examples, values: int) -> Tensor:
    """Returns whether each program gives every right answer when it is told what is in the images, ``(restarts,)``."""
    told = {name: torch.eye(values)[labels][None].to(test.targets.device) for name, labels in test.labels.items()}
    blank = {name: torch.full((1, len(test), values), 1 / values, device=test.targets.device) for name in test.views if name not in told}
    given = {name: marginals[None] for name, marginals in test.given.items()}
    answers = execute(learner.template, programs, told | blank | given)
    right: Tensor = (answers.argmax(dim=-1) == test.targets).all(dim=1)
    return right


def network_accuracy(networks: nn.ModuleDict, test: Examples) -> Tensor:
    """Returns how often each restart's networks name what is in the test images, ``(restarts,)``."""
    with torch.no_grad():
        seen = inputs_of(dict(networks.items()), test)
    return torch.stack([(seen[name].argmax(dim=-1) == labels).double().mean(dim=1) for name, labels in test.labels.items()]).mean(dim=0)


def wilson(n_right: int, n: int) -> tuple[float, float]:
    """Returns the 95% interval of a share. Source: Wilson 1927.

    Raises:
        UsageError: no run, or more right ones than runs.
    """
    if not 0 <= n_right <= n or n == 0:
        raise UsageError(f"{n_right} right of {n} must be a share: 0 to n right of at least one.")
    z2 = WILSON_Z**2
    middle, half = (n_right + z2 / 2) / (n + z2), WILSON_Z / (n + z2) * (n_right * (n - n_right) / n + z2 / 4) ** 0.5
    return max(0.0, middle - half), min(1.0, middle + half)


def chance_selected(losses: Tensor, right: Tensor, k: int) -> float:
    """Returns how likely the lowest loss of ``k`` restarts, drawn without repetition from all, is that of a right program."""
    n, order = len(losses), losses.argsort(stable=True).tolist()
    if not 1 <= k <= n:
        raise UsageError(f"k={k} cannot be drawn from {n} restarts; give 1 to {n}.")
    total, below = 0.0, 1.0  # `below`: the chance that none of those with a lower loss was drawn
    for place, restart in enumerate(order[: n - k + 1]):
        drawn = k / (n - place)
        total += below * drawn * float(right[restart])
        below *= 1 - drawn
    return min(1.0, total)
