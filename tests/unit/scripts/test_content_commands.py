"""`content …` and `reconcile …` on a data folder of their own: what people type, what they are told, exit codes."""

from __future__ import annotations

import io
import json
import time
from pathlib import Path
from typing import Any

import pytest

from api.health.probes import stores_of_files
from api.keyring import Keyring
from api.settings import Settings
from api.wiring import open_keeper
from ledger.errors import UnavailableError
from ledger.types import Millis
from notary.entry import make_origin
from scripts.checking import CHECKS, examine
from scripts.cli import run
from tests.fakes.notary import ISSUER, certificate

ORIGIN = make_origin("test", ISSUER)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder with one department, one file and three certificates registered."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CHUZHENG_LANG", "en")
    settings = Settings(home=tmp_path / "home")
    settings.home.mkdir(mode=0o700)
    keyring = Keyring(settings.keys_dir)
    keyring.make_machine_keys()
    keyring.make_department_keys(ISSUER, ORIGIN)
    with open_keeper(settings) as keeper:
        keeper.notary.accept_document(
            ISSUER, ORIGIN, io.BytesIO(b"plain words " * 1000), media_type="text/plain", readers=keyring.wrap_publics()
        )
        keeper.notary.accept_records(ISSUER, ORIGIN, [certificate(n) for n in range(3)], key="k")
    (tmp_path / "second").mkdir()
    return settings.home


