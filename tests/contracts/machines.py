"""State machines that drive contracts beside their Python twins: how many examples, and how one is run.

CHUZHENG_EXAMPLES (60) is for all of them; a machine whose examples are long takes a share of it.
"""

from __future__ import annotations

import os
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test
from mining import ask, transact
from world import NONE, left

EXAMPLES = int(os.environ.get("CHUZHENG_EXAMPLES", "60"))


class TakenBack(RuleBasedStateMachine):
    """All that an example did to the chain is taken back at its end."""

    def __init__(self) -> None:
        super().__init__()
        self.snapshot = ask("evm_snapshot")

    def teardown(self) -> None:
        ask("evm_revert", self.snapshot)


def turn_suspension(world: Any, department: str, suspended: frozenset[str]) -> frozenset[str]:
    """Suspends the department, or reinstates it: who is suspended then."""
    if department in suspended:
        transact(world.departments.reinstate, world.council, left(department), NONE)
    else:
        transact(world.departments.suspend, world.council, left(department), 1, NONE)
    return suspended ^ {department}


def drive(machine: type[RuleBasedStateMachine], *, share: int = 1, steps: int = 25) -> None:
    """One in `share` of the examples (at least one), the same ones each time, of at most so many steps."""
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=max(1, EXAMPLES // share),
            stateful_step_count=steps,
            deadline=None,
            derandomize=True,
            suppress_health_check=HealthCheck.all(),
        ),
    )
