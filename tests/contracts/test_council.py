"""Council: proposals, members and rules, pause, registry. Done, no-op, denied."""

from __future__ import annotations

import pytest
from brownie import Council, Departments, accounts
from council_world import (
    ANYTHING,
    DAY,
    DELAY,
    EXPIRY,
    ONE,
    RULES,
    A,
    B,
    C,
    D,
    House,
    alone,
    code_hash,
    new_id,
    person,
)
from world import NONE, digest, emitted, now, plain, reverts, unchanged, wait

YEAR = 365 * DAY


@pytest.fixture(scope="module")
def house(module_isolation):
    return House()


@pytest.fixture(scope="module")
def council(house):
    return house.council


def standing(council, made) -> tuple[int, int]:
    """(approvals that count, executable from)"""
    found = council.proposal(made)
    return found["approvals"], found["executableFrom"]


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


# Proposals


def test_proposal__two_members_and_the_delay__done_then_noop(house, council):
    calls, made = [house.admit()], new_id()
    tx = council.propose(made, calls, ANYTHING, {"from": house.a})
    assert tx.return_value is True
    assert [e.name for e in tx.events] == ["Proposed", "Approved"]
    proposed = tx.events["Proposed"]
    assert (proposed["id"], proposed["member"], proposed["delegate"]) == ("0x" + made.hex(), "0x" + A.hex(), house.a)
    assert proposed["basis"] == "0x" + ANYTHING.hex()
    assert proposed["expiresAt"] == tx.timestamp + EXPIRY
    assert plain(proposed["calls"])[0][0] == str(house.departments)
    assert unchanged(council.propose(made, calls, ANYTHING, {"from": house.b}))
    assert standing(council, made) == (1, 0)
    approved = house.approve(made, house.b)
    assert emitted(approved, "Approved", id=made, member=B, delegate=house.b)
    assert unchanged(house.approve(made, house.b2))
    assert standing(council, made) == (2, approved.timestamp + DELAY)
    with reverts("Council_DelayRuns", made, approved.timestamp + DELAY):
        council.execute(made, calls, {"from": house.c})
    wait(DELAY)
    tx = council.execute(made, calls, {"from": house.c})
    assert tx.return_value is True
    assert [e.name for e in tx.events] == ["DepartmentAdmitted", "Executed"]
    assert house.departments.department(D)["admitted"]
    assert unchanged(council.execute(made, calls, {"from": house.a}))
    assert council.proposal(made)["executedAt"] == tx.timestamp
    assert plain(council.approvals(made))[0] == (str(house.a), A, proposed["expiresAt"] - EXPIRY, True)


def test_proposal__by_a_stranger__denied_at_every_step(house, council):
    made = house.propose(house.admit())
    me, content = {"from": house.stranger}, council.proposal(made)["content"]
    for call in (
        lambda: council.propose(made, [house.admit()], ANYTHING, me),
        lambda: council.enact(made, [house.admit()], ANYTHING, me),
        lambda: council.approve(made, content, me),
        lambda: council.withdrawApproval(made, me),
        lambda: council.execute(made, [house.admit()], me),
        lambda: council.pause(1, NONE, me),
    ):
        with reverts("Council_NotDelegate", house.stranger):
            call()


def test_propose__nothing_no_id_or_no_code__denied(house, council):
    with reverts("Council_IdZero"):
        council.propose(NONE, [house.admit()], NONE, {"from": house.a})
    with reverts("Council_CallsEmpty"):
        council.propose(new_id(), [], NONE, {"from": house.a})
    with reverts("Council_NoCode", house.stranger):
        council.propose(new_id(), [house.admit(), (str(house.stranger), b"")], NONE, {"from": house.a})


def test_proposal__another_content_under_the_id__denied_at_every_step(house, council):
    calls, other = [house.admit()], [house.admit(C)]
    made = house.propose(*calls)
    known, found = council.contentOf(calls, ANYTHING), council.contentOf(other, ANYTHING)
    with reverts("Council_ContentDiffers", made, known, found):
        council.propose(made, other, ANYTHING, {"from": house.b})
    with reverts("Council_ContentDiffers", made, known, council.contentOf(calls, NONE)):
        council.propose(made, calls, NONE, {"from": house.b})
    with reverts("Council_ContentDiffers", made, known, found):
        council.approve(made, found, {"from": house.b})
    house.approve(made, house.b)
    wait(DELAY)
    with reverts("Council_ContentDiffers", made, known, found):
        council.execute(made, other, {"from": house.b})


def test_proposal__unknown__denied(house, council):
    made = new_id()
    for call in (
        lambda: council.approve(made, NONE, {"from": house.a}),
        lambda: council.withdrawApproval(made, {"from": house.a}),
        lambda: council.execute(made, [], {"from": house.a}),
        lambda: council.proposal(made),
        lambda: council.approvals(made),
    ):
        with reverts("Council_ProposalUnknown", made):
            call()


def test_proposal__same_person_for_two_members__counts_once(house, council):
    house.pass_(house.own("appointDelegate", house.spare, B, person("a")))
    made = house.propose(house.admit())
    with reverts("Council_PersonCounted", made, house.spare, A):
        house.approve(made, house.spare)
    house.approve(made, house.b)
    assert standing(council, made)[0] == 2


