"""Checks 4 and 5, a test for each sentence of verification.md: inclusion, T, signatures, witnesses, equivocation."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ledger.types import DepartmentCode, Digest, Millis, Origin
from notary.checkpoint import Checkpoint, NoteSignature, format_note, key_id, parse_note, sign_checkpoint
from notary.evidence import (
    Equivocation,
    LogSeen,
    Unavailable,
)
from notary.report import Outcome, Verdict
from notary.trust import LogKey, TrustFile, WitnessKey
from tests.fakes.judging import FAIL, PASS, SKIPPED, UNKNOWN, N, judged, outcome
from tests.fakes.registry import DAY, ISSUER, OTHER, World, certificate, signer


@pytest.fixture
def world() -> World:
    """A world with one anchored entry before the one that a test makes."""
    made = World()
    made.anchored_record(certificate("A0"))
    return made


def test_inclusion__another_departments_entry_in_ones_own_log__proof_invalid(world: World) -> None:
    record = certificate(issuer=OTHER)
    receipt = world.anchored_record(record, issuer=OTHER)
    report = judged(world, receipt, record=record)
    assert (report.verdict, outcome(report, N.INCLUSION)) == (Verdict.PROOF_INVALID, (FAIL, "issuer"))
    promised = world.receipt(receipt.index, stage="promised")
    assert outcome(judged(world, promised, record=record), N.INCLUSION) == (FAIL, "issuer")


def test_inclusion__path_of_another_entry__proof_invalid(world: World) -> None:
    record = certificate()
    receipt = world.anchored_record(record)
    other = world.receipt(0)
    report = judged(world, replace(receipt, inclusion=other.inclusion, checkpoint=receipt.checkpoint), record=record)
    assert (report.verdict, outcome(report, N.INCLUSION)[0]) == (Verdict.PROOF_INVALID, FAIL)


def test_inclusion__checkpoint_of_another_log__proof_invalid(world: World) -> None:
    record = certificate()
    receipt = world.anchored_record(record)
    elsewhere = Checkpoint(Origin(f"chuzheng/test/{OTHER}"), world.size, Digest(world.root()))
    note = sign_checkpoint(elsewhere, world.origin, world.key)
    assert outcome(judged(world, replace(receipt, checkpoint=note), record=record), N.INCLUSION) == (FAIL, "origin")


@pytest.mark.parametrize(("seconds", "expected"), [(300, PASS), (301, FAIL)])
def test_inclusion__accepted_later_than_anchored_by_over_five_minutes__fails(seconds: int, expected: Outcome) -> None:
    world = World()
    record = certificate()
    anchor_time = world.chain.head().time + 1
    receipt = world.anchored_record(record, accepted=(anchor_time + seconds) * 1000)
    report = judged(world, receipt, record=record, now=(anchor_time + 10_000) * 1000)
    assert outcome(report, N.INCLUSION)[0] is expected
    assert report.verdict is (Verdict.VALID if expected is PASS else Verdict.PROOF_INVALID)


def test_inclusion__the_events_department_isnt_the_issuer__fails(world: World) -> None:
    record = certificate()
    receipt = world.anchored_record(record)
    assert world.anchored is not None
    event = replace(world.anchored, department=DepartmentCode(OTHER))
    assert outcome(judged(world, receipt, record=record, evidence={"anchor": event}), N.INCLUSION) == (
        FAIL,
        "department",
    )
    event = replace(world.anchored, department=DepartmentCode(ISSUER))
    assert outcome(judged(world, receipt, record=record, evidence={"anchor": event}), N.INCLUSION)[0] is PASS


def with_keys(world: World, *keys: LogKey, **changes: Any) -> TrustFile:
    return world.make_trust(log_keys=list(keys), **changes)


def own_key(world: World, since: int, until: int | None = None) -> LogKey:
    """The world's log key, valid for since ≤ time < until (seconds)."""
    end = None if until is None else Millis(until * 1000)
    return LogKey(world.origin, world.origin, world.key.public_key, Millis(since * 1000), end)


def test_signature__no_key_for_that_origin__unknown(world: World) -> None:
    record = certificate()
    receipt = world.anchored_record(record)
    report = judged(world, receipt, record=record, trust=with_keys(world))
    assert (report.verdict, outcome(report, N.SIGNATURE)) == (Verdict.CANNOT_CHECK, (UNKNOWN, "no_key"))


def test_signature__by_another_key__proof_invalid(world: World) -> None:
    record = certificate()
    receipt = world.anchored_record(record)
    stranger = LogKey(world.origin, world.origin, signer("stranger").public_key, Millis(0))
    report = judged(world, receipt, record=record, trust=with_keys(world, stranger))
    assert (report.verdict, outcome(report, N.SIGNATURE)) == (Verdict.PROOF_INVALID, (FAIL, "unsigned"))


