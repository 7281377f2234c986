"""AuthorisedQueries beside its Python twin, driven as in test_shares_machine."""

from __future__ import annotations

from functools import partial
from random import Random
from typing import ClassVar

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule
from machines import drive
from shares_world import (
    BASIS,
    CLOSED,
    CONDITIONAL,
    DAY,
    DRAFT,
    FAR,
    PEOPLE,
    SharesWorld,
)
from turning_world import TurningWorld, walk
from world import NONE, digest, plain

from ledger.shares import authorised_queries as queries

IDS = tuple(digest(f"id {i}") for i in range(3))
HOUR = 3_600


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


def test_machine__any_acts__contract_and_twin_agree(shares) -> None:
    TurningWorld.world = shares
    drive(QueryMachine, share=3)


def test_walks__mostly_apt_acts__agree_and_every_state_is_met(shares) -> None:
    TurningWorld.world = shares
    walk(QueryMachine, IDS)
