"""Decisions on certificates: every move of the table, who may take it, and `status_at` against a slow definition."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from ledger.errors import ChuzhengError, ConflictError, DeniedError, InputError, NotFoundError
from ledger.statuses import (
    IN_FORCE,
    MOVES,
    Decider,
    Decision,
    DecisionCode,
    NewDecision,
    annul,
    check_annulment,
    check_move,
    decide,
    legal_moves,
    standing,
    status_at,
)
from ledger.texts import LANGUAGES, error_text
from ledger.types import BlockTime, DepartmentCode, Digest

OWNER = Decider(DepartmentCode("11420503087246977F"), owner=True, competent=False)
COMPETENT = Decider(DepartmentCode("11100000000013338W"), owner=False, competent=True)
OTHER = Decider(DepartmentCode("11430000006122244L"), owner=False, competent=False)
NEXT = Digest(b"\x01" * 32)
C = DecisionCode


def t(seconds: int) -> BlockTime:
    return BlockTime(seconds)


def new(code: int, **members: Any) -> NewDecision:
    if code == C.SUPERSEDED:
        members.setdefault("successor", NEXT)
    return NewDecision(DecisionCode(code), **members)


def history_in(state: int) -> tuple[Decision, ...]:
    """The shortest history at 200 whose state is `state`, by the owner."""
    if state == IN_FORCE:
        return ()
    if state == C.RESUMED:
        return decide(decide((), new(2), OWNER, t(100)), new(1, ends=1), OWNER, t(110))
    return decide((), new(state), OWNER, t(100))


# contracts.md, "Moves", written down again by hand.
LEGAL = {
    0: {2, 3, 4, 5, 6, 7, 8, 9, 10}, 1: {2, 3, 4, 5, 6, 7, 8, 9, 10}, 2: {1, 3, 4, 5, 6, 7, 8, 9, 10}, 3: {4},
    4: set(), 5: {3, 4, 7}, 6: {1, 3, 4, 7}, 7: {4}, 8: set(), 9: {4}, 10: {4},
}  # fmt: skip


@pytest.mark.parametrize("state", range(11))
@pytest.mark.parametrize("code", range(1, 11))
def test_check_move__every_pair__as_the_table_says(state: int, code: int) -> None:
    history = history_in(state)
    decision = new(code, cause=7, ends=1 if code == 1 else None)
    if code in LEGAL[state]:
        assert check_move(history, decision, OWNER, t(200)) is None
        assert code in legal_moves(history, OWNER, t(200))
        return
    with pytest.raises(ConflictError) as caught:
        check_move(history, decision, OWNER, t(200))
    assert caught.value.code == "status.move_not_allowed"
    assert code not in legal_moves(history, OWNER, t(200))


def test_check_move__second_suspension__by_another_department_only() -> None:
    history = history_in(2)
    both = decide(history, new(2, cause=2), COMPETENT, t(200))
    for by in (OWNER, COMPETENT):
        assert C.SUSPENDED not in legal_moves(both, by, t(210))
        with pytest.raises(ConflictError, match=r"status\.move_not_allowed"):
            check_move(both, new(2, cause=9), by, t(210))
    resumed = decide(both, new(1, ends=2), COMPETENT, t(220))
    found = status_at(resumed, t(230), t(230))
    assert found is not None
    assert (found.code, found.number) == (C.SUSPENDED, 1)


def test_check_move__resumption__never_in_front_of_another_suspension() -> None:
    both = decide(history_in(2), new(2), COMPETENT, t(110))
    resumed = decide(both, new(1, ends=1), OWNER, t(120))
    assert [d.number for d in standing(resumed, t(130))] == [2]
    found = status_at(resumed, t(130), t(130))
    assert found is not None
    assert found.number == 2


RESUMING: list[tuple[Decider, int, int | None, type[ChuzhengError] | None, str]] = [
    (OWNER, 1, 1, None, ""),
    (COMPETENT, 1, 1, None, ""),
    (OTHER, 1, 1, DeniedError, "status.not_entitled"),
    (OWNER, 1, None, InputError, "status.ends_unexpected"),
    (OWNER, 1, 2, ConflictError, "status.nothing_to_end"),
    (OWNER, 3, 1, InputError, "status.ends_unexpected"),
]


@pytest.mark.parametrize(("by", "code", "ends", "kind", "error"), RESUMING)
def test_check_move__resuming__names_what_it_ends(
    by: Decider, code: int, ends: int | None, kind: type[ChuzhengError] | None, error: str
) -> None:
    if kind is None:
        assert check_move(history_in(2), new(code, ends=ends), by, t(200)) is None
        return
    with pytest.raises(kind) as caught:
        check_move(history_in(2), new(code, ends=ends), by, t(200))
    assert caught.value.code == error


def test_check_move__owner_on_the_competent_departments_suspension__denied() -> None:
    history = decide(history_in(2), new(1, ends=1), OWNER, t(110))
    history = decide(history, new(2, cause=1), COMPETENT, t(120))
    assert C.RESUMED not in legal_moves(history, OWNER, t(130))
    with pytest.raises(DeniedError, match=r"status\.not_decider"):
        check_move(history, new(1, ends=3), OWNER, t(130))


WHO: list[tuple[int, Decider, str]] = [
    (0, Decider(COMPETENT.department, owner=False), "status.type_not_proven"),
    (0, OTHER, "status.not_entitled"),
    (2, Decider(COMPETENT.department, owner=False), "status.type_not_proven"),
    (2, OTHER, "status.not_entitled"),
    (5, Decider(OWNER.department, owner=True, suspended=True), "status.department_suspended"),
]


@pytest.mark.parametrize(("state", "by", "error"), WHO)
def test_check_move__not_entitled__denied(state: int, by: Decider, error: str) -> None:
    with pytest.raises(DeniedError) as caught:
        check_move(history_in(state), new(7), by, t(200))
    assert caught.value.code == error
    for language in LANGUAGES:
        assert error_text(caught.value, language)
    if error != "status.department_suspended":
        assert legal_moves(history_in(state), by, t(200)) == frozenset()


def test_check_move__competent_department__may_begin() -> None:
    assert check_move((), new(2), COMPETENT, t(200)) is None
    assert decide((), new(2), COMPETENT, t(200))[0].department == COMPETENT.department


CARRIER = Decider(
    DepartmentCode("11430000006122244L"), owner=True, succeeds=frozenset({OWNER.department, COMPETENT.department})
)


def test_check_move__who_succeeded__ends_and_annuls_what_the_old_department_decided() -> None:
    for history in (history_in(2), decide((), new(2), COMPETENT, t(100))):
        assert C.RESUMED in legal_moves(history, CARRIER, t(200))
        assert check_move(history, new(1, ends=1), CARRIER, t(200)) is None
        assert check_annulment(history, 1, CARRIER)
    stranger = Decider(CARRIER.department, owner=True)
    with pytest.raises(DeniedError, match=r"status\.not_decider"):
        check_move(history_in(2), new(1, ends=1), stranger, t(200))


def test_check_move__suspended_department__may_suspend_and_rescind() -> None:
    suspended = Decider(OWNER.department, owner=True, suspended=True)
    assert legal_moves((), suspended, t(200)) == {C.SUSPENDED, C.RESCINDED}
    assert check_move((), new(2), suspended, t(200)) is None
    assert check_move((), new(3), suspended, t(200)) is None


MEMBERS: list[tuple[NewDecision, str]] = [
    (new(3, effective_from=t(201)), "status.effective_later"),
    (new(3, until=t(500)), "status.until_unexpected"),
    (new(2, until=t(90), effective_from=t(90)), "status.until_invalid"),
    (NewDecision(C.SUPERSEDED), "status.successor"),
    (NewDecision(C.LAPSED, successor=NEXT), "status.successor"),
    (NewDecision(11), "status.code_unknown"),  # type: ignore[arg-type]
    (NewDecision(0), "status.code_unknown"),  # type: ignore[arg-type]
]


@pytest.mark.parametrize(("decision", "error"), MEMBERS)
def test_check_move__wrong_member__input_error(decision: NewDecision, error: str) -> None:
    with pytest.raises(InputError) as caught:
        check_move((), decision, OWNER, t(200))
    assert caught.value.code == error
    for language in LANGUAGES:
        assert error_text(caught.value, language)


def test_check_move__sent_again__is_the_earlier_one() -> None:
    history = decide((), new(8), OWNER, t(100))
    assert check_move(history, new(8), OWNER, t(200)) == 1
    assert decide(history, new(8), OWNER, t(200)) == history
    with pytest.raises(ConflictError, match=r"status\.decision_annulled"):
        check_move(annul(history, 1, OWNER, t(150)), new(8), OWNER, t(200))


def test_status_at__suspension_with_an_end__ends_by_itself() -> None:
    history = decide((), new(2, until=t(300)), OWNER, t(100))
    assert status_at(history, t(299), t(999)) == history[0]
    assert status_at(history, t(300), t(999)) is None
    assert check_move(history, new(2, cause=1), OWNER, t(300)) is None
    with pytest.raises(ConflictError, match=r"status\.move_not_allowed"):
        check_move(history, new(1, ends=1), OWNER, t(300))


def test_status_at__backdated__true_since_and_known_since() -> None:
    history = decide((), new(3, effective_from=t(50)), OWNER, t(100))
    assert status_at(history, t(60), t(99)) is None
    assert status_at(history, t(60), t(100)) == history[0]
    assert status_at(history, t(49), t(100)) is None


def test_status_at__annulled__never_made_for_all_dates_once_known() -> None:
    history = annul(decide((), new(3), OWNER, t(100)), 1, OWNER, t(150))
    assert status_at(history, t(120), t(149)) == history[0]
    assert status_at(history, t(120), t(150)) is None
    assert check_move(history, new(7), OWNER, t(160)) is None


def test_status_at__annulled_resumption__the_suspension_stands_again() -> None:
    history = annul(history_in(1), 2, OWNER, t(150))
    assert status_at(history, t(160), t(160)) == history[0]
    assert check_move(history, new(1, cause=101, ends=1), OWNER, t(160)) is None


ANNULLING: list[tuple[int, Decider, type[ChuzhengError] | None]] = [
    (1, OWNER, None),
    (1, COMPETENT, None),
    (1, OTHER, DeniedError),
    (2, OWNER, NotFoundError),
    (0, OWNER, NotFoundError),
    (1, Decider(OWNER.department, owner=True, suspended=True), DeniedError),
]


@pytest.mark.parametrize(("number", "by", "error"), ANNULLING)
def test_check_annulment__cases(number: int, by: Decider, error: type[ChuzhengError] | None) -> None:
    history = history_in(3)
    if error is None:
        assert check_annulment(history, number, by)
        assert not check_annulment(annul(history, number, by, t(120)), number, by)
        assert annul(annul(history, number, by, t(120)), number, by, t(130))[0].annulled_at == 120
    else:
        with pytest.raises(error):
            annul(history, number, by, t(120))


def slow_status_at(decisions: tuple[Decision, ...], time: int, known: int) -> tuple[int, int]:
    """ICertificateStatus, `statusAt`, word by word."""
    counting = [
        d
        for d in decisions
        if d.recorded_at <= known
        and d.effective_from <= time
        and not (d.annulled_at is not None and d.annulled_at <= known)
    ]
    ended = {d.ends for d in counting if d.code == 1} | {
        d.number for d in counting if d.until is not None and d.until <= time
    }
    left = [d for d in counting if d.code != 1 and d.number not in ended] or [d for d in counting if d.code == 1]
    return (int(left[-1].code), left[-1].number) if left else (0, 0)


class Statuses(RuleBasedStateMachine):
    """Any acts by three departments in any order: what is refused changes nothing, what is taken obeys the table."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000
        self.history: tuple[Decision, ...] = ()

    @rule(
        by=st.sampled_from([OWNER, COMPETENT, OTHER]),
        code=st.sampled_from(list(C)),
        back=st.integers(0, 1200),
        lasts=st.none() | st.integers(1, 60),
        ends=st.none() | st.integers(1, 6),
        passes=st.integers(0, 20),
    )
    def decide(
        self, by: Decider, code: DecisionCode, back: int, lasts: int | None, ends: int | None, passes: int
    ) -> None:
        self.now += passes
        since = t(max(0, self.now - back))
        until = t(since + lasts) if lasts and code == C.SUSPENDED else None
        decision = new(code, effective_from=since, until=until, ends=ends if code == C.RESUMED else None)
        before = slow_status_at(self.history, self.now, self.now)
        allowed = legal_moves(self.history, by, t(self.now))
        try:
            after = decide(self.history, decision, by, t(self.now))
        except ChuzhengError:
            return
        if after != self.history:
            assert decision.code in MOVES[before[0]]
            assert decision.code in allowed
            assert by.owner or by.competent
        assert after[: len(self.history)] == self.history
        self.history = after
        assert decide(after, decision, by, t(self.now + 1)) == after

    @precondition(lambda self: self.history)
    @rule(by=st.sampled_from([OWNER, COMPETENT, OTHER]), number=st.integers(1, 6), passes=st.integers(0, 20))
    def annul(self, by: Decider, number: int, passes: int) -> None:
        self.now += passes
        try:
            self.history = annul(self.history, number, by, t(self.now))
        except (DeniedError, NotFoundError):
            return
        assert self.history[number - 1].annulled_at is not None

    @invariant()
    def agrees_with_the_slow_definition(self) -> None:
        instants = {0, self.now, self.now + 100}
        for d in self.history:
            instants |= {d.effective_from, d.recorded_at, d.effective_from - 1, d.until or 0, d.annulled_at or 0}
        for time in instants:
            for known in instants:
                found = status_at(self.history, t(time), t(known))
                assert ((int(found.code), found.number) if found else (0, 0)) == slow_status_at(
                    self.history, time, known
                )

    @invariant()
    def numbers_and_times_rise(self) -> None:
        assert [d.number for d in self.history] == list(range(1, len(self.history) + 1))
        assert all(a.recorded_at <= b.recorded_at for a, b in pairwise(self.history))

    @invariant()
    def one_suspension_a_department(self) -> None:
        suspended = [d.department for d in standing(self.history, t(self.now)) if d.code == C.SUSPENDED]
        annulled = any(d.annulled_at is not None for d in self.history)
        # A resumption that is struck down brings its suspension back, beside a newer one.
        assert annulled or len(suspended) == len(set(suspended))


TestStatuses = Statuses.TestCase


@given(st.integers(0, 2000), st.integers(0, 2000))
def test_status_at__no_decision__in_force(time: int, known: int) -> None:
    assert status_at((), t(time), t(known)) is None