def test_signature__key_valid_at_the_time_of_anchoring__counts_and_not_accepted_at_or_today(world: World) -> None:
    record = certificate()
    receipt = world.anchored_record(record)
    anchored = receipt.anchor.block_time if receipt.anchor else 0
    for since, until, expected in (
        (anchored, anchored + 1, PASS),
        (anchored + 1, None, FAIL),
        (
            0,
            anchored,
            FAIL,
        ),  # it held when accepted, no longer when anchored, and the chain said that it is the earliest
    ):
        report = judged(world, receipt, record=record, trust=with_keys(world, own_key(world, since, until)),
                        now=(anchored + 5000) * 1000)  # fmt: skip
        assert outcome(report, N.SIGNATURE)[0] is expected


def test_signature__passes_at_acceptance_fails_at_t_and_an_earlier_anchor_couldnt_be_asked_for__unknown(
    world: World,
) -> None:
    record = certificate()
    receipt = world.anchored_record(record)
    anchored = receipt.anchor.block_time if receipt.anchor else 0
    trust = with_keys(world, own_key(world, 0, anchored))
    cannot = {"earliest": Unavailable("chain.unreachable")}
    report = judged(world, receipt, record=record, trust=trust, evidence=cannot)
    assert (report.verdict, outcome(report, N.SIGNATURE)) == (Verdict.CANNOT_CHECK, (UNKNOWN, "key_time"))
    offline = judged(world, receipt, record=record, trust=trust, offline=True)
    assert outcome(offline, N.SIGNATURE) == (UNKNOWN, "key_time")
    never = with_keys(world, own_key(world, 0, 5))
    assert outcome(judged(world, receipt, record=record, trust=never, evidence=cannot), N.SIGNATURE)[0] is FAIL


def test_signature__earliest_anchor_above_the_index__is_t(world: World) -> None:
    """A newer checkpoint in the receipt doesn't make it younger."""
    record = certificate()
    first = world.anchored_record(record)
    world.chain.mine(50)
    world.anchored_record(certificate("A9"))
    newest = world.receipt(first.index)
    assert newest.anchor != first.anchor
    report = judged(world, newest, record=record)
    assert report.issue_time is not None
    assert report.issue_time.time == (first.anchor.block_time if first.anchor else 0)


def cosigned(note: str, witness: str, time: int = 1_770_000_001) -> str:
    """C2SP cosignature/v1 by a witness key."""
    key = signer(witness)
    parsed = parse_note(note)
    message = f"cosignature/v1\ntime {time}\n{parsed.text}".encode()
    line = NoteSignature(witness, key_id(witness, key.public_key, b"\x04"), time.to_bytes(8, "big") + key.sign(message))
    return format_note(parsed.text, [*parsed.signatures, line])


def test_signature__needed_witnesses__distinct_and_trusted(world: World) -> None:
    record = certificate()
    receipt = world.anchored_record(record)
    witnesses = [WitnessKey(w, signer(w).public_key) for w in ("w1", "w2", "w3")]
    trust = world.make_trust(witnesses_needed=2, witnesses=witnesses)
    note = receipt.checkpoint or ""
    for names, expected in (
        ((), FAIL),
        (("w1",), FAIL),
        (("w1", "w1"), FAIL),
        (("w1", "stranger"), FAIL),
        (("w1", "w3"), PASS),
    ):
        signed = note
        for name in names:
            signed = cosigned(signed, name)
        report = judged(world, replace(receipt, checkpoint=signed), record=record, trust=trust)
        assert outcome(report, N.SIGNATURE)[0] is expected, names
    broken = cosigned(note, "w1").replace("— w1 ", "— w2 ")
    assert (
        outcome(judged(world, replace(receipt, checkpoint=broken), record=record, trust=trust), N.SIGNATURE)[0] is FAIL
    )


def test_signature__checkpoint_isnt_the_anchored_one__equivocation(world: World) -> None:
    """The log signed one root, the chain holds another: 5, 6 and 7 fail, and both pieces are shown."""
    record = certificate()
    world.register(record)
    world.seal()
    signed = world.receipt(1, stage="included")
    world.chain.anchor(world.log_id, world.size, bytes(32))
    report = judged(world, signed, record=record)
    assert report.verdict is Verdict.PROOF_INVALID
    assert outcome(report, N.SIGNATURE) == (FAIL, "equivocation")
    assert report.check(N.SIGNATURE).observed
    assert report.check(N.SIGNATURE).expected


