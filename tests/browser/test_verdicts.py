"""Every answer that the page can give, as a county official sees it: on an office's screen, a telephone and paper."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pypdf
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.scenes import SCENES, Scene, play
from tests.browser.serving import Site, served
from tests.browser.visiting import bring, check
from tests.fakes.house import House, build_house

WORDS = {
    "valid": ("有效", "Valid"),
    "disclosed": ("有效", "Valid"),
    "mismatch": ("内容不一致", "Content differs"),
    "not_registered": ("未登记", "Not registered"),
    "suspended": ("暂停效力（暂扣）", "Suspended (withheld)"),
    "rescinded": ("已失去效力（撤销）", "No longer in force (rescinded)"),
    "superseded": ("已被新版本取代", "Superseded"),
    "expired": ("已过期", "Expired"),
    "pending": ("处理中", "Pending"),
    "cannot_check": ("暂时无法核验", "Cannot be checked now"),
    "proof_invalid": ("凭证有误", "Proof invalid"),
    "issuer_not_recognised": ("签发单位未获承认", "Issuer not recognised"),
    "unreadable": ("未能核验", "Not checked"),
    "file_alone": ("未能核验", "Not checked"),
    "picture_alone": ("未能核验", "Not checked"),
    "credential": ("有效", "Valid"),
    "credential_forged": ("凭证有误", "Proof invalid"),
    "credential_revoked": ("已失去效力（吊销）", "No longer in force (revoked)"),
    "credential_pasted": ("有效", "Valid"),
    "bundle": ("有效", "Valid"),
    "bundle_revoked": ("已失去效力", "No longer in force"),
    "qr": ("暂时无法核验", "Cannot be checked now"),
    "qr_picture": ("暂时无法核验", "Cannot be checked now"),
    "identifier": ("已登记，现行有效", "Registered and in force"),
    "identifier_suspended": ("暂停效力（暂扣）", "Suspended (withheld)"),
    "person_unproved": ("查无结果", "Nothing found"),
    "person_known": ("已登记，现行有效", "Registered and in force"),
    "identifier_mistyped": ("查无结果", "Nothing found"),
}
SAID = {
    "unreadable": ("“凭证”文件不完整", "重新索取"),
    "identifier_mistyped": ("校验位不符", "0 与 O"),
    "person_unproved": ("个人证照还须填写",),
    "picture_alone": ("不是可以打开的图片",),
    "suspended": ("湖北省市场监督管理局 的决定：暂扣",),
    "credential": ("签名由签发单位的密钥作出", "未取得状态列表"),
    "credential_forged": ("签名不符", "重新导出"),
    "bundle": ("证据包完整，各部分均有效", "见其披露件", "离线制作"),
    "bundle_revoked": ("并非各部分都有效", "已失去效力（吊销）"),
    "cannot_check": ("既不表示通过，也不表示不通过",),
}
REPORTS = [
    n
    for n in SCENES
    if n not in ("unreadable", "file_alone", "picture_alone") and not n.startswith(("identifier", "person", "bundle"))
]


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    house = build_house(tmp_path_factory.mktemp("house"))
    with served(house) as site:
        yield site
    house.notary.close()


@pytest.fixture(scope="module")
def screen(browser: Browser) -> Iterator[Page]:
    """One page for all scenes: a context for each would take longer than the scenes."""
    context = browser.new_context(locale="zh-CN")
    opened = context.new_page()
    problems: list[str] = []
    opened.on("pageerror", lambda error: problems.append(str(error)))
    yield opened
    context.close()
    assert problems == []


@pytest.fixture
def page(screen: Page) -> Page:
    screen.set_viewport_size({"width": 1366, "height": 768})
    screen.emulate_media(media="null")
    return screen


@pytest.fixture
def scene(request: pytest.FixtureRequest, empty: Site, page: Page, tmp_path: Path) -> Iterator[House]:
    """The scene named by the test's parameter, brought to the page and checked."""
    house, brought = play(request.param, tmp_path)
    empty.move_in(house)
    page.goto(empty.url)
    bring(page, brought, tmp_path / "files")
    check(page)
    yield house
    house.notary.close()


def test_scenes__all__have_their_words() -> None:
    assert WORDS.keys() == SCENES.keys()


