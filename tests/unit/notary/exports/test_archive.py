"""Archive packages: one way to write each, and the four properties told line by line, whatever is wrong."""

from __future__ import annotations

import hashlib
import io
import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.errors import InputError, UnreadableError
from ledger.types import Kind, Millis
from notary.canonical import canonicalise
from notary.disclosure import make_disclosure
from notary.exports.archive import (
    MANIFEST,
    METADATA,
    Item,
    Package,
    ReadItem,
    Retention,
    archival_code,
    read_package,
    write_package,
)
from notary.exports.archive_checks import Property, check_package
from notary.receipt import parse_receipt
from notary.report import Outcome
from notary.trust import TrustFile
from tests.apart import traced_peak
from tests.fakes.registry import World, certificate, document
from tests.zips import make_package, read_zip, write_zip

PDF = b"%PDF-1.7\n" + b"x" * 100
ABOUT: dict[str, Any] = {"fonds": "J012", "year": 2026, "retention": Retention.THIRTY}


def items_of(world: World) -> list[Item]:
    """A certificate and a document with its file."""
    made = []
    for record in (certificate(), document(PDF)):
        kind = Kind.DOCUMENT if record["kind"] == "document" else Kind.CERTIFICATE
        receipt = world.anchored_record(record, kind=kind)
        assert receipt.salt is not None
        disclosure = make_disclosure(record, receipt.salt, record.keys(), receipt)
        content = (lambda: [PDF]) if record["kind"] == "document" else None
        made.append(Item(disclosure, receipt.to_json(), content, "pdf"))
    return made


@pytest.fixture(scope="module")
def world() -> World:
    return World()


@pytest.fixture(scope="module")
def items(world: World) -> list[Item]:
    return items_of(world)


@pytest.fixture(scope="module")
def package(items: list[Item]) -> bytes:
    return make_package(items, **ABOUT)


def read(data: bytes) -> tuple[Package, list[ReadItem]]:
    """The package and all its items: what isn't one is told by either."""
    package = read_package(io.BytesIO(data))
    return package, list(package.items())


def findings(data: bytes, trust: TrustFile | None = None, now: int = 10**13) -> dict[str, Outcome]:
    return {f.code: f.outcome for f in check_package(read(data)[0], trust, Millis(now))}


def changed(data: bytes, name: str, change: Any) -> bytes:
    held = read_zip(data)
    if name.endswith(".json"):
        value = json.loads(held[name])
        change(value)
        held[name] = canonicalise(value)
    else:
        held[name] = change(held[name])
    return write_zip(held)


def failing(data: bytes) -> set[str]:
    return {code for code, outcome in findings(data).items() if outcome is Outcome.FAIL}


def test_package__same_items_in_any_order__same_bytes_and_no_salt(items: list[Item], package: bytes) -> None:
    assert make_package(items[::-1], **ABOUT) == package
    _, found = read(package)
    assert [item.metadata["archival_code"] for item in found] == [
        "J012-WS-2026-D30-00001",
        "J012-WS-2026-D30-00002",
    ]
    assert all(item.receipt.salt is None for item in found)
    assert archival_code("A1", 1999, Retention.PERMANENT, 7) == "A1-WS-1999-Y-00007"


def test_check__a_good_package__nothing_fails_and_viruses_are_not_checked(world: World, package: bytes) -> None:
    found = check_package(read(package)[0], world.trust, world.now)
    assert {f.property for f in found} == set(Property)
    assert [f.code for f in found if f.outcome is Outcome.FAIL] == []
    assert {f.code for f in found if f.outcome is Outcome.UNKNOWN} == {"opens", "virus"}
    without = findings(package)
    assert without["log_signature"] is Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("name", "change", "codes"),
    [
        ("items/00002/content.pdf", lambda b: b + b"!", {"fixity", "content", "bytes"}),
        ("items/00002/content.pdf", lambda b: b"MZ" + b[2:], {"fixity", "content", "format", "programs"}),
        (METADATA, lambda m: m["items"][0].update(title=""), {"fixity", "bytes", "metadata_true", "required"}),
        (METADATA, lambda m: m["items"].pop(), {"fixity", "bytes", "metadata_true", "required", "codes"}),
        (MANIFEST, lambda m: m.update(items=3), {"count"}),
        (MANIFEST, lambda m: m.update(bytes=1), {"bytes"}),
        (MANIFEST, lambda m: m["members"][0].update(sm3="00" * 32), {"fixity"}),
        (MANIFEST, lambda m: m["members"].pop(), {"extra"}),
        (MANIFEST, lambda m: m.update(retention="Y"), {"codes", "metadata_true"}),
    ],
)
def test_check__something_wrong__its_lines_fail_and_no_others(
    package: bytes, name: str, change: Any, codes: set[str]
) -> None:
    assert failing(changed(package, name, change)) == codes


