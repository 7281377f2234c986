"""CreditRecords, function by function: done (with its event), no-op, denied with the error's arguments."""

from __future__ import annotations

import pytest
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
    SEALED,
    UNKNOWN,
    CreditWorld,
    Told,
    some,
    today,
)
from world import NONE, digest, emitted, left, now, plain, reverts, unchanged, wait

from ledger.calendar import DAY, OFFSET
from ledger.credits import Profile, replacement_of

ACTIVE, OBJECTED, CORRECTED, WITHDRAWN, REPAIRED, ARCHIVED = range(1, 7)
TERMS = Told()


@pytest.fixture(scope="module")
def made(module_isolation):
    world = CreditWorld()
    world.catalogue()
    return world


@pytest.fixture
def world(made):
    yield made
    made.pause(False)


@pytest.fixture
def credits(world):
    return world.credits


def item(item_class=NEGATIVE, **changes) -> tuple:
    """`ItemInput`: a general negative item decided today, unless told otherwise."""
    negative = item_class not in (MERIT, FACT)
    given = {
        "file_class": FILES32,
        "item_class": item_class,
        "severity": 2 if negative else 0,
        "commitment": some(),
        "notice": some() if negative else NONE,
        "decision": some() if negative else NONE,
        "decided_at": today() if negative else 0,
        "event_end": today() if negative else 0,
        "publish_months": 0,
    }
    assert given.keys() >= changes.keys()
    return tuple((given | changes).values())


def added(world, item_class=NEGATIVE, by=None, **changes) -> bytes:
    owner = by or {MERIT: POLICE, FACT: SCHOOL, NEGATIVE: POLICE, FRAUD: COUNTY, CRIME: PROVINCE}[item_class]
    item_id = some()
    assert world.credits.add(item_id, item(item_class, **changes), world.by(owner)).return_value is True
    return item_id


def state(world, item_id: bytes) -> int:
    return world.credits.stateAt(item_id, now())


def objected(world, **changes) -> bytes:
    item_id = added(world, **changes)
    world.credits.objectTo(item_id, some(), today(), world.by(COUNTY))
    return item_id


def appealed(world, **changes) -> bytes:
    """Upheld by its owner, then taken to the authority."""
    item_id = objected(world, **changes)
    world.credits.uphold(item_id, some(), world.by(changes.get("by") or POLICE))
    world.credits.appeal(item_id, some(), today(), world.by(COUNTY))
    return item_id


# Catalogue


def test_set_item_class__province_or_council__once(world, credits):
    basis = digest("article")
    tx = credits.setItemClass(501, 2, 0, basis, world.by(PROVINCE))
    assert emitted(tx, "ItemClassSet", itemClass=501, department=left(PROVINCE), polarity=2, measure=0, basis=basis)
    assert unchanged(credits.setItemClass(501, 2, 0, basis, world.as_council))
    assert plain(credits.itemClassOf(501)) == (2, 0, False, basis)
    tx = credits.setItemClass(501, 2, 0, digest("newer"), world.as_council)
    assert emitted(tx, "ItemClassSet", department=NONE, basis=digest("newer"))
    with reverts("CreditRecords_ItemClassFixed", 501, 2, 0):
        credits.setItemClass(501, 1, 0, basis, world.by(PROVINCE))


@pytest.mark.parametrize("given", [(0, 1, 0), (501, 0, 0), (501, 4, 0), (501, 2, 3), (501, 1, 1)])
def test_set_item_class__meaningless__refused(world, credits, given):
    with reverts("CreditRecords_ItemClassInvalid", *given):
        credits.setItemClass(*given, digest("article"), world.by(PROVINCE))


def test_set_item_class__without_a_basis__refused(world, credits):
    with reverts("CreditRecords_ItemClassInvalid", 501, 1, 0):
        credits.setItemClass(501, 1, 0, NONE, world.by(PROVINCE))


def test_set_item_class__others__denied(world, credits):
    with reverts("CreditRecords_NotProvincial", left(CITY)):
        credits.setItemClass(501, 1, 0, digest("article"), world.by(CITY))
    with reverts("CreditRecords_NotProvincial", left(GOVERNMENT)):
        credits.setItemClass(501, 1, 0, digest("article"), world.by(GOVERNMENT))
    with reverts("Departments_RoleMissing", world.stranger, CREDIT):
        credits.setItemClass(501, 1, 0, digest("article"), {"from": world.stranger})


