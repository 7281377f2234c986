"""A real server on loopback, and Debian's Chromium on it. Skipped with the reason where there is no Chromium."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.serving import Site, served
from tests.fakes.house import build_house

CHROMIUM = os.environ.get("CHUZHENG_CHROMIUM", "/usr/bin/chromium")
PATIENCE = 120_000
"""Milliseconds; what is looked for in vain costs them, and nothing else does."""
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-sync",
]  # fmt: skip


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Of one file: Playwright keeps an event loop running in this thread, and other files have loops of their own."""
    if not (Path(CHROMIUM).exists() or shutil.which(CHROMIUM)):
        pytest.skip(f"no Chromium at {CHROMIUM}; name one with CHUZHENG_CHROMIUM")
    with sync_playwright() as playwright:
        expect.set_options(timeout=PATIENCE)
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS, timeout=PATIENCE)
        yield started
        started.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    house = build_house(tmp_path_factory.mktemp("house"), lookups_per_minute=1000, checks_per_minute=1000)
    with served(house) as made:
        yield made
    house.notary.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page of a visitor whose browser prefers Chinese, on a county office's screen; console errors fail the test."""
    context = browser.new_context(locale="zh-CN", viewport={"width": 1366, "height": 768})
    context.set_default_timeout(PATIENCE)
    opened = context.new_page()
    problems: list[str] = []
    opened.on("pageerror", lambda error: problems.append(str(error)))
    opened.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    yield opened
    context.close()
    # A refusal is answered with 4xx or 5xx and a page, which Chromium notes on the console.
    assert [p for p in problems if not re.search(r"status of [45]\d\d", p)] == []
