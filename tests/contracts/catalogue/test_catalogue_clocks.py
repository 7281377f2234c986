"""Catalogue: its clocks by the working calendar: begun, stopped, begun again, moved and extended, never stretched."""

from __future__ import annotations

import pytest
from catalogue_world import (
    AUTHORITY,
    BASIS,
    CODE,
    CONNECT,
    PROVIDER,
    REVIEW,
    UPDATE,
    V1,
    V2,
    clock,
    runs,
    weekdays,
)
from world import NONE, digest, left, now, plain, reverts, unchanged, wait

from ledger.calendar import day_number, day_of, deadline, end_of, words


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
