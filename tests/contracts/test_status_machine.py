"""CertificateStatus beside its Python twin, ledger.statuses: the same steps, the same answers, at every instant.

Hypothesis draws departments, decisions (wrong ones too, first ones by the competent department with the disclosure of
`type` too), annulments, successions and waiting; after each step both histories, the
state now and at instants around every decision are compared. A refusal of one must be the other's refusal.
"""

from __future__ import annotations

import pytest
from brownie import CertificateStatus
from certificates import EMPTY, KEYS, SIZE, TREE, UNTYPED, proof, type_proof
from hypothesis import strategies as st
from hypothesis.stateful import (
    initialize,
    invariant,
    precondition,
    rule,
)
from machines import TakenBack, drive, turn_suspension
from mining import ask, transact
from world import COMPETENT, ISSUER, NONE, OTHER, digest, key_of, left, now, plain

from ledger.errors import ChuzhengError
from ledger.statuses import (
    Decider,
    Decision,
    DecisionCode,
    NewDecision,
    annul,
    check_annulment,
    check_move,
    decide,
    status_at,
)

KEY = KEYS[0]
"""The one whose type can be proven."""
DEPARTMENTS = (ISSUER, COMPETENT, OTHER)
# What the twin refuses with, and the contract's error for it.
ERRORS = {
    "status.type_not_proven": "TypeNotProven",
    "status.not_entitled": "NotEntitled",
    "status.department_suspended": "DepartmentSuspended",
    "status.decision_annulled": "DecisionAnnulled",
    "status.until_unexpected": "UntilUnexpected",
    "status.until_invalid": "UntilInvalid",
    "status.ends_unexpected": "EndsUnexpected",
    "status.move_not_allowed": "MoveNotAllowed",
    "status.nothing_to_end": "NothingToEnd",
    "status.not_decider": "NotDecider",
    "status.decision_unknown": "DecisionUnknown",
}


