"""EmergencyShares and AuthorisedQueries beside their Python twins, driven as in test_shares_machine."""

from __future__ import annotations

from functools import partial
from random import Random
from typing import ClassVar

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule
from machines import EXAMPLES, drive
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
from turning_world import SUCCESSIONS, TurningWorld
from world import NONE, digest, left, plain

from ledger.shares import authorised_queries as queries
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


class QueryMachine(TurningWorld):
    met: ClassVar[set[int]] = set()
    states = queries.State
    area = queries.AREA
    ids = IDS

    def __init__(self) -> None:
        super().__init__()
        self.book = queries.Queries()
        self.born = self.now()

    @rule(
        number=st.integers(0, 2),
        who=st.sampled_from(["provider_handler"] * 4 + list(PEOPLE)),
        changes=st.sampled_from(
            [
                {},
                {},
                {},
                {"resource": FAR},
                {"resource": CLOSED},
                {"resource": DRAFT},
                {"authorisation": None},
                {"authorisation": digest("authorisation 0")},
                {"organisation": None},
                {"matter": None},
                {"items": None},
                {"not_after": 5},
                {"max_uses": 0},
                {"purpose": 0},
            ]
        ),
    )
    def proposes(self, number: int, who: str, changes: dict) -> None:
        given = queries.Terms(
            **{
                "resource": CONDITIONAL,
                "authorisation": digest(f"authorisation {number}"),
                "organisation": digest(f"organisation {number}"),
                "matter": digest(f"matter {number}"),
                "items": digest(f"items {number}"),
                "not_after": self.born + 20 * DAY,
                "max_uses": 1,
                "purpose": 10,
            }
            | changes
        )
        twin = partial(queries.propose, id_=IDS[number], terms=given)
        self.both(who, self.world.queries.propose, twin, IDS[number], self.kept_terms(given))

    def kept_terms(self, t: queries.Terms) -> tuple:
        commitments = (t.authorisation, t.organisation, t.matter, t.items)
        return (t.resource, *(c or NONE for c in commitments), t.not_after, t.max_uses, t.purpose)

    @rule(id_=st.sampled_from(IDS), who=st.sampled_from(["provider_approver"] * 4 + list(PEOPLE)))
    def consents(self, id_, who) -> None:
        self.both(who, self.world.queries.consent, partial(queries.consent, id_=id_), id_, BASIS)

    @rule(
        id_=st.sampled_from(IDS),
        who=st.sampled_from(["provider_approver", *PEOPLE]),
        reason=st.sampled_from([401, 402, 101]),
        article=st.sampled_from([10_025, 0]),
    )
    def refuses(self, id_, who, reason, article) -> None:
        twin = partial(queries.refuse, id_=id_, reason=reason, article=article)
        self.both(who, self.world.queries.refuse, twin, id_, reason, article, BASIS)

    @rule(
        id_=st.sampled_from(IDS),
        who=st.sampled_from(["provider_handler", *PEOPLE]),
        reason=st.sampled_from([502, 701, 702, 100, 401]),
    )
    def withdraws(self, id_, who, reason) -> None:
        twin = partial(queries.withdraw, id_=id_, reason=reason)
        self.both(who, self.world.queries.withdraw, twin, id_, reason, BASIS)

    @rule(id_=st.sampled_from(IDS), who=st.sampled_from(["gateway", "gateway", *PEOPLE]), uses=st.integers(0, 2))
    def exhausts(self, id_, who, uses) -> None:
        self.both(who, self.world.queries.exhaust, partial(queries.exhaust, id_=id_, uses=uses), id_, uses, BASIS)

    @invariant()
    def same_book(self) -> None:
        if self.looked_at is self.book:
            return
        self.looked_at = self.book
        contract = self.world.queries
        for id_, q in self.book.by_id.items():
            kept = (
                self.kept_terms(q.terms),
                q.provider.encode(),
                int(q.state),
                q.reason,
                q.ended_at,
                q.uses,
                q.consented_at,
                q.handler,
            )
            assert plain(contract.queryOf(id_)) == kept
            for at in (self.now(), q.terms.not_after, q.terms.not_after - 1):
                assert contract.effectiveState(id_, at) == int(queries.effective_state(q, at))
            self.met.add(queries.effective_state(q, self.now()))

    def apt(self, id_: bytes, chance: Random) -> None:
        """An act that its usual person would take."""
        match chance.randrange(8):
            case 0 | 1:
                self.proposes(IDS.index(id_), "provider_handler", {})
            case 2 | 3:
                self.consents(id_, "provider_approver")
            case 4:
                self.refuses(id_, "provider_approver", 401, 10_025)
            case 5:
                self.withdraws(id_, "provider_handler", chance.choice([502, 701]))
            case 6:
                self.exhausts(id_, "gateway", 1)
            case _:
                self.time_goes_by(chance.choice([60, DAY, DAY, 21 * DAY]))


@pytest.fixture(scope="module")
def shares(module_isolation):
    return SharesWorld()


@pytest.mark.parametrize("machine", [EmergencyMachine, QueryMachine])
def test_machine__any_acts__contract_and_twin_agree(shares, machine) -> None:
    TurningWorld.world = shares
    drive(machine, share=3)  # two machines in one module


@pytest.mark.parametrize("machine", [EmergencyMachine, QueryMachine])
def test_walks__mostly_apt_acts__agree_and_every_state_is_met(shares, machine) -> None:
    """Hypothesis draws shallow histories; these go deep, and prove that no state was left out."""
    TurningWorld.world = shares
    machine.met.clear()
    for seed in range(max(EXAMPLES // 2, 1)):
        walker, chance = machine(), Random(seed)
        walker.careless = False
        for _ in range(25):
            if chance.randrange(12) == 0:
                chance.choice([walker.pause_turns, partial(walker.catalogue_changes, chance.choice([2, 3]), 3)])()
            elif chance.randrange(60) == 0 and not walker.succeeded:
                walker.department_is_succeeded(chance.choice(SUCCESSIONS))
            else:
                walker.apt(chance.choice(IDS), chance)
            walker.same_book()
        walker.teardown()
    # Less than all with fewer examples than usual.
    assert EXAMPLES < 60 or machine.met == set(machine.states), set(machine.states) - machine.met
