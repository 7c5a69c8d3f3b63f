"""The neural program-inducer as mathematics: one step of many models at once. It keeps no stack and knows no lattice: see ``lattice``.

Source: Reed and de Freitas 2016, arXiv:1511.06279; Li et al. 2017 (Neural Program Lattices, ICLR), section 2.
"""

from __future__ import annotations

import math
from typing import NamedTuple, Protocol

import torch
from torch import Tensor, nn

from shoestring.systems.program_lattice.cell import Cell


class Step(NamedTuple):
    """What a core says at each of ``n`` places of each of ``m`` models.

    Attributes:
        kind: log-probabilities of PUSH, POP and STAY, ``(m, n, 3)``.
        program: of the program to call, ``(m, n, n_programs)``.
        action: of the action to do, ``(m, n, n_actions)``.
        h, c: the state after it, ``(m, n, d_hidden)``.
    """

    kind: Tensor
    program: Tensor
    action: Tensor
    h: Tensor
    c: Tensor


class Core(Protocol):
    """What a lattice needs: any recurrent step from an observation, a program's embedding and a state."""

    @property
    def programs(self) -> Tensor:
        """Embeddings of all programs, the root's first, ``(m, n_programs, d_program)``."""

    @property
    def d_hidden(self) -> int:
        """The width of each of the two parts of the state."""

    def see(self, observations: Tensor) -> Tensor:
        """Returns all that depends on observations alone, ``(m, n, d_seen)``; it is computed once for each observation."""

    def step(self, seen: Tensor, program: Tensor, h: Tensor, c: Tensor) -> Step:
        """Takes one step at ``n`` places: ``seen (m, n, d_seen)``, ``program (m, n, d_program)``, ``h, c (m, n, d_hidden)``."""


class LSTMCore(nn.Module):
    """``u = f_enc(e, E_g); h, c = LSTM(u, h, c)``, then one affine layer and a softmax for each of kind, program and action.

    All parameters have a leading axis of models, which never meet: the sum of their losses trains each as it would be trained alone.
    """

    def __init__(
        self,
        d_obs: int,
        n_programs: int,
        n_actions: int,
        *,
        d_hidden: int = 32,
        d_program: int = 16,
        n_models: int = 1,
        seed: int = 0,
    ) -> None:
        """Draws first weights uniformly within ``1 / sqrt(n_in)``, embeddings from a normal; the forget gates begin at 1.

        Args:
            d_obs: numbers of an observation.
            n_programs, n_actions: how many there are.
            d_hidden: width of the encoder and of the LSTM.
            d_program: width of a program's embedding.
            n_models: how many independent models.
            seed: of the first weights.
        """
        super().__init__()
        generator = torch.Generator().manual_seed(seed)

        def weights(n_in: int, n_out: int) -> nn.Parameter:
            return nn.Parameter((torch.rand(n_models, n_in, n_out, generator=generator) * 2 - 1) / math.sqrt(n_in))

        def biases(n_out: int) -> nn.Parameter:
            return nn.Parameter(torch.zeros(n_models, 1, n_out))

        self._d_hidden, self.n_programs, self.n_actions = d_hidden, n_programs, n_actions
        self.see_in, self.see_in_bias = weights(d_obs, d_hidden), biases(d_hidden)
        self.see_out, self.see_out_bias = weights(d_hidden, d_hidden), biases(d_hidden)
        self.from_program = weights(d_program, d_hidden)
        self.gates, self.gates_bias = weights(2 * d_hidden, 4 * d_hidden), biases(4 * d_hidden)
        self.heads, self.heads_bias = weights(d_hidden, 3 + n_programs + n_actions), biases(3 + n_programs + n_actions)
        self.embeddings = nn.Parameter(torch.randn(n_models, n_programs, d_program, generator=generator))
        with torch.no_grad():
            self.gates_bias[..., d_hidden : 2 * d_hidden] = 1.0

    @property
    def programs(self) -> Tensor:
        """As in ``Core``."""
        return self.embeddings

    @property
    def d_hidden(self) -> int:
        """As in ``Core``."""
        return self._d_hidden

    def see(self, observations: Tensor) -> Tensor:
        """Returns the observation's part of the encoder, ``(m, n, d_hidden)``."""
        inner = torch.relu(torch.baddbmm(self.see_in_bias, observations, self.see_in))
        return torch.baddbmm(self.see_out_bias, inner, self.see_out)

    def step(self, seen: Tensor, program: Tensor, h: Tensor, c: Tensor) -> Step:
        """Takes one step: see ``Core``."""
        weights = self.from_program, self.gates, self.gates_bias, self.heads, self.heads_bias
        return Step(*Cell.apply(seen, program, h, c, *weights, [3, self.n_programs, self.n_actions]))  # type: ignore[no-untyped-call]