def test_check__receipts_exchanged__authenticity_fails(package: bytes) -> None:
    held = read_zip(package)
    first, second = "items/00001/receipt.json", "items/00002/receipt.json"
    held[first], held[second] = held[second], held[first]
    assert {"same_entry", "commitment", "fixity", "metadata_true"} <= failing(write_zip(held))


def test_check__file_missing_or_unknown_format__told(items: list[Item], world: World) -> None:
    bare = [items[0], Item(items[1].disclosure, items[1].receipt)]
    assert failing(make_package(bare, **ABOUT)) == {"content"}
    odd = [items[0], Item(items[1].disclosure, items[1].receipt, lambda: [PDF], "wps")]
    assert findings(make_package(odd, **ABOUT))["format_unknown"] is Outcome.UNKNOWN


def test_check__other_logs_key__signature_fails(world: World, package: bytes) -> None:
    other = World()
    trust = other.make_trust(log_keys=[])
    assert findings(package, trust, world.now)["log_signature"] is not Outcome.PASS


@pytest.mark.parametrize(
    "change",
    [
        lambda held: held.pop(MANIFEST),
        lambda held: held.pop(METADATA),
        lambda held: held.pop("items/00001/receipt.json"),
        lambda held: held.update({"items/00001/more.txt": b"x"}),
        lambda held: held.update({"items/00001/content.a/b": b"x"}),
        lambda held: held.update({"items/x/receipt.json": b"{}"}),
        lambda held: held.update({MANIFEST: b"[]"}),
        lambda held: held.update({METADATA: b"{}"}),
    ],
)
def test_read__not_a_package__refused(package: bytes, change: Any) -> None:
    held = read_zip(package)
    change(held)
    data = write_zip(held)
    with pytest.raises(UnreadableError):
        read(data)


def test_read__receipt_with_a_salt__refused(items: list[Item], package: bytes) -> None:
    held = read_zip(package)
    held["items/00001/receipt.json"] = items[0].receipt
    data = write_zip(held)
    with pytest.raises(UnreadableError) as found:
        read(data)
    assert found.value.code == "archive.salt"


def test_read__item_changed_into_something_unreadable__names_the_item(package: bytes) -> None:
    data = changed(package, "items/00002/receipt.json", lambda r: r.update(index=1 << 40))
    with pytest.raises(UnreadableError) as found:
        read(data)
    assert (found.value.code, found.value.params["number"]) == ("archive.unreadable", "00002")


def test_package__large_file__passes_in_pieces(tmp_path: Path) -> None:
    assert traced_peak(_large_package, tmp_path / "a.archive.zip") < 12 << 20


def _large_package(path: Path) -> None:
    world = World()
    items = items_of(world)
    piece = b"%PDF-1.7" + bytes((1 << 20) - 8)
    receipt = parse_receipt(items[1].receipt)
    large = Item(items[1].disclosure, items[1].receipt, lambda: itertools.repeat(piece, 64), "pdf")
    with path.open("w+b") as file:
        write_package(file, [(receipt.origin, receipt.index, lambda: large)], **ABOUT)
        found = check_package(read_package(file), world.trust, world.now)
    assert {f.code for f in found if f.outcome is Outcome.FAIL} == {"content"}


def test_write__file_that_changed_while_it_was_read__refused(items: list[Item]) -> None:
    held = items[1]
    again = Item(held.disclosure, held.receipt, held.content, held.extension, len(PDF))
    assert make_package([items[0], again], **ABOUT) == make_package(items, **ABOUT)
    with pytest.raises(InputError) as found:
        make_package([Item(held.disclosure, held.receipt, held.content, "pdf", len(PDF) + 1)], **ABOUT)
    assert found.value.code == "zip.size"


def test_write__item_that_changed_meanwhile__refused(items: list[Item]) -> None:
    with pytest.raises(InputError) as found:
        write_package(io.BytesIO(), [(parse_receipt(items[0].receipt).origin, 99, lambda: items[0])], **ABOUT)
    assert found.value.code == "archive.changed"


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_read__any_bit_flipped__refused(package: bytes, data: st.DataObject) -> None:
    whole = bytearray(package)
    at = data.draw(st.integers(0, len(whole) * 8 - 1))
    whole[at // 8] ^= 1 << at % 8
    with pytest.raises(UnreadableError):
        read(bytes(whole))


@pytest.mark.parametrize("about", [{"fonds": "j"}, {"fonds": ""}, {"fonds": "../x"}, {"year": 20}, {"fonds": "A" * 19}])
def test_make__not_allowed__refused(items: list[Item], about: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        make_package(items, **{**ABOUT, **about})
    with pytest.raises(InputError):
        make_package([], **ABOUT)
    assert hashlib.sha256(PDF).hexdigest()
