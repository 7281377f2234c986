"""CreditRecords: items from entry to archive. Done (with its event), no-op, denied with the error's arguments."""

from __future__ import annotations

import pytest
from credit_items import (
    ACTIVE,
    ARCHIVED,
    CORRECTED,
    REPAIRED,
    TERMS,
    WITHDRAWN,
    added,
    item,
    objected,
    state,
)
from credit_world import (
    CITY,
    COMPANY,
    COUNTY,
    CREDIT,
    CRIME,
    FACT,
    FILES32,
    FRAUD,
    GOVERNMENT,
    MERIT,
    NEGATIVE,
    POLICE,
    PROVINCE,
    SCHOOL,
    today,
)
from world import NONE, digest, emitted, left, now, plain, reverts, some, unchanged, wait

from ledger.calendar import DAY
from ledger.credits import replacement_of

# Adding


def test_add__negative_item__terms_from_calendar_and_event(world, credits):
    item_id, given = some(), item(publish_months=12, decided_at=today() - 3 * DAY, event_end=today() - 10 * DAY)
    tx = credits.add(item_id, given, world.by(POLICE))
    terms = [TERMS.months_after(given[6], 12), TERMS.months_after(given[6], 3), TERMS.months_after(given[7], 60)]
    assert emitted(
        tx, "ItemAdded", itemId=item_id, department=left(POLICE), publishUntil=terms[0], repairFrom=terms[1],
        stopAt=terms[2], operator=world.operators[POLICE],
    )  # fmt: skip
    assert plain(tx.events["ItemAdded"]["item"]) == given
    assert plain(credits.itemOf(item_id)) == (
        left(POLICE), FILES32, NEGATIVE, 2, ACTIVE, *given[3:8], *terms, now(), now(), 0, NONE, NONE, NONE
    )  # fmt: skip
    assert unchanged(credits.add(item_id, given, world.by(POLICE)))
    assert [credits.isPublished(item_id, t) for t in (now(), terms[0] - 1, terms[0])] == [True, True, False]
    assert [credits.stateAt(item_id, t) for t in (terms[2] - 1, terms[2])] == [ACTIVE, ARCHIVED]


def test_add__merit_that_lasts__never_stops(world, credits):
    item_id = added(world, MERIT)
    assert credits.stateAt(item_id, 2**39) == ACTIVE
    assert credits.isPublished(item_id, now()) is False


WRONG = {
    "no notice": ({"notice": NONE}, "NoticeMissing", []),
    "no deciding document": ({"decision": NONE}, "DecisionMissing", []),
    "no severity": ({"severity": 0}, "SeverityInvalid", [0]),
    "unknown severity": ({"severity": 4}, "SeverityInvalid", [4]),
    "no entry": ({"commitment": NONE}, "CommitmentMissing", []),
}


@pytest.mark.parametrize("name", WRONG)
def test_add__member_missing__refused(world, credits, name):
    changes, error, rest = WRONG[name]
    item_id = some()
    with reverts(f"CreditRecords_{error}", item_id, *rest):
        credits.add(item_id, item(**changes), world.by(POLICE))


@pytest.mark.parametrize("member", ["decided_at", "event_end"])
@pytest.mark.parametrize("off", [None, 3_600, DAY])
def test_add__date_with_an_hour_or_to_come__refused(world, credits, member, off):
    """An hour and minute would join what one person did."""
    date = 0 if off is None else today() + off
    with reverts("CreditRecords_DateInvalid", date):
        credits.add(some(), item(**{member: date}), world.by(POLICE))


@pytest.mark.parametrize(
    ("severity", "months", "least", "most"),
    [(1, 4, 0, 3), (2, 2, 3, 12), (2, 13, 3, 12), (3, 11, 12, 36), (3, 37, 12, 36)],
)
def test_add__published_for_longer_or_shorter_than_the_rule__refused(world, credits, severity, months, least, most):
    with reverts("CreditRecords_PublicationInvalid", months, least, most):
        credits.add(some(), item(severity=severity, publish_months=months), world.by(POLICE))


def test_add__five_years_after_the_event__refused(world, credits):
    item_id, end = some(), today() - 1_830 * DAY
    with reverts("CreditRecords_TooOld", item_id, TERMS.months_after(end, 60)):
        credits.add(item_id, item(event_end=end), world.by(POLICE))


