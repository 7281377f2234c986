"""The whole run: every record has its row, a wrong one stops no other, and one cut anywhere ends as one that wasn't."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.errors import ChuzhengError, ConflictError, IntegrityError, NotFoundError
from ledger.types import DepartmentCode
from notary.bulk import chunks, durable, manifest, run, work
from notary.bulk.chunks import Asked, Own, prepare_part, promise_part
from notary.bulk.csv_source import CsvSource
from notary.entry import leaf_of, log_id
from notary.imports import COLUMNS
from tests.fakes.backfilling import SECRET, cells_of, csv_bytes, csv_file, fill, outcomes
from tests.fakes.notary import FOREIGN, ISSUER, ORIGIN, OTHER, Rig, certificate
from tests.unit.notary.bulk.filled import EXPECTED, ROWS, check_receipts, told


def test_run__rows_of_every_kind__each_is_told_and_receipts_are_their_own(tmp_path: Path) -> None:
    rig = Rig(tmp_path / "home")
    source = csv_file(tmp_path / "x.csv", ROWS)
    done = fill(rig, source, tmp_path / "m", salts=tmp_path / "s")
    assert told(tmp_path / "m") == EXPECTED
    assert (done.rows, done.accepted, done.duplicate, done.refused, done.complete) == (15, 9, 2, 4, True)
    assert check_receipts(rig, tmp_path / "m", tmp_path / "s") == 9
    again = fill(rig, source, tmp_path / "m")
    assert again == done
    other = fill(rig, source, tmp_path / "other")
    assert (other.accepted, other.duplicate, other.refused) == (0, 11, 4)
    assert len(rig.entries()) == 9
    assert not list((tmp_path / "other").glob("receipts/*/*"))


def test_run__nothing_of_a_person_in_the_manifest(tmp_path: Path) -> None:
    rig = Rig(tmp_path / "home")
    fill(rig, csv_file(tmp_path / "x.csv", ROWS), tmp_path / "m")
    written = b"".join(path.read_bytes() for path in (tmp_path / "m").rglob("*") if path.is_file())
    for row in ROWS:
        for name in ("identifier", "holder_name", "holder_code", "certificate_number"):
            assert len(row[name]) < 4 or row[name].encode() not in written


class Cut(BaseException):
    """The process is killed here."""


class Knife:
    """Ends the run at the `at`-th write of it: before, after, or in the middle of its bytes."""

    def __init__(self, at: int, where: str) -> None:
        self.at, self.where, self.seen = at, where, 0

    def around(self, real: Any) -> Any:
        def write(path: Path, data: bytes) -> Any:
            self.seen += 1
            if self.seen != self.at:
                return real(path, data)
            if self.where == "torn" and real.__name__ == "append":
                real(path, data[: len(data) // 2])
            elif self.where == "after":
                real(path, data)
            raise Cut

        return write


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A notary's folder with nothing in it: making the tables takes longer than a whole run."""
    home = tmp_path_factory.mktemp("empty") / "home"
    Rig(home).notary.close()
    return home


@settings(max_examples=10)
@given(st.lists(st.tuples(st.integers(1, 14), st.sampled_from(["before", "torn", "after"])), min_size=1, max_size=3))
def test_run__cut_at_any_write_and_run_again__the_same_manifest_and_no_index_twice(
    empty: Path, tmp_path_factory: pytest.TempPathFactory, cuts: list[tuple[int, str]]
) -> None:
    folder = tmp_path_factory.mktemp("cut")
    shutil.copytree(empty, folder / "home")
    rig = Rig(folder / "home")
    source = csv_file(folder / "x.csv", ROWS)
    for at, where in cuts:
        knife = Knife(at, where)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(manifest, "append", knife.around(durable.append))
            patch.setattr(manifest, "write_durably", knife.around(durable.write_durably))
            try:
                fill(rig, source, folder / "m")
            except Cut:
                rig.again()
    fill(rig, source, folder / "m")
    assert told(folder / "m") == EXPECTED
    assert len(rig.entries()) == len({leaf_of(entry) for entry in rig.entries()}) == 9
    assert check_receipts(rig, folder / "m") == 9
    rig.notary.close()


