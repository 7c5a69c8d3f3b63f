"""What the paper claims, in forms that can fail, at a scale of minutes on two cores; each with a control that must not hold."""

from __future__ import annotations

from functools import partial

import shoestring
from shoestring import Claim, datasets
from shoestring.verdicts.rules import always, better, both, equivalent

PAPER = "Zhang et al. 2017"
PAPER_COST = "not stated; Inception, AlexNet and perceptrons on 50,000 CIFAR-10 images, and Inception V3 on ImageNet"
HOME = "shoestring.systems.randomization_test"
FOUR = "four times"  # the factor of time that still counts as small

_ask = partial(shoestring.compare, workers=2)
_compare = partial(_ask, train=f"{HOME}.training:train")
_pairs = partial(_ask, train=f"{HOME}.training:train_pairs")
_cifar = {"data": "cifar10", "n_train": 500, "n_test": 500, "batch_size": 32}
_mnist = {"data": "mnist", "n_train": 500, "n_test": 1000, "batch_size": 32, "pairs": 2}
_slowdown = partial(_compare, metric="slowdown", goal="min", horizon=80, seeds=5)
_accuracy_after_noise = partial(_compare, metric="test_accuracy", goal="max", horizon=60, seeds=10, difference=0.03)
_accuracy_without = partial(_compare, metric="test_accuracy", goal="max", horizon=40, seeds=8, difference=0.1)
_construction_error = partial(_ask, train=f"{HOME}.evidence:build", metric="error", goal="min", seeds=8)
_distance_to_least_norm = partial(_ask, train=f"{HOME}.evidence:descend", metric="distance", goal="min", seeds=6, horizon=10)
_interpolation_error = partial(_ask, train=f"{HOME}.evidence:interpolate", metric="test_error", goal="min", seeds=6)
_misorder = partial(_ask, train=f"{HOME}.evidence:interpolate", metric="misorder", goal="max", seeds=6)
_prediction_distance = partial(_pairs, metric="prediction_distance", goal="max", horizon=30, seeds=8)
_too_small = {"width": 1}  # 2,373 weights for 500 labels of 10 classes, through one unit