def test_add__id_or_commitment_of_another__refused(world, credits):
    item_id, given = some(), item()
    credits.add(item_id, given, world.by(POLICE))
    with reverts("CreditRecords_ItemExists", item_id):
        credits.add(item_id, item(), world.by(POLICE))
    with reverts("CreditRecords_IdZero"):
        credits.add(NONE, item(), world.by(POLICE))
    for member, place in (("commitment", 3), ("notice", 4), ("decision", 5)):
        with reverts("CreditRecords_CommitmentUsed", given[place]):
            credits.add(some(), item(**{member: given[place]}), world.by(POLICE))
    twice = some()
    with reverts("CreditRecords_CommitmentUsed", twice):
        credits.add(some(), item(notice=twice, decision=twice), world.by(POLICE))


def test_add__benefits__only_by_those_whom_the_law_names(world, credits):
    with reverts("CreditRecords_NotVeterans", left(POLICE)):
        credits.add(some(), item(FRAUD), world.by(POLICE))
    with reverts("CreditRecords_LevelTooLow", left(CITY), CRIME):
        credits.add(some(), item(CRIME), world.by(CITY))
    added(world, FRAUD)
    added(world, CRIME)


def test_add__others__denied(world, credits):
    with reverts("CreditRecords_NotContributor", FILES32, left(GOVERNMENT), NEGATIVE):
        credits.add(some(), item(), world.by(GOVERNMENT))
    with reverts("Departments_RoleMissing", world.operators[COMPANY], CREDIT):
        credits.add(some(), item(), world.by(COMPANY))


def test_pause__stops_what_opens__and_nothing_else(world, credits):
    mine, item_id, other, third = world.by(POLICE), added(world), added(world), objected(world)
    again = item()
    same = some()
    credits.add(same, again, mine)
    world.pause()
    for call in (
        lambda: credits.add(some(), item(), mine),
        lambda: credits.setItemClass(501, 1, 0, digest("article"), world.by(PROVINCE)),
        lambda: credits.authoriseContributor(FILES32, left(SCHOOL), MERIT, 7, 0, NONE, world.by(COUNTY)),
    ):
        with reverts("CreditRecords_Paused"):
            call()
    assert unchanged(credits.add(same, again, mine))
    credits.objectTo(item_id, some(), today(), world.by(COUNTY))
    credits.uphold(item_id, some(), mine)
    credits.appeal(item_id, some(), today(), world.by(COUNTY))
    credits.rule(item_id, 5, some(), world.by(COUNTY))
    credits.correct(item_id, some(), some(), mine)
    credits.withdraw(other, 1, some(), mine)
    credits.archive(third, some(), mine)
    credits.endContributor(FILES32, left(SCHOOL), FACT, 1, NONE, world.by(COUNTY))


def test_suspended__adds_upholds_and_rules_nothing__but_takes_back(world, credits):
    first, second, given = objected(world), added(world), item()
    world.departments.suspend(left(POLICE), 1, NONE, world.as_council)
    mine = world.by(POLICE)
    for call in (lambda: credits.add(some(), given, mine), lambda: credits.uphold(first, some(), mine)):
        with reverts("CreditRecords_Suspended", left(POLICE)):
            call()
    credits.correct(first, some(), some(), mine)
    credits.withdraw(second, 2, some(), mine)
    world.departments.suspend(left(COUNTY), 1, NONE, world.as_council)
    with reverts("CreditRecords_Suspended", left(COUNTY)):
        credits.authoriseContributor(FILES32, left(SCHOOL), MERIT, 7, 0, NONE, world.by(COUNTY))
    third = added(world, by=SCHOOL)
    credits.objectTo(third, some(), today(), world.by(COUNTY))
    credits.uphold(third, some(), world.by(SCHOOL))
    credits.appeal(third, some(), today(), world.by(COUNTY))
    with reverts("CreditRecords_Suspended", left(COUNTY)):
        credits.rule(third, 1, some(), world.by(COUNTY))
    world.departments.suspend(left(PROVINCE), 1, NONE, world.as_council)
    with reverts("CreditRecords_Suspended", left(PROVINCE)):
        credits.setItemClass(501, 1, 0, digest("article"), world.by(PROVINCE))
    with reverts("CreditRecords_Suspended", left(PROVINCE)):
        credits.setRules(1, digest("rules"), NONE, world.by(PROVINCE))


