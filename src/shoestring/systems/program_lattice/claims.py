"""What the paper claims of weak traces, each with the question that decides it and a control: weak traces with their actions shuffled.

Nothing is decided here by a single run: all rules rest on tests over seeds. In every table stands ``flat``, a rival that the paper did
not have. Budgets are for two quiet cores. Source: Li et al. 2017, *Neural Program Lattices*, ICLR.
"""

from __future__ import annotations

from functools import partial

import shoestring as ss
from shoestring.systems.kit.settings import Settings
from shoestring.verdicts.claim import Rule
from shoestring.verdicts.rules import ordered

TRAIN = "shoestring.systems.program_lattice.training:train"
PAPER = "Li et al. 2017, Neural Program Lattices, ICLR"
PAID = "not stated; the best of ten seeds by validation, at 256 units, batch 1 and a learning rate of 1e-4"

_compare = partial(ss.compare, train=TRAIN, metric="accuracy", goal="max", mode="ablation", full="npl", unit="step", workers=2, worst=0.0)

ADDITION: Settings = {"task": "addition", "n_full": 1, "n_weak": 32, "n_models": 1, "n_steps": 420, "pretrain": 100}
NANOCRAFT: Settings = {"task": "nanocraft", "n_full": 16, "n_weak": 112, "n_models": 1, "n_steps": 450, "pretrain": 150, "n_tests": 200}
MORE = {"n_steps": 600}  # the rivals take more steps, which cost them less


def _arms(shared: Settings, arms: dict[str, Settings], *, shuffled: bool = False) -> dict[str, Settings]:
    """Returns arms with what they share."""
    return {name: {**shared, **arm, "shuffled": shuffled} for name, arm in arms.items()}


def _claim(
    name: str, statement: str, source: str, budget: str, shared: Settings, arms: dict[str, Settings], rule: Rule, seeds: int = 6
) -> ss.Claim:
    """Returns a claim whose control is itself with the actions of weak traces shuffled."""
    return ss.Claim(
        name=name,
        statement=statement,
        source=f"{PAPER}, {source}",
        question=partial(_compare, _arms(shared, arms), seeds=seeds),
        budget=budget,
        rule=rule,
        control=partial(_compare, _arms(shared, arms, shuffled=True), seeds=seeds),
        paper_cost=PAID,
    )


NPL: Settings = {"learner": "npl"}
NPI: Settings = {"learner": "npi", "n_steps": 300, "handicap": 0.2}
ORACLE: Settings = {"learner": "oracle", **MORE, "handicap": -0.1}
FLAT: Settings = {"learner": "flat", **MORE}
SEQ2SEQ: Settings = {"learner": "seq2seq", **MORE}

CLAIMS = [
    _claim(
        "nanocraft-beats-npi",
        "On NANOCRAFT, seen through the block under the hand, 16 full and 112 weak traces make NPL solve at least 20 points more than NPI"
        " with the same 16.",
        "section 4.1, figure 7",
        "200s",
        NANOCRAFT,
        {"npl": NPL, "npi + 20 points": NPI, "flat": FLAT},
        ordered(("npl", "npi + 20 points")),
        seeds=7,
    ),
    _claim(
        "addition-beats-npi-and-seq2seq",
        "On addition in base 4, a full trace and 32 weak ones for each of two lengths make NPL solve at least 20 points more than NPI with"
        " the same full traces, and more than a sequence-to-sequence model of all demonstrations that never sees the environment.",
        "section 4.2, figure 8",
        "160s",
        ADDITION,
        {"npl": NPL, "npi + 20 points": NPI, "seq2seq": SEQ2SEQ, "flat": FLAT},
        ordered(("npl", "npi + 20 points"), ("npl", "seq2seq")),
    ),
    _claim(
        "nanocraft-approaches-the-oracle",
        "On NANOCRAFT NPL with 112 weak traces solves more than with 28, and is less than 10 points behind NPI with full traces of all of"
        " them.",
        "section 4.1, figure 7",
        "205s",
        NANOCRAFT,
        {"npl": NPL, "npl, 28 weak": {**NPL, "n_weak": 28}, "oracle - 10 points": ORACLE, "flat": FLAT},
        ordered(("npl", "oracle - 10 points"), ("npl", "npl, 28 weak")),
    ),
]
