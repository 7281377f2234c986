"""AuthorisedQueries by example: one authorisation, one organisation, one matter, an end; consent by two people."""

from __future__ import annotations

import pytest
from mining import asked, does
from shares_world import (
    ANOTHER,
    APPROVER,
    BASIS,
    CLOSED,
    CONDITIONAL,
    CONSUMER,
    DAY,
    DRAFT,
    ELSEWHERE,
    FAR,
    GATEWAY,
    HANDLER,
    ID,
    OTHER_ID,
    PROVIDER,
    SharesWorld,
    by,
)
from world import NONE, digest, emitted, left, now, plain, refusal, unchanged, wait

PROPOSED, REFUSED, CONSENTED, EXPIRED, EXHAUSTED, WITHDRAWN, LAPSED = STATES = range(1, 8)
ENDED_AT, USES = 4, 5
# Act → (who, role, arguments after the id, states in which it is done, those in which it changes nothing).
ACTS = {
    "consent": ("provider_approver", APPROVER, (BASIS,), {PROPOSED}, {CONSENTED}),
    "refuse": ("provider_approver", APPROVER, (401, 10_025, BASIS), {PROPOSED}, {REFUSED}),
    "withdraw": ("provider_handler", HANDLER, (502, BASIS), {PROPOSED, CONSENTED}, {WITHDRAWN}),
    "exhaust": ("gateway", GATEWAY, (2, BASIS), {CONSENTED}, {EXHAUSTED}),
}
WAYS = {
    PROPOSED: (),
    REFUSED: (("refuse", "provider_approver", 401, 10_025, BASIS),),
    CONSENTED: (("consent", "provider_approver", BASIS),),
    EXPIRED: (("consent", "provider_approver", BASIS),),
    EXHAUSTED: (("consent", "provider_approver", BASIS), ("exhaust", "gateway", 2, BASIS)),
    WITHDRAWN: (("withdraw", "provider_handler", 502, BASIS),),
    LAPSED: (("withdraw", "provider_handler", 701, BASIS),),
}


@pytest.fixture(scope="module")
def w(module_isolation):
    return SharesWorld()


def given(id_: bytes = ID, **changes) -> tuple:
    """The struct Terms."""
    own = {name: digest(f"{name} {id_.hex()}") for name in ("authorisation", "organisation", "matter", "items")}
    fits = {"resource": CONDITIONAL, **own, "not_after": now() + 20 * DAY, "uses": 2, "purpose": 10}
    return tuple((fits | changes).values())


def bring(w, id_: bytes, state: int, **changes) -> bytes:
    """A new query, brought to `state`; its id. Its acts have a document of their own."""
    if state == EXPIRED:
        changes = {"not_after": now() + 1800} | changes
    does(w.queries.propose, w.provider_handler, id_, given(id_, **changes))
    for act, who, *args in WAYS[state]:
        own = [digest(f"basis {id_.hex()}") if arg == BASIS else arg for arg in args]
        does(getattr(w.queries, act), w.people[who].operator, id_, *own)
    if state == EXPIRED:
        wait(3600)
    return id_


def test_each_act__every_state__done_or_nothing_or_refused_with_the_state(w):
    ids = {state: bring(w, digest(f"state {state}"), state) for state in STATES}
    for act, (who, _, args, done, nothing) in ACTS.items():
        for state, id_ in ids.items():
            found = asked(getattr(w.queries, act), w.people[who].operator, id_, *args)
            if state in done | nothing:
                assert found is (state in done), (act, state)
            else:
                assert found == refusal("AuthorisedQueries_MoveNotAllowed", id_, state), (act, state)


def test_each_act__role_party_unknown__refused_in_this_order(w):
    bring(w, ID, PROPOSED)
    stranger = w.stand_in("stranger", ANOTHER, CONSUMER, HANDLER | APPROVER | GATEWAY)
    for act, (who, role, args, _, _) in ACTS.items():
        function = getattr(w.queries, act)
        wrong = w.provider_approver if role == HANDLER else w.provider_handler
        assert asked(function, wrong, OTHER_ID, *args) == refusal("Departments_RoleMissing", wrong, role)
        found = asked(function, w.people[who].operator, OTHER_ID, *args)
        assert found == refusal("AuthorisedQueries_Unknown", OTHER_ID)
        found = asked(function, stranger, ID, *args)
        assert found == refusal("AuthorisedQueries_NotParty", ID, left(PROVIDER), left(CONSUMER)), act
    found = asked(w.queries.propose, w.provider_approver, NONE, given())
    assert found == refusal("Departments_RoleMissing", w.provider_approver, HANDLER)
    changing = {f["name"] for f in w.queries.abi if f["type"] == "function" and f["stateMutability"] != "view"}
    assert changing == {*ACTS, "propose"}


