"""What a comparison stands on: two sides gone through, the library sorted on the disk, the ledger's look-ups too."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.errors import IntegrityError
from ledger.texts import LANGUAGES, error_text
from notary.reconcile import look_ups
from notary.reconcile import runs as reconcile_runs
from notary.reconcile.compare import LedgerRow, LibraryRow, What, compare
from notary.reconcile.look_ups import RECORD, newest, run_path, write_look_ups
from notary.reconcile.runs import merge_down, merged, read_run, run_name, write_run
from notary.reconcile.statuses import STATUSES, Statuses
from tests.fakes.notary import ISSUER, OTHER

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


# -- the ledger's look-ups --------------------------------------------------------------------------------------------

LOOK_UPS = st.lists(
    st.tuples(st.sampled_from([ISSUER, OTHER]), st.integers(0, 12), st.integers(1, 3), st.integers(0, 2)), max_size=60
)


def records(rows: Iterable[tuple[str, int, int, int]]) -> Any:
    """(issuer, number, version, flags) as records; hashes that end in zeros, and positions that tell all rows apart."""
    found = np.zeros(len(list(rows := list(rows))), RECORD)
    for at, (issuer, number, version, flags) in enumerate(rows):
        mac = number.to_bytes(1) + bytes(30) + (number % 3).to_bytes(1)
        found[at] = (issuer.encode(), mac, version, number << 40 | version, 0, flags)
    return found


def shown(record: Any) -> tuple[bytes, int, int, int]:
    data = record.tobytes()
    return data[:50], int.from_bytes(data[50:54]), int.from_bytes(data[54:62]), data[63]


@settings(max_examples=60)
@given(LOOK_UPS, st.integers(1, 7), st.integers(1, 9))
def test_look_ups__any_runs__the_newest_of_each_in_order(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, int, int, int]], size: int, held: int
) -> None:
    folder = tmp_path_factory.mktemp("looks")
    rows = [(*key, rows[n][3]) for n, key in enumerate(dict.fromkeys(row[:3] for row in rows))]
    paths = [run_path(folder, n) for n in range(-(-len(rows) // size))]
    for n, path in enumerate(paths):
        write_look_ups(path, [records([row]) for row in rows[n * size : (n + 1) * size]])
    expected: dict[bytes, tuple[bytes, int, int, int]] = {}
    for each in sorted(shown(record) for record in records(rows)):
        expected[each[0]] = each
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(look_ups, "HELD", held)
        patch.setattr(look_ups, "LEAST", 1)
        assert [shown(record) for block in newest(paths) for record in block] == list(expected.values())
        for after in [*expected, ISSUER.encode() + b"\xff" * 32]:
            found = [shown(record) for block in newest(paths, after) for record in block]
            assert found == [row for key, row in expected.items() if key > after]


@pytest.mark.parametrize("how", ["missing", "cut", "shorter"])
def test_look_ups__run_not_whole__told(tmp_path: Path, how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(look_ups, "HELD", 1)
    monkeypatch.setattr(look_ups, "LEAST", 1)
    paths = [run_path(tmp_path, n) for n in range(2)]
    for n, path in enumerate(paths):
        write_look_ups(path, [records([(ISSUER, n + at, 1, 0)]) for at in (0, 5)])
    blocks = newest(paths)
    if how == "missing":
        paths[1].unlink()
    elif how == "cut":
        paths[1].write_bytes(paths[1].read_bytes()[:-1])
    else:
        next(blocks)
        paths[1].write_bytes(b"")  # while it is read
    with pytest.raises(IntegrityError) as caught:
        list(blocks)
    assert caught.value.code == "reconcile.run"


@given(st.dictionaries(st.integers(0, 60), st.integers(1, 9)), st.sets(st.integers(0, 60), min_size=1))
def test_statuses__any__each_look_up_gets_its_own(
    tmp_path_factory: pytest.TempPathFactory, decided: dict[int, int], positions: set[int]
) -> None:
    path = tmp_path_factory.mktemp("statuses") / STATUSES
    path.write_bytes(b"".join(at.to_bytes(8) + bytes([status]) for at, status in sorted(decided.items())))
    found = np.zeros(len(positions), RECORD)
    found["position"] = sorted(positions)
    statuses = Statuses(path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("notary.reconcile.statuses.BATCH", 3)
        statuses.add_to(found)
    statuses.close()
    assert found["status"].tolist() == [decided.get(at, 0) for at in sorted(positions)]
