"""Erasure over HTTP: two persons' tokens, what stays is read first, and everything about the record is 410 after it."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import quote

import pytest
from starlette.testclient import TestClient

from api.auth import Desk, person_hash
from api.erasures.answers import backups_of
from ledger.errors import IntegrityError
from ledger.types import Millis, Role
from notary.erasures import parse_erasures, proves
from tests.fakes.house import ISSUER, OTHER, House

ORDER = "鄂法令〔2026〕12号"
DAY = 24 * 3_600_000
PAGE = {
    "zh": ("已登记，内容已依令删除", ("暂时无法核验", "暂时无法确认")),
    "en": ("Registered, content erased by order", ("Cannot be checked now", "Can't be told now")),
}


def token(house: House, person: str, department: str = ISSUER, role: int = Desk.ERASURE) -> dict[str, str]:
    whose = person_hash(b"k" * 32, person) if person else b""
    issued = house.parts.tokens.issue(department, role, "", whose)  # type: ignore[arg-type]
    return {"Authorization": f"Bearer {issued}"}


def url(house: House, index: int, what: str = "") -> str:
    return f"/api/v1/erasures/{quote(house.origin, safe='')}/{index}{what}"


def act(client: TestClient, house: House, index: int, what: str, headers: dict[str, str], **body: Any) -> Any:
    shown = client.get(url(house, index), headers=headers).json()
    sent = {"order": ORDER, "acknowledge": shown.get("acknowledge"), **body}
    return client.post(url(house, index, what), json=sent, headers=headers)


def problem(answer: Any, status: int, code: str) -> None:
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert answer.json()["message_zh"]


def test_erasure__two_persons__410_and_the_list_proves_it(client: TestClient, house: House) -> None:
    receipt = house.accept(house.certificate())
    one, two = token(house, "A-001"), token(house, "B-002")
    looked = client.get(url(house, receipt.index), headers=one).json()
    assert (looked["state"], looked["kept"], looked["file"]) == ("none", True, False)
    assert [each["code"] for each in looked["not_recalled"]] == [
        "receipts",
        "disclosures",
        "copies",
        "chain",
        "name",
        "backups",
    ]
    proposed = act(client, house, receipt.index, "/proposal", one)
    assert (proposed.status_code, proposed.json()["state"]) == (200, "proposed"), proposed.text
    confirmed = act(client, house, receipt.index, "/confirmation", two)
    assert (confirmed.status_code, confirmed.json()["state"]) == (200, "done"), confirmed.text
    again = act(client, house, receipt.index, "/confirmation", two)
    assert again.json() == confirmed.json()
    assert confirmed.json()["backups"]["found"] == []

    base = f"/api/v1/logs/{quote(house.origin, safe='')}"
    salted = client.get(f"{base}/receipts/{receipt.index}?salted=true", headers=house.headers())
    problem(salted, 410, "erased")
    day = datetime.fromtimestamp(confirmed.json()["erased_at"] // 1000, timezone(timedelta(hours=8))).date()
    for message in (salted.json()["message_zh"], salted.json()["message_en"]):
        assert ORDER in message
        assert day.isoformat() in message
    assert client.get(f"{base}/receipts/{receipt.index}").status_code == 200
    listed = client.get(f"{base}/erasures")
    assert listed.headers["content-type"] == "application/vnd.chuzheng.erasures+json"
    origin, [item] = parse_erasures(listed.content)
    assert (origin, item.index, item.order) == (house.origin, receipt.index, ORDER)
    assert item.proof is not None
    house.anchor()
    assert proves(item, house.origin, house.notary.logs[house.origin].entry(item.proof.index))
    public = house.notary.receipt(house.origin, receipt.index).to_json()
    report = client.post("/api/v1/verifications", json={"receipt": public.decode()}).json()
    assert report["checks"][1]["case"] == "erased"
    assert {"registered_erased", "erased_at"} <= {note["code"] for note in report["notes"]}
    proof = {check["code"]: check["outcome"] for check in report["checks"]}
    assert {proof[f"log.{of}"] for of in ("inclusion", "signature")} == {"pass"}
    assert {proof[f"anchor.{of}"] for of in ("recorded", "final")} == {"pass"}
    assert (report["verdict"], report["exit_code"]) == ("cannot_check", 20)  # the table has no other code for it
    assert report["verdict_zh"] == "已登记，内容已依令删除"
    assert report["verdict_en"] == "Registered, content erased by order"
    for said in (report["message_zh"], report["message_en"]):
        assert ORDER in said
        assert day.isoformat() in said
    for language, (word, outage) in PAGE.items():
        page = client.post(f"/verify?lang={language}", files={"files": ("a.receipt.json", public)}).text
        assert f'<h1 id="verdict" tabindex="-1">{word}</h1>' in page
        assert (ORDER in page, day.isoformat() in page, any(words in page for words in outage)) == (True, True, False)
    answer = client.post("/api/v1/statuses/lookups", json={"identifier": house.certificate()["identifier"]})
    problem(answer, 404, "status.unknown")


def test_erased__its_list_cant_be_read__an_outage_and_no_word_of_an_erasure(
    client: TestClient, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    receipt = house.anchored(house.certificate()).without_salt().to_json()

    def unreadable(origin: str) -> NoReturn:
        raise IntegrityError("erasure.list", origin=origin)

    monkeypatch.setattr(house.notary.erasing, "listed", unreadable)
    away = client.post("/api/v1/verifications", json={"receipt": receipt.decode()}).json()
    assert (away["verdict"], away["verdict_zh"]) == ("cannot_check", "暂时无法核验")
    assert "erasure_unasked" in {note["code"] for note in away["notes"]}
    page = client.post("/verify?lang=zh", files={"files": ("a.receipt.json", receipt)}).text
    assert '<h1 id="verdict" tabindex="-1">暂时无法核验</h1>' in page
    assert "内容是否已依令删除，现在查不到" in page
    monkeypatch.undo()
    back = client.post("/api/v1/verifications", json={"receipt": receipt.decode()}).json()
    assert {note["code"] for note in back["notes"]} & {"erasure_unasked", "registered_erased"} == set()


def test_erasure__keyed_retry_of_what_was_erased__410(client: TestClient, house: House) -> None:
    body = json.dumps(house.certificate()).encode()
    first = client.post("/api/v1/certificates", content=body, headers=house.headers(key="k"))
    index = first.json()["index"]
    act(client, house, index, "/proposal", token(house, "A"))
    assert act(client, house, index, "/confirmation", token(house, "B")).json()["state"] == "done"
    problem(client.post("/api/v1/certificates", content=body, headers=house.headers(key="k")), 410, "erased.answer")


def test_release__by_another_order__the_record_is_taken_again(client: TestClient, house: House) -> None:
    body, one = json.dumps(house.certificate()).encode(), token(house, "A")
    index = client.post("/api/v1/certificates", content=body, headers=house.headers(key="k")).json()["index"]
    act(client, house, index, "/proposal", one)
    act(client, house, index, "/confirmation", token(house, "B"))
    problem(client.post("/api/v1/certificates", content=body, headers=house.headers(key="new")), 410, "erased.name")
    url = "/api/v1/erasures/releases"
    sent: dict[str, Any] = {"order": "〔2027〕3", "record": house.certificate()}
    problem(client.post(url, json=sent), 401, "auth.missing")
    problem(client.post(url, json=sent, headers=token(house, "A", role=Role.ANCHOR)), 403, "auth.role")
    problem(client.post(url, json=sent, headers=token(house, "")), 403, "erasure.no_person")
    problem(client.post(url, json={**sent, "record": []}, headers=one), 422, "request.member")
    problem(client.post(url, json={**sent, "order": ""}, headers=one), 422, "erasure.order")
    problem(client.post(url, json={**sent, "record": {**sent["record"], "issuer": OTHER}}, headers=one), 422,
            "record.other_issuer")  # fmt: skip
    problem(client.post(url, json={**sent, "proposal": 1}, headers=one), 422, "request.member")
    proposed = client.post(url, json=sent, headers=one).json()
    assert proposed["released"] is False
    problem(client.post("/api/v1/certificates", content=body, headers=house.headers(key="new")), 410, "erased.name")
    sent["proposal"] = proposed["proposal"]
    problem(client.post(url, json=sent, headers=token(house, "Ａ")), 403, "erasure.same_person")
    problem(client.post(url, json={**sent, "order": "〔2027〕4"}, headers=token(house, "B")), 409,
            "erasure.release_stale")  # fmt: skip
    for who, released in (("B", True), ("B", True), ("C", False)):  # sent again, and by one who released nothing
        answer = client.post(url, json=sent, headers=token(house, who))
        assert (answer.status_code, answer.json()["released"]) == (200, released), answer.text
        assert "proposal" not in answer.json()
    again = client.post("/api/v1/certificates", content=body, headers=house.headers(key="new"))
    assert (again.status_code, again.json()["index"]) == (201, index + 2)


def test_erasure__one_person_with_two_tokens__refused(client: TestClient, house: House) -> None:
    index = house.accept(house.certificate()).index
    act(client, house, index, "/proposal", token(house, "a-001"))
    problem(act(client, house, index, "/confirmation", token(house, " Ａ-001 ")), 403, "erasure.same_person")
    assert house.notary.record(house.origin, index)["name"]


def test_erasure__who_may_not__refused(client: TestClient, house: House) -> None:
    index = house.accept(house.certificate()).index
    problem(client.get(url(house, index)), 401, "auth.missing")
    problem(client.get(url(house, index), headers=token(house, "A", role=Role.ANCHOR)), 403, "auth.role")
    problem(client.get(url(house, index), headers=token(house, "A", OTHER)), 403, "auth.department")
    problem(act(client, house, index, "/proposal", token(house, "")), 403, "erasure.no_person")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"acknowledge": "00" * 32}, 409, "erasure.not_acknowledged"),
        ({"acknowledge": None}, 409, "erasure.not_acknowledged"),
        ({"order": ""}, 422, "erasure.order"),
        ({"order": "42010119900101123X"}, 422, "erasure.order"),
        ({"order": 7}, 422, "request.member"),
        ({"more": 1}, 422, "request.member"),
    ],
)
def test_proposal__wrong__refused(
    client: TestClient, house: House, body: dict[str, Any], status: int, code: str
) -> None:
    index = house.accept(house.certificate()).index
    problem(act(client, house, index, "/proposal", token(house, "A"), **body), status, code)


def test_erasure__nothing_there_or_withdrawn__said(client: TestClient, house: House) -> None:
    one = token(house, "A")
    problem(client.get(url(house, 5), headers=one), 404, "notary.no_entry")
    problem(client.get(url(house, 1 << 53), headers=one), 404, "notary.no_entry")
    index = house.accept(house.certificate()).index
    problem(act(client, house, index, "/confirmation", one), 404, "erasure.unknown")
    act(client, house, index, "/proposal", one)
    at = client.get(url(house, index), headers=one).json()["proposed_at"]
    problem(client.delete(url(house, index, "/proposal"), headers=one), 422, "request.invalid")  # which one?
    older = url(house, index, f"/proposal?proposed_at={at - 1}")
    problem(client.delete(older, headers=one), 409, "erasure.other_proposal")
    for _ in range(2):
        taken = client.delete(url(house, index, f"/proposal?proposed_at={at}"), headers=one)
        assert taken.json()["state"] == "withdrawn"
    problem(act(client, house, index, "/confirmation", token(house, "B")), 409, "erasure.state")


def test_words__sent_again_after_the_proposal_was_taken_back__bring_nothing_back(
    client: TestClient, house: House
) -> None:
    """Answers were lost; meanwhile the other person took the proposal back, or somebody made another one."""
    one, two = token(house, "A"), token(house, "B")
    index = house.accept(house.certificate()).index

    def shown() -> dict[str, Any]:
        looked: dict[str, Any] = client.get(url(house, index), headers=one).json()
        return looked

    def said(what: str, whose: dict[str, str], read: dict[str, Any]) -> Any:
        sent = {"order": ORDER, "acknowledge": read["acknowledge"]}
        return client.post(url(house, index, what), json=sent, headers=whose)

    read = shown()
    first = said("/proposal", one, read).json()
    assert said("/proposal", one, read).json() == first  # while it stands it is the same
    assert client.delete(url(house, index, f"/proposal?proposed_at={first['proposed_at']}"), headers=two).is_success
    problem(said("/proposal", one, read), 409, "erasure.not_acknowledged")
    assert shown()["state"] == "withdrawn"
    second = said("/proposal", one, shown()).json()
    assert second["proposed_at"] > first["proposed_at"]
    problem(said("/confirmation", two, first), 409, "erasure.not_acknowledged")  # of the first one, by the same order
    assert said("/confirmation", two, second).json()["state"] == "done"
    for what, whose in (("/proposal", one), ("/confirmation", two)):  # by whatever was read
        assert said(what, whose, read).json()["state"] == "done"


def test_backups__of_the_days_that_may_hold_it__with_the_day_to_end_each(tmp_path: Path) -> None:
    for name in ("backup-2026-10-01", "backup-2026-11-03", "backup-2026-11-21", "backup-2026-11-31", "other"):
        (tmp_path / name).mkdir()
    erased = Millis(1_795_190_400_000)  # 2026-11-21 00:00 +08:00 is 1 795 190 400
    found = backups_of(Millis(erased - 18 * DAY), erased, tmp_path)
    assert (found["first"], found["last"], found["purge_by"]) == ("2026-11-03", "2026-11-21", "2026-12-26")
    assert [(each["name"], each["purge_by"]) for each in found["found"]] == [
        ("backup-2026-11-03", "2026-12-08"), ("backup-2026-11-21", "2026-12-26"),
    ]  # fmt: skip
    assert backups_of(Millis(0), erased, None)["first"] == "2026-10-17"