def test_proposal__a_machine_among_several_members__denied(house, council):
    with reverts("Council_PersonNeeded", house.machine):
        council.propose(new_id(), [house.admit()], NONE, {"from": house.machine})
    made = house.propose(house.admit(), by=house.b)
    with reverts("Council_PersonNeeded", house.machine):
        house.approve(made, house.machine)
    with reverts("Council_PersonNeeded", house.machine):
        council.pause(1, NONE, {"from": house.machine})


def test_execute__too_few_approvals__denied(house, council):
    made = house.propose(house.admit())
    wait(DELAY)
    with reverts("Council_ApprovalsMissing", made, 1, 2):
        council.execute(made, [house.admit()], {"from": house.a})


def test_withdraw__own_approval__done_then_noop_and_the_delay_begins_anew(house, council):
    made = house.propose(house.admit())
    house.approve(made, house.b)
    wait(DELAY)
    tx = council.withdrawApproval(made, {"from": house.a2})
    assert emitted(tx, "ApprovalWithdrawn", id=made, member=A, delegate=house.a2)
    assert unchanged(council.withdrawApproval(made, {"from": house.a}))
    assert standing(council, made) == (1, 0)
    with reverts("Council_ApprovalsMissing", made, 1, 2):
        council.execute(made, [house.admit()], {"from": house.a})
    again = house.approve(made, house.c)
    with reverts("Council_DelayRuns", made, again.timestamp + DELAY):
        council.execute(made, [house.admit()], {"from": house.a})
    assert [a[1] for a in plain(council.approvals(made))] == [B, C]


def test_proposal__after_its_end__denied(house, council):
    made = house.propose(house.admit())
    house.approve(made, house.b)
    end = council.proposal(made)["expiresAt"]
    wait(EXPIRY)
    with reverts("Council_Expired", made, end):
        council.execute(made, [house.admit()], {"from": house.a})
    with reverts("Council_Expired", made, end):
        house.approve(made, house.c)


def test_proposal__executed__takes_no_approval_and_gives_none_back(house, council):
    made = house.propose(house.admit())
    house.approve(made, house.b)
    wait(DELAY)
    council.execute(made, [house.admit()], {"from": house.a})
    assert unchanged(house.approve(made, house.a))
    with reverts("Council_AlreadyExecuted", made):
        house.approve(made, house.c)
    with reverts("Council_AlreadyExecuted", made):
        council.withdrawApproval(made, {"from": house.a})


def test_execute__one_call_refuses__none_takes_effect_and_its_error_is_told(house, council):
    bad = (str(house.departments), house.departments.suspend.encode_input(C, 1, NONE))
    calls = [house.admit(), bad]
    made = house.propose(*calls)
    house.approve(made, house.b)
    wait(DELAY)
    with reverts("Departments_NotAdmitted", C):
        council.execute(made, calls, {"from": house.a})
    assert not house.departments.department(D)["admitted"]
    assert council.proposal(made)["executedAt"] == 0


def test_execute__a_call_fails_without_a_reason__told_which(house, council):
    calls = [house.admit(), (str(house.departments), b"\x01\x02\x03\x04")]
    made = house.propose(*calls)
    house.approve(made, house.b)
    wait(DELAY)
    with reverts("Council_CallFailed", 1, house.departments):
        council.execute(made, calls, {"from": house.a})


def test_proposal__delegate_ended_or_appointed_anew__its_approval_no_longer_counts(house, council):
    made = house.propose(house.admit())
    house.approve(made, house.b)
    house.pass_(house.own("appointDelegate", house.b, B, person("b, married")), house.own("endDelegate", house.a))
    assert standing(council, made) == (0, 0)
    assert [a[3] for a in plain(council.approvals(made))] == [False, False]
    house.approve(made, house.b)
    house.approve(made, house.a2)
    assert [a[:2] for a in plain(council.approvals(made))] == [(str(house.b), B), (str(house.a2), A)]
    assert standing(council, made)[0] == 2


def test_proposal__threshold_lowered__the_delay_begins_with_the_new_rules(house, council):
    made = house.propose(house.admit())
    tx = house.pass_(house.own("setRules", (1, 1, DELAY, EXPIRY)))
    assert standing(council, made) == (1, tx.timestamp + DELAY)
    with reverts("Council_DelayRuns", made, tx.timestamp + DELAY):
        council.execute(made, [house.admit()], {"from": house.a})


def test_enact__alone_without_delay__done_then_noop(house):
    council = alone()
    departments = Departments.deploy(council, {"from": accounts[0]})
    calls = [(str(departments), departments.admit.encode_input(code, 420000, NONE)) for code in (B, C, D)]
    made = new_id()
    tx = council.enact(made, calls, NONE, {"from": accounts[1]})
    assert tx.return_value is True
    assert [e.name for e in tx.events] == ["Proposed", "Approved", *["DepartmentAdmitted"] * 3, "Executed"]
    assert unchanged(council.enact(made, calls, NONE, {"from": accounts[1]}))
    with reverts("Council_ContentDiffers", made, council.contentOf(calls, NONE), council.contentOf(calls, ANYTHING)):
        council.enact(made, calls, ANYTHING, {"from": accounts[1]})


