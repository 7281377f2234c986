"""A worker over a rig, time that goes by, and a chain that loses its last block."""

from __future__ import annotations

from notary.batch import MAX_WAIT
from notary.worker import Worker
from tests.fakes.notary import LANE, ORIGIN, Rig


def worker_of(rig: Rig) -> Worker:
    return Worker(rig.notary, rig.outbox, rig.index, lanes={ORIGIN: LANE}, clock=rig.clock)


def later(rig: Rig) -> None:
    """The first waiting entry's file is as old as the real clock says: put ours well behind it."""
    since = rig.log.waiting().since
    rig.clock.at = (since or rig.clock.at) + MAX_WAIT + 1


def lose(rig: Rig) -> None:
    """The chain loses its last block; as the real outbox does, what was final and is gone is queued again."""
    log_id = rig.notary.log(ORIGIN).log_id
    if rig.chain.anchors(log_id, limit=1000):
        rig.chain.shorten(1)
    held = {anchor.size for anchor in rig.chain.anchors(log_id, limit=1000)}
    for intent in rig.outbox.intents.values():
        if intent.state == "final" and intent.args[1] not in held:
            intent.state = "queued"
