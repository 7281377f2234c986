"""The Council: what member departments decide together, m of n; its records, and what its proposals can ask of itself.

Pure. Contracts.md, Council; the moves are in ledger.council_moves.
"""

from __future__ import annotations

from dataclasses import dataclass

from ledger.errors import ChuzhengError
from ledger.types import Address, BlockTime, ChainHash, DepartmentCode, Digest

MOST_MEMBERS = 32
MOST_DELEGATES = 8
DAY = 86_400
LONGEST = 365 * DAY
"""seconds that a proposal may stand"""
PAUSE = 7 * DAY
PAUSE_WINDOW = DAY
"""seconds in which requests for a pause count together"""
PAUSE_AGAIN = 30 * DAY
NO_ID = Digest(bytes(32))
NOBODY = Address("0x" + "00" * 20)
NEVER = BlockTime(0)


@dataclass(frozen=True, slots=True)
class Rules:
    """`threshold` members approve, `pause_threshold` pause; `delay` and `expiry` are seconds."""

    threshold: int
    pause_threshold: int
    delay: int
    expiry: int


@dataclass(frozen=True, slots=True)
class Delegate:
    """Who acts for a member; `person` is the salted hash of the one behind the account, None for a machine."""

    account: Address
    member: DepartmentCode
    person: Digest | None


@dataclass(frozen=True, slots=True)
class Approval:
    """One approval as the contract tells it; `counts` is as of the block that was asked about."""

    delegate: Address
    member: DepartmentCode
    at: BlockTime
    counts: bool


@dataclass(frozen=True, slots=True)
class Proposal:
    """A proposal as the contract tells it. `executable_from` None: too few approvals."""

    content: Digest
    basis: Digest | None
    member: DepartmentCode
    delegate: Address
    proposed_at: BlockTime
    expires_at: BlockTime
    executed_at: BlockTime | None
    approvals: int
    executable_from: BlockTime | None


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a named contract, in force from `from_block` until the next one's."""

    account: Address
    from_block: int
    since: BlockTime
    code_hash: ChainHash


# What a proposal can ask of the Council itself


@dataclass(frozen=True, slots=True)
class AddMember:
    member: DepartmentCode


@dataclass(frozen=True, slots=True)
class RemoveMember:
    member: DepartmentCode


@dataclass(frozen=True, slots=True)
class AppointDelegate:
    account: Address
    member: DepartmentCode
    person: Digest | None


@dataclass(frozen=True, slots=True)
class EndDelegate:
    account: Address


@dataclass(frozen=True, slots=True)
class SetRules:
    rules: Rules


@dataclass(frozen=True, slots=True)
class EndPause:
    pass


@dataclass(frozen=True, slots=True)
class NameContract:
    """`code_hash` None: there is no code at `account`."""

    name: str
    account: Address
    code_hash: ChainHash | None


@dataclass(frozen=True, slots=True)
class PinTrustFile:
    hash: Digest
    sequence: int


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A call of another contract; `refusal`: what that one says, where it refuses."""

    refusal: ChuzhengError | None = None


Act = (
    AddMember
    | RemoveMember
    | AppointDelegate
    | EndDelegate
    | SetRules
    | EndPause
    | NameContract
    | PinTrustFile
    | Elsewhere
)
