"""A receipt, the sealed block that its anchor stands in, and what checks 6 and 7 say of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest

from ledger.evidence.events import Event
from ledger.types import Address, ChainHash
from notary.checks.sealed import anchored_claim
from notary.receipt import Receipt
from notary.report import Report
from notary.trust import TrustFile, ValidatorSet
from tests.fakes.chain import ANCHOR_LOG
from tests.fakes.judging import N, judged, outcome
from tests.fakes.qbft import MadeBlock, addresses, make_block, validators
from tests.fakes.registry import ISSUER, World, certificate

SIGNERS = validators(4)
RECORD = certificate()
NOISE = Event(Address("0x" + "ee" * 20), (bytes([9]) * 32,), b"other")


def sets(signers: Any = SIGNERS, **changes: Any) -> list[ValidatorSet]:
    return [ValidatorSet(0, tuple(Address(a) for a in addresses(signers)), **changes)]


@dataclass
class Sealed:
    """A world whose one receipt has evidence of a block of our own making; `block` may be made anew."""

    world: World
    receipt: Receipt
    event: Event

    def make(self, **changes: Any) -> MadeBlock:
        """The block: the anchor is event 1 of transaction 2."""
        assert self.receipt.anchor is not None
        own = changes.pop("event", self.event)
        transactions = changes.pop("transactions", [[NOISE], [], [NOISE, own], [NOISE]])
        number, time = self.receipt.anchor.block_number, self.receipt.anchor.block_time
        return make_block(transactions, changes.pop("signers", SIGNERS), **{"number": number, "time": time, **changes})

    def with_evidence(self, block: MadeBlock | None = None, tx: int = 2, log: int = 1, **anchor: Any) -> Receipt:
        made = self.make() if block is None else block
        assert self.receipt.anchor is not None
        place = replace(self.receipt.anchor, **{"block_hash": ChainHash(made.hash), **anchor})
        return replace(self.receipt, anchor=place, evidence=made.evidence(tx, log))

    def trust(self, **changes: Any) -> TrustFile:
        return self.world.make_trust(**{"finality": "qbft", "validators": sets(), "as_of_block": 10**6, **changes})

    def judged(self, receipt: Receipt, *, offline: bool = True, trust: TrustFile | None = None, **more: Any) -> Report:
        believed = trust or self.trust()
        return judged(self.world, receipt, record=RECORD, trust=believed, offline=offline, **more)


@pytest.fixture(scope="module")
def sealed() -> Sealed:
    world = World()
    receipt = world.anchored_record(RECORD)
    assert receipt.head is not None
    claim = anchored_claim("AnchorLog", world.log_id, ISSUER, receipt.head)
    return Sealed(world, receipt, Event(Address(ANCHOR_LOG), claim.topics, claim.data))


def outcomes(report: Report) -> tuple[Any, Any]:
    return outcome(report, N.ANCHORED), outcome(report, N.FINAL)
