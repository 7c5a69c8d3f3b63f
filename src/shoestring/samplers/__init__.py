"""Samplers: which configuration to try next.

===============  ===============  =====================================================================================================
name             module           proposes
===============  ===============  =====================================================================================================
random           random           independent draws: the baseline that every other one has to beat
sobol            sobol            a scrambled low-discrepancy sequence: independent of what is seen, but without gaps and clumps
grid             grid             each combination of a few values a parameter, in random order; the only one that comes to an end
kde              kde              near what was good, and one in three anywhere (the model of BOHB); the cheapest that learns
screened         screened         the best of a few random draws as a small Gaussian process sees it; made for trials that stop early
tpe              optuna           where good configurations are dense and bad ones are not (tree-structured Parzen estimator)
gp               optuna           where a Gaussian process expects most improvement; needs PyTorch, about half a second a proposal
cma-es           cma_es           draws from a normal distribution that moves and turns towards what was good; best for numbers only
evolution        evolution        one change to the best of a few of the newest trials; best for choices
policy-gradient  policy_gradient  draws from a recurrent network that is paid for good ones; learns from a thousand trials on
===============  ===============  =====================================================================================================

Each obeys ``orders.Sampler``. If the space has a default, all but the grid begin with it. Nothing heavy is imported before it is made.
"""

from __future__ import annotations

from shoestring.errors import UnknownName
from shoestring.space import Space
from shoestring.values.orders import Sampler

SAMPLERS = ("cma-es", "evolution", "gp", "grid", "kde", "policy-gradient", "random", "screened", "sobol", "tpe")


def make_sampler(name: str, space: Space, seed: int) -> Sampler:
    """Returns a fresh sampler with its standard settings.

    Args:
        name: one of ``SAMPLERS``.
        space: what to sample from.
        seed: at least 0.
    Raises:
        UnknownName: there is no sampler of that name.
        UsageError: it needs a package that is not installed, or the grid is too large.
    """
    match name:
        case "random":
            from shoestring.samplers.random import Random

            return Random(space, seed)
        case "sobol":
            from shoestring.samplers.sobol import Sobol

            return Sobol(space, seed)
        case "grid":
            from shoestring.samplers.grid import Grid

            return Grid(space, seed)
        case "kde":
            from shoestring.samplers.kde import Kde

            return Kde(space, seed)
        case "screened":
            from shoestring.samplers.screened import Screened

            return Screened(space, seed)
        case "tpe":
            from shoestring.samplers.optuna import tpe

            return tpe(space, seed)
        case "gp":
            from shoestring.samplers.optuna import gp

            return gp(space, seed)
        case "cma-es":
            from shoestring.samplers.cma_es import CmaEs

            return CmaEs(space, seed)
        case "evolution":
            from shoestring.samplers.evolution import Evolution

            return Evolution(space, seed)
        case "policy-gradient":
            from shoestring.samplers.policy_gradient import PolicyGradient

            return PolicyGradient(space, seed)
    raise UnknownName("sampler", name, SAMPLERS)
