"""CreditRecords: items that are added, and what stops it. Done (with its event), no-op, denied with the arguments."""

from __future__ import annotations

import pytest
from credit_items import ACTIVE, ARCHIVED, TERMS, added, item, objected
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
from world import NONE, digest, emitted, left, now, plain, reverts, some, unchanged

from ledger.calendar import DAY


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