def test_propose__fits__done_then_noop_then_taken(w):
    terms = given()
    tx = w.queries.propose(ID, terms, by(w.provider_handler))
    assert emitted(tx, "QueryProposed", id=ID, provider=left(PROVIDER), person=digest("provider_handler"))
    assert plain(tx.events["QueryProposed"]["terms"]) == terms
    assert unchanged(w.queries.propose(ID, terms, by(w.provider_handler)))
    found = asked(w.queries.propose, w.provider_handler, ID, given(uses=3))
    assert found == refusal("AuthorisedQueries_IdTaken", ID)
    # One authorisation serves one matter of one organisation, once; and nothing joins two queries.
    for member in ("authorisation", "organisation", "matter", "items"):
        taken = digest(f"{member} {ID.hex()}")
        found = asked(w.queries.propose, w.provider_handler, OTHER_ID, given(OTHER_ID, **{member: taken}))
        assert found == refusal("AuthorisedQueries_CommitmentUsed", taken)


def test_propose__what_it_needs__denied_with_arguments(w):
    def found(id_=ID, who=w.provider_handler, **changes):
        return asked(w.queries.propose, who, id_, given(**changes))

    for member, changes in {
        2: {"authorisation": NONE},
        3: {"organisation": NONE},
        4: {"matter": NONE},
        5: {"items": NONE},
        6: {"not_after": now()},
        7: {"uses": 0},
        8: {"purpose": 0},
    }.items():
        assert found(**changes) == refusal("AuthorisedQueries_TermInvalid", member)
    assert found(resource=CLOSED) == refusal("AuthorisedQueries_NotShared", CLOSED)
    assert found(resource=DRAFT) == refusal("AuthorisedQueries_NotPublished", DRAFT)
    # Whose data it isn't, learns nothing of what else is wrong.
    not_party = refusal("AuthorisedQueries_NotParty", ID, left(ELSEWHERE), left(PROVIDER))
    assert found(resource=FAR, uses=0) == not_party
    assert found(NONE) == refusal("AuthorisedQueries_IdZero")
    assert found(who=w.gateway) == refusal("AuthorisedQueries_PersonNeeded", w.gateway)
    w.departments.suspend(left(PROVIDER), 1, NONE, by(w.council))
    assert found() == refusal("AuthorisedQueries_DepartmentSuspended", left(PROVIDER))


def test_consent__another_person__and_what_holds_it_up(w):
    bring(w, ID, PROPOSED)
    assert asked(w.queries.consent, w.both, ID, BASIS) == refusal("AuthorisedQueries_SamePerson", ID)
    assert asked(w.queries.consent, w.gateway, ID, BASIS) == refusal("AuthorisedQueries_PersonNeeded", w.gateway)
    for sharing_class, state, name in ((3, 3, "NotShared"), (2, 5, "NotPublished")):
        w.places.setResource(CONDITIONAL, left(PROVIDER), sharing_class, state, by(w.council))
        found = asked(w.queries.consent, w.provider_approver, ID, BASIS)
        assert found == refusal(f"AuthorisedQueries_{name}", CONDITIONAL)
    w.places.setResource(CONDITIONAL, left(PROVIDER), 2, 3, by(w.council))
    w.departments.suspend(left(PROVIDER), 1, NONE, by(w.council))
    found = asked(w.queries.consent, w.provider_approver, ID, BASIS)
    assert found == refusal("AuthorisedQueries_DepartmentSuspended", left(PROVIDER))
    # What takes nothing but gives nothing goes on.
    assert asked(w.queries.refuse, w.provider_approver, ID, 401, 10_025, BASIS) is True
    w.departments.reinstate(left(PROVIDER), NONE, by(w.council))
    tx = w.queries.consent(ID, BASIS, by(w.provider_approver))
    assert emitted(tx, "QueryMoved", department=left(PROVIDER), to=CONSENTED, basis=BASIS, **{"from": PROPOSED})
    assert unchanged(w.queries.consent(ID, BASIS, by(w.provider_approver)))
    assert plain(w.queries.queryOf(ID))[6] == tx.timestamp


def test_pause__stops_consents_alone(w):
    ids = {state: bring(w, digest(f"state {state}"), state) for state in STATES}
    w.pause()
    for act, (who, _, args, done, _) in ACTS.items():
        for state in done:
            found = asked(getattr(w.queries, act), w.people[who].operator, ids[state], *args)
            assert found == (refusal("AuthorisedQueries_Paused") if act == "consent" else True), (act, state)
    w.pause(False)


