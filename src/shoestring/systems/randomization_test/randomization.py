"""The randomisation test of one's own model and data: what it can memorise, how long that takes, and what regularisers change.

It tunes nothing: every variant gets the hyperparameters that the true labels get. Source: Zhang et al. 2017, arXiv:1611.03530.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import torch
from torch import Tensor

from shoestring import Budget
from shoestring.errors import UsageError
from shoestring.systems.randomization_test.complexity import Norms, Pairs, Stability, norms, pairs_of, stability
from shoestring.systems.randomization_test.fitting import Regulariser, Sets, accuracies, generators, has_dropout, train_epoch
from shoestring.systems.randomization_test.model import Ensemble, ModelFn
from shoestring.systems.randomization_test.report import Report, Row
from shoestring.systems.randomization_test.task import Data, variant_of

Optimizer: TypeAlias = Callable[[list[Tensor]], torch.optim.Optimizer]

DEFAULT_VARIANTS = (
    "true",
    "random-labels",
    "shuffled-pixels",
    "random-pixels",
    "gaussian",
    "signs",
    *(f"corrupt-{percent}%" for percent in range(10, 100, 10)),
)
REGULARISERS: dict[str, Regulariser] = {
    "weight decay": Regulariser(weight_decay=5e-4),
    "crop": Regulariser(crop=4),
    "crop, weight decay": Regulariser(weight_decay=5e-4, crop=4),
    "dropout": Regulariser(dropout=True),
}
REGULARISED = ("true", "random-labels")  # the variants that are trained with each regulariser


def sgd(lr: float = 0.01, momentum: float = 0.9) -> Optimizer:
    """Returns the paper's optimiser for multilayer perceptrons; its learning rate stays as it is."""
    return lambda parameters: torch.optim.SGD(parameters, lr=lr, momentum=momentum)


@dataclass(frozen=True)
class _Plan:
    """What holds for every cell."""

    model_fn: ModelFn
    data: Data
    seeds: int
    epochs: int
    optimizer: Optimizer
    batch_size: int
    fitted: float
    device: str
    deadline: float | None

    def is_over(self) -> bool:
        return self.deadline is not None and time.monotonic() >= self.deadline


def randomization_test(
    model_fn: ModelFn,
    data: Data,
    *,
    variants: Sequence[str] = DEFAULT_VARIANTS,
    regularisers: Mapping[str, Regulariser] | None = None,
    seeds: int = 3,
    epochs: int = 200,
    optimizer: Optimizer | None = None,
    batch_size: int = 32,
    fitted: float = 1.0,
    pairs: int = 3,
    budget: str | None = None,
    device: str = "cpu",
    say: Callable[[str], None] = lambda _line: None,
) -> Report:
    """Trains a model on true and on meaningless data with the same hyperparameters, and says what it can memorise.

    The networks of all seeds of a variant are trained at once. Training ends when all of them are fitted, or after ``epochs``. The true
    labels come first, as the others are measured against them.

    Args:
        model_fn: makes the network, an ``nn.Module`` from ``(b, ...)`` to logits ``(b, n_classes)``; its first weights come from torch's
            generator, which is seeded.
        data: what it is to learn; a ``Data``, or what ``as_data`` makes of arrays, tensors and loaders.
        variants: names as ``variant_of`` takes them, such as ``"random-labels"`` or ``"corrupt-30%"``.
        regularisers: each is tried on true and on random labels; None for weight decay, crops where inputs are images, and the model's
            own dropout, which otherwise is off.
        seeds: networks of each variant; each draws its own labels, pixels, weights and order.
        epochs: the most epochs, for every variant.
        optimizer: makes the optimiser of a list of parameters, one that works number by number, such as SGD or Adam; ``sgd()`` if None.
        batch_size: examples of a batch.
        fitted: the training accuracy that counts as fitted.
        pairs: of training sets that differ in one example, for the stability of true and of random labels; 0 for none.
        budget: a time such as ``"5m"``; what does not fit in it is left out and named. It ends at most one batch or one look at
            the accuracies late.
        device: ``"cpu"`` or ``"cuda"``.
        say: takes a line for people after each variant.
    Raises:
        UnknownName: there is no such variant.
        UsageError: a number that makes no sense.
    """
    for name, number in (("seeds", seeds), ("epochs", epochs), ("batch_size", batch_size)):
        if number < 1:
            raise UsageError(f"{name}={number} trains nothing; give at least 1.")
    if not 0 < fitted <= 1:
        raise UsageError(f"fitted={fitted:g} must be a training accuracy above 0 and at most 1.")
    began = time.monotonic()
    plan = _Plan(model_fn, data, seeds, epochs, optimizer or sgd(), batch_size, fitted, device, _deadline(budget, began))
    names = ["true", *(name for name in dict.fromkeys(variants) if name != "true")]
    for name in names:
        variant_of(name)
    alone = Ensemble(model_fn, [0], device)
    tried = _fitting_regularisers(data, alone) if regularisers is None else dict(regularisers)
    cells = [(name, "none", Regulariser()) for name in names]
    cells += [(name, label, regulariser) for label, regulariser in tried.items() for name in names if name in REGULARISED]
    rows: list[Row] = []
    skipped: list[str] = []
    for name, label, regulariser in cells:
        row = _cell(plan, name, label, regulariser)
        if row is None:
            skipped.append(name if label == "none" else f"{name} with {label}")
        else:
            rows.append(row)
            say(str(row))
    moves: dict[str, Stability] = {}
    for name in (name for name in names if name in REGULARISED and pairs):
        apart = _stability(plan, name, pairs, rows)
        if apart is None:
            skipped.append(f"stability, {name}")
        else:
            moves[name] = apart
    return Report(
        tuple(rows), moves, data.n_classes, len(data.y_test), alone.n_weights, fitted, epochs, tuple(skipped), time.monotonic() - began
    )


