"""CreditRecords: items corrected, withdrawn, repaired, archived, ended. Done (with its event), no-op, denied."""

from __future__ import annotations

from credit_items import ARCHIVED, CORRECTED, REPAIRED, TERMS, WITHDRAWN, added, objected, state
from credit_world import CITY, COUNTY, CREDIT, CRIME, FILES32, GOVERNMENT, MERIT, POLICE, PROVINCE, SCHOOL, today
from world import NONE, digest, emitted, left, now, plain, reverts, some, unchanged, wait

from ledger.calendar import DAY
from ledger.credits import replacement_of


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
