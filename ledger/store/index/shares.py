"""Applications and grants, emergencies and authorised queries, from the events of the three sharing contracts.

Over 300 lines: the three are read alike, and where they differ is seen side by side.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ledger.shares import authorised_queries as queries
from ledger.shares import emergencies
from ledger.shares.grants import Clock, Grant, Profile, State, Terms
from ledger.store.index.events import ToldEvent
from ledger.store.index.objects import Projection, Row, folded, last
from ledger.store.index.values import code, given
from ledger.store.object_tables import (
    acknowledgements,
    authorised_queries,
    emergency_shares,
    grants,
    share_profiles,
)
from ledger.types import BlockTime, Digest

STOPPED = frozenset({State.SUSPENDED, State.REVOKED, State.SURRENDERED, State.EXHAUSTED, State.SUPERSEDED})
"""Moves that every gateway acknowledges."""


# Grants


def grant_from(history: Sequence[ToldEvent], grant: Grant | None = None) -> Grant | None:
    """The application or grant that these events made, or made of `grant`; None for a subject that is none."""
    return folded(history, grant, "Proposed", _proposed, _after)


def _proposed(event: ToldEvent) -> Grant:
    args = event.args
    return Grant(
        terms=_terms(args["terms"]),
        consumer=code(args["consumer"]),
        provider=code(args["provider"]),
        state=State.INTERNAL_APPROVAL,
        consumer_handler=Digest(args["person"]),
    )


def _after(grant: Grant, event: ToldEvent) -> Grant:
    args = event.args
    match event.event:
        case "Moved":
            return _moved(grant, event)
        case "ReviewStarted":
            return replace(grant, state=State.PROVIDER_REVIEW, provider_handler=Digest(args["person"]))
        case "Escalated":
            return replace(grant, stage=args["stage"])
        case "ExtensionAsked":
            return replace(grant, extension=args["workingDays"])
        case "Extended":
            return replace(grant, extended=True, clock=_clock(args["clock"]))
        case "DeadlineMoved":
            return replace(grant, clock=replace(grant.clock, deadline=BlockTime(args["to"])))
        case "StopFiled":
            return replace(grant, filed_ground=args["ground"])
        case "UseRecorded":
            return replace(grant, records=grant.records | 1 << (args["kind"] - 1))
        case _:
            return grant


def _moved(grant: Grant, event: ToldEvent) -> Grant:
    args = event.args
    before, to = State(args["from"]), State(args["to"])
    reason, detail = args["reason"], args["detail"]
    grant = replace(grant, state=to, clock=_clock(args["clock"]))
    if to in STOPPED:
        grant = replace(grant, ground=reason, stops=grant.stops + 1, stop_block=event.block_number)
        if to is not State.SUSPENDED:
            grant = replace(grant, ended_at=event.block_time)
    match to:
        case State.SUBMITTED if before is State.INTERNAL_APPROVAL:
            return replace(grant, sharing_class=detail, pre_review=grant.clock.start == 0)
        case State.SUBMITTED if before is State.SUBMITTED:
            return replace(grant, pre_review=False)
        case State.SUBMITTED:
            return replace(grant, terms=replace(grant.terms, body=Digest(args["basis"])))
        case State.RETURNED:
            return replace(grant, returned=True)
        case State.REJECTED:
            return replace(grant, ground=reason, article=detail, pre_review=False)
        case State.DISPUTED:
            return replace(grant, stage=detail)
        case State.ACTIVE:
            return replace(grant, provided=True, filed_ground=0 if before is State.SUSPENDED else grant.filed_ground)
        case State.EXHAUSTED:
            return replace(grant, uses=detail)
        case State.SUPERSEDED:
            return replace(grant, successor=Digest(args["basis"]))
        case _:
            return grant


def _terms(value: Mapping[str, Any]) -> Terms:
    return Terms(
        resource=Digest(value["resource"]),
        body=given(value["body"]),
        items=given(value["items"]),
        not_before=BlockTime(value["notBefore"]),
        not_after=BlockTime(value["notAfter"]),
        max_uses=value["maxUses"],
        rate_per_day=value["ratePerDay"],
        purpose=value["purpose"],
        basis_kind=value["basisKind"],
        scope=value["scope"],
        method=value["method"],
        mode=value["mode"],
        data_life=value["dataLife"],
        article=value["article"],
        subjects=given(value["subjects"]),
        document=given(value["document"]),
        supersedes=given(value["supersedes"]),
    )


def _clock(value: Mapping[str, Any]) -> Clock:
    return Clock(BlockTime(value["start"]), value["workingDays"], BlockTime(value["deadline"]))


def _grant_rows(_: bytes, grant: Grant) -> Sequence[Row]:
    row = {
        "resource": grant.terms.resource,
        "consumer": grant.consumer,
        "provider": grant.provider,
        "state": int(grant.state),
        "sharing_class": grant.sharing_class,
        "deadline": grant.clock.deadline or None,
        "not_after": grant.terms.not_after,
        "ended_at": grant.ended_at or None,
        "supersedes": grant.terms.supersedes,
        "stops": grant.stops,
    }
    return (row,)


def _acknowledgement_rows(_: bytes, event: ToldEvent) -> Sequence[Row]:
    args = event.args
    row = {
        "grant_id": args["id"],
        "gateway": args["gateway"].lower(),
        "department": code(args["department"]),
        "stop": args["stop"],
        "applied_at": args["appliedAt"],
    }
    return (row,)


FIRST = Profile()


def profile_from(history: Sequence[ToldEvent], known: Profile = FIRST) -> Profile:
    """What holds where the authority is the provider's; the contract begins with `Profile()`."""
    given_ = [event.args for event in history if event.event == "ProfileSet"]
    return Profile(given_[-1]["preReview"], given_[-1]["returnClock"]) if given_ else known


