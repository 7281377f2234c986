"""ShareAuthorisations by example: applications. The reply is in test_share_replies; what is possible in which state,
and to whom, in test_share_moves; the grant's life in test_share_grants; every way there is in test_shares_machine."""

from __future__ import annotations

import pytest
from mining import asked, does
from shares_world import (
    ACTIVE,
    ANOTHER,
    AUTHORITY,
    BASIS,
    CLOSED,
    CONDITIONAL,
    CONSUMER,
    DAY,
    DRAFT,
    GRANTED,
    ID,
    INTERNAL,
    OPEN,
    OTHER_ID,
    OWN,
    PROVIDER,
    REVIEW,
    SUBMITTED,
    WITHDRAWN,
    SharesWorld,
    by,
    clock,
    terms,
    terms_tuple,
)
from world import NONE, digest, emitted, left, now, plain, refusal, reverts, unchanged


@pytest.fixture(scope="module")
def w(module_isolation):
    return SharesWorld()


def propose(w, id_=ID, number=0, **changes):
    given = terms_tuple(terms(now(), number, **changes))
    return w.shares.propose(id_, given, by(w.handler)), given


def test_propose__fits__done_then_noop_then_taken(w):
    tx, given = propose(w)
    assert emitted(tx, "Proposed", id=ID, consumer=left(CONSUMER), provider=left(PROVIDER), operator=w.handler)
    assert plain(tx.events["Proposed"]["terms"]) == given
    assert unchanged(w.shares.propose(ID, given, by(w.handler)))
    with reverts("ShareAuthorisations_IdTaken", ID):
        propose(w, number=1)
    other = w.stand_in("other", ANOTHER, AUTHORITY, 4)
    assert asked(w.shares.propose, other, ID, given) == refusal("ShareAuthorisations_IdTaken", ID)


def test_propose__what_an_application_can_not_be_saved_without__denied_with_the_member(w):
    """sharing.md: legal basis, purpose, items, method, mode, window, maximum uses, rate, data life."""
    missing = {
        2: [{"body": None}],
        3: [{"items": None}],
        4: [{"scope": 2}, {"scope": 1, "subjects": digest("list")}],
        5: [{"basis_kind": 2}, {"basis_kind": 3}],
        7: [{"not_before": now() + 200 * DAY}],
        8: [{"not_before": 1, "not_after": now()}, {"not_after": 2**40}],
        9: [{"max_uses": 0}],
        10: [{"rate_per_day": 0}],
        # Statute and article, for an emergency one of an emergency law.
        11: [{"article": a} for a in (0, 21, 10_000)]
        + [{"basis_kind": 4}, {"basis_kind": 4, "article": 2_000_001}, {"basis_kind": 4, "article": 1_010_000}]
        + [{"basis_kind": 2, "document": digest("document"), "article": 7}],
        12: [{"purpose": 0}],
        13: [{"basis_kind": 0, "document": digest("document")}, {"basis_kind": 5, "document": digest("document")}],
        14: [{"scope": 0}, {"scope": 4}],
        15: [{"data_life": 0}, {"mode": 1}],
        16: [{"method": 0}, {"method": 5}],
        17: [{"mode": 0, "data_life": 0}, {"mode": 3, "data_life": 0}],
    }
    for member, cases in missing.items():
        for changes in cases:
            found = asked(w.shares.propose, w.handler, ID, terms_tuple(terms(now(), **changes)))
            assert found == refusal("ShareAuthorisations_TermInvalid", member), changes
    for fits in (
        {"basis_kind": 4, "article": 1_010_052},
        {"basis_kind": 2, "article": 0, "document": digest("authorisation")},
        {"scope": 2, "subjects": digest("list")},
        {"mode": 1, "data_life": 0},
    ):
        assert asked(w.shares.propose, w.handler, ID, terms_tuple(terms(now(), **fits))) is True, fits


def test_propose__resource_machine_or_zero_id__denied_with_arguments(w):
    def found(id_=ID, who=w.handler, **changes):
        return asked(w.shares.propose, who, id_, terms_tuple(terms(now(), **changes)))

    assert found(resource=CLOSED) == refusal("ShareAuthorisations_NotShared", CLOSED)
    assert found(resource=DRAFT) == refusal("ShareAuthorisations_NotPublished", DRAFT)
    assert found(resource=digest("none")) == refusal("ShareAuthorisations_NotPublished", digest("none"))
    assert found(resource=OWN) == refusal("ShareAuthorisations_OwnResource", OWN)
    assert found(NONE) == refusal("ShareAuthorisations_IdZero")
    machine = w.stand_in("machine", ANOTHER, CONSUMER, 4, machine=True)
    assert found(who=machine) == refusal("ShareAuthorisations_PersonNeeded", machine)
    wrong = {"supersedes": digest("never granted")}
    assert found(**wrong) == refusal("ShareAuthorisations_SupersedesInvalid", ID, wrong["supersedes"])
    w.bring(OTHER_ID, GRANTED)
    assert found(supersedes=OTHER_ID) is True
    wrong = {"supersedes": OTHER_ID, "resource": OPEN}
    assert found(**wrong) == refusal("ShareAuthorisations_SupersedesInvalid", ID, OTHER_ID)