# Ends


def test_correct__replaced__only_the_salt_tells_by_which(world, credits):
    old, new, salt, decision = added(world), added(world), digest("salt"), some()
    replacement = replacement_of(old, new, salt)
    with reverts("CreditRecords_NotOwner", old, left(POLICE), left(SCHOOL)):
        credits.correct(old, replacement, decision, world.by(SCHOOL))
    with reverts("CreditRecords_CommitmentMissing", old):
        credits.correct(old, NONE, decision, world.by(POLICE))
    tx = credits.correct(old, replacement, decision, world.by(POLICE))
    assert emitted(tx, "Corrected", itemId=old, department=left(POLICE), replacement=replacement, decision=decision)
    assert unchanged(credits.correct(old, replacement, decision, world.by(POLICE)))
    assert state(world, old) == CORRECTED
    assert credits.isReplacedBy(old, new, salt) is True
    for wrong in ((new, old, salt), (old, old, salt), (old, new, digest("other"))):
        assert credits.isReplacedBy(*wrong) is False
    assert new.hex() not in tx.input + str(tx.events)
    with reverts("CreditRecords_MoveNotAllowed", old, CORRECTED, 0, 0, 0):
        credits.withdraw(old, 1, some(), world.by(POLICE))


def test_withdraw__with_a_reason__out_of_use(world, credits):
    item_id, decision = added(world, publish_months=6), some()
    for reason in (0, 3, 5):
        with reverts("CreditRecords_ReasonInvalid", reason):
            credits.withdraw(item_id, reason, decision, world.by(POLICE))
    tx = credits.withdraw(item_id, 2, decision, world.by(POLICE))
    assert emitted(tx, "Withdrawn", itemId=item_id, reason=2, decision=decision)
    assert unchanged(credits.withdraw(item_id, 2, decision, world.by(POLICE)))
    assert credits.isPublished(item_id, now()) is False


def test_repair__before_and_after_the_minimum__ends_publication(world, credits):
    item_id, decision = added(world, publish_months=12), some()
    begins = TERMS.months_after(today(), 3)
    with reverts("CreditRecords_RepairTooEarly", item_id, begins):
        credits.repair(item_id, decision, world.by(POLICE))
    with reverts("CreditRecords_NotOwner", item_id, left(POLICE), left(COUNTY)):
        credits.repair(item_id, decision, world.by(COUNTY))
    wait(begins - now())
    assert credits.isPublished(item_id, now()) is True
    assert emitted(credits.repair(item_id, decision, world.by(POLICE)), "Repaired", itemId=item_id, decision=decision)
    assert unchanged(credits.repair(item_id, decision, world.by(POLICE)))
    assert (state(world, item_id), credits.isPublished(item_id, now())) == (REPAIRED, False)


def test_repair__minor__at_once_and_a_merit__never(world, credits):
    credits.repair(added(world, severity=1), some(), world.by(POLICE))
    merit = added(world, MERIT)
    with reverts("CreditRecords_RepairTooEarly", merit, 0):
        credits.repair(merit, some(), world.by(POLICE))


def test_repair__while_objected__closes_the_objection(world, credits):
    item_id = objected(world, severity=1)
    credits.repair(item_id, some(), world.by(POLICE))
    assert credits.objectionsOf(item_id)[0][2] == 4


def test_archive__five_years_after__anyone_and_no_sweeper_needed(world, credits):
    item_id = added(world)
    stop = credits.itemOf(item_id)[12]
    stranger = {"from": world.stranger}
    with reverts("Departments_RoleMissing", world.stranger, CREDIT):
        credits.archive(item_id, NONE, stranger)
    wait(stop - now())
    assert state(world, item_id) == ARCHIVED
    with reverts("CreditRecords_MoveNotAllowed", item_id, ARCHIVED, 0, 0, 0):
        credits.objectTo(item_id, some(), today(), world.by(POLICE))
    assert emitted(credits.archive(item_id, digest("ignored"), stranger), "Archived", department=NONE, decision=NONE)
    assert unchanged(credits.archive(item_id, NONE, world.by(POLICE)))


