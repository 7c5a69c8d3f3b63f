"""Search spaces to and from the formats of Optuna and ConfigSpace.

Both packages are imported only when called for. What the other side cannot hold is refused, but Optuna's distributions
drop conditions and defaults, and an explicit default that ConfigSpace would choose by itself comes back from there as none. ConfigSpace
also puts the parameters in its own order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from shoestring.errors import InvalidSpace, UsageError
from shoestring.space import Choice, Float, Int, Parameter, Space
from shoestring.space.parameter import conditions_of
from shoestring.values.orders import Value

if TYPE_CHECKING:
    from ConfigSpace import ConfigurationSpace
    from ConfigSpace.conditions import Condition, ConditionLike
    from ConfigSpace.hyperparameters import Hyperparameter
    from optuna.distributions import BaseDistribution

_MAX_PARENT_VALUES = 10_000  # a condition is stored as the list of values that satisfy it


def to_optuna(space: Space) -> dict[str, BaseDistribution]:
    """Returns one Optuna distribution a parameter, without conditions and defaults.

    Raises:
        UsageError: Optuna is not installed.
    """
    try:
        from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
    except ImportError as error:
        raise _missing("Optuna", "optuna") from error
    distributions: dict[str, BaseDistribution] = {}
    for name, param in space.params.items():
        if isinstance(param, Choice):
            distributions[name] = CategoricalDistribution(param.options)
        elif isinstance(param, Int):
            distributions[name] = IntDistribution(param.low, param.high, log=param.log)
        else:
            distributions[name] = FloatDistribution(param.low, param.high, log=param.log)
    return distributions


def from_optuna(distributions: Mapping[str, BaseDistribution]) -> Space:
    """Returns the space of Optuna's distributions.

    Raises:
        InvalidSpace: a distribution has a step (other than 1 for whole numbers), or is of an unknown kind.
    """
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    params: dict[str, Parameter] = {}
    for name, given in distributions.items():
        if isinstance(given, CategoricalDistribution):
            params[name] = Choice(given.choices)
        elif isinstance(given, IntDistribution) and given.step == 1:
            params[name] = Int(given.low, given.high, given.log)
        elif isinstance(given, FloatDistribution) and given.step is None:
            params[name] = Float(given.low, given.high, given.log)
        else:
            raise InvalidSpace(f"{name} is {given}; allowed are choices and ranges without a step. Drop the step, or list the values.")
    return Space(params)


def to_configspace(space: Space) -> ConfigurationSpace:
    """Returns the space for ConfigSpace, with conditions and defaults; a range of a single value becomes a constant.

    Raises:
        UsageError: ConfigSpace is not installed.
    """
    try:
        from ConfigSpace import AndConjunction, ConfigurationSpace, InCondition
    except ImportError as error:
        raise _missing("ConfigSpace", "shoestring[configspace]") from error
    result = ConfigurationSpace()
    result.add([_to_hyperparameter(name, param) for name, param in space.params.items()])
    for name, param in space.params.items():
        conditions = [InCondition(result[name], result[parent], list(allowed)) for parent, allowed in conditions_of(param).items()]
        if conditions:
            result.add(AndConjunction(*conditions) if len(conditions) > 1 else conditions[0])
    return result


def from_configspace(configspace: ConfigurationSpace) -> Space:
    """Returns the space of a ConfigSpace; ordinals and constants become choices.

    Raises:
        InvalidSpace: it has forbidden clauses, weights, distributions other than uniform, or conditions joined by "or" or on a float.
    """
    if configspace.forbidden_clauses:
        raise InvalidSpace("the ConfigSpace forbids combinations, which Space cannot; state them as conditions, or remove them.")
    params = {name: _from_hyperparameter(given) for name, given in configspace.items()}
    when: dict[str, dict[str, list[Value]]] = {name: {} for name in params}
    for joined in configspace.conditions:
        for condition in _parts(joined):
            parent, child = condition.parent.name, condition.child.name
            before = when[child].get(parent, _values(parent, params[parent]))
            when[child][parent] = [value for value in before if condition.satisfied_by_value({parent: value})]
    return Space({name: replace(param, when=when[name]) for name, param in params.items()})


def _to_hyperparameter(name: str, param: Parameter) -> Hyperparameter[Any, Any]:
    from ConfigSpace import hyperparameters as hp

    default: dict[str, Any] = {} if param.default is None else {"default_value": param.default}
    if isinstance(param, Choice):
        return hp.CategoricalHyperparameter(name, list(param.options), **default)
    if param.low == param.high:
        return hp.Constant(name, param.low)
    kind = hp.UniformIntegerHyperparameter if isinstance(param, Int) else hp.UniformFloatHyperparameter
    return kind(name, param.low, param.high, log=param.log, **default)


def _from_hyperparameter(given: Hyperparameter[Any, Any]) -> Parameter:
    from ConfigSpace import hyperparameters as hp

    if isinstance(given, hp.Constant):
        return Choice([given.value])
    if isinstance(given, hp.OrdinalHyperparameter):
        return _with_default(Choice(given.sequence), given.default_value, automatic=given.sequence[0])
    if isinstance(given, hp.CategoricalHyperparameter) and given.weights is None:
        return _with_default(Choice(given.choices), given.default_value, automatic=given.choices[0])
    if isinstance(given, hp.UniformIntegerHyperparameter | hp.UniformFloatHyperparameter):
        kind: type[Any] = Int if isinstance(given, hp.UniformIntegerHyperparameter) else Float
        twin = type(given)(given.name, given.lower, given.upper, log=given.log)
        return _with_default(kind(given.lower, given.upper, given.log), given.default_value, automatic=twin.default_value)
    raise InvalidSpace(f"{given} has no counterpart; allowed are uniform numbers, choices without weights, ordinals and constants.")


def _with_default(param: Parameter, default: Any, automatic: Any) -> Parameter:
    return param if default == automatic else replace(param, default=default)


def _parts(joined: ConditionLike) -> Iterator[Condition]:
    from ConfigSpace.conditions import AndConjunction, Condition

    if isinstance(joined, Condition):
        yield joined
    elif isinstance(joined, AndConjunction):
        for part in joined.components:
            yield from _parts(part)
    else:
        raise InvalidSpace(f"condition {joined} is not joined by 'and'; allowed are conditions that must all hold. Rewrite it.")


def _values(name: str, param: Parameter) -> Sequence[Value]:
    if isinstance(param, Choice):
        return param.options
    if isinstance(param, Int) and param.high - param.low < _MAX_PARENT_VALUES:
        return range(param.low, param.high + 1)
    raise InvalidSpace(
        f"a condition depends on {name}, one of too many numbers; allowed are choices and at most {_MAX_PARENT_VALUES} numbers."
    )


def _missing(package: str, requirement: str) -> UsageError:
    return UsageError(f"{package} is not installed; this conversion needs it. Install it: pip install '{requirement}'.")
