"""Search spaces as the command line writes them, such as ``lr=log:1e-4:1@0.01 width=int:8:256 act=relu,tanh momentum=0:0.99?opt=sgd``.

::

    space      = parameter {blank parameter}
    parameter  = name "=" domain ["@" default] ["?" condition {"&" condition}]
    domain     = ["int:"] ["log:"] low ":" high  |  value {"," value}  |  a JSON list of plain values
    condition  = name "=" value {"|" value}
    value      = a JSON string, with its quotes  |  a word; one that reads as a JSON number, true, false or null is that value
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from shoestring.errors import InvalidSpace
from shoestring.orders import Value
from shoestring.space import Choice, Float, Int, Parameter, Space, When

_STRING = r'"(?:[^"\\]|\\.)*"'
_OPEN_STRING = rf'{_STRING[:-1]}(?:"|$)'  # what is left open reaches to the end
_SHIELDED = re.compile(rf'{_OPEN_STRING}|\[(?:{_OPEN_STRING}|[^\]"])*(?:\]|$)', re.DOTALL)
_WORD = re.compile(r'[^\s"\[\]{},:@?&|]+')
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
                raise InvalidSpace(f"{text!r} is not NAME=VALUES; write for example {_EXAMPLES}.")
            if name in params:
                raise InvalidSpace(f"{name} is defined twice; each parameter is defined once. Remove one.")
            try:
                params[name] = _parse_parameter(definition)
            except InvalidSpace as error:
                raise InvalidSpace(f"{text}: {error}") from None
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
        return _choice([_parse_value(item) for item in _split(domain, ",")], defaults, when)
    *words, low = words
    if set(words) - {"int", "log"} or len(set(words)) < len(words):
        raise InvalidSpace("a range is low:high with int: or log: or both before it. Put quotes around a choice that contains a colon.")
    if "int" in words:
        return Int(_whole(low), _whole(high), "log" in words, _whole(defaults[0]) if defaults else None, when)
    return Float(_real(low), _real(high), "log" in words, _real(defaults[0]) if defaults else None, when)


def _choice(options: list[Value], defaults: list[str], when: When | None) -> Choice:
    default = _parse_value(defaults[0]) if defaults else None
    if defaults and default is None:
        raise InvalidSpace("null cannot be the default after @; the first option is the default anyway. Put null first.")
    return Choice(options, default, when)


def _parse_conditions(text: str) -> dict[str, list[Value]]:
    when: dict[str, list[Value]] = {}
    for condition in _split(text, "&"):
        name, equals, values = condition.partition("=")
        if not equals or name in when:
            raise InvalidSpace(f"condition {condition!r} is not NAME=VALUE with a new name; write for example ?opt=sgd|adam&depth=2.")
        when[name] = [_parse_value(value) for value in _split(values, r"\|")]
    return when


def _parse_list(text: str) -> list[Value]:
    try:
        options = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise InvalidSpace(
            f'{text!r} is not a JSON list ({error}); write for example ["a b", "c"], within single quotes for the shell.'
        ) from None
    assert isinstance(options, list), "what begins with a bracket and is JSON is a list"
    return options


def _parse_value(text: str) -> Value:
    """Reads a quoted string as such, and a word as the JSON scalar it looks like or else as a string."""
    if not _WORD.fullmatch(text) and not re.fullmatch(_STRING, text, re.DOTALL):
        raise InvalidSpace(
            f'{text!r} is not one value; put double quotes around an empty value or one with blanks or any of []{{}},:@?&|".'
        )
    try:
        value: Value = json.loads(text, parse_constant=_refuse_constant)
    except ValueError as error:
        if text.startswith('"'):
            raise InvalidSpace(f"{text} is not a JSON string ({error}); escape a backslash as two.") from None
        return text
    return value


def _refuse_constant(text: str) -> None:
    raise ValueError(f"{text} is not JSON")


def _real(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InvalidSpace(f"{text!r} is not a number; write for example 1e-4.") from None


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        number = _real(text)
        if not number.is_integer():
            raise InvalidSpace(f"{text!r} is not a whole number; write for example 64, or leave out int: for real numbers.") from None
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
    if isinstance(value, str) and _WORD.fullmatch(value) and _parse_value(value) == value:
        return value
    return json.dumps(value, ensure_ascii=False)