def test_archive__before__only_the_owner_with_a_decision(world, credits):
    item_id, decision = objected(world), some()
    with reverts("CreditRecords_NotOwner", item_id, left(POLICE), left(COUNTY)):
        credits.archive(item_id, decision, world.by(COUNTY))
    with reverts("CreditRecords_CommitmentMissing", item_id):
        credits.archive(item_id, NONE, world.by(POLICE))
    tx = credits.archive(item_id, decision, world.by(POLICE))
    assert emitted(tx, "Archived", itemId=item_id, department=left(POLICE), decision=decision)
    assert credits.objectionsOf(item_id)[0][2] == 6


def test_statement__by_any_party__kept_in_order(world, credits):
    item_id, first, second = added(world), some(), some()
    assert emitted(credits.attachStatement(item_id, first, world.by(COUNTY)), "StatementAttached", statement=first)
    credits.attachStatement(item_id, second, world.by(POLICE))
    assert unchanged(credits.attachStatement(item_id, first, world.by(POLICE)))
    assert plain(credits.statementsOf(item_id)) == (first, second)
    with reverts("CreditRecords_NotParty", item_id, left(SCHOOL)):
        credits.attachStatement(item_id, some(), world.by(SCHOOL))


def test_ended_item__nothing_but_the_archive_follows(world, credits):
    item_id, mine = added(world, severity=1), world.by(POLICE)
    credits.withdraw(item_id, 1, some(), mine)
    for call in (
        lambda: credits.correct(item_id, some(), some(), mine),
        lambda: credits.repair(item_id, some(), mine),
        lambda: credits.objectTo(item_id, some(), today(), mine),
    ):
        with reverts("CreditRecords_MoveNotAllowed", item_id, WITHDRAWN, 0, 0, 0):
            call()
    credits.attachStatement(item_id, some(), mine)
    credits.archive(item_id, some(), mine)
    with reverts("CreditRecords_MoveNotAllowed", item_id, ARCHIVED, 0, 0, 0):
        credits.attachStatement(item_id, some(), mine)


def test_filing__of_a_measure_for_a_crime__once(world, credits):
    item_id, filing, plain_one = added(world, CRIME), some(), added(world)
    assert emitted(credits.recordFiling(item_id, filing, world.by(PROVINCE)), "Filed", itemId=item_id, filing=filing)
    assert unchanged(credits.recordFiling(item_id, filing, world.by(PROVINCE)))
    for wrong, by in ((item_id, PROVINCE), (plain_one, POLICE)):
        with reverts("CreditRecords_FilingUnexpected", wrong):
            credits.recordFiling(wrong, some(), world.by(by))


def test_end_event__what_lasted_is_over__five_years_begin(world, credits):
    item_id, end = added(world, MERIT), today() - 10 * DAY
    stop = TERMS.months_after(end, 60)
    for wrong in (0, today() + DAY, today() - 3_600):
        with reverts("CreditRecords_DateInvalid", wrong):
            credits.endEvent(item_id, wrong, world.by(POLICE))
    with reverts("CreditRecords_NotOwner", item_id, left(POLICE), left(COUNTY)):
        credits.endEvent(item_id, end, world.by(COUNTY))
    tx = credits.endEvent(item_id, end, world.by(POLICE))
    assert emitted(tx, "EventEnded", itemId=item_id, eventEnd=end, stopAt=stop)
    assert unchanged(credits.endEvent(item_id, end, world.by(POLICE)))
    with reverts("CreditRecords_EventEnded", item_id, end):
        credits.endEvent(item_id, today(), world.by(POLICE))
    assert credits.stateAt(item_id, stop) == ARCHIVED


def test_succession__owner_and_keeper__the_successor_acts(world, credits):
    item_id, request = objected(world), some()
    world.departments.succeed(left(POLICE), left(SCHOOL), now(), [], NONE, world.as_council)
    with reverts("Departments_Succeeded", left(POLICE), left(SCHOOL)):
        credits.uphold(item_id, request, world.by(POLICE))
    assert emitted(credits.uphold(item_id, request, world.by(SCHOOL)), "Upheld", department=left(SCHOOL))
    assert plain(credits.itemOf(item_id))[0] == left(POLICE)  # whose it was when it was added
    world.departments.succeed(left(COUNTY), left(CITY), now(), [], NONE, world.as_council)
    credits.authoriseContributor(FILES32, left(GOVERNMENT), MERIT, 1, 0, NONE, world.by(CITY))
