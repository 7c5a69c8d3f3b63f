"""NVIDIA GPUs as NVML shows them: how many, how much memory is free, how much energy they have used. Without a driver there are none."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Gpu:
    """One GPU: its NVML index, name, and memory in bytes."""

    index: int
    name: str
    free_bytes: int
    total_bytes: int


def visible() -> list[Gpu]:
    """Returns the GPUs of this machine that ``CUDA_VISIBLE_DEVICES`` leaves, the one with the most free memory first."""
    nvml = _nvml()
    if nvml is None:
        return []
    found = []
    for index in _allowed(nvml.nvmlDeviceGetCount()):
        handle = nvml.nvmlDeviceGetHandleByIndex(index)
        memory = nvml.nvmlDeviceGetMemoryInfo(handle)
        found.append(Gpu(index, _text(nvml.nvmlDeviceGetName(handle)), int(memory.free), int(memory.total)))
    return sorted(found, key=lambda gpu: (-gpu.free_bytes, gpu.index))


@dataclass(frozen=True, slots=True)
class Energy:
    """What a GPU says of its energy: joules since its driver was loaded (None before Volta), and its power in watts now."""

    counter_j: float | None
    power_w: float


def energy(index: int) -> Energy:
    """Returns what GPU ``index``, as ``visible`` numbers them, says of its energy."""
    nvml = _nvml()
    assert nvml is not None, "a GPU was seen before"
    handle = nvml.nvmlDeviceGetHandleByIndex(index)
    return Energy(
        _or_none(nvml.nvmlDeviceGetTotalEnergyConsumption, handle, 1e-3), _or_none(nvml.nvmlDeviceGetPowerUsage, handle, 1e-3) or 0.0
    )


def processes(index: int) -> list[int]:
    """Returns the processes that compute on a GPU, as far as the driver tells."""
    nvml = _nvml()
    assert nvml is not None, "a GPU was seen before"
    try:
        found = nvml.nvmlDeviceGetComputeRunningProcesses(nvml.nvmlDeviceGetHandleByIndex(index))
    except nvml.NVMLError:
        return []
    return sorted(process.pid for process in found)


@functools.cache
def _nvml() -> Any:
    try:
        import pynvml
    except ImportError:
        return None
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return None
    return pynvml


def _or_none(read: Callable[[Any], int], handle: object, factor: float) -> float | None:
    nvml = _nvml()
    try:
        return read(handle) * factor
    except nvml.NVMLError:
        return None


def _allowed(count: int) -> list[int]:
    listed = os.environ.get("CUDA_VISIBLE_DEVICES")
    if listed is None:
        return list(range(count))
    return [int(item) for item in listed.split(",") if item.strip().isdigit() and int(item) < count]


def _text(name: str | bytes) -> str:
    return name.decode() if isinstance(name, bytes) else name