class StatusMachine(TakenBack):
    world = None
    log = None
    newer = None
    """Made with the address of the first, and not named yet."""

    def __init__(self) -> None:
        super().__init__()
        self.status = self.world.status
        self.history: tuple[Decision, ...] = ()
        self.proven = False
        self.suspended: frozenset[str] = frozenset()
        self.succeeded: dict[str, str] = {}

    # What both sides are asked

    def decider(self, department: str) -> Decider:
        return Decider(
            department=department,
            owner=department == self.carrier(ISSUER),
            competent=(department == self.carrier(COMPETENT)) if self.proven else None,
            suspended=department in self.suspended,
            succeeds=frozenset(old for old, to in self.succeeded.items() if to == department),
        )

    def carrier(self, department: str) -> str:
        return self.succeeded.get(department, department)

    def is_gone(self, department: str, error: str | None) -> bool:
        """A department that was succeeded is refused before anything else is looked at."""
        assert (error == "Succeeded") == (department in self.succeeded), (department, error)
        return department in self.succeeded

    def send(self, function, department: str, *args) -> tuple[str | None, int | None, int]:
        """(custom error or None, returned word or None, time of the block), as one mined transaction told them."""
        return transact(function, self.world.operators[department], *args)

    @initialize(
        code=st.sampled_from([2, 2, 5, 6, 3]),
        since=st.sampled_from([0, 1000]),
        by=st.sampled_from([ISSUER, ISSUER, COMPETENT]),
    )
    def first(self, code: int, since: int, by: str) -> None:
        self.begins(by, code, since, typed=True)

    @rule(department=st.sampled_from(DEPARTMENTS), code=st.sampled_from([2, 3, 4]), typed=st.booleans())
    def begins_again(self, department: str, code: int, typed: bool) -> None:
        self.begins(department, code, 0, typed=typed)

    def begins(self, department: str, code: int, since: int, *, typed: bool) -> None:
        """decideFirst, also where there are decisions: it is a later one then."""
        given = (code, 0, since, NONE, NONE, 0, 0)
        shown = type_proof() if typed else UNTYPED
        error, done, at = self.send(self.status.decideFirst, department, KEY, given, proof(self.log, 0), shown)
        if self.is_gone(department, error):
            return
        before = self.proven
        # Looked at only where it is needed, and kept only if the decision stands.
        self.proven = before or (typed and not self.decider(department).owner)
        new = NewDecision(DecisionCode(code), effective_from=since)
        try:
            repeated = check_move(self.history, new, self.decider(department), at)
        except ChuzhengError as refused:
            assert error == ERRORS[refused.code], (refused, error)
            self.proven = before
            return
        assert (error, done) == (None, repeated is None)
        self.history = decide(self.history, new, self.decider(department), at)

    @rule(
        department=st.sampled_from([ISSUER, ISSUER, COMPETENT, OTHER]),
        code=st.sampled_from([1, 1, 1, 2, 2, 2, 3, 4, 5, 6, 6, 7, 8, 9, 10]),
        cause=st.integers(0, 1),
        ago=st.sampled_from([None, 0, 50, 500]),
        basis=st.sampled_from([NONE, digest("a")]),
        lasts=st.sampled_from([None, None, None, 0, 30, 5000]),
        ends=st.sampled_from([None, None, 1, 2, 3]),
        which=st.integers(0, 5),
    )
    def decides(self, department, code, cause, ago, basis, lasts, ends, which) -> None:
        since = 0 if ago is None else now() - ago
        until = since + lasts if lasts is not None and code in (2, 3) else 0
        # Mostly what exists, so that resumptions happen; sometimes where it doesn't belong.
        names = (which % len(self.history)) + 1 if code == 1 and ends is None else (ends or 0) if code in (1, 5) else 0
        given = (code, cause, since, basis, NONE, until, names)
        if code == 8:
            error, done, at = self.send(
                self.status.supersede, department, KEY, given, EMPTY, proof(self.log, 1), UNTYPED
            )
        else:
            error, done, at = self.send(self.status.decide, department, KEY, given)
        if self.is_gone(department, error):
            return
        new = NewDecision(
            code=DecisionCode(code),
            cause=cause,
            effective_from=since,
            basis=basis if basis != NONE else None,
            successor=KEYS[1] if code == 8 else None,
            until=until or None,
            ends=names or None,
        )
        try:
            repeated = check_move(self.history, new, self.decider(department), at)
        except ChuzhengError as refused:
            assert error == ERRORS[refused.code], (refused, error)
            return
        assert (error, done) == (None, repeated is None)
        self.history = decide(self.history, new, self.decider(department), at)

    @rule(department=st.sampled_from(DEPARTMENTS), number=st.integers(0, 6))
    def annuls(self, department: str, number: int) -> None:
        error, done, at = self.send(self.status.annul, department, KEY, number, NONE)
        if self.is_gone(department, error):
            return
        try:
            expected = check_annulment(self.history, number, self.decider(department))
        except ChuzhengError as refused:
            assert error == ERRORS[refused.code], (refused, error)
            return
        assert (error, done) == (None, expected)
        self.history = annul(self.history, number, self.decider(department), at)

    @rule(department=st.sampled_from(DEPARTMENTS))
    def proves_the_type(self, department: str) -> None:
        error, done, _ = self.send(self.status.proveType, department, KEY, type_proof())
        if self.is_gone(department, error):
            return
        assert (error, done) == (None, not self.proven)
        self.proven = True

    @rule(seconds=st.sampled_from([1, 20, 100, 6000]))
    def time_passes(self, seconds: int) -> None:
        ask("evm_increaseTime", hex(seconds))
        ask("evm_mine")

    @precondition(lambda self: self.status is self.world.status)
    @rule(carried=st.booleans())
    def moves_to_a_new_version(self, carried: bool) -> None:
        """Nothing of the history changes by it, and nothing can be added to it in the old contract."""
        error, done, _ = transact(self.status.retire, self.world.council, self.newer, NONE)
        assert (error, done) == (None, True)
        old, self.status = self.status, self.newer
        if carried:
            transact(self.status.carry, self.world.stranger, [KEY])
            given = (3, 0, 0, NONE, NONE, 0, 0)
            for department in set(DEPARTMENTS) - set(self.succeeded):
                assert transact(old.decide, self.world.operators[department], KEY, given)[0] == "Retired"

    @precondition(lambda self: not self.succeeded)
    @rule(old=st.sampled_from([ISSUER, ISSUER, COMPETENT]), to=st.sampled_from([COMPETENT, OTHER]))
    def is_succeeded(self, old: str, to: str) -> None:
        if old == to:
            return
        error, done, _ = transact(self.world.departments.succeed, self.world.council, left(old), left(to), 1, [], NONE)
        assert (error, done) == (None, True)
        self.succeeded[old] = to

    @rule(department=st.sampled_from([ISSUER, COMPETENT]))
    def suspension_of_a_department_turns(self, department: str) -> None:
        self.suspended = turn_suspension(self.world, department, self.suspended)

    @invariant()
    def same_history(self) -> None:
        kept = tuple(
            (
                d.number,
                int(d.code),
                d.cause,
                left(d.department),
                d.effective_from,
                d.recorded_at,
                d.basis or NONE,
                d.successor or NONE,
                d.until or 0,
                d.ends or 0,
                d.annulled_at or 0,
            )
            for d in self.history
        )
        assert plain(self.status.decisions(KEY)) == kept

    @invariant()
    def same_answers(self) -> None:
        if not self.history:
            return
        latest = self.history[-1]
        instants = {0, now(), now() + 6000, latest.effective_from, latest.effective_from - 1, latest.until or 0}
        for instant in {t for t in instants if t >= 0}:
            for known in (now(), latest.recorded_at - 1):
                found = status_at(self.history, instant, known)
                expected = (int(found.code), found.number) if found else (0, 0)
                assert plain(self.status.statusAt(KEY, instant, known)) == expected, (instant, known)


def test_status_machine__any_steps__contract_and_twin_agree(world) -> None:
    log = world.open()
    world.log.anchor(log, SIZE, TREE.root(SIZE), [], {"from": world.issuer})
    StatusMachine.world, StatusMachine.log = world, log
    StatusMachine.newer = CertificateStatus.deploy(world.departments, world.log, world.status, {"from": world.council})
    drive(StatusMachine, share=2)  # each has two contracts


def test_twin__key__is_the_contract_s() -> None:
    assert pytest.importorskip("notary.entry").status_key(ISSUER, TREE.entries[0][28:60]) == KEY
    assert key_of(ISSUER, TREE.entries[0][28:60]) == KEY
