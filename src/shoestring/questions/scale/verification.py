"""What a run would cost that verifies a scaling law beyond the sizes it was fitted to."""

from __future__ import annotations

import math
from collections.abc import Sequence

from shoestring.budget import Cost, describe, duration
from shoestring.questions.scale.question import Scale
from shoestring.values.orders import Config

_NEXT = 2.0  # times the largest size: where a law is verified


def verification_note(question: Scale, measured: Sequence[tuple[Config, float]]) -> str | None:
    """Returns what a run at twice the largest size would take, in words; None if no prediction asks for one or nothing was measured.

    The time of a run is taken to grow by a power of the size, the one between the two largest sizes that were run.

    Args:
        measured: configurations that were run, each with its seconds a unit.
    """
    if not any(size > question.farthest for size in question.extrapolate):
        return None
    costs: dict[float, list[float]] = {}
    for config, seconds in measured:
        costs.setdefault(float(str(config[question.over])), []).append(seconds)
    means = {size: sum(found) / len(found) for size, found in costs.items()}
    if len(means) < 2 or not all(means.values()):
        return None
    before, largest = sorted(means)[-2:]
    power = math.log(means[largest] / means[before]) / math.log(largest / before)
    seconds = question.horizon * means[largest] * _NEXT ** max(0.0, power)
    price = describe("units", Cost(question.horizon).units, question.unit)
    return f"to verify the law, a run at {question.over} {_NEXT * largest:g} costs {price}, about {duration(seconds)}"
