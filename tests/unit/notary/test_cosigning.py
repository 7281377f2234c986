"""Cosignatures of our own logs: asked for, verified, kept, served; an outage holds nothing up."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ledger.crypto.keys import Ed25519Signer
from ledger.errors import UnavailableError
from ledger.types import Digest, Millis, Origin
from notary.checkpoint import Checkpoint, VerifierKey, parse_checkpoint, parse_note, sign_checkpoint
from notary.cosignature import cosigners
from notary.cosigning import FIRST_PAUSE, LOOK, Cosigner, Watch
from notary.equivocation import What
from notary.stores.cosignatures import lines_of
from notary.stores.equivocations import Equivocations
from notary.stores.outside import Outside
from notary.stores.witness import Witness
from notary.trust_file import WitnessKey
from notary.witnessing import format_submission, parse_submission
from notary.worker import Worker
from tests.fakes.notary import ISSUER, LANE, ORIGIN, Rig, document, packed

pytestmark = pytest.mark.usefixtures("each_kind")

NAMES = ("w1", "w2", "w3")
KEYS = {name: Ed25519Signer(Ed25519PrivateKey.from_private_bytes(name.encode() * 16)) for name in NAMES}
KNOWN = {name: WitnessKey(name, KEYS[name].public_key) for name in NAMES}


class Clock:
    def now(self) -> Millis:
        return Millis(1_770_000_000_000)


class World:
    """A notary, its worker, and witnesses that are called directly, each as (HTTP status, body)."""

    def __init__(self, folder: Path, needed: int = 2) -> None:
        self.rig = Rig(folder)
        notary = self.rig.notary
        notary.prover._witnesses = lambda: (needed, tuple(KNOWN.values()))
        self.worker = Worker(notary, self.rig.outbox, self.rig.index, lanes={ORIGIN: LANE}, clock=self.rig.clock)
        key = VerifierKey(str(ORIGIN), notary.signers[ORIGIN].public_key)
        self.servers = {
            name: Witness(folder / name, name, KEYS[name], lambda o: [key] if o == ORIGIN else None, Clock())
            for name in NAMES
        }
        self.down: set[str] = set()
        self.asked = 0
        self.cosigners = {
            name: Cosigner(notary, name, lambda name=name: KNOWN[name], self.ask(name))  # type: ignore[misc]
            for name in NAMES
        }

    def ask(self, name: str) -> Callable[[bytes], tuple[int, bytes]]:
        def post(body: bytes) -> tuple[int, bytes]:
            self.asked += 1
            if name in self.down:
                raise UnavailableError("witness.unreachable", name=name, kind="ConnectError")
            answered = self.servers[name].add(parse_submission(body))
            told = answered.lines or (f"{answered.decision.size}\n" if answered.decision.status == 409 else "")
            return int(answered.decision.status), told.encode()

        return post

    def register(self, n: int) -> int:
        [accepted] = self.rig.notary.accept_records(ISSUER, ORIGIN, [document(n)])
        return accepted.receipt.index

    def seal(self) -> None:
        self.rig.clock.at = (self.rig.log.waiting().since or self.rig.clock.at) + 2_000  # files have the real time
        self.worker.step()

    def anchor(self) -> None:
        self.worker.step()
        self.rig.outbox.deliver(self.rig.chain)
        self.worker.step()

    def round(self, *names: str) -> None:
        for name in names or NAMES:
            self.cosigners[name].round()

    def count(self, note: str | None) -> int:
        return len(cosigners(parse_note(note or ""), KNOWN.values()))


def test_receipt__until_enough_cosigned__stays_promised_then_carries_the_lines(tmp_path: Path) -> None:
    world = World(tmp_path)
    index = world.register(1)
    world.seal()
    receipt = world.rig.notary.receipt(ORIGIN, index)
    assert receipt.inclusion is None
    assert receipt.promise is not None
    world.round("w1")
    assert world.rig.notary.receipt(ORIGIN, index).inclusion is None
    world.round("w2")
    receipt = world.rig.notary.receipt(ORIGIN, index)
    assert world.count(receipt.checkpoint) == 2
    world.anchor()
    receipt = world.rig.notary.receipt(ORIGIN, index)
    assert receipt.anchor is not None
    assert world.count(receipt.checkpoint) == 2
    assert world.count(world.rig.notary.prover.newest_note(ORIGIN)) == 2
    assert world.count(world.rig.notary.prover.checkpoint_at(ORIGIN, index + 1)) == 2


def test_outage__of_all_witnesses__anchoring_goes_on_and_a_later_head_serves(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.down = set(NAMES)
    first = world.register(1)
    world.seal()
    world.round()
    world.anchor()
    held = world.rig.notary.receipt(ORIGIN, first)
    assert held.anchor is not None  # the chain has it; that witnesses are missing, the report says
    assert world.count(held.checkpoint) == 0
    world.down = set()
    world.register(2)
    world.seal()
    world.round("w1", "w3")
    world.anchor()
    found = world.rig.notary.receipt(ORIGIN, first)
    assert found.anchor is not None
    assert found.inclusion is not None
    assert found.inclusion.size == 2
    assert world.count(found.checkpoint) == 2


def test_round__outage__pauses_grow_and_end_with_the_outage(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.register(1)
    world.seal()
    world.down = {"w1"}
    pauses = [world.cosigners["w1"].round() for _ in range(10)]
    assert pauses[0] == 2 * FIRST_PAUSE
    assert pauses == sorted(pauses)
    assert pauses[-1] == 60.0
    world.down = set()
    assert world.cosigners["w1"].round() == LOOK


def test_round__nothing_new__asks_nobody(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.register(1)
    world.seal()
    world.anchor()
    world.round()
    asked = world.asked
    world.round()
    assert world.asked == asked


def test_round__restart__learns_what_the_witness_has(tmp_path: Path) -> None:
    world = World(tmp_path)
    for n in range(3):
        world.register(n)
        world.seal()
        world.round("w1")
    fresh = Cosigner(world.rig.notary, "w1", lambda: KNOWN["w1"], world.ask("w1"))
    assert fresh.round() == LOOK
    world.register(9)
    world.seal()
    assert fresh.round() == LOOK
    assert world.count(world.rig.notary.prover.newest_note(ORIGIN)) == 1


@pytest.mark.parametrize("ours", [2, 3])
def test_round__another_process_asks_the_same_witness_between__no_failure(tmp_path: Path, ours: int) -> None:
    """As while a worker is replaced: what the witness has changes between its 409 and our second question."""
    world = World(tmp_path)
    notes = list[str]()
    for n in range(3):
        world.register(n)
        world.seal()
        notes.append(world.rig.log.checkpoint_note() or "")
    other, post = iter((1, 3)), world.ask("w1")
    has = 0

    def asked(body: bytes) -> tuple[int, bytes]:
        nonlocal has
        if (size := next(other, None)) is not None:
            proof = world.rig.log.consistency_proof(has, size) if has else []
            assert post(format_submission(has, proof, notes[size - 1]))[0] == 200
            has = size
        return post(body)

    cosigner = Cosigner(world.rig.notary, "w1", lambda: KNOWN["w1"], asked)
    row = world.rig.notary.log(ORIGIN)
    cosigner._cosign(row, ours, notes[ours - 1], KNOWN["w1"])
    assert has == 3
    assert cosigner.round() == LOOK
    assert cosigner.refused == {}
    # What the witness signed for the other process, that one keeps: in the same database.
    assert world.count(world.rig.notary.prover.newest_note(ORIGIN)) == (1 if ours == 3 else 0)


def test_round__witness_has_more_than_we__said_and_nothing_signed(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.register(1)
    world.seal()
    cosigner = Cosigner(world.rig.notary, "w1", lambda: KNOWN["w1"], lambda body: (409, b"900\n"))
    cosigner.round()
    assert cosigner.refused[ORIGIN].status == 409


@pytest.mark.parametrize(
    "answer", [(200, b""), (200, b"\xff"), (200, "— w1 AAAAAAAA\n".encode()), (409, b"x\n"), (500, b""), (302, b"")]
)
def test_round__answer_against_the_protocol__kept_out(tmp_path: Path, answer: tuple[int, bytes]) -> None:
    world = World(tmp_path)
    world.register(1)
    world.seal()
    cosigner = Cosigner(world.rig.notary, "w1", lambda: KNOWN["w1"], lambda body: answer)
    assert cosigner.round() > LOOK
    assert world.count(world.rig.notary.prover.newest_note(ORIGIN)) == 0


@pytest.mark.parametrize("status", [403, 404, 422])
def test_round__refused__remembered_for_health(tmp_path: Path, status: int) -> None:
    world = World(tmp_path)
    world.register(1)
    world.seal()
    cosigner = Cosigner(world.rig.notary, "w1", lambda: KNOWN["w1"], lambda body: (status, b""))
    cosigner.round()
    assert cosigner.refused[ORIGIN].status == status


def test_lines__of_sizes_that_nothing_rests_on__go(tmp_path: Path) -> None:
    world = World(tmp_path)
    sizes = []
    for n in range(5):
        world.register(n)
        world.rig.notary.seal(ORIGIN)  # sealed without the worker: not handed to the chain
        world.round("w1")
        sizes.append(parse_checkpoint(world.rig.log.checkpoint_note() or "").size)
    row = world.rig.notary.log(ORIGIN)
    with world.rig.notary.store.reading() as connection:
        found = [len(lines_of(connection, row.id, size)) for size in sizes]
    assert found == [0, 0, 0, 0, 1]


def test_bulk__until_cosigned__answered_with_promises(tmp_path: Path) -> None:
    world = World(tmp_path)
    bundle = world.rig.notary.accept_commitments(ISSUER, ORIGIN, packed(3), key="k")
    assert bundle.promises is not None
    world.round()
    assert world.rig.notary.receipts(ORIGIN, 0, 3).promises is None


class Watched:
    """A world whose first witness is watched as api.outside does it."""

    def __init__(self, folder: Path) -> None:
        self.world = World(folder)
        self.outside = Outside(folder / "outside")
        self.proofs = Equivocations(folder / "proofs")
        self.cosigner = self.opened()

    def opened(self) -> Cosigner:
        world = self.world

        def shown(origin: Origin) -> bytes | None:
            note = world.servers["w1"].checkpoint(sha256(origin.encode()).hexdigest())
            return None if note is None else note.encode()

        watch = Watch(self.outside, Clock(), self.proofs.keep, shown)
        return Cosigner(world.rig.notary, "w1", lambda: KNOWN["w1"], world.ask("w1"), watch)

    def standings(self) -> dict[str, tuple[str, bool]]:
        return {found.subject: (found.code, found.alarm) for found in self.outside.all("witness")}


def test_watch__witness_down_and_back__noted_and_cleared(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    watched.world.register(1)
    watched.world.seal()
    watched.world.down = {"w1"}
    watched.cosigner.round()
    assert watched.standings() == {"": ("witness.unreachable", False)}
    watched.world.down = set()
    watched.cosigner.round()
    assert watched.standings() == {"": ("", False)}


@pytest.mark.parametrize("ahead", [False, True])
def test_watch__witness_has_another_history__alarm_with_both_pieces(tmp_path: Path, ahead: bool) -> None:
    """What the witness cosigned is signed by our log and isn't ours: a thief's, or ours before a restored copy."""
    watched = Watched(tmp_path)
    world = watched.world
    world.register(1)
    world.seal()
    world.register(2)
    world.register(3)
    world.seal()
    signer = world.rig.notary.signers[ORIGIN]
    size = 9 if ahead else 2
    theirs = sign_checkpoint(Checkpoint(ORIGIN, size, Digest(b"\x07" * 32)), str(ORIGIN), signer)
    assert world.servers["w1"].add(parse_submission(format_submission(0, [], theirs))).decision.status == 200
    watched.cosigner.round()
    expected = "witness.ahead" if ahead else "witness.inconsistent"
    assert watched.standings() == {"": ("", False), ORIGIN: (expected, True)}
    [noted] = [found for found in watched.outside.all("witness") if found.subject]
    assert parse_checkpoint(noted.facts["theirs"]).root == b"\x07" * 32
    assert parse_checkpoint(noted.facts["ours"]).size == (1 if ahead else 3)  # the first that it refused
    kept = list(watched.proofs.all())
    assert [found.what for found in kept] == ([] if ahead else [What.NOT_EXTENDED])
    # Another process begins: the alarm stands with its date until the witness cosigns again.
    watched.opened().round()
    assert watched.standings()[ORIGIN] == (expected, True)


def test_watch__refused_once_and_cosigned_later__the_note_goes(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    world = watched.world
    key, world.servers["w1"]._keys = world.servers["w1"]._keys, lambda origin: None
    world.register(1)
    world.seal()
    watched.cosigner.round()
    assert watched.standings() == {"": ("", False), ORIGIN: ("witness.refused", False)}
    world.servers["w1"]._keys = key
    world.register(2)
    world.seal()
    watched.opened().round()
    assert watched.standings() == {"": ("", False)}
