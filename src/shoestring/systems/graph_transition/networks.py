"""Networks in training: many of one shape as one program, each on its own stories, with batches of stories of about one length."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from shoestring.systems.graph_transition.affine import stack
from shoestring.systems.graph_transition.lesson import lesson, stories_of
from shoestring.systems.graph_transition.model import GGTNN, exact
from shoestring.systems.graph_transition.stories import Batch
from shoestring.systems.graph_transition.transcript import TranscriptGRU, encode_transcripts, transcript

if TYPE_CHECKING:
    from shoestring.systems.graph_transition.training import Config

POOL = 4  # batches that are drawn together and sorted by length
WANTED = (0.99, 0.8, 0.5)  # of runs without a mistake, at the lengths trained on and tested, for a machine to count as learnt


class Work(Protocol):
    """Networks that are trained together.

    Attributes:
        config: theirs.
    """

    config: Config

    def train(self, until: int) -> None:
        """Goes on to so many updates."""

    def metrics(self) -> dict[str, float]:
        """Returns what is reported."""

    def state_dict(self) -> dict[str, Any]:
        """Returns all that changes."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes back to a state."""


def learnt(config: Config, found: Mapping[str, float], n_networks: int) -> dict[str, float]:
    """Returns the share of networks that reach ``WANTED`` at every length, from ``exact_STEPS_of_NETWORK``."""
    wanted = list(zip(config.numbers("lengths"), WANTED, strict=False))
    reached = [all(found[f"exact_{n}_of_{i}"] >= least for n, least in wanted) for i in range(n_networks)]
    return {"learnt": sum(reached) / n_networks}


