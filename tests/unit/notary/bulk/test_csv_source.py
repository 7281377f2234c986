"""CSV in chunks: a wrong row is told and the next follows; a mark leads back to the same place or says why not."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import ChuzhengError, ConflictError, InputError, RowsError, UnreadableError
from ledger.texts import LANGUAGES, error_text
from notary.bulk import csv_source, sources
from notary.bulk.csv_source import CsvSource
from notary.bulk.sources import Mark, cells_in
from notary.imports import COLUMNS, MAX_LINE
from tests.fakes.backfilling import SECRET, all_rows, cells_of, csv_bytes, csv_file

HEAD = ",".join(COLUMNS) + "\n"
ROW = ",".join("x" * (n % 3) for n in range(len(COLUMNS))) + "\n"


def opened(path: Path, data: bytes | str, key: str | None = None) -> CsvSource:
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return CsvSource(path, key, SECRET)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([ROW, ROW], [(2, ""), (3, "")]),
        ([ROW, "a,b\n", ROW], [(2, ""), (3, "import.cell_count"), (4, "")]),
        ([ROW, "\n", "\n", ROW, "\n", "\n"], [(2, ""), (3, "import.blank_row"), (4, "import.blank_row"), (5, "")]),
        ([ROW, b"\xcc\xec" + ROW.encode(), ROW], [(2, ""), (3, "import.encoding_gbk"), (4, "")]),
        ([ROW, "x" * (MAX_LINE * 2 + 5) + "\n", ROW], [(2, ""), (3, "import.line_too_long"), (4, "")]),
        ([ROW, ROW.replace("x", "y" * 131_073, 1), ROW], [(2, ""), (3, "import.cell_too_long"), (4, "")]),
        ([ROW.replace("x", f'"a,""{"y" * 140_000}"', 1), ROW], [(2, "import.cell_too_long"), (3, "")]),
        ([ROW, ROW.replace("x", "y" * 131_073, 1).rstrip("\n")], [(2, ""), (3, "import.cell_too_long")]),
        ([ROW, ROW.replace("x", "y" * 131_072, 1), ROW], [(2, ""), (3, ""), (4, "")]),
        ([ROW.replace("x", '"a""b\nc"', 1), ROW], [(2, ""), (3, "")]),
        ([ROW.rstrip("\n")], [(2, "")]),
    ],
)
def test_rows__wrong_ones_between_good_ones__each_is_told(
    tmp_path: Path, lines: list[str | bytes], expected: list[tuple[int, str]]
) -> None:
    data = b"".join(line if isinstance(line, bytes) else line.encode() for line in [HEAD, *lines])
    source = opened(tmp_path / "x.csv", data)
    chunks = list(source.chunks(2, None, 0))
    assert all_rows(chunks) == expected
    source.close()
    again = CsvSource(tmp_path / "x.csv", None, SECRET)
    assert all_rows(list(again.chunks(2, chunks[0].mark, 1))) == expected[len(chunks[0].numbers) :]
    again.close()


def test_cell_too_long__over_two_lines__stops_since_nobody_knows_where_the_row_ends(tmp_path: Path) -> None:
    source = opened(tmp_path / "x.csv", HEAD + ROW + ROW.replace("x", f'"{"y" * 140_000}\n"', 1) + ROW)
    chunks = source.chunks(10, None, 0)
    assert all_rows([next(chunks)]) == [(2, "")]
    with pytest.raises(UnreadableError, match=r"backfill\.syntax"):
        next(chunks)
    source.close()


@pytest.mark.parametrize("columns", [COLUMNS, ("a",)])
def test_names__with_control_characters__told_without_them(tmp_path: Path, columns: tuple[str, ...]) -> None:
    (tmp_path / "x.csv").write_text("\x1b]0;gone\x07\u202e,a,a,a\n")
    with pytest.raises(RowsError) as told:
        CsvSource(tmp_path / "x.csv", None, SECRET, columns)
    said = [error_text(error, language) + name for _, name, error in told.value.rows for language in LANGUAGES]
    assert all(line.isprintable() for line in said)
    assert columns != COLUMNS or any("\\x1b]0;gone\\x07\\u202e" in line for line in said)
    with pytest.raises(InputError) as key:
        CsvSource(tmp_path / "x.csv", "\x1b[2J", SECRET)
    assert error_text(key.value, "en").isprintable()


def test_quotes_that_do_not_match__everything_before_is_given_then_it_stops(tmp_path: Path) -> None:
    source = opened(tmp_path / "x.csv", HEAD + ROW + ROW + '"open\n' + ROW)
    chunks = source.chunks(10, None, 0)
    assert all_rows([next(chunks)]) == [(2, ""), (3, "")]
    with pytest.raises(UnreadableError) as told:
        next(chunks)
    assert (told.value.code, told.value.params) == ("backfill.syntax", {"row": 4})
    source.close()


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "import.empty"),
        (b"a,b\n1,2\n", "backfill.columns"),
        (HEAD.replace("identifier", "Identifier").encode(), "backfill.columns"),
        (HEAD.replace("\n", ",name\n").encode(), "backfill.columns"),
        (HEAD.encode("utf-16"), "import.encoding_utf16"),
    ],
)
def test_names__wrong__refused_before_any_row(tmp_path: Path, data: bytes, code: str) -> None:
    with pytest.raises(ChuzhengError) as told:
        opened(tmp_path / "x.csv", data)
    assert told.value.code == code
    if isinstance(told.value, RowsError):
        assert told.value.rows


def test_names_only__no_chunk(tmp_path: Path) -> None:
    source = opened(tmp_path / "x.csv", b"\xef\xbb\xbf" + HEAD.encode() + b"\n\n")
    assert list(source.chunks(5, None, 0)) == []
    source.close()


@pytest.mark.parametrize("key", ["identifier", "holder_name", "certificate_number", "business_fields"])
def test_key__personal_column__refused(tmp_path: Path, key: str) -> None:
    with pytest.raises(InputError, match=r"backfill\.key_personal"):
        opened(tmp_path / "x.csv", HEAD, key)


def test_key__further_column__is_read_beside_the_cells(tmp_path: Path) -> None:
    data = csv_bytes([{**cells_of(n), "serial": f"S{n}"} for n in range(3)], ["serial", *COLUMNS])
    source = opened(tmp_path / "x.csv", data, "serial")
    [chunk] = source.chunks(5, None, 0)
    assert chunk.keys == ["S0", "S1", "S2"]
    assert [cells[COLUMNS.index("identifier")] for cells in chunk.cells] == [
        cells_of(n)["identifier"] for n in range(3)
    ]
    source.close()


LINES = st.sampled_from([ROW, "\n", "a,b\n", "x\n", ROW.replace("x", '"q\n""z"', 1)])


@given(st.lists(LINES, max_size=25), st.integers(1, 7), st.integers(0, 8))
def test_mark__any_chunk__the_rest_is_the_same_as_without_a_break(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str], size: int, at: int
) -> None:
    path = tmp_path_factory.mktemp("x") / "x.csv"
    source = opened(path, HEAD + "".join(lines))
    chunks = list(source.chunks(size, None, 0))
    source.close()
    if at >= len(chunks):
        return
    again = CsvSource(path, None, SECRET)
    rest = list(again.chunks(size, Mark(*chunks[at].mark.to_value()), at + 1))
    found, expected = (
        [(c.number, c.numbers, [[*cells_in(row)] for row in c.cells], c.mark) for c in each]
        for each in (rest, chunks[at + 1 :])
    )
    assert found == expected
    again.close()


def test_mark__done_part_changed__refused_grown_at_the_end__goes_on(tmp_path: Path) -> None:
    path = csv_file(tmp_path / "x.csv", [cells_of(n) for n in range(6)])
    whole = path.read_bytes()
    source = CsvSource(path, None, SECRET)
    mark = next(source.chunks(4, None, 0)).mark
    source.close()
    for changed in (whole.replace("食品".encode(), "药品".encode(), 1), whole[: mark.place - 3]):
        path.write_bytes(changed)
        other = CsvSource(path, None, SECRET)
        with pytest.raises(ConflictError, match=r"backfill\.changed"):
            next(other.chunks(4, mark, 1))
        other.close()
    path.write_bytes(whole + csv_bytes([cells_of(9)]).split(b"\n", 1)[1])
    grown = CsvSource(path, None, SECRET)
    assert [c.numbers for c in grown.chunks(4, mark, 1)] == [[6, 7, 8]]
    grown.close()


@pytest.mark.parametrize("at", [0, 1, 3, 4])
def test_chunks__soon__the_first_are_shorter_and_a_later_run_makes_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    monkeypatch.setattr(sources, "FIRST_ROWS", 2)
    path = csv_file(tmp_path / "x.csv", [cells_of(n) for n in range(20)])
    source = CsvSource(path, None, SECRET)
    chunks = list(source.chunks(5, None, 0, soon=True))
    source.close()
    assert [len(chunk.numbers) for chunk in chunks] == [2, 2, 2, 2, 5, 5, 2]
    again = CsvSource(path, None, SECRET)
    rest = list(again.chunks(5, chunks[at].mark, at + 1, soon=True))
    assert [(c.number, c.numbers, c.mark) for c in rest] == [(c.number, c.numbers, c.mark) for c in chunks[at + 1 :]]
    again.close()


CHARACTERS = st.text(st.sampled_from("甲a, \t\x85\u2028\x1f'") | st.characters(codec="utf-8"), max_size=6)
CELLS = CHARACTERS.filter(lambda text: not any(c in text for c in ',"\n\r'))
ODD = st.text(st.sampled_from('a,"\n\r\0'), max_size=9).map(str.encode) | st.sampled_from([b"\xff,b\n", b"\n", b"x"])
PLAIN = st.tuples(CELLS, CELLS).map(lambda cells: f"{cells[0]},{cells[1]}\n".encode())


@given(st.lists(PLAIN | PLAIN | ODD, max_size=12), st.integers(1, 5), st.integers(0, 2), st.integers(16, 64))
def test_chunks__any_rows__plain_ones_taken_together_are_what_csv_reads(
    tmp_path_factory: pytest.TempPathFactory, rows: list[bytes], size: int, odd: int, buffer: int
) -> None:
    path = tmp_path_factory.mktemp("x") / "x.csv"
    path.write_bytes(b"name,other\n" + b"".join(rows))
    told = []
    for together in (True, False):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(csv_source, "_ODD", odd)
            patch.setattr(csv_source, "_BUFFER", buffer)
            if not together:
                patch.setattr(csv_source._Lines, "plain", lambda *_: [])
            source = CsvSource(path, None, SECRET, ("name", "other"))
            found: list[object] = []
            try:
                for c in source.chunks(size, None, 0):
                    wrong = {at: (error.code, error.params) for at, (_, error) in c.wrong.items()}
                    found.append((c.number, c.numbers, c.keys, [[*cells] for cells in c.cells], wrong, c.mark))
            except UnreadableError as error:
                found.append((error.code, error.params))
            source.close()
            told.append(found)
    assert told[0] == told[1]


def test_chunks__columns_in_their_order__plain_rows_are_lines_that_are_cut_later(tmp_path: Path) -> None:
    given_rows = [cells_of(n, **({"holder_name": 'a,"b"'} if n == 1 else {})) for n in range(3)]
    for key, kinds in ((None, {bytes, list}), ("certificate_name", {list})):
        source = CsvSource(csv_file(tmp_path / "x.csv", given_rows), key, SECRET)
        [chunk] = source.chunks(10, None, 0)
        source.close()
        assert {type(row) for row in chunk.cells} == kinds
        assert [[*cells_in(row)] for row in chunk.cells] == [[row[name] for name in COLUMNS] for row in given_rows]
