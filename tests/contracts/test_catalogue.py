"""Catalogue: what each function does, leaves and refuses; clocks by the calendar; the three lists."""

from __future__ import annotations

import pytest
from catalogue_world import (
    APPROVER,
    AUTHORITY,
    BASIS,
    CODE,
    CONSUMER,
    HANDLER,
    ID,
    LEVELS,
    PROVIDER,
    V1,
    V2,
    CatalogueWorld,
    weekdays,
)
from world import NONE, OUTSIDER, digest, left, now, plain, reverts, unchanged, wait

from ledger.calendar import day_number, day_of, deadline, end_of, words

UPDATE, REVIEW, CONNECT = 1, 2, 3


@pytest.fixture(scope="module")
def town(module_isolation):
    return CatalogueWorld()


@pytest.fixture
def catalogue(town):
    return town.catalogue


def clock(town, which: int, code: bytes = CODE) -> tuple:
    return plain(town.catalogue.clock(code, which))


def runs(town, which: int, code: bytes = CODE) -> bool:
    start, _, _, ended = clock(town, which, code)
    return start != 0 and ended == 0


def state(town, code: bytes = CODE) -> int:
    return town.catalogue.resource(code)[3]


def test_life__drawn_up_to_withdrawn__each_state_with_its_clock(town, catalogue):
    tx = town.draw_up()
    assert tx.return_value is True
    assert bytes(tx.events["DrawnUp"]["itemLevels"]) == LEVELS
    assert (state(town), runs(town, REVIEW)) == (1, False)
    assert plain(catalogue.resource(CODE)) == (left(PROVIDER), 0, 0, 1, 0, NONE)
    assert plain(catalogue.draft(CODE)) == (1, 2, 3, 3, V1, BASIS, digest(f"{PROVIDER} handler"))
    catalogue.review(CODE, V1, BASIS, town.approver())
    tx = catalogue.approve(CODE, V1, BASIS, town.approver())
    assert state(town) == 2
    assert clock(town, REVIEW) == (tx.timestamp, 2, deadline(town.known, tx.timestamp, 2), 0)
    tx = catalogue.publish(CODE, V1, BASIS, town.approver(AUTHORITY))
    assert plain(catalogue.resource(CODE)) == (left(PROVIDER), 2, 3, 3, 3, V1)
    assert clock(town, REVIEW)[3] == tx.timestamp
    assert clock(town, CONNECT) == (tx.timestamp, 20, deadline(town.known, tx.timestamp, 20), 0)
    assert plain(catalogue.draft(CODE)) == (0, 0, 0, 0, NONE, NONE, NONE)
    tx = catalogue.connect(CODE, BASIS, town.handler())
    assert (state(town), clock(town, CONNECT)[3]) == (4, tx.timestamp)
    assert town.publish(V2, 1).return_value
    assert plain(catalogue.resource(CODE)) == (left(PROVIDER), 1, 3, 4, 3, V2)
    decision = digest("withdrawal")
    catalogue.drawUpWithdrawal(CODE, decision, town.handler())
    assert state(town) == 4
    town.submit(decision)
    catalogue.publish(CODE, decision, BASIS, town.approver(AUTHORITY))
    assert (state(town), bytes(catalogue.basisOf(CODE))) == (5, decision)
    assert unchanged(catalogue.publish(CODE, decision, BASIS, town.approver(AUTHORITY)))
    assert unchanged(catalogue.drawUpWithdrawal(CODE, decision, town.handler()))
    with reverts("Catalogue_StateWrong", CODE, 5):
        town.draw_up(digest("version 3"))


def test_acts__sent_again__change_nothing(town, catalogue):
    town.publish()
    catalogue.connect(CODE, BASIS, town.handler())
    assert unchanged(town.draw_up())
    for act in (catalogue.review, catalogue.approve):
        assert unchanged(act(CODE, V1, BASIS, town.approver()))
    assert unchanged(catalogue.publish(CODE, V1, BASIS, town.approver(AUTHORITY)))
    assert unchanged(catalogue.connect(CODE, BASIS, town.handler()))
    town.draw_up(V2)
    assert unchanged(town.draw_up(V2))
    town.submit(V2)
    assert unchanged(catalogue.approve(CODE, V2, BASIS, town.approver()))