class Typed:
    """What was typed and what came of it."""

    def __init__(self, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self._home, self._capsys = home, capsys

    def __call__(self, *words: str, code: int = 0) -> dict[str, Any]:
        assert run([*words, "--home", str(self._home), "--json"]) == code
        told = self._capsys.readouterr()
        found: dict[str, Any] = json.loads(told.out)
        assert found["ok"] is (code == 0)
        assert run([*words, "--home", str(self._home)]) == code or "move" in words
        self.text = self._capsys.readouterr().out
        return found


@pytest.fixture
def typed(home: Path, capsys: pytest.CaptureFixture[str]) -> Typed:
    return Typed(home, capsys)


def test_content__a_file_through_all_commands(typed: Typed, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    two = f"folder:{home.parent / 'second'}"
    monkeypatch.setenv("CHUZHENG_CONTENT_SECOND", two)
    found = typed("content", "check", "--repair", code=0)
    assert [(s["store"], s["wrong"], s["mended"]) for s in found["stores"]] == [("embedded", 0, 0), (two, 0, 1)]
    assert typed("content", "show")["files"] == 1
    assert "a second copy" in typed.text
    block = next(path for path in (home / "content" / "blocks").rglob("b*") if path.is_file())
    block.write_bytes(b"other")
    assert typed("content", "check", "--store", "embedded", code=1)["faults"][0]["what"] == "damaged"
    assert "not what its name says" in typed.text
    assert typed("content", "check", "--repair")["stores"][0]["mended"] == 1
    monkeypatch.delenv("CHUZHENG_CONTENT_SECOND")
    moved = typed("content", "move", "--to", two)
    assert (moved["finished"], moved["files"]) == (True, 1)
    assert not any(path.is_file() for path in (home / "content").rglob("*"))
    assert run(["content", "get", ORIGIN, "0", "--out", str(home / "again"), "--home", str(home)]) == 0
    assert (home / "again").read_bytes() == b"plain words " * 1000


def test_content_check__store_that_does_not_answer__nothing_is_said_against_its_files(
    typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(self: object, cid: str) -> int:
        raise UnavailableError("content.no_folder", path="away")

    monkeypatch.setattr("notary.stores.content.EmbeddedStore.verify", silent)
    found = typed("content", "check", code=20)
    assert found["code"] == "cli.content.no_answer"
    assert [(store["wrong"], store["not_asked"]) for store in found["stores"]] == [(0, 1)]


def test_doctor__asks_the_stores_of_files(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(home=home)
    monkeypatch.setattr("scripts.checking.CHECKS", {"content": CHECKS["content"]})
    assert {finding.name: finding for finding in examine(settings)}["content"].ok

    def silent(self: object, cid: str) -> bool:
        raise UnavailableError("content.no_folder", path="away")

    monkeypatch.setattr("notary.stores.content.EmbeddedStore.has", silent)
    assert {finding.name: finding for finding in examine(settings)}["content"].case == "content.no_folder"


def test_stores_of_files__one_not_known_to_hold_a_file__late_after_a_quarter_of_an_hour(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(home=home)
    with open_keeper(settings) as keeper:
        while keeper.name(100):
            pass
        begun = time.time_ns() // 1_000_000
        for minutes, late in ((14, False), (16, True)):
            [store] = stores_of_files(keeper.places, Millis(begun + minutes * 60_000))
            assert (store.name, store.files, store.late) == ("embedded", 1, late)
    monkeypatch.setattr("scripts.checking.CHECKS", {"content": CHECKS["content"]})
    monkeypatch.setattr("scripts.checking._now", lambda: Millis(begun + 16 * 60_000))
    [finding] = examine(settings)
    assert (finding.case, finding.needed) == ("behind", False)
    assert finding.params == {"name": "embedded", "files": 1, "minutes": 16}


def test_content__wrong_words__refused(typed: Typed, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cases = [
        (["content", "move", "--to", "s3:x"], 2, "content.address"),
        (["content", "move", "--to", "kubo"], 2, "content.no_ipfs_api"),
        (["content", "move", "--to", "folder:/no/such"], 20, "content.no_folder"),
        (["content", "move", "--to", "embedded"], 1, "content.there"),
        (["content", "check", "--store", "folder:/elsewhere"], 1, "content.no_store"),
        (["content", "get", ORIGIN, "1", "--out", "x"], 1, "content.no_file"),
    ]
    for words, code, told in cases:
        assert run([*words, "--home", str(home), "--json"]) == code
        assert json.loads(capsys.readouterr().out)["code"] == told


def test_reconcile__run_and_feed__reports_and_files(typed: Typed, home: Path) -> None:
    rows = [f"{certificate(n)['identifier']},{'03' if n == 1 else '有效'}" for n in (1, 2, 9)]
    Path("library.csv").write_text("\n".join(["identifier,status", *rows, ""]), encoding="utf-8")
    Path("map.toml").write_text('"03" = "吊销"\n', encoding="utf-8")
    found = typed("reconcile", "run", "library.csv", "--out", "out", "--status-map", "map.toml", code=1)
    counts = {name: found[name] for name in ("rows", "not_registered", "not_in_library", "status_differs", "wrong_row")}
    assert counts == {"rows": 3, "not_registered": 1, "not_in_library": 1, "status_differs": 1, "wrong_row": 0}
    assert found["not_anchored"] == 2  # this folder has no chain
    assert "in the library, not registered" in typed.text
    assert (
        typed("reconcile", "run", "library.csv", "--out", "other", "--issuer", "123", code=2)["code"]
        == "cli.usage.value"
    )
    Path("library.csv").write_text("\n".join(["identifier,status", *rows[:2], ""]), encoding="utf-8")
    again = typed("reconcile", "run", "library.csv", "--out", "out", "--status-map", "map.toml", code=1)
    assert again["code"] == "reconcile.changed"
    # A disk that was full left half a line: the cursor is behind it, so the whole line comes again.
    Path("feed.ndjson").write_bytes(b'{"whole":1}\n{"half":')
    assert typed("reconcile", "feed", "--out", "feed.ndjson")["count"] == 0
    assert Path("feed.ndjson").read_bytes() == b'{"whole":1}\n'
    cursor, length, *_ = Path("feed.ndjson.cursor").read_text(encoding="ascii").split("\n")
    assert (cursor, length.split()[0]) == ("", "12")  # nothing is indexed: no cursor could be behind anything
