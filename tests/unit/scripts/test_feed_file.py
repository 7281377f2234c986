"""The feed's file: each item once, wherever the command ended; never anything of another file cut off."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ledger.errors import ConflictError, UnavailableError
from ledger.texts import LANGUAGES, error_text
from notary.bulk.durable import append
from notary.bulk.durable import write_durably as write
from scripts.commands import feed_file
from scripts.commands.feed_file import FeedFile, alone

ITEMS: list[list[dict[str, Any]]] = [[{"n": 1}, {"n": 2}], [{"n": 3}], [], [{"n": 4, "名": "证"}]]
WHOLE = "".join(
    json.dumps(i, ensure_ascii=False, separators=(",", ":")) + "\n" for page in ITEMS for i in page
).encode()


class Died(Exception):
    """The process ended here."""


def go_on(path: Path, state: Path) -> None:
    """The command: from the cursor to the end; a page's cursor is its number."""
    with alone(path):
        file = FeedFile(path, state)
        for number in range(int(file.cursor or 0), len(ITEMS)):
            file.keep(ITEMS[number], str(number + 1))


def test_feed_file__ended_at_every_write__each_item_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    step = 0
    for number in range(1, 20):
        path, state = tmp_path / f"{number}.ndjson", tmp_path / f"{number}.cursor"
        left = number

        def die(path: Path, data: bytes, before: bool) -> None:
            nonlocal left
            left -= 1
            if not left:
                if before and path.suffix == ".ndjson":
                    append(path, data[: len(data) // 2])
                raise Died

        def appending(path: Path, data: bytes) -> int:
            die(path, data, before=True)
            size = append(path, data)
            die(path, data, before=False)
            return size

        def noting(path: Path, data: bytes) -> None:
            die(path, data, before=True)
            write(path, data)
            die(path, data, before=False)

        with monkeypatch.context() as patch:
            patch.setattr(feed_file, "append", appending)
            patch.setattr(feed_file, "write_durably", noting)
            try:
                go_on(path, state)
            except Died:
                step += 1
        go_on(path, state)
        assert path.read_bytes() == WHOLE, number
    assert step >= 14


def test_feed_file__cursor_of_an_earlier_version__whole_lines_stay(tmp_path: Path) -> None:
    path, state = tmp_path / "f", tmp_path / "c"
    path.write_bytes(b'{"n":1}\n{"n":2}\n{"n":')
    state.write_text("1\n", encoding="ascii")
    go_on(path, state)
    assert path.read_bytes() == WHOLE


def test_feed_file__taken_away__begins_anew_behind_the_cursor(tmp_path: Path) -> None:
    path, state = tmp_path / "f", tmp_path / "c"
    go_on(path, state)
    path.rename(tmp_path / "taken")
    with alone(path):
        file = FeedFile(path, state)
        assert file.cursor == "4"
        file.keep([{"n": 5}], "5")
    assert path.read_bytes() == b'{"n":5}\n'
    path.write_bytes(b"")  # emptied where it is
    with alone(path):
        FeedFile(path, state).keep([{"n": 6}], "6")
    assert path.read_bytes() == b'{"n":6}\n'


def test_feed_file__another_longer_file__nothing_of_it_is_cut(tmp_path: Path) -> None:
    state, other = tmp_path / "c", tmp_path / "other"
    go_on(tmp_path / "f", state)
    other.write_bytes(WHOLE * 3)
    with alone(other):
        FeedFile(other, state).keep([{"n": 5}], "5")
    assert other.read_bytes() == WHOLE * 3 + b'{"n":5}\n'


def test_alone__a_second_command__refused_until_the_first_ends(tmp_path: Path) -> None:
    for path in (tmp_path / "f", tmp_path):
        with alone(path):
            with pytest.raises(ConflictError) as caught, alone(path):
                pass
            assert caught.value.code == "reconcile.running"
            assert all(str(path) in error_text(caught.value, language) for language in LANGUAGES)
        with alone(path):
            pass


def test_feed_file__folder_that_takes_no_files__told(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError), alone(tmp_path / "no" / "f"):
        pass
