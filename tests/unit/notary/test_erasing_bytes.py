"""After an erasure nothing of it is left in any file: the files themselves are searched, byte by byte.

What must be gone: the sealed key and salt (the storage key would open them), the record's ciphertext, wraps, and every
HMAC made of the record. What may stay: the commitment, which is salted and public. Pages that were split and rows that
moved leave copies in a database that doesn't overwrite; so there are enough rows here for both, and random ones go.
"""

from __future__ import annotations

import io
import random
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from notary.entry import Entry
from notary.erasing import AGAIN
from notary.filing import Filing
from notary.stores.answers import key_of
from notary.stores.content import EmbeddedStore
from notary.stores.records import lookups, position_of, record_wraps
from tests.fakes.notary import ISSUER, ORIGIN, SECOND, Rig, certificate, document

pytestmark = pytest.mark.usefixtures("sqlite_files")

ONE, TWO = b"\1" * 32, b"\2" * 32
COUNT = 1_500
"""Records: the tables split their pages many times."""


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    made = Rig(tmp_path / "home", origins=(ORIGIN, SECOND))
    made.notary.filing = Filing(EmbeddedStore(tmp_path / "home" / "content"))
    yield made
    made.notary.close()


def files(rig: Rig) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in rig.home.rglob("*") if path.is_file()}


def found(rig: Rig, secrets: dict[str, bytes]) -> list[str]:
    held = files(rig)
    return sorted(f"{what} in {name}" for what, secret in secrets.items() for name in held if secret in held[name])