def _cell(plan: _Plan, name: str, label: str, regulariser: Regulariser) -> Row | None:
    """Returns what came of all seeds of a variant, None if the time was over before they were through."""
    made = [variant_of(name)(plan.data, np.random.default_rng([seed, 1])) for seed in range(plan.seeds)]
    train_sets = Sets.of([one.x_train for one in made], [one.y_train for one in made], plan.device)
    test_sets = Sets.of([one.x_test for one in made], [one.y_test for one in made], plan.device)
    ensemble = Ensemble(plan.model_fn, range(plan.seeds), plan.device)
    first, began = ensemble.state_dict()["parameters"], time.monotonic()
    fitted_at = _fit(plan, ensemble, train_sets, range(plan.seeds), regulariser)
    if fitted_at is None:
        return None
    seconds = time.monotonic() - began
    sizes: Norms = norms(ensemble, first)
    on_train, on_test = accuracies(ensemble, train_sets), accuracies(ensemble, test_sets)
    return Row(name, label, tuple(fitted_at), tuple(on_train), tuple(on_test), sizes, seconds)


def _fit(plan: _Plan, ensemble: Ensemble, sets: Sets, seeds: Sequence[int], regulariser: Regulariser) -> list[int | None] | None:
    """Trains until all are fitted; returns the epoch at which each first was, or None if the time was over first."""
    optimizer, orders = plan.optimizer(list(ensemble.parameters.values())), generators(seeds)
    fitted_at: list[int | None] = [None] * ensemble.n_models
    for epoch in range(1, plan.epochs + 1):
        if not train_epoch(ensemble, optimizer, sets, orders, plan.batch_size, regulariser, plan.is_over):
            return None
        for i, accuracy in enumerate(accuracies(ensemble, sets)):
            fitted_at[i] = fitted_at[i] or (epoch if accuracy >= plan.fitted else None)
        if None not in fitted_at:
            break
    return fitted_at


def _stability(plan: _Plan, name: str, k: int, rows: Sequence[Row]) -> Stability | None:
    """Returns how far networks move when one example is left out, after as many epochs as true or random labels took at most."""
    rng = np.random.default_rng(1)
    sets: Pairs = pairs_of(variant_of(name)(plan.data, rng), k, rng, leave_out=True, device=plan.device)
    ensemble = Ensemble(plan.model_fn, sets.seeds, plan.device)
    optimizer, orders = plan.optimizer(list(ensemble.parameters.values())), generators(sets.seeds)
    epochs = max(
        (at or plan.epochs for row in rows if row.regulariser == "none" for at in row.fitted_at if row.variant in REGULARISED),
        default=plan.epochs,
    )
    for _ in range(epochs):
        if not train_epoch(ensemble, optimizer, sets.sets, orders, plan.batch_size, Regulariser(), plan.is_over):
            return None
    return stability(ensemble, sets)


def _fitting_regularisers(data: Data, ensemble: Ensemble) -> dict[str, Regulariser]:
    """Returns the regularisers that this model and these inputs can have."""
    is_image = data.x_train.ndim in (3, 4) and min(data.x_train.shape[-2:]) >= 8
    most = min(data.x_train.shape[-2:]) // 7 if is_image else 0  # 4 pixels of 28, as is usual for images of that size
    return {
        name: Regulariser(regulariser.weight_decay, min(regulariser.crop, most), regulariser.dropout)
        for name, regulariser in REGULARISERS.items()
        if (most or not regulariser.crop) and (not regulariser.dropout or has_dropout(ensemble))
    }


def _deadline(budget: str | None, began: float) -> float | None:
    if budget is None:
        return None
    limits = Budget(budget).limits
    if set(limits) != {"wall_s"}:
        raise UsageError(f"budget {budget!r} is not one of time; give for example '5m'.")
    return began + limits["wall_s"]
