"""Rethinking generalization: can a model memorise labels that mean nothing? A test of one's own model and data.

Zhang et al. 2017 (arXiv:1611.03530) showed that networks which generalise well also fit random labels, random pixels and noise, with the
same hyperparameters and hardly more epochs, so that neither their size nor their regularisers explain why they generalise; a ReLU network
of 2n + d weights fits any n labels; and SGD on linear models finds the solution of least norm. Hardt, Recht and Singer 2015
(arXiv:1509.01240) bound how far SGD moves when one example changes. Claimed here, at a small scale: all of that, and that this distance,
measured, separates true from random labels where its uniform bound cannot. Not claimed: any accuracy, or what explains generalisation.
"""

from shoestring.systems.randomization_test.complexity import (
    Norms,
    Pairs,
    Stability,
    convex_stability_bound,
    nonconvex_stability_bound,
    norms,
    pairs_of,
    stability,
)
from shoestring.systems.randomization_test.expressivity import FiniteSampleNetwork, finite_sample_network
from shoestring.systems.randomization_test.fitting import Regulariser
from shoestring.systems.randomization_test.interpolation import KernelInterpolant, gaussian_kernel, kernel_interpolant, minimum_norm
from shoestring.systems.randomization_test.model import Ensemble, mlp, small_alexnet, small_inception
from shoestring.systems.randomization_test.randomization import DEFAULT_VARIANTS, randomization_test, sgd
from shoestring.systems.randomization_test.report import Report, Row
from shoestring.systems.randomization_test.task import VARIANTS, Data, corrupted, load, variant_of
from shoestring.systems.randomization_test.tool import as_data
from shoestring.systems.randomization_test.training import Config, train, train_pairs

__all__ = [
    "DEFAULT_VARIANTS",
    "VARIANTS",
    "Config",
    "Data",
    "Ensemble",
    "FiniteSampleNetwork",
    "KernelInterpolant",
    "Norms",
    "Pairs",
    "Regulariser",
    "Report",
    "Row",
    "Stability",
    "as_data",
    "convex_stability_bound",
    "corrupted",
    "finite_sample_network",
    "gaussian_kernel",
    "kernel_interpolant",
    "load",
    "minimum_norm",
    "mlp",
    "nonconvex_stability_bound",
    "norms",
    "pairs_of",
    "randomization_test",
    "sgd",
    "small_alexnet",
    "small_inception",
    "stability",
    "train",
    "train_pairs",
    "variant_of",
]
