"""Proposals, members, delegates and what was named, from the events of the contract `Council`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ledger.store.index.events import ToldEvent
from ledger.store.index.objects import Projection, Row
from ledger.store.index.values import code, given
from ledger.store.object_tables import council_members, delegates, named_contracts, proposals, trust_files
from ledger.types import Address, BlockTime, DepartmentCode, Digest


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
                approvals[code(args["member"])] = (code(args["member"]), _account(args), event.block_time)
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


def _proposal_rows(_: bytes, history: Sequence[ToldEvent]) -> Sequence[Row]:
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


def _member_rows(_: bytes, history: Sequence[ToldEvent]) -> Sequence[Row]:
    acts = [event for event in history if event.event in ("MemberAdded", "MemberRemoved")]
    return [{"code": code(e.args["member"]), "since": e.block_time} for e in acts[-1:] if e.event == "MemberAdded"]


def _delegate_rows(_: bytes, history: Sequence[ToldEvent]) -> Sequence[Row]:
    found: dict[str, Row] = {}
    for event in history:
        args = event.args
        if event.event == "DelegateAppointed":
            account = args["account"].lower()
            member, person = code(args["member"]), given(args["personHash"])
            found[account] = {"account": account, "member": member, "person": person}
        elif event.event == "DelegateEnded":
            found.pop(args["account"].lower(), None)
    return list(found.values())


def _named_rows(_: bytes, history: Sequence[ToldEvent]) -> Sequence[Row]:
    named = [event for event in history if event.event == "ContractNamed"]
    return [
        {
            "version": event.args["version"],
            "name": event.args["name"].rstrip(b"\0").decode("ascii", "replace"),
            "account": event.args["account"].lower(),
            "code_hash": event.args["codeHash"],
            "from_block": event.block_number,
        }
        for event in named
    ]


def _trust_rows(_: bytes, history: Sequence[ToldEvent]) -> Sequence[Row]:
    pinned = [event for event in history if event.event == "TrustFilePinned"]
    return [{"sequence": e.args["sequence"], "hash": e.args["hash"], "pinned_at": e.block_time} for e in pinned]


COUNCIL = (
    Projection("Council", proposals, _proposal_rows),
    Projection("Council", council_members, _member_rows),
    Projection("Council", delegates, _delegate_rows),
    Projection("Council", named_contracts, _named_rows),
    Projection("Council", trust_files, _trust_rows),
)
