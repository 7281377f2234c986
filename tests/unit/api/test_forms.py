"""Uploaded forms: read strictly, kept nowhere, refused whole."""

from __future__ import annotations

import io
import json
import stat
import tempfile
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from api import bodies, forms
from ledger.errors import UnavailableError
from tests.fakes.house import ISSUER, House
from tests.unit.api.test_writing import problem

DOCUMENTS = "/api/v1/documents"
HEAD = b'--b\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n'
FILE = (
    b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.pdf"\r\nContent-Type: application/pdf\r\n\r\n'
    b"plain bytes of a file\r\n"
)
END = b"--b--\r\n"


def post(client: TestClient, house: House, body: bytes, path: str = DOCUMENTS) -> Any:
    headers = house.headers(media_type="multipart/form-data; boundary=b")
    return client.post(path, content=body, headers=headers)


@pytest.fixture
def no_temporary_folder(client: TestClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The system's temporary folder is where nothing may be put: once all is set up it doesn't even exist."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))


@pytest.mark.usefixtures("no_temporary_folder")
@pytest.mark.parametrize("size", [0, 1, forms.IN_MEMORY + 1, 3 << 20])
def test_form__file_of_any_size__is_filed_and_gone(client: TestClient, house: House, size: int) -> None:
    data = b"x" * size
    answer = client.post(DOCUMENTS, files={"file": ("a.pdf", data, "application/pdf")}, headers=house.headers())
    assert answer.status_code == 201, answer.text
    document = answer.json()["record"]["document"]
    assert (document["size"], document["media_type"]) == (size, "application/pdf")
    assert list(house.parts.settings.uploads_dir.iterdir()) == []


def test_upload__while_it_lies_there__has_no_name_and_is_ours_alone(
    client: TestClient, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[int, int, list[Path]]] = []
    real = house.notary.accept_document

    def spy(department: Any, origin: Any, source: BinaryIO, **named: Any) -> Any:
        found = source.fileno() if hasattr(source, "fileno") else -1
        stated = Path(f"/proc/self/fd/{found}").stat()
        folder = house.parts.settings.uploads_dir
        seen.append((stat.S_IMODE(stated.st_mode), stated.st_nlink, list(folder.iterdir())))
        assert stated.st_dev == folder.stat().st_dev
        return real(department, origin, source, **named)

    monkeypatch.setattr(house.notary, "accept_document", spy)
    data = b"x" * (forms.IN_MEMORY + 1)
    client.post(DOCUMENTS, files={"file": ("a.pdf", data, "application/pdf")}, headers=house.headers())
    client.post(DOCUMENTS, content=data + b"2", headers=house.headers(media_type="application/pdf"))
    assert seen == [(0o600, 0, []), (0o600, 0, [])]


@pytest.mark.parametrize("cut", range(0, len(FILE + END) - 4, 7))
def test_form__cut_off_anywhere__leaves_nothing(client: TestClient, house: House, cut: int) -> None:
    answer = post(client, house, (FILE + END)[:cut])
    assert answer.status_code in (400, 422), answer.text
    assert house.notary.log(house.origin).next_index == 0
    assert not house.parts.settings.uploads_dir.exists() or not list(house.parts.settings.uploads_dir.iterdir())


GBK = "证照".encode("gbk")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (FILE + HEAD % (b"title", GBK) + END, 400, "request.not_utf8"),
        (FILE + HEAD % (GBK, b"x") + END, 400, "request.not_utf8"),
        (FILE + HEAD % (b"record", b'{"a":"\xff"}') + END, 400, "request.not_utf8"),
        (FILE + HEAD % (b"record", b"") + END, 400, "json.syntax"),
        (FILE + HEAD % (b"title", b"x" * 501) + END, 422, "request.member"),
        (FILE + HEAD % (b"title", b"x" * (1 << 20 | 1)) + END, 413, "request.too_large"),
        (FILE + HEAD % (b"title", b"a") + HEAD % (b"title", b"b") + END, 422, "request.form_limit"),
        (FILE + FILE + END, 422, "request.form_limit"),
        (b"".join(HEAD % (b"f%d" % n, b"x") for n in range(4)) + FILE + END, 422, "request.form_limit"),
        (HEAD % (b"title", b"no file") + END, 422, "request.member"),
        (HEAD % (b"file", b"as text") + END, 422, "request.member"),
        (b'--b\r\nContent-Disposition: form-data; filename="a"\r\n\r\nx\r\n' + END, 400, "request.unreadable"),
        (b'--b\r\nContent-Disposition: attachment; name="file"\r\n\r\nx\r\n' + END, 400, "request.unreadable"),
        (b"--b\r\nX-Long: " + b"x" * 9000 + b"\r\n\r\nx\r\n" + END, 400, "request.unreadable"),
        (b"--c\r\n\r\nx\r\n--c--\r\n", 400, "request.unreadable"),
        (b"", 400, "request.truncated"),
    ],
)
def test_form__wrong__is_refused_whole(client: TestClient, house: House, body: bytes, status: int, code: str) -> None:
    problem(post(client, house, body), status, code)
    assert house.notary.log(house.origin).next_index == 0


