"""Proposals, members, delegates and what was named, from the events of the contract `Council`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ledger.council import Delegate, Rules, Version
from ledger.store.index.events import ToldEvent
from ledger.store.index.objects import Projection, Row
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


def proposal_from(history: Sequence[ToldEvent]) -> ProposalRecord | None:
    """The proposal that these events made; None for a subject that is none."""
    first = next((event for event in history if event.event == "Proposed"), None)
    if first is None:
        return None
    approvals: dict[DepartmentCode, tuple[DepartmentCode, Address, BlockTime]] = {}
    executed: BlockTime | None = None
    for event in history:
        args = event.args
        match event.event:
            case "Approved":
                member = code(args["member"])
                approvals.pop(member, None)  # one that no longer counts is given again, as the last
                approvals[member] = (member, _account(args), event.block_time)
            case "ApprovalWithdrawn":
                approvals.pop(code(args["member"]), None)
            case "Executed":
                executed = event.block_time
    return ProposalRecord(
        member=code(first.args["member"]),
        delegate=_account(first.args),
        basis=given(first.args["basis"]),
        proposed_at=first.block_time,
        expires_at=BlockTime(first.args["expiresAt"]),
        calls=tuple(ProposedCall(Address(c["target"].lower()), c["data"]) for c in first.args["calls"]),
        approvals=tuple(approvals.values()),
        executed_at=executed,
    )


def _account(args: Any) -> Address:
    return Address(args["delegate"].lower())


def _proposal_rows(history: Sequence[ToldEvent]) -> Sequence[Row]:
    found = proposal_from(history)
    if found is None:
        return ()
    row = {
        "member": found.member,
        "proposed_at": found.proposed_at,
        "expires_at": found.expires_at,
        "approvals": len(found.approvals),
        "executed_at": found.executed_at,
    }
    return (row,)


def _member_rows(history: Sequence[ToldEvent]) -> Sequence[Row]:
    acts = [event for event in history if event.event in ("MemberAdded", "MemberRemoved")]
    return [{"code": code(e.args["member"]), "since": e.block_time} for e in acts[-1:] if e.event == "MemberAdded"]


def delegates_from(history: Sequence[ToldEvent]) -> dict[Address, Delegate]:
    """Who acts, by account."""
    found: dict[Address, Delegate] = {}
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


def rules_from(history: Sequence[ToldEvent]) -> Rules | None:
    """The rules set last; None before the first."""
    found: Rules | None = None
    for event in history:
        if event.event == "RulesChanged":
            args = event.args
            found = Rules(args["threshold"], args["pauseThreshold"], args["delay"], args["expiry"])
    return found


def last_pause_from(history: Sequence[ToldEvent]) -> tuple[BlockTime, BlockTime] | None:
    """(since, until) of the last pause, over or not; None if there was none."""
    found: tuple[BlockTime, BlockTime] | None = None
    for event in history:
        if event.event == "Paused":
            found = event.block_time, BlockTime(event.args["until"])
        elif event.event == "PauseEnded" and found is not None:
            found = found[0], event.block_time
    return found


def _council_rows(history: Sequence[ToldEvent]) -> Sequence[Row]:
    rules, pause = rules_from(history), last_pause_from(history)
    if rules is None:
        return ()
    since, until = pause or (None, None)
    return ({**asdict(rules), "paused_since": since, "paused_until": until},)


def _pause_request_rows(history: Sequence[ToldEvent]) -> Sequence[Row]:
    return [
        {
            "member": code(event.args["member"]),
            "delegate": _account(event.args),
            "reason": event.args["reason"],
            "requested_at": event.block_time,
        }
        for event in history[-1:]
    ]


def _delegate_rows(history: Sequence[ToldEvent]) -> Sequence[Row]:
    return [{"account": d.account, "member": d.member, "person": d.person} for d in delegates_from(history).values()]


def _named_rows(history: Sequence[ToldEvent]) -> Sequence[Row]:
    named = [event for event in history if event.event == "ContractNamed"]
    return [
        {
            "version": event.args["version"],
            "name": event.args["name"].rstrip(b"\0").decode("ascii", "replace"),
            "account": event.args["account"].lower(),
            "code_hash": event.args["codeHash"],
            "from_block": event.block_number,
        }
        for event in named[-1:]
    ]


def _trust_rows(history: Sequence[ToldEvent]) -> Sequence[Row]:
    pinned = [event for event in history if event.event == "TrustFilePinned"]
    return [{"sequence": e.args["sequence"], "hash": e.args["hash"], "pinned_at": e.block_time} for e in pinned[-1:]]


COUNCIL = (
    Projection(
        "Council", proposals, frozenset({"Proposed", "Approved", "ApprovalWithdrawn", "Executed"}), _proposal_rows
    ),
    Projection("Council", council_members, frozenset({"MemberAdded", "MemberRemoved"}), _member_rows),
    Projection(
        "Council",
        delegates,
        frozenset({"DelegateAppointed", "DelegateEnded"}),
        _delegate_rows,
        part=("account",),
    ),
    Projection("Council", councils, frozenset({"RulesChanged", "Paused", "PauseEnded"}), _council_rows),
    Projection("Council", pause_requests, frozenset({"PauseRequested"}), _pause_request_rows),
    Projection("Council", named_contracts, frozenset({"ContractNamed"}), _named_rows, part=("version",)),
    Projection("Council", trust_files, frozenset({"TrustFilePinned"}), _trust_rows),
)
