"""The check of types at the doors: what a user hands to a public name must be what its annotations say.

NumPy's numbers become Python's, and sequences tuples. Whether a number makes sense is checked where it is used.
"""

from __future__ import annotations

import functools
import inspect
import math
import os
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from numbers import Integral, Real
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, ParamSpec, TypeVar, get_args, get_origin

from shoestring.errors import InvalidArgument, UnknownName, brief, shown

P = ParamSpec("P")
R = TypeVar("R")
Class = TypeVar("Class", bound=type)

LATER = None
LARGEST = 2**63  # whole numbers below this fit into a database
_WORDS: Mapping[Any, str] = {
    bool: "True or False",
    int: "a whole number",
    float: "a number",
    str: "text",
    None: "None",
    NoneType: "None",
    Path: "a path",
}


class _Unfit(Exception):
    """A value is not what an annotation says: ``place`` inside of the argument, what is wanted, and perhaps why or the allowed names."""

    def __init__(self, value: object, wanted: str, place: str = "", why: str = "", names: Sequence[str] = ()) -> None:
        self.value = value
        self.wanted = wanted
        self.place = place
        self.why = why
        self.names = names


def checked(function: Callable[P, R], *, name: str = "", types: bool = True) -> Callable[P, R]:
    """Returns the function with a check of what it is called with, against its annotations.

    ``Annotated[T, "words"]`` says in words what the argument must be, and ``Annotated[T, LATER]`` that it is checked where it is used.

    Args:
        function: the function.
        name: what a message calls it, where that is not its own name.
        types: False if only number and names of the arguments are checked, as the function itself checks the rest.
    """
    called = name or function.__name__
    signature = inspect.signature(function)

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        given = _bound(called, signature, args, kwargs)
        hints = _hints(function) if types else {}
        for argument in given.arguments.keys() & hints.keys():
            given.arguments[argument] = settle(argument, given.arguments[argument], hints[argument])
        return function(*given.args, **given.kwargs)

    return call


def bound(function: Callable[P, R]) -> Callable[P, R]:
    """Returns the function with a check of number and names of its arguments; it checks their types itself."""
    return checked(function, types=False)


def checked_class(cls: Class) -> Class:
    """Returns the class with a check of what it is made of, against the annotations of its constructor."""
    cls.__init__ = checked(cls.__init__, name=cls.__name__)  # type: ignore[misc]
    return cls


def bound_class(cls: Class) -> Class:
    """Returns the class with a check of number and names of its arguments; it checks their types itself."""
    cls.__init__ = checked(cls.__init__, name=cls.__name__, types=False)  # type: ignore[misc]
    return cls


def settle(name: str, value: object, annotation: Any) -> Any:
    """Returns a value as its annotation says.

    Raises:
        InvalidArgument: it is something else; the message calls it ``name``.
        UnknownName: it is none of the names that are allowed.
    """
    try:
        return _fit(value, annotation)
    except _Unfit as unfit:
        if unfit.names and isinstance(unfit.value, str):
            raise UnknownName(f"{name}{unfit.place}", unfit.value, unfit.names) from None
        raise InvalidArgument(f"{name}{unfit.place} must be {unfit.wanted}, got {shown(unfit.value)}{unfit.why}.") from None
    except Exception as error:  # the methods of what a user hands over may raise anything
        raise InvalidArgument(f"{name} must be {words(annotation)}, got {shown(value)}, which raises {type(error).__name__}.") from error


def refuse_call(function: Callable[..., object], arguments: Sequence[str]) -> str:
    """Returns why a function cannot be called with so many arguments, such as ``"takes no argument"``; empty if it can."""
    if isinstance(function, type):
        return "is a class; give a function, or an instance with __call__"
    call = function if inspect.isroutine(function) else type(function).__call__
    if inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(call) or inspect.isasyncgenfunction(function):
        return "is an async function, and calling it runs nothing"
    if inspect.isgeneratorfunction(function) or inspect.isgeneratorfunction(call):
        return "is a generator function (it has a yield), and calling it runs nothing"
    try:
        signature = inspect.signature(function, follow_wrapped=False)  # what a decorator passes on is its own affair
    except (TypeError, ValueError):
        return ""
    try:
        signature.bind(*arguments)
    except TypeError:
        return f"takes {brief(str(signature))}"
    return ""


