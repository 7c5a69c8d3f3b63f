"""Does a cell that was found on words do well on characters? A recurrent language model around any cell of one interface.

Not the search that found the cell. Source: Zoph and Le 2017, arXiv:1611.01578, section 4.3 (transfer of the cell to characters).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Literal, TypeAlias, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from shoestring import Trial, datasets
from shoestring.errors import UnknownName
from shoestring.systems.nas_rl.cells import NAS_CELL, TreeCell, cell_space, tree_of

CellName: TypeAlias = Literal["nas", "lstm", "random"]
CELLS: tuple[CellName, ...] = get_args(CellName)
UPDATES = 50  # a unit
_N_SCORED = 100_000  # characters of the test text

State: TypeAlias = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class Preset:
    """The size of a language model and of its training.

    Attributes:
        n_weights: of the cell, at most.
        n_embedded: numbers of an embedded character.
        length: characters through which an update goes back.
        batch: texts read side by side.
        clip: norm of the gradient, at most.
        lr: learning rates of Adam, the smallest and the largest that a seed may draw.
    """

    n_weights: int
    n_embedded: int
    length: int
    batch: int
    clip: float
    lr: tuple[float, float]


PRESETS = {
    "small": Preset(32_000, 32, 32, 64, 1.0, (1e-3, 1e-2)),
    "paper": Preset(16_280_000, 128, 100, 100, 1.0, (1e-3, 1e-2)),  # table 3: 16.28 million weights; the recipe is not stated there
}


class CharacterModel(nn.Module):
    """Embedding, one recurrent cell, and a linear layer that says what the next character is.

    Args:
        cell: takes an input ``(batch, n_embedded)`` and ``(state, memory)``, each ``(batch, n_hidden)``, and returns the next pair.
        n_hidden: of the cell.
        n_symbols: characters that there are.
        n_embedded: numbers of an embedded character.
    """

    def __init__(self, cell: nn.Module, n_hidden: int, n_symbols: int, n_embedded: int) -> None:
        nn.Module.__init__(self)
        self.n_hidden = n_hidden
        self.embedding = nn.Embedding(n_symbols, n_embedded)
        self.cell = cell
        self.readout = nn.Linear(n_hidden, n_symbols)

    def start(self, batch: int) -> State:
        """Returns state and memory before any text: zeros, ``(batch, n_hidden)``."""
        weight = self.readout.weight
        return weight.new_zeros(batch, self.n_hidden), weight.new_zeros(batch, self.n_hidden)

    def forward(self, text: Tensor, state: State) -> tuple[Tensor, State]:
        """Returns the logits ``(batch, length, n_symbols)`` after each character of ``text`` ``(batch, length)``, and the last state."""
        states = []
        for x in self.embedding(text).unbind(1):
            state = self.cell(x, state)
            states.append(state[0])
        return self.readout(torch.stack(states, 1)), state


def cell_of(name: CellName, preset: Preset, seed: int) -> tuple[nn.Module, int]:
    """Returns a cell of at most the preset's weights and its width: the paper's, an LSTM, or a tree of 8 leaves drawn at random."""
    n_products = 4 if name == "lstm" else NAS_CELL.base
    n_biases = 8 if name == "lstm" else 0
    width = 1
    while n_products * (width + 1) * (preset.n_embedded + width + 1) + n_biases * (width + 1) <= preset.n_weights:
        width += 1
    if name == "lstm":
        return nn.LSTMCell(preset.n_embedded, width), width
    tree = NAS_CELL if name == "nas" else tree_of(cell_space(NAS_CELL.base).sample(np.random.default_rng(seed)))
    return TreeCell(tree, preset.n_embedded, width), width


@cache
def characters() -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
    """Returns Penn Treebank's training and test text as numbers of characters, ``(n,)`` each, and how many characters there are.

    Raises:
        UsageError: Penn Treebank is not on this machine.
    """
    texts = [datasets.penn_treebank(split) for split in ("train", "test")]
    numbers = {symbol: i for i, symbol in enumerate(sorted(set("".join(texts))))}
    train, test = (np.array([numbers[symbol] for symbol in text], np.int64) for text in texts)
    return train, test, len(numbers)


@torch.no_grad()
def bits_per_character(model: CharacterModel, text: NDArray[np.int64], batch: int, length: int) -> float:
    """Returns the mean cross-entropy of a text in bits, lower is better; it is read in ``batch`` parts side by side."""
    parts = torch.from_numpy(text[: len(text) // batch * batch].reshape(batch, -1)).to(model.readout.weight.device)
    state, nats, n = model.start(batch), 0.0, 0
    for begin in range(0, parts.shape[1] - 1, length):
        end = min(begin + length, parts.shape[1] - 1)
        logits, state = model(parts[:, begin:end], state)
        nats += float(F.cross_entropy(logits.flatten(0, 1), parts[:, begin + 1 : end + 1].flatten(), reduction="sum"))
        n += batch * (end - begin)
    return nats / n / float(np.log(2))


def train(trial: Trial) -> None:
    """Trains a language model on characters, 50 updates a unit, and reports ``bits`` a character of the test text after the last one.

    Config: ``cell``, ``"nas"``, ``"lstm"`` or ``"random"``. The seed draws the learning rate, the same for every cell: nothing is tuned
    for any of them.

    Raises:
        UnknownName: there is no such cell.
        UsageError: Penn Treebank is not on this machine.
    """
    name = trial.config.get("cell", "nas")
    if name not in CELLS:
        raise UnknownName("cell", str(name), CELLS)
    preset = PRESETS["small"]
    text, test, n_symbols = characters()
    cell, width = cell_of(name, preset, trial.seed)
    model = CharacterModel(cell, width, n_symbols, preset.n_embedded).to(trial.device)
    low, high = np.log(preset.lr)
    lr = float(np.exp(np.random.default_rng(trial.seed).uniform(low, high)))
    optimizer = torch.optim.Adam(model.parameters(), lr)
    parts = torch.from_numpy(text[: len(text) // preset.batch * preset.batch].reshape(preset.batch, -1)).to(trial.device)
    carried = dict(zip(("state", "memory"), model.start(preset.batch), strict=True))
    for unit in trial.steps(model=model, optimizer=optimizer, carried=carried):
        for update in range(unit * UPDATES, (unit + 1) * UPDATES):
            begin = update * preset.length % (parts.shape[1] - preset.length - 1)
            piece = parts[:, begin : begin + preset.length + 1]
            logits, (state, memory) = model(piece[:, :-1], (carried["state"], carried["memory"]))
            loss = F.cross_entropy(logits.flatten(0, 1), piece[:, 1:].flatten())
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(model.parameters(), preset.clip)
            optimizer.step()
            carried.update(state=state.detach(), memory=memory.detach())
        if unit + 1 == trial.horizon:
            trial.report(bits=bits_per_character(model, test[:_N_SCORED], preset.batch, preset.length))
