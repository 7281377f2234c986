"""Rotating a log's key: what the old one signed stays valid, each key in its own time, a crash ends right."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from ledger.crypto.keys import create_signing_key
from ledger.crypto.log_keys import LogKeyFiles
from ledger.errors import ConflictError
from ledger.types import Millis
from notary.checkpoint import (
    Checkpoint,
    VerifierKey,
    parse_checkpoint,
    promise_bytes,
    sign_checkpoint,
    verify_signature,
)
from notary.checks.case import open_case
from notary.checks.log import check_signature
from notary.entry import log_id
from notary.evidence import Evidence, Presented
from notary.fsck import Kept as KeptNote
from notary.fsck import fsck
from notary.fsck_quick import fsck_since
from notary.receipt import Receipt
from notary.report import Check, Outcome
from notary.rotation import DAY, OVERLAP, LogKeys, announced, check_announced, former_keys, rotate_key
from notary.trust_file import LogKey, TrustFile
from tests.fakes.notary import ISSUER, ORIGIN, START, Rig, document
from tests.fakes.registry import World


class Died(Exception):
    """The process ended here."""


@dataclass
class Kept:
    """A notary whose log's keys lie in a folder, and a trust file that names the first."""

    rig: Rig
    keys: LogKeyFiles
    path: Path

    def receipt(self, n: int) -> Receipt:
        [accepted] = self.rig.notary.accept_records(ISSUER, ORIGIN, [document(n)])
        return accepted.receipt

    def rotate(self, trust: TrustFile) -> int:
        return rotate_key(self.rig.notary, ORIGIN, self.keys, trust, START)


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    rig = Rig(tmp_path / "home")
    path = tmp_path / "log.pem"
    create_signing_key(path)
    keys = LogKeyFiles(path)
    rig.notary.signers[ORIGIN] = keys
    rig.notary.prover._signers[ORIGIN] = keys  # type: ignore[index]
    yield Kept(rig, keys, path)
    rig.notary.close()


def trust_of(*keys: LogKey) -> TrustFile:
    return replace(World().trust, log_keys=keys)


def listing(kept: Kept) -> TrustFile:
    """A trust file that announces the next key beside the present one."""
    first = LogKey(ORIGIN, ORIGIN, kept.keys.public_key, Millis(0))
    return trust_of(*announced((first,), ORIGIN, kept.keys.prepare().public_key, Millis(START - 1)))


def signature(receipt: Receipt, trust: TrustFile, at: int) -> Check:
    now = Millis(at)
    return check_signature(open_case(Presented(receipt), Evidence(), trust, now, now))


def test_rotate__promises_before_and_after__each_by_its_key_and_the_same_bytes_again(kept: Kept) -> None:
    before = kept.receipt(1)
    old = kept.keys.public_key
    trust = listing(kept)
    assert kept.rotate(trust) == 1
    after = kept.receipt(2)
    new = kept.keys.public_key
    assert new != old
    assert [kept.keys.at(index).public_key for index in (0, 1, 99)] == [old, new, new]
    assert kept.receipt(1).to_json() == before.to_json()
    assert kept.receipt(2).to_json() == after.to_json()
    for receipt in (before, after):
        assert signature(receipt, trust, START).outcome is Outcome.PASS


def test_rotate__receipts_in_every_stage__valid_with_the_new_trust_file(kept: Kept) -> None:
    promised = kept.receipt(1)
    kept.rig.notary.seal(ORIGIN)
    included = kept.rig.notary.receipt(ORIGIN, 0)
    trust = listing(kept)
    kept.rotate(trust)
    kept.receipt(2)
    kept.rig.notary.seal(ORIGIN)
    upgraded = kept.rig.notary.receipt(ORIGIN, 0)
    assert included.checkpoint is not None
    assert upgraded.checkpoint is not None
    names = [VerifierKey(ORIGIN, key.ed25519) for key in trust.log_keys]
    assert [verify_signature(included.checkpoint, name) for name in names] == [True, False]
    assert [verify_signature(upgraded.checkpoint, name) for name in names] == [False, True]
    for receipt in (promised, included, upgraded, kept.rig.notary.receipt(ORIGIN, 1)):
        assert signature(receipt, trust, START).outcome is Outcome.PASS