@pytest.mark.parametrize("scene", SCENES, indirect=True)
def test_answer__on_screen_telephone_and_in_english__says_first_what_it_is(
    scene: House, page: Page, request: pytest.FixtureRequest
) -> None:
    name = request.node.callspec.params["scene"]
    zh, en = WORDS[name]
    expect(page.locator("#verdict")).to_have_text(zh)
    expect(page.locator("#verdict")).to_be_focused()
    assert page.locator("#verdict").bounding_box()["y"] < 200  # type: ignore[index]  # the verdict is what one sees
    if name in REPORTS:
        expect(page.locator(".questions h3")).to_have_count(4)
        expect(page.locator("details.each")).not_to_have_attribute("open", "")
        assert (page.locator(".advice").count() == 0) is (zh == "有效")
        anchored = "链上有这个检查点" in (page.locator("details.each").text_content() or "")
        assert "登记的内容" not in page.locator(".subject").inner_text() or anchored
    if name not in ("file_alone", "identifier", "person_known"):
        expect(page.locator("#result code >> visible=true").first).to_be_visible()
    for said in SAID.get(name, ()):
        expect(page.locator("#result")).to_contain_text(said)
    for width in (1366, 390):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.get_by_role("link", name="English").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.locator("#result h1")).to_contain_text("Not checked" if name == "file_alone" else en)
    words = page.locator("#result").inner_text().replace("中文", "")
    shown = page.locator("#result dd").all_inner_texts()  # what was registered stays in its own language
    for value in shown:
        words = words.replace(value, "")
    assert [c for c in words if "\u4e00" <= c <= "\u9fff"] == []


@pytest.mark.parametrize("scene", ["valid", "mismatch"], indirect=True)
def test_print__either_language__is_one_sheet_of_a4_with_all_that_matters(scene: House, page: Page) -> None:
    for language in ("zh-CN", "en"):
        sheets = pypdf.PdfReader(io.BytesIO(page.pdf(format="A4", prefer_css_page_size=True))).pages
        assert [round(float(side) / 72 * 25.4) for side in sheets[0].mediabox[2:]] == [210, 297]
        assert len(sheets) == 1, language
        page.locator("a.lang").click()
        expect(page.locator("html")).not_to_have_attribute("lang", language)
        expect(page.locator("#result h1")).to_be_visible()
    page.emulate_media(media="print")
    for seen in ("#verdict", ".badge >> nth=0", "#manual"):
        expect(page.locator(seen)).to_be_visible()
    for unseen in ("#check", ".lang", ".after", ".test-note"):
        expect(page.locator(unseen).first).to_be_hidden()


def test_department__without_contact__names_its_counter(empty: Site, page: Page, tmp_path: Path) -> None:
    from api.parts import Directory, Name
    from tests.fakes.house import ISSUER

    house, brought = play("mismatch", tmp_path)
    house.parts.directory = Directory({ISSUER: Name("湖北省市场监督管理局", "", "")})
    empty.move_in(house)
    page.goto(empty.url)
    bring(page, brought, tmp_path / "files")
    check(page)
    expect(page.locator(".advice")).to_contain_text("湖北省市场监督管理局的窗口或公开电话")
    house.notary.close()


@pytest.mark.parametrize("reverse", [False, True])
def test_files__in_any_order_and_dropped_one_by_one__are_sorted(
    empty: Site, page: Page, tmp_path: Path, reverse: bool
) -> None:
    house, brought = play("disclosed" if reverse else "valid", tmp_path)
    empty.move_in(house)
    page.goto(empty.url)
    files = [(name, data.decode()) for name, data in brought.files.items()]
    for name, data in reversed(files) if reverse else files:
        page.evaluate(
            """([name, data]) => {
              const transfer = new DataTransfer();
              transfer.items.add(new File([data], name));
              const drop = document.getElementById("drop");
              for (const type of ["dragenter", "dragover", "drop"]) {
                drop.dispatchEvent(new DragEvent(type, { dataTransfer: transfer, bubbles: true, cancelable: true }));
              }
            }""",
            [name, data],
        )
    expect(page.locator("#chosen-list li")).to_have_count(len(files))
    expect(page.locator("#drop")).not_to_have_class("way over")
    check(page)
    expect(page.locator("#verdict")).to_have_text("有效")
    house.notary.close()


def test_foreign_files__of_ours__are_told_apart_before_anything_is_sent(
    empty: Site, page: Page, tmp_path: Path
) -> None:
    house, brought = play("valid", tmp_path)
    empty.move_in(house)
    page.goto(empty.url)
    bring(page, brought, tmp_path / "files")
    (tmp_path / "trust.json").write_bytes(house.parts.settings.trust_path.read_bytes())
    page.set_input_files("#files", str(tmp_path / "trust.json"))
    expect(page.locator("#chosen-list .foreign")).to_contain_text("不能在此核验")
    check(page)
    expect(page.locator("#result")).to_contain_text("trust.json 是本系统的其他文件")
    page.get_by_role("button", name="移除 trust.json").click()
    check(page)
    expect(page.locator("#verdict")).to_have_text("有效")
    house.notary.close()


