"""The paper's rival without an environment: one LSTM reads the problem, another writes all actions down without looking up.

Source: Sutskever et al. 2014, arXiv:1409.3215, as Li et al. 2017 use it.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from shoestring.systems.program_lattice.model import LSTMCore
from shoestring.systems.program_lattice.task import POP, PUSH, STAY, Env, Floats, Ints


class Seq2Seq(nn.Module):
    """Two LSTM cores: the encoder reads a question, the decoder sees its own last action only, and goes on from the encoder's state."""

    def __init__(self, d_question: int, n_actions: int, *, d_hidden: int, n_models: int, seed: int) -> None:
        """Draws first weights: arguments as for ``LSTMCore``; ``d_question``: numbers of one token of a question."""
        super().__init__()
        self.encoder = LSTMCore(d_question, 1, 1, d_hidden=d_hidden, n_models=n_models, seed=seed)
        self.decoder = LSTMCore(n_actions + 1, 1, n_actions, d_hidden=d_hidden, n_models=n_models, seed=seed + 1)
        self.n_actions = n_actions

    def loss(self, questions: Tensor, actions: Tensor) -> Tensor:
        """Returns ``-log P`` of actions and of the end, ``(m, b)``.

        Args:
            questions: ``(m, b, length, d_question)``.
            actions: ``(m, b, n_actions)``; -1 after the last one.
        """
        h, c = self._read(questions)
        last = actions.new_full(actions.shape[:2], self.n_actions)
        total = h.new_zeros(actions.shape[:2])
        before = torch.cat((last[..., None], actions), dim=2)
        seen = self._seen(before.reshape(len(before), -1)).reshape(*before.shape, -1)
        for wanted, now in zip((*actions.unbind(2), actions.new_full(actions.shape[:2], -1)), seen.unbind(2), strict=True):
            kind, action, h, c = self._write(now, h, c)
            is_action = wanted >= 0
            log_p = torch.where(is_action, kind[..., STAY] + action.gather(2, wanted.clamp_min(0)[..., None])[..., 0], kind[..., POP])
            total = total - torch.where(last >= 0, log_p, 0.0)  # the end counts once, right after the last action
            last = wanted
        return total

    @torch.no_grad()
    def run(self, env: Env, questions: Floats, *, max_steps: int) -> Ints:
        """Writes actions greedily and does them: arguments and result as for ``ProgramLattice.run``, with the questions ``(m * k, length,
        d)``."""
        m = len(self.decoder.programs)
        asked = torch.from_numpy(questions).to(self.decoder.programs)
        h, c = self._read(asked.reshape(m, len(questions) // m, *questions.shape[1:]))
        last = torch.full(h.shape[:2], self.n_actions, device=h.device)
        took = np.full(len(questions), -1, dtype=np.int64)
        for t in range(max_steps):
            kind, action, h, c = self._write(self._seen(last), h, c)
            ends = (kind[..., POP] > kind[..., STAY]) & (last >= 0)
            took[ends.reshape(-1).cpu().numpy()] = t + 1
            last = torch.where(ends | (last < 0), -1, action.argmax(2))
            if not (last >= 0).any():
                break
            env.act(last.reshape(-1).cpu().numpy())
        return took

    def _read(self, questions: Tensor) -> tuple[Tensor, Tensor]:
        m, b, _, _ = questions.shape
        h = c = questions.new_zeros(m, b, self.encoder.d_hidden)
        program = self.encoder.programs.expand(-1, b, -1)
        for token in questions.unbind(2):
            *_, h, c = self.encoder.step(self.encoder.see(token), program, h, c)
        return h, c

    def _seen(self, last: Tensor) -> Tensor:
        return self.decoder.see(nn.functional.one_hot(last.clamp_min(0), self.n_actions + 1).to(self.decoder.programs))

    def _write(self, seen: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        step = self.decoder.step(seen, self.decoder.programs.expand(-1, h.shape[1], -1), h, c)
        without_calls = torch.log_softmax(step.kind[..., PUSH + 1 :], dim=2)
        kind = torch.cat((torch.zeros_like(step.kind[..., :1]), without_calls), dim=2)
        return kind, step.action, step.h, step.c
