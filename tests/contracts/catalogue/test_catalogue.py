"""Catalogue: a resource from its first draft to its withdrawal, and who may do what to it. Done, no-op, denied."""

from __future__ import annotations

import pytest
from catalogue_world import (
    APPROVER,
    AUTHORITY,
    BASIS,
    CODE,
    CONNECT,
    CONSUMER,
    HANDLER,
    LEVELS,
    PROVIDER,
    REVIEW,
    V1,
    V2,
    clock,
    runs,
    state,
)
from world import NONE, digest, left, now, plain, reverts, unchanged, wait

from ledger.calendar import deadline


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
