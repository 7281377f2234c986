"""What the tests of `verify`, `disclose` and `trust` share: files in a folder, and a world asked instead of servers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ledger.types import Kind
from notary.trust import make_trust
from tests.fakes.registry import World, certificate, document, signer


def settle(world: World, folder: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """A record `a` with its anchored receipt, a document `d.txt` and a trust file; the world is who is asked."""
    record = certificate("A1")
    world.register(record)
    world.register(document(b"content"), kind=Kind.DOCUMENT)
    world.seal()
    world.anchor()
    (folder / "a.record.json").write_text(json.dumps(record), encoding="utf-8")
    (folder / "a.receipt.json").write_bytes(world.receipt(0).to_json())
    (folder / "d.txt").write_bytes(b"content")
    (folder / "d.txt.record.json").write_text(json.dumps(document(b"content")), encoding="utf-8")
    (folder / "d.txt.receipt.json").write_bytes(world.receipt(1).to_json())
    (folder / "t.json").write_bytes(trust_bytes(world))
    monkeypatch.setattr("scripts.remote.chain_of", lambda url, trust: world.chain)
    monkeypatch.setattr("scripts.remote.log_of", lambda url: world.log)
    monkeypatch.setattr("scripts.commands.judging.time.time_ns", lambda: world.now * 1_000_000)
    return world


def trust_bytes(world: World, **changes: Any) -> bytes:
    old = world.make_trust()
    arguments: dict[str, Any] = {
        "network": old.network, "chain_id": old.chain_id, "genesis_hash": old.genesis_hash, "finality": "none",
        "council": [("owner", signer("owner"))], "contracts": list(old.contracts), "log_keys": list(old.log_keys),
        "issued_at": old.issued_at, "as_of_block": 0,
    }  # fmt: skip
    return make_trust(**{**arguments, **changes})