def test_run__stopped__what_is_under_way_is_written_and_the_next_run_goes_on(tmp_path: Path) -> None:
    rig = Rig(tmp_path / "home")
    source = csv_file(tmp_path / "x.csv", ROWS)
    asked: list[int] = []

    def stop() -> bool:
        asked.append(1)
        return len(asked) > 2

    first = fill(rig, source, tmp_path / "m", stop=stop)
    assert not first.complete
    assert first.rows == 8
    assert fill(rig, source, tmp_path / "m").complete
    assert told(tmp_path / "m") == EXPECTED


def test_run__several_issuers__each_row_in_its_own_log(tmp_path: Path) -> None:
    rig = Rig(tmp_path / "home", origins=(ORIGIN, FOREIGN))
    rows = [cells_of(n, OTHER if n % 3 == 0 else ISSUER) for n in range(9)]
    fill(rig, csv_file(tmp_path / "x.csv", rows), tmp_path / "m", departments=(ISSUER, OTHER))
    assert [(row["origin"], row["index"]) for row in outcomes(tmp_path / "m")] == [
        (FOREIGN, str(n // 3)) if n % 3 == 0 else (ORIGIN, str(n - n // 3 - 1)) for n in range(9)
    ]
    assert check_receipts(rig, tmp_path / "m") == 9


def test_run__changed_source__refused_and_nothing_taken(tmp_path: Path) -> None:
    rig = Rig(tmp_path / "home")
    source = csv_file(tmp_path / "x.csv", ROWS[:6])
    fill(rig, source, tmp_path / "m")
    csv_file(source, [cells_of(50), *ROWS[1:9]])
    with pytest.raises(ConflictError, match=r"backfill\.changed"):
        fill(rig, source, tmp_path / "m")
    assert len(rig.entries()) == 4
    csv_file(source, ROWS)  # the same beginning: it has grown
    fill(rig, source, tmp_path / "m")
    assert told(tmp_path / "m") == EXPECTED


def test_run__quotes_do_not_match__all_before_is_done_and_it_goes_on_once_corrected(tmp_path: Path) -> None:
    rig = Rig(tmp_path / "home")
    path = tmp_path / "x.csv"
    whole = csv_bytes(ROWS)
    lines = whole.splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:7]) + b'"' + b"".join(lines[7:]))
    with pytest.raises(ChuzhengError, match=r"backfill\.syntax"):
        fill(rig, path, tmp_path / "m")
    assert told(tmp_path / "m") == EXPECTED[:6]
    path.write_bytes(whole)
    fill(rig, path, tmp_path / "m")
    assert told(tmp_path / "m") == EXPECTED


def test_run__no_rows__is_done(tmp_path: Path) -> None:
    rig = Rig(tmp_path / "home")
    done = fill(rig, csv_file(tmp_path / "x.csv", []), tmp_path / "m")
    assert (done.rows, done.complete) == (0, True)


def test_run__department_without_a_log__refused(tmp_path: Path) -> None:
    rig = Rig(tmp_path / "home")
    with pytest.raises(NotFoundError, match=r"backfill\.no_log"):
        fill(rig, csv_file(tmp_path / "x.csv", ROWS), tmp_path / "m", departments=(DepartmentCode(OTHER),))


# -- never another row's ----------------------------------------------------------------------------------------------


def part(rig: Rig, count: int = 6) -> tuple[list[Own], list[bytes]]:
    """Rows made ready and the entries that stand for them."""
    cells = [[cells_of(n)[name] for name in COLUMNS] for n in range(count)]
    made = prepare_part(range(count), cells, frozenset({ISSUER}), "data", rig.notary.vault)
    own = [Own(*each) for each in chunks.unpack_own(made.ready[0].own, None)]
    at = (1_770_000_000_000).to_bytes(8)
    return own, [b"\x01\x01" + ISSUER.encode() + at + each.sha256 + each.sm3 for each in own]


def promised(rig: Rig, own: list[Own], entries: list[bytes], *, every: bool) -> chunks.Promised:
    asked = Asked(ORIGIN, log_id(ORIGIN), 0, b"".join(entries), list(range(len(own))), [])
    return promise_part(asked, own, signer=rig.notary.signers[ORIGIN], vault=rig.notary.vault, every=every)


def swapped(values: list[Any]) -> list[Any]:
    return [values[0], values[2], values[1], *values[3:]]


