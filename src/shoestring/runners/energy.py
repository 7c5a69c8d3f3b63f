"""Energy: NVML's counters for GPUs, RAPL's for the processor where readable, otherwise declared watts times utilisation.

Every figure is given with its provenance; nothing estimated is passed off as measured.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from shoestring.budget import Cost
from shoestring.machine import clock
from shoestring.runners import gpus

WATTS_PER_CORE = 10.0  # declared, for a busy core, where nothing can be read; --watts says better
WATTS_PER_GPU = 400.0  # for setting energy aside; what is charged is measured
JOULES_PER_KWH = 3.6e6
_RAPL = Path("/sys/class/powercap")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Readings at one moment.

    Attributes:
        at: seconds on the monotonic clock.
        package_j: joules of the processor packages, None if unreadable.
        machine_cpu_s: busy seconds of all cores, 0 where nothing is shared out by them.
        gpus: each GPU in use.
    """

    at: float
    package_j: float | None
    machine_cpu_s: float
    gpus: Mapping[int, gpus.Energy]


class EnergyMeter:
    """Measures the energy of leases.

    Args:
        watts: what one busy core is declared to draw where RAPL cannot be read.
    """

    def __init__(self, watts: float | None = None) -> None:
        self._watts = WATTS_PER_CORE if watts is None else watts
        self._rapl = [path for path in sorted(_RAPL.glob("intel-rapl:?/energy_uj")) if os.access(path, os.R_OK)]

    @property
    def processor_source(self) -> str:
        """Where the processor's energy comes from, in words."""
        return "RAPL (measured)" if self._rapl else f"{self._watts:g} W a busy core, declared (estimated)"

    def rates(self, cores: int, n_gpus: int) -> Cost:
        """Returns the most that one lease on so many cores and GPUs is expected to burn a second."""
        watts = cores * self._watts + n_gpus * WATTS_PER_GPU
        return Cost(wall_s=1.0, cpu_s=float(cores), gpu_s=float(n_gpus), kwh=watts / JOULES_PER_KWH)

    def begin(self, gpu_indices: Iterable[int] = ()) -> Snapshot:
        """Returns the readings now."""
        machine_cpu_s = _machine_cpu_s() if self._rapl else 0.0
        return Snapshot(clock.monotonic(), self._package_j(), machine_cpu_s, {index: gpus.energy(index) for index in gpu_indices})

    def used(self, since: Snapshot, cpu_s: float) -> tuple[float, str]:
        """Returns the energy in kWh since a snapshot, and its provenance: that of its least certain part.

        Args:
            cpu_s: processor seconds of what is measured; it bears this share of the packages' energy.
        """
        now = self.begin(since.gpus)
        joules, source = self._processor(since, now, cpu_s)
        for index, before in since.gpus.items():
            after = now.gpus[index]
            if before.counter_j is not None and after.counter_j is not None:
                joules += after.counter_j - before.counter_j
            else:
                joules += (before.power_w + after.power_w) / 2 * (now.at - since.at)
                source = source if source == "estimated" else "sampled"
        return joules / JOULES_PER_KWH, source

    def _processor(self, since: Snapshot, now: Snapshot, cpu_s: float) -> tuple[float, str]:
        if now.package_j is None or since.package_j is None or now.package_j < since.package_j:
            return cpu_s * self._watts, "estimated"
        busy_s = max(cpu_s, now.machine_cpu_s - since.machine_cpu_s)
        return (now.package_j - since.package_j) * (cpu_s / busy_s if busy_s else 0.0), "measured"

    def _package_j(self) -> float | None:
        if not self._rapl:
            return None
        return sum(int(path.read_text()) for path in self._rapl) / 1e6


def _machine_cpu_s() -> float:
    with open("/proc/stat", encoding="ascii") as file:
        user, nice, system = file.readline().split()[1:4]
    return (int(user) + int(nice) + int(system)) / os.sysconf("SC_CLK_TCK")
