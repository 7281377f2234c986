"""Catalogue: resources, clocks and demands at a named block, and the calls that change them."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from ledger.catalogue import Clock, ClockKind, Demand, Draft, Resource, SharingClass, Stage, State, Version
from ledger.evm.codes import ZERO, code_bytes, department_code, optional
from ledger.evm.views import ContractView
from ledger.types import BlockTime, DepartmentCode, Digest

NAME = "Catalogue"
CallIntent = tuple[str, str, list[Any]]


def add_duty(code: Digest, provider: DepartmentCode, basis: Digest | None = None) -> CallIntent:
    """(contract, function, arguments) for the outbox."""
    return NAME, "addDuty", [code, code_bytes(provider), basis or ZERO]


def end_duty(code: Digest, reason: int, basis: Digest | None = None) -> CallIntent:
    return NAME, "endDuty", [code, reason, basis or ZERO]


def demand(id: Digest, provider: DepartmentCode | None, code: Digest | None, basis: Digest) -> CallIntent:
    """`basis`: the commitment of the demand's text."""
    return NAME, "demand", [id, code_bytes(provider) if provider else ZERO, code or ZERO, basis]


def assign_demand(id: Digest, provider: DepartmentCode, code: Digest | None, basis: Digest | None = None) -> CallIntent:
    return NAME, "assignDemand", [id, code_bytes(provider), code or ZERO, basis or ZERO]


def close_demand(id: Digest, reason: int, basis: Digest | None = None) -> CallIntent:
    return NAME, "closeDemand", [id, reason, basis or ZERO]


@dataclass(frozen=True, slots=True)
class NewVersion:
    """What is drawn up. `item_levels`: a byte for each item, 1 to 6."""

    version_hash: Digest
    sharing_class: SharingClass
    item_levels: bytes
    basis: Digest | None = None


def draw_up(code: Digest, version: NewVersion) -> CallIntent:
    args = [code, version.version_hash, int(version.sharing_class), version.item_levels, version.basis or ZERO]
    return NAME, "drawUp", args


def draw_up_withdrawal(code: Digest, decision: Digest) -> CallIntent:
    return NAME, "drawUpWithdrawal", [code, decision]


def review(code: Digest, version_hash: Digest, basis: Digest | None = None) -> CallIntent:
    return NAME, "review", [code, version_hash, basis or ZERO]


def approve(code: Digest, version_hash: Digest, basis: Digest | None = None) -> CallIntent:
    return NAME, "approve", [code, version_hash, basis or ZERO]


def publish(code: Digest, version_hash: Digest, basis: Digest | None = None) -> CallIntent:
    return NAME, "publish", [code, version_hash, basis or ZERO]


def send_back(code: Digest, version_hash: Digest, reason: int, basis: Digest | None = None) -> CallIntent:
    return NAME, "sendBack", [code, version_hash, reason, basis or ZERO]


def connect(code: Digest, basis: Digest | None = None) -> CallIntent:
    return NAME, "connect", [code, basis or ZERO]


def disconnect(code: Digest, reason: int, basis: Digest | None = None) -> CallIntent:
    return NAME, "disconnect", [code, reason, basis or ZERO]


def record_change(code: Digest, changed_at: BlockTime, basis: Digest | None = None) -> CallIntent:
    return NAME, "recordChange", [code, changed_at, basis or ZERO]


def extend_update(code: Digest, basis: Digest | None = None) -> CallIntent:
    return NAME, "extendUpdate", [code, basis or ZERO]


def move_deadline(code: Digest) -> CallIntent:
    return NAME, "moveDeadline", [code]


class CatalogueView(ContractView):
    contract = NAME

    def resource(self, code: Digest, block: int) -> Resource | None:
        """A resource as it stands, its provider the one that carries it now; None for one that nobody ever held."""
        provider, sharing_class, level, state, items, version = self.read("resource", [code], block)
        if provider == ZERO:
            return None
        basis = optional(self.read("basisOf", [code], block)[0])
        withdrawn = state == State.WITHDRAWN
        published = None
        if version != ZERO:
            # A withdrawn one's basis is the decision that withdrew it.
            known = None if withdrawn else basis
            published = Version(Digest(version), SharingClass(sharing_class), level, items, known)
        return Resource(
            code=code,
            provider=department_code(provider),
            owed=self.read("dutyOf", [code], block)[0] != ZERO,
            published=published,
            connected=state == State.CONNECTED,
            decision=basis if withdrawn else None,
            draft=self.draft(code, block),
            clocks=MappingProxyType({k: c for k in ClockKind if (c := self.clock(code, k, block))}),
        )

    def draft(self, code: Digest, block: int) -> Draft | None:
        stage, sharing_class, level, items, version, basis, person = self.read("draft", [code], block)
        if stage == Stage.NONE:
            return None
        made = Version(Digest(version), SharingClass(sharing_class), level, items, optional(basis))
        return Draft(made, Digest(person), Stage(stage))

    def clock(self, code: Digest, kind: ClockKind, block: int) -> Clock | None:
        """None if it never started."""
        start, days, deadline, ended = self.read("clock", [code, int(kind)], block)[0]
        if start == 0:
            return None
        return Clock(BlockTime(start), days, BlockTime(deadline), BlockTime(ended) if ended else None)

    def demand(self, id: Digest, block: int) -> Demand | None:
        consumer, provider, code, basis, closed = self.read("demandOf", [id], block)
        if consumer == ZERO:
            return None
        answers = None if provider == ZERO else department_code(provider)
        return Demand(id, department_code(consumer), answers, optional(code), Digest(basis), closed)
