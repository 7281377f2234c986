"""Decisions: refused before they cost a transaction, proven where they are the first, found again by a retry."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from ledger.errors import ConfigurationError, ConflictError, DeniedError, InputError, NotFoundError, UnavailableError
from ledger.evm.outbox import Outbox, OutboxRow
from ledger.statuses import Decision, DecisionCode
from ledger.types import Block, BlockTime, DepartmentCode, Digest
from notary.commitment import commitment_from_root
from notary.decisions import NO_PROOF, NO_TYPE, ZERO, Decisions
from notary.disclosure import Disclosure, make_disclosure, parse_disclosure
from notary.entry import Entry, leaf_of, status_key
from notary.merkle import root_from_inclusion, verify_inclusion
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
        self.made = Decisions(notary, self.rig.outbox, self.index, operators={ISSUER: (LANE,)})
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
    key, decision, (log_id, raw, index, size, path), shown = intent.args
    assert shown == NO_TYPE
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


def test_decide__without_a_time_and_asked_again_after_it_is_recorded__the_same_intent(desk: Desk) -> None:
    first = desk.made.decide(ISSUER, PLACE, DecisionCode.SUSPENDED)
    desk.record(first)
    desk.rig.chain.mine(3)
    assert desk.made.decide(ISSUER, PLACE, DecisionCode.SUSPENDED) == first
    desk.rig.chain.annul(desk.key, 1)
    again = desk.made.decide(ISSUER, PLACE, DecisionCode.SUSPENDED)
    assert again != first  # the first counts for nothing: this is another one
    assert desk.rig.outbox.intents[again].state == "queued"


def test_decide__asked_twice_at_once_with_a_block_between__one_intent_and_both_told_of_it(desk: Desk) -> None:
    engine, answers = desk.rig.notary.store.engine, list[str]()

    def made(outbox: Outbox) -> Decisions:
        return Decisions(desk.rig.notary, outbox, desk.index, operators={ISSUER: (LANE,)})

    class Between(Outbox):
        """The other process is through after the last look that finds nothing; a block came since our first one."""

        looked = 0

        def status(self, intent_key: str) -> OutboxRow | None:
            found = super().status(intent_key)
            self.looked += 1
            if self.looked == 3:
                desk.rig.chain.mine(1)
                answers.append(made(Outbox(engine)).decide(ISSUER, PLACE, DecisionCode.SUSPENDED))
            return found

    answers.append(made(Between(engine)).decide(ISSUER, PLACE, DecisionCode.SUSPENDED))
    assert len(answers) == 2
    assert answers[0] == answers[1]
    row = Outbox(engine).status(answers[0])
    assert row is not None
    assert row.state == "queued"


@pytest.mark.parametrize("state", ["failed", "reverted"])
def test_decide__refused_by_the_chain__kept_and_tried_anew_only_when_asked(desk: Desk, state: str) -> None:
    def ask() -> str:
        return desk.made.decide(ISSUER, PLACE, DecisionCode.RESCINDED, effective_from=BlockTime(0))

    first = ask()
    desk.rig.outbox.intents[first].state = state
    second = ask()
    assert second != first
    assert ask() == second
    intents = desk.rig.outbox.intents
    assert (intents[first].state, intents[second].state) == (state, "queued")
    assert intents[first].args == intents[second].args
    desk.record(second)
    assert ask() == second
    number = desk.index.decisions(desk.key)[0].number
    struck = desk.made.annul(ISSUER, PLACE, number)
    intents[struck].state = state
    assert desk.made.annul(ISSUER, PLACE, number) not in (first, second, struck)


def test_decide__later_ones__need_no_proof_and_follow_the_moves(desk: Desk) -> None:
    desk.record(desk.made.decide(ISSUER, PLACE, DecisionCode.SUSPENDED))
    with pytest.raises(ConflictError, match="move_not_allowed"):
        desk.made.decide(ISSUER, PLACE, DecisionCode.SUSPENDED, cause=1)
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
    key, decision, old, new, shown = intent.args
    assert shown == NO_TYPE
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


COMPETENT = DepartmentCode("11100000000013338W")


def shown(desk: Desk) -> Disclosure:
    """What the issuer hands to the competent department: its certificate's disclosure."""
    receipt = desk.rig.notary.prover.receipt(ORIGIN, 1, salted=True)
    assert receipt.salt is not None
    return parse_disclosure(make_disclosure(certificate(1), receipt.salt, (), replace(receipt, salt=None)))


def competent(desk: Desk) -> Decisions:
    return Decisions(desk.rig.notary, desk.rig.outbox, desk.index, operators={COMPETENT: (LANE,)})


def test_decide__first_by_the_competent_department__brings_the_type_as_the_contract_builds_it(desk: Desk) -> None:
    disclosure = shown(desk)
    intent_key = competent(desk).decide(COMPETENT, disclosure, DecisionCode.SUSPENDED, cause=1)
    intent = desk.rig.outbox.intents[intent_key]
    assert intent.function == "decideFirst"
    key, _, (log_id, raw, index, size, path), (issuer, commitment, code, n, i, salt, fields) = intent.args
    assert key == desk.key
    anchor = desk.index.anchor_for(log_id, index)
    assert anchor is not None
    assert verify_inclusion(index, size, leaf_of(raw), path, anchor.root)
    type_code = certificate(1)["type"]
    assert (issuer, code) == (ISSUER.encode().ljust(32, b"\0"), type_code.encode().ljust(32, b"\0"))
    # Disclosures.sol: the member is built there, from the code alone.
    digest = hashlib.sha256(b"chuzheng/field/v1\0" + salt + b'["type","' + type_code.encode() + b'"]').digest()
    root = root_from_inclusion(i, n, hashlib.sha256(b"\0" + digest).digest(), fields)
    assert root is not None
    assert commitment_from_root(n, root) == commitment == Entry.from_bytes(raw).sha256
    assert competent(desk).decide(COMPETENT, disclosure, DecisionCode.SUSPENDED, cause=1) == intent_key


def test_decide__disclosure_of_no_use__refused_without_an_intent(desk: Desk) -> None:
    made, disclosure, before = competent(desk), shown(desk), len(desk.rig.outbox.intents)
    hidden = replace(disclosure, members=tuple(m for m in disclosure.members if m.name != "type"))
    with pytest.raises(InputError, match=r"decision\.type_hidden"):
        made.decide(COMPETENT, hidden, DecisionCode.SUSPENDED)
    changed = tuple(replace(m, value="X") if m.name == "type" else m for m in disclosure.members)
    with pytest.raises(InputError, match=r"decision\.disclosure"):
        made.decide(COMPETENT, replace(disclosure, members=changed), DecisionCode.SUSPENDED)
    early = replace(disclosure, receipt=replace(disclosure.receipt, inclusion=None))
    with pytest.raises(InputError, match=r"decision\.receipt_early"):
        made.decide(COMPETENT, early, DecisionCode.SUSPENDED)
    assert len(desk.rig.outbox.intents) == before


def test_decide__disclosure_of_an_own_certificate__brings_no_type(desk: Desk) -> None:
    intent_key = desk.made.decide(ISSUER, shown(desk), DecisionCode.SUSPENDED)
    assert desk.rig.outbox.intents[intent_key].args[3] == NO_TYPE


def test_decide__disclosure_where_decisions_are__needs_no_proof(desk: Desk) -> None:
    desk.rig.chain.decide(desk.key, DecisionCode.SUSPENDED, ISSUER)
    intent_key = competent(desk).decide(COMPETENT, shown(desk), DecisionCode.RESCINDED)
    assert desk.rig.outbox.intents[intent_key].function == "decide"
