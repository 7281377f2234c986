"""ShareAuthorisations beside its Python twin, ledger.shares: same acts, same answers and refusals, the same book.

Hypothesis draws two applications, one of which may renew the other, and any act by anybody, apt or not; after each step
all that is kept is compared, and what follows from it at instants around its times. It is long because each act of the
contract is a rule here, with what is drawn for it; what the rules stand on is in shares_beside.
"""

from __future__ import annotations

from functools import partial
from random import Random

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    initialize,
    precondition,
    rule,
)
from machines import EXAMPLES, drive
from mining import ask, transact
from shares_beside import IDS, SharesBeside
from shares_world import (
    BASIS,
    CLOSED,
    DAY,
    DRAFT,
    OPEN,
    OWN,
    PEOPLE,
    SharesWorld,
)
from turning_world import SUCCESSIONS
from world import NONE, digest

from ledger.shares import applications, disputes, lifetime
from ledger.shares.grants import State, effective_state

# Where a walk begins, so that it gets to the rarer ends too.
WAYS = (
    (),
    ("submit", "preReview", "review", "grant", "activate", "suspend"),
    ("submit", "preReview", "review", "reject", "dispute", "escalate", "settle"),
    ("submit", "preReview", "review", "returnForMore", "resubmit", "review", "grant"),
)
COMMITMENTS = [digest("body 0"), *(digest(f"commitment {i}") for i in range(3))]


