"""Departments' keys and gateways, from the events of the contract `DepartmentKeys`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ledger.keys import DepartmentKey, Gateway, KeyId, Purpose, Suite
from ledger.store.index.events import ToldEvent
from ledger.store.index.objects import Projection, Row
from ledger.store.index.values import code, given, time
from ledger.store.object_tables import department_keys, gateways
from ledger.types import BlockTime, Digest


def key_from(history: Sequence[ToldEvent], key: DepartmentKey | None = None) -> DepartmentKey | None:
    """The key or proposal that these events made, or made of `key`; None for a subject that is none."""
    for event in history:
        args = event.args
        match event.event:
            case "KeyProposed":
                key = _proposed(event)
            case "KeyAdded" if key is not None:
                key = replace(key, since=BlockTime(args["since"]), confirmed_at=event.block_time)
            case "KeyEnded" if key is not None:
                key = replace(key, until=BlockTime(args["until"]))
            case "KeyCompromised" if key is not None:
                certain, claimed = time(args["compromisedSince"]), time(args["claimedSince"])
                key = replace(key, compromised_since=certain, claimed_since=claimed)
    return key


def _proposed(event: ToldEvent) -> DepartmentKey:
    args = event.args
    return DepartmentKey(
        key_id=KeyId(args["id"]),
        department=code(args["department"]),
        suite=Suite(args["suite"]),
        purpose=Purpose(args["purpose"]),
        public_key=args["publicKey"],
        since=BlockTime(args["since"]),
        proposed_at=event.block_time,
        certificate=given(args["certificate"]),
        certificate_until=time(args["certificateUntil"]),
        until=time(args["until"]),
        replaces=KeyId(args["replaces"]) if any(args["replaces"]) else None,
    )


def gateway_from(history: Sequence[ToldEvent], gateway: Gateway | None = None) -> Gateway | None:
    """The gateway that these events made, or made of `gateway`; None for a subject that is none."""
    for event in history:
        args = event.args
        match event.event:
            case "GatewayRegistered":
                gateway = Gateway(
                    Digest(args["id"]),
                    code(args["department"]),
                    KeyId(args["keyId"]),
                    given(args["node"]),
                    args["division"],
                    event.block_time,
                    time(args["until"]),
                )
            case "GatewayKeyChanged" if gateway is not None:
                gateway = replace(gateway, key_id=KeyId(args["keyId"]))
            case "GatewayEnded" if gateway is not None:
                gateway = replace(gateway, until=event.block_time)
    return gateway


def _key_rows(_: bytes, key: DepartmentKey) -> Sequence[Row]:
    row = {
        "department": key.department,
        "suite": int(key.suite),
        "purpose": int(key.purpose),
        "confirmed_at": key.confirmed_at,
        "since": key.since,
        "until": key.end,
        "compromised_since": key.compromised_since,
        "claimed_since": key.claimed_since,
    }
    return (row,)


def _gateway_rows(_: bytes, gateway: Gateway) -> Sequence[Row]:
    row = {
        "department": gateway.department,
        "key_id": gateway.key_id,
        "division": gateway.division,
        "since": gateway.since,
        "until": gateway.until,
    }
    return (row,)


KEYS = (
    Projection(
        "DepartmentKeys",
        department_keys,
        frozenset({"KeyProposed", "KeyAdded", "KeyEnded", "KeyCompromised"}),
        key_from,
        _key_rows,
    ),
    Projection(
        "DepartmentKeys",
        gateways,
        frozenset({"GatewayRegistered", "GatewayKeyChanged", "GatewayEnded"}),
        gateway_from,
        _gateway_rows,
    ),
)
