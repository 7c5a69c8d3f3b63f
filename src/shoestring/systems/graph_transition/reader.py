"""A gated unit that reads sentences word by word."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from shoestring.systems.graph_transition.affine import Affine
from shoestring.systems.graph_transition.gates import gates


class Reader(nn.Module):
    """A GRU over words, each a number; 0 is padding, which leaves the state as it is.

    Args:
        n_words: of the vocabulary.
        width: of the state.
        rng: draws the weights.
    """

    def __init__(self, n_words: int, width: int, rng: torch.Generator) -> None:
        nn.Module.__init__(self)
        self.of_word = Affine(n_words + 1, 3 * width, rng, bias=None)
        self.of_state = Affine(width, 2 * width, rng, bias=None)
        self.of_reset = Affine(width, width, rng, bias=None)

    def forward(self, words: Tensor) -> Tensor:
        """Returns the states after each word, ``(..., L, width)``, for words ``(..., L)``; the last one stands for the sentence."""
        given, there = self.of_word.rows(words), (words > 0).to(self.of_word.weight.dtype)[..., None]
        h, states = torch.zeros_like(given[..., 0, : given.shape[-1] // 3]), []
        for word, is_word in zip(given.unbind(-2), there.unbind(-2), strict=True):
            z, new = gates(word, h, self.of_state, self.of_reset)
            h = torch.lerp(h, torch.lerp(new, h, z), is_word)
            states.append(h)
        return torch.stack(states, -2)
