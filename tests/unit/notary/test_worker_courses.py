"""The worker through any course of submissions, losses, refusals and restarts: all anchored, one root a size."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.types import Stage
from tests.databases import Databases
from tests.fakes.notary import ISSUER, ORIGIN, Rig, packed
from tests.unit.notary.worker_rig import lose, worker_of

COURSE = given(
    st.lists(st.sampled_from(["submit", "step", "deliver", "lose", "refuse", "restart", "settle"]), max_size=25)
)
LONG = settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])


@settings(LONG, max_examples=25)
@COURSE
def test_worker__any_course_of_events__ends_anchored_with_one_root_a_size(
    on_sqlite: Databases, tmp_path_factory: pytest.TempPathFactory, events: list[str]
) -> None:
    ends_anchored_with_one_root_a_size(on_sqlite, tmp_path_factory, events)


@settings(LONG, max_examples=8)
@COURSE
def test_worker_on_postgres__any_course_of_events__ends_anchored_with_one_root_a_size(
    on_postgres: Databases, tmp_path_factory: pytest.TempPathFactory, events: list[str]
) -> None:
    ends_anchored_with_one_root_a_size(on_postgres, tmp_path_factory, events)


def ends_anchored_with_one_root_a_size(
    databases: Databases, tmp_path_factory: pytest.TempPathFactory, events: list[str]
) -> None:
    rig = Rig(tmp_path_factory.mktemp("course"), database=databases.fresh())
    rig.chain.mine(3)
    worker, sent = worker_of(rig), 0
    seen: dict[int, bytes] = {}
    for event in [*events, *["step", "deliver"] * 4]:
        match event:
            case "submit":
                rig.notary.accept_commitments(ISSUER, ORIGIN, packed(3, start=sent), key=f"k{sent}")
                sent += 3
            case "step":
                rig.clock.at += 120_000
                worker.step()
            case "deliver":
                rig.outbox.deliver(rig.chain)
            case "lose":
                lose(rig)
            case "refuse":
                for intent in rig.outbox.intents.values():
                    intent.state = "failed" if intent.state == "queued" else intent.state
            case "restart":
                rig.again()
                worker = worker_of(rig)
            case "settle":
                checkpoint = rig.log.checkpoint()
                if checkpoint is not None:
                    assert seen.setdefault(checkpoint.size, checkpoint.root) == checkpoint.root
    assert worker.stopped == frozenset()
    assert {rig.notary.receipt(ORIGIN, n).stage for n in range(sent)} <= {Stage.ANCHORED}
    rig.notary.close()
