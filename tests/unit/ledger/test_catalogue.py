"""What follows from the three lists, and the catalogue's terms beside the table of Decree 809.

Moves and refusals are held to the contract by tests/contracts/test_catalogue_machine.py.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from types import MappingProxyType

import pytest

from ledger import catalogue as twin
from ledger.catalogue import Actor, Catalogue, ClockKind, Demand, Office, Resource, SharingClass, State
from ledger.codes import sharing_deadlines, working_days
from ledger.errors import ConflictError, DeniedError
from ledger.types import BlockTime, DepartmentCode, Digest

PROVIDER, CONSUMER, AUTHORITY = (DepartmentCode(f"1142000001{n}043080X") for n in "123")
NOW = BlockTime(int(dt.datetime(2026, 9, 25, 9, tzinfo=dt.timezone(dt.timedelta(hours=8))).timestamp()))
ONE, TWO, THREE, FOUR = (Digest(bytes([n]) * 32) for n in range(1, 5))
HANDLER, HEAD = Actor(PROVIDER, Digest(b"h" * 32)), Actor(PROVIDER, Digest(b"a" * 32))
DESK = Actor(AUTHORITY, Digest(b"d" * 32))
OFFICE = Office(
    now=NOW,
    calendar=working_days.calendar(),
    authority_of=lambda _: AUTHORITY,
    common_authority=lambda _, __: AUTHORITY,
    carrier=lambda department, _: department,
    is_department=lambda department: department in (PROVIDER, CONSUMER, AUTHORITY),
)


def drawn_up(known: Catalogue, code: Digest, sharing_class: int = SharingClass.CONDITIONAL) -> Catalogue:
    return twin.draw_up(
        known,
        HANDLER,
        code,
        version_hash=code,
        sharing_class=sharing_class,
        item_levels=b"\x01\x03",
        basis=FOUR,
        office=OFFICE,
    )


def published(known: Catalogue, code: Digest, sharing_class: int = SharingClass.CONDITIONAL) -> Catalogue:
    known = drawn_up(known, code, sharing_class)
    known = twin.approve(twin.review(known, HEAD, code, code, OFFICE), HEAD, code, code, OFFICE)
    return twin.publish(known, DESK, code, code, OFFICE)


def owed(known: Catalogue, code: Digest) -> Catalogue:
    return twin.add_duty(known, DESK, code, PROVIDER, OFFICE)


def codes(found: object) -> list[Digest]:
    assert hasattr(found, "__iter__")
    return [r.code for r in found]


def test_terms__days__are_those_of_the_decree() -> None:
    update = sharing_deadlines.terms()["CATALOGUE_UPDATE"]
    assert (update.days, update.extension) == (twin.UPDATE_DAYS, twin.EXTENSION_DAYS)
    assert sharing_deadlines.working_days("CATALOGUE_REVIEW") == twin.REVIEW_DAYS
    assert sharing_deadlines.working_days("PROVIDE") == twin.CONNECT_DAYS


def test_lists__three_duties_one_connected_one_not_shared__what_is_missing_and_the_rate() -> None:
    known = Catalogue()
    assert twin.connection_rate(known, PROVIDER, OFFICE).share is None
    for code in (ONE, TWO, THREE):
        known = owed(known, code)
    known = twin.connect(published(known, ONE), HANDLER, ONE, OFFICE)
    known = published(known, TWO, SharingClass.NOT_SHARED)
    assert codes(twin.duties_not_connected(known)) == [THREE]
    assert codes(twin.negative_list(known)) == [TWO]
    rate = twin.connection_rate(known, PROVIDER, OFFICE)
    assert (rate.owed, rate.connected, rate.share) == (2, 1, 0.5)
    assert twin.connection_rate(known, CONSUMER, OFFICE).owed == 0
    assert known.resources[ONE].state is State.CONNECTED


def test_lists__demands__those_open_and_without_provider() -> None:
    known = Catalogue()
    consumer = Actor(CONSUMER, None)
    for id in (ONE, TWO, THREE):
        known = twin.demand(known, consumer, Demand(id, CONSUMER, None, None, FOUR), OFFICE)
    known = twin.assign_demand(known, DESK, ONE, PROVIDER, TWO, office=OFFICE)
    known = twin.close_demand(known, consumer, THREE, OFFICE)
    assert [d.id for d in twin.demands_without_provider(known)] == [TWO]
    assert twin.demand(known, consumer, Demand(ONE, CONSUMER, None, None, FOUR), OFFICE) is known


def test_overdue__ten_working_days_over_the_national_day__from_16_october_on() -> None:
    known = owed(Catalogue(), ONE)
    clock = known.resources[ONE].clocks[ClockKind.UPDATE]
    after = dt.datetime(2026, 10, 16, tzinfo=dt.timezone(dt.timedelta(hours=8))).timestamp()
    assert clock.deadline == after
    assert not list(twin.overdue(known, BlockTime(clock.deadline - 1)))
    assert [(r.code, kind) for r, kind in twin.overdue(known, clock.deadline)] == [(ONE, ClockKind.UPDATE)]
    assert not list(twin.overdue(published(known, ONE), clock.deadline))


def test_two_people__drawer_approves__refused() -> None:
    known = drawn_up(Catalogue(), ONE)
    with pytest.raises(DeniedError) as refused:
        twin.review(known, HANDLER, ONE, ONE, OFFICE)
    assert refused.value.code == "catalogue.same_person"


def test_withdrawn__drawn_up_again__refused() -> None:
    known = published(owed(Catalogue(), ONE), ONE)
    known = twin.draw_up_withdrawal(known, HANDLER, ONE, TWO, OFFICE)
    known = twin.approve(twin.review(known, HEAD, ONE, TWO, OFFICE), HEAD, ONE, TWO, OFFICE)
    known = twin.publish(known, DESK, ONE, TWO, OFFICE)
    assert (known.resources[ONE].state, list(twin.duties(known))) == (State.WITHDRAWN, [])
    again = replace(known, resources=MappingProxyType({ONE: replace(known.resources[ONE])}))
    with pytest.raises(ConflictError):
        twin.draw_up(
            again,
            HANDLER,
            ONE,
            version_hash=THREE,
            sharing_class=1,
            item_levels=b"\x01",
            basis=None,
            office=OFFICE,
        )


def test_succession__carrier__counts_for_the_one_that_carries_the_duty() -> None:
    known = owed(Catalogue(), ONE)
    after = replace(OFFICE, carrier=lambda _, __: CONSUMER)
    assert twin.connection_rate(known, CONSUMER, after).owed == 1
    assert isinstance(known.resources[ONE], Resource)
