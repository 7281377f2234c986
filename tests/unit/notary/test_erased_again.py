"""What was erased doesn't come back because an old source is sent once more, on any way in; by another order it may."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from ledger.errors import ChuzhengError, ConflictError, DeniedError, InputError, NotFoundError, RowsError
from ledger.texts import error_text
from notary.bulk.manifest import Manifest
from notary.erasures import Erased
from notary.filing import Filing
from notary.stores.content import EmbeddedStore
from notary.stores.erased_names import erased_names
from tests.fakes.backfilling import cells_of, csv_bytes, csv_file, fill, outcomes
from tests.fakes.notary import FOREIGN, ISSUER, ORIGIN, OTHER, SECOND, Rig, certificate, document

pytestmark = pytest.mark.usefixtures("each_kind")

ONE, TWO = b"\1" * 32, b"\2" * 32
ORDER = "鄂法令〔2026〕12号"


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    made = Rig(tmp_path / "home", origins=(ORIGIN, SECOND, FOREIGN))
    made.notary.filing = Filing(EmbeddedStore(tmp_path / "content"))
    yield made
    made.notary.close()


def accept(rig: Rig, record: dict[str, Any], **more: Any) -> int:
    [accepted] = rig.notary.accept_records(ISSUER, ORIGIN, [record], **more)
    return accepted.receipt.index


def erase(rig: Rig, index: int) -> None:
    rig.notary.erasing.propose(ISSUER, ORIGIN, index, ORDER, ONE)
    assert rig.notary.erasing.confirm(ISSUER, ORIGIN, index, ORDER, TWO).state.value == "done"


def refused(rig: Rig, record: dict[str, Any], **more: Any) -> None:
    with pytest.raises(ConflictError) as caught:
        rig.notary.accept_records(ISSUER, more.pop("origin", ORIGIN), [record], **more)
    assert caught.value.code == "erased.name"
    told = error_text(caught.value, "zh") + error_text(caught.value, "en")
    assert not any(str(record[name]) in told for name in ("identifier", "number", "title") if name in record)


def told(manifest: Path) -> list[tuple[str, str, str]]:
    return [(row["outcome"], row["index"], row["code"]) for row in outcomes(manifest)]


def test_backfill__the_old_file_under_a_new_manifest__the_erased_row_is_refused(rig: Rig, tmp_path: Path) -> None:
    source = csv_file(tmp_path / "old.csv", [cells_of(n) for n in range(6)])
    fill(rig, source, tmp_path / "first")
    erase(rig, 2)
    size = len(rig.entries())
    done = fill(rig, source, tmp_path / "second")
    assert (done.accepted, done.duplicate, done.refused) == (0, 5, 1)
    assert told(tmp_path / "second")[2] == ("refused", "", "erased.name")
    row = outcomes(tmp_path / "second")[2]
    assert "依令删除" in row["zh"]
    assert cells_of(2)["identifier"] not in str(row)
    assert len(rig.entries()) == size
    assert not (tmp_path / "second" / "receipts").exists()
    assert rig.notary.locate(identifier=certificate(2)["identifier"]) == []


def test_backfill__the_same_manifest_again__nothing_is_sent_and_nothing_changes(rig: Rig, tmp_path: Path) -> None:
    rows = [cells_of(n) for n in range(5)]
    source = csv_file(tmp_path / "old.csv", rows)
    fill(rig, source, tmp_path / "manifest")
    erase(rig, 3)
    before = told(tmp_path / "manifest")
    fill(rig, source, tmp_path / "manifest")
    assert told(tmp_path / "manifest") == before
    csv_file(source, [*rows, cells_of(9), cells_of(3)])  # it grew, and brings the erased one once more
    fill(rig, source, tmp_path / "manifest")
    assert told(tmp_path / "manifest")[5:] == [("accepted", "6", ""), ("refused", "", "erased.name")]


@pytest.mark.parametrize("finished", [True, False])
def test_backfill__killed_before_the_manifest_and_erased_before_it_goes_on__ends(
    rig: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, finished: bool
) -> None:
    """The chunk's answer is kept under its key; of a chunk of which something was erased, the rest stands."""
    source = csv_file(tmp_path / "old.csv", [cells_of(n) for n in range(4)])

    class Died(Exception):
        pass

    def die(*_: object) -> None:
        raise Died

    with monkeypatch.context() as patch:
        patch.setattr(Manifest, "write", die)
        with pytest.raises(Died):
            fill(rig, source, tmp_path / "manifest")
    if finished:
        erase(rig, 1)
    else:  # destroyed, and the stored answers aren't clean yet
        rig.hook = lambda step: die() if step == "listed" else None
        with pytest.raises(Died):
            erase(rig, 1)
        rig.hook = lambda step: None
    done = fill(rig, source, tmp_path / "manifest")
    assert (done.accepted, done.duplicate, done.refused) == (0, 3, 1)
    assert told(tmp_path / "manifest") == [
        ("duplicate", "0", ""), ("refused", "", "erased.name"), ("duplicate", "2", ""), ("duplicate", "3", ""),
    ]  # fmt: skip


