"""One flipped bit anywhere in a receipt: a clear refusal or the right verdict, never `valid` by mistake or a crash."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from ledger.errors import UnreadableError
from notary.collect import collect
from notary.evidence import Presented
from notary.receipt import parse_receipt
from notary.report import Verdict
from notary.report_json import to_json
from notary.trust import TrustFile
from notary.verify import verify
from tests.fakes.registry import World, certificate

RECORD = certificate()
HARMLESS = {"tx_hash", "block_number", "block_hash", "block_time", "promise"}
"""A hint; block members that differ are reported, not failed; a promise whose place the checkpoint has taken."""


@pytest.fixture(scope="module")
def world() -> World:
    made = World()
    for serial in ("A0", "A2", "A3"):
        made.register(certificate(serial))
    made.anchored_record(RECORD)
    return made


@pytest.fixture(scope="module")
def trust(world: World) -> TrustFile:
    return world.make_trust()


def judge(world: World, trust: TrustFile, data: bytes) -> Verdict | None:
    """The verdict; None: unreadable, exit 19."""
    try:
        receipt = parse_receipt(data)
    except UnreadableError:
        return None
    presented = Presented(receipt, record=RECORD)
    evidence = collect(presented, trust, world.chain, world.log, world.now)
    report = verify(presented, evidence, trust, world.now, world.now)
    assert to_json(report)
    return report.verdict


def test_flip__none__valid(world: World, trust: TrustFile) -> None:
    assert judge(world, trust, world.receipt(3).to_json()) is Verdict.VALID


def test_flip__every_bit_of_entry_salt_and_path__never_valid(world: World, trust: TrustFile) -> None:
    value = json.loads(world.receipt(3).to_json())
    for place, member in (
        (value, "entry"),
        (value, "salt"),
        (value["inclusion"]["path"], 0),
        (value["inclusion"]["path"], 1),
    ):
        good = place[member]
        raw = base64.b64decode(good)
        for bit in range(0, len(raw) * 8, 3):
            flipped = bytearray(raw)
            flipped[bit // 8] ^= 1 << bit % 8
            place[member] = base64.b64encode(flipped).decode()
            assert judge(world, trust, json.dumps(value).encode()) not in (Verdict.VALID, Verdict.PENDING), (
                member,
                bit,
            )
        place[member] = good


def flips(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """The places of all scalars in a JSON value."""
    if isinstance(value, dict):
        return [found for name, member in value.items() for found in flips(member, (*path, name))]
    if isinstance(value, list):
        return [found for i, member in enumerate(value) for found in flips(member, (*path, i))]
    return [path]


def test_flip__a_bit_of_every_character_of_every_member__refused_or_harmless(world: World, trust: TrustFile) -> None:
    good = world.receipt(3).to_json()
    for path in flips(json.loads(good)):
        value = json.loads(good)
        place = value
        for name in path[:-1]:
            place = place[name]
        old = place[path[-1]]
        texts = [old[:i] + chr(ord(c) ^ 1) + old[i + 1 :] for i, c in enumerate(old)] if isinstance(old, str) else []
        numbers = [old ^ 1, old ^ (1 << 20)] if type(old) is int else []
        for changed in (*texts[:: max(1, len(texts) // 40)], *numbers):
            place[path[-1]] = changed
            verdict = judge(world, trust, json.dumps(value).encode())
            if verdict is Verdict.VALID:
                assert path[-1] in HARMLESS, (path, changed)


def test_flip__bytes_of_the_file__never_a_crash(world: World, trust: TrustFile) -> None:
    good = world.receipt(3).to_json()
    for at in range(0, len(good), 5):
        for bit in (0, 5, 7):
            changed = bytearray(good)
            changed[at] ^= 1 << bit
            judge(world, trust, bytes(changed))


def test_cut__anywhere__unreadable(world: World, trust: TrustFile) -> None:
    good = world.receipt(3).to_json()
    for at in range(0, len(good), 7):
        assert judge(world, trust, good[:at]) is None
