"""The Council's twin: what counts, when a proposal may be executed, what keeps it from locking itself out, pauses."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ledger.council import (
    DAY,
    NO_ID,
    PAUSE,
    PAUSE_AGAIN,
    PAUSE_WINDOW,
    AddMember,
    AppointDelegate,
    Delegate,
    Elsewhere,
    EndDelegate,
    EndPause,
    NameContract,
    PinTrustFile,
    RemoveMember,
    Rules,
    SetRules,
)
from ledger.council_moves import (
    Council,
    approve,
    counts,
    enact,
    execute,
    found,
    is_paused,
    pause,
    propose,
    standing,
    withdraw_approval,
)
from ledger.errors import ChuzhengError, ConflictError
from ledger.types import Address, BlockTime, ChainHash, DepartmentCode, Digest

A, B, C = map(DepartmentCode, ("114200000099912773", "11420000009991840C", "11420000MB9419465B"))
ME = Address("0x" + "ee" * 20)
DELAY, EXPIRY = 3_600, 14 * DAY
RULES = Rules(2, 1, DELAY, EXPIRY)
START = BlockTime(1_790_000_000)
ID, CONTENT, OTHER = (Digest(bytes([n]) * 32) for n in (1, 2, 3))
NOTHING = (Elsewhere(),)


def account(name: str) -> Address:
    return Address("0x" + name.encode().hex().rjust(40, "0"))


def person(name: str) -> Digest:
    return Digest(name.encode().ljust(32, b"p"))


def later(seconds: int) -> BlockTime:
    return BlockTime(START + seconds)


@pytest.fixture
def council() -> Council:
    """`a`, `b`, `c` for their members; `a's twin` for B with the person of `a`; `m` a machine for A."""
    people = {"a": A, "b": B, "c": C}
    delegates = [Delegate(account(n), member, person(n)) for n, member in people.items()]
    delegates += [Delegate(account("at"), B, person("a")), Delegate(account("m"), A, None)]
    return found(ME, (A, B, C), delegates, RULES, START)


def under_way(council: Council, *by: str) -> Council:
    """A proposal of the first, approved by the others a second later each."""
    council = propose(council, ID, CONTENT, NOTHING, by=account(by[0]), now=START)
    for n, name in enumerate(by[1:], 1):
        council = approve(council, ID, CONTENT, by=account(name), now=later(n))
    return council


def done(council: Council, *acts: object, at: int = DELAY + 10) -> Council:
    """The council after a proposal of these acts went all the way, in `at` seconds."""
    made = Digest(bytes([9]) * 31 + bytes([len(council.cases)]))
    now = later(at - DELAY)
    council = propose(council, made, CONTENT, acts, by=account("a"), now=now)  # type: ignore[arg-type]
    council = approve(council, made, CONTENT, by=account("b"), now=now)
    return execute(council, made, CONTENT, acts, by=account("a"), now=later(at), block=7)  # type: ignore[arg-type]


def refusal(call: Callable[[], object]) -> str:
    with pytest.raises(ChuzhengError) as caught:
        call()
    return caught.value.code.removeprefix("council.")


def test_standing__each_set_of_approvals__from_the_one_that_was_needed(council: Council) -> None:
    expected = {("a",): (1, None), ("a", "b"): (2, later(1 + DELAY)), ("a", "b", "c"): (3, later(1 + DELAY))}
    for by, told in expected.items():
        after = under_way(council, *by)
        assert standing(after, after.cases[ID]) == told


def test_execute__before_and_at_the_end_of_the_delay(council: Council) -> None:
    after = under_way(council, "a", "b")

    def at(seconds: int) -> Council:
        return execute(after, ID, CONTENT, NOTHING, by=account("c"), now=later(seconds), block=1)

    assert refusal(lambda: at(DELAY)) == "delay_runs"
    assert at(DELAY + 1).cases[ID].executed_at == later(DELAY + 1)
    assert refusal(lambda: at(EXPIRY)) == "expired"
    again = at(DELAY + 1)
    assert execute(again, ID, CONTENT, NOTHING, by=account("a"), now=later(EXPIRY), block=1) is again


def test_approve__same_member_same_person_or_a_machine(council: Council) -> None:
    after = under_way(council, "a")
    assert approve(after, ID, CONTENT, by=account("a"), now=START) is after
    assert refusal(lambda: approve(after, ID, CONTENT, by=account("at"), now=START)) == "person_counted"
    assert refusal(lambda: approve(after, ID, OTHER, by=account("b"), now=START)) == "content_differs"
    assert refusal(lambda: approve(after, ID, CONTENT, by=account("m"), now=START)) == "person_needed"
    assert refusal(lambda: approve(after, OTHER, CONTENT, by=account("b"), now=START)) == "proposal_unknown"
    assert refusal(lambda: approve(after, ID, CONTENT, by=account("x"), now=START)) == "not_delegate"


def test_withdraw__the_one_that_was_needed__the_delay_begins_anew(council: Council) -> None:
    after = withdraw_approval(under_way(council, "a", "b"), ID, by=account("a"))
    assert standing(after, after.cases[ID]) == (1, None)
    assert withdraw_approval(after, ID, by=account("a")) is after
    after = approve(after, ID, CONTENT, by=account("c"), now=later(99))
    assert standing(after, after.cases[ID]) == (2, later(99 + DELAY))


def test_propose__wrong_or_again(council: Council) -> None:
    after = under_way(council, "a")
    assert propose(after, ID, CONTENT, NOTHING, by=account("b"), now=later(5)) is after
    calls = {
        "content_differs": lambda: propose(after, ID, OTHER, NOTHING, by=account("b"), now=START),
        "id_zero": lambda: propose(after, NO_ID, OTHER, NOTHING, by=account("b"), now=START),
        "calls_empty": lambda: propose(after, OTHER, OTHER, (), by=account("b"), now=START),
        "person_needed": lambda: propose(after, OTHER, OTHER, NOTHING, by=account("m"), now=START),
    }
    for code, call in calls.items():
        assert refusal(call) == code


def test_change__delegate_ended_or_of_another_person__its_approval_no_longer_counts(council: Council) -> None:
    after = done(under_way(council, "a", "b"), EndDelegate(account("a")), AppointDelegate(account("b"), B, person("x")))
    assert [counts(after, kept) for kept in after.cases[ID].approvals] == [False, False]
    after = approve(after, ID, CONTENT, by=account("b"), now=later(DAY))
    assert [kept.at for kept in after.cases[ID].approvals] == [START, later(DAY)]


def test_change__threshold_lowered__the_delay_begins_with_the_rules(council: Council) -> None:
    after = done(under_way(council, "a"), SetRules(Rules(1, 1, DELAY, EXPIRY)), at=DAY)
    assert standing(after, after.cases[ID]) == (1, later(DAY + DELAY))


@pytest.mark.parametrize(
    ("acts", "code"),
    [
        ((RemoveMember(B), RemoveMember(C)), "not_able"),
        ((SetRules(Rules(3, 1, 0, DAY)), EndDelegate(account("c"))), "not_able"),
        ((EndDelegate(account("b")), EndDelegate(account("c"))), "not_able"),  # B has only the person of A's left
        ((SetRules(Rules(2, 2, 0, DAY)),), "rules_invalid"),
        ((SetRules(Rules(2, 1, DAY, DAY)),), "rules_invalid"),
        ((AddMember(DepartmentCode("1" * 18)),), "code_invalid"),
        ((AppointDelegate(account("a"), B, None),), "delegate_of_other"),
        ((AppointDelegate(ME, B, None),), "delegate_invalid"),
        ((RemoveMember(C), AppointDelegate(account("c"), C, None)), "not_member"),
        ((NameContract("X", account("x"), None),), "no_code"),
        ((PinTrustFile(OTHER, 2), PinTrustFile(OTHER, 1)), "trust_file_invalid"),
        ((Elsewhere(ConflictError("departments.other")),), "departments.other"),
    ],
)
def test_execute__one_act_refuses__all_of_it(council: Council, acts: tuple[object, ...], code: str) -> None:
    assert refusal(lambda: done(council, *acts)) == code


def test_execute__what_stands_already__changes_nothing_but_that_it_was_executed(council: Council) -> None:
    hash_ = ChainHash("0x" + "00" * 32)
    named = done(council, NameContract("X", ME, hash_), PinTrustFile(OTHER, 4))
    assert [v.from_block for v in named.versions["X"]] == [7]
    acts = (
        AddMember(A),
        RemoveMember(DepartmentCode("11420000MB9543829Q")),
        AppointDelegate(account("a"), A, person("a")),
        EndDelegate(account("x")),
        SetRules(RULES),
        EndPause(),
        NameContract("X", ME, hash_),
        PinTrustFile(OTHER, 4),
    )
    again = done(named, *acts, at=DAY)
    assert (again.members, again.appointments, again.rules, again.versions, again.trust_files) == (
        named.members,
        named.appointments,
        named.rules,
        named.versions,
        named.trust_files,
    )


def test_enact__alone__at_once_and_also_by_a_machine() -> None:
    alone = found(ME, (A,), (Delegate(account("m"), A, None),), Rules(1, 1, 0, DAY), START)

    def once(council: Council) -> Council:
        return enact(council, ID, CONTENT, NOTHING, by=account("m"), now=START, block=1)

    after = once(alone)
    assert after.cases[ID].executed_at == START
    assert once(after) is after


def test_pause__enough_members_within_a_day__begins_lapses_and_not_again_too_soon(council: Council) -> None:
    of_its_own = AppointDelegate(account("a2"), A, person("a2"))  # A's first one is a delegate of B too
    council = done(council, of_its_own, SetRules(Rules(3, 2, 0, EXPIRY)), at=DELAY)
    begin = DAY

    def asks(council: Council, name: str, at: int) -> Council:
        return pause(council, by=account(name), now=later(begin + at))

    one = asks(council, "a", 0)
    assert not is_paused(one, later(begin))
    assert asks(one, "a", 5) is one
    assert refusal(lambda: asks(one, "at", 5)) == "person_counted"
    assert not is_paused(asks(one, "b", PAUSE_WINDOW), later(begin + PAUSE_WINDOW))
    two = asks(one, "b", PAUSE_WINDOW - 1)
    end = PAUSE_WINDOW - 1 + PAUSE
    assert is_paused(two, later(begin + end - 1))
    assert not is_paused(two, later(begin + end))
    assert asks(two, "c", end - 1) is two
    assert refusal(lambda: asks(two, "a", end)) == "pause_too_soon"
    assert refusal(lambda: asks(two, "a", PAUSE_AGAIN - 1)) == "pause_too_soon"
    assert asks(two, "a", PAUSE_AGAIN).requests[A].at == later(begin + PAUSE_AGAIN)


def test_pause__ended_by_the_council__over(council: Council) -> None:
    paused = pause(council, by=account("a"), now=START)
    assert is_paused(paused, later(DELAY))
    assert not is_paused(done(paused, EndPause()), later(DELAY + 10))
