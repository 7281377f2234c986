"""The public page in a real browser: what leaves it, what it computes, and that it works for everyone."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Request, expect

from ledger.statuses import DecisionCode
from notary.disclosure import make_disclosure
from notary.entry import status_key
from notary.qr import QrProof
from notary.receipt import parse_receipt
from tests.browser.serving import Site
from tests.fakes.house import IDENTIFIER, ISSUER

CONTENT = b"%PDF-1.7 \x00\xff" + "一份样例公文".encode() * 300_000
"""A few MiB, so that the worker reads it in pieces."""


class Bag:
    """Files as a visitor received them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, name: str, data: bytes | str) -> str:
        path = self.folder / name
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return str(path)


@pytest.fixture(scope="module")
def bag(tmp_path_factory: pytest.TempPathFactory) -> Bag:
    return Bag(tmp_path_factory.mktemp("bag"))


@pytest.fixture(scope="module")
def document(site: Site, bag: Bag) -> list[str]:
    """Original, record and receipt of one document."""
    digests = {"sha256": hashlib.sha256(CONTENT).hexdigest(), "sm3": hashlib.new("sm3", CONTENT).hexdigest()}
    record: dict[str, Any] = {
        "schema": "document/1",
        "kind": "document",
        "issuer": ISSUER,
        "title": "关于样例的通知𠮷",
        "document": {"media_type": "application/pdf", "size": len(CONTENT), **digests},
    }
    receipt = site.house.anchored(record)
    return [
        bag.put("通知.pdf", CONTENT),
        bag.put("通知.record.json", json.dumps(record, ensure_ascii=False)),
        bag.put("通知.receipt.json", receipt.to_json()),
    ]


@pytest.fixture(scope="module")
def certificate(site: Site, bag: Bag) -> list[str]:
    """A disclosure of one certificate, anchored."""
    record = site.house.certificate()
    receipt = site.house.anchored(record)
    assert receipt.salt is not None
    return [bag.put("证照.disclosure.json", make_disclosure(record, receipt.salt, ["name"], receipt))]


@pytest.fixture
def sent(page: Page) -> list[Request]:
    """Every request that the page makes."""
    requests: list[Request] = []

    def noted(request: Request) -> None:  # Playwright marks its handlers, which a built-in method doesn't let it
        requests.append(request)

    page.on("request", noted)
    return requests


def choose(page: Page, files: list[str]) -> None:
    page.set_input_files("#files", files)
    expect(page.locator("#chosen-list li")).to_have_count(len(files))


def check(page: Page) -> None:
    page.get_by_role("button", name="开始核验").click()


def test_document__chosen__is_hashed_here_and_not_sent(
    page: Page, site: Site, document: list[str], sent: list[Request]
) -> None:
    page.goto(site.url)
    choose(page, document)
    check(page)
    expect(page.locator("#verdict")).to_have_text("有效")
    [post] = [r for r in sent if r.method == "POST"]
    body = json.loads(post.post_data or "")
    assert body.keys() == {"file", "record", "receipt"}
    assert body["file"] == {
        "size": len(CONTENT),
        "sha256": hashlib.sha256(CONTENT).hexdigest(),
        "sm3": hashlib.new("sm3", CONTENT).hexdigest(),
    }
    assert "通知.pdf" not in (post.post_data or ""), "not even its name"
    assert {r.url.split("/", 3)[2] for r in sent} == {site.url.split("/")[2]}, "nothing from elsewhere"
    expect(page.locator(".questions h3")).to_have_count(4)
    expect(page.locator("table.checks tbody tr")).to_have_count(12)
    expect(page.get_by_text("测试链", exact=True).first).to_be_visible()
    expect(page.get_by_text("关于样例的通知𠮷")).to_be_visible()


def test_document__one_byte_changed__says_so_and_what_to_do(
    page: Page, site: Site, document: list[str], bag: Bag
) -> None:
    page.goto(site.url)
    choose(page, [bag.put("改过.pdf", CONTENT + b"."), *document[1:]])
    check(page)
    expect(page.locator("#verdict")).to_have_text("内容不一致")
    for words in ("下一步", "联系", "027-12345", "CZ-10-02"):
        expect(page.locator(".advice")).to_contain_text(words)