@pytest.mark.parametrize("every", [False, True])
def test_promise__rows_as_they_are__none_is_foreign(tmp_path: Path, every: bool) -> None:
    rig = Rig(tmp_path)
    own, entries = part(rig)
    assert promised(rig, own, entries, every=every).foreign is None


@pytest.mark.parametrize("every", [False, True])
@pytest.mark.parametrize("what", ["entries", "records", "salts", "digest", "sm3", "issuer", "kind"])
def test_promise__a_swapped_or_altered_row__is_caught(tmp_path: Path, what: str, every: bool) -> None:
    rig = Rig(tmp_path)
    own, entries = part(rig)
    match what:
        case "entries":
            entries = swapped(entries)
        case "records":
            bodies = swapped([each.canonical for each in own])
            own = [each._replace(canonical=body) for each, body in zip(own, bodies, strict=True)]
        case "salts":
            values = swapped([each.salt for each in own])
            own = [each._replace(salt=salt) for each, salt in zip(own, values, strict=True)]
        case "digest":
            entries[1] = entries[1][:28] + entries[2][28:60] + entries[1][60:]
        case "sm3":
            entries[1] = entries[1][:60] + entries[2][60:]
        case "issuer":
            entries[1] = entries[1][:2] + OTHER.encode() + entries[1][20:]
        case "kind":
            entries[1] = b"\x01\x02" + entries[1][2:]
    assert promised(rig, own, entries, every=every).foreign == 1


@pytest.fixture
def planted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two entries of an answer change places between the log and whoever hands out receipts."""
    real = run.Backfill._answered

    def answered(self: run.Backfill, group: Any) -> Any:
        answer = real(self, group)
        if len(answer.taken) > 1:
            first, second = answer.taken[:2]
            entries = list(answer.entries)
            entries[first], entries[second] = entries[second], entries[first]
            object.__setattr__(answer, "entries", entries)
        return answer

    monkeypatch.setattr(run.Backfill, "_answered", answered)


@pytest.mark.usefixtures("planted")
def test_run__a_swapped_row_planted__stops_before_anything_is_handed_out(tmp_path: Path) -> None:
    rig = Rig(tmp_path / "home")
    with pytest.raises(IntegrityError) as caught:
        fill(rig, csv_file(tmp_path / "x.csv", ROWS), tmp_path / "m")
    assert (caught.value.code, caught.value.params["row"]) == ("backfill.receipt_differs", 2)
    assert outcomes(tmp_path / "m") == []
    assert not list((tmp_path / "m").glob("receipts/*/*"))


def test_run__promises_of_another_place__stop_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = work.Work.promise

    def elsewhere(self: Any, asked: Asked, own: bytes) -> Any:
        return real(self, asked._replace(first=asked.first + 1), own)

    monkeypatch.setattr(work.Work, "promise", elsewhere)
    rig = Rig(tmp_path / "home")
    with pytest.raises(IntegrityError, match=r"backfill\.promise_differs"):
        fill(rig, csv_file(tmp_path / "x.csv", ROWS), tmp_path / "m")
    assert outcomes(tmp_path / "m") == []


def test_run__key_column__stands_in_the_manifest(tmp_path: Path) -> None:
    rig = Rig(tmp_path / "home")
    path = tmp_path / "x.csv"
    path.write_bytes(csv_bytes([{**cells_of(n), "serial": f"S{n}"} for n in range(3)], [*COLUMNS, "serial"]))
    fill(rig, CsvSource(path, "serial", SECRET), tmp_path / "m")
    assert [row["key"] for row in outcomes(tmp_path / "m")] == ["S0", "S1", "S2"]
    assert json.loads((tmp_path / "m" / "backfill.json").read_text())["source"]["columns"][-1] == "key:serial"


def test_run__records_that_stood_before__keep_their_first_place(tmp_path: Path) -> None:
    rig = Rig(tmp_path / "home")
    rig.notary.accept_records(ISSUER, ORIGIN, [certificate(2)])
    fill(rig, csv_file(tmp_path / "x.csv", [cells_of(1), cells_of(2), cells_of(3)]), tmp_path / "m")
    assert [(row["outcome"], row["index"]) for row in outcomes(tmp_path / "m")] == [
        ("accepted", "1"), ("duplicate", "0"), ("accepted", "2"),
    ]  # fmt: skip
