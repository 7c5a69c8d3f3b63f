"""What a run would cost that verifies a scaling law beyond the sizes it was fitted to."""

from __future__ import annotations

import json
import math

from shoestring.budget import Cost, describe, duration
from shoestring.engine.run import cost_of
from shoestring.questions.scale import Scale
from shoestring.store import Store, schema

_NEXT = 2.0  # times the largest size: where a law is verified


def verification_note(question: Scale, store: Store) -> str | None:
    """Returns what a run at twice the largest size would take, in words; None if no prediction asks for one or nothing was measured.

    The time of a run is taken to grow by a power of the size, the one between the two largest sizes that were run.
    """
    if not any(size > question.farthest for size in question.extrapolate):
        return None
    with store.reading():
        sizes = {row["id"]: float(json.loads(row["config"])[question.over]) for row in store.rows(schema.trials)}
        costs: dict[float, list[float]] = {}
        for row in store.rows(schema.leases):
            if row["trial_id"] in sizes and row["units"]:
                costs.setdefault(sizes[row["trial_id"]], []).append(cost_of(row).wall_s / row["units"])
    means = {size: sum(found) / len(found) for size, found in costs.items()}
    if len(means) < 2 or not all(means.values()):
        return None
    before, largest = sorted(means)[-2:]
    power = math.log(means[largest] / means[before]) / math.log(largest / before)
    seconds = question.horizon * means[largest] * _NEXT ** max(0.0, power)
    price = describe("units", Cost(question.horizon).units, question.unit)
    return f"to verify the law, a run at {question.over} {_NEXT * largest:g} costs {price}, about {duration(seconds)}"
