"""The library compared with the ledger: every difference, cut anywhere and resumed, from CSV, Parquet and table."""

from __future__ import annotations

import csv
import random
import sqlite3
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from ledger.errors import ConflictError, InputError, RowsError
from ledger.statuses import DecisionCode
from ledger.texts import LANGUAGES, error_text
from ledger.types import DepartmentCode, Millis
from notary.bulk.csv_source import CsvSource
from notary.reconcile import ledger as ledger_side
from notary.reconcile import lists as reconcile_lists
from notary.reconcile import look_ups, statuses
from notary.reconcile import run as reconcile_run
from notary.reconcile.compare import What
from notary.reconcile.lists import FIELDS
from notary.reconcile.run import Done
from notary.reconcile.words import NAMES, WORDS, status_words
from notary.stores import reconciling
from tests.fakes.notary import ISSUER, ORIGIN, OTHER, certificate
from tests.unit.notary.library_house import SECRET, Died, House, name


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    yield made
    made.rig.notary.close()


@pytest.fixture
def mixed(house: House) -> Path:
    """0–4 only in the ledger, 5 revoked there, 6 suspended on both sides, 39 not anchored, 90 unknown, some wrong."""
    house.chain.decide(5, DecisionCode.REVOKED)
    house.chain.decide(6, DecisionCode.SUSPENDED)
    house.chain.decide(7, DecisionCode.SUSPENDED)
    house.chain.decide(7, DecisionCode.RESUMED)
    rows = [(name(n), "有效") for n in range(5, 40) if n != 6]
    rows += [
        (name(6), "暂扣"),
        (name(90), "有效"),
        (name(8), "有效"),
        (name(9)[:-1] + "!", "有效"),
        (name(10), "?"),
        ("", "有效"),
    ]
    random.Random(1).shuffle(rows)
    return house.write(rows)


EXPECTED = {
    "not_registered": 1, "not_anchored": 1, "not_in_library": 5, "status_differs": 1, "twice": 1, "wrong_row": 3,
}  # fmt: skip


def test_run__mixed__every_difference_in_its_list(house: House, mixed: Path) -> None:
    report = house.compare(house.csv(mixed))
    lists = house.lists()
    # 10 stands once more with a status that nobody knows: that row is wrong, the other one counts.
    assert {what: len(lines) for what, lines in lists.items()} == EXPECTED
    assert {what.value: report[what.value] for what in What} == EXPECTED
    assert report["rows"] == 40
    assert report["agreed"] == 33
    assert lists["not_registered"][0]["identifier"] == name(90)
    assert lists["status_differs"][0]["identifier"] == name(5)
    assert (lists["status_differs"][0]["library"], lists["status_differs"][0]["ledger"]) == ("in_force", "revoked")
    assert lists["not_anchored"][0]["index"] == 39
    assert sorted(line["index"] for line in lists["not_in_library"]) == [0, 1, 2, 3, 4]
    assert sorted(line["reason"] for line in lists["wrong_row"]) == ["identifier", "identifier", "status"]
    assert not list((house.folder / "out").glob("*.run"))


def test_run__lists__hold_nothing_of_a_record_that_the_library_has_not(house: House, mixed: Path) -> None:
    house.compare(house.csv(mixed))
    text = b"".join(path.read_bytes() for path in (house.folder / "out").iterdir()).decode()
    assert "样例" not in text
    for n in range(5):
        assert name(n) not in text


