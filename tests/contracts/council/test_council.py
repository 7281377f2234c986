"""Council: proposals, from the first word to the act. Done, no-op, denied."""

from __future__ import annotations

from brownie import Departments, accounts
from council_world import (
    ANYTHING,
    DELAY,
    EXPIRY,
    A,
    B,
    C,
    D,
    alone,
    new_id,
    person,
)
from world import NONE, emitted, plain, reverts, unchanged, wait


def standing(council, made) -> tuple[int, int]:
    """(approvals that count, executable from)"""
    found = council.proposal(made)
    return found["approvals"], found["executableFrom"]


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
