"""CertificateStatus: decisions at a named block, and the calls that make them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ledger.evm.codes import ZERO, code_bytes, department_code, optional, type_code
from ledger.evm.views import ContractView
from ledger.statuses import Decision, DecisionCode
from ledger.types import Address, BlockTime, DepartmentCode, Digest, LogId, TypeCode

NAME = "CertificateStatus"


@dataclass(frozen=True, slots=True)
class DecisionInput:
    """What is decided (contracts.md, CertificateStatus); `effective_from` and `until` are block times."""

    code: DecisionCode
    effective_from: BlockTime
    cause: int = 0
    basis: Digest | None = None
    successor: Digest | None = None
    until: BlockTime | None = None
    ends: int | None = None

    def as_tuple(self) -> tuple[Any, ...]:
        successor = self.successor or ZERO
        basis = self.basis or ZERO
        return int(self.code), self.cause, self.effective_from, basis, successor, self.until or 0, self.ends or 0


@dataclass(frozen=True, slots=True)
class EntryProof:
    """That `entry` (92 bytes) stands at `index` under the anchored head of `size`."""

    log_id: LogId
    entry: bytes
    index: int
    size: int
    path: tuple[bytes, ...]

    def as_tuple(self) -> tuple[Any, ...]:
        return self.log_id, self.entry, self.index, self.size, list(self.path)


@dataclass(frozen=True, slots=True)
class TypeProof:
    """The disclosure of the member `type` of a record (formats.md §2): of `n` members the one at `i`, with salt_i."""

    issuer: DepartmentCode
    commitment: Digest
    type_code: TypeCode
    n: int
    i: int
    salt: bytes
    path: tuple[bytes, ...]

    def as_tuple(self) -> tuple[Any, ...]:
        issuer, type_code = code_bytes(self.issuer), code_bytes(self.type_code)
        return issuer, self.commitment, type_code, self.n, self.i, self.salt, list(self.path)


NO_PROOF = EntryProof(LogId(ZERO), b"", 0, 0, ())
NO_TYPE: tuple[Any, ...] = (ZERO, ZERO, ZERO, 0, 0, ZERO, [])
"""The contract's `TypeProof` for "none"."""


def _type(proof: TypeProof | None) -> tuple[Any, ...]:
    return NO_TYPE if proof is None else proof.as_tuple()


def decide_first(
    key: Digest, decision: DecisionInput, proof: EntryProof, type_proof: TypeProof | None = None
) -> tuple[str, str, list[Any]]:
    """(contract, function, arguments) for the outbox. `type_proof`: where the competent department begins."""
    return NAME, "decideFirst", [key, decision.as_tuple(), proof.as_tuple(), _type(type_proof)]


def decide(key: Digest, decision: DecisionInput) -> tuple[str, str, list[Any]]:
    return NAME, "decide", [key, decision.as_tuple()]


def supersede(
    key: Digest,
    decision: DecisionInput,
    old: EntryProof | None,
    new: EntryProof,
    type_proof: TypeProof | None = None,
) -> tuple[str, str, list[Any]]:
    """`old` only where the key has no decision yet."""
    proofs = (old or NO_PROOF).as_tuple(), new.as_tuple(), _type(type_proof)
    return NAME, "supersede", [key, decision.as_tuple(), *proofs]


def annul(key: Digest, number: int, basis: Digest | None) -> tuple[str, str, list[Any]]:
    return NAME, "annul", [key, number, basis or ZERO]


def decide_many(
    items: Sequence[tuple[Digest, DecisionInput, EntryProof | None, TypeProof | None]],
) -> tuple[str, str, list[Any]]:
    """Up to 100 at once; a proof where the key has no decision, the type's where the competent department begins."""
    return NAME, "decideMany", [[(k, d.as_tuple(), (p or NO_PROOF).as_tuple(), _type(t)) for k, d, p, t in items]]


def prove_type(key: Digest, proof: TypeProof) -> tuple[str, str, list[Any]]:
    """By STATUS of any department."""
    return NAME, "proveType", [key, proof.as_tuple()]


def follow_log(log: Address, basis: Digest | None = None) -> tuple[str, str, list[Any]]:
    """By the Council: proofs are asked of `log` from now on, which the AnchorLog before it names as its successor."""
    return NAME, "followLog", [log, basis or ZERO]


def retire(successor: Address, basis: Digest | None = None) -> tuple[str, str, list[Any]]:
    """By the Council: only `successor`, a CertificateStatus made with this one's address, takes first decisions now."""
    return NAME, "retire", [successor, basis or ZERO]


def carry(keys: Sequence[Digest]) -> tuple[str, str, list[Any]]:
    """By anyone, on the successor: takes histories over from the retired contract."""
    return NAME, "carry", [list(keys)]


class CertificateStatusView(ContractView):
    contract = NAME

    def decisions(self, key: Digest, block: int) -> tuple[Decision, ...]:
        """All decisions of a key in the order they were made."""
        return tuple(_decision(fields) for fields in self.read("decisions", [key], block)[0])

    def type_of(self, key: Digest, block: int) -> TypeCode | None:
        """The type that was proven for the key's record."""
        found = self.read("typeOf", [key], block)[0]
        return None if found == ZERO else type_code(found)

    def log(self, block: int) -> Address:
        """The AnchorLog that proofs are asked of."""
        return Address(str(self.read("log", [], block)[0]).lower())

    def successor(self, block: int) -> Address | None:
        """The contract that takes this one's place; None while it is in force."""
        named = Address(str(self.read("successor", [], block)[0]).lower())
        return None if int(named, 16) == 0 else named

    def status_at(self, key: Digest, time: BlockTime, known: BlockTime, block: int) -> tuple[int, int]:
        """(code, number) of the decision in force, (0, 0) if none: the contract's own judgement."""
        code, number = self.read("statusAt", [key, time, known], block)
        return code, number


def _decision(fields: tuple[Any, ...]) -> Decision:
    """The contract's struct `Decision`, in its order."""
    number, code, cause, department, effective_from, recorded_at, basis, successor, until, ends, annulled_at = fields
    return Decision(
        number=number,
        code=DecisionCode(code),
        cause=cause,
        department=department_code(department),
        effective_from=BlockTime(effective_from),
        recorded_at=BlockTime(recorded_at),
        basis=optional(basis),
        successor=optional(successor),
        until=BlockTime(until) if until else None,
        ends=ends or None,
        annulled_at=BlockTime(annulled_at) if annulled_at else None,
    )
