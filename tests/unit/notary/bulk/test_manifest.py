"""The manifest: durable rows, a journal whose torn end is cut, and nothing in it that was changed by hand."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.errors import ChuzhengError, ConflictError, InputError, IntegrityError
from notary.bulk.manifest import ACCEPTED, DUPLICATE, REFUSED, Accepted, Outcome, Progress, opened
from notary.bulk.sources import Mark
from tests.fakes.backfilling import outcomes
from tests.fakes.notary import ORIGIN

HEADER = {"source": {"kind": "csv"}, "departments": ["x"]}


def chunk(first: int, count: int = 3) -> tuple[list[Outcome], Mark]:
    wrong = [("holder_code", InputError("certificate.no_holders", member="holders"))]
    kinds = [
        lambda n: Outcome(n, "k,1", ACCEPTED, ORIGIN, n),
        lambda n: Outcome(n, "", DUPLICATE, ORIGIN, 7),
        lambda n: Outcome(n, "", REFUSED).refused(wrong),
    ]
    return [kinds[n % 3](n) for n in range(first, first + count)], Mark(first + count, first + count, 10, "00")


def test_rows__each_outcome__told_in_both_languages(tmp_path: Path) -> None:
    with opened(tmp_path, HEADER) as manifest:
        manifest.write(*chunk(0), [])
        assert manifest.progress.rows == 3
    first, second, third = outcomes(tmp_path)
    assert (first["row"], first["key"], first["outcome"], first["index"]) == ("0", "k,1", "accepted", "0")
    assert (second["outcome"], second["origin"], second["index"]) == ("duplicate", ORIGIN, "7")
    assert (third["outcome"], third["code"], third["column"]) == ("refused", "certificate.no_holders", "holder_code")
    assert third["zh"]
    assert third["en"]


ROW = st.tuples(st.integers(0, 10**12), st.just("") | st.text(st.characters(exclude_categories=["Cs"]), max_size=9))


@settings(max_examples=50)
@given(
    st.lists(ROW, max_size=9),
    st.sampled_from(
        [ORIGIN, 'a,"b'],
    ),
    st.integers(0, 10**9),
)
def test_accepted__any_keys__the_rows_that_each_of_them_has(rows: list[tuple[int, str]], origin: str, at: int) -> None:
    run = Accepted([number for number, _ in rows], [key for _, key in rows], origin, at)
    assert [outcome.at for outcome in run.outcomes()] == list(range(at, at + len(rows)))
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(run.outcomes())
    assert run.text() == text.getvalue()


def test_rows__all_accepted__told_and_counted(tmp_path: Path) -> None:
    with opened(tmp_path, HEADER) as manifest:
        manifest.write(Accepted([2, 3], ["", ""], ORIGIN, 7), Mark(2, 3, 9, "00"), [])
        assert (manifest.progress.accepted, manifest.progress.rows) == (2, 2)
    assert [(row["row"], row["origin"], row["index"]) for row in outcomes(tmp_path)] == [
        ("2", ORIGIN, "7"), ("3", ORIGIN, "8"),
    ]  # fmt: skip


@settings(max_examples=30)
@given(st.integers(0, 3), st.integers(0, 60), st.integers(0, 60))
def test_open__torn_anywhere_behind_the_last_chunk__as_after_that_chunk(
    tmp_path_factory: pytest.TempPathFactory, chunks: int, torn_rows: int, torn_journal: int
) -> None:
    folder = tmp_path_factory.mktemp("m")
    with opened(folder, HEADER) as manifest:
        for n in range(chunks):
            manifest.write(*chunk(n * 3), [])
        whole, kept = manifest.progress, manifest.rows_path.read_bytes()
        journal = manifest.journal_path.read_bytes() if chunks else b""
        manifest.write(*chunk(99), [])
        rows_after, journal_after = manifest.rows_path.read_bytes(), manifest.journal_path.read_bytes()
    lost = journal_after[len(journal) :]
    manifest.journal_path.write_bytes(journal + lost[: min(torn_journal, len(lost) - 1)])
    manifest.rows_path.write_bytes(rows_after[: len(kept) + torn_rows])
    with opened(folder, HEADER) as again:
        assert again.progress == whole or not chunks
        assert again.rows_path.read_bytes() == kept
        assert again.journal_path.read_bytes() == journal
        again.write(*chunk(chunks * 3), [])
    assert [row["row"] for row in outcomes(folder)] == [str(n) for n in range(chunks * 3 + 3)]


def test_open__lines_changed_by_hand__refused(tmp_path: Path) -> None:
    with opened(tmp_path, HEADER) as manifest:
        manifest.write(*chunk(0), [])
        manifest.write(*chunk(3), [])
    journal, rows = manifest.journal_path.read_bytes(), manifest.rows_path.read_bytes()
    manifest.journal_path.write_bytes(b"x" + journal[1:])
    with pytest.raises(IntegrityError, match=r"backfill\.manifest"), opened(tmp_path, HEADER):
        pass
    manifest.journal_path.write_bytes(journal)
    manifest.rows_path.write_bytes(rows[:-5])
    with pytest.raises(IntegrityError, match=r"backfill\.manifest"), opened(tmp_path, HEADER):
        pass


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ({"source": {"kind": "csv"}, "departments": ["y"]}, "backfill.other_source"),
        ({"source": {"kind": "parquet"}, "departments": ["x"]}, "backfill.other_source"),
    ],
)
def test_open__other_source_or_settings__refused(tmp_path: Path, header: dict[str, object], code: str) -> None:
    with opened(tmp_path, HEADER):
        pass
    with pytest.raises(ChuzhengError, match=code), opened(tmp_path, header):
        pass


def test_open__held_by_another_run__refused(tmp_path: Path) -> None:
    first, second = opened(tmp_path, HEADER), opened(tmp_path, HEADER)
    with first, pytest.raises(ConflictError, match=r"backfill\.running"):
        second.__enter__()
    with opened(tmp_path, HEADER) as manifest:
        assert manifest.progress == Progress(size=manifest.progress.size)


def test_open__folder_of_something_else__refused(tmp_path: Path) -> None:
    (tmp_path / "backfill.json").write_text('{"format": "else"}', encoding="utf-8")
    with pytest.raises(InputError, match=r"backfill\.not_manifest"), opened(tmp_path, HEADER):
        pass