class SharesMachine(SharesBeside):
    @rule(id_=st.sampled_from(IDS), picks=st.lists(st.integers(0, 25), min_size=1, max_size=4))
    def what_is_apt(self, id_: bytes, picks: list[int]) -> None:
        self.what_is_apt_for(id_, picks)

    # Applications

    @initialize(
        pre_review=st.sampled_from([False, False, True]),
        clock=st.integers(0, 2),
        far=st.booleans(),
        # A seed, not a list: drawn lists stay short, and then nothing is ever granted.
        seed=st.integers(0, 2**64 - 1),
    )
    def first(self, pre_review: bool, clock: int, far: bool, seed: int) -> None:
        self.start(pre_review, clock, far)
        chance = Random(seed)
        self.what_is_apt_for(IDS[0], chance.choices(range(26), k=chance.randrange(16)))
        self.time_goes_by(chance.choice([0, 0, DAY, 4 * DAY, 99 * DAY]))
        self.what_is_apt_for(IDS[0], chance.choices(range(26), k=3))
        renewable = self.book.grants[IDS[0]].state >= State.GRANTED
        self.propose(1, {"supersedes": IDS[0]} if renewable else {}, None)
        self.what_is_apt_for(IDS[1], chance.choices(range(26), k=chance.randrange(10)))

    @rule(
        number=st.integers(0, 1),
        who=st.sampled_from([None, None, *PEOPLE]),
        changes=st.sampled_from(
            [
                {},
                {"supersedes": IDS[0]},
                {"supersedes": IDS[0], "mode": 1, "data_life": 0},
                {"supersedes": IDS[1]},
                {"resource": OPEN},
                {"resource": CLOSED},
                {"resource": DRAFT},
                {"resource": OWN},
                {"body": None},
                {"body": digest("body 0")},
                {"items": None},
                {"items": digest("body 1")},
                {"scope": 2},
                {"scope": 2, "subjects": digest("subjects")},
                {"basis_kind": 2},
                {"basis_kind": 3, "document": digest("document"), "article": 0},
                {"article": 0},
                {"not_after": 5},
                {"not_before": 2**50, "not_after": 2**51},
                {"max_uses": 0},
                {"rate_per_day": 0},
                {"purpose": 0},
                {"basis_kind": 5},
                {"scope": 0},
                {"data_life": 0},
                {"method": 5},
                {"mode": 3, "data_life": 0},
            ]
        ),
    )
    def proposes(self, number: int, who: str | None, changes: dict) -> None:
        self.propose(number, changes, who)

    @rule(id_=st.sampled_from(IDS), who=st.sampled_from([None, None, None, *PEOPLE]))
    def submits(self, id_, who) -> None:
        self.act("submit", who, id_, partial(applications.submit, id_=id_))

    @rule(
        id_=st.sampled_from(IDS),
        who=st.sampled_from([None, None, None, *PEOPLE]),
        passed=st.sampled_from([True, True, False]),
        reason=st.sampled_from([406, 401, 101]),
        article=st.sampled_from([10_021, 0]),
    )
    def pre_reviews(self, id_, who, passed, reason, article) -> None:
        twin = partial(applications.pre_review, id_=id_, passed=passed, reason=reason, article=article)
        self.act("preReview", who, id_, twin, passed, reason, article, BASIS)

    @rule(id_=st.sampled_from(IDS), who=st.sampled_from([None, None, None, "both", *PEOPLE]))
    def reviews(self, id_, who) -> None:
        self.act("review", who, id_, partial(applications.review, id_=id_))

    @rule(
        id_=st.sampled_from(IDS),
        who=st.sampled_from([None, None, None, *PEOPLE]),
        missing=st.sampled_from([*COMMITMENTS, NONE]),
    )
    def returns(self, id_, who, missing) -> None:
        twin = partial(applications.return_for_more, id_=id_, missing=None if missing == NONE else missing)
        self.act("returnForMore", who, id_, twin, missing)

    @rule(
        id_=st.sampled_from(IDS),
        who=st.sampled_from([None, None, None, *PEOPLE]),
        body=st.sampled_from([*COMMITMENTS, NONE]),
    )
    def resubmits(self, id_, who, body) -> None:
        twin = partial(applications.resubmit, id_=id_, body=None if body == NONE else body)
        self.act("resubmit", who, id_, twin, body)

    @rule(id_=st.sampled_from(IDS), who=st.sampled_from([None, *PEOPLE]), reason=st.sampled_from([501, 503, 500, 401]))
    def withdraws(self, id_, who, reason) -> None:
        self.act("withdraw", who, id_, partial(applications.withdraw, id_=id_, reason=reason), reason, BASIS)

    @rule(
        id_=st.sampled_from(IDS),
        who=st.sampled_from([None, None, *PEOPLE]),
        days=st.sampled_from([0, 1, 10, 11]),
        reason=st.sampled_from([801, 801, 101]),
    )
    def asks_for_an_extension(self, id_, who, days, reason) -> None:
        twin = partial(applications.ask_extension, id_=id_, working_days=days, reason=reason)
        self.act("askExtension", who, id_, twin, days, reason, BASIS)

    @rule(id_=st.sampled_from(IDS), who=st.sampled_from([None, None, *PEOPLE]))
    def extends(self, id_, who) -> None:
        self.act("extend", who, id_, partial(applications.extend, id_=id_), BASIS)

    @rule(id_=st.sampled_from(IDS), who=st.sampled_from([None, None, None, None, *PEOPLE]))
    def grants(self, id_, who) -> None:
        self.act("grant", who, id_, partial(applications.grant, id_=id_), BASIS)

    @rule(
        id_=st.sampled_from(IDS),
        who=st.sampled_from([None, None, None, *PEOPLE]),
        reason=st.sampled_from([401, 402, 301]),
        article=st.sampled_from([10_021, 0]),
    )
    def rejects(self, id_, who, reason, article) -> None:
        twin = partial(applications.reject, id_=id_, reason=reason, article=article)
        self.act("reject", who, id_, twin, reason, article, BASIS)

    # Disputes

    @rule(id_=st.sampled_from(IDS), who=st.sampled_from([None, None, None, *PEOPLE]))
    def disputes(self, id_, who) -> None:
        self.act("dispute", who, id_, partial(disputes.dispute, id_=id_), BASIS)

    @rule(id_=st.sampled_from(IDS), who=st.sampled_from([None, None, *PEOPLE]), stage=st.integers(0, 4))
    def escalates(self, id_, who, stage) -> None:
        self.act("escalate", who, id_, partial(disputes.escalate, id_=id_, stage=stage), stage, BASIS)

    @rule(
        id_=st.sampled_from(IDS),
        who=st.sampled_from([None, "provider_approver", "authority", *PEOPLE]),
        again=st.booleans(),
    )
    def settles(self, id_, who, again) -> None:
        self.act("settle", who, id_, partial(disputes.settle, id_=id_, again=again), again, BASIS)

    # Grants

    @rule(id_=st.sampled_from(IDS), who=st.sampled_from([None, None, None, *PEOPLE]))
    def activates(self, id_, who) -> None:
        self.act("activate", who, id_, partial(lifetime.activate, id_=id_), BASIS)

    @rule(
        id_=st.sampled_from(IDS),
        who=st.sampled_from([None, None, *PEOPLE]),
        ground=st.sampled_from([201, 202, 101]),
        negotiation=st.sampled_from([BASIS, BASIS, NONE]),
    )
    def files_a_stop(self, id_, who, ground, negotiation) -> None:
        given = None if negotiation == NONE else negotiation
        twin = partial(lifetime.file_stop, id_=id_, ground=ground, negotiation=given)
        self.act("fileStop", who, id_, twin, ground, negotiation)

    @rule(
        id_=st.sampled_from(IDS),
        who=st.sampled_from([None, None, "authority", *PEOPLE]),
        ground=st.sampled_from([101, 102, 201, 202, 301, 401, 100]),
        days=st.sampled_from([0, 3]),
    )
    def suspends(self, id_, who, ground, days) -> None:
        twin = partial(lifetime.suspend, id_=id_, ground=ground, mend_days=days)
        self.act("suspend", who, id_, twin, ground, days, BASIS)

    @rule(id_=st.sampled_from(IDS), who=st.sampled_from([None, "authority", *PEOPLE]))
    def resumes(self, id_, who) -> None:
        self.act("resume", who, id_, partial(lifetime.resume, id_=id_), BASIS)

    @rule(
        id_=st.sampled_from(IDS),
        who=st.sampled_from([None, None, "authority", *PEOPLE]),
        ground=st.sampled_from([101, 201, 301, 401]),
    )
    def revokes(self, id_, who, ground) -> None:
        self.act("revoke", who, id_, partial(lifetime.revoke, id_=id_, ground=ground), ground, BASIS)

    @rule(id_=st.sampled_from(IDS), who=st.sampled_from([None, *PEOPLE]), reason=st.sampled_from([503, 101]))
    def surrenders(self, id_, who, reason) -> None:
        self.act("surrender", who, id_, partial(lifetime.surrender, id_=id_, reason=reason), reason, BASIS)

    @rule(id_=st.sampled_from(IDS), who=st.sampled_from([None, None, *PEOPLE]), uses=st.sampled_from([4, 5, 6]))
    def exhausts(self, id_, who, uses) -> None:
        self.act("exhaust", who, id_, partial(lifetime.exhaust, id_=id_, uses=uses), uses, BASIS)

    @rule(
        id_=st.sampled_from(IDS),
        who=st.sampled_from([None, None, *PEOPLE]),
        kind=st.integers(0, 4),
        which=st.sampled_from(["a", "b", None]),
    )
    def records(self, id_, who, kind, which) -> None:
        commitment = digest(f"record {which} {kind} {id_.hex()}") if which else None
        twin = partial(lifetime.record_use, id_=id_, record=kind, commitment=commitment)
        self.act("recordUse", who, id_, twin, kind, commitment or NONE)

    @rule(
        id_=st.sampled_from(IDS),
        who=st.sampled_from([None, "approver", *PEOPLE]),
        stop=st.integers(0, 3),
        ago=st.sampled_from([0, 1, 5, -1]),
    )
    def acknowledges(self, id_, who, stop, ago) -> None:
        # The block in which this will be mined is the next one.
        applied = int(ask("eth_blockNumber"), 16) + 1 - ago
        twin = partial(lifetime.acknowledge, id_=id_, stop=stop, applied_at=applied)
        self.act("acknowledge", who, id_, twin, stop, applied)

    # The world around

    @precondition(lambda self: self.slip < 4)
    @rule(id_=st.sampled_from(IDS), days=st.sampled_from([0, 2, -1]))
    def calendar_changes(self, id_, days) -> None:
        self.slip = max(0, self.slip + days)
        transact(self.world.places.setSlip, self.world.council, self.slip)

        def twin(book, by, setting):
            return lifetime.move_deadline(book, id_, setting)

        self.both("both", self.world.shares.moveDeadline, twin, id_)


