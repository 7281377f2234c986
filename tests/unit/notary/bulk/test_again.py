"""What an earlier run handed out and was lost or changed since: the next run writes the same bytes, or says why not."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import IntegrityError
from notary.bulk import manifest, salts
from notary.bulk.again import make_again
from notary.receipts import Bundle
from tests.fakes.backfilling import csv_file, fill
from tests.fakes.notary import ISSUER, ORIGIN, Rig
from tests.unit.notary.bulk.filled import EXPECTED, ROWS, check_receipts, told


def lose(paths: list[Path], how: str) -> None:
    for path in paths:
        if how == "removed":
            path.unlink()
        else:
            path.write_bytes(b"" if how == "empty" else path.read_bytes()[:-1])


def cut_journal(journal: Path, members: int) -> None:
    """The journal as an earlier version wrote it: so many members a line."""
    lines = []
    for line in journal.read_bytes().splitlines():
        body = json.dumps(json.loads(line[17:])[:members], separators=(",", ":")).encode()
        lines.append(hashlib.sha256(body).hexdigest()[:16].encode() + b" " + body + b"\n")
    journal.write_bytes(b"".join(lines))


@pytest.mark.parametrize("how", ["removed", "shortened", "empty"])
@pytest.mark.parametrize("complete", [True, False])
def test_run__bundles_lost_and_run_again__the_same_receipts_and_rows(tmp_path: Path, how: str, complete: bool) -> None:
    rig, folder, asked = Rig(tmp_path / "home"), tmp_path / "m", iter(range(99))
    source = csv_file(tmp_path / "x.csv", ROWS)
    fill(rig, source, folder, stop=(lambda: False) if complete else (lambda: next(asked) > 1))
    before = {path: path.read_bytes() for path in sorted(folder.glob("receipts/*/*.receipts.json"))}
    rows = (folder / "rows.csv").read_bytes()
    lose(list(before)[:2], how)
    rig.notary.seal(ORIGIN)  # the log has gone on: what was promised is asked for again all the same
    fill(rig, source, folder)
    assert {path: path.read_bytes() for path in before} == before
    assert (folder / "rows.csv").read_bytes().startswith(rows)
    assert told(folder) == EXPECTED
    assert check_receipts(rig, folder) == len(rig.entries()) == 9


def test_run__bundle_changed_at_equal_length__noticed_once_the_run_was_complete(tmp_path: Path) -> None:
    rig, folder, asked = Rig(tmp_path / "home"), tmp_path / "m", iter(range(99))
    source = csv_file(tmp_path / "x.csv", ROWS)
    fill(rig, source, folder, stop=lambda: next(asked) > 1)
    path, *_ = sorted(folder.glob("receipts/*/*"))
    whole = path.read_bytes()
    changed = whole.replace(b"A", b"B", 1)
    path.write_bytes(changed)
    fill(rig, source, folder)
    assert path.read_bytes() == changed  # going on doesn't read all that was done
    fill(rig, source, folder)
    assert path.read_bytes() == whole


def test_run__journal_of_an_earlier_version__bundles_known_by_their_length(tmp_path: Path) -> None:
    rig, folder = Rig(tmp_path / "home"), tmp_path / "m"
    source = csv_file(tmp_path / "x.csv", ROWS)
    fill(rig, source, folder)
    cut_journal(folder / "journal.ndjson", 8)
    first, second, *_ = sorted(folder.glob("receipts/*/*"))
    whole, changed = first.read_bytes(), second.read_bytes().replace(b"A", b"B", 1)
    first.unlink()
    second.write_bytes(changed)
    fill(rig, source, folder)
    assert (first.read_bytes(), second.read_bytes()) == (whole, changed)


@pytest.mark.parametrize("how", ["removed", "shortened", "empty"])
def test_run__salts_lost_or_asked_for_later__the_same_salts(tmp_path: Path, how: str) -> None:
    rig, folder, kept = Rig(tmp_path / "home"), tmp_path / "m", tmp_path / "s"
    source = csv_file(tmp_path / "x.csv", ROWS)
    fill(rig, source, folder, salts=kept)
    before = {path: path.read_bytes() for path in sorted(kept.glob("*/*.salts.json"))}
    lose(list(before)[1:3], how)
    fill(rig, source, folder)
    assert {path: path.read_bytes() for path in before if path.exists()} != before  # they weren't asked for
    fill(rig, source, folder, salts=kept)
    assert {path: path.read_bytes() for path in before} == before
    fill(rig, source, folder, salts=tmp_path / "t")
    assert check_receipts(rig, folder, tmp_path / "t") == 9


def changed(path: Path) -> bytes:
    """A file of salts with one salt of another byte, and no other length; what it was."""
    whole = path.read_bytes()
    at = whole.index(b'"salts":') + 12
    path.write_bytes(whole[:at] + (b"A" if whole[at : at + 1] != b"A" else b"B") + whole[at + 1 :])
    assert len(path.read_bytes()) == len(whole)
    assert path.read_bytes() != whole
    return whole


@pytest.mark.parametrize("asked_for", ["at once", "later", "by an earlier version"])
def test_run__salts_changed_at_equal_length__noticed_once_the_run_was_complete(tmp_path: Path, asked_for: str) -> None:
    rig, folder, kept = Rig(tmp_path / "home"), tmp_path / "m", tmp_path / "s"
    source, asked = csv_file(tmp_path / "x.csv", ROWS), iter(range(99))
    fill(rig, source, folder, stop=lambda: next(asked) > 1, salts=None if asked_for == "later" else kept)
    fill(rig, source, folder, salts=kept)
    if asked_for == "by an earlier version":
        cut_journal(folder / "journal.ndjson", 9)
    path, other, *_ = sorted(kept.glob("*/*.salts.json"))
    whole = changed(path)
    with manifest.opened(folder, {}) as found:
        assert not make_again(rig.notary, found, kept, read=False).salts  # going on doesn't read all that was done
        assert make_again(rig.notary, found, kept, read=True).salts == 1
    assert path.read_bytes() == whole
    before = (folder / "journal.ndjson").read_bytes()
    second = changed(other)
    fill(rig, source, folder, salts=kept)
    assert other.read_bytes() == second
    assert (folder / "journal.ndjson").read_bytes() == before  # every file is known by now


def test_run__salts_changed_beside_one_that_was_erased__said_and_a_sound_file_left(tmp_path: Path) -> None:
    rig, folder, kept = Rig(tmp_path / "home"), tmp_path / "m", tmp_path / "s"
    fill(rig, csv_file(tmp_path / "x.csv", ROWS), folder, salts=kept)
    cut_journal(folder / "journal.ndjson", 9)
    rig.notary.erasing.propose(ISSUER, ORIGIN, 1, "order 1", b"\1" * 32)
    rig.notary.erasing.confirm(ISSUER, ORIGIN, 1, "order 1", b"\2" * 32)
    path = min(kept.glob("*/*.salts.json"))
    for wrong in (False, True):
        if wrong:
            changed(path)
        with manifest.opened(folder, {}) as found:
            made = make_again(rig.notary, found, kept, read=True)
        assert (made.salts, made.salts_erased) == (0, int(wrong))


def test_run__salts_lost_and_a_record_erased__its_file_is_not_made_again(tmp_path: Path) -> None:
    rig, folder, kept = Rig(tmp_path / "home"), tmp_path / "m", tmp_path / "s"
    source = csv_file(tmp_path / "x.csv", ROWS)
    fill(rig, source, folder, salts=kept)
    before = {path: path.read_bytes() for path in sorted(kept.glob("*/*.salts.json"))}
    bundles = {path: path.read_bytes() for path in sorted(folder.glob("receipts/*/*"))}
    rig.notary.erasing.propose(ISSUER, ORIGIN, 1, "order 1", b"\1" * 32)
    rig.notary.erasing.confirm(ISSUER, ORIGIN, 1, "order 1", b"\2" * 32)
    lose([*before, *bundles], "removed")
    with manifest.opened(folder, {}) as found:
        made = make_again(rig.notary, found, kept, read=True)
    assert (made.bundles, made.salts, made.salts_erased) == (len(bundles), len(before) - 1, 1)
    assert {path: path.read_bytes() for path in bundles} == bundles
    assert {path: path.read_bytes() for path in list(before)[1:]} == dict(list(before.items())[1:])
    assert not next(iter(before)).exists()


@given(first=st.integers(0, 2**52), count=st.integers(0, 100))
def test_salts__length_of_a_file__known_without_its_salts(
    tmp_path_factory: pytest.TempPathFactory, first: int, count: int
) -> None:
    folder = tmp_path_factory.mktemp("salts")
    salts.write_salts(folder, Bundle(ORIGIN, first, b""), bytes(32 * count))
    assert [salts.has_salts(folder, ORIGIN, first, n) for n in (count - 1, count, count + 1)] == [False, True, False]
    assert not salts.has_salts(folder, ORIGIN, first + 1, count)


def test_run__lost_bundle_whose_entries_differ_now__refused(tmp_path: Path) -> None:
    rig, folder = Rig(tmp_path / "home"), tmp_path / "m"
    source = csv_file(tmp_path / "x.csv", ROWS)
    fill(rig, source, folder)
    lose(sorted(folder.glob("receipts/*/*")), "removed")
    shutil.rmtree(tmp_path / "home")
    other = Rig(tmp_path / "home")
    fill(other, csv_file(tmp_path / "y.csv", ROWS), tmp_path / "n")
    with pytest.raises(IntegrityError, match=r"backfill\.lost_differs"):
        fill(other, source, folder)


def test_run__journal_or_rows_lost__made_again_as_they_were(tmp_path: Path) -> None:
    rig, folder = Rig(tmp_path / "home"), tmp_path / "m"
    source = csv_file(tmp_path / "x.csv", ROWS)
    fill(rig, source, folder)
    written = {path: path.read_bytes() for path in sorted(folder.glob("receipts/*/*"))}
    lose(list(written), "removed")
    (folder / "rows.csv").unlink()
    with pytest.raises(IntegrityError, match=r"backfill\.manifest"):
        fill(rig, source, folder)
    (folder / "journal.ndjson").unlink()  # as that error says
    fill(rig, source, folder)
    assert told(folder) == EXPECTED
    assert {path: path.read_bytes() for path in written} == written
    assert len(rig.entries()) == 9
