"""CreditRecords: objections, appeals and rulings. Done (with its event), no-op, denied with the error's arguments."""

from __future__ import annotations

import pytest
from credit_items import (
    ACTIVE,
    OBJECTED,
    TERMS,
    WITHDRAWN,
    added,
    appealed,
    objected,
    state,
)
from credit_world import (
    CITY,
    COUNTY,
    FRAUD,
    GOVERNMENT,
    MERIT,
    POLICE,
    PROVINCE,
    SCHOOL,
    today,
)
from world import NONE, emitted, left, now, plain, reverts, some, unchanged, wait

from ledger.calendar import DAY, OFFSET

# Objections


@pytest.mark.parametrize(("by", "days", "least"), [(POLICE, 5, 0), (COUNTY, 7, 5)])
def test_object__by_owner_or_keeper__marked_with_its_terms(world, credits, by, days, least):
    item_id, request = added(world, publish_months=6), some()
    tx = credits.objectTo(item_id, request, today(), world.by(by))
    mark_by, answer_by = TERMS.deadline(today(), 1), TERMS.deadline(today(), days)
    assert emitted(
        tx, "Objected", itemId=item_id, department=left(by), number=1, stage=1, request=request, receivedAt=today(),
        answerDays=days, markBy=mark_by, answerBy=answer_by,
    )  # fmt: skip
    assert unchanged(credits.objectTo(item_id, request, today(), world.by(by)))
    assert state(world, item_id) == OBJECTED
    assert credits.isPublished(item_id, now()) is True  # with its mark
    expected = (
        1,
        1,
        0,
        days,
        least,
        today(),
        tx.timestamp,
        mark_by,
        answer_by,
        0,
        left(by),
        request,
        NONE,
    )
    assert plain(credits.objectionsOf(item_id)) == (expected,)


def test_object__dated_back_by_another__the_owner_keeps_its_days(world, credits):
    """Nobody shortens a term: without this a keeper could record an objection as overdue from the start."""
    item_id, long_ago = added(world), today() - 40 * DAY
    due = TERMS.deadline(today(), 5)
    assert emitted(credits.objectTo(item_id, some(), long_ago, world.by(COUNTY)), "Objected", answerBy=due)
    with reverts("CreditRecords_AnswerNotDue", item_id, due):
        credits.appeal(item_id, some(), today(), world.by(COUNTY))


def test_object__refused(world, credits):
    item_id, request = added(world), some()
    with reverts("CreditRecords_NotParty", item_id, left(SCHOOL)):
        credits.objectTo(item_id, request, today(), world.by(SCHOOL))
    with reverts("CreditRecords_DateInvalid", today() + 60):
        credits.objectTo(item_id, request, today() + 60, world.by(COUNTY))
    with reverts("CreditRecords_CommitmentMissing", item_id):
        credits.objectTo(item_id, NONE, today(), world.by(COUNTY))
    nobody = some()
    with reverts("CreditRecords_ItemUnknown", nobody):
        credits.objectTo(nobody, request, today(), world.by(COUNTY))
    credits.objectTo(item_id, request, today(), world.by(COUNTY))
    with reverts("CreditRecords_MoveNotAllowed", item_id, OBJECTED, 1, 1, 0):
        credits.objectTo(item_id, some(), today(), world.by(COUNTY))


def test_object__request_of_another_item__refused(world, credits):
    """One letter about two items would join them: each objection has an entry of its own."""
    request = some()
    credits.objectTo(added(world), request, today(), world.by(COUNTY))
    with reverts("CreditRecords_CommitmentUsed", request):
        credits.objectTo(added(world), request, today(), world.by(COUNTY))


def test_object__year_unknown__recorded_all_the_same_and_dated_later(world, credits):
    item_id = added(world, MERIT)
    wait((2_029 - 1_970) * 31_556_952 - now())
    tx = credits.objectTo(item_id, some(), today(), world.by(POLICE))
    assert emitted(tx, "Objected", markBy=0, answerBy=0)
    with reverts("CreditRecords_AnswerNotDue", item_id, 0):
        credits.appeal(item_id, some(), today(), world.by(COUNTY))
    assert unchanged(credits.moveDeadline(item_id, {"from": world.stranger}))
    world.calendar.setYear(2029, 2**256 - 1, 2**109 - 1, NONE, world.as_council)
    tx = credits.moveDeadline(item_id, {"from": world.stranger})
    due = today() + 6 * DAY
    assert emitted(tx, "DeadlineMoved", itemId=item_id, oldDeadline=0, newDeadline=due)