def test_again__certificate__refused_whatever_log_key_or_content(rig: Rig) -> None:
    record = certificate(1)
    erase(rig, accept(rig, record))
    refused(rig, record)
    refused(rig, record, key="k")
    refused(rig, record, origin=SECOND)
    refused(rig, certificate(1, name="别的"))
    with pytest.raises(ConflictError, match=r"erased\.name: .*row=2"):
        rig.notary.accept_records(ISSUER, ORIGIN, [certificate(2), record], key="two")
    with pytest.raises(ConflictError, match=r"erased\.name"):
        rig.notary.accept_csv(ISSUER, ORIGIN, csv_bytes([cells_of(3), cells_of(1)]), key="file")
    assert len(rig.entries()) == 2
    # Another version, another certificate and another issuer's log are other records.
    assert accept(rig, certificate(1, version=2)) == 2
    rig.notary.accept_records(OTHER, FOREIGN, [certificate(1, issuer=OTHER)])


def test_again__file__refused_before_it_is_encrypted(rig: Rig) -> None:
    readers = {ISSUER: X25519PrivateKey.generate().public_key()}

    def file(data: bytes) -> int:
        made = rig.notary.accept_document(
            ISSUER, ORIGIN, io.BytesIO(data), media_type="text/plain", readers=readers, key=f"{len(rig.entries())}"
        )
        return made.receipt.index

    erase(rig, file(b"a file"))
    blocks = rig.home.parent / "content" / "blocks"
    with pytest.raises(ConflictError, match=r"erased\.name"):
        file(b"a file")
    assert not any(path.is_file() for path in blocks.rglob("*"))
    assert file(b"another") == 2


def test_restored_database__held_to_the_list__refuses_as_well(rig: Rig) -> None:
    record = certificate(1)
    index = accept(rig, record)
    with rig.notary.store.transaction() as connection:  # as if the database were of a day before
        connection.execute(sa.delete(erased_names))
    rig.notary.erasing.apply(ORIGIN, [Erased(index, ORDER)])
    refused(rig, record)


def release(rig: Rig, record: dict[str, Any]) -> bool:
    """By two persons, as if an order came each time."""
    words = (ISSUER, ORIGIN, record, "〔2027〕3")
    proposal = rig.notary.releasing.propose(*words, b"\3" * 32)
    rig.clock.at += 24 * 3_600_000
    return rig.notary.releasing.confirm(*words, b"\4" * 32, proposal=proposal)


def test_release__by_another_order__taken_again_and_can_be_erased_again(rig: Rig) -> None:
    for record in (certificate(1), document(2)):
        index = accept(rig, record)
        erase(rig, index)
        refused(rig, record)
        assert release(rig, record)
        assert not release(rig, record)
        again = accept(rig, record)
        assert again > index
        assert rig.notary.record(ORIGIN, again) == record
        with pytest.raises(NotFoundError, match="erased"):
            rig.notary.record(ORIGIN, index)
        erase(rig, again)
        refused(rig, record)


def test_release__wrong__refused(rig: Rig) -> None:
    record = certificate(1)
    erase(rig, accept(rig, record))
    cases: list[tuple[tuple[Any, ...], type[ChuzhengError]]] = [
        ((OTHER, ORIGIN, record, "x"), DeniedError),
        ((ISSUER, ORIGIN, record, ""), InputError),
        ((ISSUER, "chuzheng/test/11420000MB9543829Q/none", record, "x"), NotFoundError),
        ((ISSUER, ORIGIN, record | {"version": 7}, "x"), RowsError),
        ((ISSUER, ORIGIN, record | {"kind": "erasure"}, "x"), InputError),
        ((ISSUER, ORIGIN, record | {"issuer": OTHER}, "x"), InputError),
    ]
    for arguments, error in cases:
        with pytest.raises(error):
            rig.notary.erasing.check_release(*arguments)
    refused(rig, record)