def test_digests__in_the_browser__equal_the_vectors(page: Page, site: Site, vectors: Path) -> None:
    page.goto(site.url)
    cases = json.loads((vectors / "sm" / "standard.json").read_text())["sm3"]
    assert len(cases) == 14
    lengths = [0, 1, 55, 56, 57, 63, 64, 65, 119, 120, 127, 128, 1000, 4096]
    script = """async ([cases, lengths]) => {
      const { Sha256, Sm3 } = await import("/static/digests.js");
      const bytes = (hex) => Uint8Array.from(hex.match(/../g) || [], (b) => parseInt(b, 16));
      const made = lengths.map((n) => Uint8Array.from({ length: n }, (_, i) => (i * 31 + n) & 255));
      const split = (D, m, at) => new D().update(m.subarray(0, at)).update(m.subarray(at)).hex();
      return {
        sm3: cases.map((c) => new Sm3().update(bytes(c)).hex()),
        made: made.map((m) => [split(Sha256, m, m.length >> 1), split(Sm3, m, m.length / 3 | 0)]),
      };
    }"""
    found = page.evaluate(script, [[c["message_hex"] for c in cases], lengths])
    assert found["sm3"] == [c["digest_hex"] for c in cases]
    for length, (sha256, sm3) in zip(lengths, found["made"], strict=True):
        message = bytes((i * 31 + length) & 255 for i in range(length))
        assert (sha256, sm3) == (hashlib.sha256(message).hexdigest(), hashlib.new("sm3", message).hexdigest())


def test_disclosure__alone__is_judged(page: Page, site: Site, certificate: list[str]) -> None:
    page.goto(site.url)
    choose(page, certificate)
    expect(page.locator("#chosen-list .kind")).to_have_text("部分出示")
    check(page)
    expect(page.locator("#verdict")).to_have_text("有效")


def test_identifier__decided__shows_the_status(page: Page, site: Site, certificate: list[str]) -> None:
    page.goto(site.url)
    page.get_by_label("证照标识或二维码内容", exact=True).fill(IDENTIFIER)
    check(page)
    expect(page.locator("#verdict")).to_have_text("已登记，现行有效")
    receipt = json.loads(Path(certificate[0]).read_bytes())["receipt"]
    from notary.receipt import parse_receipt

    entry = parse_receipt(json.dumps(receipt).encode()).entry
    site.house.chain.decide(status_key(ISSUER, entry.sha256), DecisionCode.SUSPENDED, ISSUER, cause=1)
    site.house.clock.time += 60_000
    check(page)
    expect(page.locator("#verdict")).to_contain_text("暂停效力")


@pytest.mark.parametrize(
    ("names", "said"),
    [([0], "只有原文件还不能核验"), ([1], "缺少凭证文件"), ([0, 1], "缺少凭证文件"), ([], "没有可核验的内容")],
)
def test_incomplete__files__are_told_what_is_missing(
    page: Page, site: Site, document: list[str], names: list[int], said: str
) -> None:
    page.goto(site.url)
    if names:
        choose(page, [document[n] for n in names])
    check(page)
    expect(page.locator("#result")).to_contain_text(said)


def test_two_receipts__are_refused_before_anything_is_sent(
    page: Page, site: Site, document: list[str], sent: list[Request]
) -> None:
    page.goto(site.url)
    choose(page, [document[2], document[2]])
    check(page)
    expect(page.locator("#result")).to_contain_text("一次请只核验一件")
    assert not [r for r in sent if r.method == "POST"]
    page.get_by_role("button", name="移除").first.click()
    expect(page.locator("#chosen-list li")).to_have_count(1)


def test_server_gone__says_so_and_names_the_other_way(page: Page, site: Site, document: list[str]) -> None:
    page.goto(site.url)
    choose(page, document)
    page.route("**/verify*", lambda route: route.fulfill(status=502, content_type="text/plain", body="gateway"))
    check(page)
    expect(page.locator("#result")).to_contain_text("chuzheng verify")