@pytest.mark.parametrize("number", [9000, SEALED, 9002, 65535])
def test_sealed_class__by_construction__nobody_opens_it(world, credits, number):
    assert credits.itemClassOf(number)[2] is True
    with reverts("CreditRecords_ItemClassSealed", number):
        credits.setItemClass(number, 2, 0, digest("article"), world.as_council)
    with reverts("CreditRecords_ItemClassSealed", number):
        credits.authoriseContributor(FILES32, left(POLICE), number, 1, 0, NONE, world.by(COUNTY))
    assert unchanged(credits.sealItemClass(number, NONE, world.as_council))


def test_seal__class_in_use__its_items_are_archived_for_ever(world, credits):
    item_id = added(world, publish_months=6)
    assert emitted(
        credits.sealItemClass(NEGATIVE, digest("law"), world.as_council), "ItemClassSealed", itemClass=NEGATIVE
    )
    assert unchanged(credits.sealItemClass(NEGATIVE, digest("law"), world.as_council))
    assert state(world, item_id) == ARCHIVED
    assert credits.isPublished(item_id, now()) is False
    with reverts("CreditRecords_ItemClassSealed", NEGATIVE):
        credits.add(some(), item(), world.by(POLICE))
    with reverts("CreditRecords_ItemClassSealed", NEGATIVE):
        credits.setItemClass(NEGATIVE, 2, 0, digest("other"), world.as_council)
    tx = credits.archive(item_id, NONE, {"from": world.stranger})
    assert emitted(tx, "Archived", itemId=item_id, department=NONE)


def test_seal__by_the_council_alone__with_its_basis(world, credits):
    """It can't be undone and ends every item of the class: not by one operator of one department."""
    with reverts("CreditRecords_NotCouncil", world.operators[PROVINCE]):
        credits.sealItemClass(NEGATIVE, digest("law"), world.by(PROVINCE))
    with reverts("CreditRecords_ItemClassInvalid", NEGATIVE, 2, 0):
        credits.sealItemClass(NEGATIVE, NONE, world.as_council)


# Contributors


def test_contributor__authorised_and_ended__adds_meanwhile(world, credits):
    until = now() + 1_000
    args = (FILES32, left(SCHOOL), MERIT)
    tx = credits.authoriseContributor(*args, 1, until, digest("act"), world.by(COUNTY))
    assert emitted(
        tx, "ContributorAuthorised", fileClass=FILES32, contributor=left(SCHOOL), itemClass=MERIT, until=until,
        department=left(COUNTY), operator=world.operators[COUNTY],
    )  # fmt: skip
    assert unchanged(credits.authoriseContributor(*args, 1, until, NONE, world.by(COUNTY)))
    assert plain(credits.contributorOf(*args)) == (1, until)
    added(world, MERIT, by=SCHOOL)
    tx = credits.endContributor(*args, 4, digest("why"), world.by(COUNTY))
    assert emitted(tx, "ContributorEnded", reason=4, basis=digest("why"))
    assert unchanged(credits.endContributor(*args, 4, digest("why"), world.by(COUNTY)))
    with reverts("CreditRecords_NotContributor", FILES32, left(SCHOOL), MERIT):
        credits.add(some(), item(MERIT), world.by(SCHOOL))


def test_contributor__time_is_up__adds_nothing(world, credits):
    credits.authoriseContributor(FILES32, left(SCHOOL), MERIT, 1, now() + 100, NONE, world.by(COUNTY))
    wait(200)
    with reverts("CreditRecords_NotContributor", FILES32, left(SCHOOL), MERIT):
        credits.add(some(), item(MERIT), world.by(SCHOOL))


def test_contributor__not_yet__adds_nothing(world, credits):
    credits.authoriseContributor(FILES32, left(SCHOOL), MERIT, now() + 1_000, 0, NONE, world.by(COUNTY))
    with reverts("CreditRecords_NotContributor", FILES32, left(SCHOOL), MERIT):
        credits.add(some(), item(MERIT), world.by(SCHOOL))
    credits.endContributor(FILES32, left(SCHOOL), MERIT, 1, NONE, world.by(COUNTY))
    wait(2_000)
    with reverts("CreditRecords_NotContributor", FILES32, left(SCHOOL), MERIT):
        credits.add(some(), item(MERIT), world.by(SCHOOL))


