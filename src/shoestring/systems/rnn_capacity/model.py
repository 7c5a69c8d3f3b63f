"""The paper's networks: a stack of cells of one width with a linear read-out, and the width that a number of parameters allows.

It knows no task and no training. Source: Collins, Sohl-Dickstein and Sussillo 2017, arXiv:1611.09913, section 1.2.
"""

from __future__ import annotations

from torch import Tensor, nn

from shoestring.errors import BudgetTooSmall, UsageError
from shoestring.systems.rnn_capacity.cells import Cell, Nonlinearity, cell_type, make_cell
from shoestring.systems.rnn_capacity.scan import Backend, scan


class Recurrent(nn.Module):
    """Cells on top of each other, and a linear read-out.

    Attributes:
        layers: the cells, the input's first.
        head: the read-out.
        delay: steps with zeros as input after the last input, before an answer is read.
        reads_all: whether an answer is read at each step, instead of after the delay only.
        backend: how it is run; see ``scan``.
    """

    def __init__(
        self,
        cell: str,
        n_in: int,
        n_h: int,
        n_out: int,
        *,
        depth: int = 1,
        delay: int = 0,
        reads_all: bool = False,
        nonlinearity: Nonlinearity = "tanh",
        forget_bias: float = 1.0,
        gain: float = 1.0,
        backend: Backend = "auto",
    ) -> None:
        """Draws the weights from torch's generator; other arguments as ``make_cell``.

        Raises:
            UnknownName: there is no such cell.
            UsageError: sizes below 1; or a +RNN of depth 1, in which nothing can pass through its gates in depth.
        """
        nn.Module.__init__(self)
        _check_stack(cell, depth)
        if n_out < 1 or delay < 0:
            raise UsageError(f"n_out={n_out}, delay={delay} cannot be read out; give n_out from 1 and delay from 0.")
        sizes = [n_in] + [n_h] * (depth - 1)
        self.layers = nn.ModuleList(
            make_cell(cell, size, n_h, nonlinearity=nonlinearity, forget_bias=forget_bias, gain=gain) for size in sizes
        )
        self.head = nn.Linear(n_h, n_out)
        self.delay, self.reads_all, self.backend = delay, reads_all, backend

    def forward(self, x: Tensor) -> Tensor:
        """Returns answers: ``(batch, n_out)``, or ``(time + delay, batch, n_out)`` if it reads all.

        Args:
            x: inputs ``(time, batch, n_in)``; or ``(batch, n_in)``, shown for one step.
        """
        cells: list[Cell] = list(self.layers)  # type: ignore[arg-type]
        x = x[None] if x.dim() == 2 else x
        outputs, _ = scan(cells, x, blanks=self.delay, backend=self.backend, last=not self.reads_all)
        answers: Tensor = self.head(outputs if self.reads_all else outputs[-1])
        return answers


def n_params(cell: str, n_h: int, n_in: int, n_out: int, depth: int = 1) -> int:
    """Returns how many parameters ``Recurrent`` has: cells, learnt first states and read-out.

    Raises:
        UnknownName, UsageError: as ``Recurrent``.
    """
    kind = cell_type(cell)
    _check_stack(cell, depth)
    sizes = [n_in] + [n_h] * (depth - 1)
    entry = n_h * (n_in + 1) if kind.carries_input and n_in != n_h else 0
    fed = [n_h if kind.carries_input else size for size in sizes]
    return entry + sum(kind.blocks * n_h * (size + n_h + 1) + kind.parts * n_h for size in fed) + n_out * (n_h + 1)


def params_for_budget(cell: str, budget: int, n_in: int, n_out: int, depth: int = 1) -> int:
    """Returns the largest width of each layer with which ``Recurrent`` has at most ``budget`` parameters.

    Cells are compared at equal parameters, never at equal width.

    Raises:
        BudgetTooSmall: not even a width of 1 can be paid.
        UnknownName, UsageError: as ``Recurrent``.
    """
    needed = n_params(cell, 1, n_in, n_out, depth)
    if budget < needed:
        raise BudgetTooSmall(
            f"{budget} parameters cannot pay for a {cell} of depth {depth} with n_in={n_in}, n_out={n_out}; the narrowest has {needed}.",
            given=budget,
            needed=needed,
        )
    n_h = 1
    while n_params(cell, n_h + 1, n_in, n_out, depth) <= budget:
        n_h += 1
    return n_h


def _check_stack(cell: str, depth: int) -> None:
    if depth < 1:
        raise UsageError(f"depth={depth} must be a whole number from 1: the layers of a stack.")
    if depth == 1 and cell_type(cell).carries_input:
        raise UsageError(f"a {cell} of depth 1 has no cell below to pass on; give depth=2 or more.")
