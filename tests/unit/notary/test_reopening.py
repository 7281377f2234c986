"""After a closing: a new shard begins with the last good checkpoint; good entries stand in it, the others are free."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.errors import ChuzhengError
from ledger.types import Digest, Kind, Origin, Stage
from notary.checkpoint import parse_checkpoint
from notary.commitment import commit
from notary.entry import Entry, status_key
from notary.fsck import fsck
from notary.reopening import Reopened, reopen, struck_out
from notary.service import Notary
from notary.worker import Worker
from tests.fakes.notary import ISSUER, LANE, ORIGIN, SECOND, Rig, certificate, packed

GOOD = 3
CERTIFICATES = 6


@pytest.fixture
def rig(tmp_path: Path, database: str) -> Iterator[Rig]:
    """Three certificates under the last good checkpoint, three more above it, and two finished commitments."""
    made = Rig(tmp_path / "home", origins=(ORIGIN, SECOND), database=database)
    for first in (0, GOOD):
        records = [certificate(n) for n in range(first, first + GOOD)]
        made.notary.accept_records(ISSUER, ORIGIN, records, key=f"{first}")
        if first:
            made.notary.accept_commitments(ISSUER, ORIGIN, packed(2), key="finished")
        anchored(made)
    made.chain.close_log(made.notary.log(ORIGIN).log_id, GOOD)
    yield made
    made.notary.close()


def anchored(rig: Rig) -> None:
    for origin in rig.origins:
        rig.notary.seal(origin)
    worker = Worker(rig.notary, rig.outbox, rig.index, lanes=dict.fromkeys(rig.origins, LANE), clock=rig.clock)
    for _ in range(3):
        worker.step()
        rig.outbox.deliver(rig.chain)


def begun(rig: Rig, *good: int) -> Reopened:
    return reopen(rig.notary, rig.clock, ORIGIN, SECOND, last_good=GOOD, good=good)


def key_of(notary: Notary, origin: Origin, index: int) -> Digest:
    entry = Entry.from_bytes(notary.prover.entry(origin, index))
    return status_key(entry.issuer, entry.sha256)


def refused(code: str, call: object) -> None:
    with pytest.raises(ChuzhengError) as caught:
        call()  # type: ignore[operator]
    assert caught.value.code == code


def test_closed_log__takes_nothing_more__records_go_to_the_new_shard(rig: Rig) -> None:
    refused("notary.log_closed", lambda: rig.notary.accept_records(ISSUER, ORIGIN, [certificate(9)]))
    assert rig.notary.current_log(ISSUER) == SECOND


def test_struck_out__what_the_closing_struck_out__in_order_with_identifiers(rig: Rig) -> None:
    struck = struck_out(rig.notary, ORIGIN, GOOD)
    assert [s.index for s in struck] == [3, 4, 5, 6, 7]
    assert [s.identifier for s in struck] == [*(certificate(n)["identifier"] for n in (3, 4, 5)), None, None]


def test_reopen__good_entries__stand_in_the_new_shard_after_the_checkpoint(rig: Rig) -> None:
    notary = rig.notary
    keys = {index: key_of(notary, ORIGIN, index) for index in range(8)}
    assert begun(rig, 6, 4).moved == {4: 1, 6: 2}
    first, *others = [Entry.from_bytes(raw) for raw in rig.entries(SECOND)]
    assert first.kind is Kind.CHECKPOINT
    record = notary.record(SECOND, 0)
    assert (record["schema"], record["origin"], record["size"]) == ("checkpoint/1", ORIGIN, GOOD)
    known = rig.chain.log_head(notary.log(ORIGIN).log_id)
    assert known == (GOOD, bytes.fromhex(record["root"]))
    assert parse_checkpoint(record["note"]).root == known[1]
    receipt = notary.receipt(SECOND, 0, salted=True)
    assert receipt.salt is not None
    assert commit(record, receipt.salt).sha256 == first.sha256
    # Kinds, commitments, records, salts and status keys as they were; found where they stand now.
    old = [Entry.from_bytes(raw) for raw in rig.entries()]
    assert [(e.kind, e.sha256, e.sm3) for e in others] == [(old[i].kind, old[i].sha256, old[i].sm3) for i in (4, 6)]
    assert all(e.accepted_at > old[7].accepted_at for e in others)
    assert notary.record(SECOND, 1) == certificate(4)
    assert [notary.place_of(keys[i]) for i in (1, 3, 4, 6, 7)] == [(ORIGIN, 1), None, (SECOND, 1), (SECOND, 2), None]
    found = {n: notary.locate(identifier=certificate(n)["identifier"]) for n in range(CERTIFICATES)}
    assert {n: [(f.origin, f.index) for f in places] for n, places in found.items()} == {
        0: [(ORIGIN, 0)], 1: [(ORIGIN, 1)], 2: [(ORIGIN, 2)], 3: [], 4: [(SECOND, 1)], 5: [],
    }  # fmt: skip
    # Anchored again; what stood below the closing is as it was, what stood above isn't anchored any more.
    anchored(rig)
    assert {notary.receipt(SECOND, n).stage for n in range(3)} == {Stage.ANCHORED}
    assert {notary.receipt(ORIGIN, n).stage for n in range(3)} == {Stage.ANCHORED}
    assert {notary.receipt(ORIGIN, n).stage for n in range(3, 8)} == {Stage.INCLUDED}


def test_reopen__what_was_not_kept__may_be_registered_again_what_was_is_answered(rig: Rig) -> None:
    begun(rig, 4, 6)
    again = rig.notary.accept_records(ISSUER, SECOND, [certificate(3)])[0]
    assert (again.repeated, again.receipt.origin, again.receipt.index) == (False, SECOND, 3)
    kept = rig.notary.accept_records(ISSUER, SECOND, [certificate(4)])[0]
    assert (kept.repeated, kept.receipt.origin, kept.receipt.index) == (True, SECOND, 1)
    finished = rig.notary.accept_commitments(ISSUER, SECOND, packed(1, start=1), key="alone")
    assert (finished.origin, finished.first) == (SECOND, 4)


def test_reopen__again__the_same_or_refused(rig: Rig) -> None:
    done, entries = begun(rig, 4, 6), rig.entries(SECOND)
    rig.again()
    assert (begun(rig, 6, 4), rig.entries(SECOND)) == (done, entries)
    for others in ((4,), (4, 7), ()):
        refused("reopen.begun_otherwise", lambda o=others: begun(rig, *o))


def test_reopen__after_a_crash_before_the_files__found_and_finished(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    from notary.stores.tiles import Appending

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Appending, "append", crash)
        with pytest.raises(KeyboardInterrupt):
            begun(rig, 4)
    rig.again()
    assert rig.entries(SECOND) == []
    assert begun(rig, 4).moved == {4: 1}
    assert len(rig.entries(SECOND)) == 2


def test_reopen__closed_at_nothing__begins_with_an_empty_checkpoint(rig: Rig) -> None:
    rig.chain.close_log(rig.notary.log(ORIGIN).log_id, 0)
    reopen(rig.notary, rig.clock, ORIGIN, SECOND, last_good=0, good=range(8))
    assert rig.notary.record(SECOND, 0)["note"] is None
    assert rig.notary.record(SECOND, 6) == certificate(5)


def test_reopen__indexes_or_logs_that_cannot_be__refused(rig: Rig) -> None:
    for index in (2, 8):
        refused("reopen.index", lambda i=index: begun(rig, i))
    refused("reopen.other_log", lambda: reopen(rig.notary, rig.clock, ORIGIN, ORIGIN, last_good=GOOD, good=[]))


def test_fsck__after_reopening__both_logs_sound(rig: Rig) -> None:
    begun(rig, 3, 5)
    anchored(rig)
    for origin in (ORIGIN, SECOND):
        with rig.notary.store.reading() as connection:
            row = rig.notary.log(origin)
            raws = rig.notary.store.entries_from(connection, row.id, 0, 100)
        report = fsck(rig.notary.logs[origin], rows=enumerate(raws))
        assert report.sound, report.findings