def test_contributor__refused(world, credits):
    mine = world.by(COUNTY)
    with reverts("CreditRecords_NotKeeper", FILES32, left(COUNTY), left(POLICE)):
        credits.authoriseContributor(FILES32, left(SCHOOL), MERIT, 1, 0, NONE, world.by(POLICE))
    with reverts("CreditRecords_ContributorInvalid", left(COMPANY)):
        credits.authoriseContributor(FILES32, left(COMPANY), MERIT, 1, 0, NONE, mine)
    with reverts("CreditRecords_ItemClassUnknown", UNKNOWN):
        credits.authoriseContributor(FILES32, left(SCHOOL), UNKNOWN, 1, 0, NONE, mine)
    for since, until in ((0, 0), (100, 100), (1, now() - 5), (2**40, 0), (1, 2**40)):
        with reverts("CreditRecords_PeriodInvalid", since, until):
            credits.authoriseContributor(FILES32, left(SCHOOL), MERIT, since, until, NONE, mine)


@pytest.mark.parametrize("field", [0, 4, 0x0101])
def test_file_class__not_keeper_and_field__refused(world, credits, field):
    """No class can be made for one person: there is nothing in it but the keeper and one of three fields."""
    wrong = left(COUNTY)[:18] + field.to_bytes(14, "big")
    with reverts("CreditRecords_FileClassInvalid", wrong):
        credits.authoriseContributor(wrong, left(SCHOOL), MERIT, 1, 0, NONE, world.by(COUNTY))


def test_keeper__no_veterans_authority__keeps_no_files(world, credits):
    files = left(POLICE)[:31] + b"\x02"
    with reverts("CreditRecords_NotVeterans", left(POLICE)):
        credits.authoriseContributor(files, left(SCHOOL), MERIT, 1, 0, NONE, world.by(POLICE))


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


# Figures and rule sets


def figures(**changes) -> tuple:
    names = Profile.__dataclass_fields__
    assert changes.keys() <= names.keys()
    profile = Profile(**changes)
    return tuple(getattr(profile, name) for name in names)


def test_profile__at_first__the_project_s_defaults(credits):
    assert plain(credits.profile()) == figures()


def test_profile__set_by_the_council__for_clocks_that_start(world, credits):
    before, basis = objected(world), digest("hubei")
    known = plain(credits.objectionsOf(before))
    tx = credits.setProfile(figures(answer_days=3, answer_other_days=4), basis, world.as_council)
    assert emitted(tx, "ProfileSet", basis=basis)
    assert unchanged(credits.setProfile(figures(answer_days=3, answer_other_days=4), basis, world.as_council))
    assert plain(credits.objectionsOf(before)) == known
    assert credits.objectionsOf(objected(world))[0][3] == 4
    with reverts("CreditRecords_NotCouncil", world.operators[PROVINCE]):
        credits.setProfile(figures(), basis, world.by(PROVINCE))


@pytest.mark.parametrize(
    "changes",
    [
        {"mark_days": 0},
        {"mark_days": 6},
        {"answer_days": 8},
        {"answer_other_days": 31},
        {"minor_max_months": 4},
        {"general_min_months": 2},
        {"general_max_months": 13},
        {"general_min_months": 9, "general_max_months": 8},
        {"serious_min_months": 11},
        {"serious_max_months": 37},
        {"serious_min_months": 36, "serious_max_months": 35},
        {"stop_months": 61},
        {"stop_months": 0},
    ],
)
def test_profile__beyond_the_law_s_limits__refused(world, credits, changes):
    with reverts("CreditRecords_ProfileInvalid"):
        credits.setProfile(figures(**changes), digest("basis"), world.as_council)


def test_profile__without_a_basis__refused(world, credits):
    with reverts("CreditRecords_ProfileInvalid"):
        credits.setProfile(figures(answer_days=4), NONE, world.as_council)


def test_rules__a_version_is_fixed__and_the_next_is_higher(world, credits):
    first, second = digest("rules 1"), digest("rules 2")
    tx = credits.setRules(1, first, digest("act"), world.by(PROVINCE))
    assert emitted(tx, "RulesSet", version=1, department=left(PROVINCE), rulesHash=first)
    assert unchanged(credits.setRules(1, first, NONE, world.as_council))
    with reverts("CreditRecords_RulesFixed", 1, first):
        credits.setRules(1, second, NONE, world.by(PROVINCE))
    credits.setRules(2, second, NONE, world.as_council)
    # The last of all numbers would be the last version for ever.
    for version, rules in ((4, second), (2**32 - 1, second), (3, NONE), (0, first)):
        with reverts("CreditRecords_RulesInvalid", version, 2):
            credits.setRules(version, rules, NONE, world.by(PROVINCE))
    assert plain(credits.rulesOf(1)) == (first, 2)
    with reverts("CreditRecords_NotProvincial", left(COUNTY)):
        credits.setRules(9, first, NONE, world.by(COUNTY))
