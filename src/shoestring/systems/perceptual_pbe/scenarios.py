"""The paper's three scenarios as templates: ADD2x2 and APPLY2x2 (``Grid``), and MATH (``Tape``).

Where the paper leaves a detail open, it is as the docstrings say. Source: Gaunt et al. 2016, arXiv:1611.02109, section 4.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, partial

from shoestring.systems.perceptual_pbe.template import Holes, Inputs, Template
from shoestring.systems.perceptual_pbe.variables import Branch, Lifted, Param, Var, constant, lift, pick, switch

DIRECTIONS = {"N": (-1, 0), "E": (0, 1), "S": (1, 0), "W": (0, -1)}
OPERATORS = ("+", "-", "*", "/")


def operate(a: int, b: int, operator: int, modulus: int) -> int:
    """Returns ``a + b``, ``a - b``, ``a * b`` or ``a // b``, modulo ``modulus``; division by 0 gives ``modulus - 1``."""
    if operator == 3:
        return modulus - 1 if b == 0 else a // b
    return (a + b, a - b, a * b)[operator] % modulus


def _neighbour(cell: int, step: tuple[int, int]) -> int:
    row, column = cell // 2 + step[0], cell % 2 + step[1]
    return 2 * row + column if 0 <= row <= 1 and 0 <= column <= 1 else cell


@cache
def _add(modulus: int) -> Lifted:
    return lift(lambda a, b: (a + b) % modulus, (modulus, modulus), modulus)


@cache
def _apply(modulus: int) -> Lifted:
    return lift(lambda a, b, op: operate(a, b, op, modulus), (modulus, modulus, len(OPERATORS)), modulus)


@cache
def _as_operator(modulus: int) -> Lifted:
    return lift(lambda value: value % len(OPERATORS), (modulus,), len(OPERATORS))


@cache
def _moves() -> list[Lifted]:
    return [lift(lambda cell, step=step: _neighbour(cell, step), (4,), 4) for step in DIRECTIONS.values()]


@cache
def _forward(n: int) -> Lifted:
    return lift(lambda i: min(i + 1, n - 1), (n,), n)


@cache
def _is_last(n: int) -> Lifted:
    return lift(lambda i: int(i == n - 1), (n,), 2)


@cache
def _among(n: int) -> Lifted:
    """The same value, among one more."""
    return lift(lambda value: value, (n,), n + 1)


def _unchanged(state: tuple[Var, ...]) -> tuple[Var, ...]:
    return state


def _picked(selector: Var, values: list[Var]) -> tuple[Var, ...]:
    return (pick(selector, values),)


def _registers(n: int) -> tuple[str, ...]:
    return tuple(f"R{i}" for i in range(n))


@dataclass(frozen=True)
class Grid:
    """A grid of 2 x 2 images that a head reads cell by cell: ADD2x2, and with ``operators`` APPLY2x2.

    The head begins at the top left; the first register after the auxiliary ones reads there. Each line fills a register of its own: NOOP
    (0), MOVE and read (a move out of the grid stays where it is), or ADD(a, b) or APPLY(a, b, op) of registers before it, the operator
    read modulo 4. One register is returned. Inputs, over ``modulus`` values each: ``"net_0 0"`` to ``"net_0 3"`` for the cells as each
    network sees them, and ``"aux 0"`` and so on.

    Attributes:
        lines: of the program.
        networks: that a read chooses from.
        auxiliary: registers that are inputs.
        modulus: of all numbers.
        operators: APPLY in place of ADD.
    """

    lines: int = 4
    networks: tuple[str, ...] = ("net_0",)
    auxiliary: int = 0
    modulus: int = 19
    operators: bool = False

    @property
    def template(self) -> Template:
        """The program with holes."""
        params = [Param("return", _registers(self._end)), *self._net(self.auxiliary)]
        for line in self._written:
            params += [Param(f"do {line}", ("NOOP", *(f"MOVE_{name}" for name in DIRECTIONS), self._action)), *self._net(line)]
            params += [Param(f"{name} {line}", _registers(line)) for name in self._arguments]
        return Template(tuple(params), self._run, self._write)

    @property
    def _end(self) -> int:
        return self.auxiliary + 1 + self.lines

    @property
    def _written(self) -> range:
        return range(self.auxiliary + 1, self._end)

    @property
    def _action(self) -> str:
        return "APPLY" if self.operators else "ADD"

    @property
    def _arguments(self) -> tuple[str, ...]:
        return ("a", "b", "op") if self.operators else ("a", "b")

    def _net(self, line: int) -> list[Param]:
        return [Param(f"net {line}", self.networks)] if len(self.networks) > 1 else []

    def _run(self, holes: Holes, inputs: Inputs) -> Var:
        head = constant(0, 4, next(iter(inputs.values())))
        values = [inputs[f"aux {i}"] for i in range(self.auxiliary)]
        values.append(self._read(holes, inputs, self.auxiliary, head))
        for line in self._written:
            head, value = self._line(holes, inputs, line, head, values)
            values = [*values, value]
        return pick(holes["return"], values)

    def _line(self, holes: Holes, inputs: Inputs, line: int, head: Var, values: list[Var]) -> tuple[Var, ...]:
        def moved(move: Lifted) -> tuple[Var, ...]:
            there = move(head)
            return there, self._read(holes, inputs, line, there)

        def acted() -> tuple[Var, ...]:
            a, b, *operator = (pick(holes[f"{name} {line}"], values) for name in self._arguments)
            if self.operators:
                return head, _apply(self.modulus)(a, b, _as_operator(self.modulus)(operator[0]))
            return head, _add(self.modulus)(a, b)

        idle: Branch = lambda: (head, constant(0, self.modulus, head))  # noqa: E731
        return switch(holes[f"do {line}"], [idle, *(partial(moved, move) for move in _moves()), acted])

    def _read(self, holes: Holes, inputs: Inputs, line: int, head: Var) -> Var:
        cells = {net: [inputs[f"{net} {cell}"] for cell in range(4)] for net in self.networks}
        if len(self.networks) == 1:
            return pick(head, cells[self.networks[0]])
        return switch(holes[f"net {line}"], [partial(_picked, head, cells[net]) for net in self.networks])[0]

    def _write(self, values: Mapping[str, str]) -> str:
        text = [f"R{self.auxiliary} = READ({values.get(f'net {self.auxiliary}', self.networks[0])})"]
        for line in self._written:
            do = values[f"do {line}"]
            inside = (
                [values.get(f"net {line}", self.networks[0])] if do.startswith("MOVE") else [values[f"{a} {line}"] for a in self._arguments]
            )
            text.append(f"R{line} = {do}" + ("" if do in ("NOOP", "?") else f"({', '.join(inside)})"))
        return "\n".join([*text, f"return {values['return']}"])


