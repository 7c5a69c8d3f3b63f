"""Interpolants of least norm, linear and kernel: what SGD from zero finds on a linear model, in closed form.

No regulariser, no training. Source: Zhang et al. 2017, arXiv:1611.03530, section 5, equation 3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from shoestring.errors import UsageError

Floats: TypeAlias = NDArray[np.float64]
BANDWIDTH = 0.02  # the authors' on MNIST with pixels in 0 to 1: exp(-0.02 distance**2)


def minimum_norm(x: Floats, y: Floats) -> Floats:
    """Returns the weights ``w = x' (x x')^+ y`` of least norm among those with the least squared error of ``x w = y``.

    Args:
        x: inputs, ``(n, d)``.
        y: targets, ``(n,)`` or ``(n, k)``.
    Returns:
        ``(d,)`` or ``(d, k)``.
    """
    return np.asarray(np.linalg.lstsq(np.asarray(x, np.float64), np.asarray(y, np.float64), rcond=None)[0])


def squared_distances(x: Floats, z: Floats) -> Floats:
    """Returns the squared distances between rows of ``(n, d)`` and of ``(m, d)``, ``(n, m)``."""
    return np.asarray(np.maximum((x**2).sum(axis=1)[:, None] + (z**2).sum(axis=1) - 2 * x @ z.T, 0.0))


def gaussian_kernel(x: Floats, z: Floats, bandwidth: float = BANDWIDTH) -> Floats:
    """Returns ``exp(-bandwidth |x_i - z_j|^2)``, ``(n, m)``."""
    return np.asarray(np.exp(-bandwidth * squared_distances(x, z)))


@dataclass(frozen=True)
class KernelInterpolant:
    """The function ``sum_i alpha_i k(x_i, .)`` that passes through all targets.

    Attributes:
        x: inputs, ``(n, d)``.
        alpha: ``(n, k)``.
        bandwidth: of the Gaussian kernel.
        norm: in the kernel's Hilbert space, over all ``k`` targets: ``sqrt(trace(alpha' K alpha))``.
    """

    x: Floats
    alpha: Floats
    bandwidth: float
    norm: float

    def __call__(self, z: Floats) -> Floats:
        """Returns the values at ``(m, d)``, ``(m, k)``."""
        return np.asarray(gaussian_kernel(z, self.x, self.bandwidth) @ self.alpha)


def kernel_interpolant(x: Floats, y: Floats, bandwidth: float = BANDWIDTH) -> KernelInterpolant:
    """Solves ``K alpha = y`` with the Gaussian kernel and nothing added to ``K``.

    Args:
        x: inputs, ``(n, d)``, no two alike.
        y: targets, ``(n, k)``.
    Raises:
        UsageError: the kernel matrix is singular in float64: two inputs are alike, or the kernel is too wide.
    """
    try:
        factor = scipy.linalg.cho_factor(gaussian_kernel(x, x, bandwidth), overwrite_a=True)
    except scipy.linalg.LinAlgError as error:
        raise UsageError(
            f"the kernel matrix of {len(x)} inputs is singular at bandwidth {bandwidth:g}; take out duplicates or raise it."
        ) from error
    alpha = np.asarray(scipy.linalg.cho_solve(factor, y))
    return KernelInterpolant(x, alpha, bandwidth, float(np.sqrt(np.sum(alpha * y))))