CLAIMS = [
    Claim(
        name="random-labels-are-fitted",
        statement="A perceptron fits random labels to zero training error, as it was for true ones, within four times their epochs.",
        source=f"{PAPER}, section 2.1, figure 1a, table 1",
        question=partial(_slowdown, {"random labels": {**_cifar, "variants": "true,random-labels"}, FOUR: 4.0}),
        budget="30s",
        rule=better("random labels"),
        control=partial(_slowdown, {"random labels": {**_cifar, **_too_small, "variants": "true,random-labels"}, FOUR: 4.0}),
        paper_cost=PAPER_COST,
        needs=datasets.cifar10,
    ),
    Claim(
        name="noise-is-fitted",
        statement="It fits shuffled pixels, random pixels and Gaussian inputs to zero training error too, within four times the epochs.",
        source=f"{PAPER}, section 2.1, figure 1a",
        question=partial(_slowdown, {"noise": {**_cifar, "variants": "true,shuffled-pixels,random-pixels,gaussian"}, FOUR: 4.0}),
        budget="35s",
        rule=better("noise"),
        control=partial(
            _slowdown, {"noise": {**_cifar, **_too_small, "variants": "true,shuffled-pixels,random-pixels,gaussian"}, FOUR: 4.0}
        ),
        paper_cost=PAPER_COST,
        needs=datasets.cifar10,
    ),
    Claim(
        name="random-labels-teach-nothing",
        statement="A network that was fitted to random labels is right on test images as often as chance, to within 3 points.",
        source=f"{PAPER}, table 1: 9.78% on CIFAR-10",
        question=partial(_accuracy_after_noise, {"random labels": {**_mnist, "n_test": 2000, "variants": "random-labels"}, "chance": 0.1}),
        budget="20s",
        rule=equivalent(),
        control=partial(_accuracy_after_noise, {"random labels": {**_mnist, "n_test": 2000, "variants": "true"}, "chance": 0.1}),
        paper_cost=PAPER_COST,
        needs=datasets.mnist,
    ),
    Claim(
        name="the-gap-grows-with-corruption",
        statement="The more labels are drawn anew, the wider the gap between training and test accuracy: it is widest at 100%.",
        source=f"{PAPER}, figure 1c",
        question=partial(
            _compare,
            {f"{percent}%": {**_mnist, "variants": f"corrupt-{percent}%"} for percent in (100, 80, 60, 40, 20)},
            metric="gap",
            goal="max",
            horizon=60,
            seeds=5,
        ),
        budget="22s",
        rule=better("100%"),
        # Pixels in another order: nothing that a perceptron could tell from the true images.
        control=partial(
            _compare,
            {"100%": {**_mnist, "variants": "shuffled-pixels"}, "20%": {**_mnist, "variants": "true"}},
            metric="gap",
            goal="max",
            horizon=60,
            seeds=6,
        ),
        paper_cost=PAPER_COST,
        needs=datasets.mnist,
    ),
    Claim(
        name="regularisers-are-not-necessary",
        statement="Without weight decay and crops test accuracy is within 10 points of that with them, and at least twice chance.",
        source=f"{PAPER}, section 3, table 1",
        question=partial(
            _accuracy_without,
            {
                "none": {**_cifar, "until_fitted": False},
                "crop, weight decay": {**_cifar, "until_fitted": False, "crop": 4, "weight_decay": 5e-4},
            },
        ),
        budget="35s",
        rule=both(equivalent(), always("none", 0.2)),
        control=partial(
            _accuracy_without,
            {
                "none": {**_cifar, "until_fitted": False, "variants": "random-labels"},
                "crop, weight decay": {**_cifar, "until_fitted": False, "crop": 4, "weight_decay": 5e-4},
            },
        ),
        paper_cost=PAPER_COST,
        needs=datasets.cifar10,
    ),
    Claim(
        name="regularisers-are-not-sufficient",
        statement="With weight decay a perceptron still fits random labels to zero error, within four times the epochs of true ones.",
        source=f"{PAPER}, section 3",
        question=partial(_slowdown, {"weight decay": {**_cifar, "weight_decay": 5e-4, "variants": "true,random-labels"}, FOUR: 4.0}),
        budget="25s",
        rule=better("weight decay"),
        control=partial(
            _slowdown, {"weight decay": {**_cifar, **_too_small, "weight_decay": 5e-4, "variants": "true,random-labels"}, FOUR: 4.0}
        ),
        paper_cost=PAPER_COST,
        needs=datasets.cifar10,
    ),
    Claim(
        name="2n-plus-d-weights-fit-anything",
        statement="A network of 2n + d weights, built without training, gives 1,000 real images any labels with an error below 1e-6.",
        source=f"{PAPER}, theorem 1",
        question=partial(_construction_error, {"built": {"data": "mnist", "n": 1000, "digits_kept": "float64"}, "limit": 1e-6}),
        budget="8s",
        rule=better("built"),
        control=partial(_construction_error, {"built": {"data": "mnist", "n": 1000, "digits_kept": "float32"}, "limit": 1e-6}),
        paper_cost="a proof",
        needs=datasets.mnist,
    ),
    Claim(
        name="sgd-finds-the-least-norm",
        statement="From zero, SGD on an underdetermined linear model ends within 0.001 of the solution of least norm.",
        source=f"{PAPER}, section 5",
        question=partial(_distance_to_least_norm, {"sgd": {"data": "mnist", "n": 50, "epochs": 200, "start": "zero"}, "limit": 1e-3}),
        budget="15s",
        rule=better("sgd"),
        control=partial(_distance_to_least_norm, {"sgd": {"data": "mnist", "n": 50, "epochs": 200, "start": "normal"}, "limit": 1e-3}),
        paper_cost="a proof",
        needs=datasets.mnist,
    ),
    Claim(
        name="interpolation-generalises",
        statement="The kernel interpolant of 3,000 MNIST images, without any regulariser, errs on fewer than 5% of test images.",
        source=f"{PAPER}, section 5: 1.2% of 60,000",
        question=partial(
            _interpolation_error,
            {"interpolant": {"data": "mnist", "n": 3000, "n_test": 5000, "labels": "true", "features": "permuted"}, "5%": 0.05},
        ),
        budget="15s",
        rule=better("interpolant"),
        control=partial(
            _interpolation_error,
            {"interpolant": {"data": "mnist", "n": 3000, "n_test": 5000, "labels": "random", "features": "permuted"}, "5%": 0.05},
        ),
        paper_cost="not stated here; the authors solve it for 60,000 images at once",
        needs=datasets.mnist,
    ),
    Claim(
        name="the-norm-does-not-tell",
        statement="Gabor features lower the interpolant's test error on MNIST although they raise its norm.",
        source=f"{PAPER}, section 5: error 1.2% to 0.6%, norm 220 to 390",
        question=partial(
            _misorder, {"misorder": {"data": "mnist", "n": 3000, "n_test": 5000, "labels": "true", "features": "gabor"}, "none": 0.0}
        ),
        budget="25s",
        rule=better("misorder"),
        control=partial(
            _misorder, {"misorder": {"data": "mnist", "n": 3000, "n_test": 5000, "labels": "true", "features": "permuted"}, "none": 0.0}
        ),
        paper_cost="not stated",
        needs=datasets.mnist,
    ),
    Claim(
        name="stability-on-average-separates",
        statement="One example replaced moves predictions further under random labels than under true ones.",
        source=f"{PAPER}, section 1.3, and Hardt, Recht and Singer 2015; measured here, not by them",
        question=partial(
            _prediction_distance, {"random labels": {**_mnist, "variants": "random-labels"}, "true labels": {**_mnist, "variants": "true"}}
        ),
        budget="35s",
        rule=better("random labels"),
        control=partial(
            _prediction_distance,
            {"random labels": {**_mnist, "variants": "shuffled-pixels"}, "true labels": {**_mnist, "variants": "true"}},
        ),
        paper_cost="a proof of the bound; the paper ran nothing of it",
        needs=datasets.mnist,
    ),
]
