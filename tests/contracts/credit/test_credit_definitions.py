"""CreditRecords: item classes, contributors, profiles, rules. Done (with its event), no-op, denied with arguments."""

from __future__ import annotations

import pytest
from credit_items import ARCHIVED, added, item, objected, state
from credit_world import (
    CITY,
    COMPANY,
    COUNTY,
    CREDIT,
    FILES32,
    GOVERNMENT,
    MERIT,
    NEGATIVE,
    POLICE,
    PROVINCE,
    SCHOOL,
    SEALED,
    UNKNOWN,
)
from world import NONE, digest, emitted, left, now, plain, reverts, some, unchanged, wait

from ledger.credits import Profile

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