def test_rotate__outside_its_time__each_key_fails(kept: Kept) -> None:
    before = kept.receipt(1)
    trust = listing(kept)
    kept.rotate(trust)
    after = kept.receipt(2)
    kept.rig.notary.seal(ORIGIN)
    upgraded = kept.rig.notary.receipt(ORIGIN, 0)
    early, late = START - 2, START + 1000 + OVERLAP
    assert signature(before, trust, late - 2000).outcome is Outcome.PASS
    # Verification.md: T is now where no anchor can be asked for; what passed when it was accepted is unknown then.
    assert (signature(before, trust, late).outcome, signature(before, trust, late).case) == (
        Outcome.UNKNOWN, "key_time",
    )  # fmt: skip
    assert signature(upgraded, trust, late).outcome is Outcome.PASS
    assert signature(after, trust, late).outcome is Outcome.PASS
    unknown_then = replace(trust, log_keys=tuple(replace(k, since=Millis(START + DAY)) for k in trust.log_keys))
    assert signature(after, unknown_then, early).outcome is Outcome.FAIL


def test_rotate__old_receipt_with_a_trust_file_that_forgot_its_key__fails(kept: Kept) -> None:
    before = kept.receipt(1)
    trust = listing(kept)
    kept.rotate(trust)
    assert signature(before, replace(trust, log_keys=trust.log_keys[1:]), START).case == "unsigned"


@pytest.mark.parametrize("act", ["kept", "replaced"])
def test_rotate__crash_at_any_act__again_ends_it_and_no_promise_changes(kept: Kept, act: str) -> None:
    before = kept.receipt(1)
    trust = listing(kept)
    old, new = (key.ed25519 for key in trust.log_keys)

    def die(step: str) -> None:
        if step == act:
            raise Died

    with pytest.raises(Died):
        rotate_key(kept.rig.notary, ORIGIN, LogKeyFiles(kept.path, die), trust, START)
    between = kept.receipt(2)  # whichever key it is, it is one that the trust file knows
    assert signature(between, trust, START).outcome is Outcome.PASS
    if act == "kept":
        assert kept.keys.public_key == old
        assert kept.rotate(trust) == 2
    else:
        with pytest.raises(ConflictError, match=r"rotate\.none_prepared"):
            kept.rotate(trust)
    assert kept.keys.public_key == new
    assert kept.keys.next() is None
    assert [kept.receipt(n).to_json() for n in (1, 2)] == [before.to_json(), between.to_json()]
    again = LogKeyFiles(kept.path)
    assert (again.public_key, again.at(0).public_key) == (new, old)


def test_rotate__twice__three_keys_in_their_order(kept: Kept) -> None:
    publics = [kept.keys.public_key]
    receipts = [kept.receipt(1)]
    for n in (2, 3):
        first = LogKey(ORIGIN, ORIGIN, kept.keys.public_key, Millis(0))
        kept.rotate(trust_of(*announced((first,), ORIGIN, kept.keys.prepare().public_key, Millis(START - 1))))
        publics.append(kept.keys.public_key)
        receipts.append(kept.receipt(n))
    assert len(set(publics)) == 3
    assert [kept.keys.at(index).public_key for index in range(3)] == publics
    assert [kept.receipt(n + 1).to_json() for n in range(3)] == [receipt.to_json() for receipt in receipts]


def sealed(kept: Kept) -> KeptNote:
    """A checkpoint as the record store keeps those that are handed to the chain."""
    kept.rig.notary.seal(ORIGIN)
    note = kept.rig.log.checkpoint_note() or ""
    return parse_checkpoint(note).size, parse_checkpoint(note).root, note


def looked(kept: Kept, notes: list[KeptNote], trust: TrustFile | None = None) -> list[list[str]]:
    """What the whole fsck finds, and the quick one."""
    log, rows = kept.rig.log, list(enumerate(kept.rig.entries()))
    keys = LogKeys(VerifierKey(ORIGIN, kept.keys.public_key), former_keys(kept.keys, ORIGIN, trust))
    reports = (
        fsck(log, keys=keys, kept=notes, rows=rows),
        fsck_since(log, 0, keys=keys, kept=notes, rows=rows),
    )
    return [[found.code for found in report.findings] for report in reports]


