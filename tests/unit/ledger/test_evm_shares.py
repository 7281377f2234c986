"""The wrappers of the sharing contracts: a node's answers become the twins' records, and each call fits the ABI."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any, cast

import pytest

from ledger.evm import authorised_queries, emergency_shares, share_authorisations
from ledger.evm.artifacts import encode_call
from ledger.evm.authorised_queries import AuthorisedQueriesView
from ledger.evm.codes import ZERO
from ledger.evm.emergency_shares import EmergencySharesView
from ledger.evm.share_authorisations import ShareAuthorisationsView
from ledger.shares import authorised_queries as queries
from ledger.shares import emergencies
from ledger.shares.grants import Clock, Grant, Profile, State, Terms
from ledger.types import Address, BlockTime, DepartmentCode, Digest
from tests.unit.ledger.told import Told

CONSUMER, PROVIDER, OTHER = (
    DepartmentCode(c) for c in ("11420503087246977F", "11100000000013338W", "11430000006122244L")
)
ROOT = Path(__file__).parents[3]
CONTRACTS = ("ShareAuthorisations", "EmergencyShares", "AuthorisedQueries")


def some(number: int) -> Digest:
    return Digest(bytes([number]) * 32)


ID = some(99)


def shares_view(**answers: list[Any]) -> tuple[ShareAuthorisationsView, Told]:
    told = Told("ShareAuthorisations", answers)
    return ShareAuthorisationsView(cast(Any, told), cast(Any, told)), told


def emergency_view(**answers: list[Any]) -> EmergencySharesView:
    told = Told("EmergencyShares", answers)
    return EmergencySharesView(cast(Any, told), cast(Any, told))


def query_view(**answers: list[Any]) -> AuthorisedQueriesView:
    told = Told("AuthorisedQueries", answers)
    return AuthorisedQueriesView(cast(Any, told), cast(Any, told))


def abi(contract: str) -> list[dict[str, Any]]:
    text = files("ledger.evm").joinpath("abi", f"{contract}.json").read_text(encoding="utf-8")
    return cast(list[dict[str, Any]], json.loads(text)["abi"])


def members(contract: str, function: str, *path: str) -> list[str]:
    """Members of the struct that a view returns (or one in it), in the ABI's order."""
    [output] = next(p["outputs"] for p in abi(contract) if p.get("name") == function)
    for step in path:
        output = next(c for c in output["components"] if c["name"] == step)
    return [c["name"] for c in output["components"]]


def in_order(values: dict[str, Any], names: list[str]) -> tuple[Any, ...]:
    assert set(values) == set(names)
    return tuple(values[name] for name in names)


TERMS = {
    "resource": some(1), "body": some(2), "items": some(3), "subjects": some(4), "document": some(5),
    "supersedes": some(6), "notBefore": 7, "notAfter": 8, "maxUses": 9, "ratePerDay": 10, "article": 11, "purpose": 12,
    "basisKind": 13, "scope": 14, "dataLife": 15, "method": 16, "mode": 17,
}  # fmt: skip
KEPT = {
    "consumer": CONSUMER.encode(), "state": 11, "sharingClass": 2, "stage": 3, "records": 4, "extension": 5,
    "returned": True, "extended": False, "preReview": True, "provided": False, "stops": 6,
    "provider": PROVIDER.encode(), "ground": 101, "filedGround": 201, "article": 10_021, "endedAt": 21,
    "stopBlock": 22, "uses": 23, "consumerHandler": some(24), "providerHandler": some(25), "successor": some(26),
}  # fmt: skip
GRANT = Grant(
    terms=Terms(
        resource=some(1), body=some(2), items=some(3), subjects=some(4), document=some(5), supersedes=some(6),
        not_before=BlockTime(7), not_after=BlockTime(8), max_uses=9, rate_per_day=10, article=11, purpose=12,
        basis_kind=13, scope=14, data_life=15, method=16, mode=17,
    ),
    consumer=CONSUMER, provider=PROVIDER, state=State.SUSPENDED, consumer_handler=some(24), sharing_class=2,
    provider_handler=some(25), stage=3, records=4, extension=5, returned=True, extended=False, pre_review=True,
    provided=False, stops=6, stop_block=22, ground=101, filed_ground=201, article=10_021,
    clock=Clock(BlockTime(18), 19, BlockTime(20)), ended_at=BlockTime(21), uses=23, successor=some(26),
)  # fmt: skip


