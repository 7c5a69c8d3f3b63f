"""The baseline that knows no graph: a GRU that writes a machine's tapes, token by token, on the flattened text of its run.

Not in the paper. It reads the same instructions and then each tape, and is right where its likeliest token is right everywhere, which is
the same as writing the whole run by itself without a mistake.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from shoestring.systems.graph_transition.affine import Affine
from shoestring.systems.graph_transition.reader import Reader
from shoestring.systems.graph_transition.stories import Story

SIMULATED = ("simulate", "run")


def tape_words(story: Story, after: int) -> tuple[str, ...]:
    """Returns a machine's tape as words, a value a cell; for a Turing machine its state first, and ``*`` where the head is.

    Args:
        story: of an automaton or a Turing machine.
        after: sentences that have been read.
    """
    types, edges = story.types(after), story.sentences[after - 1].edges

    def of(kind: str) -> dict[int, int]:
        return {a: b for a, b, name in edges if name == kind}

    value = of("value") or of("cell.value")
    right = of("next_r") or {b: a for a, b in of("cell.left").items()}
    cell: int | None = next(one for one in value if one not in right.values())
    head = next(iter(of("head.cell").values()), None)
    words = [types[state] for state in of("head.state").values()]
    while cell is not None:
        words.append(types[value[cell]] + ("*" if cell == head else ""))
        cell = right.get(cell)
    return tuple(words)


def transcript(story: Story) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Returns a run as words: the instructions, and all tapes after the first, each ended by ``#``."""
    prompt = [word for sentence in story.sentences if sentence.words[0] not in SIMULATED for word in sentence.words]
    tapes = [(*tape_words(story, t + 1), "#") for t, sentence in enumerate(story.sentences) if sentence.words[0] in SIMULATED]
    return tuple(prompt), tuple(word for tape in tapes for word in tape)


class TranscriptGRU(nn.Module):
    """A GRU that predicts each word of a run from those before it.

    Args:
        n_words: of all runs.
        width: of its state.
        rng: draws the weights.
    """

    def __init__(self, n_words: int, width: int, rng: torch.Generator) -> None:
        nn.Module.__init__(self)
        self.reader = Reader(n_words, width, rng)
        self.out = Affine(width, n_words + 1, rng)

    def forward(self, words: Tensor) -> Tensor:
        """Returns logits of the word after each, ``(..., L - 1, n_words + 1)``, for words ``(..., L)``."""
        logits: Tensor = self.out(self.reader(words[..., :-1]))
        return logits


def encode_transcripts(stories: Sequence[Story], words: Sequence[str]) -> tuple[Tensor, Tensor]:
    """Returns words' numbers ``(n, L)``, padded by 0, and which of them are to be predicted, ``(n, L)``."""
    number = {word: i + 1 for i, word in enumerate(words)}
    runs = [transcript(story) for story in stories]
    length = max(len(prompt) + len(tapes) for prompt, tapes in runs)
    tokens, wanted = torch.zeros(len(runs), length, dtype=torch.long), torch.zeros(len(runs), length, dtype=torch.bool)
    for i, (prompt, tapes) in enumerate(runs):
        n = len(prompt) + len(tapes)
        tokens[i, :n] = torch.tensor([number[word] for word in (*prompt, *tapes)])
        wanted[i, len(prompt) : n] = True
    return tokens, wanted