@functools.cache
def _hints(function: Callable[..., object]) -> Mapping[str, Any]:
    return typing.get_type_hints(function, include_extras=True)


def _bound(called: str, signature: inspect.Signature, args: Sequence[object], kwargs: Mapping[str, object]) -> inspect.BoundArguments:
    parameters = {name: parameter for name, parameter in signature.parameters.items() if name != "self"}
    try:
        return signature.bind(*args, **kwargs)
    except TypeError as error:
        for name in kwargs:
            if name not in parameters:
                raise UnknownName(f"argument of {called}:", name, parameters) from None
        taken = list(signature.parameters)[: len(args)]
        open_ended = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
        required = [name for name, item in parameters.items() if item.default is item.empty and item.kind not in open_ended]
        missing = [name for name in required if name not in kwargs and name not in taken]
        if missing:
            raise InvalidArgument(f"{called} needs {', '.join(missing)} as well; it was given {_given(taken, kwargs)}.") from None
        raise InvalidArgument(f"{called} cannot be called so ({error}); it takes {', '.join(parameters)}.") from None


def _given(taken: Sequence[str], kwargs: Mapping[str, object]) -> str:
    return ", ".join(name for name in (*taken, *kwargs) if name != "self") or "nothing"


def _fit(value: Any, annotation: Any) -> Any:
    """Returns the value as the annotation says, or raises ``_Unfit``."""
    origin, members = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _annotated(value, *members[:2])
    if origin in (UnionType, typing.Union):
        return _any_of(value, members)
    if origin is Literal:
        return _one_of(value, members)
    if annotation in _PLAIN:
        return _PLAIN[annotation](value)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return _mapping(value, annotation, *members)
    if isinstance(origin, type) and issubclass(origin, Sequence):
        return _sequence(value, annotation, members)
    if origin is not None and issubclass(origin, Callable):  # type: ignore[arg-type]
        return _callable(value, annotation, members)
    kind = origin or annotation
    if isinstance(kind, type) and (isinstance(value, type) or not isinstance(value, kind)):
        raise _Unfit(value, words(annotation))
    return value


def words(annotation: Any) -> str:
    """Returns what an annotation asks for, in words."""
    origin, members = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return str(members[1])
    if origin in (UnionType, typing.Union):
        *first, last = dict.fromkeys(map(words, members))
        return f"{', '.join(first)} or {last}" if first else last
    if origin is Literal:
        return " or ".join(map(repr, members))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return f"a mapping of names to {_several(members[1])}"
    if isinstance(origin, type) and issubclass(origin, Sequence):
        if len(members) == 2 and members[1] is not ...:
            return f"a pair of {_several(members[0])}"
        return f"a list of {_several(members[0])}"
    if origin is not None and issubclass(origin, Callable):  # type: ignore[arg-type]
        return f"a function of {len(members[0])} argument{'s' * (len(members[0]) != 1)}" if isinstance(members[0], list) else "a function"
    named = getattr(annotation, "__name__", str(annotation))
    return _WORDS.get(origin or annotation, f"{'an' if named[:1] in 'AEIO' else 'a'} {named}")


def _several(annotation: Any) -> str:
    return {int: "whole numbers", float: "numbers", str: "texts"}.get(annotation, "values")


def _annotated(value: object, annotation: Any, said: str | None) -> Any:
    if said is LATER:
        return value
    try:
        return _fit(value, annotation)
    except _Unfit as unfit:
        if unfit.place or unfit.names:
            raise
        raise _Unfit(value, str(said), why=unfit.why) from None