def test_refuse__reason_and_article__or_not_at_all(w):
    bring(w, ID, PROPOSED)
    for who, reason, article, name, args in (
        (w.provider_approver, 501, 10_025, "ReasonInvalid", (501,)),
        (w.provider_approver, 401, 0, "ArticleNeeded", (ID,)),
        (w.provider_approver, 401, 25, "ArticleNeeded", (ID,)),
        (w.both, 401, 10_025, "SamePerson", (ID,)),
        (w.gateway, 401, 10_025, "PersonNeeded", (w.gateway,)),
    ):
        found = asked(w.queries.refuse, who, ID, reason, article, BASIS)
        assert found == refusal(f"AuthorisedQueries_{name}", *args)
    tx = w.queries.refuse(ID, 401, 10_025, BASIS, by(w.provider_approver))
    assert emitted(tx, "QueryMoved", to=REFUSED, reason=401, detail=10_025)
    assert unchanged(w.queries.refuse(ID, 401, 10_025, BASIS, by(w.provider_approver)))


@pytest.mark.parametrize(("reason", "state"), [(502, WITHDRAWN), (504, WITHDRAWN), (701, LAPSED), (702, LAPSED)])
def test_withdraw__subjects_word_or_death__at_once_and_for_good(w, reason, state):
    bring(w, ID, CONSENTED)
    assert asked(w.queries.withdraw, w.provider_handler, ID, 401, BASIS) == refusal(
        "AuthorisedQueries_ReasonInvalid", 401
    )
    tx = w.queries.withdraw(ID, reason, BASIS, by(w.provider_handler))
    assert emitted(tx, "QueryMoved", to=state, reason=reason)
    assert plain(w.queries.queryOf(ID))[ENDED_AT] == tx.timestamp
    assert unchanged(w.queries.withdraw(ID, reason, BASIS, by(w.provider_handler)))
    found = asked(w.queries.consent, w.provider_approver, ID, BASIS)
    assert found == refusal("AuthorisedQueries_MoveNotAllowed", ID, state)


def test_exhaust__the_last_use__reported_by_the_gateway(w):
    bring(w, ID, CONSENTED)
    assert asked(w.queries.exhaust, w.gateway, ID, 1, BASIS) == refusal("AuthorisedQueries_UsesLeft", ID, 1, 2)
    tx = w.queries.exhaust(ID, 2, BASIS, by(w.gateway))
    assert emitted(tx, "QueryMoved", to=EXHAUSTED, detail=2)
    assert plain(w.queries.queryOf(ID))[USES] == 2
    assert unchanged(w.queries.exhaust(ID, 2, BASIS, by(w.gateway)))


def test_expiry__the_authorisations_end__ends_proposal_and_consent(w):
    end = now() + DAY
    bring(w, ID, CONSENTED, not_after=end)
    bring(w, OTHER_ID, PROPOSED, not_after=end)
    assert [w.queries.effectiveState(ID, t) for t in (end - 1, end)] == [CONSENTED, EXPIRED]
    wait(2 * DAY)
    for id_ in (ID, OTHER_ID):
        expired = refusal("AuthorisedQueries_MoveNotAllowed", id_, EXPIRED)
        assert asked(w.queries.withdraw, w.provider_handler, id_, 502, BASIS) == expired
    assert asked(w.queries.consent, w.provider_approver, OTHER_ID, BASIS) == expired
    assert asked(w.queries.exhaust, w.gateway, ID, 2, BASIS) == refusal("AuthorisedQueries_MoveNotAllowed", ID, EXPIRED)


def test_succession__who_carries_the_provider__consents(w):
    bring(w, ID, PROPOSED)
    w.departments.succeed(left(PROVIDER), left(CONSUMER), 0, [], BASIS, by(w.council))
    found = asked(w.queries.consent, w.provider_approver, ID, BASIS)
    assert found == refusal("Departments_Succeeded", left(PROVIDER), left(CONSUMER))
    tx = w.queries.consent(ID, BASIS, by(w.approver))
    assert emitted(tx, "QueryMoved", to=CONSENTED, department=left(CONSUMER))


def test_document__behind_acts_on_two_queries__denied_as_it_would_join_them(w):
    """One certificate of death would tell that everything that lapses on it was about one person."""
    other = bring(w, digest("another id"), CONSENTED)
    bring(w, ID, PROPOSED)
    does(w.queries.consent, w.provider_approver, ID, BASIS)
    used = refusal("AuthorisedQueries_CommitmentUsed", BASIS)
    assert asked(w.queries.withdraw, w.provider_handler, other, 701, BASIS) == used
    assert asked(w.queries.exhaust, w.gateway, other, 2, BASIS) == used
    assert asked(w.queries.withdraw, w.provider_handler, other, 701, NONE) is True
    assert asked(w.queries.exhaust, w.gateway, ID, 2, BASIS) is True
