"""The witness's protocol (C2SP tlog-witness, add-checkpoint): a case a sentence, and a state machine."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from ledger.crypto.keys import Ed25519Signer
from ledger.errors import UnavailableError, UnreadableError
from ledger.types import Digest, Millis, Origin
from notary.checkpoint import Checkpoint, VerifierKey, parse_checkpoint, parse_note, sign_checkpoint
from notary.cosignature import cosigners, parse_lines, with_cosignatures
from notary.equivocation import Equivocation, What, parse_equivocation
from notary.merkle import EMPTY_ROOT, consistency_proof, leaf_hash, root_from_leaves
from notary.stores.equivocations import Equivocations
from notary.stores.witness import Answered, Witness
from notary.trust_file import WitnessKey
from notary.witnessing import Status, Submission, format_submission, parse_submission
from tests.fakes.disk import MemoryDisk
from tests.fakes.log import ORIGIN

LOG = Ed25519Signer(Ed25519PrivateKey.from_private_bytes(b"\x01" * 32))
STRANGER = Ed25519Signer(Ed25519PrivateKey.from_private_bytes(b"\x09" * 32))
OWN = Ed25519Signer(Ed25519PrivateKey.from_private_bytes(b"\x02" * 32))
KEY = VerifierKey(str(ORIGIN), LOG.public_key)
NAME = "witness.example/w1"
WITNESS = WitnessKey(NAME, OWN.public_key)
MOST = 40
HONEST = [leaf_hash(b"%d" % n) for n in range(MOST)]
OTHER = [*HONEST[:5], *(leaf_hash(b"other %d" % n) for n in range(5, MOST))]
FOLDER = Path("/witness")


class Clock:
    def now(self) -> Millis:
        return Millis(1_770_000_000_000)


def note_of(leaves: list[Digest], size: int, signer: Ed25519Signer = LOG, origin: str = ORIGIN) -> str:
    return sign_checkpoint(Checkpoint(origin, size, root_from_leaves(leaves[:size])), str(origin), signer)


def ask(old: int, size: int, leaves: list[Digest] = HONEST, note: str | None = None) -> Submission:
    proof = consistency_proof(leaves[:size], old) if 0 < old <= size else []
    return parse_submission(format_submission(old, proof, note or note_of(leaves, size)))


def make(disk: MemoryDisk, kept: list[Equivocation] | None = None) -> Witness:
    def keys(origin: str) -> list[VerifierKey] | None:
        return [KEY] if origin == ORIGIN else None

    return Witness(FOLDER, NAME, OWN, keys, Clock(), keep=(kept if kept is not None else []).append, disk=disk)


def status(answered: Answered) -> tuple[int, int]:
    return int(answered.decision.status), answered.decision.size


def test_add__first_and_then_larger__cosigned_over_the_logs_text() -> None:
    witness = make(MemoryDisk())
    for old, size in ((0, 5), (5, 13), (13, 13)):
        answered = witness.add(ask(old, size))
        assert answered.decision.status is Status.COSIGN
        note = with_cosignatures(note_of(HONEST, size), parse_lines(answered.lines))
        assert cosigners(parse_note(note), [WITNESS]) == [WITNESS]
        assert witness.checkpoint(hashlib.sha256(ORIGIN.encode()).hexdigest()) == note


def test_add__unknown_log__404_and_nothing_kept() -> None:
    disk = MemoryDisk()
    other = Origin("chuzheng/test/11420000MB9543829Q")
    answered = make(disk).add(ask(0, 3, note=note_of(HONEST, 3, origin=other)))
    assert status(answered) == (404, 0)
    assert make(disk).checkpoint(hashlib.sha256(other.encode()).hexdigest()) is None


def test_add__by_a_stranger_or_with_a_broken_line__403() -> None:
    witness = make(MemoryDisk())
    assert status(witness.add(ask(0, 3, note=note_of(HONEST, 3, STRANGER)))) == (403, 0)
    good = note_of(HONEST, 3)
    at = good.rindex("=") - 3
    broken = good[:at] + ("A" if good[at] != "A" else "B") + good[at + 1 :]
    assert status(witness.add(ask(0, 3, note=broken))) == (403, 0)
    # A stranger's line beside the log's own is passed over, and isn't kept.
    both = good + note_of(HONEST, 3, STRANGER).partition("\n\n")[2].replace(str(ORIGIN), "stranger")
    assert witness.add(ask(0, 3, note=both)).decision.status is Status.COSIGN
    kept = witness.checkpoint(hashlib.sha256(ORIGIN.encode()).hexdigest())
    assert kept is not None
    assert [line.name for line in parse_note(kept).signatures] == [ORIGIN, NAME]


def test_add__old_beyond_the_checkpoint__400() -> None:
    assert status(make(MemoryDisk()).add(ask(9, 3)))[0] == 400


def test_add__other_old_size__409_with_the_size_that_is_known() -> None:
    witness = make(MemoryDisk())
    assert status(witness.add(ask(3, 5))) == (409, 0)
    witness.add(ask(0, 7))
    assert status(witness.add(ask(0, 9))) == (409, 7)
    assert status(witness.add(ask(5, 9))) == (409, 7)
    assert status(witness.add(ask(0, 3))) == (409, 7)


def test_add__proof_wrong_or_too_much__422() -> None:
    witness = make(MemoryDisk())
    assert status(witness.add(Submission(0, (HONEST[0],), *_note(HONEST, 5))))[0] == 422
    witness.add(ask(0, 5))
    assert status(witness.add(Submission(5, (), *_note(HONEST, 9))))[0] == 422
    flipped = bytes([consistency_proof(HONEST[:9], 5)[0][0] ^ 1]) + consistency_proof(HONEST[:9], 5)[0][1:]
    assert (
        status(witness.add(Submission(5, (flipped, *consistency_proof(HONEST[:9], 5)[1:]), *_note(HONEST, 9))))[0]
        == 422
    )
    assert status(witness.add(ask(5, 9)))[0] == 200


def test_add__empty_tree__needs_its_root() -> None:
    witness = make(MemoryDisk())
    wrong = sign_checkpoint(Checkpoint(ORIGIN, 0, HONEST[0]), str(ORIGIN), LOG)
    assert status(witness.add(ask(0, 0, note=wrong)))[0] == 422
    right = sign_checkpoint(Checkpoint(ORIGIN, 0, EMPTY_ROOT), str(ORIGIN), LOG)
    assert status(witness.add(ask(0, 0, note=right)))[0] == 200
    assert status(witness.add(ask(0, 4)))[0] == 200


@pytest.mark.parametrize(("old", "size"), [(6, 6), (0, 6), (6, 9)])
def test_add__log_that_signed_two_histories__refused_and_both_pieces_kept(old: int, size: int) -> None:
    kept: list[Equivocation] = []
    witness = make(MemoryDisk(), kept)
    witness.add(ask(0, 6))
    answered = witness.add(ask(old, size, OTHER))
    assert answered.decision.status in (Status.INCONSISTENT, Status.OTHER_SIZE)
    [found] = kept
    assert found.what is (What.NOT_EXTENDED if size > 6 else What.TWO_ROOTS)
    assert parse_equivocation(found.to_json()) == found
    assert answered.split == found


def test_keep__twice__one_file_never_overwritten(tmp_path: Path) -> None:
    kept: list[Equivocation] = []
    witness = make(MemoryDisk(), kept)
    witness.add(ask(0, 6))
    witness.add(ask(6, 6, OTHER))
    folder = Equivocations(tmp_path / "equivocations")
    path = folder.keep(kept[0])
    before = path.stat().st_ino
    assert folder.keep(kept[0]) == path
    assert path.stat().st_ino == before
    assert list(folder.all()) == kept
    assert list(folder.all("chuzheng/test/11420000MB9543829Q")) == []


@pytest.mark.parametrize("step", ["create", "rename", "sync_folder"])
def test_add__disk_fails__no_answer_and_the_state_as_it_was(step: str) -> None:
    disk = MemoryDisk()
    witness = make(disk)
    witness.add(ask(0, 5))
    real = getattr(disk, step)

    def fail(*_: object) -> None:
        raise OSError(28, "full")

    setattr(disk, step, fail)
    with pytest.raises(UnavailableError):
        witness.add(ask(5, 9))
    setattr(disk, step, real)
    again = make(disk)
    assert status(again.add(ask(5, 9)))[0] in (200, 409)  # after a failed fsync of the folder the name may be there
    assert status(again.add(ask(9, 12)))[0] == 200


@pytest.mark.parametrize(
    "body",
    [
        b"", b"old 0", b"old 0\n\n", b"old 00\n\nx", b"old -1\n\nx", b"new 0\n\nx", b"old 0\nAAAA\n\nx", b"\xff",
        b"old 99999999999999999\n\nx",
        format_submission(0, [HONEST[0]] * 64, note_of(HONEST, 5)),
        format_submission(0, [], note_of(HONEST, 5)[:-1]),
        format_submission(0, [], note_of(HONEST, 5)).replace(b"old 0\n", b"old 0\r\n"),
        b"x" * 200_000,
    ],
)  # fmt: skip
def test_parse__anything_else__unreadable(body: bytes) -> None:
    with pytest.raises(UnreadableError):
        parse_submission(body)


def _note(leaves: list[Digest], size: int) -> tuple[str, Checkpoint]:
    note = note_of(leaves, size)
    return note, parse_checkpoint(note)


class Machine(RuleBasedStateMachine):
    """Two histories and any requests, restarts in between: what was cosigned is one history, growing."""

    def __init__(self) -> None:
        super().__init__()
        self.disk = MemoryDisk()
        self.witness = make(self.disk)
        self.cosigned: list[Checkpoint] = []
        self.leaves: list[Digest] | None = None

    @rule(old=st.integers(0, MOST), size=st.integers(0, MOST), other=st.booleans())
    def submit(self, old: int, size: int, other: bool) -> None:
        leaves = OTHER if other else HONEST
        answered = self.witness.add(ask(old, size, leaves))
        last = self.cosigned[-1] if self.cosigned else None
        known = last.size if last else 0
        assert (answered.decision.status is Status.OTHER_SIZE) is (old <= size and old != known)
        if answered.decision.status is Status.OTHER_SIZE:
            assert answered.decision.size == known
        if answered.decision.status is Status.COSIGN:
            self.cosigned.append(parse_checkpoint(note_of(leaves, size)))
        elif old == known and old <= size:
            assert last is not None
            assert root_from_leaves(leaves[:known]) != last.root

    @rule()
    def follow(self) -> None:
        """The honest way always goes on as long as nothing else was cosigned."""
        known = self.cosigned[-1] if self.cosigned else None
        size = known.size if known else 0
        if known is None or known.root == root_from_leaves(HONEST[:size]):
            assert self.witness.add(ask(size, MOST)).decision.status is Status.COSIGN
            self.cosigned.append(parse_checkpoint(note_of(HONEST, MOST)))

    @rule()
    def restart(self) -> None:
        self.witness = make(self.disk)

    @invariant()
    def one_history(self) -> None:
        for leaves in (HONEST, OTHER):
            if all(head.root == root_from_leaves(leaves[: head.size]) for head in self.cosigned):
                break
        else:
            raise AssertionError("two histories cosigned")
        sizes = [head.size for head in self.cosigned]
        assert sizes == sorted(sizes)


TestMachine = Machine.TestCase
TestMachine.settings = settings(max_examples=40, stateful_step_count=20, deadline=None)
