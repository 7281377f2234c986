"""The library compared with the ledger: against an oracle, cut anywhere and resumed, from CSV, Parquet and table."""

from __future__ import annotations

import csv
import json
import random
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.errors import ConflictError, InputError, IntegrityError, RowsError
from ledger.statuses import Decision, DecisionCode
from ledger.texts import LANGUAGES, error_text
from ledger.types import BlockTime, DepartmentCode, Digest, Millis
from notary.bulk.csv_source import CsvSource
from notary.bulk.sources import Source
from notary.entry import Entry, status_key
from notary.reconcile import ledger as ledger_side
from notary.reconcile import lists as reconcile_lists
from notary.reconcile import look_ups
from notary.reconcile import run as reconcile_run
from notary.reconcile import runs as reconcile_runs
from notary.reconcile.compare import LedgerRow, LibraryRow, What, compare
from notary.reconcile.lists import FIELDS
from notary.reconcile.run import Asked, Comparison, Done, Ledger
from notary.reconcile.runs import merge_down, merged, read_run, run_name, write_run
from notary.reconcile.words import NAMES, WORDS, status_words
from notary.stores import reconciling
from tests.fakes.notary import FOREIGN, ISSUER, ORIGIN, OTHER, Rig, certificate

SECRET = b"s" * 32

# -- the comparison itself --------------------------------------------------------------------------------------------

KEYS = st.integers(0, 40)
LIBRARY = st.lists(st.tuples(KEYS, st.integers(0, 3)), max_size=40)
LEDGER = st.dictionaries(KEYS, st.tuples(st.integers(0, 3), st.booleans(), st.booleans()), max_size=40)


def key_of(number: int) -> bytes:
    return ISSUER.encode() + number.to_bytes(32)


def oracle(library: list[tuple[int, int]], ledger: dict[int, tuple[int, bool, bool]]) -> Counter[tuple[Any, ...]]:
    """What each key deserves, by dictionaries that hold everything at once."""
    found: Counter[tuple[Any, ...]] = Counter()
    first: dict[int, int] = {}
    for key, status in library:
        if key in first:
            found[What.TWICE, key] += 1
        else:
            first[key] = status
    for key, status in first.items():
        if key not in ledger:
            found[What.NOT_REGISTERED, key] += 1
            continue
        found[What.NOT_ANCHORED, key] += not ledger[key][1]
        found[What.STATUS_DIFFERS, key] += ledger[key][0] != status
    for key, (_, _, late) in ledger.items():
        found[What.NOT_IN_LIBRARY, key] += key not in first and not late
    return +found


@given(LIBRARY, LEDGER)
def test_compare__any_two_sides__as_the_oracle_says(
    library: list[tuple[int, int]], ledger: dict[int, tuple[int, bool, bool]]
) -> None:
    rows = [LibraryRow(key_of(k), n, s, str(k)) for n, (k, s) in enumerate(library)]
    theirs = sorted(rows, key=lambda row: (row.key, row.number))
    ours = [LedgerRow(key_of(k), k, s, anchored, late) for k, (s, anchored, late) in sorted(ledger.items())]
    steps = list(compare(iter(theirs), iter(ours)))
    assert [step.key for step in steps] == sorted({row.key for row in theirs} | {row.key for row in ours})
    found = Counter((f.what, int.from_bytes(step.key[18:])) for step in steps for f in step.found)
    assert found == oracle(library, ledger)
    both = {k for k, _ in library} & ledger.keys()
    differing = {k for w, k in found if w in (What.STATUS_DIFFERS, What.NOT_ANCHORED)}
    assert sum(step.agreed for step in steps) == len(both - differing)


@pytest.mark.parametrize("side", ["library", "ledger"])
def test_compare__side_out_of_order__not_believed(side: str) -> None:
    theirs = [LibraryRow(key_of(n), n, 0, "") for n in (2, 1)]
    ours = [LedgerRow(key_of(n), n, 0, True) for n in (2, 1)]
    with pytest.raises(IntegrityError, match=r"reconcile\.order"):
        list(compare(iter(theirs if side == "library" else []), iter(ours if side == "ledger" else [])))


# -- sorting ----------------------------------------------------------------------------------------------------------


