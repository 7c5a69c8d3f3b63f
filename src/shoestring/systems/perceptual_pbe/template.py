"""Programs with holes: what is learnt, as a value that both back ends run.

It holds no numbers: networks and logits are in ``learner``. Source: Gaunt et al. 2016, arXiv:1611.02109, section 3.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from shoestring.errors import UnknownName, UsageError
from shoestring.systems.perceptual_pbe.variables import Param, Var

Holes: TypeAlias = Mapping[str, Var]
Inputs: TypeAlias = Mapping[str, Var]
Program: TypeAlias = Mapping[str, int]  # a value for each hole; a hole that is left out may have any value
ANY = "?"


@dataclass(frozen=True)
class Template:
    """A program with holes.

    Attributes:
        params: the holes.
        run: the interpreter: takes the holes and the inputs by name, returns the answer.
        write: the program's text, from what each hole's value is called; ``"?"`` where any value will do.
    Raises:
        UsageError: two holes of one name, or one without values.
    """

    params: tuple[Param, ...]
    run: Callable[[Holes, Inputs], Var]
    write: Callable[[Mapping[str, str]], str]

    def __post_init__(self) -> None:
        names = [param.name for param in self.params]
        if len(set(names)) < len(names) or not all(param.n for param in self.params):
            raise UsageError(f"holes {', '.join(names)} cannot be told apart or have no values; give each a name of its own and values.")

    @property
    def n_programs(self) -> int:
        """How many ways there are to fill the holes."""
        return math.prod(param.n for param in self.params)

    def source(self, program: Program) -> str:
        """Returns a program as text.

        Raises:
            UnknownName: it fills a hole that is not there.
        """
        params = {param.name: param for param in self.params}
        for name in program:
            if name not in params:
                raise UnknownName("hole", name, params)
        return self.write({name: param.values[program[name]] if name in program else ANY for name, param in params.items()})
