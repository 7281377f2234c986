"""Legal moves and the layout, against the C2SP vectors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import ChuzhengError, InputError, IntegrityError
from notary.log import (
    Head,
    Span,
    TilePath,
    check_append,
    check_extends,
    check_same,
    durable_end,
    newly_full,
    parse_tile_path,
    tiles_at,
)

PATHS: dict[str, Any] = json.loads((Path(__file__).parents[2] / "vectors/tlog/paths.json").read_text())


@pytest.mark.parametrize(("n", "part"), PATHS["tile_index_to_path"])
def test_tile_path__vector__as_c2sp_writes_it(n: int, part: str) -> None:
    assert str(TilePath(0, n)) == f"tile/0/{part}"
    assert str(TilePath(None, n, 7)) == f"tile/entries/{part}.p/7"
    assert parse_tile_path(f"tile/0/{part}") == TilePath(0, n)


@pytest.mark.parametrize("case", PATHS["by_tree_size"], ids=lambda c: str(c["size"]))
def test_tiles_at__vector__same_full_and_partial_tiles(case: dict[str, Any]) -> None:
    found = {level: (full, width) for level, full, width in tiles_at(case["size"])}
    expected = {level["level"]: level for level in case["levels"]}
    entries = case["entries"]
    assert set(found) == {None, *expected}
    for level, (full, width) in found.items():
        wanted = entries if level is None else expected[level]
        assert full == wanted["full_bundles" if level is None else "full_tiles"]
        assert (str(TilePath(level, full, width)) if width else None) == wanted["partial"]
        assert (str(TilePath(level, full - 1)) if full else None) == wanted["last_full"]


def test_tiles_at__empty_tree__none() -> None:
    assert list(tiles_at(0)) == []


@given(st.none() | st.integers(0, 3), st.integers(0, 2_000_000), st.integers(1, 256))
def test_tile_path__any__parses_back_to_itself(level: int | None, n: int, width: int) -> None:
    path = TilePath(level, n, width)
    assert parse_tile_path(str(path)) == path


@given(st.text(alphabet="tile/0123456789xp.entrs-", max_size=30) | st.text(max_size=30))
def test_parse_tile_path__any_text__refused_or_spelled_the_one_way(text: str) -> None:
    try:
        path = parse_tile_path(text)
    except InputError:
        return
    assert str(path) == text


@pytest.mark.parametrize(
    "text",
    [
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/300",
        "tile/0/000.p/01",
        "tile/00/000",
        "tile/0/x000/000",
        "tile/0/000/000",
        "tile/0/x001/x002",
        "tile/0/1",
        "tile/64/000",
        "tile/-1/000",
        "tile/0/../checkpoint",
        "tile/0/000\n",
        "/tile/0/000",
        "tile/0/٠٠٠",
        "tile/entries/x999/x999/x999/x999/x999/999",
        "checkpoint",
        "",
    ],
)
def test_parse_tile_path__other_spelling__refused(text: str) -> None:
    with pytest.raises(InputError, match=r"tiles\.path"):
        parse_tile_path(text)


@pytest.mark.parametrize(
    ("path", "size"),
    [
        (TilePath(None, 0, 1), 1),
        (TilePath(0, 273, 112), 70_000),
        (TilePath(1, 1, 17), 69_888),
        (TilePath(2, 0, 1), 65_536),
    ],
)
def test_needs_size__tile__smallest_tree_that_has_it(path: TilePath, size: int) -> None:
    assert path.needs_size == size


@given(st.integers(0, 200_000), st.integers(0, 70_000))
def test_newly_full__growth__exactly_the_tiles_between(old: int, more: int) -> None:
    def full(size: int) -> set[TilePath]:
        return {TilePath(level, n) for level, count, _ in tiles_at(size) for n in range(count)}

    assert set(newly_full(old, old + more)) == full(old + more) - full(old)


@pytest.mark.parametrize(
    ("sealed", "spans", "end"),
    [
        (0, [], 0),
        (7, [], 7),
        (0, [(0, 3), (3, 9)], 9),
        (0, [(3, 9), (0, 3)], 9),
        (5, [(0, 3), (3, 9)], 9),
        (20, [(0, 3), (3, 9)], 20),
        (0, [(1, 3)], 0),
        (0, [(0, 3), (4, 9)], 3),
        (0, [(0, 10), (5, 7)], 10),
    ],
)
def test_durable_end__spans__as_far_as_they_join(sealed: int, spans: list[tuple[int, int]], end: int) -> None:
    assert durable_end(sealed, [Span(*span) for span in spans]) == end


@pytest.mark.parametrize(
    ("durable", "first", "count", "expected"),
    [
        (0, 0, 5, 0),
        (5, 5, 1, 0),
        (5, 3, 4, 2),
        (5, 0, 3, 3),
        (5, 6, 1, "log.gap"),
        (0, -1, 1, "log.index_range"),
        (2**53 - 1, 2**53 - 1, 1, "log.index_range"),
    ],
)
def test_check_append__move__allowed_or_refused(durable: int, first: int, count: int, expected: int | str) -> None:
    if isinstance(expected, int):
        assert check_append(durable, first, count) == expected
        return
    with pytest.raises(ChuzhengError) as caught:
        check_append(durable, first, count)
    assert caught.value.code == expected


def test_check_same__one_entry_differs__its_index_is_named() -> None:
    with pytest.raises(IntegrityError) as caught:
        check_same(10, [b"a", b"b", b"c"], [b"a", b"x", b"y"])
    assert (caught.value.code, caught.value.params) == ("log.index_taken", {"index": 11})


@pytest.mark.parametrize(
    ("before", "after", "code"),
    [
        ((5, b"r"), (6, b"s"), None),
        ((5, b"r"), (5, b"r"), None),
        ((5, b"r"), (5, b"s"), "log.root_differs"),
        ((5, b"r"), (4, b"r"), "log.shrinks"),
    ],
)
def test_check_extends__heads__never_smaller_never_second_root(
    before: tuple[int, bytes], after: tuple[int, bytes], code: str | None
) -> None:
    if code is None:
        check_extends(Head(*before), Head(*after))
        return
    with pytest.raises(IntegrityError) as caught:
        check_extends(Head(*before), Head(*after))
    assert caught.value.code == code
