"""Search spaces as the command line writes them, such as ``lr=log:1e-4:1@0.01 width=int:8:256 act=relu,tanh momentum=0:0.99?opt=sgd``.

::

    space      = parameter {blank parameter}
    parameter  = name "=" domain ["@" default] ["?" condition {"&" condition}]
    domain     = ["int:"] ["log:"] low ":" high  |  value {"," value}  |  a JSON list of plain values
    condition  = name "=" value {"|" value}
    value      = a JSON string, with its quotes  |  a word; one that reads as a number, true, false or null is that value

A word that could be meant as a value and would be text (``True``, ``None``, ``nan``, ``1_000``) is refused, as is a choice between ``yes``
and ``no``: in Python each of these texts is true.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence

from shoestring.errors import InvalidSpace, brief, shown
from shoestring.space import Choice, Float, Int, Parameter, Space, When
from shoestring.values.orders import Value

_STRING = r'"(?:[^"\\]|\\.)*"'
_OPEN_STRING = rf'{_STRING[:-1]}(?:"|$)'  # what is left open reaches to the end
_SHIELDED = re.compile(rf'{_OPEN_STRING}|\[(?:{_OPEN_STRING}|[^\]"])*(?:\]|$)', re.DOTALL)
_NUMBER = re.compile(r"[+-]?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_LITERALS: dict[str, Value] = {"true": True, "false": False, "null": None}
_SWITCHES = {"yes", "no", "on", "off", "y", "n"}  # booleans to people, text to Python
_WORD = re.compile(r'[^\s"\[\]{},:@?&|]+')
_LONGEST_NUMBER = 300  # digits; Python refuses to read very long ones
_ANY_WORD = re.compile(r'[^"\[\]{},]+')  # where neither : nor @ nor ? has a meaning
_EXAMPLES = "lr=log:1e-4:1, width=int:8:256 or act=relu,tanh"


def parse_space(parts: Sequence[str]) -> Space:
    """Returns the space that the parts of a command line describe.

    Args:
        parts: one or more parameters each, separated by blanks. The module's docstring has the grammar.
    Raises:
        InvalidSpace: a part cannot be read, or describes no sensible parameter.
        UnknownName: a condition names a parameter that is not there.
    """
    params: dict[str, Parameter] = {}
    for part in [parts] if isinstance(parts, str) else parts:
        for text in filter(None, _split(part, r"\s+")):
            name, equals, definition = text.partition("=")
            if not equals or not definition:
                raise InvalidSpace(f"{shown(text)} is not NAME=VALUES; write for example {_EXAMPLES}.")
            if name in params:
                raise InvalidSpace(f"{brief(name)} is defined twice; each parameter is defined once. Remove one.")
            try:
                params[name] = _parse_parameter(definition)
            except InvalidSpace as error:
                raise InvalidSpace(f"{brief(text)}: {error}") from None
    return Space(params)


def format_space(space: Space) -> str:
    """Returns the text that ``parse_space`` reads as this space."""
    return " ".join(f"{name}={_format_parameter(param)}" for name, param in space.params.items())


def _parse_parameter(text: str) -> Parameter:
    body, *conditions = _split(text, r"\?")
    domain, *defaults = _split(body, "@")
    if len(conditions) > 1 or len(defaults) > 1:
        raise InvalidSpace("more than one default (@) or condition (?); one of each is allowed. Join conditions by &.")
    when = _parse_conditions(conditions[0]) if conditions else None
    if domain.startswith("["):
        return _choice(_parse_list(domain), defaults, when)
    *words, high = _split(domain, ":")
    if not words:
        items = _split(domain, ",")
        if {item.lower() for item in items} <= _SWITCHES:
            raise InvalidSpace(
                f"{domain} are texts, and in Python each is true; write true,false, or put quotes around a text: '\"{items[0]}\"'."
            )
        return _choice([parse_value(item) for item in items], defaults, when)
    *words, low = words
    if set(words) - {"int", "log"} or len(set(words)) < len(words):
        raise InvalidSpace("a range is low:high with int: or log: or both before it. Put quotes around a choice that contains a colon.")
    if "int" in words:
        return Int(_whole(low), _whole(high), "log" in words, _whole(defaults[0]) if defaults else None, when)
    return Float(_real(low), _real(high), "log" in words, _real(defaults[0]) if defaults else None, when)


def _choice(options: list[Value], defaults: list[str], when: When | None) -> Choice:
    default = parse_value(defaults[0]) if defaults else None
    if defaults and default is None:
        raise InvalidSpace("null cannot be the default after @; the first option is the default anyway. Put null first.")
    return Choice(options, default, when)


def _parse_conditions(text: str) -> dict[str, list[Value]]:
    when: dict[str, list[Value]] = {}
    for condition in _split(text, "&"):
        name, equals, values = condition.partition("=")
        if not equals or name in when:
            raise InvalidSpace(f"condition {shown(condition)} is not NAME=VALUE with a new name; write for example ?opt=sgd|adam&depth=2.")
        when[name] = [parse_value(value) for value in _split(values, r"\|")]
    return when


def _parse_list(text: str) -> list[Value]:
    try:
        options = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise InvalidSpace(
            f'{shown(text)} is not a JSON list ({error}); write for example ["a b", "c"], within single quotes for the shell.'
        ) from None
    assert isinstance(options, list), "what begins with a bracket and is JSON is a list"
    return options


def parse_value(text: str, word: re.Pattern[str] = _WORD) -> Value:
    """Reads a quoted string as such, and a word as the number, true, false or null it looks like, or else as a string.

    Args:
        text: one value.
        word: what a text without quotes may be.

    Raises:
        InvalidSpace: it is not one value, or a word that looks like a value and would be text.
    """
    if re.fullmatch(_STRING, text, re.DOTALL):
        try:
            return str(json.loads(text))
        except ValueError as error:
            raise InvalidSpace(f"{shown(text)} is not a JSON string ({error}); escape a backslash as two.") from None
    if not word.fullmatch(text):
        raise InvalidSpace(
            f'{shown(text)} is not one value; put double quotes around an empty value or one with blanks or any of []{{}},:@?&|".'
        )
    if text in _LITERALS:
        return _LITERALS[text]
    if _NUMBER.fullmatch(text):
        number = float(text)
        if math.isfinite(number) and len(text) < _LONGEST_NUMBER:
            return int(text) if re.fullmatch("[+-]?[0-9]+", text) else number
    if text.lower() in ("true", "false", "null") or text in ("None", "NONE") or _reads_as_number(text):
        raise InvalidSpace(
            f"{shown(text)} would be text, which Python takes for true; write true, false, null or a finite number such as 1000, "
            f"or put quotes around a text: '\"{brief(text)}\"'."
        )
    return text


def parse_config(text: str) -> dict[str, Value]:
    """Returns the values in ``key=value,key=value``, each as ``parse_value`` reads it.

    Raises:
        InvalidSpace: a part has no ``=``, a value cannot be read, or a key is given twice.
    """
    values: dict[str, Value] = {}
    for part in filter(str.strip, _split(text, ",")):
        name, equals, value = part.strip().partition("=")
        name = name.strip()
        if not equals or not name:
            raise InvalidSpace(f"{shown(part)} must be a value; write key=value,key=value, such as width=256,lr=0.1.")
        if name in values:
            raise InvalidSpace(f"{shown(name)} is given twice; give each parameter one value.")
        try:
            values[name] = parse_value(value.strip(), _ANY_WORD)
        except InvalidSpace as error:
            raise InvalidSpace(f"{brief(part)}: {error}") from None
    return values


def _reads_as_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _refuse_constant(text: str) -> None:
    raise ValueError(f"{text} is not JSON")


def _real(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InvalidSpace(f"{shown(text)} is not a number; write for example 1e-4.") from None


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        number = _real(text)
        if not number.is_integer():
            raise InvalidSpace(f"{shown(text)} is not a whole number; write for example 64, or leave out int: for real numbers.") from None
        return int(number)


def _split(text: str, separator: str) -> list[str]:
    """Splits at a regular expression, but not inside double quotes or brackets."""
    mask = _SHIELDED.sub(lambda match: "_" * len(match[0]), text)
    cuts = [match.span() for match in re.finditer(separator, mask)]
    starts, ends = [0, *(end for _, end in cuts)], [*(start for start, _ in cuts), len(text)]
    return [text[start:end] for start, end in zip(starts, ends, strict=True)]


def _format_parameter(param: Parameter) -> str:
    if isinstance(param, Choice):
        text = ",".join(map(_format_value, param.options))
    else:
        text = f"{'int:' * isinstance(param, Int)}{'log:' * param.log}{param.low!r}:{param.high!r}"
    if param.default is not None:
        text += f"@{_format_value(param.default)}"
    if param.when is not None:
        text += "?" + "&".join(f"{name}={_format_values(values)}" for name, values in param.when.items())
    return text


def _format_values(values: Value | Sequence[Value]) -> str:
    return "|".join(map(_format_value, [values] if isinstance(values, str) or not isinstance(values, Sequence) else values))


def _format_value(value: Value) -> str:
    return value if isinstance(value, str) and _reads_as_itself(value) else json.dumps(value, ensure_ascii=False)


def _reads_as_itself(text: str) -> bool:
    try:
        return text.lower() not in _SWITCHES and parse_value(text) == text
    except InvalidSpace:
        return False
