"""A notary's life as a script of calls, and what must hold wherever it was broken off.

For the tests that kill it at its own steps (tests/integration/test_notary_crash.py) and those that let the kernel's
answers fail (tests/drills/syscalls.py). Time and chain are in memory, all else is real: database, files, keys.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable
from pathlib import Path

import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from ledger.evm.outbox import Outbox
from ledger.store.tables import outbox
from notary.filing import Filing
from notary.fsck import fsck
from notary.receipts import split
from notary.singles import Single
from notary.stores.content import EmbeddedStore
from notary.stores.disk import Disk
from notary.stores.index_check import check_entries, check_some
from notary.stores.records import index_of, position_of
from notary.worker import Worker
from tests.fakes.notary import ISSUER, LANE, ORIGIN, FakeClock, Rig, certificate, document, packed

BULK = 300
TOTAL = BULK + 8
Act = tuple[str, Callable[[Rig, Worker], object]]
READER = X25519PrivateKey.from_private_bytes(hashlib.sha256(b"a reader for tests").digest())
FILE = b"%PDF-1.7 " + bytes(range(256)) * 300


def _records(count: int, first: int, key: str | None) -> Callable[[Rig, Worker], object]:
    def act(rig: Rig, _: Worker) -> object:
        records = [certificate(n) for n in range(first, first + count)]
        accepted = rig.notary.accept_records(ISSUER, ORIGIN, records, key=key)
        return [a.receipt.to_json().decode() for a in accepted]

    return act


def _gathered(rig: Rig, _: Worker) -> object:
    """As single records come over HTTP: gathered, then taken together."""
    [answer] = rig.notary.accept_singles(ISSUER, ORIGIN, [Single(json.dumps(certificate(5)).encode(), "own key")])
    if isinstance(answer, Exception):
        raise answer
    return [answer.receipt.to_json().decode()]


def _document(rig: Rig, _: Worker) -> object:
    return [rig.notary.accept_records(ISSUER, ORIGIN, [document(1)])[0].receipt.to_json().decode()]


def _file(rig: Rig, _: Worker) -> object:
    accepted = rig.notary.accept_document(
        ISSUER,
        ORIGIN,
        io.BytesIO(FILE),
        media_type="application/pdf",
        readers={ISSUER: READER.public_key()},
        key="file",
    )
    return [accepted.receipt.to_json().decode()]


def _commitments(rig: Rig, _: Worker) -> object:
    bundle = rig.notary.accept_commitments(ISSUER, ORIGIN, packed(BULK), key="bulk of commitments")
    return [[r.entry.to_bytes().hex(), r.index] for r in split(bundle)]


def _anchor(rig: Rig, worker: Worker) -> object:
    rig.clock.at = 4_000_000_000_000  # whatever waits has waited long enough
    worker.step()
    return None


def _runs(rig: Rig, _: Worker) -> object:
    """What stands in memory of the indexes is written, as it is beside submissions once there is enough of it."""
    for index in (rig.notary.standing.index, rig.notary.names.index, rig.notary.answers.index):
        index.flush()
    return None


SCRIPT: list[Act] = [
    ("single", _records(1, 0, None)),
    ("document", _document),
    ("bulk", _records(4, 1, "bulk")),
    ("runs", _runs),
    ("anchor", _anchor),
    ("commitments", _commitments),
    ("anchor again", _anchor),
    ("file", _file),
    ("later single", _gathered),
    ("runs again", _runs),
    ("last anchor", _anchor),
]


def open_rig(
    home: Path,
    *,
    hook: Callable[[str], None] = lambda step: None,
    disk: Disk | None = None,
    clock: FakeClock | None = None,
) -> tuple[Rig, Worker]:
    """The notary of a folder and its worker, as a process has them when it starts."""
    other = home / "database"  # an address, where it isn't SQLite in the folder
    database = other.read_text() if other.exists() else ""
    rig = Rig(home, clock=clock or FakeClock(), hook=hook, disk=disk, database=database)
    rig.notary.filing = Filing(EmbeddedStore(home / "content", disk))
    worker = Worker(rig.notary, Outbox(rig.notary.store.engine), rig.index, lanes={ORIGIN: LANE}, clock=rig.clock)
    return rig, worker


def warm(home: Path) -> None:
    """Live it once here, so that children forked from this process import and read nothing for the first time."""
    rig, worker = open_rig(home)
    for _, act in SCRIPT:
        act(rig, worker)
    rig.notary.close()
    rig.notary.store.engine.dispose()


def check(home: Path, acknowledged: dict[str, object], *, twice: bool = True) -> None:
    """Start again on the folder, send everything again, look at all that is kept; AssertionError says what broke."""
    rig, worker = open_rig(home)
    try:
        answers = {name: act(rig, worker) for name, act in SCRIPT}
        for name, answer in acknowledged.items():
            assert answers[name] == answer, f"{name}: a retry gave another answer"
        if twice:
            assert answers == {name: act(rig, worker) for name, act in SCRIPT}
        entries = rig.entries()
        assert len(entries) == len(set(entries)) == TOTAL
        assert [r.entry.to_bytes() for r in split(rig.notary.receipts(ORIGIN, 0, TOTAL))] == entries
        log, store = rig.notary.log(ORIGIN), rig.notary.store
        with store.reading() as connection:
            rows = enumerate(store.entries_from(connection, log.id, 0, TOTAL + 1))
            salted = [index_of(p) for p in store.salted(connection, [position_of(log.id, n) for n in range(TOTAL)])]
        assert len(salted) == TOTAL - BULK
        assert all(rig.notary.receipt(ORIGIN, index, salted=True).salt for index in salted)
        records = [rig.notary.record(ORIGIN, index) for index in salted]
        assert {record["issuer"] for record in records} == {ISSUER}
        report = fsck(rig.log, rows=rows)
        assert report.sound, report
        wrong = check_entries(rig.notary.standing) + check_some(rig.notary.names) + check_some(rig.notary.answers)
        assert not wrong, [(error.code, error.params) for error in wrong]
        check_files(home, [record["document"]["cid"] for record in records if "cid" in record.get("document", {})])
        check_anchors(rig, worker)
    finally:
        rig.notary.close()


def check_files(home: Path, cids: list[str]) -> None:
    """The file's ciphertext is there, whole, and nothing in the store is damaged."""
    content = EmbeddedStore(home / "content")
    assert len(cids) == 1
    assert sum(len(leaf) for leaf in content.leaves(cids[0])) > len(FILE)
    assert list(content.fsck()) == []


def check_anchors(rig: Rig, worker: Worker) -> None:
    """Every size was handed over at most once, and the chain can take them in order until the log is anchored."""
    with rig.notary.store.reading() as connection:
        keys = list(connection.scalars(sa.select(outbox.c.intent_key).order_by(outbox.c.id)))
    assert len(keys) == len(set(keys)) >= 1
    sizes = [int(key.split("/")[2]) for key in keys]
    assert sizes == sorted(set(sizes))
    log_id = rig.notary.log(ORIGIN).log_id
    for size in sizes:
        rig.chain.anchor(log_id, size, rig.log.root(size))
    worker.step()
    if sizes[-1] < TOTAL:
        with rig.notary.store.reading() as connection:
            assert connection.scalar(sa.select(outbox.c.intent_key).order_by(outbox.c.id.desc())) == (
                f"anchor/{log_id.hex()}/{TOTAL}"
            )