@pytest.fixture(scope="module")
def shares(module_isolation):
    return SharesWorld()


def test_shares_machine__any_acts__contract_and_twin_agree(shares) -> None:
    SharesMachine.world = shares
    drive(SharesMachine, share=2)  # its histories are long


def test_shares_walks__mostly_apt_acts__agree_and_every_state_is_met(shares) -> None:
    """Hypothesis draws shallow histories; these go deep, and prove that no state was left out."""
    SharesMachine.world = shares
    met: set[int] = set()
    for seed in range(max(EXAMPLES // 3, 1)):
        machine, chance = SharesMachine(), Random(seed)
        machine.careless = False
        machine.start(seed % 5 == 0, seed % 3, seed % 2 == 0)
        met |= {int(g.state) for g in machine.book.grants.values()}
        machine.goes(IDS[0], WAYS[seed % len(WAYS)])
        met |= {int(g.state) for g in machine.book.grants.values()}
        machine.time_goes_by(100 * DAY if seed % 8 == 1 else DAY)
        machine.propose(1, {"supersedes": IDS[0]} if machine.book.grants[IDS[0]].state >= State.GRANTED else {}, None)
        machine.goes(IDS[1], WAYS[1] if seed % 8 == 5 else ())
        for _ in range(14):
            id_ = chance.choice(IDS)
            match chance.randrange(12):
                case 0:
                    machine.time_goes_by(chance.choice([60, DAY, 11 * DAY, 100 * DAY]))
                case 1:
                    machine.surrenders(id_, None, 503)
                case 2:
                    machine.withdraws(id_, chance.choice(PEOPLE), 501)
                case 3:
                    machine.acknowledges(
                        id_, chance.choice([None, "approver"]), chance.randrange(3), chance.randrange(3)
                    )
                case 4:
                    machine.calendar_changes(id_, chance.choice([1, 2, -1]))
                case 5 if chance.randrange(3) == 0 and not machine.succeeded:
                    machine.department_is_succeeded(chance.choice(SUCCESSIONS))
                case 6 if machine.paused or chance.randrange(3) == 0:
                    machine.pause_turns()
                case _:
                    machine.what_is_apt_for(id_, [chance.randrange(26)])
            machine.same_book()
            machine.same_answers()
            met |= {int(effective_state(g, machine.now())) for g in machine.book.grants.values()}
        machine.teardown()
    # Less than all with fewer examples than usual.
    assert EXAMPLES < 60 or met == {int(state) for state in State}, set(State) - met
