"""ShareAuthorisations: which act is possible in which state, by whom, as one table that is tried cell by cell."""

from __future__ import annotations

from itertools import product

import pytest
from mining import asked, does
from shares_world import (
    ACTIVE,
    APPROVER,
    AUTHORITY,
    BASIS,
    CONSUMER,
    DISPUTED,
    EXHAUSTED,
    EXPIRED,
    GATEWAY,
    GOVERNMENT,
    GRANTED,
    HANDLER,
    ID,
    INTERNAL,
    PROVIDER,
    REJECTED,
    RETURNED,
    REVIEW,
    REVOKED,
    STATES,
    SUBMITTED,
    SUPERSEDED,
    SURRENDERED,
    SUSPENDED,
    WITHDRAWN,
    SharesWorld,
    terms,
    terms_tuple,
)
from world import NONE, digest, left, now, refusal

# Act → (who, role, party, arguments after the id, states in which it is done, those in which it changes nothing).
ACTS = {
    "submit": ("approver", APPROVER, CONSUMER, (), {INTERNAL}, {SUBMITTED}),
    "preReview": ("authority", APPROVER, AUTHORITY, (False, 401, 10_021, BASIS), set(), {REJECTED}),
    "review": ("provider_handler", HANDLER, PROVIDER, (), {SUBMITTED}, {REVIEW}),
    "returnForMore": ("provider_handler", HANDLER, PROVIDER, (digest("list"),), {SUBMITTED, REVIEW}, set()),
    "resubmit": ("approver", APPROVER, CONSUMER, (digest("body"),), {RETURNED}, set()),
    "withdraw": (
        "handler",
        HANDLER,
        CONSUMER,
        (501, BASIS),
        {INTERNAL, SUBMITTED, REVIEW, RETURNED, DISPUTED},
        {WITHDRAWN},
    ),
    "askExtension": ("provider_handler", HANDLER, PROVIDER, (5, 801, BASIS), {SUBMITTED, REVIEW}, set()),
    "extend": ("authority", APPROVER, AUTHORITY, (BASIS,), set(), set()),
    "grant": ("provider_approver", APPROVER, PROVIDER, (BASIS,), {REVIEW}, {GRANTED}),
    "reject": ("provider_approver", APPROVER, PROVIDER, (401, 10_021, BASIS), {REVIEW}, {REJECTED}),
    "dispute": ("approver", APPROVER, CONSUMER, (BASIS,), {REJECTED}, {DISPUTED}),
    "escalate": ("approver", APPROVER, PROVIDER, (2, BASIS), {DISPUTED}, set()),
    "settle": ("provider_approver", APPROVER, PROVIDER, (True, BASIS), {DISPUTED}, set()),
    "activate": ("provider_handler", HANDLER, PROVIDER, (BASIS,), {GRANTED}, {ACTIVE}),
    "fileStop": ("provider_handler", HANDLER, PROVIDER, (201, BASIS), {GRANTED, ACTIVE, SUSPENDED}, set()),
    "suspend": ("provider_approver", APPROVER, PROVIDER, (101, 3, BASIS), {ACTIVE}, {SUSPENDED}),
    "resume": ("provider_approver", APPROVER, PROVIDER, (BASIS,), {SUSPENDED}, {ACTIVE}),
    "revoke": ("authority", APPROVER, AUTHORITY, (301, BASIS), {GRANTED, ACTIVE, SUSPENDED}, {REVOKED}),
    "surrender": ("approver", APPROVER, CONSUMER, (503, BASIS), {GRANTED, ACTIVE, SUSPENDED}, {SURRENDERED}),
    "exhaust": ("gateway", GATEWAY, PROVIDER, (5, BASIS), {ACTIVE, SUSPENDED}, {EXHAUSTED}),
    "recordUse": (
        "handler",
        HANDLER,
        CONSUMER,
        (1, digest("record")),
        {ACTIVE, SUSPENDED, EXPIRED, EXHAUSTED, REVOKED, SURRENDERED, SUPERSEDED},
        set(),
    ),
    "acknowledge": ("gateway", GATEWAY, PROVIDER, (1, 0), set(), set()),
}
FINAL = 8
# Cells with an answer of their own: another rule speaks before the state does.
OTHERWISE = {
    ("returnForMore", RETURNED): ("ShareAuthorisations_ReturnedAlready",),
    ("extend", SUBMITTED): ("ShareAuthorisations_ExtensionInvalid", 0, 10),
    ("extend", REVIEW): ("ShareAuthorisations_ExtensionInvalid", 0, 10),
    # Who suspends on order, resumes; and who decided last, decides.
    ("resume", REVOKED): ("ShareAuthorisations_NotParty", left(AUTHORITY), left(PROVIDER)),
    ("settle", FINAL): ("ShareAuthorisations_NotParty", left(GOVERNMENT), left(PROVIDER)),
}


@pytest.fixture(scope="module")
def w(module_isolation):
    """A grant in each state."""
    made = SharesWorld()
    made.ids = {state: made.bring(digest(f"state {state}"), state) for state in sorted(STATES, key=lambda s: -s)}
    for state, id_ in made.ids.items():
        assert made.shares.effectiveState(id_, now()) == state
    return made


def people(w) -> dict:
    return {name: actor.operator for name, actor in w.people.items()}


