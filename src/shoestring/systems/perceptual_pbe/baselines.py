"""What the paper compares with: a multitask network with shared layers, and an LSTM over what the networks see.

They learn no program. Source: Gaunt et al. 2016, arXiv:1611.02109, section 4.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from shoestring.systems.perceptual_pbe.learner import LEAST_P, Perceptrons
from shoestring.systems.perceptual_pbe.task import Examples


class Multitask(nn.Module):
    """One network for single images that all tasks share, and for each task a perceptron on what it says of all cells.

    Attributes:
        shared: the network, with a softmax at its end, as for programs.
        heads: by task.
    """

    def __init__(
        self, restarts: int, sizes: tuple[int, ...], hidden: int, answers: int, tasks: tuple[str, ...], rng: torch.Generator
    ) -> None:
        """Draws all weights; ``hidden`` units in each head, ``answers`` values of an answer."""
        nn.Module.__init__(self)
        self.shared = Perceptrons(restarts, sizes, rng)
        self.heads = nn.ModuleDict({task: Perceptrons(restarts, (4 * sizes[-1], hidden, answers), rng) for task in tasks})

    def forward(self, task: str, examples: Examples) -> Tensor:
        """Returns the marginals of the answers, ``(restarts, n, answers)``."""
        images = torch.stack([examples.views[name][1] for name in sorted(examples.views)], dim=1)  # (n, 4, pixels)
        seen = self.shared(images.flatten(0, 1))
        head = self.heads[task]
        assert isinstance(head, Perceptrons), "as it was made"
        x = seen.unflatten(1, (len(examples), 4)).flatten(2)
        hidden = torch.baddbmm(head.biases[0], x, head.weights[0]).relu()
        answers: Tensor = torch.baddbmm(head.biases[1], hidden, head.weights[1]).softmax(dim=-1)
        return answers

    def losses(self, task: str, examples: Examples) -> Tensor:
        """Returns the mean of ``-log p(answer)`` in nats, ``(restarts,)``."""
        p: Tensor = self(task, examples).gather(-1, examples.targets.expand(len(self.shared.weights[0]), -1)[..., None])
        return p.clamp(min=LEAST_P).log().mean(dim=(1, 2)).neg()


class Reader(nn.Module):
    """An LSTM that reads what the networks see in one image after the other, and answers after the last."""

    def __init__(self, values: int, hidden: int, answers: int, *, layers: int = 1) -> None:
        """Draws the weights from torch's generator; ``values`` numbers an image."""
        nn.Module.__init__(self)
        self.lstm = nn.LSTM(values, hidden, layers, batch_first=True)
        self.head = nn.Linear(hidden, answers)

    def forward(self, seen: Tensor) -> Tensor:
        """Returns logits ``(n, answers)`` of ``(n, images, values)``."""
        outputs, _ = self.lstm(seen)
        logits: Tensor = self.head(outputs[:, -1])
        return logits
