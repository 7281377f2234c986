"""The wrappers of WorkingCalendar, Authorities and Catalogue: answers become the twins' records, calls fit the ABI."""

from __future__ import annotations

import datetime as dt
from typing import Any, cast

import pytest

from ledger.authorities import Domain
from ledger.catalogue import Clock, ClockKind, Demand, Draft, Resource, SharingClass, Stage, State, Version
from ledger.codes import working_days
from ledger.evm import authorities, catalogue, working_calendar
from ledger.evm.artifacts import encode_call
from ledger.evm.authorities import AuthoritiesView
from ledger.evm.catalogue import CatalogueView, NewVersion
from ledger.evm.codes import ZERO, code_bytes
from ledger.evm.working_calendar import WorkingCalendarView
from ledger.types import BlockTime, DepartmentCode, Digest
from tests.unit.ledger.told import Told

PROVIDER, CONSUMER = DepartmentCode("11420503087246977F"), DepartmentCode("11100000000013338W")
CODE, VERSION, BASIS, PERSON = (Digest(bytes([n]) * 32) for n in range(1, 5))
TIMES = BlockTime(1_790_000_000), BlockTime(1_791_000_000)


def told(contract: str, **answers: list[Any]) -> Any:
    """At block 7 only."""
    return cast(Any, Told(contract, answers, "0x7"))


@pytest.mark.parametrize(
    "intent",
    [
        working_calendar.set_year(2026, working_days.calendar().years[2026], BASIS),
        working_calendar.set_days([dt.date(2026, 12, 31)], False),
        authorities.set_authority(Domain.SHARING, 420100, PROVIDER, BASIS),
        authorities.set_authority(Domain.GOVERNMENT, 420000, None),
        catalogue.add_duty(CODE, PROVIDER),
        catalogue.end_duty(CODE, 1, BASIS),
        catalogue.demand(CODE, None, None, BASIS),
        catalogue.demand(CODE, PROVIDER, CODE, BASIS),
        catalogue.assign_demand(CODE, PROVIDER, None),
        catalogue.close_demand(CODE, 1),
        catalogue.draw_up(CODE, NewVersion(VERSION, SharingClass.CONDITIONAL, b"\x01\x02", BASIS)),
        catalogue.draw_up_withdrawal(CODE, VERSION),
        catalogue.review(CODE, VERSION),
        catalogue.approve(CODE, VERSION),
        catalogue.publish(CODE, VERSION),
        catalogue.send_back(CODE, VERSION, 2),
        catalogue.connect(CODE),
        catalogue.disconnect(CODE, 1),
        catalogue.record_change(CODE, TIMES[0]),
        catalogue.extend_update(CODE),
        catalogue.move_deadline(CODE),
    ],
    ids=lambda intent: intent[1],
)
def test_intent__each__fits_the_abi(intent: tuple[str, str, list[Any]]) -> None:
    assert len(encode_call(*intent)) >= 36


def view(**answers: list[Any]) -> CatalogueView:
    told_all: dict[str, list[Any]] = {
        "resource": [code_bytes(PROVIDER), 2, 3, 4, 2, VERSION],
        "basisOf": [BASIS],
        "dutyOf": [code_bytes(PROVIDER)],
        "draft": [0, 0, 0, 0, ZERO, ZERO, ZERO],
        "clock": [(0, 0, 0, 0)],
    }
    chain = told("Catalogue", **{**told_all, **answers})
    return CatalogueView(chain, chain)


def test_resource__connected__record_with_version_and_duty() -> None:
    found = view().resource(CODE, 7)
    version = Version(VERSION, SharingClass.CONDITIONAL, 3, 2, BASIS)
    assert found == Resource(CODE, PROVIDER, owed=True, published=version, connected=True)
    assert found.state is State.CONNECTED


def test_resource__withdrawn_with_clocks__decision_is_its_basis() -> None:
    clock = (TIMES[0], 10, TIMES[1], TIMES[0])
    found = view(resource=[code_bytes(PROVIDER), 2, 3, 5, 2, VERSION], clock=[clock]).resource(CODE, 7)
    assert found is not None
    assert (found.state, found.decision) == (State.WITHDRAWN, BASIS)
    assert found.clocks[ClockKind.REVIEW] == Clock(TIMES[0], 10, TIMES[1], TIMES[0])


def test_resource__unknown_and_only_drafted__none_and_a_draft() -> None:
    assert view(resource=[ZERO, 0, 0, 0, 0, ZERO]).resource(CODE, 7) is None
    drafted = view(
        resource=[code_bytes(PROVIDER), 0, 0, 2, 0, ZERO], basisOf=[ZERO], draft=[3, 1, 2, 5, VERSION, ZERO, PERSON]
    ).resource(CODE, 7)
    assert drafted is not None
    version = Version(VERSION, SharingClass.UNCONDITIONAL, 2, 5, None)
    assert (drafted.state, drafted.published) == (State.SUBMITTED, None)
    assert drafted.draft == Draft(version, PERSON, Stage.APPROVED)


def test_demand__without_provider__as_kept() -> None:
    assert view(demandOf=[code_bytes(CONSUMER), ZERO, ZERO, BASIS, False]).demand(CODE, 7) == Demand(
        CODE, CONSUMER, None, None, BASIS
    )
    assert view(demandOf=[ZERO, ZERO, ZERO, ZERO, False]).demand(CODE, 7) is None


def test_calendar__a_year_without_a_working_day__is_known_still() -> None:
    for known, years in ((True, {2026: 0}), (False, {})):
        chain = told("WorkingCalendar", bitmaps=[0, 0], yearKnown=[known], deadline=[TIMES[1]])
        found = WorkingCalendarView(chain, chain)
        assert found.calendar([2026], 7).years == years
        assert found.deadline(TIMES[0], 10, 7) == TIMES[1]


def test_authorities__found_and_none__as_told() -> None:
    for answer, expected in ((code_bytes(PROVIDER), PROVIDER), (ZERO, None)):
        chain = told("Authorities", authorityFor=[answer], commonAuthority=[answer], authorityAt=[answer])
        found = AuthoritiesView(chain, chain)
        assert found.authority_for(Domain.SHARING, 420102, 7) == expected
        assert found.common_authority(Domain.SHARING, 420102, 420103, 7) == expected
        assert found.authority_at(Domain.SHARING, 420102, 7) == expected