def grant_told() -> tuple[Any, ...]:
    names = members("ShareAuthorisations", "grantOf")
    terms = in_order(TERMS, members("ShareAuthorisations", "grantOf", "terms"))
    clock = {"start": 18, "workingDays": 19, "deadline": 20}
    told = in_order(clock, members("ShareAuthorisations", "grantOf", "clock"))
    return in_order({**KEPT, "terms": terms, "clock": told}, names)


def test_grant__as_the_node_tells_it__the_twins_record_at_that_block() -> None:
    view, told = shares_view(grantOf=[grant_told()])
    assert view.grant(ID, 17) == GRANT
    assert set(told.asked) == {("grantOf", "0x11")}
    assert share_authorisations.terms_tuple(GRANT.terms) == grant_told()[0]


def test_share_views__each__in_our_types() -> None:
    view, told = shares_view(
        effectiveState=[12],
        isOverdue=[True],
        disposal=[1_800_000_000, True],
        acknowledged=[3, 77],
        profileOf=[True, 2],
    )
    at = BlockTime(1)
    assert view.effective_state(ID, at, 1) is State.EXPIRED
    assert view.is_overdue(ID, at, 1) is True
    assert view.disposal(ID, at, 1) == (1_800_000_000, True)
    assert view.acknowledged(ID, Address("0x" + "22" * 20), 1) == (3, 77)
    assert view.profile(OTHER, 1) == Profile(pre_review=True, return_clock=2)
    views = {p["name"] for p in abi("ShareAuthorisations") if p.get("stateMutability") == "view"}
    assert {name for name, _ in told.asked} == views - {"grantOf"}