def test_move_deadline__a_holiday_is_declared__later_only(world, credits):
    item_id = objected(world)
    known = credits.objectionsOf(item_id)[0][8]
    assert unchanged(credits.moveDeadline(item_id, {"from": world.stranger}))
    nobody = some()
    for call in (lambda: credits.moveDeadline(nobody, {"from": world.stranger}), lambda: credits.authorityOf(nobody)):
        with reverts("CreditRecords_ItemUnknown", nobody):
            call()
    tomorrow = (now() + OFFSET) // DAY + 1
    days = [d for d in range(tomorrow, tomorrow + 5)]
    world.calendar.setDays(days, False, NONE, world.as_council)
    tx = credits.moveDeadline(item_id, {"from": world.stranger})
    moved = tx.events["DeadlineMoved"]["newDeadline"]
    assert emitted(tx, "DeadlineMoved", itemId=item_id, oldDeadline=known, newDeadline=moved)
    assert moved > known
    world.calendar.setDays(days, True, NONE, world.as_council)
    assert unchanged(credits.moveDeadline(item_id, {"from": world.stranger}))
    credits.uphold(item_id, some(), world.by(POLICE))
    assert unchanged(credits.moveDeadline(item_id, {"from": world.stranger}))


def test_uphold__by_the_owner__active_again(world, credits):
    item_id, decision = objected(world), some()
    with reverts("CreditRecords_NotOwner", item_id, left(POLICE), left(COUNTY)):
        credits.uphold(item_id, decision, world.by(COUNTY))
    tx = credits.uphold(item_id, decision, world.by(POLICE))
    assert emitted(tx, "Upheld", itemId=item_id, department=left(POLICE), number=1, decision=decision)
    assert unchanged(credits.uphold(item_id, decision, world.by(POLICE)))
    assert state(world, item_id) == ACTIVE
    with reverts("CreditRecords_MoveNotAllowed", item_id, ACTIVE, 1, 1, 1):
        credits.uphold(item_id, some(), world.by(POLICE))


def test_appeal__before_the_owner_is_overdue__not_due(world, credits):
    item_id = objected(world)
    due = credits.objectionsOf(item_id)[0][8]
    with reverts("CreditRecords_AnswerNotDue", item_id, due):
        credits.appeal(item_id, some(), today(), world.by(COUNTY))
    wait(due - now())
    tx = credits.appeal(item_id, some(), today(), world.by(COUNTY))
    assert emitted(tx, "Objected", number=2, stage=2, answerDays=7)
    assert credits.objectionsOf(item_id)[0][2] == 7  # not in time
    with reverts("CreditRecords_MoveNotAllowed", item_id, OBJECTED, 2, 2, 0):
        credits.uphold(item_id, some(), world.by(POLICE))


def test_appeal__owner_upholds_and_objects_again_itself__can_be_made_all_the_same(world, credits):
    """Else an owner could keep its item from the authority for ever: five days at a time, in one block each."""
    item_id = objected(world)
    credits.uphold(item_id, some(), world.by(POLICE))
    credits.objectTo(item_id, some(), today(), world.by(POLICE))
    tx = credits.appeal(item_id, some(), today(), world.by(COUNTY))
    assert emitted(tx, "Objected", number=3, stage=2)
    assert [o[2] for o in credits.objectionsOf(item_id)] == [1, 7, 0]
    credits.rule(item_id, 1, some(), world.by(COUNTY))
    # What the authority upheld is settled: a new objection is the owner's first to answer.
    credits.objectTo(item_id, some(), today(), world.by(COUNTY))
    due = credits.objectionsOf(item_id)[3][8]
    with reverts("CreditRecords_AnswerNotDue", item_id, due):
        credits.appeal(item_id, some(), today(), world.by(COUNTY))


def test_rule_and_appeal__out_of_turn__refused(world, credits):
    item_id, mine = added(world), world.by(COUNTY)
    for call in (
        lambda: credits.rule(item_id, 1, some(), mine),
        lambda: credits.appeal(item_id, some(), today(), mine),
    ):
        with reverts("CreditRecords_MoveNotAllowed", item_id, ACTIVE, 0, 0, 0):
            call()
    credits.objectTo(item_id, some(), today(), mine)
    with reverts("CreditRecords_MoveNotAllowed", item_id, OBJECTED, 1, 1, 0):
        credits.rule(item_id, 1, some(), mine)
    credits.uphold(item_id, some(), world.by(POLICE))
    credits.appeal(item_id, some(), today(), mine)
    with reverts("CreditRecords_MoveNotAllowed", item_id, OBJECTED, 2, 2, 0):
        credits.appeal(item_id, some(), today(), mine)
    credits.rule(item_id, 1, some(), mine)
    for call in (
        lambda: credits.rule(item_id, 3, some(), mine),
        lambda: credits.appeal(item_id, some(), today(), mine),
    ):
        with reverts("CreditRecords_MoveNotAllowed", item_id, ACTIVE, 2, 2, 1):
            call()


