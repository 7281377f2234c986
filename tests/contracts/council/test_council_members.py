"""Council: its founding, its members, delegates and rules, what it owns, names and pins. Done, no-op, denied."""

from __future__ import annotations

import pytest
from brownie import Council, Departments, accounts
from council_world import (
    DAY,
    DELAY,
    EXPIRY,
    ONE,
    RULES,
    A,
    B,
    C,
    D,
    alone,
    code_hash,
    new_id,
    person,
)
from world import NONE, digest, plain, reverts, wait

YEAR = 365 * DAY


# Founding


def test_deploy__three_members__told_by_events_and_views(house, council):
    names = [e.name for e in council.tx.events]
    assert names == ["MemberAdded"] * 3 + ["DelegateAppointed"] * 7 + ["RulesChanged"]
    assert set(plain(council.members())) == {A, B, C}
    assert plain(council.rules()) == RULES
    assert plain(council.delegateOf(house.b)) == (B, person("b"))
    assert plain(council.delegateOf(house.stranger)) == (NONE, NONE)
    assert set(plain(council.delegatesOf(A))) == {
        (str(house.a), A, person("a")),
        (str(house.a2), A, person("a2")),
        (str(house.machine), A, NONE),
    }
    assert not council.paused()


@pytest.mark.parametrize(
    "rules",
    [
        (0, 0, 0, DAY),
        (1, 0, 0, DAY),
        (2, 2, 0, DAY),
        (2, 0, 0, DAY),
        (2, 1, DAY, DAY),
        (2, 1, 0, 0),
        (2, 1, 0, YEAR + 1),
    ],
)
def test_deploy__rules_that_contradict_themselves__denied(rules):
    delegates = [(str(accounts[1]), A, person("a")), (str(accounts[2]), B, person("b"))]
    with reverts("Council_RulesInvalid", *rules):
        Council.deploy([A, B], delegates, rules, {"from": accounts[0]})


@pytest.mark.parametrize(
    ("members", "delegates", "able"),
    [
        ([A, B], [(1, A, "a")], 1),  # nobody acts for B
        ([A, B], [(1, A, "a"), (2, B, "a")], 0),  # one person for both
        ([A, B], [(1, A, "a"), (2, B, None)], 1),  # a machine among several members
        ([A], [(1, A, "a"), (2, A, "b")], 1),
        ([], [], 0),
    ],
)
def test_deploy__fewer_able_members_than_the_threshold__denied(members, delegates, able):
    given = [(str(accounts[n]), member, person(p) if p else NONE) for n, member, p in delegates]
    with reverts("Council_NotAble", able, 2):
        Council.deploy(members, given, RULES, {"from": accounts[0]})


def test_deploy__wrong_code__denied():
    wrong = A[:17] + (b"1" if A[17:18] != b"1" else b"2") + A[18:]
    with reverts("Council_CodeInvalid", wrong, 4):
        Council.deploy([wrong], [(str(accounts[1]), wrong, NONE)], ONE, {"from": accounts[0]})


# Members and rules


def test_members__changed_from_outside__denied(house, council):
    me = {"from": house.a}
    for call in (
        lambda: council.addMember(D, me),
        lambda: council.removeMember(A, me),
        lambda: council.appointDelegate(house.spare, A, NONE, me),
        lambda: council.endDelegate(house.a, me),
        lambda: council.setRules(RULES, me),
        lambda: council.endPause(me),
        lambda: council.nameContract(digest("x"), house.departments, me),
        lambda: council.pinTrustFile(digest("x"), 1, me),
    ):
        with reverts("Council_NotCouncil", house.a):
            call()


def test_members__one_added_with_its_delegate_and_new_rules__done(house, council):
    tx = house.pass_(
        house.own("setRules", (4, 3, 0, EXPIRY)),
        house.own("addMember", D),
        house.own("appointDelegate", house.spare, D, person("d")),
    )
    assert [e.name for e in tx.events] == ["RulesChanged", "MemberAdded", "DelegateAppointed", "Executed"]
    assert set(plain(council.members())) == {A, B, C, D}
    assert plain(council.rules()) == (4, 3, 0, EXPIRY)


def test_members__same_again__nothing_but_executed(house, council):
    tx = house.pass_(
        house.own("setRules", RULES),
        house.own("addMember", A),
        house.own("removeMember", D),
        house.own("appointDelegate", house.a, A, person("a")),
        house.own("endDelegate", house.spare),
        house.own("endPause"),
    )
    assert [e.name for e in tx.events] == ["Executed"]


def test_members__one_removed__its_delegates_end_too(house, council):
    tx = house.pass_(house.own("removeMember", C))
    assert [e.name for e in tx.events] == ["DelegateEnded", "DelegateEnded", "MemberRemoved", "Executed"]
    assert plain(council.delegateOf(house.c)) == (NONE, NONE)
    with reverts("Council_NotDelegate", house.c):
        council.propose(new_id(), [house.admit()], NONE, {"from": house.c})