def _any_of(value: object, members: Sequence[Any]) -> Any:
    nearest: _Unfit | None = None
    for member in members:
        try:
            return _fit(value, member)
        except _Unfit as unfit:
            if unfit.place or unfit.why or (unfit.names and not {str, int, float} & set(members)):
                nearest = nearest or unfit
    raise nearest or _Unfit(value, words(typing.Union[tuple(members)]))  # noqa: UP007


def _one_of(value: object, names: Sequence[Any]) -> object:
    for name in names:
        if isinstance(value, type(name)) and value == name:
            return name
    raise _Unfit(value, words(Literal[tuple(names)]), names=[name for name in names if isinstance(name, str)])


def _boolean(value: object) -> bool:
    if isinstance(value, bool) or (type(value).__module__ == "numpy" and type(value).__name__.startswith("bool")):
        return bool(value)
    raise _Unfit(value, _WORDS[bool])


def _whole(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise _Unfit(value, _WORDS[int])
    if not -LARGEST <= int(value) < LARGEST:
        raise _Unfit(value, _WORDS[int], why=", which is beyond 2**63")
    return int(value)


def _number(value: object) -> int | float:
    if isinstance(value, bool) or not isinstance(value, Real):
        raise _Unfit(value, _WORDS[float])
    try:
        number = float(value)
    except (OverflowError, ValueError):
        number = math.nan
    if math.isnan(number):
        raise _Unfit(value, _WORDS[float], why=", which is not a number that a float can hold")
    return int(value) if isinstance(value, Integral) and abs(number) < LARGEST else number


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise _Unfit(value, _WORDS[str])
    plain = str.__str__(value)
    if "\0" in plain or not _is_unicode(plain):
        raise _Unfit(value, _WORDS[str], why=", which holds NUL or is not Unicode")
    return plain


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _path(value: object) -> object:
    if not isinstance(value, os.PathLike) or isinstance(value, type):
        raise _Unfit(value, _WORDS[Path])
    if "\0" in os.fsdecode(value):
        raise _Unfit(value, _WORDS[Path], why=", which holds NUL")
    return value


def _nothing(value: object) -> None:
    if value is not None:
        raise _Unfit(value, "None")


_PLAIN: Mapping[Any, Callable[[Any], Any]] = {
    Any: lambda value: value,
    object: lambda value: value,
    bool: _boolean,
    int: _whole,
    float: _number,
    str: _text,
    Path: _path,
    None: _nothing,
    NoneType: _nothing,
}


def _mapping(value: Any, annotation: Any, key: Any, item: Any) -> dict[Any, Any]:
    if not isinstance(value, Mapping):
        raise _Unfit(value, words(annotation))
    return {_at(f"'s key {shown(name)}", name, key): _at(f"[{shown(name)}]", value[name], item) for name in value}


def _sequence(value: Any, annotation: Any, members: Sequence[Any]) -> tuple[Any, ...]:
    is_one = not isinstance(value, str | bytes | bytearray | Mapping | type) and hasattr(value, "__len__") and hasattr(value, "__getitem__")
    if not is_one or getattr(value, "ndim", 1) != 1:
        raise _Unfit(value, words(annotation))
    pair = len(members) == 2 and members[1] is not ...
    if pair and len(value) != 2:
        raise _Unfit(value, words(annotation))
    kinds: Iterator[Any] = iter(members) if pair else iter([])
    return tuple(_at(f"[{i}]", item, next(kinds, members[0])) for i, item in enumerate(value))


def _at(place: str, value: object, annotation: Any) -> Any:
    try:
        return _fit(value, annotation)
    except _Unfit as unfit:
        unfit.place = place + unfit.place
        raise


def _callable(value: Any, annotation: Any, members: Sequence[Any]) -> Any:
    if not callable(value):
        raise _Unfit(value, words(annotation))
    arguments = members[0] if isinstance(members[0], list) else None
    if arguments is not None and (why := refuse_call(value, arguments)):
        raise _Unfit(value, words(annotation), why=f", which {why}")
    return value