def test_draw_up__another_draft_in_between__authority_publishes_only_what_it_saw(town, catalogue):
    town.draw_up()
    town.submit()
    town.draw_up(V2)
    assert not runs(town, REVIEW)
    with reverts("Catalogue_VersionDiffers", CODE, V1, V2):
        catalogue.publish(CODE, V1, BASIS, town.approver(AUTHORITY))
    with reverts("Catalogue_StageWrong", CODE, 1, 3):
        catalogue.publish(CODE, V2, BASIS, town.approver(AUTHORITY))
    with reverts("Catalogue_StageWrong", CODE, 1, 2):
        catalogue.approve(CODE, V2, BASIS, town.approver())


def test_two_people__handler_and_approver_are_one_or_a_machine__refused(town, catalogue):
    with reverts("Catalogue_PersonNeeded", town.machine):
        catalogue.drawUp(CODE, V1, 2, LEVELS, BASIS, {"from": town.machine})
    town.draw_up()
    for act in (catalogue.review, catalogue.approve):
        with reverts("Catalogue_SamePerson", CODE):
            act(CODE, V1, BASIS, {"from": town.both})
        with reverts("Catalogue_PersonNeeded", town.machine):
            act(CODE, V1, BASIS, {"from": town.machine})


@pytest.mark.parametrize(
    ("args", "error"),
    [
        ((NONE, V1, 2, LEVELS, BASIS), ("Catalogue_IdZero",)),
        ((CODE, V1, 0, LEVELS, BASIS), ("Catalogue_ClassUnknown", 0)),
        ((CODE, V1, 4, LEVELS, BASIS), ("Catalogue_ClassUnknown", 4)),
        ((CODE, NONE, 2, LEVELS, BASIS), ("Catalogue_VersionZero", CODE)),
        ((CODE, V1, 3, LEVELS, NONE), ("Catalogue_BasisNeeded", CODE)),
        ((CODE, V1, 2, b"", BASIS), ("Catalogue_ItemCountInvalid", 0, 2000)),
        ((CODE, V1, 2, b"\x01" * 2001, BASIS), ("Catalogue_ItemCountInvalid", 2001, 2000)),
        ((CODE, V1, 2, b"\x01\x00", BASIS), ("Catalogue_LevelInvalid", 1, 0)),
        ((CODE, V1, 2, b"\x07", BASIS), ("Catalogue_LevelInvalid", 0, 7)),
    ],
)
def test_draw_up__wrong_members__refused(town, catalogue, args, error):
    with reverts(*error):
        catalogue.drawUp(*args, town.handler())


def test_acts__by_others__denied(town, catalogue):
    town.publish()
    town.draw_up(V2)
    other, authority = left(CONSUMER), left(AUTHORITY)
    not_provider = ("Catalogue_NotProvider", CODE, left(PROVIDER), other)
    not_entitled = ("Catalogue_NotEntitled", left(PROVIDER), authority, other)
    handler, approver = town.handler(CONSUMER), town.approver(CONSUMER)
    for error, call in (
        (not_provider, lambda: catalogue.drawUp(CODE, V1, 2, LEVELS, BASIS, handler)),
        (not_provider, lambda: catalogue.drawUpWithdrawal(CODE, V1, handler)),
        (not_provider, lambda: catalogue.review(CODE, V2, BASIS, approver)),
        (not_provider, lambda: catalogue.approve(CODE, V2, BASIS, approver)),
        (not_provider, lambda: catalogue.connect(CODE, BASIS, handler)),
        (("Catalogue_NotAuthority", authority, other), lambda: catalogue.publish(CODE, V2, BASIS, approver)),
        (("Catalogue_NotAuthority", authority, other), lambda: catalogue.sendBack(CODE, V2, 1, BASIS, approver)),
        (("Catalogue_NotAuthority", authority, other), lambda: catalogue.extendUpdate(CODE, BASIS, approver)),
        (("Catalogue_NotAuthority", authority, other), lambda: catalogue.endDuty(CODE, 1, BASIS, approver)),
        (not_entitled, lambda: catalogue.disconnect(CODE, 1, BASIS, handler)),
        (not_entitled, lambda: catalogue.recordChange(CODE, 1, BASIS, handler)),
        (not_entitled, lambda: catalogue.addDuty(CODE, left(PROVIDER), BASIS, handler)),
    ):
        with reverts(*error):
            call()
    for account, role, call in (
        (town.approvers[PROVIDER], HANDLER, lambda: catalogue.connect(CODE, BASIS, town.approver())),
        (town.handlers[PROVIDER], APPROVER, lambda: catalogue.review(CODE, V2, BASIS, town.handler())),
        (town.handlers[AUTHORITY], APPROVER, lambda: catalogue.publish(CODE, V2, BASIS, town.handler(AUTHORITY))),
    ):
        with reverts("Departments_RoleMissing", account, role):
            call()
    with reverts("Catalogue_ResourceUnknown", V1):
        catalogue.connect(V1, BASIS, town.handler())


