"""A bundle checked at once and its receipts checked singly give one answer, whatever is wrong with it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.types import Millis
from notary.receipts import Bundle, build_bundle, parse_bundle, split
from notary.report import CheckName, Outcome
from notary.verify import check_bundle, check_receipt
from tests.fakes.registry import OTHER, World, certificate

COUNT = 11


@pytest.fixture(scope="module")
def world() -> World:
    made = World()
    for i in range(COUNT + 3):
        made.register(certificate(f"S{i}"))
    made.seal()
    return made


@pytest.fixture(scope="module")
def bundle(world: World) -> Bundle:
    receipts = [world.receipt(i, stage="included") for i in range(2, 2 + COUNT)]
    paths = [r.inclusion.path for r in receipts if r.inclusion]
    return build_bundle(world.origin, 2, world.entries[2 : 2 + COUNT], checkpoint=world.note, paths=paths)


def singly(bundle: Bundle, world: World, now: int) -> list[tuple[int, CheckName, str]]:
    found = []
    for offset, receipt in enumerate(split(bundle)):
        for check in check_receipt(receipt, world.trust, Millis(now)):
            if check.outcome is not Outcome.PASS:
                found.append((offset, check.name, check.case))
    return found


def at_once(bundle: Bundle, world: World, now: int) -> list[tuple[int, CheckName, str]]:
    return [(offset, check.name, check.case) for offset, check in check_bundle(bundle, world.trust, Millis(now))]


def test_bundle__right__nothing_to_say(world: World, bundle: Bundle) -> None:
    assert at_once(parse_bundle(bundle.to_json()), world, world.now) == []


def test_bundle__promises_only__each_is_verified(world: World) -> None:
    promised = [world.receipt(i, stage="promised") for i in range(4)]
    made = build_bundle(world.origin, 0, world.entries[:4], promises=[r.promise or b"" for r in promised])
    found = at_once(made, world, world.now)
    assert {(name, case) for _, name, case in found} == {(CheckName.INCLUSION, "promised")}
    wrong = replace(made, promises=bytes(64) + (made.promises or b"")[64:])
    assert (0, CheckName.SIGNATURE, "unsigned") in at_once(wrong, world, world.now)


@pytest.mark.parametrize("offset", [0, 5, COUNT - 1])
def test_bundle__another_departments_entry__named(world: World, bundle: Bundle, offset: int) -> None:
    entries = bytearray(bundle.entries)
    entries[offset * 92 + 2 : offset * 92 + 20] = OTHER.encode()
    wrong = replace(bundle, entries=bytes(entries))
    assert at_once(wrong, world, world.now) == [(offset, CheckName.INCLUSION, "issuer")]


def test_bundle__accepted_in_the_future__named(world: World, bundle: Bundle) -> None:
    early = world.now - 301_000
    found = at_once(bundle, world, early)
    assert found == singly(bundle, world, early)
    assert {case for _, _, case in found} >= {"accepted_later"}


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_bundle__any_bit_flipped__the_same_as_singly(world: World, bundle: Bundle, data: st.DataObject) -> None:
    assert bundle.paths is not None
    if data.draw(st.booleans()):
        at = data.draw(st.integers(0, len(bundle.entries) - 1).filter(lambda i: i % 92 > 27))
        entries = bytearray(bundle.entries)
        entries[at] ^= 1 << data.draw(st.integers(0, 7))
        wrong = replace(bundle, entries=bytes(entries))
    else:
        offset = data.draw(st.integers(0, COUNT - 1))
        path = bytearray(bundle.paths[offset])
        path[data.draw(st.integers(0, len(path) - 1))] ^= 1 << data.draw(st.integers(0, 7))
        wrong = replace(bundle, paths=(*bundle.paths[:offset], bytes(path), *bundle.paths[offset + 1 :]))
    found = at_once(wrong, world, world.now)
    assert found == singly(wrong, world, world.now)
    assert len(found) == 1
    assert found[0][1:] == (CheckName.INCLUSION, "root")