@settings(max_examples=15)
@given(st.lists(st.lists(st.binary(min_size=1, max_size=80), max_size=30), max_size=12), st.integers(2, 4))
def test_runs__merged_in_groups__everything_in_order(
    tmp_path_factory: pytest.TempPathFactory, runs: list[list[bytes]], most: int
) -> None:
    folder = tmp_path_factory.mktemp("runs")
    for number, records in enumerate(runs):
        write_run(folder / f"{run_name(number)}.run", sorted(records))
    expected = sorted(record for records in runs for record in records)
    paths = merge_down(folder, "*.run", most)
    assert len(paths) <= most
    assert list(merged(paths)) == expected
    middle = expected[len(expected) // 2][:4] if expected else b"x"
    assert list(merged(paths, middle)) == [r for r in expected if r[: len(middle)] > middle]


def test_runs__died_between_merging_and_cleaning_up__nothing_twice(tmp_path: Path) -> None:
    for number in range(5):
        write_run(tmp_path / f"{run_name(number)}.run", [bytes([number])])
    kept = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    merge_down(tmp_path, "*.run", 2)
    for name, data in kept.items():
        (tmp_path / name).write_bytes(data)  # as if none had been taken away yet
    assert list(merged(merge_down(tmp_path, "*.run", 2))) == [bytes([n]) for n in range(5)]


def test_runs__cut_off__told(tmp_path: Path) -> None:
    write_run(tmp_path / "a.run", [b"abc", b"abd"])
    (tmp_path / "a.run").write_bytes((tmp_path / "a.run").read_bytes()[:-1])
    with pytest.raises(IntegrityError) as caught:
        list(read_run(tmp_path / "a.run"))
    assert all(error_text(caught.value, language) for language in LANGUAGES)


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


# -- with a notary ----------------------------------------------------------------------------------------------------


@dataclass
class Chain:
    """Decisions by status key, and the index's other answers from the rig's chain."""

    rig: Rig
    made: dict[Digest, list[Decision]] = field(default_factory=dict)

    def decide(self, index: int, code: DecisionCode) -> None:
        entry = Entry.from_bytes(self.rig.notary.prover.entry(ORIGIN, index))
        at = BlockTime(self.rig.clock.at // 1000 - 10)
        history = self.made.setdefault(status_key(entry.issuer, entry.sha256), [])
        ends = len(history) if code is DecisionCode.RESUMED else None
        history.append(Decision(len(history) + 1, code, 0, ISSUER, BlockTime(0), at, ends=ends))

    def decided_keys(self, after: bytes, limit: int) -> list[Digest]:
        return sorted(key for key in self.made if key > after)[:limit]

    def decisions(self, status_key: Digest) -> Sequence[Decision]:
        return self.made.get(status_key, [])

    def genesis(self) -> str:
        return "0x00"

    def since(self, block: int, log_index: int, limit: int) -> list[Any]:
        return []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.rig.index, name)


class Died(Exception):
    """The process ended here."""


class House:
    """Certificates 0…n-1 registered by ISSUER, all but the last anchored; a library file to compare."""

    def __init__(self, folder: Path, count: int = 40, database: str = "") -> None:
        self.folder = folder
        self.rig = Rig(folder / "home", origins=(ORIGIN, FOREIGN), database=database)
        self.chain = Chain(self.rig)
        self.count = count
        notary = self.rig.notary
        notary.accept_records(ISSUER, ORIGIN, [certificate(n) for n in range(count)], key="k")
        notary.catch_up(ORIGIN)
        notary.seal(ORIGIN)
        self.rig.chain.anchor(self.rig.chain.logs()[0], count - 1, notary.logs[ORIGIN].root(count - 1))

    def write(self, rows: list[tuple[str, str]], name: str = "library.csv") -> Path:
        path = self.folder / name
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["holder", "identifier", "status"])
            writer.writerows([["张三（样例）", *row] for row in rows])
        return path

    def compare(self, source: Source, out: str = "out", **asked: Any) -> dict[str, Any]:
        """Run to the end; the report."""
        ledger = Ledger(self.rig.notary, self.chain, self.chain, self.rig.clock)
        (self.folder / out).mkdir(exist_ok=True)
        Comparison(self.folder / out, ledger, source, Asked(dict(WORDS), **asked)).run(self.told)
        found: dict[str, Any] = json.loads((self.folder / out / "report.json").read_bytes())
        return found

    def told(self, done: Done, share: float) -> None:
        return

    def csv(self, path: Path) -> CsvSource:
        return CsvSource(path, None, SECRET, ("identifier", "status"))

    def lists(self, out: str = "out") -> dict[str, list[Any]]:
        """The lines of every list."""
        found = {}
        for what in What:
            lines = (self.folder / out / f"{what.value}.ndjson").read_text(encoding="utf-8").splitlines()
            found[what.value] = [json.loads(line) for line in lines]
        return found


def name(n: int) -> str:
    return str(certificate(n)["identifier"])


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
    monkeypatch.setattr(ledger_side, "BATCH", 1)
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

    house.told = cut  # type: ignore[method-assign]
    with pytest.raises(Died):
        house.compare(house.csv(mixed))
    mixed.write_text(mixed.read_text(encoding="utf-8").replace("有效", "吊销", 1), encoding="utf-8")
    house.told = lambda done, share: None  # type: ignore[method-assign]
    with pytest.raises(ConflictError, match=r"backfill\.changed"):
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


def test_newest_versions__on_both_databases__in_order_whatever_the_pages(
    tmp_path: Path, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = House(tmp_path, database=database)
    try:
        whole = list(reconciling.newest_versions(house.rig.notary.store, ISSUER))
        assert len(whole) == 40
        assert [mac for mac, _ in whole] == sorted(mac for mac, _ in whole)
        for page in (2, 7, 40):
            monkeypatch.setattr(reconciling, "PAGE", page)
            assert list(reconciling.newest_versions(house.rig.notary.store, ISSUER)) == whole
            assert list(reconciling.newest_versions(house.rig.notary.store, ISSUER, whole[9][0])) == whole[10:]
    finally:
        house.rig.notary.close()


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
    house.told = cut  # type: ignore[method-assign]
    with nullcontext() if ended else pytest.raises(Died):
        house.compare(house.csv(mixed))
    data = mixed.read_bytes()
    lines = data.splitlines(keepends=True)
    other = {"changed": data.replace("有效".encode(), "吊销".encode(), 1), "longer": data + lines[-1]}
    mixed.write_bytes(other.get(how, b"".join(lines[:-1])))
    house.told = lambda done, share: None  # type: ignore[method-assign]
    with pytest.raises(ConflictError, match=r"backfill\.changed"):
        house.compare(house.csv(mixed))
    mixed.write_bytes(data)
    house.compare(house.csv(mixed))  # the library that was read: it goes on, or says again what it said


def test_runs__many__each_record_is_written_once_a_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[int] = []

    def counted(path: Path, records: Iterable[bytes]) -> None:
        kept = list(records)
        written.append(len(kept))
        write_run(path, kept)

    for number in range(60):
        write_run(tmp_path / f"{run_name(number)}.run", [bytes([number])])
    monkeypatch.setattr(reconcile_runs, "write_run", counted)
    assert len(list(merged(merge_down(tmp_path, "*.run", 8)))) == 60
    assert sum(written) == 60