def test_suspended_department__only_disconnects(town, catalogue):
    town.publish()
    catalogue.connect(CODE, BASIS, town.handler())
    town.departments.suspend(left(PROVIDER), 1, NONE, {"from": town.council})
    with reverts("Catalogue_DepartmentSuspended", left(PROVIDER)):
        town.draw_up(V2)
    assert catalogue.disconnect(CODE, 1, BASIS, town.handler()).return_value
    assert unchanged(catalogue.disconnect(CODE, 1, BASIS, town.handler()))
    assert (state(town), runs(town, CONNECT)) == (3, True)


def test_not_shared__published__on_the_negative_list_and_never_connected(town, catalogue):
    town.publish(sharing_class=3)
    assert plain(catalogue.resource(CODE))[1:4] == (3, 3, 3)
    assert bytes(catalogue.basisOf(CODE)) == BASIS
    assert clock(town, CONNECT) == (0, 0, 0, 0)
    with reverts("Catalogue_NotShared", CODE):
        catalogue.connect(CODE, BASIS, town.handler())


def test_not_shared__after_it_was_connected__is_cut_off(town, catalogue):
    town.publish()
    catalogue.connect(CODE, BASIS, town.handler())
    town.publish(V2, 3)
    assert state(town) == 3


def test_send_back__submitted__stage_1_and_update_runs_on_from_its_own_start(town, catalogue):
    tx = catalogue.addDuty(CODE, left(PROVIDER), BASIS, town.handler(AUTHORITY))
    started = clock(town, UPDATE)
    assert started == (tx.timestamp, 10, deadline(town.known, tx.timestamp, 10), 0)
    town.draw_up()
    town.submit()
    assert not runs(town, UPDATE)
    wait(86_400)
    assert catalogue.sendBack(CODE, V1, 7, BASIS, town.approver(AUTHORITY)).return_value
    assert unchanged(catalogue.sendBack(CODE, V1, 7, BASIS, town.approver(AUTHORITY)))
    assert clock(town, UPDATE) == started
    assert (plain(catalogue.draft(CODE))[0], runs(town, REVIEW)) == (1, False)
    town.submit()
    assert catalogue.publish(CODE, V1, BASIS, town.approver(AUTHORITY)).return_value


