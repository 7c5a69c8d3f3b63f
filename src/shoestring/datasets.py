"""Real data sets, found on this machine and checked by SHA-256; nothing is downloaded.

Looked for in ``SHOESTRING_DATA`` and in the user's cache, each set in a folder of its name.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from platformdirs import user_cache_path

from shoestring.errors import UsageError

Images = tuple[NDArray[np.uint8], NDArray[np.uint8]]

_IDX_FILES = ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz", "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz")
_SHA256 = {
    "mnist": (
        "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
    ),
    "fashion-mnist": (
        "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
    ),
}
_PTB_SHA256 = {
    "train": "fcea919f6cf83f35d4d00c6cbf08040d13d4155226340912e2fef9c9c4102cbf",
    "valid": "c9fe6985fe0d4ccb578183407d7668fc6066c20700cb4cf87d8ff1cc34df1bf2",
    "test": "dd65dff31e70846b2a6030a87482edcd5d199130cdcfa1f3dccbb033728deee0",
}
_CIFAR_FILE = "cifar10_subset_18k_4k.npz"
_CIFAR_SHA256 = "45dee9443e61847fe4023d01c03913c69edbefddebad057b8e16a48934e9c977"
_SOURCES = {"mnist": "yann.lecun.com/exdb/mnist", "fashion-mnist": "github.com/zalandoresearch/fashion-mnist"}


def folders() -> list[Path]:
    """Returns where data sets are looked for, the first first."""
    named = [Path(os.environ["SHOESTRING_DATA"])] if os.environ.get("SHOESTRING_DATA") else []
    return [*named, user_cache_path("shoestring") / "data"]


def find(name: str) -> Path | None:
    """Returns the folder of a data set, or None if it is on this machine nowhere."""
    return next((folder / name for folder in folders() if (folder / name).is_dir()), None)


def mnist(split: str = "train") -> Images:
    """Returns MNIST: images ``(n, 28, 28)`` and labels ``(n,)``, uint8; 60,000 in ``"train"``, 10,000 in ``"test"``.

    Raises:
        UsageError: it is not on this machine, or a file is damaged.
    """
    return _idx("mnist", split)


def fashion_mnist(split: str = "train") -> Images:
    """Returns Fashion-MNIST: images ``(n, 28, 28)`` and labels ``(n,)``, uint8; 60,000 in ``"train"``, 10,000 in ``"test"``.

    Raises:
        UsageError: it is not on this machine, or a file is damaged.
    Source: Xiao, Rasul and Vollgraf 2017, arXiv:1708.07747.
    """
    return _idx("fashion-mnist", split)


def cifar10(split: str = "train") -> Images:
    """Returns a subset of CIFAR-10: images ``(n, 3, 32, 32)`` and labels ``(n,)``, uint8; 18,000 in ``"train"``, 4,000 in ``"test"``.

    Prefixes are balanced over the classes, but for somewhat fewer ships. It is not the whole set: accuracies on it are not to be compared
    with published ones.

    Raises:
        UsageError: it is not on this machine, or the file is damaged.
    Source: Krizhevsky 2009, *Learning Multiple Layers of Features from Tiny Images*.
    """
    _check_split(split)
    folder = _folder("cifar10-subset", f"Put {_CIFAR_FILE} there")
    with np.load(io.BytesIO(_checked(folder / _CIFAR_FILE, _CIFAR_SHA256)), allow_pickle=False) as arrays:
        return arrays[f"x_{split}"], arrays[f"y_{split}"].astype(np.uint8)


def penn_treebank(split: str = "train") -> str:
    """Returns a part of Penn Treebank as text: words in lower case between spaces, a sentence a line, rare words as ``<unk>``.

    Raises:
        UsageError: it is not on this machine, or a file is damaged.
    Source: Marcus, Santorini and Marcinkiewicz 1993, as prepared by Mikolov et al. 2010.
    """
    _check_split(split, tuple(_PTB_SHA256))
    folder = _folder("ptb", "Put ptb.train.txt, ptb.valid.txt and ptb.test.txt there")
    return _checked(folder / f"ptb.{split}.txt", _PTB_SHA256[split]).decode()


def _idx(name: str, split: str) -> Images:
    _check_split(split)
    folder = _folder(name, f"Put its four .gz files from {_SOURCES[name]} there")
    first = 0 if split == "train" else 2
    images = _content(folder / _IDX_FILES[first], _SHA256[name][first])
    labels = _content(folder / _IDX_FILES[first + 1], _SHA256[name][first + 1])
    return np.frombuffer(images, np.uint8, offset=16).reshape(-1, 28, 28), np.frombuffer(labels, np.uint8, offset=8)


def _folder(name: str, remedy: str) -> Path:
    folder = find(name)
    if folder is None:
        places = ", ".join(str(place / name) for place in folders())
        raise UsageError(f"{name} is not on this machine (looked in {places}). {remedy}, or set SHOESTRING_DATA.")
    return folder


def _check_split(split: str, known: tuple[str, ...] = ("train", "test")) -> None:
    if split not in known:
        raise UsageError(f"split {split!r} is not known; give {', '.join(map(repr, known[:-1]))} or {known[-1]!r}.")


def _content(path: Path, sha256: str) -> bytes:
    return gzip.decompress(_checked(path, sha256))


def _checked(path: Path, sha256: str) -> bytes:
    try:
        packed = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read ({error.strerror}); fetch it again.") from error
    if hashlib.sha256(packed).hexdigest() != sha256:
        raise UsageError(f"{path} is damaged: its SHA-256 is not that of the published file. Fetch it again.")
    return packed
