"""EmergencyShares beside its Python twin, driven as in test_shares_machine."""

from __future__ import annotations

from functools import partial
from random import Random
from typing import ClassVar

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule
from machines import drive
from mining import transact
from shares_world import (
    BASIS,
    CLOSED,
    CONDITIONAL,
    CONSUMER,
    DAY,
    DRAFT,
    FAR,
    OWN,
    PEOPLE,
    SharesWorld,
)
from turning_world import TurningWorld, walk
from world import NONE, digest, left, plain

from ledger.shares import emergencies

IDS = tuple(digest(f"id {i}") for i in range(3))
HOUR = 3_600


class EmergencyMachine(TurningWorld):
    met: ClassVar[set[int]] = set()
    states = emergencies.State
    area = emergencies.AREA
    ids = IDS

    def __init__(self) -> None:
        super().__init__()
        self.book = emergencies.Emergencies()

    @rule(
        number=st.integers(0, 2),
        who=st.sampled_from(["handler", "handler", "handler", *PEOPLE]),
        changes=st.sampled_from(
            [
                {},
                {},
                {},
                {"resource": FAR},
                {"resource": CLOSED},
                {"resource": DRAFT},
                {"resource": OWN},
                {"decision": None},
                {"decision": digest("decision 0")},
                {"items": None},
                {"article": 0},
                {"article": 10_021},
                {"article": 1_010_000},
                {"reason": 101},
                {"num_hours": 0},
                {"num_hours": 73},
                {"max_reads": 0},
                {"max_reads": 1_001},
            ]
        ),
    )
    def proposes(self, number: int, who: str, changes: dict) -> None:
        given = emergencies.Terms(
            **{
                "resource": CONDITIONAL,
                "decision": digest(f"decision {number}"),
                "items": digest(f"items {number}"),
                "article": 1_010_050,
                "reason": 603,
                "num_hours": 4,
                "max_reads": 20,
            }
            | changes
        )
        fields = (given.resource, given.decision or NONE, given.items or NONE)
        args = (*fields, given.article, given.reason, given.num_hours, given.max_reads)
        twin = partial(emergencies.propose, id_=IDS[number], terms=given)
        self.both(who, self.world.emergencies.propose, twin, IDS[number], args)

    @rule(id_=st.sampled_from(IDS), who=st.sampled_from(["approver"] * 4 + list(PEOPLE)))
    def opens(self, id_, who) -> None:
        self.both(who, self.world.emergencies.open, partial(emergencies.open_, id_=id_), id_)

    @rule(
        id_=st.sampled_from(IDS),
        who=st.sampled_from(["approver", "provider_approver", "authority", "gateway", *PEOPLE]),
        reason=st.sampled_from([0, 651, 101]),
        reads=st.sampled_from([0, 20]),
    )
    def closes(self, id_, who, reason, reads) -> None:
        twin = partial(emergencies.close, id_=id_, reason=reason, reads=reads)
        self.both(who, self.world.emergencies.close, twin, id_, reason, reads, BASIS)

    @rule(
        id_=st.sampled_from(IDS),
        who=st.sampled_from(["handler", "handler", *PEOPLE]),
        account=st.sampled_from([digest("account"), digest("another"), None]),
    )
    def reports(self, id_, who, account) -> None:
        twin = partial(emergencies.report, id_=id_, account=account)
        self.both(who, self.world.emergencies.report, twin, id_, account or NONE)

    @rule(
        id_=st.sampled_from(IDS),
        who=st.sampled_from(["authority", "authority", "authority", *PEOPLE]),
        justified=st.booleans(),
        reason=st.sampled_from([653, 653, 101]),
        basis=st.sampled_from([BASIS, BASIS, None]),
    )
    def judges(self, id_, who, justified, reason, basis) -> None:
        twin = partial(emergencies.judge, id_=id_, justified=justified, reason=reason, basis=basis)
        self.both(who, self.world.emergencies.judge, twin, id_, justified, reason, basis or NONE)

    @rule(id_=st.sampled_from(IDS), slip=st.sampled_from([0, 2, 5]))
    def calendar_changes(self, id_, slip) -> None:
        self.slip = slip
        transact(self.world.places.setSlip, self.world.council, slip)

        def twin(book, by, setting):
            return emergencies.move_deadline(book, id_, setting)

        self.both("both", self.world.emergencies.moveDeadline, twin, id_)

    @invariant()
    def same_book(self) -> None:
        if self.looked_at is self.book:
            return
        self.looked_at = self.book
        contract = self.world.emergencies
        assert set(plain(contract.pendingOf(left(CONSUMER)))) == emergencies.pending(self.book, CONSUMER)
        for id_, e in self.book.by_id.items():
            t = e.terms
            kept = (
                (t.resource, t.decision, t.items, t.article, t.reason, t.num_hours, t.max_reads),
                e.consumer.encode(),
                int(e.state),
                e.justification,
                e.provider.encode(),
                e.opener.encode() if e.opener else bytes(18),
                e.opened_at,
                e.closes_at,
                e.review_by,
                e.officer,
                e.report or NONE,
            )
            assert plain(contract.emergencyOf(id_)) == kept
            for at in (self.now(), e.closes_at, e.review_by, max(e.review_by - 1, 0)):
                assert contract.effectiveState(id_, at) == int(emergencies.effective_state(e, at))
                assert contract.isOverdue(id_, at) == emergencies.is_overdue(e, at)
            self.met.add(emergencies.effective_state(e, self.now()))

    def apt(self, id_: bytes, chance: Random) -> None:
        """An act that its usual person would take."""
        match chance.randrange(8):
            case 0 | 1:
                self.proposes(IDS.index(id_), "handler", {})
            case 2 | 3:
                self.opens(id_, "approver")
            case 4:
                self.closes(id_, *chance.choice([("approver", 651, 0), ("gateway", 0, 20)]))
            case 5:
                self.reports(id_, "handler", digest(f"account {id_.hex()}"))
            case 6:
                self.judges(id_, chance.choice(["authority", "government"]), chance.random() < 0.5, 653, BASIS)
            case _:
                self.time_goes_by(chance.choice([60, 5 * HOUR, 5 * HOUR, 11 * DAY]))


@pytest.fixture(scope="module")
def shares(module_isolation):
    return SharesWorld()


def test_machine__any_acts__contract_and_twin_agree(shares) -> None:
    TurningWorld.world = shares
    drive(EmergencyMachine, share=3)


def test_walks__mostly_apt_acts__agree_and_every_state_is_met(shares) -> None:
    TurningWorld.world = shares
    walk(EmergencyMachine, IDS)
