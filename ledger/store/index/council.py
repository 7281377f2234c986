"""Proposals, members, delegates and what was named, from the events of the contract `Council`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from types import MappingProxyType
from typing import Any

from ledger.council import Delegate, Rules, Version
from ledger.store.index.events import ToldEvent
from ledger.store.index.objects import Projection, Row, folded, last
from ledger.store.index.values import code, given
from ledger.store.object_tables import (
    council_members,
    councils,
    delegates,
    named_contracts,
    pause_requests,
    proposals,
    trust_files,
)
from ledger.types import Address, BlockTime, ChainHash, DepartmentCode, Digest


@dataclass(frozen=True, slots=True)
class ProposedCall:
    target: Address
    data: bytes


@dataclass(frozen=True, slots=True)
class ProposalRecord:
    """A proposal with all that was said on it. `approvals`: (member, delegate, when), withdrawn ones left out; whether
    one still counts depends on the delegate's appointment now, which the contract tells."""

    member: DepartmentCode
    delegate: Address
    basis: Digest | None
    proposed_at: BlockTime
    expires_at: BlockTime
    calls: tuple[ProposedCall, ...]
    approvals: tuple[tuple[DepartmentCode, Address, BlockTime], ...] = ()
    executed_at: BlockTime | None = None


def proposal_from(history: Sequence[ToldEvent], found: ProposalRecord | None = None) -> ProposalRecord | None:
    """The proposal that these events made, or made of `found`; None for a subject that is none."""
    return folded(history, found, "Proposed", _proposed, _after)


def _proposed(event: ToldEvent) -> ProposalRecord:
    args = event.args
    return ProposalRecord(
        member=code(args["member"]),
        delegate=_account(args),
        basis=given(args["basis"]),
        proposed_at=event.block_time,
        expires_at=BlockTime(args["expiresAt"]),
        calls=tuple(ProposedCall(Address(c["target"].lower()), c["data"]) for c in args["calls"]),
    )


def _after(found: ProposalRecord, event: ToldEvent) -> ProposalRecord:
    if event.event == "Executed":
        return replace(found, executed_at=event.block_time)
    # One that no longer counts is given again, as the last.
    member = code(event.args["member"])
    others = tuple(approval for approval in found.approvals if approval[0] != member)
    if event.event == "Approved":
        others += ((member, _account(event.args), event.block_time),)
    return replace(found, approvals=others)


def _account(args: Any) -> Address:
    return Address(args["delegate"].lower())


def _proposal_rows(_: bytes, found: ProposalRecord) -> Sequence[Row]:
    row = {
        "member": found.member,
        "proposed_at": found.proposed_at,
        "expires_at": found.expires_at,
        "approvals": len(found.approvals),
        "executed_at": found.executed_at,
    }
    return (row,)


def _member_rows(_: bytes, event: ToldEvent) -> Sequence[Row]:
    if event.event != "MemberAdded":
        return ()
    return ({"code": code(event.args["member"]), "since": event.block_time},)


def delegates_from(
    history: Sequence[ToldEvent], known: Mapping[Address, Delegate] = MappingProxyType({})
) -> dict[Address, Delegate]:
    """Who acts, by account; `known`: before these events."""
    found = dict(known)
    for event in history:
        args = event.args
        if event.event == "DelegateAppointed":
            account = Address(args["account"].lower())
            found[account] = Delegate(account, code(args["member"]), given(args["personHash"]))
        elif event.event == "DelegateEnded":
            found.pop(Address(args["account"].lower()), None)
    return found


def versions_from(history: Sequence[ToldEvent]) -> tuple[Version, ...]:
    """The versions of one name, oldest first."""
    named = (event for event in history if event.event == "ContractNamed")
    return tuple(
        Version(
            Address(event.args["account"].lower()),
            event.block_number,
            event.block_time,
            ChainHash("0x" + event.args["codeHash"].hex()),
        )
        for event in named
    )


def rules_from(history: Sequence[ToldEvent], found: Rules | None = None) -> Rules | None:
    """The rules set last; None before the first."""
    for event in history:
        if event.event == "RulesChanged":
            args = event.args
            found = Rules(args["threshold"], args["pauseThreshold"], args["delay"], args["expiry"])
    return found


Pause = tuple[BlockTime, BlockTime]
"""(since, until)"""


def last_pause_from(history: Sequence[ToldEvent], found: Pause | None = None) -> Pause | None:
    """The last pause, over or not; None if there was none."""
    for event in history:
        if event.event == "Paused":
            found = event.block_time, BlockTime(event.args["until"])
        elif event.event == "PauseEnded" and found is not None:
            found = found[0], event.block_time
    return found


def _council_from(
    history: Sequence[ToldEvent], known: tuple[Rules | None, Pause | None] = (None, None)
) -> tuple[Rules | None, Pause | None]:
    return rules_from(history, known[0]), last_pause_from(history, known[1])


def _council_rows(_: bytes, found: tuple[Rules | None, Pause | None]) -> Sequence[Row]:
    rules, pause = found
    if rules is None:
        return ()
    since, until = pause or (None, None)
    return ({**asdict(rules), "paused_since": since, "paused_until": until},)


def _pause_request_rows(_: bytes, event: ToldEvent) -> Sequence[Row]:
    args = event.args
    who = {"member": code(args["member"]), "delegate": _account(args)}
    return ({**who, "reason": args["reason"], "requested_at": event.block_time},)


def _delegate_rows(_: bytes, found: Mapping[Address, Delegate]) -> Sequence[Row]:
    return [{"account": d.account, "member": d.member, "person": d.person} for d in found.values()]


def _named_rows(_: bytes, event: ToldEvent) -> Sequence[Row]:
    args = event.args
    row = {
        "version": args["version"],
        "name": args["name"].rstrip(b"\0").decode("ascii", "replace"),
        "account": args["account"].lower(),
        "code_hash": args["codeHash"],
        "from_block": event.block_number,
    }
    return (row,)


def _trust_rows(_: bytes, event: ToldEvent) -> Sequence[Row]:
    return ({"sequence": event.args["sequence"], "hash": event.args["hash"], "pinned_at": event.block_time},)


COUNCIL = (
    Projection(
        "Council",
        proposals,
        frozenset({"Proposed", "Approved", "ApprovalWithdrawn", "Executed"}),
        proposal_from,
        _proposal_rows,
    ),
    Projection("Council", council_members, frozenset({"MemberAdded", "MemberRemoved"}), last, _member_rows),
    Projection(
        "Council",
        delegates,
        frozenset({"DelegateAppointed", "DelegateEnded"}),
        delegates_from,
        _delegate_rows,
        part=("account",),
    ),
    Projection("Council", councils, frozenset({"RulesChanged", "Paused", "PauseEnded"}), _council_from, _council_rows),
    Projection("Council", pause_requests, frozenset({"PauseRequested"}), last, _pause_request_rows),
    Projection("Council", named_contracts, frozenset({"ContractNamed"}), last, _named_rows, part=("version",)),
    Projection("Council", trust_files, frozenset({"TrustFilePinned"}), last, _trust_rows),
)
