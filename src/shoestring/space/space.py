"""Search spaces: which configurations a study may try.

A space names its parameters, each a ``Float``, an ``Int`` or a ``Choice``. A parameter with ``when`` is there only in configurations
that satisfy it; elsewhere it is absent. Forbidden combinations and priors other than uniform and log-uniform are not offered.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import fields
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shoestring.arguments import bound_class
from shoestring.errors import InvalidSpace, UnknownName, UsageError, brief, shown
from shoestring.space.parameter import Choice, Float, Int, Parameter, When, conditions_of
from shoestring.values.orders import Config, Value

__all__ = ["Choice", "Float", "Int", "Parameter", "Space", "When"]

_EXAMPLE = "give a mapping such as {'lr': Float(1e-4, 1, log=True)}"
_NAME = re.compile(r"\w[\w.:/-]*")
_KINDS: dict[str, type[Parameter]] = {"float": Float, "int": Int, "choice": Choice}


@bound_class
class Space:
    """The configurations a study may try: named parameters, some perhaps conditional on others.

    The order of the parameters is part of the space: it is the order of the coordinates, and so decides what a seed draws.

    Args:
        params: at least one parameter by name. Names are letters, digits and ``_ . : / -``, and do not begin with one of the last four.
    Raises:
        InvalidSpace: a name, a parameter or a condition is not allowed.
        UnknownName: a condition names a parameter that is not there.
    """

    def __init__(self, params: Mapping[str, Parameter]) -> None:
        if not isinstance(params, Mapping):
            raise InvalidSpace(f"{shown(params)} is not a space; {_EXAMPLE}.")
        if not params:
            raise InvalidSpace(f"the space is empty; {_EXAMPLE}.")
        for name, param in params.items():
            if not isinstance(name, str) or not _NAME.fullmatch(name):
                raise InvalidSpace(f"{shown(name)} is not a parameter's name; allowed are letters, digits and _ . : / - inside. Rename it.")
            if not isinstance(param, Float | Int | Choice):
                raise InvalidSpace(f"{brief(name)} is {shown(param)}; allowed are Float, Int and Choice. Write for example Float(0, 1).")
        self._params = dict(params)
        self._conditions = {name: conditions_of(param) for name, param in params.items()}
        self._has_conditions = any(self._conditions.values())
        for name in params:
            self._check_conditions(name)
        self._parents_first = self._sort_parents_first()

    @classmethod
    def of(cls, space: Space | Mapping[str, Parameter]) -> Space:
        """Returns the space itself, or the space of a plain mapping.

        Raises:
            InvalidSpace: neither was given, or the mapping makes no space.
        """
        return space if isinstance(space, Space) else cls(space)

    @property
    def params(self) -> Mapping[str, Parameter]:
        """The parameters by name, in order."""
        return MappingProxyType(self._params)

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters' names, in order: one coordinate each."""
        return tuple(self._params)

    @property
    def has_default(self) -> bool:
        """True if some parameter has an explicit default, so that ``default()`` is worth trying first."""
        return any(param.default is not None for param in self._params.values())

    def default(self) -> dict[str, Value]:
        """Returns the prior configuration: each parameter's default, else the middle of its range or its first option."""
        return self.active({name: param.prior for name, param in self._params.items()})

    def sample(self, rng: np.random.Generator) -> dict[str, Value]:
        """Draws one configuration, each parameter on its own scale.

        Raises:
            UsageError: ``rng`` is not a generator.
        """
        if not isinstance(rng, np.random.Generator):
            raise UsageError(f"rng must be a NumPy generator such as np.random.default_rng(0), got {shown(rng)}.")
        return self.decode(rng.random(len(self._params)))

    def encode(self, config: Config) -> NDArray[np.float64]:
        """Returns the place of a valid configuration in the unit cube, ``(n_params,)``; absent parameters are at 0.5."""
        # Any, because a type checker cannot see that each value of a valid configuration is of its parameter's type.
        params: Mapping[str, Any] = self._params
        return np.array([param.encode(config[name]) if name in config else 0.5 for name, param in params.items()])

    def decode(self, u: NDArray[np.float64]) -> dict[str, Value]:
        """Returns the configuration at a place ``(n_params,)`` of the unit cube; equal volumes hold equally likely configurations.

        Raises:
            InvalidSpace: it is not a place.
        """
        if getattr(u, "shape", None) != (len(self._params),):
            raise InvalidSpace(f"a place has {len(self._params)} coordinates, one a parameter, got {shown(u)}.")
        return self.active({name: param.decode(x) for (name, param), x in zip(self._params.items(), u.tolist(), strict=True)})

    def active(self, values: Config) -> dict[str, Value]:
        """Returns the values of all parameters without those whose conditions do not hold."""
        if not self._has_conditions:
            return dict(values)
        kept: dict[str, Value] = {}
        for name in self._parents_first:
            if self._holds(name, kept):
                kept[name] = values[name]
        return {name: kept[name] for name in self._params if name in kept}

    def completed(self, values: Config) -> dict[str, Value]:
        """Returns the configuration that has these values, and those of ``default()`` for the other parameters.

        Raises:
            UnknownName, InvalidSpace: as ``validate``.
        """
        self._check_names(values)
        given = {name: self._params[name].check(name, value) for name, value in values.items()}
        config = self.active({name: param.prior for name, param in self._params.items()} | given)
        return self.validate({**config, **given})

    def validate(self, config: Config) -> dict[str, Value]:
        """Returns a configuration as plain Python values, in the order of the space.

        Raises:
            UnknownName: it has a parameter that the space has not.
            InvalidSpace: a value is not allowed, missing, or given though its condition does not hold.
        """
        self._check_names(config)
        clean: dict[str, Value] = {}
        for name in self._parents_first:
            if not self._holds(name, clean):
                if name in config:
                    raise InvalidSpace(
                        f"{name}={shown(config[name])} is given, but it exists only when {self._condition_text(name)}. Leave it out."
                    )
            elif name not in config:
                raise InvalidSpace(
                    f"{name} is missing; the configuration needs a value for it. Its default would be {self._params[name].prior!r}."
                )
            else:
                clean[name] = self._params[name].check(name, config[name])
        return {name: clean[name] for name in self._params if name in clean}

    def to_json(self) -> list[dict[str, Any]]:
        """Returns the space as plain data, one entry a parameter, in order."""
        return [{"name": name, **_fields_to_json(param)} for name, param in self._params.items()]

    @classmethod
    def from_json(cls, data: Sequence[Mapping[str, Any]]) -> Space:
        """Returns the space that ``to_json`` made the data of.

        Raises:
            InvalidSpace: the data is not of that form.
            UnknownName: a parameter is of an unknown kind.
        """
        params: dict[str, Parameter] = {}
        try:
            for entry in data:
                rest = {**entry}
                name, kind = rest.pop("name"), rest.pop("kind")
                if name in params:
                    raise InvalidSpace(f"{name} is defined twice; each parameter has one entry. Remove one.")
                if kind not in _KINDS:
                    raise UnknownName("kind of parameter", str(kind), _KINDS)
                params[name] = _KINDS[kind](**rest)
        except (KeyError, TypeError) as error:
            raise InvalidSpace(f"{shown(data)} is not a stored space ({error}); give what Space.to_json returned.") from error
        return cls(params)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Space) and list(self._params.items()) == list(other._params.items())

    __hash__ = None  # type: ignore[assignment]  # equal by content, and conditions are mappings

    def __repr__(self) -> str:
        return f"Space({self._params!r})"

    def _holds(self, name: str, kept: Config) -> bool:
        return all(parent in kept and kept[parent] in allowed for parent, allowed in self._conditions[name].items())

    def _check_names(self, config: Config) -> None:
        if not isinstance(config, Mapping):
            raise InvalidSpace(f"{shown(config)} is not a configuration; give a mapping of parameters to values.")
        for name in config:
            if name not in self._params:
                raise UnknownName("parameter", str(name), self._params)

    def _condition_text(self, name: str) -> str:
        return " and ".join(f"{parent} is {' or '.join(map(repr, allowed))}" for parent, allowed in self._conditions[name].items())

    def _check_conditions(self, name: str) -> None:
        for parent, allowed in self._conditions[name].items():
            if parent not in self._params:
                raise UnknownName("parameter", str(parent), self._params, hint=f"The condition of {name!r} names it.")
            if isinstance(self._params[parent], Float):
                raise InvalidSpace(
                    f"{name} exists only when {self._condition_text(name)}, but {parent} is a Float; use an Int or a Choice."
                )
            for value in allowed:
                self._params[parent].check(parent, value)

    def _sort_parents_first(self) -> list[str]:
        done: list[str] = []
        left = list(self._params)
        while left:
            ready = [name for name in left if all(parent in done for parent in self._conditions[name])]
            if not ready:
                raise InvalidSpace(
                    f"the conditions of {', '.join(left)} go round in a circle; a condition may look only upwards. Remove one."
                )
            done += ready
            left = [name for name in left if name not in ready]
        return done


def _fields_to_json(param: Parameter) -> dict[str, Any]:
    kind = next(kind for kind, cls in _KINDS.items() if isinstance(param, cls))
    given = {field.name: getattr(param, field.name) for field in fields(param) if field.name not in ("default", "when", "options")}
    if isinstance(param, Choice):
        given["options"] = list(param.options)
    if param.default is not None:
        given["default"] = param.default
    if conditions := conditions_of(param):
        given["when"] = {parent: list(allowed) for parent, allowed in conditions.items()}
    return {"kind": kind, **given}