def test_rotate__fsck_at_every_step__no_false_alarm(kept: Kept) -> None:
    notes = []
    for n in range(3):
        kept.receipt(2 * n)
        notes.append(sealed(kept))
        kept.rotate(listing(kept))
        assert looked(kept, notes) == [[], []], "nothing is sealed by the new key yet"
        kept.receipt(2 * n + 1)
        notes.append(sealed(kept))
        assert looked(kept, notes) == [[], []]


def test_rotate__old_key_signs_beyond_its_time__fsck_names_it(kept: Kept) -> None:
    kept.receipt(1)
    first = sealed(kept)
    kept.rotate(listing(kept))
    kept.receipt(2)
    size, root, _ = sealed(kept)
    [(below, old)] = kept.keys.before()
    assert below == 1
    late = sign_checkpoint(Checkpoint(ORIGIN, size, root), ORIGIN, old)  # type: ignore[arg-type]
    assert looked(kept, [first, (size, root, late)]) == [["fsck.kept_note"]] * 2
    (kept.rig.log.directory / "checkpoint").write_text(late)
    assert looked(kept, [first]) == [["fsck.checkpoint_signature"]] * 2


def test_rotate__old_key_taken_away__fsck_knows_it_by_the_trust_file(kept: Kept) -> None:
    kept.receipt(1)
    trust, first = listing(kept), sealed(kept)
    kept.rotate(trust)
    [old] = kept.path.with_suffix(".keys").glob("below-*.pem")
    old.unlink()
    kept.receipt(2)
    notes = [first, sealed(kept)]
    assert looked(kept, notes, trust) == [[], []]
    assert looked(kept, notes, replace(trust, log_keys=trust.log_keys[1:])) == [["fsck.kept_note"]] * 2


def test_rotate__not_announced_or_the_old_one_ending__refused_and_nothing_changes(kept: Kept) -> None:
    old = kept.keys.public_key
    present = LogKey(ORIGIN, ORIGIN, old, Millis(0))
    with pytest.raises(ConflictError, match=r"rotate\.none_prepared"):
        kept.rotate(trust_of(present))
    new = kept.keys.prepare().public_key
    assert kept.keys.prepare().public_key == new
    coming = LogKey(ORIGIN, ORIGIN, new, Millis(START + 1))
    for trust in (trust_of(present), trust_of(present, coming)):
        with pytest.raises(ConflictError, match=r"rotate\.not_announced"):
            kept.rotate(trust)
    ending = replace(present, until=Millis(START + DAY))
    with pytest.raises(ConflictError, match=r"rotate\.old_ended"):
        kept.rotate(trust_of(ending, replace(coming, since=Millis(0))))
    assert kept.keys.public_key == old
    check_announced(trust_of(present, replace(coming, since=START)), ORIGIN, old, new, START)


def test_announced__listed_already__nothing_changes() -> None:
    key = LogKey(ORIGIN, ORIGIN, b"\1" * 32, Millis(0))
    other = LogKey(ORIGIN, ORIGIN, b"\2" * 32, Millis(0), Millis(5))
    assert announced((key, other), ORIGIN, b"\1" * 32, Millis(9)) == (key, other)
    found = announced((key, other), ORIGIN, b"\3" * 32, Millis(9))
    assert [(k.since, k.until) for k in found] == [(0, 9 + OVERLAP), (0, 5), (9, None)]


def test_keys__old_key_taken_away__the_present_one_signs(kept: Kept) -> None:
    kept.receipt(1)
    kept.rotate(listing(kept))
    [old] = kept.path.with_suffix(".keys").glob("below-*.pem")
    old.unlink()
    again = kept.receipt(1)
    assert again.promise is not None
    message = promise_bytes(log_id(ORIGIN), 0, again.leaf)
    assert kept.keys.sign(message) == again.promise
