from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from shoestring import datasets
from shoestring.errors import UsageError

SHARED = Path(__file__).parents[3] / "shared" / "data"


@pytest.fixture
def cifar(monkeypatch):
    if not (SHARED / "cifar10-subset").is_dir():
        pytest.skip("the CIFAR-10 subset is not on this machine")
    monkeypatch.setenv("SHOESTRING_DATA", str(SHARED))


def test_the_cifar_subset_has_its_rows_and_a_prefix_is_balanced_but_for_ships(cifar):
    images, labels = datasets.cifar10("test")

    assert images.shape == (4000, 3, 32, 32) and images.dtype == labels.dtype == np.uint8
    assert set(np.bincount(labels)) == {400}
    assert np.array_equal(np.bincount(labels[:1000]) > 100, np.arange(10) != 8)


def test_the_cifar_training_images_have_their_mean(cifar):
    images, labels = datasets.cifar10()

    assert images.shape == (18_000, 3, 32, 32) and len(labels) == 18_000
    assert images.mean(axis=(0, 2, 3)) / 255 == pytest.approx([0.4931, 0.4830, 0.4471], abs=1e-4)


def test_a_set_that_is_missing_says_where_it_was_looked_for(monkeypatch, tmp_path):
    monkeypatch.setenv("SHOESTRING_DATA", str(tmp_path / "nowhere"))
    monkeypatch.setattr(datasets, "folders", lambda: [tmp_path / "nowhere"])

    with pytest.raises(UsageError, match=r"cifar10-subset is not on this machine .*nowhere.*SHOESTRING_DATA"):
        datasets.cifar10()


def test_a_damaged_file_is_not_read(monkeypatch, tmp_path):
    (tmp_path / "cifar10-subset").mkdir()
    (tmp_path / "cifar10-subset" / "cifar10_subset_18k_4k.npz").write_bytes(b"not it")
    monkeypatch.setenv("SHOESTRING_DATA", str(tmp_path))

    with pytest.raises(UsageError, match="is damaged"):
        datasets.cifar10()


def test_a_split_that_does_not_exist_is_refused():
    with pytest.raises(UsageError, match="split 'valid' is not known"):
        datasets.cifar10("valid")
