"""`status_at`: what was in force at a time as known at another; any acts beside the definition, word by word."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from ledger.errors import ChuzhengError, ConflictError, DeniedError, NotFoundError
from ledger.statuses import (
    MOVES,
    Decider,
    Decision,
    DecisionCode,
    annul,
    check_move,
    decide,
    legal_moves,
    standing,
    status_at,
)
from tests.unit.ledger.deciding import COMPETENT, OTHER, OWNER, C, history_in, new, t


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