@pytest.mark.parametrize("seed", range(3))
def test_run__dies_anywhere__the_next_one_ends_it_with_the_same(
    house: House, mixed: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconcile_run, "RUN_ROWS", 7)
    monkeypatch.setattr(reconcile_run, "STEPS", 4)
    monkeypatch.setattr(reconciling, "PAGE", 3)
    monkeypatch.setattr(ledger_side, "RUN_RECORDS", 7)
    monkeypatch.setattr(statuses, "BATCH", 1)
    whole = house.compare(house.csv(mixed), out="whole")
    chance = random.Random(seed)
    calls = {"left": 0}

    def dying(act: Any) -> Any:
        def call(*arguments: Any) -> Any:
            calls["left"] -= 1
            if calls["left"] < 0 and chance.random() < 0.5:
                raise Died
            made = act(*arguments)
            if calls["left"] < 0:
                raise Died
            return made

        return call

    for room, part in (
        (reconcile_lists, "append"), (reconcile_run, "write_durably"), (reconcile_run, "write_run"),
        (reconcile_run, "write_statuses"), (look_ups, "write_durably"),
    ):  # fmt: skip
        monkeypatch.setattr(room, part, dying(getattr(room, part)))
    deaths = 0
    while True:
        calls["left"] = chance.randrange(1, 9)
        try:
            cut = house.compare(house.csv(mixed), out="cut")
            break
        except Died:
            deaths += 1
    assert deaths > 3
    same = [name for name in whole if name not in ("started_at", "finished_at")]
    assert {n: cut[n] for n in same} == {n: whole[n] for n in same}
    as_sets = [{k: sorted(map(str, v)) for k, v in house.lists(out).items()} for out in ("whole", "cut")]
    assert as_sets[0] == as_sets[1]


def test_run__other_source_in_the_same_folder__refused(house: House, mixed: Path) -> None:
    house.compare(house.csv(mixed))
    with pytest.raises(ConflictError) as caught:
        house.compare(house.csv(mixed), form="csv")
    assert caught.value.code == "reconcile.other"
    assert all(error_text(caught.value, language) for language in LANGUAGES)


def test_run__library_changed_between_two_runs__refused(
    house: House, mixed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconcile_run, "RUN_ROWS", 7)

    def cut(done: Done, share: float) -> None:
        raise Died

    house.told = cut
    with pytest.raises(Died):
        house.compare(house.csv(mixed))
    mixed.write_text(mixed.read_text(encoding="utf-8").replace("有效", "吊销", 1), encoding="utf-8")
    house.told = lambda done, share: None
    with pytest.raises(ConflictError, match=r"reconcile\.changed"):
        house.compare(house.csv(mixed))


def test_run__one_issuer_asked__others_are_passed_over(house: House) -> None:
    path = house.write([(name(n), "有效") for n in range(40)] + [(str(certificate(1, OTHER)["identifier"]), "有效")])
    assert house.compare(house.csv(path), out="all")["not_registered"] == 1
    report = house.compare(house.csv(path), out="one", issuers=(ISSUER,))
    assert (report["not_registered"], report["other_issuers"]) == (0, 1)
    report = house.compare(house.csv(path), out="other", issuers=(OTHER,))
    assert (report["not_in_library"], report["other_issuers"]) == (0, 40)


def test_run__registered_after_the_export__not_missed(house: House) -> None:
    notary, clock = house.rig.notary, house.rig.clock
    exported = Millis(clock.at + 2 * 3_600_000)
    clock.at += 4 * 3_600_000
    notary.accept_records(ISSUER, ORIGIN, [certificate(100)])
    notary.catch_up(ORIGIN)
    path = house.write([(name(n), "有效") for n in range(40)])
    report = house.compare(house.csv(path), exported_at=exported)
    assert (report["not_in_library"], report["registered_later"]) == (0, 1)
    assert house.compare(house.csv(path), out="plain")["not_in_library"] == 1


def test_run__newest_version_counts(house: House) -> None:
    """An identifier ends in its version, so a new version is another identifier; both stand."""
    house.rig.notary.accept_records(ISSUER, ORIGIN, [certificate(1, version=2)])
    path = house.write(
        [(name(n), "有效") for n in range(40)] + [(str(certificate(1, version=2)["identifier"]), "有效")]
    )
    report = house.compare(house.csv(path))
    assert (report["not_registered"], report["not_in_library"], report["not_anchored"]) == (0, 0, 2)