def test_send_back__another_change_recorded_meanwhile__the_first_one_s_term_runs_on(town, catalogue):
    """Nobody stretches a term: else a provider would submit anything, record a change, and begin its ten days anew."""
    town.publish()
    first = now()
    catalogue.recordChange(CODE, first, BASIS, town.handler())
    started = clock(town, UPDATE)
    town.draw_up(V2)
    town.submit(V2)
    wait(5 * 86_400)
    second = now()
    tx = catalogue.recordChange(CODE, second, BASIS, town.handler())
    assert tx.return_value
    assert clock(town, UPDATE)[0] == second
    assert unchanged(catalogue.recordChange(CODE, first, BASIS, town.handler()))
    tx = catalogue.sendBack(CODE, V2, 7, BASIS, town.approver(AUTHORITY))
    assert tx.events["ClockSet"]["start"] == first
    assert clock(town, UPDATE) == started
    # What is published ends the first one's term; the second one's, recorded while it lay there, goes on.
    town.submit(V2)
    third = now()
    catalogue.recordChange(CODE, third, BASIS, town.handler())
    catalogue.publish(CODE, V2, BASIS, town.approver(AUTHORITY))
    assert (clock(town, UPDATE)[0], runs(town, UPDATE)) == (third, True)
    town.draw_up(digest("version 3"))
    town.submit(digest("version 3"))
    catalogue.sendBack(CODE, digest("version 3"), 7, BASIS, town.approver(AUTHORITY))
    assert (clock(town, UPDATE)[0], runs(town, UPDATE)) == (third, True)


def test_update__change_recorded__ten_working_days_and_five_more_once(town, catalogue):
    with reverts("Catalogue_ResourceUnknown", CODE):
        catalogue.recordChange(CODE, now(), BASIS, town.handler())
    town.publish()
    changed = now()
    with reverts("Catalogue_NoUpdateDue", CODE):
        catalogue.extendUpdate(CODE, BASIS, town.approver(AUTHORITY))
    assert catalogue.recordChange(CODE, changed, BASIS, town.handler()).return_value
    assert clock(town, UPDATE) == (changed, 10, deadline(town.known, changed, 10), 0)
    assert unchanged(catalogue.recordChange(CODE, changed, BASIS, town.handler(AUTHORITY)))
    assert catalogue.extendUpdate(CODE, BASIS, town.approver(AUTHORITY)).return_value
    assert clock(town, UPDATE) == (changed, 15, deadline(town.known, changed, 15), 0)
    assert unchanged(catalogue.extendUpdate(CODE, BASIS, town.approver(AUTHORITY)))
    town.draw_up(V2)
    town.submit(V2)
    assert not runs(town, UPDATE)
    assert unchanged(catalogue.recordChange(CODE, changed, BASIS, town.handler()))


def test_update__too_late_or_in_the_future__refused(town, catalogue):
    town.publish()
    with pytest.raises(Exception, match="Catalogue_ChangeLater"):
        catalogue.recordChange(CODE, now() + 1000, BASIS, town.handler())
    changed = now()
    catalogue.recordChange(CODE, changed, BASIS, town.handler())
    wait(deadline(town.known, changed, 10) - changed + 1)
    with reverts("Catalogue_NoUpdateDue", CODE):
        catalogue.extendUpdate(CODE, BASIS, town.approver(AUTHORITY))


def test_move_deadline__calendar_corrected__only_later_and_only_running_clocks(town, catalogue):
    town.publish()
    before = clock(town, CONNECT)[2]
    last = day_of(before - 1)
    assert unchanged(catalogue.moveDeadline(CODE, {"from": town.stranger}))
    town.calendar.setDays([day_number(last)], False, BASIS, {"from": town.council})
    tx = catalogue.moveDeadline(CODE, {"from": town.stranger})
    moved = tx.events["DeadlineMoved"]
    assert (moved["clock"], moved["before"], moved["deadline"]) == (CONNECT, before, clock(town, CONNECT)[2])
    assert clock(town, CONNECT)[2] > before
    town.calendar.setDays([day_number(last)], True, BASIS, {"from": town.council})
    assert unchanged(catalogue.moveDeadline(CODE, {"from": town.stranger}))
    assert clock(town, CONNECT)[2] > end_of(last)


