"""Files into the store and out again: only ciphertext is kept, only the registered file is released."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.certificates import check_record
from ledger.errors import ChuzhengError, InputError, IntegrityError, NotFoundError, UnreadableError
from ledger.texts import LANGUAGES, error_text
from ledger.types import DepartmentCode
from notary import documents
from notary.cid import cid_of_stream
from notary.documents import StoredFile, describe, media_type_of, open_file, same_file, store_file
from notary.envelope import envelope_size
from notary.stores.content import EmbeddedStore

ONE, TWO = DepartmentCode("11420503087246977F"), DepartmentCode("11430000006122244L")
KEYS = {ONE: X25519PrivateKey.generate(), TWO: X25519PrivateKey.generate()}
READERS = {code: key.public_key() for code, key in KEYS.items()}
DATA = b"plain words " * 20_000


class Place:
    """A store with its scratch folder, and the file that was put there."""

    def __init__(self, folder: Path, data: bytes = DATA) -> None:
        self.folder = folder
        self.content = EmbeddedStore(folder / "content")
        self.stored = self.put(data)

    def put(self, data: bytes) -> StoredFile:
        return store_file(io.BytesIO(data), "application/pdf", READERS, content=self.content)

    def open(self, target: Path, reader: DepartmentCode = ONE, **changed: Any) -> Any:
        document = {**self.stored.document, **changed}
        return open_file(
            document, wrap=self.stored.wraps[reader], reader=reader, key=KEYS[reader], content=self.content,
            target=target,
        )  # fmt: skip


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_store_file__document__is_a_good_record(place: Place) -> None:
    document = place.stored.document
    record = {"schema": "document/1", "kind": "document", "issuer": ONE, "document": document}
    assert check_record(record) == []
    assert document["sha256"] == hashlib.sha256(DATA).hexdigest()
    assert document["sm3"] == hashlib.new("sm3", DATA).hexdigest()
    assert document["size"] == len(DATA)
    assert set(place.stored.wraps) == set(READERS)
    assert {len(wrap) for wrap in place.stored.wraps.values()} == {32 + 32 + 16}


def test_store_file__disk__holds_ciphertext_only(place: Place) -> None:
    envelope = b"".join(place.content.leaves(place.stored.document["cid"]))
    assert len(envelope) == envelope_size(len(DATA))
    assert hashlib.sha256(envelope).digest() == place.stored.envelope_sha256
    assert cid_of_stream(io.BytesIO(envelope)) == place.stored.document["cid"]
    for file in place.folder.rglob("*"):
        assert not file.is_file() or b"plain words" not in file.read_bytes()


def test_store_file__twice__other_key_other_envelope(place: Place) -> None:
    again = place.put(DATA)
    assert again.document["cid"] != place.stored.document["cid"]
    assert again.document["sha256"] == place.stored.document["sha256"]


def test_store_file__no_reader__refused(tmp_path: Path) -> None:
    content = EmbeddedStore(tmp_path / "content")
    with pytest.raises(InputError, match=r"document\.no_reader"):
        store_file(io.BytesIO(b""), "text/plain", {}, content=content)


@pytest.mark.parametrize("reader", [ONE, TWO])
def test_open_file__each_reader__the_same_bytes(place: Place, reader: DepartmentCode, tmp_path: Path) -> None:
    target = tmp_path / "out.pdf"
    facts = place.open(target, reader)
    assert target.read_bytes() == DATA
    assert target.stat().st_mode & 0o777 == 0o600
    assert same_file(facts, place.stored.document)


WRONG: list[tuple[dict[str, Any], type[ChuzhengError], str]] = [
    ({"sha256": "0" * 64}, IntegrityError, "document.differs"),
    ({"sm3": "0" * 64}, IntegrityError, "document.differs"),
    ({"size": len(DATA) + 1}, IntegrityError, "document.differs"),
    ({"cid": "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e"}, NotFoundError, "content.not_found"),
]


@pytest.mark.parametrize(("changed", "error", "code"), WRONG, ids=[w[2] + str(i) for i, w in enumerate(WRONG)])
def test_open_file__not_the_registered_file__nothing_released(
    changed: dict[str, Any], error: type[ChuzhengError], code: str, place: Place
) -> None:
    out = place.folder / "out"
    out.mkdir()
    with pytest.raises(error) as caught:
        place.open(out / "file", **changed)
    assert caught.value.code == code
    assert all(error_text(caught.value, language) for language in LANGUAGES)
    assert list(out.iterdir()) == []


def test_open_file__another_readers_wrap__unreadable(place: Place, tmp_path: Path) -> None:
    with pytest.raises(UnreadableError):
        open_file(
            place.stored.document, wrap=place.stored.wraps[TWO], reader=ONE, key=KEYS[ONE], content=place.content,
            target=tmp_path / "out",
        )  # fmt: skip
    assert not (tmp_path / "out").exists()


def test_open_file__without_cid__says_so(place: Place, tmp_path: Path) -> None:
    document = {name: value for name, value in place.stored.document.items() if name != "cid"}
    with pytest.raises(InputError, match=r"document\.no_cid"):
        open_file(
            document, wrap=place.stored.wraps[ONE], reader=ONE, key=KEYS[ONE], content=place.content,
            target=tmp_path / "out",
        )  # fmt: skip


def test_open_file__target_exists__kept(place: Place, tmp_path: Path) -> None:
    target = tmp_path / "out"
    target.write_bytes(b"mine")
    with pytest.raises(InputError) as caught:
        place.open(target)
    assert caught.value.code == "document.target_exists"
    assert target.read_bytes() == b"mine"


@settings(max_examples=15, deadline=None)
@given(chunks=st.integers(0, 3), more=st.integers(-1, 1))
def test_store_and_open__around_the_chunks__come_back(
    tmp_path_factory: pytest.TempPathFactory, chunks: int, more: int
) -> None:
    folder = tmp_path_factory.mktemp("place")
    data = b"\x5a" * max(0, chunks * 65_536 + more)
    place = Place(folder, data)
    place.open(folder / "out")
    assert (folder / "out").read_bytes() == data


@given(st.binary(max_size=300))
def test_describe__any_bytes__both_digests(data: bytes) -> None:
    facts = describe(io.BytesIO(data), "text/plain")
    assert facts.member() == {
        "media_type": "text/plain",
        "sha256": hashlib.sha256(data).hexdigest(),
        "size": len(data),
        "sm3": hashlib.new("sm3", data).hexdigest(),
    }


@pytest.mark.parametrize(
    ("name", "expected"),
    [("公文.PDF", "application/pdf"), ("a.ofd", "application/ofd"), ("a", "application/octet-stream")],
)
def test_media_type_of__names__by_our_own_list(name: str, expected: str) -> None:
    assert media_type_of(name) == expected


MIB = 1 << 20
LARGE = 64 * MIB


class Counting(io.RawIOBase):
    """`LARGE` bytes from nowhere; how many were asked for, and the most at once."""

    def __init__(self) -> None:
        self.given = self.most = 0

    def read(self, size: int = -1) -> bytes:
        assert size >= 0, "asked for everything at once"
        data = bytes(min(size, LARGE - self.given))
        self.given += len(data)
        self.most = max(self.most, size)
        return data


class Between(EmbeddedStore):
    """Compares, at every block, what went in with what came out: what lies between is in memory."""

    held: int = 0

    def __init__(self, folder: Path, source: Counting) -> None:
        super().__init__(folder)
        self._source, self._put, self.given = source, 0, 0

    def _put_block(self, cid: str, block: bytes) -> None:
        self.held = max(self.held, self._source.given - self._put)
        self._put += len(block)
        super()._put_block(cid, block)

    def _get_block(self, cid: str) -> bytes:
        block = super()._get_block(cid)
        self.given += len(block)
        return block


def test_large_file__in_and_out__never_more_than_a_few_pieces_between(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Flat memory for any size: figures of 5 GiB are tests/bench/bench_content.py's."""
    source = Counting()
    store = Between(tmp_path / "content", source)
    stored = store_file(source, "application/zip", READERS, content=store)  # type: ignore[arg-type]
    assert source.given == stored.document["size"] == LARGE
    assert source.most <= MIB
    assert store.held <= 4 * MIB
    ahead: list[int] = []
    write = documents._Writing.write

    def told(self: documents._Writing, data: bytes) -> int:
        ahead.append(store.given - first - sum_written[0])
        sum_written[0] += len(data)
        return write(self, data)

    first, sum_written = envelope_size(LARGE), [0]
    monkeypatch.setattr(documents._Writing, "write", told)
    target = tmp_path / "out"
    open_file(
        stored.document, wrap=stored.wraps[ONE], reader=ONE, key=KEYS[ONE], content=store, target=target
    )  # fmt: skip
    assert target.stat().st_size == LARGE
    assert max(ahead) <= 4 * MIB