def test_rule__ordered_and_the_owner_does_nothing__withdrawn_by_the_authority(world, credits):
    item_id = appealed(world)
    credits.rule(item_id, 5, some(), world.by(COUNTY))
    for ruling in (1, 5):
        with reverts("CreditRecords_MoveNotAllowed", item_id, OBJECTED, 2, 2, 5):
            credits.rule(item_id, ruling, some(), world.by(COUNTY))
    decision = some()
    tx = credits.rule(item_id, 3, decision, world.by(COUNTY))
    assert emitted(tx, "Withdrawn", itemId=item_id, department=left(COUNTY), reason=3, decision=decision)
    assert unchanged(credits.rule(item_id, 3, decision, world.by(COUNTY)))
    assert (state(world, item_id), credits.objectionsOf(item_id)[1][2]) == (WITHDRAWN, 5)


def test_rule__the_government_owns_the_item__nobody_rules_on_its_own(world, credits):
    for division in (420984, 420900):
        world.authorities.setAuthority(2, division, NONE, NONE, world.as_council)
    world.authorities.setAuthority(3, 420000, left(PROVINCE), NONE, world.as_council)
    item_id = added(world, by=PROVINCE)
    assert plain(credits.authorityOf(item_id)) == NONE
    credits.objectTo(item_id, some(), today(), world.by(PROVINCE))
    credits.uphold(item_id, some(), world.by(PROVINCE))
    credits.appeal(item_id, some(), today(), world.by(PROVINCE))
    with reverts("CreditRecords_NotAuthority", item_id, NONE, left(PROVINCE)):
        credits.rule(item_id, 1, some(), world.by(PROVINCE))


def test_rule__by_the_authority_alone__upheld_withdrawn_or_ordered(world, credits):
    item_id = appealed(world)
    assert plain(credits.authorityOf(item_id)) == left(COUNTY)
    for other in (POLICE, PROVINCE):
        with reverts("CreditRecords_NotAuthority", item_id, left(COUNTY), left(other)):
            credits.rule(item_id, 1, some(), world.by(other))
    for ruling in (0, 2, 4, 6):
        with reverts("CreditRecords_RulingInvalid", ruling):
            credits.rule(item_id, ruling, some(), world.by(COUNTY))
    decision = some()
    assert emitted(credits.rule(item_id, 1, decision, world.by(COUNTY)), "Upheld", number=2, decision=decision)
    assert unchanged(credits.rule(item_id, 1, decision, world.by(COUNTY)))
    item_id = appealed(world)
    tx = credits.rule(item_id, 3, some(), world.by(COUNTY))
    assert emitted(tx, "Withdrawn", itemId=item_id, department=left(COUNTY), reason=3)
    assert state(world, item_id) == WITHDRAWN
    item_id = appealed(world)
    assert emitted(credits.rule(item_id, 5, some(), world.by(COUNTY)), "CorrectionOrdered", itemId=item_id, number=2)
    assert state(world, item_id) == OBJECTED
    with reverts("CreditRecords_MoveNotAllowed", item_id, OBJECTED, 2, 2, 5):
        credits.uphold(item_id, some(), world.by(POLICE))
    credits.correct(item_id, some(), some(), world.by(POLICE))


def test_rule__owner_is_the_authority__the_one_above_rules(world, credits):
    """Nobody rules on its own item: county → city; province → the government."""
    county = appealed(world, item_class=FRAUD, by=COUNTY)
    assert plain(credits.authorityOf(county)) == left(CITY)
    with reverts("CreditRecords_NotAuthority", county, left(CITY), left(COUNTY)):
        credits.rule(county, 1, some(), world.by(COUNTY))
    credits.rule(county, 3, some(), world.by(CITY))
    for division, domain in ((420984, 2), (420900, 2)):
        world.authorities.setAuthority(domain, division, NONE, NONE, world.as_council)
    province = added(world, by=PROVINCE)
    assert plain(credits.authorityOf(province)) == left(GOVERNMENT)