def test_run__csv_form__the_same_lines_for_a_spreadsheet(house: House, mixed: Path) -> None:
    house.compare(house.csv(mixed), form="csv")
    with (house.folder / "out" / "status_differs.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["identifier"] for row in rows] == [name(5)]
    assert list(rows[0]) == list(FIELDS)


def test_run__parquet_and_table__as_from_csv(house: House, mixed: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from notary.bulk.parquet import ParquetSource
    from notary.bulk.table import TableSource

    with mixed.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    table = pa.table({column: [row[column] for row in rows] for column in ("status", "holder", "identifier")})
    pq.write_table(table, house.folder / "library.parquet", row_group_size=7)
    columns = ("identifier", "status")
    reports = [house.compare(ParquetSource(house.folder / "library.parquet", None, SECRET, columns), out="parquet")]
    connection = sqlite3.connect(house.folder / "library.sqlite")
    connection.execute("CREATE TABLE certs (id INTEGER PRIMARY KEY, holder TEXT, identifier TEXT, status TEXT)")
    inserted = [(n, row["holder"], row["identifier"], row["status"]) for n, row in enumerate(rows)]
    connection.executemany("INSERT INTO certs VALUES (?, ?, ?, ?)", inserted)
    connection.commit()
    connection.close()
    source = TableSource(f"sqlite:///{house.folder}/library.sqlite", "certs", "id", SECRET, columns)
    reports.append(house.compare(source, out="table"))
    source.close()
    for report in reports:
        assert {what.value: report[what.value] for what in What} == EXPECTED


def test_source__column_missing_or_twice__told(house: House) -> None:
    path = house.write([])
    for columns in (("identifier", "state"), ("id", "status")):
        with pytest.raises(RowsError, match=r"backfill\.columns"):
            CsvSource(path, None, SECRET, columns)
    (house.folder / "twice.csv").write_text("identifier,status,status\n", encoding="utf-8")
    with pytest.raises(RowsError):
        CsvSource(house.folder / "twice.csv", None, SECRET, ("identifier", "status"))


def test_run__issuer_in_its_own_column__identifiers_of_any_form(house: House) -> None:
    house.rig.notary.accept_records(
        ISSUER, ORIGIN, [certificate(200, identifier=name(200).lower(), identifier_form="as_received")]
    )
    path = house.folder / "own.csv"
    lines = [f"{name(n).lower()},有效,{issuer}" for n, issuer in ((200, ISSUER), (201, ISSUER), (202, "x"))]
    path.write_text("\n".join(["identifier,status,issuer", *lines, ""]), encoding="utf-8")
    source = CsvSource(path, None, SECRET, ("identifier", "status", "issuer"))
    report = house.compare(source, issuers=(DepartmentCode(ISSUER),))
    assert (report["not_registered"], report["not_anchored"], report["wrong_row"]) == (1, 1, 1)


@pytest.mark.parametrize("how", ["changed", "longer", "shorter"])
@pytest.mark.parametrize("ended", [False, True])
def test_run__library_changed_after_it_was_read__refused_not_mixed(
    house: House, mixed: Path, monkeypatch: pytest.MonkeyPatch, how: str, ended: bool
) -> None:
    """Died between the two halves, or all done: the next day's export under the same name is another library."""

    def cut(done: Done, share: float) -> None:
        if done.read and not ended:
            raise Died

    monkeypatch.setattr(reconcile_run, "STEPS", 3)
    house.told = cut
    with nullcontext() if ended else pytest.raises(Died):
        house.compare(house.csv(mixed))
    data = mixed.read_bytes()
    lines = data.splitlines(keepends=True)
    other = {"changed": data.replace("有效".encode(), "吊销".encode(), 1), "longer": data + lines[-1]}
    mixed.write_bytes(other.get(how, b"".join(lines[:-1])))
    house.told = lambda done, share: None
    with pytest.raises(ConflictError, match=r"reconcile\.changed"):
        house.compare(house.csv(mixed))
    mixed.write_bytes(data)
    house.compare(house.csv(mixed))  # the library that was read: it goes on, or says again what it said


def test_words__official_ours_and_mapped() -> None:
    assert WORDS["有效"] == WORDS["in_force"] == 0
    assert NAMES[WORDS["吊销"]] == "revoked"
    assert status_words('"03" = "吊销"\n"04" = "rescinded"')["03"] == DecisionCode.REVOKED
    for text, code in (
        ("=", "reconcile.map"),
        ('"1" = "gone"', "reconcile.map_word"),
        ('"1" = 3', "reconcile.map_word"),
    ):
        with pytest.raises(InputError) as caught:
            status_words(text)
        assert caught.value.code == code
        assert all(error_text(caught.value, language) for language in LANGUAGES)