@dataclass(frozen=True)
class Tape:
    """A tape of images that a loop reads from left to right: MATH.

    Each block has a register of its own, which begins with what the first network sees in the first image. A block moves one image on and
    reads it, or applies an operator (read modulo 4) to two registers; then it goes to the block that its goto names. A move from the last
    image halts, changes nothing, and returns a chosen register. A program that does not halt in ``blocks`` steps for each number of
    the expression but the first, and one more, gives no answer: the value ``modulus``. Inputs as for ``Grid``, with one index for each
    image; tapes of all lengths are run by one template.

    Attributes:
        blocks: of the program.
        networks: that a read chooses from.
        modulus: of all numbers.
    """

    blocks: int = 3
    networks: tuple[str, ...] = ("net_0", "net_1")
    modulus: int = 10

    @property
    def template(self) -> Template:
        """The program with holes."""
        registers = _registers(self.blocks)
        params = [Param("return", registers)]
        for block in range(self.blocks):
            params += [Param(f"do {block}", ("MOVE", "APPLY")), Param(f"net {block}", self.networks)]
            params += [Param(f"{name} {block}", registers) for name in ("a", "b", "op")]
            params.append(Param(f"goto {block}", tuple(f"L{i}" for i in range(self.blocks))))
        return Template(tuple(params), self._run, self._write)

    def _run(self, holes: Holes, inputs: Inputs) -> Var:
        m, halt = self.modulus, self.blocks
        tapes = [[inputs[f"{net} {i}"] for i in range(self._length(inputs))] for net in self.networks]
        first = tapes[0][0]
        state: tuple[Var, ...] = (constant(0, halt + 1, first), constant(0, len(tapes[0]), first), *[first] * halt)
        for _ in range(halt * (len(tapes[0]) // 2) + 1):
            rest = state[1:]  # the head and the registers; before them, the block that is to run
            state = switch(state[0], [*(partial(self._block, holes, tapes, i, rest) for i in range(halt)), partial(_unchanged, state)])
        nothing: Branch = lambda: (constant(m, m + 1, first),)  # noqa: E731
        answer: Branch = lambda: (_among(m)(pick(holes["return"], state[2:])),)  # noqa: E731
        return switch(state[0], [*[nothing] * halt, answer])[0]

    def _length(self, inputs: Inputs) -> int:
        return sum(name.startswith(f"{self.networks[0]} ") for name in inputs)

    def _block(self, holes: Holes, tapes: list[list[Var]], i: int, rest: tuple[Var, ...]) -> tuple[Var, ...]:
        head, registers, halt = rest[0], rest[1:], self.blocks

        def gone() -> Var:
            return _among(halt)(holes[f"goto {i}"])

        def read() -> tuple[Var, ...]:
            there = _forward(head.n)(head)
            seen = switch(holes[f"net {i}"], [partial(_picked, there, tape) for tape in tapes])
            return gone(), there, *seen

        def stopped() -> tuple[Var, ...]:
            return constant(halt, halt + 1, head), head, registers[i]

        def applied() -> tuple[Var, ...]:
            a, b, operator = (pick(holes[f"{name} {i}"], registers) for name in ("a", "b", "op"))
            return gone(), head, _apply(self.modulus)(a, b, _as_operator(self.modulus)(operator))

        to, there, value = switch(holes[f"do {i}"], [lambda: switch(_is_last(head.n)(head), [read, stopped]), applied])
        return to, there, *registers[:i], value, *registers[i + 1 :]

    def _write(self, values: Mapping[str, str]) -> str:
        text = [" = ".join([*_registers(self.blocks), f"READ({self.networks[0]})"])]
        for i in range(self.blocks):
            do = values[f"do {i}"]
            inside = values[f"net {i}"] if do == "MOVE" else ", ".join(values[f"{name} {i}"] for name in ("a", "b", "op"))
            halts = "at the end halt, else " if do == "MOVE" else ""
            text.append(f"L{i}: R{i} = {do}" + ("" if do == "?" else f"({inside})") + f"; {halts}goto {values[f'goto {i}']}")
        return "\n".join([*text, f"halt: return {values['return']}"])