def _profile_rows(key: bytes, profile: Profile) -> Sequence[Row]:
    return ({"authority": code(key), "pre_review": profile.pre_review, "return_clock": profile.return_clock},)


# Emergencies


def emergency_from(
    history: Sequence[ToldEvent], found: emergencies.Emergency | None = None
) -> emergencies.Emergency | None:
    """The emergency that these events made, or made of `found`; None for a subject that is none."""
    return folded(history, found, "EmergencyProposed", _emergency, _emergency_after)


def _emergency(event: ToldEvent) -> emergencies.Emergency:
    args, terms = event.args, event.args["terms"]
    return emergencies.Emergency(
        terms=emergencies.Terms(
            resource=Digest(terms["resource"]),
            decision=given(terms["decision"]),
            items=given(terms["items"]),
            article=terms["article"],
            reason=terms["reason"],
            num_hours=terms["numHours"],
            max_reads=terms["maxReads"],
        ),
        consumer=code(args["consumer"]),
        provider=code(args["provider"]),
        state=emergencies.State.PROPOSED,
        officer=Digest(args["person"]),
    )


def _emergency_after(known: emergencies.Emergency, event: ToldEvent) -> emergencies.Emergency:
    args = event.args
    match event.event:
        case "EmergencyOpened":
            return replace(
                known,
                state=emergencies.State.OPEN,
                opener=code(args["department"]),
                opened_at=event.block_time,
                closes_at=BlockTime(args["closesAt"]),
                review_by=BlockTime(args["reviewBy"]),
            )
        case "EmergencyClosed":
            return replace(known, state=emergencies.State.REVIEW_DUE)
        case "EmergencyReported":
            return replace(known, report=Digest(args["report"]))
        case "EmergencyJudged":
            state = emergencies.State.JUSTIFIED if args["justified"] else emergencies.State.UNJUSTIFIED
            return replace(known, state=state, justification=args["reason"])
        case "DeadlineMoved":
            return replace(known, review_by=BlockTime(args["to"]))
        case _:
            return known


def _emergency_rows(_: bytes, found: emergencies.Emergency) -> Sequence[Row]:
    row = {
        "resource": found.terms.resource,
        "consumer": found.consumer,
        "provider": found.provider,
        "state": int(found.state),
        "closes_at": found.closes_at or None,
        "review_by": found.review_by or None,
    }
    return (row,)


# Authorised queries


def query_from(history: Sequence[ToldEvent], found: queries.Query | None = None) -> queries.Query | None:
    """The authorised query that these events made, or made of `found`; None for a subject that is none."""
    for event in history:
        if event.event == "QueryProposed":
            found = _query(event)
        elif event.event == "QueryMoved" and found is not None:
            found = _query_after(found, event)
    return found


def _query(event: ToldEvent) -> queries.Query:
    args, terms = event.args, event.args["terms"]
    return queries.Query(
        terms=queries.Terms(
            resource=Digest(terms["resource"]),
            authorisation=given(terms["authorisation"]),
            organisation=given(terms["organisation"]),
            matter=given(terms["matter"]),
            items=given(terms["items"]),
            not_after=BlockTime(terms["notAfter"]),
            max_uses=terms["maxUses"],
            purpose=terms["purpose"],
        ),
        provider=code(args["provider"]),
        state=queries.State.PROPOSED,
        handler=Digest(args["person"]),
    )


def _query_after(known: queries.Query, event: ToldEvent) -> queries.Query:
    args = event.args
    to = queries.State(args["to"])
    if to is queries.State.CONSENTED:
        return replace(known, state=to, consented_at=event.block_time)
    uses = args["detail"] if to is queries.State.EXHAUSTED else known.uses
    return replace(known, state=to, reason=args["reason"], ended_at=event.block_time, uses=uses)


def _query_rows(_: bytes, found: queries.Query) -> Sequence[Row]:
    row = {
        "resource": found.terms.resource,
        "provider": found.provider,
        "state": int(found.state),
        "not_after": found.terms.not_after,
        "ended_at": found.ended_at or None,
    }
    return (row,)


GRANT = frozenset(
    {
        "Proposed",
        "Moved",
        "ReviewStarted",
        "Escalated",
        "ExtensionAsked",
        "Extended",
        "DeadlineMoved",
        "StopFiled",
        "UseRecorded",
    }
)
EMERGENCY = frozenset(
    {
        "EmergencyProposed",
        "EmergencyOpened",
        "EmergencyClosed",
        "EmergencyReported",
        "EmergencyJudged",
        "DeadlineMoved",
    }
)
SHARES = (
    Projection("ShareAuthorisations", grants, GRANT, grant_from, _grant_rows),
    Projection(
        "ShareAuthorisations",
        acknowledgements,
        frozenset({"Acknowledged"}),
        last,
        _acknowledgement_rows,
        part=("gateway",),
    ),
    Projection("ShareAuthorisations", share_profiles, frozenset({"ProfileSet"}), profile_from, _profile_rows),
    Projection("EmergencyShares", emergency_shares, EMERGENCY, emergency_from, _emergency_rows),
    Projection(
        "AuthorisedQueries", authorised_queries, frozenset({"QueryProposed", "QueryMoved"}), query_from, _query_rows
    ),
)
