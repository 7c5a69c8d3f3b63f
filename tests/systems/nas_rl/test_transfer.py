"""The language model around a cell: equal weights, bits of known texts, pauses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from shoestring import check, datasets
from shoestring.systems.nas_rl.transfer import PRESETS, CharacterModel, bits_per_character, cell_of

SHARED = Path(__file__).parents[4] / "shared" / "data"


def test_cells_have_as_many_weights_as_fit():
    counts = {}
    for name in ("nas", "lstm", "random"):
        cell, width = cell_of(name, PRESETS["small"], seed=0)
        counts[name] = sum(weight.numel() for weight in cell.parameters())
        state = torch.zeros(2, width), torch.zeros(2, width)
        assert cell(torch.zeros(2, PRESETS["small"].n_embedded), state)[0].shape == (2, width)

    assert counts["nas"] == counts["random"]
    assert all(31_000 < count <= 32_000 for count in counts.values())


def test_a_model_that_knows_nothing_needs_the_logarithm_of_the_number_of_characters():
    cell, width = cell_of("lstm", PRESETS["small"], seed=0)
    model = CharacterModel(cell, width, 16, 32)
    torch.nn.init.zeros_(model.readout.weight)
    torch.nn.init.zeros_(model.readout.bias)

    bits = bits_per_character(model, np.random.default_rng(0).integers(16, size=1000), batch=4, length=32)

    assert bits == pytest.approx(4.0)


def test_every_character_but_the_first_of_a_part_is_scored_once(monkeypatch):
    cell, width = cell_of("lstm", PRESETS["small"], seed=0)
    model = CharacterModel(cell, width, 8, 32)
    text = np.random.default_rng(0).integers(8, size=200)

    whole = bits_per_character(model, text, batch=2, length=99)

    assert bits_per_character(model, text, batch=2, length=7) == pytest.approx(whole, rel=1e-5)


def test_it_can_be_paused():
    if not (SHARED / "ptb").is_dir():
        pytest.skip("Penn Treebank is not on this machine")
    verdict = check("shoestring.systems.nas_rl.transfer:train", {"cell": "nas"}, units=2)

    assert verdict.agrees, str(verdict)


def test_penn_treebank_has_its_published_tokens():
    if not (SHARED / "ptb").is_dir():
        pytest.skip("Penn Treebank is not on this machine")
    counts = {split: len(datasets.penn_treebank(split).replace("\n", "<eos>").split()) for split in ("train", "valid", "test")}

    assert counts == {"train": 929_589, "valid": 73_760, "test": 82_430}
