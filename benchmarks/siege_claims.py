"""A claim about `siege_target.py`, for `benchmarks/siege.py`."""

from functools import partial
from pathlib import Path

import shoestring as ss
from shoestring.verdicts.rules import better

_compare = partial(
    ss.compare, train=f"{Path(__file__).with_name('siege_target.py')}:train", metric="loss", goal="min", horizon=4, seeds=8, workers=1
)

CLAIMS = [
    ss.Claim(
        name="two-beats-three",
        statement="After 4 units the loss at x = 2 is lower than at x = 3.",
        source="siege_target.py",
        question=partial(_compare, {"two": {"x": 2.0}, "three": {"x": 3.0}}),
        budget="3m",
        rule=better("two"),
        control=partial(_compare, {"two": {"x": 2.0}, "three": {"x": 2.0}}),
        paper_cost="nothing",
    )
]