def test_duty__of_a_provider__owed_until_ended_or_withdrawn(town, catalogue):
    assert catalogue.addDuty(CODE, left(PROVIDER), BASIS, town.handler()).return_value
    assert unchanged(catalogue.addDuty(CODE, left(PROVIDER), BASIS, town.handler(AUTHORITY)))
    assert bytes(catalogue.dutyOf(CODE)) == left(PROVIDER)
    with reverts("Catalogue_NotProvider", CODE, left(PROVIDER), left(CONSUMER)):
        catalogue.addDuty(CODE, left(CONSUMER), BASIS, town.handler(AUTHORITY))
    assert catalogue.endDuty(CODE, 3, BASIS, town.approver(AUTHORITY)).return_value
    assert unchanged(catalogue.endDuty(CODE, 3, BASIS, town.approver(AUTHORITY)))
    assert (bytes(catalogue.dutyOf(CODE)), runs(town, UPDATE)) == (NONE, False)
    assert catalogue.addDuty(CODE, left(CONSUMER), BASIS, town.handler(AUTHORITY)).return_value
    assert bytes(catalogue.resource(CODE)[0]) == left(CONSUMER)


def test_duty__wrong_provider__refused(town, catalogue):
    with reverts("Catalogue_NotEntitled", left(OUTSIDER), NONE, left(AUTHORITY)):
        catalogue.addDuty(CODE, left(OUTSIDER), BASIS, town.handler(AUTHORITY))
    with reverts("Catalogue_IdZero"):
        catalogue.addDuty(NONE, left(PROVIDER), BASIS, town.handler())


def test_demand__without_provider__assigned_and_closed(town, catalogue):
    assert catalogue.demand(ID, NONE, NONE, BASIS, town.handler(CONSUMER)).return_value
    assert unchanged(catalogue.demand(ID, NONE, NONE, BASIS, town.handler(CONSUMER)))
    assert plain(catalogue.demandOf(ID)) == (left(CONSUMER), NONE, NONE, BASIS, False)
    with reverts("Catalogue_DemandDiffers", ID, left(CONSUMER)):
        catalogue.demand(ID, NONE, NONE, BASIS, town.handler(PROVIDER))
    with reverts("Catalogue_NotAuthority", left(AUTHORITY), left(CONSUMER)):
        catalogue.assignDemand(ID, left(PROVIDER), CODE, BASIS, town.approver(CONSUMER))
    assert catalogue.assignDemand(ID, left(PROVIDER), CODE, BASIS, town.approver(AUTHORITY)).return_value
    assert unchanged(catalogue.assignDemand(ID, left(PROVIDER), CODE, BASIS, town.approver(AUTHORITY)))
    assert plain(catalogue.demandOf(ID)) == (left(CONSUMER), left(PROVIDER), CODE, BASIS, False)
    assert unchanged(catalogue.demand(ID, NONE, NONE, BASIS, town.handler(CONSUMER)))
    with reverts("Catalogue_DemandDiffers", ID, left(CONSUMER)):
        catalogue.closeDemand(ID, 1, BASIS, town.handler(PROVIDER))
    assert catalogue.closeDemand(ID, 1, BASIS, town.handler(CONSUMER)).return_value
    assert unchanged(catalogue.closeDemand(ID, 1, BASIS, town.handler(CONSUMER)))
    with reverts("Catalogue_DemandClosed", ID):
        catalogue.assignDemand(ID, left(AUTHORITY), CODE, BASIS, town.approver(AUTHORITY))


def test_demand__wrong_ones__refused(town, catalogue):
    for args, error in (
        ((NONE, NONE, NONE, BASIS), ("Catalogue_IdZero",)),
        ((ID, NONE, NONE, NONE), ("Catalogue_BasisNeeded", ID)),
        ((ID, left(OUTSIDER), NONE, BASIS), ("Catalogue_ProviderInvalid", left(OUTSIDER))),
    ):
        with reverts(*error):
            catalogue.demand(*args, town.handler(CONSUMER))
    with reverts("Catalogue_DemandUnknown", ID):
        catalogue.closeDemand(ID, 1, BASIS, town.handler(CONSUMER))


def test_succession__provider_succeeded__its_resources_are_its_successor_s(town, catalogue):
    town.publish()
    town.departments.succeed(left(PROVIDER), left(CONSUMER), now() + 100, [], BASIS, {"from": town.council})
    wait(200)
    assert bytes(catalogue.resource(CODE)[0]) == left(CONSUMER)
    assert catalogue.connect(CODE, BASIS, town.handler(CONSUMER)).return_value
    with pytest.raises(Exception, match="Departments_Succeeded"):
        catalogue.connect(CODE, BASIS, town.handler(PROVIDER))