def test_signature__another_leaf_at_a_promised_index__equivocation(world: World) -> None:
    record = certificate()
    promised = world.register(record)
    world.entries[promised.index] = replace(promised.entry, sm3=Digest(bytes(32))).to_bytes()
    world.seal()
    report = judged(world, promised, record=record)
    assert outcome(report, N.SIGNATURE) == (FAIL, "equivocation")


def test_signature__log_serves_nonsense__no_equivocation(world: World) -> None:
    """What isn't signed by the log, or isn't under its signed root, proves nothing against it."""
    record = certificate()
    promised = world.register(record)
    world.seal()
    world.entries[promised.index] = bytes(92)
    assert outcome(judged(world, promised, record=record), N.SIGNATURE) == (PASS, "promise")
    world.note = (world.note or "").replace(world.origin, f"chuzheng/test/{OTHER}")
    assert outcome(judged(world, promised, record=record), N.SIGNATURE) == (PASS, "promise")


def served(world: World, size: int, root: bytes, *, origin: str = "", by: str = "log") -> LogSeen:
    """A checkpoint as a server might answer with it."""
    head = Checkpoint(Origin(origin or world.origin), size, Digest(root))
    return LogSeen(sign_checkpoint(head, world.origin, signer(by)))


def test_signature__another_root_of_the_same_size_from_the_log__equivocation_only_if_signed_by_it(world: World) -> None:
    record = certificate()
    receipt = world.anchored_record(record)
    size, wrong = world.size, bytes(32)
    for seen, expected in (
        (served(world, size, wrong), (FAIL, "equivocation")),
        (served(world, size, wrong, by="stranger"), (PASS, "checkpoint")),
        (served(world, size, wrong, origin=f"chuzheng/test/{OTHER}"), (PASS, "checkpoint")),
        (served(world, size + 1, wrong), (PASS, "checkpoint")),  # another tree: only a consistency proof could tell
        (served(world, size, world.root()), (PASS, "checkpoint")),
        (LogSeen("no note"), (PASS, "checkpoint")),
    ):
        assert outcome(judged(world, receipt, record=record, evidence={"log": seen}), N.SIGNATURE) == expected


def test_signature__forged_entry_beside_what_the_log_has_there__the_log_isnt_accused(world: World) -> None:
    """A receipt that proves nothing about its own entry is no signed piece against the log."""
    record = certificate()
    receipt = world.anchored_record(record)
    forged = replace(receipt, entry=replace(receipt.entry, sm3=Digest(bytes(32))))
    path = tuple(world.log.inclusion(world.origin, receipt.index, world.size))
    seen = LogSeen(world.note or "", world.entries[receipt.index], path)
    report = judged(world, forged, record=record, evidence={"log": seen})
    assert outcome(report, N.INCLUSION) == (FAIL, "root")
    assert outcome(report, N.SIGNATURE) == (PASS, "checkpoint")


@pytest.mark.parametrize(
    ("by", "origin", "expected"),
    [
        ("log", "", (FAIL, "overdue")),
        ("stranger", "", (SKIPPED, "promised")),
        ("log", f"chuzheng/test/{OTHER}", (SKIPPED, "promised")),
    ],
)
def test_anchored__overdue__only_a_checkpoint_of_the_log_says_that_it_isnt_in(
    world: World, by: str, origin: str, expected: tuple[Outcome, str]
) -> None:
    record = certificate()
    promised = world.register(record)
    late = promised.entry.accepted_at + DAY + 1
    seen = served(world, world.size, world.root(), by=by, origin=origin)
    assert outcome(judged(world, promised, record=record, now=late, evidence={"log": seen}), N.ANCHORED) == expected


def test_signature__promise_beside_the_checkpoint__said_only_if_there_is_one_that_nobody_can_prove(
    world: World,
) -> None:
    record = certificate()
    receipt = world.anchored_record(record)
    for promise, trust, expected in (
        (receipt.promise, world.trust, False),
        (None, world.trust, False),
        (bytes(64), world.trust, True),
        (bytes(64), with_keys(world), False),
    ):
        report = judged(world, replace(receipt, promise=promise), record=record, trust=trust)
        assert ("promise_unproven" in {note.code for note in report.notes}) is expected


def test_signature__equivocation_that_a_monitor_found__fails(world: World) -> None:
    record = certificate()
    receipt = world.anchored_record(record)
    pair = (Equivocation("one", "other"),)
    report = judged(world, receipt, record=record, evidence={"equivocations": pair})
    assert (report.verdict, outcome(report, N.SIGNATURE)[1]) == (Verdict.PROOF_INVALID, "equivocation")
