"""The training functions of the claims; their config is a ``Config``, or what each names. One unit is one epoch."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Self

import numpy as np
import torch

from shoestring import Trial
from shoestring.systems.kit.settings import one_of, read
from shoestring.systems.randomization_test.complexity import pairs_of, stability
from shoestring.systems.randomization_test.fitting import Regulariser, Sets, accuracies, generators, train_epoch
from shoestring.systems.randomization_test.model import Ensemble, ModelFn, mlp, small_alexnet, small_inception
from shoestring.systems.randomization_test.task import Data, load, variant_of

MODELS = ("mlp", "alexnet", "inception")
PAPER_STEPS = 391  # batches of 128 in an epoch of the paper's 50,000 images
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


@dataclass(frozen=True)
class Config:
    """What is trained on what; the values of the small scale that the claims use.

    Attributes:
        data: name of a data set.
        n_train, n_test: rows.
        model: ``"mlp"``, ``"alexnet"`` or ``"inception"``.
        width, depth: hidden units and layers of the mlp.
        scale: of the numbers of channels of the others.
        variants: names of variants with ``,`` or ``+`` between; each gets a network, all are trained at once.
        lr, lr_decay, momentum, batch_size: of SGD; the rate falls smoothly, by ``lr_decay`` every ``PAPER_STEPS`` batches.
        weight_decay, crop: of the ``Regulariser``.
        fitted: the training accuracy at which a network counts as fitted.
        until_fitted: learn nothing more once all networks are fitted.
        pairs: of training sets that differ in one example (``train_pairs``).
        leave_out: leave that example out instead of replacing it.
        dtype: of weights and activations.
    """

    data: str = "digits"  # the paper: CIFAR-10; digits come with scikit-learn
    n_train: int = 1000  # the paper: 50,000
    n_test: int = 500
    model: str = "mlp"  # appendix A
    width: int = 512  # appendix A
    depth: int = 1  # appendix A
    scale: float = 1.0  # appendix A
    variants: str = "true"
    lr: float = 0.01  # appendix A, for the mlp and AlexNet
    lr_decay: float = 0.95  # appendix A, an epoch. Differs: for each 391 batches, as an epoch of 1,000 examples has only 8
    momentum: float = 0.9  # appendix A
    batch_size: int = 128  # not stated; what the authors' published code uses
    weight_decay: float = 0.0  # none unless stated, section 2
    crop: int = 0
    fitted: float = 1.0  # "zero training error", section 2
    until_fitted: bool = True
    pairs: int = 4
    leave_out: bool = False
    dtype: str = "float32"

    @classmethod
    def paper(cls) -> Self:
        """Returns the paper's own scale: the small Inception on CIFAR-10. All its 50,000 images are needed; our subset has 18,000."""
        return cls(data="cifar10", n_train=50_000, n_test=10_000, model="inception", lr=0.1)

    @classmethod
    def of(cls, given: dict[str, object]) -> Self:
        """Returns the configuration of a trial's config.

        Raises:
            UnknownName: there is no such entry, model or dtype.
        """
        config = read(cls, given)
        one_of("model", config.model, MODELS)
        one_of("dtype", config.dtype, DTYPES)
        return config

    def to_json(self) -> dict[str, object]:
        """Returns it as plain data; ``of`` takes it back."""
        return asdict(self)

    def model_fn(self, data: Data) -> ModelFn:
        """Returns what makes the network."""
        shape, n_classes = data.x_train.shape[1:], data.n_classes
        if self.model == "mlp":
            return lambda: mlp(shape, n_classes, self.width, self.depth)
        return lambda: (small_alexnet if self.model == "alexnet" else small_inception)(shape, n_classes, self.scale)

    def optimizer(self, ensemble: Ensemble) -> torch.optim.Optimizer:
        """Returns SGD with momentum over all networks."""
        return torch.optim.SGD(list(ensemble.parameters.values()), lr=self.lr, momentum=self.momentum)

    def decay(self, optimizer: torch.optim.Optimizer) -> None:
        """Lowers the learning rate by what an epoch of this many examples comes to."""
        for group in optimizer.param_groups:
            group["lr"] *= self.lr_decay ** (math.ceil(self.n_train / self.batch_size) / PAPER_STEPS)

    @property
    def names(self) -> list[str]:
        """The names of the variants; the command line reads a lone ``true`` as a truth value, and a comma as a choice."""
        return str(self.variants).lower().replace("+", ",").split(",")

    @property
    def regulariser(self) -> Regulariser:
        """What is done against overfitting."""
        return Regulariser(self.weight_decay, self.crop)


