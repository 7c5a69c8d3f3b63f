"""What a study may spend: amounts of resources, the limits set on them, and what they cost in money."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType

from shoestring.arguments import bound_class
from shoestring.errors import InvalidBudget, UnknownName, UsageError, shown

UNITS = ("epoch", "step", "episode", "unit")


def plural_of(word: str) -> str:
    """Returns the plural of a word for a unit of training, such as ``epochs`` or ``batches``."""
    if re.search("(s|x|z|sh|[^o]ch)$", word):
        return f"{word}es"
    return f"{word[:-1]}ies" if re.search("[^aeiou]y$", word) else f"{word}s"


# Seconds by abbreviation, which has no plural, and by word.
_SHORT = {"ms": 1e-3, "s": 1, "m": 60, "h": 3600, "d": 86400}
_LONG = {"millisecond": 1e-3, "msec": 1e-3, "sec": 1, "second": 1, "min": 60, "minute": 60, "hr": 3600, "hour": 3600}
_LONG |= {"day": 86400, "week": 7 * 86400}
_SECONDS = _SHORT | _LONG | {plural_of(word): factor for word, factor in _LONG.items()}
_WORDS: Mapping[str, tuple[str, float]] = MappingProxyType(
    {word: ("wall_s", factor) for word, factor in _SECONDS.items()}
    | {f"{kind}-{word}": (f"{kind}_s", factor) for kind in ("cpu", "gpu") for word, factor in _SECONDS.items()}
    | {"usd": ("usd", 1.0), "$": ("usd", 1.0), "dollar": ("usd", 1.0), "dollars": ("usd", 1.0), "kwh": ("kwh", 1.0), "wh": ("kwh", 1e-3)}
)
_COUNTED = {"trial": "n_trials (--trials)", "run": "n_trials (--trials)", "seed": "seeds (--seeds)"}
_UNIT = re.compile(r"[^\W\d_](?:[^\W\d]|-){0,39}")
_TOKEN = re.compile(
    r"\s*(?P<dollar>\$)?\s*(?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)\s*(?P<word>(?:[cg]pu[\s_-]*)?(?:[^\W\d]|[$-])+)?\s*,?",
    re.IGNORECASE,
)
_EXAMPLES = "write for example 10m, 1h30m, '100 epochs', '2 gpu-hours', '5 usd', '0.3 kWh', or several: '10m, 100 epochs'"
_PRICES = "write dollars per resource, such as 2.5/gpu-hour or 0.04/cpu-hour"


@dataclass(frozen=True, slots=True)
class Cost:
    """An amount of every resource.

    Attributes:
        units: units of training (epochs, steps, episodes) begun.
        wall_s: seconds on the study's clock; seconds in which several trials ran are shared among them.
        cpu_s: processor seconds, over all cores.
        gpu_s: seconds of holding a GPU, over all GPUs.
        kwh: energy in kWh.
        usd: money in US dollars, by the user's own prices.
    """

    units: int = 0
    wall_s: float = 0.0
    cpu_s: float = 0.0
    gpu_s: float = 0.0
    kwh: float = 0.0
    usd: float = 0.0

    def __add__(self, other: Cost) -> Cost:
        return Cost(*(getattr(self, name) + getattr(other, name) for name in RESOURCES))

    def __sub__(self, other: Cost) -> Cost:
        return Cost(*(getattr(self, name) - getattr(other, name) for name in RESOURCES))

    def as_dict(self) -> dict[str, float]:
        """Returns the amounts by resource name."""
        return {name: getattr(self, name) for name in RESOURCES}


RESOURCES = tuple(field.name for field in fields(Cost))


@bound_class
@dataclass(frozen=True, init=False)
class Budget:
    """Limits on one or several resources; the study ends when the first is reached.

    Args:
        *texts: amounts such as ``"10m"``, ``"1h30m"``, ``"100 epochs"``, ``"2 gpu-hours"``, ``"3 cpu-hours"``, ``"5 usd"``, ``"0.3 kWh"``;
            one text may hold several, separated by commas.
        unit: what a unit of training is called, where it is none of ``UNITS``.
    Raises:
        InvalidBudget: a text cannot be read, an amount is not above zero, or a resource is limited twice.
        UnknownName: a unit of measure that is not known.

    Attributes:
        limits: the largest amount of each limited resource, in the units of ``Cost``.
        unit: the word used for a unit of training, or None if units are not limited.
        texts: as it was written.
    """

    limits: Mapping[str, float]
    unit: str | None
    texts: tuple[str, ...]

    def __init__(self, *texts: str, unit: str | None = None) -> None:
        unit = None if unit is None else unit_word(unit)
        limits: dict[str, float] = {}
        counted: str | None = None
        for text in texts:
            if not isinstance(text, str):
                raise InvalidBudget(f"budget must be text, got {shown(text)}; {_EXAMPLES}.")
            read: dict[str, float] = {}
            for number, written in _amounts(text):
                resource, factor, word = _resource(written, text, unit)
                if resource == "units" and counted not in (None, word):
                    raise InvalidBudget(f"budget {shown(text)} counts both {counted} and {word}; units of training are of one kind.")
                read[resource] = read.get(resource, 0.0) + number * factor
                counted = word if resource == "units" else counted
            if twice := limits.keys() & read.keys():
                raise InvalidBudget(f"the budget limits {', '.join(sorted(twice))} twice; give each resource one amount.")
            limits |= read
        if not limits:
            raise InvalidBudget(f"the budget is empty; {_EXAMPLES}.")
        for resource, amount in limits.items():
            if not (0 < amount < math.inf):
                raise InvalidBudget(f"a budget of {amount:g} ({resource}) cannot be spent; give a finite amount above zero.")
        if "units" in limits and limits["units"] != int(limits["units"]):
            raise InvalidBudget(f"a budget of {limits['units']:g} {plural_of(str(counted))} must be a whole number; give whole units.")
        object.__setattr__(self, "limits", MappingProxyType(limits))
        object.__setattr__(self, "unit", counted)
        object.__setattr__(self, "texts", texts)

    def left(self, spent: Cost) -> dict[str, float]:
        """Returns what is left of each limited resource, never below zero."""
        return {resource: max(0.0, limit - getattr(spent, resource)) for resource, limit in self.limits.items()}

    def __str__(self) -> str:
        return ", ".join(describe(resource, amount, self.unit or "unit") for resource, amount in self.limits.items())


@bound_class
@dataclass(frozen=True, init=False)
class Price:
    """What resources cost in US dollars, by the user's own figures.

    Args:
        *texts: prices such as ``"2.5/gpu-hour"``, ``"0.04/cpu-hour"``, ``"1.2/hour"`` or ``"0.30/kWh"``.
    Raises:
        InvalidBudget: a text is not a price.
    """

    per: Mapping[str, float]
    texts: tuple[str, ...]

    def __init__(self, *texts: str) -> None:
        per: dict[str, float] = {}
        for text in texts:
            if not isinstance(text, str):
                raise InvalidBudget(f"price must be text, got {shown(text)}; {_PRICES}.")
            amount, slash, word = text.partition("/")
            try:
                usd = float(amount.strip().removeprefix("$").removesuffix("usd"))
            except ValueError:
                usd = math.nan
            if not slash or not 0 <= usd < math.inf:
                raise InvalidBudget(f"price {shown(text)} cannot be read; {_PRICES}.")
            resource, factor, _ = _resource(word.strip(), text)
            if resource in ("usd", "units"):
                raise InvalidBudget(f"price {shown(text)} must be per hour or kWh; write for example 2.5/gpu-hour or 0.30/kWh.")
            per[resource] = per.get(resource, 0.0) + usd / factor
        object.__setattr__(self, "per", MappingProxyType(per))
        object.__setattr__(self, "texts", texts)

    def of(self, amounts: Mapping[str, float]) -> float:
        """Returns what amounts by resource come to in US dollars."""
        return math.fsum(amounts[resource] * usd for resource, usd in self.per.items())


def describe(resource: str, amount: float, unit: str = "unit") -> str:
    """Returns an amount of a resource as a person would write it, such as ``1h30m`` or ``100 epochs``."""
    if resource == "units":
        return f"{amount:g} {unit if amount == 1 else plural_of(unit)}"
    if resource == "wall_s":
        return duration(amount)
    if resource in ("cpu_s", "gpu_s"):
        kind = resource.removesuffix("_s").upper()
        return f"{amount / 3600:.3g} {kind}-hours" if amount >= 360 else f"{amount:.3g} {kind}-seconds"
    return f"{amount:.3g} {'kWh' if resource == 'kwh' else 'usd'}"


def duration(seconds: float) -> str:
    """Returns seconds as ``1h05m``, ``2m30s``, ``12.3s`` or ``0.35s``."""
    if seconds < 59.95:  # 59.97 would be written as 60s
        return f"{seconds:.3g}s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes:02d}m" if hours else f"{minutes}m{rest:02d}s"


def _singular(word: str) -> str:
    """Returns the singular of a plural; a word that is none, such as ``pass`` or ``basis``, as it is."""
    if re.search("(ss|x|z|sh|[^o]ch)es$", word):
        return word[:-2]
    return re.sub("s$", "", re.sub("ies$", "ys", word)) if re.search("[^sui]s$", word) else word


def unit_word(word: str) -> str:
    """Returns what a unit of training is called, in the singular; any word that means nothing else in a budget.

    Raises:
        UsageError: it is not a word, or means something else.
    """
    lowered = _singular(word.lower()) if isinstance(word, str) else ""
    if not _UNIT.fullmatch(lowered):
        raise UsageError(f"unit must be one word for a unit of training, such as epoch, step, round or tree, got {shown(word)}.")
    if _spelt(lowered) in _WORDS or _counts(lowered):
        raise UsageError(f"unit={lowered!r} has another meaning in a budget; use a word such as epoch, step, round or tree.")
    return lowered


def _amounts(text: str) -> Iterator[tuple[float, str]]:
    position = 0
    while position < len(text.rstrip()):
        match = _TOKEN.match(text, position)
        word = match and (match["word"] or match["dollar"])
        if match is None or not word or (match["dollar"] and _WORDS.get(_spelt(word), ("",))[0] != "usd"):
            raise InvalidBudget(f"budget {shown(text)} cannot be read; {_EXAMPLES}.")
        yield float(match["number"]), word
        position = match.end()


def _resource(written: str, text: str, unit: str | None = None) -> tuple[str, float, str]:
    """Returns the resource that a word stands for, how much of it, and for units of training the word in the singular."""
    word = _spelt(written)
    for known in (*UNITS, *([unit] if unit else [])):
        if word in (known, plural_of(known)):
            return "units", 1.0, known
    if word in _WORDS:
        return *_WORDS[word], word
    if option := _counts(word):
        raise InvalidBudget(f"budget {shown(text)} counts {written}: limit these with {option}, and give a budget such as 10m.")
    if written == "M":
        raise InvalidBudget(f"budget {shown(text)} has a capital M, which could be minutes, months or millions; write m for minutes.")
    kind = word[:4] if word[:4] in ("cpu-", "gpu-") else ""
    known_words = [f"{kind}{known}" for known in _SHORT | _LONG] + ([] if kind else ["usd", "kwh", *UNITS])
    raise UnknownName(
        "unit of measure", written, known_words, hint=f"In {shown(text)}. Any other unit of training is named with unit= (--unit)."
    )


def _spelt(word: str) -> str:
    """Returns a word as the table has it: in lower case, and with a hyphen after cpu and gpu, of which ``cpus`` is the plural."""
    return word if word == "M" else re.sub(r"^([cg]pu)(?:[\s_-]+|(?!s$))(?=.)", r"\1-", word.lower())


def _counts(word: str) -> str | None:
    return _COUNTED.get(word) or _COUNTED.get(word.removesuffix("s"))
