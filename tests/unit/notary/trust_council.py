"""A trust file with every member, and the four who may sign it."""

from __future__ import annotations

import json
from typing import Any

from ledger.types import Address, ChainHash, Contract, Millis, Origin
from notary.trust import LogKey, TrustFile, ValidatorSet, WitnessKey, make_trust, parse_trust
from tests.fakes.registry import ISSUER, signer

ORIGIN = Origin(f"chuzheng/hubei/{ISSUER}")
A, B, C, D = (signer(name) for name in "ABCD")


def trust_bytes(**changes: Any) -> bytes:
    arguments: dict[str, Any] = {
        "network": "hubei",
        "chain_id": 420_000,
        "genesis_hash": "0x" + "ab" * 32,
        "finality": "qbft",
        "council": [("a", A), ("b", B), ("c", C)],
        "threshold": 2,
        "contracts": [Contract("AnchorLog", Address("0x" + "a1" * 20), ChainHash("0x" + "cd" * 32), 3, 900)],
        "log_keys": [LogKey(ORIGIN, "hubei-log", A.public_key, Millis(5), Millis(9), b"\x04" + bytes(64))],
        "max_delay": {ORIGIN: 3_600_000},
        "validators": [ValidatorSet(0, (Address("0x" + "01" * 20),), 10, Millis(77)), ValidatorSet(10, ())],
        "witnesses_needed": 1,
        "witnesses": [WitnessKey("w.example", D.public_key)],
        "snapshot_key": B.public_key,
        "issued_at": Millis(1_000),
        "as_of_block": 12,
    }
    return make_trust(**{**arguments, **changes})


def trust(**changes: Any) -> TrustFile:
    return parse_trust(trust_bytes(**changes))


def altered(change: Any, **changes: Any) -> bytes:
    value = json.loads(trust_bytes(**changes))
    change(value)
    return json.dumps(value).encode()
