"""Pictures of the page for the README, from the scenes that the tests use: `python -m tests.browser.pictures`."""

from __future__ import annotations

import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.browser.conftest import CHROMIUM, FLAGS
from tests.browser.scenes import play
from tests.browser.serving import served
from tests.browser.visiting import bring, check

IMAGES = Path(__file__).resolve().parents[2] / "docs" / "images"
PICTURES = {"verify-valid.png": ("valid", "zh"), "verify-mismatch.png": ("mismatch", "zh")}
MOST = 200_000


def main() -> None:
    IMAGES.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for file, (name, language) in PICTURES.items():
            house, scene = play(name, Path(folder))
            with served(house) as site:
                page = browser.new_page(viewport={"width": 960, "height": 760}, locale="zh-CN")
                page.goto(f"{site.url}/?lang={language}")
                bring(page, scene, Path(folder) / "files" / name)
                check(page, language)
                page.locator("#verdict").evaluate("heading => heading.blur()")
                page.evaluate("document.querySelector('.after').remove()")  # buttons are for the screen
                page.locator("#result article").screenshot(path=IMAGES / file)
                page.close()
            house.notary.close()
            size = (IMAGES / file).stat().st_size
            assert size < MOST, f"{file}: {size} bytes"
        browser.close()


if __name__ == "__main__":
    main()