def secrets_of(rig: Rig, index: int) -> dict[str, bytes]:
    """Everything stored that a record can be read, found or recognised by; ciphertext by its middle, since a page may
    hold a part of it only."""
    notary, store = rig.notary, rig.notary.store
    with store.reading() as connection:
        row = store.log(connection, ORIGIN)
        assert row is not None
        position = position_of(row.id, index)
        sealed = store.salted(connection, [position])[position]
        body = store.body(connection, position)
        wraps = connection.execute(record_wraps.select().where(record_wraps.c.position == position)).all()
        names = connection.execute(lookups.select().where(lookups.c.position == position)).all()
    assert body is not None
    commitment = Entry.from_bytes(notary.prover.entry(ORIGIN, index)).sha256
    key, salt = notary.vault.open_keys(commitment, sealed)
    canonical = notary.vault.open_body(commitment, key, body)
    kept = {
        "key": key, "salt": salt, "record": canonical[40:72],
        "sealed": sealed[:24], "sealed's middle": sealed[24:48], "sealed's end": sealed[-24:],
        "body": body[:24], "body's middle": body[len(body) // 2 :][:24], "body's end": body[-24:],
        "content": notary.vault.content_mac(ISSUER, canonical),
    }  # fmt: skip
    for wrap in wraps:
        kept |= {f"wrap {wrap.reader}": wrap.sealed[:24], f"wrap {wrap.reader} end": wrap.sealed[-24:]}
    for name in names:
        kept |= {f"identifier {name.version}": name.identifier, f"content {name.version}": name.content}
        kept["key of the identifier"] = name.identifier[7::-1]  # as a run has it, the last byte first
    return kept


def erase(rig: Rig, index: int) -> None:
    rig.notary.erasing.propose(ISSUER, ORIGIN, index, "order 1", ONE)
    assert rig.notary.erasing.confirm(ISSUER, ORIGIN, index, "order 1", TWO).state.value == "done"


def test_bytes__random_records_of_many__in_no_file_afterwards(rig: Rig) -> None:
    """Bulk and single submissions, in an order in which look-ups' pages split everywhere."""
    rng = random.Random(5)
    numbers = rng.sample(range(10**9), COUNT)
    for start in range(0, COUNT - 40, 500):
        part = numbers[start : min(start + 500, COUNT - 40)]
        rig.notary.accept_records(ISSUER, ORIGIN, [certificate(n) for n in part], key=f"bulk {start}")
    for n in numbers[COUNT - 40 :]:
        rig.notary.accept_records(ISSUER, ORIGIN, [certificate(n, name="长" * rng.randrange(4000))])
    gone = [*rng.sample(range(COUNT - 40), 12), *rng.sample(range(COUNT - 40, COUNT), 12)]
    for index in gone:
        before = secrets_of(rig, index)
        rig.notary.names.index.flush()
        written = {what.split(" in ")[0] for what in found(rig, before)}
        assert written > {"sealed", "body", "identifier 1", "key of the identifier"}
        erase(rig, index)
        assert found(rig, before) == []
        rig.notary.accept_records(ISSUER, ORIGIN, [certificate(rng.randrange(10**9, 10**10))])


def test_bytes__another_process_has_the_name_in_memory__never_written(rig: Rig) -> None:
    other = Rig(rig.home, origins=rig.origins, clock=rig.clock, chain=rig.chain)
    rig.notary.accept_records(ISSUER, ORIGIN, [certificate(n) for n in range(9)], key="k")
    other.notary.names.make_ready()
    secrets = secrets_of(rig, 4)
    erase(rig, 4)
    other.notary.names.index.flush()
    assert found(rig, secrets) == []
    assert [run.count for run, _ in other.notary.names.index.runs] == [8]
    other.notary.close()


def test_bytes__index_damaged__its_files_go_with_the_erasure(rig: Rig) -> None:
    rig.notary.accept_records(ISSUER, ORIGIN, [certificate(n) for n in range(9)], key="k")
    index = rig.notary.names.index
    index.flush()
    secrets = secrets_of(rig, 4)
    assert "key of the identifier" in str(found(rig, secrets))
    (index.folder / "list.json").write_bytes(b"{")
    erase(rig, 4)
    assert found(rig, secrets) == []
    for n in (3, 4, 5):
        assert len(rig.again().locate(identifier=certificate(n)["identifier"])) == (n != 4)


def test_bytes__document__neither_wraps_nor_ciphertext(rig: Rig) -> None:
    readers = {ISSUER: X25519PrivateKey.generate().public_key()}
    data = random.Random(1).randbytes(200_000)
    for n in range(3):
        rig.notary.accept_document(
            ISSUER, ORIGIN, io.BytesIO(data + bytes([n])), media_type="text/plain", readers=readers, key=f"k{n}"
        )
    assert rig.notary.filing is not None
    store = rig.notary.filing.content
    cid = rig.notary.record(ORIGIN, 1)["document"]["cid"]
    assert isinstance(store, EmbeddedStore)
    block = next(iter(store.leaves(cid)))
    secrets = secrets_of(rig, 1) | {"ciphertext": block[5000:5100], "cid": cid.encode()}
    assert "ciphertext" in str(found(rig, secrets))
    erase(rig, 1)
    assert found(rig, secrets) == []


def test_bytes__answer_under_its_own_hash__neither_row_nor_run(rig: Rig) -> None:
    rng = random.Random(7)
    numbers = rng.sample(range(10**9), 200)
    for n in numbers:
        rig.notary.accept_records(ISSUER, ORIGIN, [document(n)])
    for index in (*rng.sample(range(200), 5), 0, 199):
        secrets = secrets_of(rig, index)
        secrets["key of the answer"] = key_of(ISSUER, "records", secrets["content"])[::-1]
        rig.notary.answers.index.flush()
        written = {what.split(" in ")[0] for what in found(rig, secrets)}
        assert written > {"content", "key of the answer"}
        erase(rig, index)
        assert found(rig, secrets) == []


def test_bytes__while_another_reads__not_done_before_the_reader_is(rig: Rig) -> None:
    rig.notary.accept_records(ISSUER, ORIGIN, [document(1), document(2)], key="k")
    secrets = secrets_of(rig, 0)
    reader = sqlite3.connect(rig.home / "chuzheng.sqlite", isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM entry_groups").fetchone()
    rig.notary.store.engine.dispose()
    rig.notary.erasing.propose(ISSUER, ORIGIN, 0, "order 1", ONE)
    row = rig.notary.erasing.confirm(ISSUER, ORIGIN, 0, "order 1", TWO)
    assert row.state.value == "entered"  # refused to everyone, and honest about the old pages
    reader.execute("COMMIT")
    reader.close()
    rig.clock.at += AGAIN
    assert rig.notary.erasing.step()
    assert found(rig, secrets) == []