def test_each_act__every_state__done_or_nothing_or_refused_with_the_state(w):
    for (act, (who, _, _, args, done, nothing)), (state, id_) in product(ACTS.items(), w.ids.items()):
        found = asked(getattr(w.shares, act), people(w)[who], id_, *args)
        if (act, state) in OTHERWISE:
            name, *rest = OTHERWISE[act, state]
            assert found == refusal(name, id_, *rest), (act, state)
        elif state in done or state in nothing:
            assert found is (state in done), (act, state)
        elif act == "recordUse":
            assert found == refusal("ShareAuthorisations_RecordInvalid", id_, 1), state
        elif act == "acknowledge":
            # Not stopped, or not before it was.
            assert found == refusal("ShareAuthorisations_StopInvalid", id_, 1, 0), state
        else:
            assert found == refusal("ShareAuthorisations_MoveNotAllowed", id_, state), (act, state)


def test_each_act__unknown_id__refused(w):
    for act, (who, _, _, args, _, _) in ACTS.items():
        found = asked(getattr(w.shares, act), people(w)[who], ID, *args)
        assert found == refusal("ShareAuthorisations_Unknown", ID), act
    assert asked(w.shares.moveDeadline, w.handler, ID) == refusal("ShareAuthorisations_Unknown", ID)


def test_each_act__right_role_of_another_department__not_the_party(w):
    """The government's people hold every role, and are no party before the last stage."""
    id_ = w.ids[DISPUTED]
    everybody = w.person("everybody", 7, GOVERNMENT, HANDLER | APPROVER | GATEWAY)
    for act, (_, _, party, args, _, _) in ACTS.items():
        found = asked(getattr(w.shares, act), everybody, id_, *args)
        assert found == refusal("ShareAuthorisations_NotParty", id_, left(party), left(GOVERNMENT)), act


def test_each_act__party_without_the_role__refused_first(w):
    for role in (HANDLER, APPROVER, GATEWAY):
        other = w.stand_in("other", f"0x{0xFB00:040x}", CONSUMER, (HANDLER | APPROVER | GATEWAY) & ~role)
        for act, (_, needed, _, args, _, _) in ACTS.items():
            if needed == role:
                found = asked(getattr(w.shares, act), other, NONE, *args)
                assert found == refusal("Departments_RoleMissing", other, role), act


def test_every_act_that_changes_something__is_in_the_table(w):
    changing = {f["name"] for f in w.shares.abi if f["type"] == "function" and f["stateMutability"] != "view"}
    assert changing == {*ACTS, "propose", "moveDeadline", "setProfile"}


def test_propose_and_set_profile__without_the_role__refused_first(w):
    given = terms_tuple(terms(0, not_after=0))
    assert asked(w.shares.propose, w.approver, NONE, given) == refusal("Departments_RoleMissing", w.approver, HANDLER)
    found = asked(w.shares.setProfile, w.authority, left(AUTHORITY), True, 9, NONE)
    assert found == refusal("ShareAuthorisations_NotCouncil", w.authority)


def test_pause__what_opens_access_waits__nothing_else_does(w):
    """Grants, activations and resumptions; every stop, withdrawal and objection goes on (contracts.md, Council)."""
    waits = {("grant", REVIEW), ("activate", GRANTED), ("resume", SUSPENDED)}
    w.pause()
    for act, (who, _, _, args, done, nothing) in ACTS.items():
        for state in done | nothing:
            found = asked(getattr(w.shares, act), people(w)[who], w.ids[state], *args)
            expected = refusal("ShareAuthorisations_Paused") if (act, state) in waits else state in done
            assert found == expected, (act, state)
    w.pause(False)


def test_suspended_authority__passes_and_extends_nothing__but_rejects_and_stops(w):
    w.departments.suspend(left(AUTHORITY), 1, NONE, {"from": w.council})
    refused = refusal("ShareAuthorisations_DepartmentSuspended", left(AUTHORITY))
    does(w.shares.askExtension, w.provider_handler, w.ids[REVIEW], 5, 801, digest("asked"))
    assert asked(w.shares.extend, w.authority, w.ids[REVIEW], digest("consent")) == refused
    w.shares.setProfile(left(AUTHORITY), True, 0, BASIS, {"from": w.council})
    does(w.shares.submit, w.approver, w.ids[INTERNAL])
    assert asked(w.shares.preReview, w.authority, w.ids[INTERNAL], True, 0, 0, digest("passed")) == refused
    assert asked(w.shares.preReview, w.authority, w.ids[INTERNAL], False, 401, 10_021, digest("failed")) is True
    for act in (w.shares.suspend, w.shares.revoke):
        assert (
            asked(act, w.authority, w.ids[ACTIVE], 301, *((0,) if act is w.shares.suspend else ()), digest("order"))
            is True
        )


@pytest.mark.parametrize("suspended", [CONSUMER, PROVIDER])
def test_suspended_department__asks_and_grants_nothing__but_everything_ends(w, suspended):
    waits = {("grant", REVIEW), ("activate", GRANTED), ("resume", SUSPENDED)}
    if suspended == CONSUMER:
        waits |= {("submit", INTERNAL), ("resubmit", RETURNED)}
    w.departments.suspend(left(suspended), 1, NONE, {"from": w.council})
    for act, (who, _, _, args, done, nothing) in ACTS.items():
        for state in done | nothing:
            found = asked(getattr(w.shares, act), people(w)[who], w.ids[state], *args)
            refused = refusal("ShareAuthorisations_DepartmentSuspended", left(suspended))
            assert found == (refused if (act, state) in waits else state in done), (act, state)
    found = asked(w.shares.propose, w.handler, ID, terms_tuple(terms(now())))
    assert found == (refused if suspended == CONSUMER else True)
