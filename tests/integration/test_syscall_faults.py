"""A sample of tests/drills/syscalls.py: each system call of the write path fails once, then everything is checked.

The whole matrix is a drill by name: `python -m tests.drills.syscalls`.
"""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from tests.drills import syscalls
from tests.drills.tracing import why_not

SEED = int(os.environ.get("CHUZHENG_FAULT_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)
REASON = why_not()


@pytest.mark.skipif(REASON is not None, reason=f"no system call can be refused here: {REASON}")
def test_each_system_call_with_each_fault__started_again__nothing_is_lost_or_changed(tmp_path: Path) -> None:
    print(f"CHUZHENG_FAULT_SEED={SEED}")
    made, cells = syscalls.prepare(tmp_path)
    assert {cell.call.name for cell in cells} >= {
        "openat", "write", "pwrite64", "fsync", "fdatasync", "rename", "unlink", "close", "mkdir", "ftruncate",
    }  # fmt: skip
    chosen = syscalls.sample(cells, SEED, 48)
    assert {(c.call.name, c.fault) for c in chosen} == {(c.call.name, c.fault) for c in cells}
    failed = {str(cell): syscalls.attempt(cell, made[cell.start], tmp_path / "work") for cell in chosen}
    assert {cell: problem for cell, problem in failed.items() if problem is not None} == {}
