"""Decisions on certificates: every move of the table, and who may take it."""

from __future__ import annotations

import pytest

from ledger.errors import ChuzhengError, ConflictError, DeniedError, InputError, NotFoundError
from ledger.statuses import (
    Decider,
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
from ledger.types import DepartmentCode
from tests.unit.ledger.deciding import COMPETENT, NEXT, OTHER, OWNER, C, history_in, new, t

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
