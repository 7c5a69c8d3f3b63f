"""The recurrent cells of the paper as modules with one interface: ``cell(input, state) -> (output, state)``.

It knows no time, no task and no training. Equations: Collins, Sohl-Dickstein and Sussillo 2017, arXiv:1611.09913, section 1.2.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar, Literal, TypeAlias

import torch
from torch import Tensor, nn

from shoestring.errors import UnknownName, UsageError

State: TypeAlias = tuple[Tensor, ...]
Nonlinearity = Literal["tanh", "relu"]
_NONLINEAR: dict[str, Callable[[Tensor], Tensor]] = {"tanh": torch.tanh, "relu": torch.relu}


class Cell(nn.Module, ABC):
    """One recurrent cell; ``n_in`` numbers come in and ``n_h`` go out at each step.

    All weights that meet the input stand in ``w_x`` and all that meet the state in ``w_h``, a block of ``n_h`` rows for each product that
    the cell's equations have. What depends on the input alone, ``project``, can so be computed for all steps at once.

    Attributes:
        blocks: blocks of rows in ``w_x``, ``w_h`` and ``bias``.
        parts: tensors in a state; the first is what ``initial`` learns first.
        forgets: the blocks whose bias ``forget_bias`` is added to.
        carries_input: whether the cell's output mixes in the input itself, which then has ``n_h`` numbers.
        offset: ``(blocks * n_h,)``, what ``forget_bias`` adds to the bias: a buffer, since it is chosen and not learnt.
    """

    blocks: ClassVar[int]
    parts: ClassVar[int] = 1
    forgets: ClassVar[tuple[int, ...]] = ()
    carries_input: ClassVar[bool] = False

    def __init__(
        self,
        n_in: int,
        n_h: int,
        *,
        nonlinearity: Nonlinearity = "tanh",
        forget_bias: float = 1.0,
        gain: float = 1.0,
        identity: bool = False,
    ) -> None:
        """Draws the weights from torch's generator.

        Args:
            n_in: numbers that come in.
            n_h: width.
            nonlinearity: the equations' ``s``; the +RNN's two are fixed.
            forget_bias: the equations' ``b_fg``.
            gain: weights are normal with mean 0 and standard deviation ``gain / sqrt(n_in)`` or ``gain / sqrt(n_h)``; biases are 0.
            identity: the recurrent weights start as the identity.
        Raises:
            UsageError: a width below 1.
            UnknownName: a nonlinearity that is not known.
        """
        nn.Module.__init__(self)
        if n_in < 1 or n_h < 1:
            raise UsageError(f"a cell with n_in={n_in}, n_h={n_h} holds nothing; give whole numbers from 1.")
        if nonlinearity not in _NONLINEAR:
            raise UnknownName("nonlinearity", nonlinearity, _NONLINEAR)
        self.n_in, self.n_h, self.nonlinearity, self.s = n_in, n_h, nonlinearity, _NONLINEAR[nonlinearity]
        self.entry = nn.Linear(n_in, n_h) if self.carries_input and n_in != n_h else None
        fan_in = n_h if self.entry else n_in
        w_h = torch.eye(n_h).repeat(self.blocks, 1) if identity else torch.randn(self.blocks * n_h, n_h) * gain * n_h**-0.5
        self.w_x = nn.Parameter(torch.randn(self.blocks * n_h, fan_in) * gain * fan_in**-0.5)
        self.w_h = nn.Parameter(w_h)
        self.bias = nn.Parameter(torch.zeros(self.blocks * n_h))
        self.initial = nn.Parameter(torch.zeros(self.parts, n_h))
        self.offset: Tensor
        self.register_buffer(
            "offset", torch.zeros(self.blocks, n_h).index_fill(0, torch.tensor(self.forgets).long(), forget_bias).flatten()
        )

    def first_state(self, batch: int) -> State:
        """Returns the learnt state before the first step: each part ``(batch, n_h)``."""
        return tuple(part.expand(batch, -1) for part in self.initial.unbind(0))

    def project(self, x: Tensor) -> Tensor:
        """Returns what the step needs of inputs ``(..., n_in)``: ``(..., blocks * n_h)``, after the input itself if the cell carries it."""
        if self.entry is not None:
            x = self.entry(x)
        return self.projected(x, nn.functional.linear(x, self.w_x, self.bias + self.offset))

    def projected(self, x: Tensor, affine: Tensor) -> Tensor:
        """Returns the affine map of inputs ``(..., n)``, with the inputs themselves before it if the cell carries them."""
        return torch.cat([x, affine], dim=-1) if self.carries_input else affine

    def forward(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """Returns output ``(batch, n_h)`` and new state of an input ``(batch, n_in)`` and a state, each part ``(batch, n_h)``."""
        return self.step(self.w_h, self.project(x), state)

    @abstractmethod
    def step(self, w_h: Tensor, p: Tensor, state: State) -> tuple[Tensor, State]:
        """Returns output and new state.

        Args:
            w_h: recurrent weights ``(blocks * n_h, n_h)``; or of several cells, ``(n_cells, blocks * n_h, n_h)``.
            p: what ``project`` returned, ``(batch or 1, ...)``; or ``(n_cells, batch, ...)``.
            state: each part ``(batch, n_h)``; or ``(n_cells, batch, n_h)``.
        """


class RNN(Cell):
    """h = s(W_h h- + W_x x + b)."""

    blocks = 1

    def step(self, w_h: Tensor, p: Tensor, state: State) -> tuple[Tensor, State]:
        """As ``Cell.step``."""
        h = self.s(_plus(p, state[0], w_h))
        return h, (h,)


class UGRNN(Cell):
    """c = s(W_c [x, h-] + b_c), g = sig(W_g [x, h-] + b_g + b_fg), h = g h- + (1 - g) c. Blocks: c, g."""

    blocks, forgets = 2, (1,)

    def step(self, w_h: Tensor, p: Tensor, state: State) -> tuple[Tensor, State]:
        """As ``Cell.step``."""
        c, g = _plus(p, state[0], w_h).chunk(2, dim=-1)
        h = torch.lerp(self.s(c), state[0], torch.sigmoid(g))
        return h, (h,)


class GRU(Cell):
    """r, u = sig(.), sig(. + b_fg), c = s(W_ch (r h-) + W_cx x + b), h = u h- + (1 - u) c. Blocks: r, u, c.

    The state is reset before the product. ``torch.nn.GRU`` and cuDNN reset after it, which is another cell.
    """

    blocks, forgets = 3, (1,)

    def step(self, w_h: Tensor, p: Tensor, state: State) -> tuple[Tensor, State]:
        """As ``Cell.step``."""
        (h,), n = state, 2 * self.n_h
        r, u = torch.sigmoid(_plus(p[..., :n], h, w_h[..., :n, :])).chunk(2, dim=-1)
        h = torch.lerp(self.s(_plus(p[..., n:], r * h, w_h[..., n:, :])), h, u)
        return h, (h,)


class LSTM(Cell):
    """c = sig(f + b_fg) c- + sig(i) s(g), h = sig(o) tanh(c); no peepholes. Blocks: i, f, g, o, as torch has them; state: h, c."""

    blocks, parts, forgets = 4, 2, (1,)

    def step(self, w_h: Tensor, p: Tensor, state: State) -> tuple[Tensor, State]:
        """As ``Cell.step``."""
        i, f, g, o = _plus(p, state[0], w_h).chunk(4, dim=-1)
        c = torch.addcmul(torch.sigmoid(f) * state[1], torch.sigmoid(i), self.s(g))
        h = torch.sigmoid(o) * torch.tanh(c)
        return h, (h, c)


class PlusRNN(Cell):
    """The intersection RNN: gates in time and in depth. Blocks: y, h, g_y, g_h, each of [x, h-].

    y_in = relu(.), h_in = tanh(.), g_y, g_h = sig(. + b_fg); output y = g_y x + (1 - g_y) y_in, state h = g_h h- + (1 - g_h) h_in.
    Input and output are of one size; where the input is not, it first goes through an affine map, ``entry``.
    """

    blocks, forgets, carries_input = 4, (2, 3), True

    def step(self, w_h: Tensor, p: Tensor, state: State) -> tuple[Tensor, State]:
        """As ``Cell.step``."""
        (h,), n = state, self.n_h
        y_in, h_in, g_y, g_h = _plus(p[..., n:], h, w_h).chunk(4, dim=-1)
        y = torch.lerp(torch.relu(y_in), p[..., :n], torch.sigmoid(g_y))
        return y, (torch.lerp(torch.tanh(h_in), h, torch.sigmoid(g_h)),)


CELLS: dict[str, type[Cell]] = {"rnn": RNN, "irnn": RNN, "ugrnn": UGRNN, "gru": GRU, "lstm": LSTM, "+rnn": PlusRNN}


def cell_type(name: str) -> type[Cell]:
    """Returns the class of a cell's name: rnn, irnn, ugrnn, gru, lstm or +rnn.

    Raises:
        UnknownName: there is no such cell.
    """
    if name not in CELLS:
        raise UnknownName("cell", name, CELLS)
    return CELLS[name]


def make_cell(name: str, n_in: int, n_h: int, *, nonlinearity: Nonlinearity = "tanh", forget_bias: float = 1.0, gain: float = 1.0) -> Cell:
    """Returns a cell by its name. The IRNN is the RNN with ReLU whose recurrent weights start as the identity.

    Args:
        name: rnn, irnn, ugrnn, gru, lstm or +rnn.
        n_in, n_h, nonlinearity, forget_bias, gain: as ``Cell``.
    Raises:
        UnknownName, UsageError: as ``Cell``; or there is no such cell.
    """
    is_irnn = name == "irnn"
    s: Nonlinearity = "relu" if is_irnn else nonlinearity
    return cell_type(name)(n_in, n_h, nonlinearity=s, forget_bias=forget_bias, gain=gain, identity=is_irnn)


def _plus(p: Tensor, h: Tensor, w: Tensor) -> Tensor:
    """Returns p + h w', for one cell or for several."""
    return torch.matmul(h, w.mT) + p