def test_share_views__nothing_there__none() -> None:
    def zeros(value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(zeros(v) for v in value)
        return bytes(len(value)) if isinstance(value, bytes) else type(value)(0)

    view, _ = shares_view(grantOf=[zeros(grant_told())], effectiveState=[0], disposal=[0, False])
    assert view.grant(ID, 1) is None
    assert view.effective_state(ID, BlockTime(1), 1) is None
    assert view.disposal(ID, BlockTime(1), 1) is None


EMERGENCY_TERMS = {
    "resource": some(1), "decision": some(2), "items": some(3), "article": 1_010_052, "reason": 603, "numHours": 4,
    "maxReads": 20,
}  # fmt: skip
EMERGENCY_KEPT = {
    "consumer": CONSUMER.encode(), "state": 3, "justification": 653, "provider": PROVIDER.encode(),
    "opener": OTHER.encode(), "openedAt": 5, "closesAt": 6, "reviewBy": 7, "officer": some(8), "report": some(9),
}  # fmt: skip
EMERGENCY = emergencies.Emergency(
    emergencies.Terms(some(1), some(2), some(3), 1_010_052, 603, 4, 20), CONSUMER, PROVIDER,
    emergencies.State.REVIEW_DUE, some(8), OTHER, BlockTime(5), BlockTime(6), BlockTime(7), some(9), 653,
)  # fmt: skip


def test_emergency__as_the_node_tells_it__the_twins_record() -> None:
    terms = in_order(EMERGENCY_TERMS, members("EmergencyShares", "emergencyOf", "terms"))
    told = in_order({**EMERGENCY_KEPT, "terms": terms}, members("EmergencyShares", "emergencyOf"))
    assert emergency_view(emergencyOf=[told]).emergency(ID, 1) == EMERGENCY
    assert emergency_shares.terms_tuple(EMERGENCY.terms) == terms


def test_emergency_views__each__in_our_types() -> None:
    view = emergency_view(effectiveState=[4], isOverdue=[True], pendingOf=[[some(1), some(2)]])
    assert view.effective_state(ID, BlockTime(1), 1) is emergencies.State.JUSTIFIED
    assert view.is_overdue(ID, BlockTime(1), 1) is True
    assert view.pending(OTHER, 1) == {some(1), some(2)}
    assert emergency_view(effectiveState=[0]).effective_state(ID, BlockTime(1), 1) is None


QUERY_TERMS = {
    "resource": some(1), "authorisation": some(2), "organisation": some(3), "matter": some(4), "items": some(5),
    "notAfter": 6, "maxUses": 7, "purpose": 8,
}  # fmt: skip
QUERY_KEPT = {
    "provider": PROVIDER.encode(), "state": 7, "reason": 701, "endedAt": 9, "uses": 10, "consentedAt": 11,
    "handler": some(12),
}  # fmt: skip
QUERY = queries.Query(
    queries.Terms(some(1), some(2), some(3), some(4), some(5), BlockTime(6), 7, 8), PROVIDER, queries.State.LAPSED,
    some(12), 701, BlockTime(11), BlockTime(9), 10,
)  # fmt: skip


def test_query__as_the_node_tells_it__the_twins_record() -> None:
    terms = in_order(QUERY_TERMS, members("AuthorisedQueries", "queryOf", "terms"))
    told = in_order({**QUERY_KEPT, "terms": terms}, members("AuthorisedQueries", "queryOf"))
    assert query_view(queryOf=[told]).query(ID, 1) == QUERY
    assert authorised_queries.terms_tuple(QUERY.terms) == terms
    assert query_view(effectiveState=[5]).effective_state(ID, BlockTime(1), 1) is queries.State.EXHAUSTED
    assert query_view(effectiveState=[0]).effective_state(ID, BlockTime(1), 1) is None


@pytest.mark.parametrize(
    ("contract", "function", "states"),
    [
        ("ShareAuthorisations", "effectiveState", State),
        ("EmergencyShares", "effectiveState", emergencies.State),
        ("AuthorisedQueries", "effectiveState", queries.State),
    ],
)
def test_states__numbers__are_the_contracts(contract: str, function: str, states: Any) -> None:
    """By the enum in the interface: NONE, then ours in its order."""
    source = (ROOT / "contracts" / "interfaces" / f"I{contract}.sol").read_text(encoding="utf-8")
    names = [n.strip() for n in source.split("enum State {")[1].split("}")[0].split(",")]
    assert names == ["NONE", *(s.name for s in sorted(states))]


s, e, q = share_authorisations, emergency_shares, authorised_queries
INTENTS = [
    s.propose(ID, GRANT.terms), s.submit(ID), s.pre_review(ID, True, 0, 0, None), s.review(ID),
    s.return_for_more(ID, some(1)), s.resubmit(ID, some(1)), s.withdraw(ID, 501), s.ask_extension(ID, 5, 801),
    s.extend(ID), s.grant(ID), s.reject(ID, 401, 10_021), s.dispute(ID), s.escalate(ID, 2), s.settle(ID, True),
    s.activate(ID), s.file_stop(ID, 201, some(1)), s.suspend(ID, 101, 3), s.resume(ID), s.revoke(ID, 101),
    s.surrender(ID, 503), s.exhaust(ID, 5), s.record_use(ID, 1, some(1)), s.acknowledge(ID, 1, 1), s.move_deadline(ID),
    s.set_profile(OTHER, Profile()),
    e.propose(ID, EMERGENCY.terms), e.open_(ID), e.close(ID, 651), e.report(ID, some(1)),
    e.judge(ID, True, 653, some(1)), e.move_deadline(ID),
    q.propose(ID, QUERY.terms), q.consent(ID), q.refuse(ID, 401, 10_025), q.withdraw(ID, 502), q.exhaust(ID, 2),
]  # fmt: skip


@pytest.mark.parametrize("intent", INTENTS, ids=lambda i: f"{i[0]}.{i[1]}")
def test_intents__each__fits_the_abi(intent: tuple[str, str, list[Any]]) -> None:
    assert len(encode_call(*intent)) >= 4
    assert all(argument is not None for argument in intent[2])


def test_intents__every_function_that_changes_something__has_one() -> None:
    for contract in CONTRACTS:
        changing = {
            i["name"] for i in abi(contract) if i["type"] == "function" and i["stateMutability"] not in ("view", "pure")
        }
        assert changing == {function for name, function, _ in INTENTS if name == contract}
    assert ZERO in s.extend(ID)[2]