def test_enact__proposed_before__goes_on_from_there(house):
    council = alone()
    departments = Departments.deploy(council, {"from": accounts[0]})
    calls, made = [(str(departments), departments.admit.encode_input(D, 420000, NONE))], new_id()
    council.propose(made, calls, NONE, {"from": accounts[1]})
    tx = council.enact(made, calls, NONE, {"from": accounts[1]})
    assert [e.name for e in tx.events] == ["DepartmentAdmitted", "Executed"]


def test_enact__where_others_must_approve__denied(house, council):
    made = new_id()
    with reverts("Council_ApprovalsMissing", made, 1, 2):
        council.enact(made, [house.admit()], NONE, {"from": house.a})


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


# Pause


def test_pause__one_member_of_three__begins_lapses_and_not_again_within_thirty_days(house, council):
    tx = council.pause(3, ANYTHING, {"from": house.a})
    assert tx.return_value is True
    assert [e.name for e in tx.events] == ["PauseRequested", "Paused"]
    assert dict(tx.events["PauseRequested"]) == {
        "member": "0x" + A.hex(),
        "delegate": house.a,
        "reason": 3,
        "basis": "0x" + ANYTHING.hex(),
    }
    assert council.paused()
    assert plain(council.lastPause()) == (tx.timestamp, tx.timestamp + 7 * DAY)
    assert unchanged(council.pause(3, ANYTHING, {"from": house.a}))
    assert unchanged(council.pause(3, ANYTHING, {"from": house.b}))
    wait(7 * DAY)
    assert not council.paused()
    with reverts("Council_PauseTooSoon", A, tx.timestamp + 30 * DAY):
        council.pause(3, ANYTHING, {"from": house.a2})
    assert council.pause(3, ANYTHING, {"from": house.b}).return_value is True
    wait(23 * DAY)
    assert council.pause(3, ANYTHING, {"from": house.a}).return_value is True
    assert council.pauseRequestedAt(A) == now()


def test_pause__departments_of_the_council__know_and_admit_nobody(house, council):
    assert not house.departments.isPaused()
    council.pause(3, ANYTHING, {"from": house.a})
    assert house.departments.isPaused()
    made = house.propose(house.admit())
    house.approve(made, house.b)
    wait(DELAY)
    with reverts("Departments_Paused"):
        council.execute(made, [house.admit()], {"from": house.c})
    wait(7 * DAY)
    assert not house.departments.isPaused()
    assert council.execute(made, [house.admit()], {"from": house.c}).return_value is True


def test_pause__ended_by_the_council__done(house, council):
    council.pause(3, ANYTHING, {"from": house.a})
    tx = house.pass_(house.own("endPause"))
    assert [e.name for e in tx.events] == ["PauseEnded", "Executed"]
    assert not council.paused()
    assert council.lastPause()["until"] == tx.timestamp


@pytest.fixture(scope="module")
def careful(house, module_isolation):
    """Three of three decide, two pause."""
    delegates = [(str(a), m, person(n)) for a, m, n in ((house.a, A, "a"), (house.b, B, "b"), (house.c, C, "c"))]
    delegates += [(str(house.b2), B, person("a")), (str(house.a2), A, person("a2"))]
    return Council.deploy([A, B, C], delegates, (3, 2, 0, EXPIRY), {"from": accounts[0]})


def test_pause__two_needed__second_within_a_day_begins_it(house, careful):
    tx = careful.pause(1, NONE, {"from": house.a})
    assert emitted(tx, "PauseRequested", member=A)
    assert unchanged(careful.pause(1, NONE, {"from": house.a}))
    assert not careful.paused()
    with reverts("Council_PersonCounted", NONE, house.b2, A):
        careful.pause(1, NONE, {"from": house.b2})
    assert careful.pause(1, NONE, {"from": house.b}).events["Paused"]
    assert careful.paused()


def test_pause__second_after_a_day__doesnt_begin_it(house, careful):
    careful.pause(1, NONE, {"from": house.a})
    wait(DAY)
    careful.pause(1, NONE, {"from": house.b})
    assert not careful.paused()
    with reverts("Council_PauseTooSoon", A, careful.pauseRequestedAt(A) + 30 * DAY):
        careful.pause(1, NONE, {"from": house.a})
    careful.pause(1, NONE, {"from": house.c})
    assert careful.paused()


def test_pause__request_of_a_pause_that_was__doesnt_count_for_the_next(house, careful):
    careful.pause(1, NONE, {"from": house.a})
    careful.pause(1, NONE, {"from": house.b})
    calls, made = [(str(careful), careful.endPause.encode_input())], new_id()
    careful.propose(made, calls, NONE, {"from": house.a})
    for delegate in (house.b, house.c):
        careful.approve(made, careful.contentOf(calls, NONE), {"from": delegate})
    careful.execute(made, calls, {"from": house.a})
    careful.pause(1, NONE, {"from": house.c})
    assert not careful.paused()


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
