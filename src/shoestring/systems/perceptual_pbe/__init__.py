"""Perceptual programming by example: a program and the networks that it looks through, learnt together from inputs and answers.

Gaunt, Brockschmidt, Kushman and Tarlow 2016 (arXiv:1611.02109) run programs with holes on distributions, so that gradient descent fills the
holes and trains the networks at once, from answers alone. Such a learner takes in task after task: networks are shared, programs are apart,
so that later tasks improve earlier ones and nothing is forgotten, where a multitask network stays behind; and what was learnt on short
expressions works on longer ones.

Claimed here, at a laptop's scale: all of that, and that exact search over the same template finds the loop that gradient descent seldom
finds. Not claimed: that gradient descent is a good way to find programs; or that networks and programs of any size can be learnt together.
"""

from __future__ import annotations

from shoestring.systems.perceptual_pbe.fitting import Fit, fit_labels, fit_learner
from shoestring.systems.perceptual_pbe.gradient import execute, run
from shoestring.systems.perceptual_pbe.learner import Learner, Perceptrons, as_arrays, inputs_of
from shoestring.systems.perceptual_pbe.scenarios import Grid, Tape
from shoestring.systems.perceptual_pbe.search import Found, enumerate_programs
from shoestring.systems.perceptual_pbe.task import Examples, Pool, add_grids, apply_grids, digits, expressions, operators
from shoestring.systems.perceptual_pbe.template import Template
from shoestring.systems.perceptual_pbe.variables import Param, Var, constant, lift, pick, switch

__all__ = [
    "Examples",
    "Fit",
    "Found",
    "Grid",
    "Learner",
    "Param",
    "Perceptrons",
    "Pool",
    "Tape",
    "Template",
    "Var",
    "add_grids",
    "apply_grids",
    "as_arrays",
    "constant",
    "digits",
    "enumerate_programs",
    "execute",
    "expressions",
    "fit_labels",
    "fit_learner",
    "inputs_of",
    "lift",
    "operators",
    "pick",
    "run",
    "switch",
]
