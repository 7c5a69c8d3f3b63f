"""The process-wide random number generators (Python, NumPy, torch CPU and CUDA) as one value: seeded, captured, restored together."""

from __future__ import annotations

import random
import sys
from types import ModuleType
from typing import Any

import numpy as np


def seed_all(seed: int) -> None:
    """Seeds every process-wide generator; torch's only if torch has been imported."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    if torch := _torch():
        torch.manual_seed(seed)


def capture() -> dict[str, Any]:
    """Returns the state of every process-wide generator as a tree of plain data and arrays."""
    version, words, gauss = random.getstate()
    state: dict[str, Any] = {
        "python": (version, np.array(words, np.uint32), gauss),
        "numpy": np.random.get_state(legacy=False),
    }
    if torch := _torch():
        state |= _torch_state(torch)
    return state


def restore(state: dict[str, Any]) -> None:
    """Puts the generators back to where ``capture`` found them."""
    version, words, gauss = state["python"]
    random.setstate((version, tuple(words.tolist()), gauss))
    np.random.set_state(state["numpy"])
    _restore_torch(state)


def _torch_state(torch: ModuleType) -> dict[str, Any]:
    state = {"torch": torch.get_rng_state()}
    if torch.cuda.is_initialized():
        state["cuda"] = torch.cuda.get_rng_state_all()
    return state


def _restore_torch(state: dict[str, Any]) -> None:
    if (torch := _torch()) and "torch" in state:
        torch.set_rng_state(state["torch"].cpu())
        if "cuda" in state and torch.cuda.is_available():
            torch.cuda.set_rng_state_all([device.cpu() for device in state["cuda"]])


def _torch() -> ModuleType | None:
    torch = sys.modules.get("torch")
    return torch if torch is not None and hasattr(torch, "get_rng_state") else None
