"""What a bench hands back: figures with their target, and the memory that the process needed for each.

A bench module has `run(scale) -> Iterable[Figure]`: scale 1 is the full size, 0.1 a trial with a tenth of the work.
"""

from __future__ import annotations

import math
import os
import resource
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value. `unit` ending in "/s": more is better; any other: less is better.

    `memory` is the peak resident memory in MiB while it was measured; the runner fills it in where it is None.
    `low`, `high`: the extremes of the runs that `value` is the median of.
    """

    name: str
    value: float
    unit: str
    target: float | None = None
    note: str = ""
    memory: float | None = None
    low: float | None = None
    high: float | None = None

    @property
    def more_is_better(self) -> bool:
        return self.unit.endswith("/s")

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None without a target."""
        if self.target is None:
            return None
        return self.value >= self.target if self.more_is_better else self.value <= self.target


def median_of(runs: Sequence[Sequence[Figure]]) -> list[Figure]:
    """One figure per name over several runs of one bench: median value, highest memory."""
    by_name: dict[str, list[Figure]] = {}
    for run in runs:
        for figure in run:
            by_name.setdefault(figure.name, []).append(figure)
    merged = []
    for same in by_name.values():
        values = [figure.value for figure in same]
        memory = [figure.memory for figure in same if figure.memory is not None]
        merged.append(
            replace(
                same[-1],
                value=statistics.median(values),
                memory=max(memory) if memory else None,
                low=min(values),
                high=max(values),
            )
        )
    return merged


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that `percent` of all don't exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def forget_peak() -> None:
    """Start measuring the peak anew, where the kernel lets us (Linux)."""
    try:
        _CLEAR.write_text("5", encoding="ascii")
    except OSError:
        return


def peak_mib(pid: int | None = None) -> float:
    """Peak resident memory of a process, by default this one, since forget_peak or its start; MiB."""
    status = _STATUS if pid is None else Path(f"/proc/{pid}/status")
    try:
        for line in status.read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    except OSError:
        pass
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def cpu_seconds(pid: int) -> float:
    """Processor time that a process has used so far; it says the same on a busy machine."""
    return sum(map(int, process_stat(pid)[11:13])) / os.sysconf("SC_CLK_TCK")


def process_stat(pid: int) -> list[str]:
    """Fields of /proc/PID/stat from the state (the third) on."""
    return Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