def train(trial: Trial) -> None:
    """Trains one network on each variant, side by side, from equal first weights.

    Reported: ``train_accuracy``, ``test_accuracy`` and ``gap`` of the last variant; ``slowdown``, the most epochs that another variant
    took to be fitted against those of the first, in which a network that is not fitted counts by the epochs so far, and as infinite at the
    horizon; ``n_fitted``.

    Raises:
        UnknownName: something in the config is unknown.
    """
    config = Config.of(dict(trial.config))
    rng = np.random.default_rng(trial.seed)
    data = load(config.data, config.n_train, config.n_test, rng)
    made = [variant_of(name)(data, rng) for name in config.names]
    train_sets = Sets.of([one.x_train for one in made], [one.y_train for one in made], trial.device)
    test_sets = Sets.of([one.x_test for one in made], [one.y_test for one in made], trial.device)
    ensemble = Ensemble(config.model_fn(data), [trial.seed] * len(made), trial.device, DTYPES[config.dtype])
    optimizer, orders = config.optimizer(ensemble), generators([trial.seed] * len(made))
    fitted_at: list[int] = [0] * len(made)  # 0: not yet
    on_train, on_test = [0.0] * len(made), [0.0] * len(made)
    state = {"fitted_at": fitted_at, "on_train": on_train, "on_test": on_test}  # restored in place
    for epoch in trial.steps(ensemble=ensemble, optimizer=optimizer, orders=orders, state=state):
        if not all(fitted_at) or not config.until_fitted:
            train_epoch(ensemble, optimizer, train_sets, orders, config.batch_size, config.regulariser)
            config.decay(optimizer)
            on_train[:], on_test[:] = accuracies(ensemble, train_sets), accuracies(ensemble, test_sets)
            fitted_at[:] = [at or (epoch + 1 if accuracy >= config.fitted else 0) for at, accuracy in zip(fitted_at, on_train, strict=True)]
        trial.report(
            slowdown=_slowdown(fitted_at, epoch + 1, trial.horizon),
            n_fitted=sum(at > 0 for at in fitted_at),
            train_accuracy=on_train[-1],
            test_accuracy=on_test[-1],
            gap=on_train[-1] - on_test[-1],
        )


def train_pairs(trial: Trial) -> None:
    """Trains pairs of networks whose training sets differ in one example, on the last of ``variants``.

    Reported, as means over the pairs: ``prediction_distance``, ``parameter_distance``, ``memorised``; and ``train_accuracy``.

    Raises:
        UnknownName: something in the config is unknown.
        UsageError: too few examples for so many pairs.
    """
    config = Config.of(dict(trial.config))
    rng = np.random.default_rng(trial.seed)
    data = load(config.data, config.n_train + config.pairs, config.n_test, rng)
    changed = variant_of(config.names[-1])(data, rng)
    pairs = pairs_of(changed, config.pairs, np.random.default_rng([trial.seed, 1]), leave_out=config.leave_out, device=trial.device)
    ensemble = Ensemble(config.model_fn(data), pairs.seeds, trial.device, DTYPES[config.dtype])
    optimizer, orders = config.optimizer(ensemble), generators(pairs.seeds)
    for _ in trial.steps(ensemble=ensemble, optimizer=optimizer, orders=orders):
        train_epoch(ensemble, optimizer, pairs.sets, orders, config.batch_size, config.regulariser)
        config.decay(optimizer)
        apart = stability(ensemble, pairs)
        trial.report(
            prediction_distance=np.mean(apart.predictions),
            parameter_distance=np.mean(apart.parameters),
            memorised=np.mean(apart.memorised),
            train_accuracy=np.mean(accuracies(ensemble, pairs.sets)),
        )


def _slowdown(fitted_at: list[int], epochs: int, horizon: int) -> float:
    if epochs >= horizon and not all(fitted_at):
        return math.inf
    return max(at or epochs for at in fitted_at[1:] or fitted_at) / (fitted_at[0] or epochs)
