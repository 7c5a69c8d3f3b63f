"""What a question would take and could find, before its budget is spent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from shoestring.engine.asked import Asked
from shoestring.errors import UsageError
from shoestring.plans.compare import ComparePlan, plan_compare
from shoestring.plans.scale import ScalePlan, plan_largest, plan_law
from shoestring.plans.search import Plan, plan_search
from shoestring.questions.kinds import kind_of

AnyPlan: TypeAlias = Plan | ComparePlan | ScalePlan
PLANS: Mapping[str, Callable[[Asked], AnyPlan]] = {"search": plan_search, "compare": plan_compare, "law": plan_law, "largest": plan_largest}


def plan_of(asked: Asked) -> AnyPlan:
    """Plans what a call asks; where nothing has been measured yet, a pilot is run and charged.

    Raises:
        UsageError: the question cannot be asked so, the runner is one of the caller's own, or ``accept_changes`` is given.
        StoreError: the folder cannot be used, or holds another question.
    """
    if not isinstance(asked.runner, str):
        raise UsageError("a plan needs a runner by its name, such as runner='process'; leave your own out.")
    if asked.options.get("accept_changes"):
        raise UsageError("a plan does not accept changed code; give accept_changes (--accept-changes) to the study itself.")
    name = kind_of(asked.question).name
    if name not in PLANS:
        raise UsageError(f"a question of kind {name!r} has no plan; run it with a small budget and look at its ledger.")
    return PLANS[name](asked)