def test_plain_form__without_scripts__uploads_and_says_so(browser: Browser, site: Site, document: list[str]) -> None:
    context = browser.new_context(java_script_enabled=False, locale="zh-CN")
    page = context.new_page()
    page.goto(site.url)
    expect(page.get_by_text("您的浏览器没有启用脚本")).to_be_visible()
    expect(page.get_by_text("原文件不会上传")).to_be_hidden()
    page.set_input_files("#files", document)
    check(page)
    expect(page.locator("#verdict")).to_have_text("有效")
    expect(page.get_by_role("button", name="开始核验")).to_be_visible()
    context.close()


def test_keyboard__alone__reaches_everything_and_lands_on_the_verdict(page: Page, site: Site) -> None:
    page.goto(site.url)
    page.wait_for_selector("html.scripted")
    reached: list[str] = []
    for _ in range(20):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.id || document.activeElement.className || '-'"))
        if reached[-1] == "identifier":
            page.keyboard.type(IDENTIFIER[:-1] + "9")
            page.keyboard.press("Enter")
            break
    assert reached[0] == "skip"
    assert "files" in reached
    expect(page.locator("#verdict")).to_be_focused()
    expect(page.locator("#verdict")).to_have_text("查无结果")


def test_english__complete__has_no_chinese_left(browser: Browser, site: Site, document: list[str]) -> None:
    context = browser.new_context(locale="en-GB")
    page = context.new_page()
    page.goto(site.url)
    choose(page, [document[0], document[2]])
    page.get_by_role("button", name="Check now").click()
    expect(page.locator("#verdict")).to_be_visible()
    words = page.locator("body").inner_text().replace("中文", "")
    for allowed in ("通知.pdf", "通知.receipt.json"):
        words = words.replace(allowed, "")
    assert [c for c in words if "\u4e00" <= c <= "\u9fff"] == []
    page.get_by_role("link", name="中文").click()
    expect(page.locator(".ask h1")).to_have_text("核验证照或文件")
    context.close()


def test_layout__smallest_telephone__nothing_runs_off_and_everything_can_be_hit(
    page: Page, site: Site, document: list[str]
) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(site.url)
    choose(page, document)
    check(page)
    expect(page.locator("#verdict")).to_be_visible()
    page.locator("details.each summary").click()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    small = page.evaluate(
        """[...document.querySelectorAll("button, input:not([type=file]), .pick, summary")]
           .filter((e) => e.offsetParent && e.getBoundingClientRect().height < 24).map((e) => e.outerHTML)"""
    )
    assert small == [], "targets of at least 24 px (WCAG 2.2, 2.5.8)"


@pytest.mark.parametrize("state", ["empty", "valid", "mismatch"])
def test_accessibility__axe__finds_nothing(page: Page, site: Site, document: list[str], bag: Bag, state: str) -> None:
    axe = pytest.importorskip("axe_core_python.sync_playwright")
    page.goto(site.url)
    if state != "empty":
        original = document[0] if state == "valid" else bag.put("改过.pdf", b"x")
        choose(page, [original, *document[1:]])
        check(page)
        expect(page.locator("#verdict")).to_be_visible()
        page.locator("details.each summary").click()  # folded, axe takes its rows for lying over what comes below
    options = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
    found = axe.Axe().run(page, options=options)
    assert [(v["id"], [n["html"] for n in v["nodes"]][:3]) for v in found["violations"]] == []


def test_page__opened_by_a_scanned_code__answers_at_once_and_keeps_it_out_of_the_address(
    page: Page, site: Site, sent: list[Request], document: list[str]
) -> None:
    code = QrProof.of(parse_receipt(Path(document[2]).read_bytes())).to_text()
    page.goto(f"{site.url}/verify#{code}")
    expect(page.locator("#result h1")).to_have_text("暂时无法核验")
    assert code not in page.url
    assert all(code not in request.url for request in sent)
