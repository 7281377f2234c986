"""One flipped bit anywhere in a receipt: a clear refusal or the right verdict, never `valid` by mistake or a crash."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest

from ledger.errors import UnreadableError
from notary.collect import collect
from notary.disclosure import make_disclosure, parse_disclosure
from notary.evidence import Presented
from notary.receipt import parse_receipt
from notary.report import Report, Verdict
from notary.report_json import to_json
from notary.trust import TrustFile
from notary.verify import verify
from tests.fakes.registry import World, certificate

RECORD = certificate()
REPORTED = {
    "block_number": "anchor_differs",
    "block_hash": "anchor_differs",
    "block_time": "anchor_differs",
    "promise": "promise_unproven",
}
"""What leaves a receipt valid and is said: block members that differ, a promise whose place the checkpoint took."""


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


def report_on(world: World, trust: TrustFile, data: bytes) -> Report | None:
    """None: unreadable, exit 19."""
    try:
        if data.startswith(b'{"format": "chuzheng-disclosure'):
            disclosure = parse_disclosure(data)
            presented = Presented(disclosure.receipt, disclosure=disclosure)
        else:
            presented = Presented(parse_receipt(data), record=RECORD)
    except UnreadableError:
        return None
    evidence = collect(presented, trust, world.chain, world.log, world.now)
    return verify(presented, evidence, trust, world.now, world.now)


def judge(world: World, trust: TrustFile, data: bytes) -> Verdict | None:
    """The verdict; None: unreadable, exit 19."""
    report = report_on(world, trust, data)
    if report is None:
        return None
    assert to_json(report)
    return report.verdict


def assert_harmless(report: Report | None, good: Verdict, path: tuple[str | int, ...], changed: object) -> None:
    """A changed member gives its receipt's own verdict only if it is a hint that nobody is shown, or it is said."""
    if report is None or report.verdict not in (good, Verdict.VALID):
        return
    if path[-1] == "tx_hash":
        assert str(changed) not in to_json(report).decode()
        return
    assert REPORTED.get(str(path[-1])) in {note.code for note in report.notes}, (path, changed)


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


def changes(good: bytes) -> Iterator[tuple[tuple[str | int, ...], object, bytes]]:
    """Every scalar of a JSON file changed: two bits of each character, two of a number; with its place."""
    for path in flips(json.loads(good)):
        value = json.loads(good)
        place = value
        for name in path[:-1]:
            place = place[name]
        old = place[path[-1]]
        texts = numbers = []
        if isinstance(old, str):
            texts = [old[:i] + chr(ord(c) ^ bit) + old[i + 1 :] for i, c in enumerate(old) for bit in {1, 1 << i % 7}]
        if type(old) is int:
            numbers = [old ^ 1, old ^ (1 << 20)]
        for changed in (*texts, *numbers):
            place[path[-1]] = changed
            yield path, changed, json.dumps(value).encode()


@pytest.mark.parametrize("finality", ["none", "depth:0", "qbft"])
@pytest.mark.parametrize("stage", ["promised", "included", "anchored"])
def test_flip__a_bit_of_every_character_of_every_member__refused_or_said(
    world: World, stage: str, finality: str
) -> None:
    trust = world.make_trust(finality=finality)
    good = world.receipt(3, stage=stage).to_json()
    expected = judge(world, trust, good)
    assert expected is (Verdict.PENDING if stage == "promised" else Verdict.VALID)
    for path, changed, data in changes(good):
        assert_harmless(report_on(world, trust, data), expected, path, changed)


def test_flip__a_bit_of_every_character_of_a_disclosure__refused_or_said(world: World, trust: TrustFile) -> None:
    receipt = world.receipt(3)
    good = make_disclosure(RECORD, receipt.salt or b"", ["holders"], receipt)
    assert judge(world, trust, json.dumps(json.loads(good)).encode()) is Verdict.VALID
    for path, changed, data in changes(good):
        assert_harmless(report_on(world, trust, data), Verdict.VALID, path, changed)


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
