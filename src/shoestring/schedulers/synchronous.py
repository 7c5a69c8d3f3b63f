"""The loop that every synchronous scheduler shares: brackets in turn, each rung by rung. Which brackets, the members say.

Source: Li et al. 2018, arXiv:1603.06560, Algorithm 1.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, repeat
from typing import final

from shoestring.schedulers.rungs import Bracket, at_least
from shoestring.schedulers.standings import Standings
from shoestring.values.orders import Observation, Order, Sampler


@final
class Synchronous:
    """Runs a table of brackets in turn.

    While a rung waits for its last results, workers that are free start the next bracket; older brackets go first. With one
    worker nothing is ever waited for, and the order is the paper's own.

    Args:
        sampler: proposes the trials; once it has none left, the open brackets are finished with those they have.
        table: the brackets of one round.
        rounds: how often the table is gone through; None: for ever.
    """

    def __init__(self, sampler: Sampler, table: Sequence[Bracket], rounds: int | None) -> None:
        if rounds is not None:
            at_least("rounds", rounds, 1)
        self._standings = Standings(sampler)
        self._to_open = chain.from_iterable(repeat(table) if rounds is None else repeat(table, rounds))
        self._open: list[Iterator[Order | None]] = []

    def ask(self) -> Order | None:
        """Returns the next order, or None if there is nothing to order before more is observed, or ever."""
        for halving in chain(self._open.copy(), self._opened()):
            try:
                order = next(halving)
            except StopIteration:
                self._open.remove(halving)
                continue
            if order is not None:
                return order
        return None

    def tell(self, observation: Observation) -> None:
        """Takes in one observation; one that says nothing new changes nothing."""
        self._standings.tell(observation)

    def _opened(self) -> Iterator[Iterator[Order | None]]:
        while not self._standings.exhausted and (bracket := next(self._to_open, None)) is not None:
            self._open.append(_halving(self._standings, bracket))
            yield self._open[-1]


def _halving(standings: Standings, bracket: Bracket) -> Iterator[Order | None]:
    """Yields the orders of one bracket, and None while it waits.

    A rung takes as many trials as planned, or as many as there are. A trial with loss ``inf`` is never promoted; one that ended with a
    finite loss keeps its place through the later rungs.
    """
    (n, to), *later = bracket.rungs
    members: list[int] = []
    while len(members) < n and (start := standings.start(to)) is not None:
        members.append(start.trial_id)
        yield start
    for n, to in later:
        for trial_id in members:
            while not standings[trial_id].at_rest:
                yield None
        members = standings.best(members, n)
        for trial_id in members:
            if (advance := standings.advance(trial_id, to)) is not None:
                yield advance