class Stacked:
    """Networks of one shape in training: steps of Adam on the loss of batches, and what has to be kept of it.

    Args:
        config: theirs.
        net: all of them, stacked.
        seed: draws the batches.
    """

    def __init__(self, config: Config, net: Any, seed: int) -> None:
        self.config, self.net, self.updates = config, net, 0
        self.rng = torch.Generator().manual_seed(seed)
        self.optimizer = torch.optim.Adam(net.parameters(), lr=config.lr, fused=True)

    def loss_of_batch(self) -> Tensor:
        """Draws a batch for each network and returns the loss of all."""
        raise NotImplementedError

    def train(self, until: int) -> None:
        """Goes on to so many updates."""
        for update in range(self.updates, until):
            cool(self.optimizer, self.config, update)
            self.optimizer.zero_grad()
            self.loss_of_batch().backward()  # type: ignore[no-untyped-call]  # torch's own
            self.optimizer.step()
        self.updates = max(self.updates, until)

    def state_dict(self) -> dict[str, Any]:
        """Returns all that changes."""
        return {
            "net": self.net.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "rng": self.rng.get_state(),
            "updates": self.updates,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes back to a state."""
        self.net.load_state_dict(state["net"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.rng.set_state(state["rng"])
        self.updates = state["updates"]


class Networks(Stacked):
    """The graph networks of one task, trained together: ``sizes`` times ``models`` of them."""

    def __init__(self, config: Config, task: str, seed: int, device: str = "cpu") -> None:
        self.task, self.device = task, device
        self.lesson = lesson(config, task, seed)
        self.data = self.lesson.train.to(device)
        lengths = self.lesson.train.answers.shape[-1]
        seeds = [seed * 1000 + i for i in range(len(self.lesson.limits))]
        rngs = [torch.Generator().manual_seed(one) for one in seeds]
        super().__init__(config, stack([GGTNN(self.lesson.vocabulary, config.network, rng, lengths) for rng in rngs]).to(device), seed)
        self.pool = torch.empty(0, len(seeds), config.batch, dtype=torch.long)

    def batch(self) -> Batch:
        """Returns stories ``(M, B)``, drawn for each network from those that it may see, of about one length."""
        if not len(self.pool):
            limits = torch.tensor(self.lesson.limits)[:, None]
            drawn = (torch.rand(len(limits), POOL * self.config.batch, generator=self.rng) * limits).long()
            drawn = drawn.gather(1, self.lesson.train.lengths[drawn].argsort(dim=1, stable=True))
            self.pool = drawn.view(len(limits), POOL, -1).transpose(0, 1)[torch.randperm(POOL, generator=self.rng)]
        index, self.pool = self.pool[0], self.pool[1:]
        return self.data[index.to(self.device)].trimmed()

    def loss_of_batch(self) -> Tensor:
        """Draws a batch for each network and returns the loss of all."""
        return self.loss(self.batch())

    def loss(self, batch: Batch) -> Tensor:
        """Returns the loss of all networks."""
        if self.config.supervision == "none":
            loss: Tensor = self.net.answer_loss(self.net.run(batch, snap=False).answers, batch).sum()
        else:
            loss = self.net(batch).total
        return loss

    @torch.no_grad()
    def metrics(self) -> dict[str, float]:
        """Returns shares of right answers or of runs without a mistake, see ``train``."""
        found: dict[str, float] = {}
        for name, test in self.lesson.tests.items():
            found |= self._answered(test) if name == "test" else self._simulated(name, test)
        if self.task.startswith("babi"):
            return found
        return found | learnt(self.config, found, len(self.lesson.limits))

    def _answered(self, test: Batch) -> dict[str, float]:
        right, asked = torch.zeros(len(self.lesson.limits)), 0
        for batch in self._parts(test):
            right += self.net.right(self.net.run(batch, snap=self.config.supervision != "none").answers, batch).flatten(1).sum(1).cpu()
            asked += int((batch.after[0] > 0).sum())
        by_size = (right / asked).view(-1, self.config.models)
        names = [f"accuracy_{size}" for size in self.config.numbers("sizes")]
        return dict(zip(names, by_size.mean(1).tolist(), strict=True))

    def _simulated(self, name: str, test: Batch) -> dict[str, float]:
        runs, graphs = [], []
        for batch in self._parts(test):
            right = exact(self.net.run(batch), batch)
            runs.append(right.all(-1))
            graphs.append(right.float().mean(-1))
        whole = torch.cat(runs, 1).float().mean(1).tolist()
        found = {f"exact_{name}_of_{i}": value for i, value in enumerate(whole)}
        return found | {f"exact_{name}": sum(whole) / len(whole), f"graphs_{name}": float(torch.cat(graphs, 1).mean())}

    def _parts(self, test: Batch) -> Sequence[Batch]:
        order = test.lengths.argsort(stable=True)
        index = [part.expand(len(self.lesson.limits), -1) for part in (order[i : i + 50] for i in range(0, len(order), 50))]
        return [test[part].trimmed().to(self.device) for part in index]

    def state_dict(self) -> dict[str, Any]:
        """Returns all that changes."""
        return super().state_dict() | {"pool": self.pool}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes back to a state."""
        super().load_state_dict(state)
        self.pool = state["pool"]


class Transcripts(Stacked):
    """The baseline in training: GRUs that write the tapes of a machine, ``models`` of them, on the same stories."""

    def __init__(self, config: Config, task: str, seed: int, device: str = "cpu") -> None:
        self.device = device
        train, tests = stories_of(config, task, np.random.default_rng([seed, 1]))
        everything = [*train, *(story for stories in tests.values() for story in stories)]
        words = sorted({word for story in everything for part in transcript(story) for word in part})
        self.data, self.wanted = encode_transcripts(train, words)
        self.tests = {name: encode_transcripts(stories, words) for name, stories in tests.items()}
        rngs = [torch.Generator().manual_seed(seed * 1000 + i) for i in range(config.models)]
        super().__init__(config, stack([TranscriptGRU(len(words), config.width, rng) for rng in rngs]).to(device), seed)

    def loss_of_batch(self) -> Tensor:
        """Draws a batch for each network and returns the loss of all."""
        index = torch.randint(self.config.numbers("sizes")[0], (self.config.models, self.config.batch), generator=self.rng)
        words, wanted = self.data[index].to(self.device), self.wanted[index][..., 1:].to(self.device)
        losses = F.cross_entropy(self.net(words).flatten(0, -2), words[..., 1:].flatten(), reduction="none").view(wanted.shape)
        return (losses * wanted).sum() / wanted[0].sum()

    @torch.no_grad()
    def metrics(self) -> dict[str, float]:
        """Returns shares of runs without a mistake, see ``train``."""
        found: dict[str, float] = {}
        for name, (words, wanted) in self.tests.items():
            words, wanted = (part.expand(self.config.models, *part.shape).to(self.device) for part in (words, wanted))
            right = ((self.net(words).argmax(-1) == words[..., 1:]) | ~wanted[..., 1:]).all(-1).float().mean(1).tolist()
            found |= {f"exact_{name}_of_{i}": value for i, value in enumerate(right)} | {f"exact_{name}": sum(right) / len(right)}
        return found | learnt(self.config, found, self.config.models)


def cool(optimizer: torch.optim.Optimizer, config: Config, update: int) -> None:
    """Sets the learning rate of an update: full for a third of them, then falling in a line, to a fiftieth at the last and after it."""
    for group in optimizer.param_groups:
        group["lr"] = config.lr * min(1.0, 1.5 * max(0.0, 1 - update / config.n_updates) + 0.02)