def test_language__switched__keeps_files_fields_and_result(empty: Site, page: Page, tmp_path: Path) -> None:
    house, brought = play("expired", tmp_path)
    empty.move_in(house)
    page.goto(empty.url)
    bring(page, brought, tmp_path / "files")
    page.get_by_role("link", name="English").click()
    expect(page.locator("#chosen-list li")).to_have_count(2)
    expect(page.locator("#chosen-list .kind").first).to_have_text("Record")
    assert page.input_value("#at") == "2029-03-01"
    check(page, "en")
    expect(page.locator("#verdict")).to_have_text("Expired")
    page.locator("details.each summary").click()
    page.get_by_role("link", name="中文").click()
    expect(page.locator("#verdict")).to_have_text("已过期")
    expect(page.locator("details.each")).to_have_attribute("open", "")
    expect(page.locator("a.lang")).to_be_focused()
    assert page.url.endswith("lang=zh")
    assert "核验" in page.title()
    check(page)
    expect(page.locator("#verdict")).to_have_text("已过期")
    house.notary.close()


def test_large_file__while_it_is_hashed__the_page_stays_awake_and_tells_how_far(
    empty: Site, page: Page, tmp_path: Path
) -> None:
    house, brought = play("valid", tmp_path)
    empty.move_in(house)
    page.goto(empty.url)
    bring(page, brought, tmp_path / "files")
    (tmp_path / "large.pdf").write_bytes(b"%PDF-1.7" + bytes(10 << 20))
    page.set_input_files("#files", str(tmp_path / "large.pdf"))
    page.evaluate(
        """() => {
          let last = performance.now();
          window.gap = 0;
          window.percents = new Set();
          setInterval(() => {
            window.gap = Math.max(window.gap, performance.now() - last);
            last = performance.now();
          }, 10);
          const told = new MutationObserver(() => window.percents.add(document.getElementById("bar").value));
          told.observe(document.getElementById("progress"), { childList: true });
        }"""
    )
    check(page)
    gap, percents = page.evaluate("[window.gap, window.percents.size]")
    assert gap < 1000, "a machine that is busy, not a page that hangs"
    assert percents > 5
    expect(page.locator("#bar")).to_be_hidden()
    expect(page.locator("#result")).to_contain_text("这条记录没有登记任何文件")
    house.notary.close()


@pytest.mark.parametrize("scene", ["credential_forged", "bundle_revoked"], indirect=True)
def test_accessibility__of_copies_and_bundles__axe_finds_nothing(scene: House, page: Page) -> None:
    axe = pytest.importorskip("axe_core_python.sync_playwright")
    for folded in page.locator("details.each summary").all():
        folded.click()
    options = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
    found = axe.Axe().run(page, options=options)
    assert [(v["id"], [n["html"] for n in v["nodes"]][:3]) for v in found["violations"]] == []


def test_bundle_with_other_files__refused_before_anything_is_sent(empty: Site, page: Page, tmp_path: Path) -> None:
    house, brought = play("bundle", tmp_path)
    empty.move_in(house)
    page.goto(empty.url)
    bring(page, Scene({**brought.files, "公文.pdf": b"%PDF-1.7"}), tmp_path / "files")
    expect(page.locator("#chosen-list .kind").first).to_have_text("证据包")
    check(page)
    expect(page.locator("#result")).to_contain_text("请单独核验")
    house.notary.close()


def test_without_scripts__each_sort_of_answer__is_a_whole_page(empty: Site, browser: Browser, tmp_path: Path) -> None:
    context = browser.new_context(java_script_enabled=False, locale="zh-CN")
    page = context.new_page()
    for name in (
        "mismatch",
        "unreadable",
        "person_unproved",
        "credential_forged",
        "credential_pasted",
        "bundle_revoked",
    ):
        house, brought = play(name, tmp_path)
        empty.move_in(house)
        page.goto(empty.url)
        folder = tmp_path / f"{name}-files"
        folder.mkdir()
        for file, data in brought.files.items():
            (folder / file).write_bytes(data)
        page.set_input_files("#files", [str(folder / file) for file in brought.files])
        for field, value in brought.fields.items():
            page.fill(f"#{field}", value)
        page.get_by_role("button", name="开始核验").click()
        expect(page.locator("#verdict")).to_have_text(WORDS[name][0])
        expect(page.get_by_role("button", name="开始核验")).to_be_visible()
        if name == "mismatch":
            page.locator("details.each summary").click()
            expect(page.locator("table.checks tbody tr")).to_have_count(12)
        house.notary.close()
    context.close()
