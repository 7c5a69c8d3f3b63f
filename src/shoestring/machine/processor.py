"""Which instructions PyTorch computes with here: they set the order of sums, so the last digits of every training run."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path

LEVELS = {"AVX512": {"avx512vl", "avx512bw", "avx512dq", "fma"}, "AVX2": {"avx2", "fma"}}  # as ATen chooses, widest first
SETTINGS = ("MKL_ENABLE_INSTRUCTIONS", "ONEDNN_MAX_CPU_ISA")  # what narrows the libraries beside it


def capability() -> str | None:
    """Returns PyTorch's CPU capability, such as ``"AVX512"``, with the settings that narrow it; None where it cannot be told.

    PyTorch is asked if it is imported already. If not, its choice is worked out from the processor's flags, which costs no import.
    """
    level = _of_torch() or _of_flags()
    given = [f"{name}={os.environ[name]}" for name in SETTINGS if os.environ.get(name)]
    return ", ".join([level, *given]) if level else None


def _of_torch() -> str | None:
    torch = sys.modules.get("torch")
    try:
        return str(torch.backends.cpu.get_cpu_capability()) if torch else None
    except AttributeError:
        return None  # under way of being imported, or an older one


def _of_flags() -> str | None:
    if (asked := os.environ.get("ATEN_CPU_CAPABILITY", "").upper()) in (*LEVELS, "DEFAULT"):
        return asked
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("flags"):
                flags = set(line.partition(":")[2].split())
                return next((level for level, needed in LEVELS.items() if needed <= flags), "DEFAULT")
    return None
