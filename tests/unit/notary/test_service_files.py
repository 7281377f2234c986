"""Files of both sorts through the notary: documents into the content store, CSV files of certificates into the log."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from ledger.errors import ConfigurationError, ConflictError, InputError, RowsError
from notary.documents import open_file
from notary.filing import Filing
from notary.imports import COLUMNS
from notary.stores.content import EmbeddedStore
from tests.fakes.backfilling import cells_of
from tests.fakes.notary import ISSUER, ORIGIN, OTHER, Rig, certificate

READER = X25519PrivateKey.generate()


@pytest.fixture
def rig(tmp_path: Path, database: str) -> Iterator[Rig]:
    made = Rig(tmp_path / "home", database=database)
    made.notary.filing = Filing(EmbeddedStore(tmp_path / "content"))
    yield made
    made.notary.close()


def blocks(rig: Rig) -> int:
    return sum(1 for path in (rig.home.parent / "content" / "blocks").rglob("*") if path.is_file())


def submit(rig: Rig, data: bytes, **more: object) -> object:
    readers = {ISSUER: READER.public_key()}
    return rig.notary.accept_document(
        ISSUER,
        ORIGIN,
        io.BytesIO(data),
        media_type="text/plain",
        readers=readers,
        **more,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize("size", [0, 1, 65_536, 3_000_000])
def test_accept_document__any_size__only_the_reader_gets_it_back(rig: Rig, tmp_path: Path, size: int) -> None:
    data = bytes(range(251)) * (size // 251 + 1)
    accepted = submit(rig, data[:size])
    record = rig.notary.record(ORIGIN, 0)
    assert accepted.receipt.salt is not None  # type: ignore[attr-defined]
    wrap = rig.notary.wraps(ORIGIN, 0)[ISSUER]
    store = rig.notary.filing.content  # type: ignore[union-attr]
    target = tmp_path / "again"
    open_file(record["document"], wrap=wrap, reader=ISSUER, key=READER, content=store, target=target)
    assert target.read_bytes() == data[:size]
    assert record["document"]["size"] == size
    stored = b"".join(path.read_bytes() for path in rig.home.parent.rglob("*") if path.is_file() and path != target)
    assert size < 1000 or data[:100] not in stored


def test_accept_document__sent_again_while_the_first_is_still_encrypted__one_file_is_kept(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client that waits no longer sends a large file again; both come to their end."""
    content = rig.notary.filing.content  # type: ignore[union-attr]
    real = content.put_stream
    for number, more in enumerate(({}, {"key": "k"})):
        data, others = bytes([number]) * 2_000_000, list[object]()

        def meanwhile(source: object, data: bytes = data, others: list[object] = others, more: Any = more) -> str:
            monkeypatch.setattr(content, "put_stream", real)
            others.append(submit(rig, data, **more))
            return real(source)  # type: ignore[arg-type]

        monkeypatch.setattr(content, "put_stream", meanwhile)
        mine = submit(rig, data, **more)
        assert mine.receipt == others[0].receipt  # type: ignore[attr-defined]
        assert mine.repeated  # type: ignore[attr-defined]
        assert blocks(rig) == 3 * (number + 1)
        assert content.has(rig.notary.record(ORIGIN, number)["document"]["cid"])