def test_acts__in_the_wrong_state__refused(town, catalogue):
    new = digest("only owed")
    catalogue.addDuty(new, left(PROVIDER), BASIS, town.handler())
    with reverts("Catalogue_VersionDiffers", new, NONE, NONE):
        catalogue.review(new, NONE, BASIS, town.approver())
    town.draw_up()
    with reverts("Catalogue_StateWrong", CODE, 1):
        catalogue.drawUpWithdrawal(CODE, digest("withdrawal"), town.handler())
    catalogue.review(CODE, V1, BASIS, town.approver())
    with reverts("Catalogue_StageWrong", CODE, 2, 3):
        catalogue.sendBack(CODE, V1, 7, BASIS, town.approver(AUTHORITY))
    catalogue.approve(CODE, V1, BASIS, town.approver())
    catalogue.publish(CODE, V1, BASIS, town.approver(AUTHORITY))
    with reverts("Catalogue_StageWrong", CODE, 0, 3):
        catalogue.sendBack(CODE, V1, 7, BASIS, town.approver(AUTHORITY))
    withdrawal = digest("withdrawal")
    catalogue.drawUpWithdrawal(CODE, withdrawal, town.handler())
    town.submit(withdrawal)
    catalogue.publish(CODE, withdrawal, BASIS, town.approver(AUTHORITY))
    with reverts("Catalogue_StateWrong", CODE, 5):
        catalogue.addDuty(CODE, left(PROVIDER), BASIS, town.handler())


def test_duty__of_a_succeeded_department__is_its_successor_s(town, catalogue):
    town.departments.succeed(left(PROVIDER), left(CONSUMER), now(), [], NONE, {"from": town.council})
    with reverts("Catalogue_ProviderInvalid", left(PROVIDER)):
        catalogue.addDuty(CODE, left(PROVIDER), BASIS, town.handler(AUTHORITY))
    assert catalogue.addDuty(CODE, left(CONSUMER), BASIS, town.handler(AUTHORITY)).return_value


def test_year_unknown__submission_into_it__says_which(town, catalogue):
    town.draw_up()
    catalogue.review(CODE, V1, BASIS, town.approver())
    first = day_of(now()).year
    wait(end_of(day_of(now()).replace(year=first + 5, month=12, day=31)) - now() - 3600)
    with reverts("Calendar_YearUnknown", first + 6):
        catalogue.approve(CODE, V1, BASIS, town.approver())


def test_year_unknown__disconnection__never_waits_and_its_term_is_set_later(town, catalogue):
    town.publish()
    catalogue.connect(CODE, BASIS, town.handler())
    year = day_of(now()).year + 5
    wait(end_of(day_of(now()).replace(year=year, month=12, day=31)) - now() - 3600)
    told = catalogue.disconnect(CODE, 1, BASIS, town.handler())
    assert told.return_value
    assert plain(catalogue.clock(CODE, CONNECT)) == (told.timestamp, 20, 0, 0)
    assert unchanged(catalogue.moveDeadline(CODE, {"from": town.stranger}))
    town.calendar.setYear(year + 1, *words(weekdays(year + 1)), NONE, {"from": town.council})
    moved = catalogue.moveDeadline(CODE, {"from": town.stranger})
    assert moved.return_value
    assert catalogue.clock(CODE, CONNECT)[2] == town.calendar.deadline(told.timestamp, 20)


def test_extension__more_working_days_since__shortens_nothing(town, catalogue):
    town.publish()
    catalogue.recordChange(CODE, now(), BASIS, town.handler())
    before = int(catalogue.clock(CODE, UPDATE)[2])
    today = day_number(day_of(now()))
    town.calendar.setDays([today + n for n in range(1, 31)], True, NONE, {"from": town.council})
    assert catalogue.extendUpdate(CODE, BASIS, town.approver(AUTHORITY)).return_value
    start, days, until, _ = (int(part) for part in catalogue.clock(CODE, UPDATE))
    assert (days, until) == (15, max(before, int(town.calendar.deadline(start, 15))))