@pytest.mark.parametrize(
    ("calls", "refusal"),
    [
        ([("removeMember", C), ("removeMember", B)], ("Council_NotAble", 1, 2)),
        ([("setRules", (4, 1, 0, DAY))], ("Council_NotAble", 3, 4)),
        ([("addMember", b"1".ljust(32, b"\0"))], ("Council_CodeInvalid", b"1".ljust(32, b"\0"), 1)),
        ([("appointDelegate", "spare", D, NONE)], ("Council_NotMember", D)),
        ([("appointDelegate", "b", A, NONE)], ("Council_DelegateOfOther", "b", B)),
        ([("appointDelegate", "0x" + "00" * 20, A, NONE)], ("Council_DelegateInvalid", "0x" + "00" * 20)),
        ([("appointDelegate", "council", A, NONE)], ("Council_DelegateInvalid", "council")),
        ([("setRules", (2, 2, 0, DAY))], ("Council_RulesInvalid", 2, 2, 0, DAY)),
        ([("nameContract", NONE, "council")], ("Council_NameEmpty",)),
        ([("nameContract", A, "spare")], ("Council_NoCode", "spare")),
        ([("pinTrustFile", NONE, 1)], ("Council_TrustFileInvalid", NONE, 1, 0)),
        ([("pinTrustFile", A, 0)], ("Council_TrustFileInvalid", A, 0, 0)),
    ],
)
def test_members__what_the_rules_forbid__denied(house, council, calls, refusal):
    def real(value):
        return str(getattr(house, value)) if isinstance(value, str) and not value.startswith("0x") else value

    made_of = [house.own(name, *map(real, args)) for name, *args in calls]
    made = house.propose(*made_of)
    house.approve(made, house.b)
    wait(DELAY)
    with reverts(refusal[0], *map(real, refusal[1:])):
        council.execute(made, made_of, {"from": house.a})


def test_delegates__more_than_eight_of_one_member__denied(house, council):
    calls = [house.own("appointDelegate", f"0x{n:040x}", C, person(str(n))) for n in range(1, 8)]
    made = house.propose(*calls)
    house.approve(made, house.b)
    wait(DELAY)
    with reverts("Council_TooMany", 8):
        council.execute(made, calls, {"from": house.a})


def test_departments__handed_over_in_two_steps__the_new_council_owns_them(house, council):
    newer = alone()
    departments = house.departments
    house.pass_((str(departments), departments.transferOwnership.encode_input(newer)))
    assert departments.owner() == council
    accept = [(str(departments), departments.acceptOwnership.encode_input())]
    newer.enact(new_id(), accept, NONE, {"from": accounts[1]})
    assert departments.owner() == newer


def test_departments__from_an_account_to_the_council__done(house, council):
    departments = Departments.deploy(house.stranger, {"from": accounts[0]})
    departments.transferOwnership(council, {"from": house.stranger})
    house.pass_((str(departments), departments.acceptOwnership.encode_input()))
    assert departments.owner() == council


# Registry


def test_name__two_versions__newest_in_force_and_both_readable(house, council):
    name = b"Departments".ljust(32, b"\0")
    with reverts("Council_NameUnknown", name):
        council.contractOf(name)
    first = house.pass_(house.own("nameContract", name, house.departments))
    assert dict(first.events["ContractNamed"]) == {
        "name": "0x" + name.hex(),
        "account": str(house.departments),
        "version": 1,
        "codeHash": "0x" + code_hash(house.departments).hex(),
    }
    newer = Departments.deploy(council, {"from": accounts[0]})
    again = house.pass_(house.own("nameContract", name, newer), house.own("nameContract", name, newer))
    assert [e.name for e in again.events] == ["ContractNamed", "Executed"]
    assert council.contractOf(name) == newer
    assert plain(council.versions(name)) == (
        (str(house.departments), first.block_number, first.timestamp, code_hash(house.departments)),
        (str(newer), again.block_number, again.timestamp, code_hash(newer)),
    )


def test_pin__sequences_rise__done_noop_denied(house, council):
    tx = house.pass_(house.own("pinTrustFile", digest("1"), 1), house.own("pinTrustFile", digest("1"), 1))
    assert [e.name for e in tx.events] == ["TrustFilePinned", "Executed"]
    assert dict(tx.events["TrustFilePinned"]) == {"sequence": 1, "hash": "0x" + digest("1").hex()}
    house.pass_(house.own("pinTrustFile", digest("5"), 5))
    assert plain(council.pinnedTrustFiles()) == (1, 5)
    assert council.trustFile(1) == "0x" + digest("1").hex()
    assert council.trustFile(2) == "0x" + NONE.hex()
    for hash_, sequence in ((digest("x"), 5), (digest("x"), 3), (digest("1"), 1)):
        calls = [house.own("pinTrustFile", hash_, sequence)]
        made = house.propose(*calls)
        house.approve(made, house.b)
        wait(DELAY)
        with reverts("Council_TrustFileInvalid", hash_, sequence, 5):
            council.execute(made, calls, {"from": house.a})
