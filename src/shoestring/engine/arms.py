"""The arms of a comparison, as a caller names them: configurations, functions, scripts or numbers."""

from __future__ import annotations

from collections.abc import Mapping

from shoestring.engine.naming import name_of
from shoestring.errors import UnknownName, UsageError
from shoestring.questions.compare.question import Arm
from shoestring.runners.arms import Arms, One, Target
from shoestring.values.orders import Config


def arms_of(arms: Mapping[str, One | Config | float], train: One | None, repeats: Mapping[str, int]) -> tuple[Target, tuple[Arm, ...]]:
    """Returns what is trained, and the arms as the question names them.

    Raises:
        UsageError: a configuration without ``train``, or ``train`` beside arms that bring their own.
        UnknownName: ``repeats`` names no arm.
    """
    for name in repeats:
        if name not in arms:
            raise UnknownName("arm", name, arms)
    own: dict[str, One] = {}
    members = []
    for name, what in arms.items():
        n = repeats.get(name, 1)
        if isinstance(what, int | float):
            members.append(Arm(name, value=float(what)))
        elif isinstance(what, Mapping):
            members.append(Arm(name, dict(what), repeats=n))
        else:
            own[name] = what
            members.append(Arm(name, target=name_of(what), repeats=n))
    configured = [arm.name for arm in members if arm.value is None and arm.name not in own]
    if own and (configured or train is not None):
        raise UsageError(f"arm {next(iter(own))!r} brings its own function; give all arms one each, or all a configuration of one.")
    if configured and train is None:
        raise UsageError(f"arm {configured[0]!r} is a configuration of nothing; say what is trained, such as train='train.py:train'.")
    return (Arms(own) if train is None else train), tuple(members)