def test_form__record_given__is_committed_as_it_is(client: TestClient, house: House) -> None:
    record = json.dumps({"schema": "document/1", "kind": "document", "issuer": ISSUER, "title": "𠮷"})
    answer = post(client, house, FILE + HEAD % (b"record", record.encode()) + END)
    assert answer.status_code == 201, answer.text
    assert answer.json()["record"]["title"] == "𠮷"


@given(st.lists(st.sampled_from([HEAD % (b"title", b"t"), FILE, END, b"--b", b"\r\n", b"-", b"\xff", b'"', b"\x00"])))
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
def test_form__any_bytes__are_a_form_or_a_problem(client: TestClient, house: House, parts: list[bytes]) -> None:
    answer = post(client, house, b"".join(parts))
    assert answer.status_code in (200, 201, 400, 422), answer.text
    if answer.status_code >= 400:
        assert answer.json()["message_zh"]


def test_page__form_text_not_utf8__is_a_page(client: TestClient, house: House) -> None:
    answer = post(client, house, HEAD % (b"identifier", GBK) + END, path="/verify")
    assert (answer.status_code, answer.headers["content-type"]) == (400, "text/html; charset=utf-8")


def test_upload__disk_full__is_told_and_the_receipt_can_still_be_checked(
    client: TestClient, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    receipt = house.anchored(house.certificate())

    class Full(io.BytesIO):
        def write(self, data: Any) -> int:
            raise OSError(28, "No space left on device")

    real = bodies.unnamed_file
    monkeypatch.setattr(bodies, "unnamed_file", lambda folder, **named: Full())
    problem(client.post(DOCUMENTS, content=b"x", headers=house.headers()), 503, "store.disk_full")
    monkeypatch.setattr(bodies, "unnamed_file", real)
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **named: Full())
    record = json.dumps(house.certificate(), ensure_ascii=False).encode()
    files = [("files", ("a.receipt.json", receipt.to_json())), ("files", ("a.record.json", record))]
    assert "有效" in client.post("/verify?lang=zh", files=files).text


def test_held__full__tells_to_come_back_and_frees_after_any_answer(client: TestClient, house: House) -> None:
    held = client.app.state.held  # type: ignore[attr-defined]
    body = json.dumps(house.certificate()).encode()
    held.take(bodies.MOST_HELD - len(body) + 1)
    problem(client.post("/api/v1/certificates", content=body, headers=house.headers()), 503, "server.busy")
    held.give_back(1)
    assert client.post("/api/v1/certificates", content=body, headers=house.headers()).status_code == 201
    assert client.post("/api/v1/certificates", content=b"{", headers=house.headers()).status_code == 400
    assert held.now == bodies.MOST_HELD - len(body)
    with pytest.raises(UnavailableError):
        held.take(len(body) + 1)
