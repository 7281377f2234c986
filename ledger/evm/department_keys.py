"""DepartmentKeys: a department's keys and gateways at a named block, and the calls that change them."""

from __future__ import annotations

from typing import Any

from ledger.errors import UnavailableError
from ledger.evm.codes import ZERO, code_bytes, department_code, optional
from ledger.evm.departments import CallIntent
from ledger.evm.views import ContractView
from ledger.keys import DepartmentKey, Gateway, KeyId, NewKey, Purpose, Suite
from ledger.types import BlockTime, DepartmentCode, Digest

NAME = "DepartmentKeys"


def propose_key(key_id: KeyId, new: NewKey, basis: Digest | None = None) -> CallIntent:
    """(contract, function, arguments) for the outbox; by a person of the department, or the Council."""
    given = (
        new.suite, new.purpose, new.public_key, new.certificate or ZERO, new.certificate_until or 0, new.since,
        new.until or 0, new.replaces or ZERO,
    )  # fmt: skip
    return NAME, "proposeKey", [key_id, code_bytes(new.department), given, basis or ZERO]


def confirm_key(key_id: KeyId) -> CallIntent:
    return NAME, "confirmKey", [key_id]


def end_key(key_id: KeyId, until: BlockTime | None, reason: int, basis: Digest | None = None) -> CallIntent:
    """`until` None: at once. A proposal is withdrawn."""
    return NAME, "endKey", [key_id, until or 0, reason, basis or ZERO]


def compromise_key(key_id: KeyId, since: BlockTime, reason: int, basis: Digest | None = None) -> CallIntent:
    """`since`: from when on it counts as stolen; before the call's own block only with the Council's word."""
    return NAME, "compromiseKey", [key_id, since, reason, basis or ZERO]


def register_gateway(gateway: Gateway, basis: Digest | None = None) -> CallIntent:
    """`since` is the block's; `division` 0: the department's own."""
    department, node = code_bytes(gateway.department), gateway.node or ZERO
    args: list[Any] = [gateway.gateway_id, department, gateway.key_id, node, gateway.division, gateway.until or 0]
    return NAME, "registerGateway", [*args, basis or ZERO]


def change_gateway_key(gateway_id: Digest, key_id: KeyId, basis: Digest | None = None) -> CallIntent:
    return NAME, "changeGatewayKey", [gateway_id, key_id, basis or ZERO]


def end_gateway(gateway_id: Digest, reason: int, basis: Digest | None = None) -> CallIntent:
    return NAME, "endGateway", [gateway_id, reason, basis or ZERO]


class DepartmentKeysView(ContractView):
    contract = NAME

    def keys(self, department: DepartmentCode, block: int) -> tuple[DepartmentKey, ...]:
        """The department's keys and proposals, in the order in which they were proposed."""
        return tuple(_key(row) for row in self.read("keysOf", [code_bytes(department)], block)[0])

    def key(self, key_id: KeyId, block: int) -> DepartmentKey:
        """NotFoundError if there is none."""
        return _key(self.read("keyOf", [key_id], block)[0])

    def gateways(self, department: DepartmentCode, block: int) -> tuple[Gateway, ...]:
        """Those that the department registered, those that are over too."""
        ids = self.read("gatewaysOf", [code_bytes(department)], block)[0]
        return tuple(self.gateway(Digest(gateway_id), block) for gateway_id in ids)

    def gateway(self, gateway_id: Digest, block: int) -> Gateway:
        """NotFoundError if there is none."""
        owner, key_id, node, division, since, until = self.read("gatewayOf", [gateway_id], block)[0]
        return Gateway(
            gateway_id, department_code(owner), KeyId(key_id), optional(node), division, BlockTime(since), _time(until)
        )


def _key(row: tuple[Any, ...]) -> DepartmentKey:
    (
        key_id, owner, suite, purpose, public_key, certificate, certificate_until, since, until, compromised, claimed,
        replaces, proposed_at, confirmed_at,
    ) = row  # fmt: skip
    try:
        kind = Suite(suite), Purpose(purpose)
    except ValueError as error:
        raise UnavailableError("chain.undecodable", what=f"{NAME}.keysOf") from error
    return DepartmentKey(
        key_id=KeyId(key_id),
        department=department_code(owner),
        suite=kind[0],
        purpose=kind[1],
        public_key=public_key,
        since=BlockTime(since),
        proposed_at=BlockTime(proposed_at),
        certificate=optional(certificate),
        certificate_until=_time(certificate_until),
        until=_time(until),
        compromised_since=_time(compromised),
        claimed_since=_time(claimed),
        replaces=None if replaces == ZERO else KeyId(replaces),
        confirmed_at=_time(confirmed_at),
    )


def _time(value: int) -> BlockTime | None:
    """None for the zero that means "none"."""
    return BlockTime(value) if value else None
