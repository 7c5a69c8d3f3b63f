"""A claim of one's own about the digits network, with its control.

shoestring claims examples/claims.py --budget "90 seconds" --controls
"""

import sys
from functools import partial
from pathlib import Path

import torch

import shoestring as ss
from shoestring.verdicts.rules import better

sys.path.insert(0, str(Path(__file__).parent))
import digits


def train(trial):
    torch.manual_seed(trial.seed + trial.config.get("draw", 0))
    digits.train(trial)


compare = partial(ss.compare, train=f"{__file__}:train", metric="accuracy", goal="max", horizon=3, seeds=12)

CLAIMS = [
    ss.Claim(
        name="wider-is-better",
        statement="On the handwritten digits, 256 hidden units reach a higher accuracy after 3 epochs than 16.",
        source="this file",
        question=partial(compare, {"wide": {"width": 256}, "narrow": {"width": 16}}),
        budget="1m",
        rule=better("wide"),
        # Two independent draws of one network under the same names: the rule must not find the wide one better.
        control=partial(compare, {"wide": {"width": 16, "draw": 1}, "narrow": {"width": 16}}),
        paper_cost="nothing: it is ours",
    ),
]
