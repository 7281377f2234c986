"""The notary's rules for what may stand where, and formats.md §5: the same content is the same receipt, always."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.crypto.suites import verify_ed25519
from ledger.errors import (
    ConflictError,
    DeniedError,
    InputError,
    NotFoundError,
    RowsError,
    UnavailableError,
    UnreadableError,
)
from ledger.types import DepartmentCode, Kind, Stage
from notary.canonical import canonicalise
from notary.checkpoint import promise_bytes
from notary.commitment import commit
from notary.entry import log_id
from notary.receipt import parse_receipt
from notary.receipts import first_not_included
from notary.vault import Vault
from tests.databases import Databases
from tests.fakes.notary import (
    FOREIGN,
    ISSUER,
    MEMBERS,
    ORIGIN,
    OTHER,
    SECOND,
    STORAGE_KEY,
    Rig,
    certificate,
    document,
    packed,
)


@pytest.fixture
def rig(tmp_path: Path, database: str) -> Iterator[Rig]:
    made = Rig(tmp_path / "home", origins=(ORIGIN, SECOND, MEMBERS, FOREIGN), members=(MEMBERS,), database=database)
    yield made
    made.notary.close()


def test_accept_records__one_certificate__promised_receipt_that_verifies(rig: Rig) -> None:
    record = certificate(1)
    [accepted] = rig.notary.accept_records(ISSUER, ORIGIN, [json.dumps(record).encode()])
    receipt = accepted.receipt
    assert (receipt.stage, receipt.index, receipt.origin, accepted.repeated) == (Stage.PROMISED, 0, ORIGIN, False)
    assert receipt.salt is not None
    assert receipt.promise is not None
    commitment = commit(record, receipt.salt)
    assert (receipt.entry.sha256, receipt.entry.sm3) == (commitment.sha256, commitment.sm3)
    assert (receipt.entry.kind, receipt.entry.issuer) == (Kind.CERTIFICATE, ISSUER)
    signed = promise_bytes(log_id(ORIGIN), 0, receipt.leaf)
    assert verify_ed25519(rig.notary.signers[ORIGIN].public_key, receipt.promise, signed)
    assert parse_receipt(receipt.to_json()) == receipt
    assert rig.entries() == [receipt.entry.to_bytes()]


def test_accept_records__same_content_without_key__the_same_bytes_again(rig: Rig) -> None:
    record = document(1)
    shuffled = json.dumps(dict(reversed(record.items())), indent=3).encode()
    first = rig.notary.accept_records(ISSUER, ORIGIN, [record])[0]
    again = rig.notary.accept_records(ISSUER, ORIGIN, [shuffled])[0]
    after_restart = (rig.again(), rig.notary.accept_records(ISSUER, ORIGIN, [record])[0])[1]
    assert first.receipt.to_json() == again.receipt.to_json() == after_restart.receipt.to_json()
    assert (first.repeated, again.repeated, after_restart.repeated) == (False, True, True)
    assert len(rig.entries()) == 1


def test_accept_records__same_key_other_content__idempotency_conflict(rig: Rig) -> None:
    rig.notary.accept_records(ISSUER, ORIGIN, [document(1)], key="k")
    with pytest.raises(ConflictError, match="idempotency_conflict"):
        rig.notary.accept_records(ISSUER, ORIGIN, [document(2)], key="k")
    # the scope is (department, log, operation)
    rig.notary.accept_records(ISSUER, ORIGIN, [document(2)], key="k", operation="other")
    rig.notary.accept_records(ISSUER, SECOND, [document(3)], key="k")
    assert (len(rig.entries()), len(rig.entries(SECOND))) == (2, 1)


def test_accept_records__bulk_repeated__every_receipt_is_the_same(rig: Rig) -> None:
    records = [certificate(n) for n in range(5)]
    first = rig.notary.accept_records(ISSUER, ORIGIN, records, key="bulk")
    again = rig.notary.accept_records(ISSUER, ORIGIN, records, key="bulk")
    assert [a.receipt.to_json() for a in first] == [a.receipt.to_json() for a in again]
    assert all(a.repeated for a in again)
    assert not any(a.repeated for a in first)
    with pytest.raises(ConflictError, match="idempotency_conflict"):
        rig.notary.accept_records(ISSUER, ORIGIN, records[:4], key="bulk")


def test_accept_records__identifier_and_version_twice__same_content_is_answered_other_is_refused(rig: Rig) -> None:
    first = rig.notary.accept_records(ISSUER, ORIGIN, [certificate(1)])[0].receipt
    mixed = [certificate(2), certificate(1), certificate(3)]
    answers = rig.notary.accept_records(ISSUER, SECOND, mixed, key="k")
    assert [a.repeated for a in answers] == [False, True, False]
    assert answers[1].receipt.to_json() == first.to_json()
    assert [(a.receipt.origin, a.receipt.index) for a in answers] == [(SECOND, 0), (ORIGIN, 0), (SECOND, 1)]
    assert [a.receipt for a in rig.notary.accept_records(ISSUER, SECOND, mixed, key="k")] == [
        a.receipt for a in answers
    ]
    before = rig.entries()
    with pytest.raises(ConflictError, match="already_anchored") as caught:
        rig.notary.accept_records(ISSUER, ORIGIN, [certificate(9), certificate(1, name="换了名字")], key="n")
    assert caught.value.params["row"] == 2
    assert rig.entries() == before
    assert rig.notary.accept_records(ISSUER, ORIGIN, [certificate(1, version=2)])[0].receipt.index == 1


def test_accept_records__one_identifier_twice_in_a_call__refused_whole(rig: Rig) -> None:
    with pytest.raises(ConflictError, match="twice_in_call"):
        rig.notary.accept_records(ISSUER, ORIGIN, [certificate(1), certificate(1)], key="k")
    assert rig.entries() == []


@pytest.mark.parametrize(
    ("records", "code"),
    [
        ([b"{"], "json."),
        ([b"[]"], "record.not_object"),
        ([certificate(1, issuer=OTHER)], "record.other_issuer"),
        ([{**document(1), "kind": "erasure"}], "record.kind"),
        ([{**document(1), "kind": 2}], "record.kind"),
        ([{**document(1), "kind": "share"}], "record."),
        ([{**document(1), "more": 1}], "record.unknown_member"),
        ([], "notary.bulk_count"),
        ([document(1), document(2)], "notary.key_needed"),
    ],
)
def test_accept_records__wrong_input__refused_and_nothing_written(rig: Rig, records: list[object], code: str) -> None:
    with pytest.raises(InputError) as caught:
        rig.notary.accept_records(ISSUER, ORIGIN, records)  # type: ignore[arg-type]
    assert caught.value.code.startswith(code)
    assert rig.entries() == []


def test_accept_records__several_wrong__all_are_listed_and_none_is_taken(rig: Rig) -> None:
    more = {**document(3), "more": 1}
    records: list[bytes | dict[str, object]] = [document(1), b"{}", document(2), more, b'\xff{"a":1}']
    with pytest.raises(RowsError) as caught:
        rig.notary.accept_records(ISSUER, ORIGIN, records, key="k")
    assert {number for number, _, _ in caught.value.rows} == {2, 4, 5}
    assert isinstance(next(error for number, _, error in caught.value.rows if number == 5), UnreadableError)
    assert rig.entries() == []


def test_accept_records__every_refused_vector__unreadable(rig: Rig, vectors: Path) -> None:
    cases = json.loads((vectors / "formats" / "refused_records.json").read_text())
    assert len(cases) > 10
    for case in cases:
        with pytest.raises(UnreadableError):
            rig.notary.accept_records(ISSUER, ORIGIN, [base64.b64decode(case["bytes"])])
    assert rig.entries() == []


def test_accept_records__another_departments_log__denied(rig: Rig) -> None:
    with pytest.raises(DeniedError, match="other_log"):
        rig.notary.accept_records(ISSUER, FOREIGN, [document(1)])
    with pytest.raises(NotFoundError, match="no_log"):
        rig.notary.accept_records(ISSUER, ORIGIN + "/gone", [document(1)])  # type: ignore[arg-type]


def test_receipts__every_stage__each_verifies_and_the_newest_is_shown(rig: Rig) -> None:
    notary = rig.notary
    accepted = notary.accept_records(ISSUER, ORIGIN, [certificate(n) for n in range(3)], key="k")
    assert notary.receipts(ORIGIN, 0, 3).promises is not None
    assert notary.receipt(ORIGIN, 1, salted=True) == accepted[1].receipt
    assert notary.receipt(ORIGIN, 1).salt is None
    notary.seal(ORIGIN)
    included = notary.receipt(ORIGIN, 1, salted=True)
    assert (included.stage, included.promise, included.salt) == (Stage.INCLUDED, None, accepted[1].receipt.salt)
    assert first_not_included(notary.receipts(ORIGIN, 0, 3)) is None
    with pytest.raises(NotFoundError):
        notary.receipt(ORIGIN, 3)
    with pytest.raises(NotFoundError):
        notary.receipts(ORIGIN, 1, 3)
    with pytest.raises(InputError, match="bundle_count"):
        notary.receipts(ORIGIN, 0, 0)


def test_record__read_back__as_canonical_and_only_with_the_storage_key(rig: Rig, databases: Databases) -> None:
    record = certificate(4)
    rig.notary.accept_records(ISSUER, ORIGIN, [record])
    rig.notary.accept_commitments(ISSUER, ORIGIN, packed(1), key=None)
    assert rig.notary.record(ORIGIN, 0) == record
    with pytest.raises(NotFoundError, match="no_record"):
        rig.notary.record(ORIGIN, 1)
    rig.notary.close()
    database = databases.stored(rig.database)
    for secret in (record["number"], record["identifier"], record["holders"][0]["code"]):
        assert secret.encode() not in database


def test_locate__identifier_and_commitment__all_versions_of_all_issuers(rig: Rig) -> None:
    notary = rig.notary
    notary.accept_records(ISSUER, SECOND, [certificate(1)])
    second = notary.accept_records(ISSUER, ORIGIN, [certificate(1, version=2)])[0].receipt
    one, two = certificate(1)["identifier"], certificate(1, version=2)["identifier"]
    assert [(p.origin, p.index, p.version) for p in notary.locate(identifier=one)] == [(SECOND, 0, 1)]
    assert [(p.origin, p.index, p.version) for p in notary.locate(identifier=two)] == [(ORIGIN, 0, 2)]
    assert notary.locate(identifier="1.2.3") == []
    assert [(p.origin, p.index) for p in notary.locate(commitment=second.entry.sha256)] == [(ORIGIN, 0)]
    assert notary.locate(commitment=bytes(32)) == []
    with pytest.raises(InputError):
        notary.locate()


def test_concurrent_singles__same_and_different__one_entry_each(rig: Rig) -> None:
    answers: dict[int, list[bytes]] = {n: [] for n in range(8)}
    barrier = threading.Barrier(24)

    def submit(n: int) -> None:
        barrier.wait()
        answers[n].append(rig.notary.accept_records(ISSUER, ORIGIN, [certificate(n)])[0].receipt.to_json())

    threads = [threading.Thread(target=submit, args=(n % 8,)) for n in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(rig.entries()) == 8
    assert all(len(got) == 3 and len(set(got)) == 1 for got in answers.values())


def test_queue__full__busy_and_nothing_taken(rig: Rig) -> None:
    gate, reached = threading.Event(), threading.Event()

    def hold(step: str) -> None:
        if step == "locked":
            reached.set()
            gate.wait(120)

    rig.hook = hold
    rig.notary.acceptance._waiting.maxsize = 2
    threads = [
        threading.Thread(target=rig.notary.accept_records, args=(ISSUER, ORIGIN, [document(n)])) for n in range(3)
    ]
    threads[0].start()
    assert reached.wait(60)
    for thread in threads[1:]:
        thread.start()
    while rig.notary.acceptance._waiting.qsize() < 2:
        pass
    with pytest.raises(UnavailableError, match=r"notary\.busy") as caught:
        rig.notary.accept_records(ISSUER, ORIGIN, [document(9)])
    assert caught.value.retry_after
    gate.set()
    for thread in threads:
        thread.join()
    assert len(rig.entries()) == 3


def test_close__afterwards__plainly_refused(rig: Rig) -> None:
    rig.notary.close()
    with pytest.raises(UnavailableError, match="stopping"):
        rig.notary.accept_records(ISSUER, ORIGIN, [document(1)])


def test_content_mac__of_the_canonical_record__as_formats_say(rig: Rig) -> None:
    """formats.md §5: HMAC-SHA256(issuer's lookup key, canonical record)."""
    vault = Vault(STORAGE_KEY)
    canonical = canonicalise(document(1))
    key = vault.lookup_key(ISSUER)
    assert key != vault.lookup_key(DepartmentCode(OTHER))
    block = key + bytes(32)
    inner = hashlib.sha256(bytes(b ^ 0x36 for b in block) + canonical).digest()
    expected = hashlib.sha256(bytes(b ^ 0x5C for b in block) + inner).digest()
    assert vault.content_mac(ISSUER, canonical) == expected
