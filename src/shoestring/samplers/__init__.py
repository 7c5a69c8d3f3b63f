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

Each obeys ``values.orders.Sampler`` and passes ``shoestring.testing.SAMPLER_CHECKS``. If the space has a default, all but the grid begin
with it. Nothing heavy is imported before it is made.
"""

from __future__ import annotations

from shoestring.members import Members
from shoestring.space import Space
from shoestring.values.orders import Sampler

MEMBERS: Members[Sampler] = Members(
    "sampler",
    {
        "cma-es": "shoestring.samplers.cma_es:CmaEs",
        "evolution": "shoestring.samplers.evolution:Evolution",
        "gp": "shoestring.samplers.optuna:gp",
        "grid": "shoestring.samplers.grid:Grid",
        "kde": "shoestring.samplers.kde:Kde",
        "policy-gradient": "shoestring.samplers.policy_gradient:PolicyGradient",
        "random": "shoestring.samplers.random:Random",
        "screened": "shoestring.samplers.screened:Screened",
        "sobol": "shoestring.samplers.sobol:Sobol",
        "tpe": "shoestring.samplers.optuna:tpe",
    },
)
SAMPLERS = MEMBERS.names


def make_sampler(name: str, space: Space, seed: int) -> Sampler:
    """Returns a fresh sampler with its standard settings.

    Args:
        name: one of ``SAMPLERS``, of an installed package, or ``module:Name`` of your own: a class or function of ``space`` and ``seed``.
        space: what to sample from.
        seed: at least 0.
    Raises:
        UnknownName: there is no sampler of that name.
        UsageError: it needs a package that is not installed, the grid is too large, or what is named makes no sampler.
    """
    return MEMBERS.make(name, space, seed, verbs=("ask", "adopt", "tell"))
