"""Council: members, rules, proposals and names at a named block, and the calls that propose, approve and execute."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple
from typing import Any

from ledger.council import Approval, Delegate, Proposal, Rules, Version
from ledger.crypto.chain import keccak
from ledger.errors import NotFoundError
from ledger.evm.artifacts import encode, encode_call
from ledger.evm.codes import ZERO, code_bytes, department_code, optional
from ledger.evm.deployment import Deployment
from ledger.evm.views import ContractView
from ledger.types import Address, BlockTime, ChainHash, DepartmentCode, Digest

NAME = "Council"
CallIntent = tuple[str, str, list[Any]]
Call = tuple[Address, bytes]
"""(contract, calldata)"""


def as_call(deployment: Deployment, intent: CallIntent) -> Call:
    """One call of a proposal, from what the other wrappers make for the outbox."""
    contract, function, args = intent
    return deployment.address(contract), encode_call(contract, function, args)


def content_of(calls: Sequence[Call], basis: Digest | None = None) -> Digest:
    """What is approved: keccak256 of the ABI encoding of (calls, basis), as the contract's `contentOf`."""
    return Digest(
        keccak(encode(("(address,bytes)[]", "bytes32"), (list(calls), basis or ZERO), what="Council.content"))
    )


def propose(made: Digest, calls: Sequence[Call], basis: Digest | None = None) -> CallIntent:
    """(contract, function, arguments) for the outbox; `made` is the proposal's id: random, and the same in a retry."""
    return NAME, "propose", [made, list(calls), basis or ZERO]


def approve(made: Digest, content: Digest) -> CallIntent:
    return NAME, "approve", [made, content]


def withdraw_approval(made: Digest) -> CallIntent:
    return NAME, "withdrawApproval", [made]


def execute(made: Digest, calls: Sequence[Call]) -> CallIntent:
    return NAME, "execute", [made, list(calls)]


def enact(made: Digest, calls: Sequence[Call], basis: Digest | None = None) -> CallIntent:
    """Proposed and executed at once, where one approval is enough and nothing delays."""
    return NAME, "enact", [made, list(calls), basis or ZERO]


def pause(reason: int, basis: Digest | None = None) -> CallIntent:
    return NAME, "pause", [reason, basis or ZERO]


# Only in a proposal of the Council's own


def end_pause() -> CallIntent:
    return NAME, "endPause", []


def add_member(member: DepartmentCode) -> CallIntent:
    return NAME, "addMember", [code_bytes(member)]


def remove_member(member: DepartmentCode) -> CallIntent:
    return NAME, "removeMember", [code_bytes(member)]


def appoint_delegate(delegate: Delegate) -> CallIntent:
    return NAME, "appointDelegate", [delegate.account, code_bytes(delegate.member), delegate.person or ZERO]


def end_delegate(account: Address) -> CallIntent:
    return NAME, "endDelegate", [account]


def set_rules(rules: Rules) -> CallIntent:
    return NAME, "setRules", [astuple(rules)]


def name_contract(name: str, account: Address) -> CallIntent:
    return NAME, "nameContract", [code_bytes(name), account]


def pin_trust_file(hash_: Digest, sequence: int) -> CallIntent:
    return NAME, "pinTrustFile", [hash_, sequence]


class CouncilView(ContractView):
    contract = NAME

    def members(self, block: int) -> frozenset[DepartmentCode]:
        return frozenset(department_code(code) for code in self.read("members", [], block)[0])

    def delegates(self, member: DepartmentCode, block: int) -> tuple[Delegate, ...]:
        """Who acts for a member, by account."""
        rows = self.read("delegatesOf", [code_bytes(member)], block)[0]
        found = (Delegate(Address(a.lower()), department_code(m), optional(person)) for a, m, person in rows)
        return tuple(sorted(found, key=lambda d: d.account))

    def delegate(self, account: Address, block: int) -> Delegate | None:
        """None for an address that acts for no member."""
        member, person = self.read("delegateOf", [account], block)
        return None if member == ZERO else Delegate(account, department_code(member), optional(person))

    def rules(self, block: int) -> Rules:
        return Rules(*self.read("rules", [], block)[0])

    def proposal(self, made: Digest, block: int) -> Proposal | None:
        """None if nothing was proposed under that id."""
        try:
            fields = self.read("proposal", [made], block)[0]
        except NotFoundError:
            return None
        content, basis, member, delegate, proposed_at, expires_at, executed_at, approvals, executable_from = fields
        return Proposal(
            content=Digest(content),
            basis=optional(basis),
            member=department_code(member),
            delegate=Address(delegate.lower()),
            proposed_at=BlockTime(proposed_at),
            expires_at=BlockTime(expires_at),
            executed_at=BlockTime(executed_at) if executed_at else None,
            approvals=approvals,
            executable_from=BlockTime(executable_from) if executable_from else None,
        )

    def approvals(self, made: Digest, block: int) -> tuple[Approval, ...]:
        """Oldest first; NotFoundError if nothing was proposed under that id."""
        rows = self.read("approvals", [made], block)[0]
        return tuple(Approval(Address(d.lower()), department_code(m), BlockTime(at), c) for d, m, at, c in rows)

    def paused(self, block: int) -> bool:
        return bool(self.read("paused", [], block)[0])

    def last_pause(self, block: int) -> tuple[BlockTime, BlockTime] | None:
        """(since, until) of the last pause, over or not; None if there was none."""
        since, until = self.read("lastPause", [], block)
        return (BlockTime(since), BlockTime(until)) if until else None

    def pause_requested_at(self, member: DepartmentCode, block: int) -> BlockTime | None:
        found = self.read("pauseRequestedAt", [code_bytes(member)], block)[0]
        return BlockTime(found) if found else None

    def versions(self, name: str, block: int) -> tuple[Version, ...]:
        """All versions of a contract that were named, oldest first; empty if none."""
        rows = self.read("versions", [code_bytes(name)], block)[0]
        return tuple(_version(row) for row in rows)

    def contract_of(self, name: str, block: int) -> Address:
        """The newest version; NotFoundError if none was named."""
        return Address(self.read("contractOf", [code_bytes(name)], block)[0].lower())

    def pinned_trust_files(self, block: int) -> tuple[int, int] | None:
        """(first, newest) sequence of the pinned trust files; None if none was pinned."""
        first, newest = self.read("pinnedTrustFiles", [], block)
        return (first, newest) if newest else None

    def trust_file(self, sequence: int, block: int) -> Digest | None:
        """The pinned hash of a sequence; None if it wasn't pinned."""
        return optional(self.read("trustFile", [sequence], block)[0])


def _version(row: tuple[Any, ...]) -> Version:
    account, from_block, since, code_hash = row
    return Version(Address(account.lower()), from_block, BlockTime(since), ChainHash("0x" + code_hash.hex()))