def test_propose__a_commitment_of_another_application__denied(w):
    """Two applications with one commitment would be joined by it."""
    propose(w)
    for member in ("body", "items", "document"):
        with reverts("ShareAuthorisations_CommitmentUsed", digest("items 0")):
            propose(w, OTHER_ID, 1, **{member: digest("items 0")})


def test_catalogue__withdrawn_or_closed_meanwhile__neither_submitted_nor_granted(w):
    """What was granted before goes on: the provider stops it, negotiated and filed."""
    w.bring(ID, INTERNAL)
    w.bring(OTHER_ID, REVIEW)
    active = w.bring(digest("active"), ACTIVE)
    for sharing_class, state, name in ((2, 5, "NotPublished"), (3, 3, "NotShared")):
        w.places.setResource(CONDITIONAL, left(PROVIDER), sharing_class, state, by(w.council))
        expected = refusal(f"ShareAuthorisations_{name}", CONDITIONAL)
        assert asked(w.shares.submit, w.approver, ID) == expected
        assert asked(w.shares.grant, w.provider_approver, OTHER_ID, BASIS) == expected
        assert w.shares.effectiveState(active, now()) == ACTIVE


def test_submit__another_person__the_class_of_that_moment(w):
    propose(w)
    with reverts("ShareAuthorisations_SamePerson", ID):
        w.shares.submit(ID, by(w.both_consumer))
    machine = w.stand_in("machine", ANOTHER, CONSUMER, 8, machine=True)
    assert asked(w.shares.submit, machine, ID) == refusal("ShareAuthorisations_PersonNeeded", machine)
    w.places.setResource(CONDITIONAL, left(PROVIDER), 1, 3, by(w.council))
    tx = w.shares.submit(ID, by(w.approver))
    assert emitted(tx, "Moved", department=left(CONSUMER), to=SUBMITTED, detail=1)
    assert clock(w) == (tx.timestamp, 1, (tx.timestamp // DAY + 2) * DAY)
    assert unchanged(w.shares.submit(ID, by(w.approver)))


def test_withdraw__before_the_grant__with_a_reason(w):
    w.bring(ID, REVIEW)
    assert asked(w.shares.withdraw, w.handler, ID, 401, BASIS) == refusal("ShareAuthorisations_ReasonInvalid", 401)
    tx = w.shares.withdraw(ID, 503, BASIS, by(w.handler))
    assert emitted(tx, "Moved", to=WITHDRAWN, reason=503, basis=BASIS)
    assert clock(w) == (0, 0, 0)
    assert unchanged(w.shares.withdraw(ID, 503, BASIS, by(w.handler)))


def test_succession__who_carries__acts(w):
    """The provider is succeeded: its successor answers, under the old application."""
    w.bring(ID, REVIEW)
    w.departments.succeed(left(PROVIDER), left(AUTHORITY), 0, [], BASIS, by(w.council))
    found = asked(w.shares.grant, w.approver, ID, BASIS)
    assert found == refusal("ShareAuthorisations_NotParty", ID, left(AUTHORITY), left(CONSUMER))
    assert asked(w.shares.grant, w.provider_approver, ID, BASIS) == refusal(
        "Departments_Succeeded", left(PROVIDER), left(AUTHORITY)
    )
    assert emitted(w.shares.grant(ID, BASIS, by(w.authority)), "Moved", to=GRANTED, department=left(AUTHORITY))


def test_document__behind_acts_on_two_applications__denied_as_it_would_join_them(w):
    w.bring(ID, REVIEW)
    w.bring(OTHER_ID, REVIEW)
    does(w.shares.grant, w.provider_approver, ID, BASIS)
    used = refusal("ShareAuthorisations_CommitmentUsed", BASIS)
    assert asked(w.shares.grant, w.provider_approver, OTHER_ID, BASIS) == used
    assert asked(w.shares.askExtension, w.provider_handler, OTHER_ID, 5, 801, BASIS) == used
    assert asked(w.shares.withdraw, w.handler, OTHER_ID, 501, BASIS) == used
    # Nor one that is a part of the other; but none at all, and one twice in the same.
    body = plain(w.shares.grantOf(ID))[0][1]
    found = asked(w.shares.grant, w.provider_approver, OTHER_ID, body)
    assert found == refusal("ShareAuthorisations_CommitmentUsed", body)
    does(w.shares.grant, w.provider_approver, OTHER_ID, NONE)
    assert asked(w.shares.fileStop, w.provider_handler, OTHER_ID, 201, BASIS) == used
    assert asked(w.shares.activate, w.provider_handler, ID, BASIS) is True
