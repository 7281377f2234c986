"""Stored records, keys, look-ups, wraps and files, each changed in one place: found, and named by index."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from ledger.errors import ChuzhengError
from ledger.texts import LANGUAGES, error_text
from notary.checkpoint import VerifierKey
from notary.filing import Filing
from notary.fsck import fsck
from notary.fsck_quick import fsck_since
from notary.fsck_records import RecordAudit
from notary.log import Head
from notary.rotation import LogKeys
from notary.stores import record_tables as sql
from notary.stores.audit_rows import kept_checkpoints
from notary.stores.content import EmbeddedStore
from notary.stores.record_tables import position_of
from notary.stores.records import CheckpointRow
from tests.fakes.notary import ISSUER, ORIGIN, OTHER, Rig, certificate, packed

READERS = {
    ISSUER: X25519PrivateKey.from_private_bytes(b"\x05" * 32),
    OTHER: X25519PrivateKey.from_private_bytes(b"\x06" * 32),
}
FILE_INDEX = 5
CONTENT = b"a licence on paper" * 5_000


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    """Five certificates, a certificate with its file, three bare commitments; a checkpoint that was handed over."""
    rig = Rig(tmp_path)
    notary = rig.notary
    notary.filing = Filing(EmbeddedStore(tmp_path / "content"))
    notary.accept_records(ISSUER, ORIGIN, [certificate(n) for n in range(5)], key="k")
    publics = {code: key.public_key() for code, key in READERS.items()}
    notary.accept_document(
        ISSUER, ORIGIN, io.BytesIO(CONTENT), media_type="application/pdf", readers=publics, record=certificate(5)
    )
    notary.accept_commitments(ISSUER, ORIGIN, packed(3), key="c")
    note = rig.log.checkpoint_note() or ""
    with notary.store.transaction() as connection:
        row = notary.log(ORIGIN)
        notary.store.put_checkpoint(connection, CheckpointRow(row.id, 9, rig.log.root(9), note, 0, "i"))
    return rig


def audit(
    rig: Rig, *, keys: bool = True, span: tuple[int, int] | None = None
) -> tuple[list[ChuzhengError], RecordAudit]:
    found: list[ChuzhengError] = []
    made = RecordAudit(rig.notary, ORIGIN, found.append, wrap_keys=READERS.get if keys else lambda reader: None)
    made.span(*(span or (0, made.log.next_index)))
    if span is None:
        made.rest()
    for finding in found:
        assert finding.params["origin"] == ORIGIN
        assert all(str(finding.params["index"]) in error_text(finding, language) for language in LANGUAGES)
    return found, made


def told(rig: Rig, **more: Any) -> list[tuple[str, int]]:
    return [(f.code, f.params["index"]) for f in audit(rig, **more)[0]]


def change(rig: Rig, statement: str, **values: Any) -> None:
    with rig.notary.store.transaction() as connection:
        assert connection.execute(sa.text(statement), values).rowcount > 0


def place(rig: Rig, index: int) -> int:
    return position_of(rig.notary.log(ORIGIN).id, index)


def test_audit__sound_store__no_finding_and_its_counts(rig: Rig) -> None:
    found, made = audit(rig)
    assert found == []
    assert (made.counts.records, made.counts.files, made.counts.opened) == (6, 1, 1)
    found, made = audit(rig, keys=False)
    assert found == []
    assert (made.counts.files, made.counts.opened) == (1, 0)


@pytest.mark.parametrize("table", ["records", "record_keys"])
@pytest.mark.parametrize("how", ["flipped", "gone", "another's"])
def test_audit__record_or_key_changed__named(rig: Rig, table: str, how: str) -> None:
    column = "body" if table == "records" else "sealed"
    with rig.notary.store.reading() as connection:
        rows: dict[int, bytes] = dict(
            (row[0], row[1]) for row in connection.execute(sa.text(f"SELECT position, {column} FROM {table}"))
        )
    at = place(rig, 2)
    if how == "gone":
        change(rig, f"DELETE FROM {table} WHERE position = :at", at=at)
        # whoever is told of the half that is left is told of the look-up that led to the whole, too
        assert told(rig) == [("fsck.record_half", 2), ("fsck.lookup_nowhere", 2)]
        return
    data = rows[place(rig, 3)] if how == "another's" else bytes([rows[at][0] ^ 1]) + rows[at][1:]
    change(rig, f"UPDATE {table} SET {column} = :data WHERE position = :at", data=data, at=at)
    assert told(rig) == [("fsck.record_sealed", 2)]


def test_audit__record_replaced_by_who_has_the_storage_key__named(rig: Rig) -> None:
    """The vault's own owner can seal another record under the commitment: the commitment doesn't bear it out."""
    notary = rig.notary
    with notary.store.reading() as connection:
        entry = notary.store.entry(connection, place(rig, 1)) or b""
    keys, body = notary.vault.seal(entry[28:60], b"\x01" * 32, b'{"kind":"certificate"}')
    change(rig, "UPDATE record_keys SET sealed = :keys WHERE position = :at", keys=keys, at=place(rig, 1))
    change(rig, "UPDATE records SET body = :body WHERE position = :at", body=body, at=place(rig, 1))
    assert ("fsck.record_sealed", 1) in told(rig) or ("fsck.record_differs", 1) in told(rig)


def test_audit__key_of_another_vault__every_record_named(rig: Rig) -> None:
    from notary.vault import Vault

    rig.notary.vault = Vault(b"\x09" * 32)
    codes = told(rig)
    assert [index for code, index in codes if code == "fsck.record_sealed"] == list(range(6))


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("DELETE FROM lookups WHERE position = :at", [("fsck.lookup_missing", 3)]),
        ("UPDATE lookups SET position = position + 490 WHERE position = :at",
         [("fsck.lookup_missing", 3), ("fsck.row_beyond", 493)]),
        ("UPDATE lookups SET version = 9 WHERE position = :at",
         [("fsck.lookup_missing", 3), ("fsck.lookup_nowhere", 3)]),
        ("UPDATE lookups SET identifier = (SELECT identifier FROM lookups WHERE position = :at - 2) "
         "WHERE position = :at", [("fsck.lookup_missing", 3), ("fsck.lookup_nowhere", 3)]),
    ],
)  # fmt: skip
def test_audit__lookup_changed__named(rig: Rig, statement: str, expected: list[tuple[str, int]]) -> None:
    change(rig, statement, at=place(rig, 3))
    assert told(rig) == expected


def test_audit__lookup_of_other_content__named(rig: Rig) -> None:
    change(rig, "UPDATE lookups SET content = :content WHERE position = :at", content=b"\x01" * 32, at=place(rig, 3))
    assert told(rig) == [("fsck.lookup_differs", 3)]


def test_audit__rows_beyond_the_last_entry_and_answers_to_nowhere__named(rig: Rig) -> None:
    with rig.notary.store.transaction() as connection:
        rig.notary.store.insert(connection, sql.records, [(place(rig, 500), b"x")])
        packed_positions = sql.pack_positions([place(rig, 700)])
        row = (rig.notary.log(ORIGIN).id, ISSUER, "records", b"\x01" * 32, b"\x02" * 32, packed_positions)
        rig.notary.store.insert(connection, sql.idempotency, [row])
        rig.notary.store.insert(connection, sql.answers, [(place(rig, 600), *row[1:5], 2)])
    assert told(rig) == [("fsck.row_beyond", 500), ("fsck.answer_nowhere", 600), ("fsck.answer_nowhere", 700)]


def test_audit__wrap_changed__named_with_its_reader(rig: Rig) -> None:
    change(
        rig, "UPDATE record_wraps SET sealed = :data WHERE position = :at AND reader = :reader",
        data=b"\x01" * 100, at=place(rig, FILE_INDEX), reader=OTHER,
    )  # fmt: skip
    found, made = audit(rig)
    assert [(f.code, f.params["index"], f.params["reader"]) for f in found] == [
        ("fsck.wrap_differs", FILE_INDEX, OTHER)
    ]
    assert made.counts.opened == 1  # the other reader's wrap still opens it


@pytest.mark.parametrize("how", ["changed", "gone", "cut"])
def test_audit__file_changed__named_by_its_cid(rig: Rig, how: str, tmp_path: Path) -> None:
    cid = rig.notary.record(ORIGIN, FILE_INDEX)["document"]["cid"]
    path = tmp_path / "content" / "blocks" / cid[-2:] / cid
    data = path.read_bytes()
    if how == "gone":
        path.unlink()
    else:
        path.write_bytes(data[:-1] if how == "cut" else data[:99] + bytes([data[99] ^ 1]) + data[100:])
    found, _ = audit(rig)
    code = "fsck.file_missing" if how == "gone" else "fsck.file_damaged"
    assert [(f.code, f.params["index"], f.params["cid"]) for f in found] == [(code, FILE_INDEX, cid)]


def test_audit__span_and_sample__only_that_is_read(rig: Rig) -> None:
    change(rig, "UPDATE records SET body = :data WHERE position = :at", data=b"\x01" * 50, at=place(rig, 2))
    assert told(rig, span=(3, 9)) == []
    found: list[ChuzhengError] = []
    some = RecordAudit(rig.notary, ORIGIN, found.append)
    some.some([2, 2, 7])
    assert [f.params["index"] for f in found] == [2]


# -- kept checkpoints and the quick look ------------------------------------------------------------------------------


def whole(rig: Rig, since: int | None = None) -> list[str]:
    notary, log = rig.notary, rig.log
    key = LogKeys(VerifierKey(str(ORIGIN), notary.signers[ORIGIN].public_key))
    kept = list(kept_checkpoints(notary.store, notary.log(ORIGIN).id))
    anchors = [Head(9, log.root(9))]
    with notary.store.reading() as connection:
        rows = notary.store.entries_from(connection, notary.log(ORIGIN).id, 0, 100)
    if since is None:
        report = fsck(log, keys=key, anchors=anchors, kept=kept, rows=enumerate(rows))
    else:
        report = fsck_since(log, since, keys=key, anchors=anchors, kept=kept, rows=enumerate(rows))
    return [f.code for f in report.findings]


@pytest.mark.parametrize("since", [None, 0, 8])
def test_kept__sound__no_finding(rig: Rig, since: int | None) -> None:
    assert whole(rig, since) == []


@pytest.mark.parametrize("since", [None, 0])
@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("UPDATE checkpoints SET root = :data", "fsck.kept_differs"),
        ("UPDATE checkpoints SET note = replace(note, 'chuzheng/test', 'chuzheng/tost')", "fsck.kept_note"),
        ("UPDATE checkpoints SET note = 'x'", "fsck.kept_note"),
        ("UPDATE checkpoints SET size = 12", "fsck.behind_kept"),
        ("UPDATE entry_groups SET entries = :group WHERE length(entries) = 460", "fsck.row_differs"),
    ],
)
def test_kept__row_changed__named(rig: Rig, since: int | None, statement: str, code: str) -> None:
    values = {
        k: v
        for k, v in (("data", b"\x01" * 32), ("group", b"".join(rig.entries()[n] for n in (1, 1, 2, 3, 4))))
        if f":{k}" in statement
    }
    change(rig, statement, **values)
    assert code in whole(rig, since)


@pytest.mark.parametrize("since", [None, 0])
@pytest.mark.parametrize("damage", [lambda data: data[:-3], lambda data: data[:94], lambda data: b"\x00\x05" + data])
def test_bundle_damaged__whole_or_quick__its_file_is_named(rig: Rig, since: int | None, damage: Any) -> None:
    path = rig.log.directory / "tile/entries/000.p/9"
    path.write_bytes(damage(path.read_bytes()))
    assert "fsck.bundle" in whole(rig, since)
    key = LogKeys(VerifierKey(str(ORIGIN), rig.notary.signers[ORIGIN].public_key))
    look = fsck(rig.log, keys=key) if since is None else fsck_since(rig.log, since, keys=key)
    [found] = [f for f in look.findings if f.code == "fsck.bundle"]
    assert found.params == {"path": "tile/entries/000.p/9", "expected": 9}


@pytest.mark.parametrize(
    ("name", "code"), [("tile/entries/000.p/9", "fsck.entry_differs"), ("tile/0/000.p/9", "log.root_differs")]
)
def test_quick__file_changed__named(rig: Rig, name: str, code: str) -> None:
    path = rig.log.directory / name
    data = bytearray(path.read_bytes())
    data[70] ^= 1
    path.write_bytes(bytes(data))
    assert code in whole(rig, 0)
