"""Heads carried into another operator's log: once a day, whatever breaks off, and nothing believed that comes back."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ledger.errors import ChuzhengError, ConflictError, UnavailableError
from ledger.types import Digest, Kind, LogId, Millis, Origin
from notary.checkpoint import promise_bytes
from notary.entry import Entry, log_id
from notary.equivocation import Equivocation
from notary.head_courier import FIRST_PAUSE, LAST_PAUSE, LOOK, Around, HeadCourier
from notary.head_keeping import take_heads
from notary.network_heads import NetworkHeads, kept_by, parse_heads
from notary.receipt import Receipt, parse_receipt
from notary.stores.outside import Outside, Standing
from notary.stores.sent_heads import SentHeads
from notary.trust import read_trust
from notary.trust_file import LogKey
from tests.fakes.chain import FakeChain
from tests.fakes.house import trust_file
from tests.fakes.notary import ISSUER, ORIGIN, FakeClock, Rig
from tests.unit.notary.test_network_heads import heads_of

DAY = 86_400_000


class Other:
    """Another operator's notary, called directly; `broken` stands between its answer and us."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.down = False
        self.lost = False
        self.refuses: ChuzhengError | None = None
        self.alter: Callable[[Receipt], Receipt] = lambda receipt: receipt
        self.submitted = 0

    def submit(self, record: bytes, key: str) -> bytes:
        self.submitted += 1
        if self.down:
            raise UnavailableError("heads.unreachable", origin=ORIGIN, reason="ConnectError")
        if self.refuses is not None:
            raise self.refuses
        accepted = take_heads(self.rig.notary, ORIGIN, ISSUER, record, key)
        if self.lost:  # it has it, and we don't hear of it
            raise UnavailableError("heads.unreachable", origin=ORIGIN, reason="ReadTimeout")
        return self.alter(accepted.receipt).to_json()

    def receipt(self, index: int) -> bytes:
        if self.down:
            raise UnavailableError("heads.unreachable", origin=ORIGIN, reason="ConnectError")
        return self.alter(self.rig.notary.receipt(ORIGIN, index)).to_json()

    def anchor(self) -> None:
        self.rig.notary.seal(ORIGIN)
        size = self.rig.log.sealed_size()
        self.rig.chain.anchor(LogId(log_id(ORIGIN)), size, self.rig.log.root(size))
        put_checkpoint(self.rig, size)


def put_checkpoint(rig: Rig, size: int) -> None:
    from notary.stores.records import CheckpointRow

    note = rig.log.checkpoint_note()
    assert note is not None
    with rig.notary.store.transaction() as connection:
        row = rig.notary.log(ORIGIN)
        rig.notary.store.put_checkpoint(
            connection, CheckpointRow(row.id, size, rig.log.root(size), note, 0, f"anchor/{size}")
        )


class World:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.other = Other(Rig(folder / "other"))
        self.clock = FakeClock()
        self.kept: list[Equivocation] = []
        notary = self.other.rig.notary
        key = LogKey(ORIGIN, ORIGIN, notary.signers[ORIGIN].public_key, Millis(0))
        made = read_trust(trust_file(FakeChain(), [], expires=self.clock.now() * 2))
        self.trust = replace(made, network="test", log_keys=(key,))
        self.roots: dict[int, Digest] | None = None
        self.sent = SentHeads(folder / "sent", "mine")
        self.outside = Outside(folder / "outside")
        self.asked = 0

    def heads(self) -> NetworkHeads | None:
        self.asked += 1
        return heads_of(self.asked + 1, "mine")  # the chain goes on; what was written first is what is sent

    def anchored(self, log: LogId, size: int) -> Digest | None:
        if self.roots is not None:
            return self.roots.get(size)
        return self.other.rig.log.root(size)

    def courier(self) -> HeadCourier:
        """Another process each time."""
        around = Around(
            self.outside,
            self.clock,
            self.heads,
            lambda: self.trust,
            self.anchored,
            self.kept.append,
        )
        return HeadCourier(ORIGIN, self.other, self.sent, around)

    def standing(self) -> Standing:
        [found] = Outside(self.folder / "outside").all("heads")
        return found


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_day__carried_and_anchored__record_and_receipt_prove_each_other(world: World) -> None:
    assert world.courier().round() == LOOK
    [day] = world.sent.promised()
    assert world.standing().facts["day"] == day.day
    assert world.courier().round() == LOOK
    assert world.sent.promised() == [day]  # on its way to the chain: the promise stays
    world.other.anchor()
    assert world.courier().round() == LOOK
    assert world.sent.promised() == []
    record = world.sent.record(day)
    receipt = parse_receipt((world.folder / "sent" / f"{day.name}.receipt.json").read_bytes())
    assert kept_by(json.loads(record), receipt) is None
    assert parse_heads(json.loads(record)).network == "mine"
    assert receipt.anchor is not None
    world.courier().round()
    assert world.other.submitted == 1
    assert [Entry.from_bytes(raw).kind for raw in world.other.rig.entries()] == [Kind.CHECKPOINT]


def test_answer_lost__sent_again__same_entry(world: World) -> None:
    world.other.lost = True
    assert world.courier().round() == 2 * FIRST_PAUSE
    assert world.standing().code == "heads.unreachable"
    world.other.lost = False
    world.courier().round()
    assert world.other.submitted == 2
    assert len(world.other.rig.entries()) == 1
    assert world.asked == 1


