"""Decisions: refused before they cost a transaction, proven where they are the first, found again by a retry."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from ledger.errors import ConfigurationError, ConflictError, DeniedError, InputError, NotFoundError, UnavailableError
from ledger.statuses import Decision, DecisionCode
from ledger.types import Block, BlockTime, DepartmentCode, Digest
from notary.decisions import NO_PROOF, ZERO, Decisions
from notary.entry import Entry, leaf_of, status_key
from notary.merkle import verify_inclusion
from notary.worker import Worker
from tests.fakes.notary import (
    ISSUER,
    LANE,
    MEMBERS,
    ORIGIN,
    OTHER,
    ChainIndex,
    Rig,
    certificate,
    packed,
)

PLACE = (ORIGIN, 1)


class DecisionIndex(ChainIndex):
    behind = False

    def decisions(self, status_key: Digest) -> Sequence[Decision]:
        return self.chain.decisions(status_key)

    def cursor(self) -> Block | None:
        return None if self.behind else self.chain.head()

    def tells(self, block: int) -> bool:
        return not self.behind and block <= self.chain.head().number


class Desk:
    """A notary with three anchored certificates, and its decisions."""

    def __init__(self, home: Path) -> None:
        self.rig = Rig(home, origins=(ORIGIN, MEMBERS), members=(MEMBERS,))
        self.index = DecisionIndex(self.rig.chain)
        notary = self.rig.notary
        notary.accept_records(ISSUER, ORIGIN, [certificate(n) for n in range(3)], key="k")
        notary.seal(ORIGIN)
        Worker(notary, self.rig.outbox, self.index, lanes={ORIGIN: LANE}, clock=self.rig.clock).step()
        self.rig.outbox.deliver(self.rig.chain)
        self.made = Decisions(notary, self.rig.outbox, self.index, operators={ISSUER: LANE})
        self.key = self.made.key_of(PLACE)

    def record(self, intent_key: str) -> None:
        """The chain takes the decision."""
        intent = self.rig.outbox.intents[intent_key]
        code, cause, effective_from, _, successor, until, ends = intent.args[1]
        self.rig.chain.decide(
            intent.args[0],
            DecisionCode(code),
            ISSUER,
            cause=cause,
            effective_from=effective_from,
            successor=None if successor == ZERO else successor,
            until=until or None,
            ends=ends or None,
        )
        intent.state = "final"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path / "home")
    yield made
    made.rig.notary.close()


def test_decide__first__brings_the_entry_and_a_proof_that_holds(desk: Desk) -> None:
    intent_key = desk.made.decide(ISSUER, PLACE, DecisionCode.SUSPENDED, cause=1, until=BlockTime(4_000_000_000))
    intent = desk.rig.outbox.intents[intent_key]
    assert (intent.sender, intent.contract, intent.function) == (LANE, "CertificateStatus", "decideFirst")
    key, decision, (log_id, raw, index, size, path) = intent.args
    entry = Entry.from_bytes(raw)
    assert key == desk.key == status_key(ISSUER, entry.sha256)
    now = desk.rig.chain.head().time
    assert decision == (2, 1, now, ZERO, ZERO, 4_000_000_000, 0)
    anchor = desk.index.anchor_for(log_id, index)
    assert anchor is not None
    assert (index, size) == (1, anchor.size)
    assert verify_inclusion(index, size, leaf_of(raw), path, anchor.root)


def test_decide__asked_again__one_intent_before_and_after_it_is_recorded(desk: Desk) -> None:
    first = desk.made.decide(ISSUER, PLACE, DecisionCode.RESCINDED, effective_from=BlockTime(0))
    desk.rig.chain.mine(5)
    assert desk.made.decide(ISSUER, PLACE, DecisionCode.RESCINDED, effective_from=BlockTime(0)) == first
    desk.record(first)
    assert desk.made.decide(ISSUER, PLACE, DecisionCode.RESCINDED, effective_from=BlockTime(0)) == first
    assert [i.function for i in desk.rig.outbox.intents.values()] == ["anchor", "decideFirst"]


def test_decide__later_ones__need_no_proof_and_follow_the_moves(desk: Desk) -> None:
    desk.record(desk.made.decide(ISSUER, PLACE, DecisionCode.SUSPENDED))
    with pytest.raises(ConflictError, match="move_not_allowed"):
        desk.made.decide(ISSUER, PLACE, DecisionCode.SUSPENDED)
    with pytest.raises(InputError, match="ends"):
        desk.made.decide(ISSUER, PLACE, DecisionCode.RESUMED)
    resumed = desk.made.decide(ISSUER, PLACE, DecisionCode.RESUMED, ends=1)
    assert desk.rig.outbox.intents[resumed].function == "decide"
    desk.record(resumed)
    by_key = desk.made.decide(ISSUER, PLACE, DecisionCode.SUSPENDED)
    assert desk.rig.outbox.intents[by_key].args[0] == desk.key


def test_decide__superseded__proves_both_entries(desk: Desk) -> None:
    intent_key = desk.made.decide(ISSUER, PLACE, DecisionCode.SUPERSEDED, successor=(ORIGIN, 2))
    intent = desk.rig.outbox.intents[intent_key]
    key, decision, old, new = intent.args
    assert intent.function == "supersede"
    assert (old[2], new[2], decision[4]) == (1, 2, desk.made.key_of((ORIGIN, 2)))
    desk.rig.chain.decide(key, DecisionCode.SUSPENDED, ISSUER)
    later = desk.made.decide(ISSUER, PLACE, DecisionCode.SUPERSEDED, successor=(ORIGIN, 2))
    assert desk.rig.outbox.intents[later].args[2] == NO_PROOF
    with pytest.raises(InputError, match="own_successor"):
        desk.made.decide(ISSUER, PLACE, DecisionCode.SUPERSEDED, successor=PLACE)


def test_annul__decision_of_ones_own__handed_over_once(desk: Desk) -> None:
    desk.record(desk.made.decide(ISSUER, PLACE, DecisionCode.RESCINDED))
    basis = Digest(hashlib.sha256(b"judgment").digest())
    annulled = desk.made.annul(ISSUER, PLACE, 1, basis=basis)
    assert desk.made.annul(ISSUER, PLACE, 1, basis=basis) == annulled
    assert desk.rig.outbox.intents[annulled].args == (desk.key, 1, basis)
    with pytest.raises(NotFoundError):
        desk.made.annul(ISSUER, PLACE, 2)


def test_decide__what_cannot_stand__refused_without_an_intent(desk: Desk) -> None:
    made, before = desk.made, len(desk.rig.outbox.intents)
    with pytest.raises(DeniedError):
        made.decide(OTHER, PLACE, DecisionCode.SUSPENDED)
    with pytest.raises(InputError, match="cause"):
        made.decide(ISSUER, PLACE, DecisionCode.RESCINDED, cause=1)
    with pytest.raises(InputError, match="effective_later"):
        made.decide(ISSUER, PLACE, DecisionCode.RESCINDED, effective_from=BlockTime(4_000_000_000))
    with pytest.raises(InputError, match="successor"):
        made.decide(ISSUER, PLACE, DecisionCode.SUPERSEDED)
    with pytest.raises(NotFoundError):
        made.decide(ISSUER, (ORIGIN, 99), DecisionCode.SUSPENDED)
    with pytest.raises(InputError, match="key_length"):
        made.decide(ISSUER, Digest(b"short"), DecisionCode.SUSPENDED)
    desk.rig.notary.accept_commitments(ISSUER, MEMBERS, packed(1, kind=3), key=None)
    with pytest.raises(InputError, match=r"decision\.kind"):
        made.decide(ISSUER, (MEMBERS, 0), DecisionCode.SUSPENDED)
    desk.rig.notary.accept_records(ISSUER, ORIGIN, [certificate(8)])
    with pytest.raises(UnavailableError, match="not_anchored"):
        made.decide(ISSUER, (ORIGIN, 3), DecisionCode.SUSPENDED)
    desk.index.behind = True
    with pytest.raises(UnavailableError, match="no_index"):
        made.decide(ISSUER, PLACE, DecisionCode.SUSPENDED)
    assert len(desk.rig.outbox.intents) == before


def test_decide__by_status_key__only_with_a_history(desk: Desk) -> None:
    with pytest.raises((InputError, DeniedError)):
        desk.made.decide(ISSUER, desk.key, DecisionCode.SUSPENDED)
    desk.rig.chain.decide(desk.key, DecisionCode.SUSPENDED, OTHER)
    intent_key = desk.made.decide(ISSUER, desk.key, DecisionCode.RESCINDED)
    assert desk.rig.outbox.intents[intent_key].function == "decide"


def test_decide__department_without_operator__says_so(desk: Desk) -> None:
    made = Decisions(desk.rig.notary, desk.rig.outbox, desk.index, operators={})
    with pytest.raises(ConfigurationError, match="no_operator"):
        made.decide(DepartmentCode(ISSUER), PLACE, DecisionCode.SUSPENDED)


def test_visible__index_behind_the_block__not_yet(desk: Desk) -> None:
    head = desk.rig.chain.head().number
    assert desk.made.visible(None)
    assert desk.made.visible(head)
    assert not desk.made.visible(head + 1)
