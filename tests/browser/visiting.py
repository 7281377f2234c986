"""What a visitor does on the page: bring a scene's files and fields, and press the button."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.scenes import Scene

BUTTON = {"zh": "开始核验", "en": "Check now"}


def bring(page: Page, scene: Scene, folder: Path, *, reverse: bool = False) -> None:
    """Choose the scene's files and fill in its fields."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, data in scene.files.items():
        (folder / name).write_bytes(data)
        paths.append(str(folder / name))
    if paths:
        page.set_input_files("#files", paths[::-1] if reverse else paths)
        expect(page.locator("#chosen-list li")).to_have_count(len(paths))
    for name, value in scene.fields.items():
        page.fill(f"#{name}", value)


def check(page: Page, language: str = "zh") -> None:
    """Press the button and wait for an answer."""
    page.get_by_role("button", name=BUTTON[language]).click()
    page.wait_for_selector("#result h1")
