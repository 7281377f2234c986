"""Verifying on the page: its words and its form, with and without scripts."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from typing import Any

import pytest
from starlette.testclient import TestClient

from notary.disclosure import make_disclosure, parse_disclosure
from notary.qr import QrProof
from notary.qr_picture import draw_qr
from tests.fakes.house import IDENTIFIER, ISSUER, House
from tests.unit.api.verifying import FILE, code_of, document_record, texts

pytestmark = pytest.mark.usefixtures("quick_lookups")


def plain(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def test_page__both_languages__say_what_is_sent(client: TestClient) -> None:
    zh, en = client.get("/").text, client.get("/?lang=en").text
    assert '<html lang="zh-CN">' in zh
    assert '<html lang="en">' in en
    assert "原文件不会上传" in zh
    assert "会上传到本服务" in zh
    assert "is not uploaded" in en
    assert "测试链" in plain(zh)
    assert "Test chain" in plain(en)
    assert client.get("/", headers={"Accept-Language": "en-GB"}).text.count("Check now") == 1
    assert not re.search(r"<script(?![^>]*\bsrc=)", zh), "no inline script"
    assert not re.search(r"\son[a-z]+=|\sstyle=", zh), "no inline handler or style"
    assert "http://" not in zh.replace("http://www.w3.org", "")
    assert "https://" not in zh


def test_page__plain_form__uploads_and_judges(client: TestClient, house: House) -> None:
    record = document_record()
    sent = texts(house, record)
    files = [
        ("files", ("通知.pdf", io.BytesIO(FILE), "application/pdf")),
        ("files", ("通知.record.json", io.BytesIO(sent["record"].encode()), "application/json")),
        ("files", ("通知.receipt.json", io.BytesIO(sent["receipt"].encode()), "application/json")),
    ]
    page = client.post("/verify?lang=zh", files=files, data={"identifier": "", "shown": "", "at": ""})
    assert page.status_code == 200, page.text
    words = plain(page.text)
    assert "有效" in words
    assert "四个问题" in words
    assert "测试链" in words
    assert "<form" in page.text, "the whole page"
    files[0] = ("files", ("通知.pdf", io.BytesIO(FILE + b"x"), "application/pdf"))
    assert "内容不一致" in plain(client.post("/verify?lang=zh", files=files).text)


def test_page__scripted__gets_the_result_alone(client: TestClient, house: House) -> None:
    sent = texts(house, house.certificate())
    answer = client.post("/verify?lang=en", json=sent)
    assert answer.status_code == 200, answer.text
    assert "<form" not in answer.text
    assert "<html" not in answer.text
    assert "Is it unchanged?" in answer.text
    changed = client.post("/verify?lang=en", json={**sent, "record": sent["record"].replace("兴山县", "远安县")}).text
    for needed in ("What to do", "Contact", "027-12345", "CZ-10"):
        assert needed in changed


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({}, 422, "没有可核验的内容"),
        ({"identifier": IDENTIFIER}, 200, "查无结果"),
        ({"receipt": "{}"}, 400, "未能核验"),
    ],
)
def test_page__refusals__are_words_with_a_code(client: TestClient, body: Any, status: int, said: str) -> None:
    answer = client.post("/verify?lang=zh", json=body)
    assert answer.status_code == status
    assert said in answer.text
    assert "<code>" in answer.text


def test_page__identifier__shows_status_and_decisions(client: TestClient, house: House) -> None:
    from ledger.statuses import DecisionCode
    from notary.entry import status_key

    receipt = house.anchored(house.certificate())
    assert (
        "已登记，现行有效"
        in client.post("/verify?lang=zh", data={"identifier": IDENTIFIER}, files={"files": ("", b"")}).text
    )
    house.chain.decide(status_key(ISSUER, receipt.entry.sha256), DecisionCode.RESCINDED, ISSUER)
    house.clock.time += 60_000
    words = plain(client.post("/verify?lang=zh", json={"identifier": IDENTIFIER}).text)
    assert "已失去效力（撤销）" in words


def test_page__broken_form__is_answered_with_a_page(client: TestClient) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    answer = client.post("/verify?lang=zh", content=b"--y\r\nnonsense", headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (400, "text/html; charset=utf-8")
    assert "未能核验" in answer.text


def test_page__values_from_outside__are_escaped(client: TestClient, house: House) -> None:
    answer = client.post("/verify?lang=en", json={"<script>alert(1)</script>": 1})
    assert "<script>" not in answer.text
    answer = client.post("/verify?lang=en", json={"receipt": '{"format":"<img src=x>"}'})
    assert "<img" not in answer.text


def test_page__upload_too_large__is_refused(client: TestClient, house: House) -> None:
    declared = {
        "Content-Length": str(house.parts.settings.max_check_bytes + 1),
        "Content-Type": "multipart/form-data; boundary=x",
    }
    answer = client.post("/verify", content=b"", headers=declared)
    assert answer.status_code == 413


def test_form__picture_of_a_code_alone__is_read(client: TestClient, house: House) -> None:
    receipt = house.anchored(house.certificate())
    picture = draw_qr("https://x.example/verify", code_of(receipt))
    answer = client.post("/verify", files={"files": ("code.png", picture, "image/png")})
    assert answer.status_code == 200
    assert "暂时无法核验" in answer.text
    nothing = client.post("/verify", files={"files": ("code.png", b"\x89PNG", "image/png")})
    assert "图片" in nothing.text


def test_form__code_of_another_system__called_that_and_not_damaged(client: TestClient) -> None:
    told = plain(client.post("/verify", json={"identifier": "https://pay.example.com/#/x?y=1"}).text)
    assert "其他系统的二维码" in told
    assert "不完整，或已被改动" not in told


def test_form__code_that_shows_some_members__what_it_proves_is_shown_and_what_it_lacks(
    client: TestClient, house: House
) -> None:
    """A code has seldom room for all that a certificate must show; what it does show is the registered content."""
    record = house.certificate()
    receipt = house.anchored(record)
    disclosure = parse_disclosure(make_disclosure(record, receipt.salt or b"", ["name", "number"], receipt))
    code = QrProof.of(disclosure.receipt, disclosure, ["name", "number"]).to_text()
    told = plain(client.post("/verify", json={"identifier": f"https://x.example/verify#{code}"}).text)
    assert "出示的各项与登记的一致，但没有出示核验必需的" in told
    assert f"编号 {record['number']}" in told
    forged = replace(disclosure, members=tuple(replace(m, value="X") for m in disclosure.members))
    code = QrProof.of(disclosure.receipt, forged, ["number"]).to_text()
    told = plain(client.post("/verify", json={"identifier": f"https://x.example/verify#{code}"}).text)
    assert "内容不一致" in told
    assert "编号 X" not in told
