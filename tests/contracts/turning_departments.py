"""Departments beside its Python twin, ledger.successions, as state machines turn them: successions with splits,
suspensions, accreditations, waiting. What a step may have changed is compared after it, around all that happened."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule
from machines import TakenBack
from mining import ask, error_name, transact
from world import CODES, COMPETENT, ISSUER, NONE, OTHER, OTHER_TYPE, OUTSIDER, TYPE, digest, left, now, plain

from ledger.departments import Accreditation, DepartmentHistory, Suspension, recognised
from ledger.errors import ChuzhengError
from ledger.successions import Succession, accreditations_of, carrier, succeed, type_part, withdraw

COMPANY, THIRD = CODES[6], CODES[7]
MEMBERS = (ISSUER, OTHER, COMPETENT, THIRD, COMPANY)
ITEM = digest("an item")
PARTS = (ITEM, left(TYPE), left(OTHER_TYPE))


class TurningDepartments(TakenBack):
    """Departments and its twins; rules of this class turn them."""

    world = None
    base: dict[str, DepartmentHistory] = {}  # noqa: RUF012 - set once, never changed

    def __init__(self) -> None:
        super().__init__()
        self.members = dict(self.base)
        self.successions: dict[str, Succession] = {}
        self.held: tuple[Accreditation, ...] = ()
        self.instants = {0, now()}
        self.touched: set[str] = set()
        """What may have changed since it was compared: asking costs more than acting."""

    def send(self, function, sender, *args) -> tuple[str | None, int | None, int]:
        found = transact(function, sender, *args)
        self.instants.add(found[2])
        return found

    def compare(self, sent, twin):
        """What the twin made of it, if both did; None if both refused."""
        error, done, at = sent
        try:
            made = twin(at)
        except ChuzhengError as refused:
            assert error == error_name(refused.code), (refused, error)
            return None
        assert error is None, error
        return made, done

    # Departments

    @rule(
        old=st.sampled_from([COMPETENT, OTHER, ISSUER, THIRD, COMPANY, OUTSIDER]),
        new=st.sampled_from([OTHER, OTHER, COMPETENT, THIRD, ISSUER, COMPANY, OUTSIDER]),
        later=st.sampled_from([0, 50, 5000, 5000]),
        parts=st.lists(
            st.tuples(st.sampled_from([*PARTS, NONE]), st.sampled_from([COMPETENT, THIRD, OTHER])), max_size=2
        ),
        again=st.booleans(),
    )
    def succeeds(self, old, new, later, parts, again) -> None:
        asked = now() + later if later else 0
        if again and (known := self.successions.get(old)):
            new, asked, parts = known.new, known.asked, list(known.parts)
        given = (left(old), left(new), asked, [(what, left(to)) for what, to in parts], NONE)
        sent = self.send(self.world.departments.succeed, self.world.council, *given)
        if old not in self.members:
            assert sent[0] == "NotAdmitted"
            return
        compared = self.compare(
            sent,
            lambda at: succeed(self.members, self.successions, old, new, asked=asked, parts=tuple(parts), now=at),
        )
        if compared is None:
            return
        made, done = compared
        assert done == (made is not None)
        if made is not None:
            self.touched = {"carriers", "accreditations", "keys"}
            self.successions[old] = made
            self.instants.add(made.at)
            kept = self.members[old]
            self.members[old] = DepartmentHistory(
                old, kept.division, kept.admitted_at, kept.suspensions, kept.kind, made.at, made.new
            )

    @rule(code=st.sampled_from(MEMBERS))
    def suspension_turns(self, code: str) -> None:
        self.touched |= {"accreditations"}
        kept = self.members[code]
        departments = self.world.departments
        if kept.suspensions and kept.suspensions[-1].until is None:
            at = self.send(departments.reinstate, self.world.council, left(code), NONE)[2]
            suspensions = (*kept.suspensions[:-1], Suspension(kept.suspensions[-1].since, at, 1))
        else:
            at = self.send(departments.suspend, self.world.council, left(code), 1, NONE)[2]
            suspensions = (*kept.suspensions, Suspension(at, None, 1))
        self.members[code] = DepartmentHistory(
            code, kept.division, kept.admitted_at, suspensions, kept.kind, kept.succeeded_at, kept.successor
        )

    @rule(
        issuer=st.sampled_from([ISSUER, ISSUER, OTHER, THIRD]),
        kind=st.sampled_from([TYPE, OTHER_TYPE]),
        since=st.sampled_from([1000, 2000]),
        until=st.sampled_from([None, 2000, 10_000_000_000]),
    )
    def accredits(self, issuer, kind, since, until) -> None:
        """The contract's own rules of periods are test_accreditations'; here is what succession makes of them."""
        args = (left(issuer), left(kind), since, until or 0, NONE)
        error, done, _ = self.send(self.world.departments.accredit, self.world.council, *args)
        if error is None and done:
            self.touched |= {"accreditations"}
            self.held = (*self.held, Accreditation(issuer, kind, since, until))

    @rule(
        issuer=st.sampled_from([ISSUER, OTHER, OTHER, THIRD, COMPETENT]),
        kind=st.sampled_from([TYPE, OTHER_TYPE]),
        ago=st.sampled_from([None, 0, 100]),
    )
    def withdraws(self, issuer, kind, ago) -> None:
        cut = 1 if ago is None else now() - ago
        self.instants.add(cut)
        args = (left(issuer), left(kind), cut, 1, NONE)
        compared = self.compare(
            self.send(self.world.departments.withdrawAccreditation, self.world.council, *args),
            lambda _: withdraw(self.held, self.successions, issuer, kind, cut),
        )
        if compared is not None:
            assert compared[1] == (compared[0] != self.held)
            self.held = compared[0]
            self.touched |= {"accreditations"}

    def standing(self, department: str, at: int) -> bool:
        return department in self.members and carrier(self.successions, department, NONE, at) == department

    @rule(seconds=st.sampled_from([1, 60, 60, 6000]))
    def time_passes(self, seconds: int) -> None:
        ask("evm_increaseTime", hex(seconds))
        ask("evm_mine")
        self.touched |= {"carriers", "accreditations"}

    # The same, seen from both sides

    @invariant()
    def same_carriers(self) -> None:
        if not self.successions or "carriers" not in self.touched:
            return
        self.touched -= {"carriers"}
        at = now()
        for code in MEMBERS:
            for what in (ITEM, left(TYPE)):
                found = bytes(self.world.departments.carrierOf(left(code), what))
                assert found == left(carrier(self.successions, code, what, at)), (code, what)
        assert bytes(self.world.departments.competentFor(left(TYPE))) == left(
            carrier(self.successions, COMPETENT, type_part(TYPE), at)
        )

    @invariant()
    def same_recognition(self) -> None:
        if not self.held or "accreditations" not in self.touched:
            return
        self.touched -= {"accreditations"}
        departments = self.world.departments
        times = sorted(t for t in self.instants if t >= 0)[-2:]
        for code in (ISSUER, OTHER, THIRD):
            expected = accreditations_of(self.held, self.successions, code, TYPE)
            kept = tuple((a.since, a.until or 0, a.withdrawn_from or 0) for a in expected)
            assert plain(departments.accreditations(left(code), left(TYPE))) == kept
            for instant in times:
                found = recognised(self.members[code], expected, TYPE, instant).recognised
                assert departments.isRecognised(left(code), left(TYPE), instant) is found, (code, instant)