def test_outage__of_three_days__each_day_arrives_in_order(world: World) -> None:
    world.other.down = True
    courier = world.courier()
    pauses = []
    for _ in range(3):
        pauses += [courier.round() for _ in range(4)]
        world.clock.at += DAY
    assert pauses[0] == 2 * FIRST_PAUSE
    assert pauses[-1] == LAST_PAUSE
    standing = world.standing()
    assert (standing.code, standing.facts["waiting"], standing.alarm) == ("heads.unreachable", 3, False)
    since = standing.since
    world.clock.at -= DAY
    world.other.down = False
    assert courier.round() == LOOK
    assert world.standing().code == ""
    assert world.standing().since > since
    days = [world.other.rig.notary.record(ORIGIN, n)["day"] for n in range(3)]
    assert days == sorted(set(days))


def test_day__has_one_record__whatever_the_chain_says_later(world: World) -> None:
    world.other.down = True
    world.courier().round()
    [day] = world.sent.waiting()
    before = world.sent.record(day)
    world.courier().round()
    assert world.sent.record(day) == before
    assert world.asked == 1


def lie_other_entry(receipt: Receipt) -> Receipt:
    return replace(receipt, salt=bytes(32))


def lie_other_log(receipt: Receipt) -> Receipt:
    return replace(receipt, origin=Origin(f"{ORIGIN}/s1"))


def lie_unsigned(receipt: Receipt) -> Receipt:
    return replace(receipt, promise=bytes(64), inclusion=None, checkpoint=None)


def lie_index(receipt: Receipt) -> Receipt:
    return replace(receipt, index=receipt.index + 1, inclusion=None, checkpoint=None)


@pytest.mark.parametrize(
    ("lie", "code"),
    [
        (lie_other_entry, "heads.other_entry"), (lie_other_log, "heads.other_entry"),
        (lie_unsigned, "heads.unsigned"), (lie_index, "heads.unsigned"),
    ],
)  # fmt: skip
def test_peer__lies_about_what_it_took__refused_and_an_alarm(
    world: World, lie: Callable[[Receipt], Receipt], code: str
) -> None:
    world.other.alter = lie
    world.courier().round()
    assert (world.standing().code, world.standing().alarm) == (code, True)
    assert len(world.sent.waiting()) == 1
    assert world.sent.promised() == []
    world.other.alter = lambda receipt: receipt
    world.courier().round()
    assert world.standing().code == ""


def test_peer__promises_and_shows_another_entry_later__both_pieces_kept(world: World) -> None:
    world.courier().round()
    world.other.anchor()
    signer = world.other.rig.notary.signers[ORIGIN]

    def another(receipt: Receipt) -> Receipt:
        entry = replace(receipt.entry, sha256=Digest(bytes(32)))
        other = Receipt(entry, receipt.origin, receipt.index)
        return replace(other, promise=signer.sign(promise_bytes(log_id(ORIGIN), receipt.index, other.leaf)))

    world.other.alter = another
    world.courier().round()
    assert (world.standing().code, world.standing().alarm) == ("heads.moved", True)
    assert [found.what.value for found in world.kept] == ["two_promises"]


def test_peer__shows_another_entry_that_its_log_did_not_sign__alarm_and_no_proof(world: World) -> None:
    world.courier().round()
    world.other.anchor()
    world.other.alter = lambda receipt: replace(
        Receipt(replace(receipt.entry, sha256=Digest(bytes(32))), receipt.origin, receipt.index), promise=bytes(64)
    )
    world.courier().round()
    assert (world.standing().code, world.standing().alarm) == ("heads.moved", True)
    assert world.kept == []


def test_peer__checkpoint_is_not_the_chains__refused(world: World) -> None:
    world.courier().round()
    world.other.anchor()
    world.roots = {}
    world.courier().round()
    assert len(world.sent.promised()) == 1  # our index doesn't have that anchor yet
    assert world.standing().code == ""
    world.roots = {1: Digest(bytes(32))}
    world.courier().round()
    assert (world.standing().code, world.standing().alarm) == ("heads.other_root", True)


def test_peer__says_no__named_without_alarm(world: World) -> None:
    world.other.refuses = ConflictError("heads.refused", origin=ORIGIN, status=403, reason="auth.role")
    world.courier().round()
    standing = world.standing()
    assert (standing.code, standing.alarm, standing.params["reason"]) == ("heads.refused", False, "auth.role")


def test_trust_file__none_or_without_that_log__nothing_is_kept(world: World) -> None:
    world.trust = replace(world.trust, log_keys=())
    world.courier().round()
    assert world.standing().code == "heads.no_trust"
    assert world.sent.promised() == []


def test_source__nothing_anchored_yet__nothing_sent(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world, "heads", lambda: None)
    assert world.courier().round() == LOOK
    assert world.other.submitted == 0


def test_parts__of_one_day__written_whole_or_again(tmp_path: Path) -> None:
    sent = SentHeads(tmp_path, "n")
    sent.put("2026-02-03", [b"1", b"2", b"3"])
    assert [day.name for day in sent.waiting()] == [f"n-2026-02-03.{part}" for part in (1, 2, 3)]
    (tmp_path / "n-2026-02-03.1.record.json").unlink()  # as if the process had died before the last name
    assert not sent.has("2026-02-03")
    assert sent.waiting() == []


def test_day__another_process_carries_it_while_ours_is_made__its_record_stands_and_is_proven(world: World) -> None:
    """As while a worker is replaced: two records of one day would be two entries there, and a false alarm here."""
    ours = world.courier()
    make = world.heads

    def meanwhile() -> NetworkHeads | None:
        found = make()
        world.heads = make  # type: ignore[method-assign]
        assert world.courier().round() == LOOK
        return found

    world.heads = meanwhile  # type: ignore[method-assign]
    ours._around = replace(ours._around, heads=meanwhile)
    assert ours.round() == LOOK
    world.other.anchor()
    assert ours.round() == LOOK
    assert world.standing().code == ""
    assert world.sent.promised() == []
    assert len(world.other.rig.entries()) == 1
