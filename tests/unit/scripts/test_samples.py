"""The samples: consistent with each other, accepted by our own rules, and the same bytes everywhere."""

from __future__ import annotations

import hashlib
import io
import struct
import zlib
from pathlib import Path

import pytest

from ledger.certificates import check_record
from ledger.codes import certificate_ids, divisions
from ledger.codes.uscc import is_uscc
from notary.documents import describe
from notary.imports import read_certificates_csv
from scripts.samples import sample_certificates, sample_certificates_of, sample_network
from scripts.samples.documents import SampleDocument, sample_documents

DOCUMENTS = sample_documents()
SHA256 = {
    "食品经营许可公告.txt": "875962ee901209c135975287e39b50a0e73475f5e1158998d99b86b4e9846650",
    "优待证办理通知.pdf": "c13b05ccaed6620c49168a5d72738adf96d902cb14fc192610bc68e3942e520d",
    "不动产示意图.png": "1c855de0c6cb74382100a665a7c5493533497322439303d5943728a40f4660c6",
    "档案扫描件.tif": "5dec5d59cc97e228c25c762d1e6b58d97efddc094e96ddd2c96fe16cd50f794c",
}


def content(document: SampleDocument) -> bytes:
    return b"".join(document.pieces())


def test_sample_network__certificates__every_issuer_and_type_is_there() -> None:
    network = sample_network()
    records = read_certificates_csv(sample_certificates())
    assert {(r["issuer"], r["type"]) for r in records} == set(network.accreditations)
    assert {(r["issuer"], r["issuer_name"]) for r in records} == {(d.code, d.name) for d in network.issuers}
    assert {(r["type"], r["name"]) for r in records} == {(t.code, t.name) for t in network.types}
    assert len(network.issuers) == 12
    assert len(network.types) == 10


def test_sample_network__codes__follow_the_rules() -> None:
    network = sample_network()
    codes = [d.code for d in network.departments]
    assert len(set(codes)) == len(codes)
    assert all(is_uscc(code) for code in codes)
    for issuer in network.issuers:
        assert divisions.current(str(issuer.division)) is not None
    for kind in network.types:
        assert certificate_ids.check_type(kind.code) is None
        assert kind.competent == kind.code[:18]
        assert kind.competent in codes
    assert all("样例" in d.name for d in network.departments if not d.has_log)


def test_sample_certificates_of__all_issuers__are_the_file() -> None:
    header, *rows = sample_certificates().splitlines()
    parts = [sample_certificates_of(issuer.code) for issuer in sample_network().issuers]
    assert all(part.splitlines()[0] == header for part in parts)
    assert sorted(row for part in parts for row in part.splitlines()[1:]) == sorted(rows)
    for issuer, part in zip(sample_network().issuers, parts, strict=True):
        assert {r["issuer"] for r in read_certificates_csv(part)} == {issuer.code}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda d: d.media_type)
def test_sample_documents__each__same_bytes_everywhere_and_a_good_record(document: SampleDocument) -> None:
    data = content(document)
    assert hashlib.sha256(data).hexdigest() == SHA256[document.name]
    assert document.issuer in {d.code for d in sample_network().issuers}
    assert "样例" in document.title
    member = describe(io.BytesIO(data), document.media_type).member()
    record = {
        "schema": "document/1", "kind": "document", "issuer": document.issuer, "title": document.title,
        "number": document.number, "document": member,
    }  # fmt: skip
    assert check_record(record) == []


def test_write__folder__the_file(tmp_path: Path) -> None:
    for document in DOCUMENTS[:2]:
        path = document.write(tmp_path)
        assert path == tmp_path / document.name
        assert path.read_bytes() == content(document)


def test_pdf__a_reader__one_page_with_our_words() -> None:
    from pypdf import PdfReader

    reader = PdfReader(io.BytesIO(content(DOCUMENTS[1])), strict=True)
    assert len(reader.pages) == 1
    assert "优待证办理" in reader.pages[0].extract_text()


def test_png__chunks__whole_and_of_the_stated_size() -> None:
    data = content(DOCUMENTS[2])
    at, kinds = 8, []
    while at < len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        body = data[at + 8 : at + 8 + length]
        assert struct.unpack_from(">I", data, at + 8 + length) == (zlib.crc32(kind + body),)
        kinds.append(kind)
        if kind == b"IDAT":
            assert len(zlib.decompress(body)) == 240 * (1 + 320 * 3)
        at += 12 + length
    assert kinds == [b"IHDR", b"IDAT", b"IEND"]


def test_tiff__size__is_the_large_one() -> None:
    data = content(DOCUMENTS[3])
    assert data[:4] == b"II*\0"
    assert len(data) == (8 << 20) + 8 + 2 + 9 * 12 + 4
