"""An erased record on the public page: by which order it is gone and since when, in both languages."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.serving import Site
from tests.browser.visiting import check
from tests.fakes.house import ISSUER

ORDER = "鄂法令〔2026〕12号"
SAID = {
    "zh": ("内容已依令删除（鄂法令〔2026〕12号）", "记入登记簿（第 6 类条目）"),
    "en": ("content erased by order (鄂法令〔2026〕12号)", "The erasure was entered in the log at 20"),
}

HEADED = {"zh": "已登记，内容已依令删除", "en": "Registered, content erased by order"}
OUTAGE = {"zh": ("暂时无法核验", "暂时无法确认"), "en": ("Cannot be checked now", "Can't be told now")}


@pytest.fixture(scope="module")
def receipt(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The receipt of a certificate that was anchored, then erased by two persons; without its salt."""
    anchored = site.house.anchored(site.house.certificate())
    erasing = site.house.notary.erasing
    erasing.propose(ISSUER, anchored.origin, anchored.index, ORDER, b"\1" * 32)
    assert erasing.confirm(ISSUER, anchored.origin, anchored.index, ORDER, b"\2" * 32).state.value == "done"
    path = tmp_path_factory.mktemp("erased") / "证照.receipt.json"
    path.write_bytes(anchored.without_salt().to_json())
    return path


@pytest.mark.parametrize("language", ["zh", "en"])
def test_erased__its_receipt_on_the_page__says_order_and_time(
    browser: Browser, site: Site, receipt: Path, language: str
) -> None:
    context = browser.new_context(
        locale={"zh": "zh-CN", "en": "en-GB"}[language], viewport={"width": 1366, "height": 768}
    )
    page = context.new_page()
    page.goto(site.url)
    page.set_input_files("#files", str(receipt))
    check(page, language)
    assert page.locator("h1#verdict").inner_text() == HEADED[language]
    assert ORDER in page.locator("p.sentence").inner_text()
    assert not any(words in page.locator("main").inner_text() for words in OUTAGE[language])
    said = page.locator("main").inner_text()
    for words in SAID[language]:
        assert words in said
    context.close()
