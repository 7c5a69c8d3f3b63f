"""Stories of machines: cellular automata and random Turing machines, each as instructions with the graph after each of them.

Source: Johnson 2017, section 5.2; encodings as in the author's generator of data.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from shoestring.errors import UsageError
from shoestring.systems.graph_transition.stories import Edge, Sentence, Story

LEAST_CELLS = 2


def automaton(rule: int, tape: Sequence[int], n_steps: int) -> Story:
    """Returns a one-dimensional automaton: a line ``init v`` for each first cell, then lines ``simulate``, each with two cells more.

    Nodes ``0`` and ``1`` are there from the start. Cells are joined by ``next_r`` to the cell at their right and by ``value`` to a value.
    Outside of the cells all is 0.

    Args:
        rule: Wolfram's number, 0 to 254.
        tape: first values, 0 or 1, two or more.
        n_steps: of the automaton.
    Raises:
        UsageError: an odd rule, which would turn on infinitely many cells at once, or fewer than two cells.
    """
    if len(tape) < LEAST_CELLS or not 0 <= rule <= 255:
        raise UsageError(f"rule {rule} on {len(tape)} cells cannot be told; give a rule from 0 to 254 and at least {LEAST_CELLS} cells.")
    if rule % 2:
        raise UsageError(f"rule {rule} turns on infinitely many cells at once; give an even one, such as 30 or 110.")
    values, cells, sentences, count = list(tape), list[int](), list[Sentence](), 2
    for value in tape:
        cells.append(count)
        count += 1
        sentences.append(Sentence(("init", str(value)), ("cell_init",), _tape_edges(cells, values[: len(cells)])))
    for _ in range(n_steps):
        cells = [count, *cells, count + 1]
        count += 2
        wide = [0, 0, *values, 0, 0]
        values = [rule >> (4 * wide[i] + 2 * wide[i + 1] + wide[i + 2]) & 1 for i in range(len(cells))]
        sentences.append(Sentence(("simulate",), ("cell_left", "cell_right"), _tape_edges(cells, values)))
    return Story(tuple(sentences), initial=("0", "1"))


def tape_of(edges: frozenset[Edge], first: int) -> list[int]:
    """Returns the values along the cells from ``first``, of which the node has no left neighbour."""
    right = {a: b for a, b, kind in edges if kind == "next_r"}
    value = {a: b for a, b, kind in edges if kind == "value"}
    tape, cell = [value[first]], first
    while cell in right:
        cell = right[cell]
        tape.append(value[cell])
    return tape


@dataclass(frozen=True)
class Machine:
    """A Turing machine.

    Attributes:
        table: by state and symbol read: symbol written, move (-1, 0 or 1), next state.
    """

    table: tuple[tuple[tuple[int, int, int], ...], ...]

    @classmethod
    def drawn(cls, n_states: int, n_symbols: int, rng: np.random.Generator) -> Machine:
        """Returns a machine drawn at random."""

        def entry() -> tuple[int, int, int]:
            return int(rng.integers(n_symbols)), int(rng.integers(-1, 2)), int(rng.integers(n_states))

        return cls(tuple(tuple(entry() for _ in range(n_symbols)) for _ in range(n_states)))


def turing(machine: Machine, tape: Sequence[int], state: int, n_steps: int) -> Story:
    """Returns a machine's run: lines ``rule state read written state move``, ``start state``, ``input symbol`` and then ``run``.

    Nodes: symbols and states are there from the start; ``start`` adds the head, each ``input`` a cell, a move off the tape a cell with
    symbol 0. The head begins at the first cell. Edges: ``rule_READ_WRITTEN_MOVE`` between states, ``head.cell``, ``head.state``,
    ``cell.left``, ``cell.value``.

    Args:
        machine: its table.
        tape: first symbols, one or more.
        state: the first state.
        n_steps: of the machine.
    """
    n_states, n_symbols = len(machine.table), len(machine.table[0])
    symbols, states = range(n_symbols), range(n_symbols, n_symbols + n_states)
    initial = (*(f"symbol_{i}" for i in range(n_symbols)), *(f"state_{i}" for i in range(n_states)))
    rules, sentences = set[Edge](), list[Sentence]()
    for i, row in enumerate(machine.table):
        for read, (written, move, after) in enumerate(row):
            way = "LNR"[move + 1]
            rules.add((states[i], states[after], f"rule_{read}_{written}_{way}"))
            words = ("rule", f"state_{i}", f"symbol_{read}", f"symbol_{written}", f"state_{after}", way)
            sentences.append(Sentence(words, (), frozenset(rules)))
    head = n_symbols + n_states
    count, cells, values, at = head + 1, list[int](), list[int](), 0
    sentences.append(Sentence(("start", f"state_{state}"), ("head",), frozenset(rules | {(head, states[state], "head.state")})))

    def drawn() -> frozenset[Edge]:
        left = {(b, a, "cell.left") for a, b in pairwise(cells)}
        value = {(cell, symbols[symbol], "cell.value") for cell, symbol in zip(cells, values, strict=True)}
        return frozenset(rules | left | value | {(head, states[state], "head.state"), (head, cells[at], "head.cell")})

    for symbol in tape:
        cells, values, count = [*cells, count], [*values, symbol], count + 1
        sentences.append(Sentence(("input", f"symbol_{symbol}"), ("cell",), drawn()))
    for _ in range(n_steps):
        values[at], move, state = machine.table[state][values[at]]
        at += move
        new: tuple[str, ...] = ()
        if not 0 <= at < len(cells):
            new, left = ("cell",), at < 0
            cells, values = ([count, *cells], [0, *values]) if left else ([*cells, count], [*values, 0])
            at, count = max(at, 0), count + 1
        sentences.append(Sentence(("run",), new, drawn()))
    return Story(tuple(sentences), initial=initial)


def _tape_edges(cells: Sequence[int], tape: Sequence[int]) -> frozenset[Edge]:
    right = [(a, b, "next_r") for a, b in pairwise(cells)]
    return frozenset([*right, *((cell, int(value), "value") for cell, value in zip(cells, tape, strict=True))])