def test_accept_document__refused_after_it_was_encrypted__nothing_of_it_is_kept(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = rig.notary.filing.content  # type: ignore[union-attr]
    real = content.put_stream

    def meanwhile(source: object) -> str:
        monkeypatch.setattr(content, "put_stream", real)
        submit(rig, b"another", key="k")
        return real(source)  # type: ignore[arg-type]

    monkeypatch.setattr(content, "put_stream", meanwhile)
    with pytest.raises(ConflictError, match="idempotency_conflict"):
        submit(rig, b"a file", key="k")
    assert blocks(rig) == 1


def test_accept_document__again__the_same_receipt_and_nothing_encrypted_twice(rig: Rig) -> None:
    first, before = submit(rig, b"a file"), blocks(rig)
    again = submit(rig, b"a file")
    assert first.receipt.to_json() == again.receipt.to_json()  # type: ignore[attr-defined]
    assert again.repeated  # type: ignore[attr-defined]
    assert blocks(rig) == before
    keyed = submit(rig, b"another", key="k")
    assert submit(rig, b"another", key="k").receipt == keyed.receipt  # type: ignore[attr-defined]
    before = blocks(rig)
    with pytest.raises(ConflictError, match="idempotency_conflict"):
        submit(rig, b"a third", key="k")
    assert blocks(rig) == before
    assert len(rig.entries()) == 2


def test_accept_document__with_a_certificate__stands_in_its_record(rig: Rig) -> None:
    submit(rig, b"scan", record=certificate(1))
    assert rig.notary.record(ORIGIN, 0)["identifier"] == certificate(1)["identifier"]
    with pytest.raises(ConflictError, match="already_anchored"):
        submit(rig, b"another scan", record=certificate(1))
    with pytest.raises(InputError, match="document_given"):
        submit(rig, b"x", record={**certificate(2), "document": {}})
    assert len(rig.entries()) == 1


def test_accept_document__what_cannot_be__refused_before_anything_is_stored(rig: Rig) -> None:
    with pytest.raises(InputError, match="no_reader"):
        rig.notary.accept_document(ISSUER, ORIGIN, io.BytesIO(b"x"), media_type="text/plain", readers={})
    with pytest.raises(InputError):
        rig.notary.accept_document(ISSUER, ORIGIN, io.BytesIO(b"x"), media_type="no type", readers={})
    assert blocks(rig) == 0
    rig.notary.filing = None
    with pytest.raises(ConfigurationError, match="no_content_store"):
        submit(rig, b"x")
    assert rig.entries() == []


def rows(count: int, issuer: str = ISSUER) -> list[dict[str, str]]:
    return [cells_of(n, issuer) for n in range(count)]


def as_csv(content: list[dict[str, str]]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    writer.writerows(content)
    return text.getvalue().encode()


def test_accept_csv__good_file__one_entry_a_row_and_the_same_answer_again(rig: Rig) -> None:
    source = as_csv(rows(1000))
    first = rig.notary.accept_csv(ISSUER, ORIGIN, source, key="k")
    again = rig.notary.accept_csv(ISSUER, ORIGIN, io.BytesIO(source), key="k")
    assert [a.receipt for a in first] == [a.receipt for a in again]
    assert [a.receipt.index for a in first] == list(range(1000))
    assert rig.notary.record(ORIGIN, 999) == certificate(999)
    single = rig.notary.accept_records(ISSUER, ORIGIN, [certificate(7)])[0]
    assert single.receipt == first[7].receipt


def test_accept_csv__wrong_rows__every_error_and_nothing_taken(rig: Rig) -> None:
    content = rows(900)
    content[3]["issue_date"] = "2024-02-30"
    content[4] |= rows(5, issuer=OTHER)[4]
    content[600]["identifier"] = content[5]["identifier"]
    with pytest.raises(RowsError) as caught:
        rig.notary.accept_csv(ISSUER, ORIGIN, as_csv(content), key="k")
    assert [(row, column) for row, column, _ in caught.value.rows] == [
        (5, "issue_date"),
        (6, "issuer_code"),
        (602, "identifier"),
    ]
    with pytest.raises(RowsError):
        rig.notary.accept_csv(ISSUER, ORIGIN, as_csv(rows(3)).decode().encode("gb18030"), key="k")
    assert rig.entries() == []


def test_accept_csv__a_certificate_anchored_otherwise__refused_whole(rig: Rig) -> None:
    rig.notary.accept_records(ISSUER, ORIGIN, [certificate(450, name="另一名称")])
    with pytest.raises(ConflictError, match="already_anchored") as caught:
        rig.notary.accept_csv(ISSUER, ORIGIN, as_csv(rows(500)), key="k")
    assert caught.value.params["row"] == 451
    assert len(rig.entries()) == 1
