"""Departments and DepartmentKeys beside their Python twins, ledger.successions and ledger.keys.

Hypothesis draws successions with splits, suspensions, accreditations, keys (proposed, confirmed, ended, compromised)
and waiting; after each step carriers, accreditations, recognition and keys are compared, at instants around all that
happened. A refusal of one must be the other's refusal.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from keys_world import ED, P256_POINT, SM2_POINT, KeysWorld
from mining import ask, transact
from world import CODES, COMPETENT, DIVISION, ISSUER, NONE, OTHER, OTHER_TYPE, OUTSIDER, TYPE, digest, left, now, plain

from ledger.departments import Accreditation, DepartmentHistory, MemberKind, Suspension, recognised
from ledger.errors import ChuzhengError, NotFoundError
from ledger.keys import (
    COUNCIL,
    Acting,
    KeptKey,
    KeyId,
    NewKey,
    Validity,
    compromise,
    confirm,
    end,
    propose,
    validity_at,
)
from ledger.successions import Succession, accreditations_of, carrier, succeed, type_part, withdraw

EXAMPLES = int(os.environ.get("CHUZHENG_EXAMPLES", "60"))
COMPANY, THIRD = CODES[6], CODES[7]
MEMBERS = (ISSUER, OTHER, COMPETENT, THIRD, COMPANY)
ITEM = digest("an item")
PARTS = (ITEM, left(TYPE), left(OTHER_TYPE))
KEY_IDS = tuple(digest(f"key {i}") for i in range(4))
PUBLIC_KEYS = ((1, ED), (1, digest("b")), (2, P256_POINT), (3, SM2_POINT), (3, P256_POINT), (1, ED[1:]))


def error_name(refused: ChuzhengError) -> str:
    """`departments.not_admitted` → `NotAdmitted`."""
    return "".join(word.title() for word in refused.code.split(".")[1].split("_"))


class DepartmentsMachine(RuleBasedStateMachine):
    world = None
    base: dict[str, DepartmentHistory] = {}  # noqa: RUF012 - set once, never changed

    def __init__(self) -> None:
        super().__init__()
        self.members = dict(self.base)
        self.successions: dict[str, Succession] = {}
        self.held: tuple[Accreditation, ...] = ()
        self.keys: dict[KeyId, KeptKey] = {}
        self.instants = {0, now()}
        self.touched: set[str] = set()
        """What may have changed since it was compared: asking costs more than acting."""
        self.snapshot = ask("evm_snapshot")

    def teardown(self) -> None:
        ask("evm_revert", self.snapshot)

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
            assert error == error_name(refused), (refused, error)
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
        """The contract's own rules of periods are test_departments'; here is what succession makes of them."""
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

    # Keys

    def acting(self, who: str, department: str) -> tuple[object, Acting]:
        """(address, what the twin is told of it)."""
        world, at = self.world, now() + 1
        address, own, person = {
            "council": (world.council, None, None),
            "first": (world.issuer, ISSUER, digest(ISSUER)),
            "second": (world.second, ISSUER, digest("second")),
            "machine": (world.machine, ISSUER, None),
            "other": (world.other, OTHER, digest(OTHER)),
            "other two": (world.other_two, OTHER, digest("other two")),
        }[who]
        if own is None:
            return address, COUNCIL
        suspensions = self.members[own].suspensions
        suspended = bool(suspensions) and suspensions[-1].until is None
        # What no part names goes to the successor; key ids are never parts here.
        entitled = carrier(self.successions, department, NONE, at) == own
        return address, Acting(own, person, entitled, suspended)

    def on_keys(self, function, who: str, department: str, args, twin) -> None:
        """`department` "": nobody's, as of a key that isn't there."""
        address, by = self.acting(who, department)
        compared = self.compare(self.send(function, address, *args), lambda at: twin(by, at))
        if compared is not None:
            made, done = compared
            assert done == (made is not self.keys)
            self.keys = made
            self.touched |= {"keys"}

    def standing(self, department: str, at: int) -> bool:
        return department in self.members and carrier(self.successions, department, NONE, at) == department

    @initialize(lasts=st.sampled_from([None, 3000]), purpose=st.sampled_from([1, 2]))
    def first_key(self, lasts, purpose) -> None:
        """Most of what can happen to a key happens to one that two people added."""
        self.proposes_and_confirms("first", "second", 0, (1, digest("the first")), purpose, lasts, None)

    @rule(
        public=st.sampled_from(PUBLIC_KEYS[:4]),
        which=st.sampled_from([1, 2, 3]),
        lasts=st.sampled_from([None, 200]),
        replaces=st.sampled_from([None, 0]),
        purpose=st.sampled_from([1, 2]),
    )
    def another_key(self, public, which, lasts, replaces, purpose) -> None:
        self.proposes_and_confirms("first", "second", which, public, purpose, lasts, replaces)

    def proposes_and_confirms(self, one, two, which, public, purpose, lasts, replaces) -> None:
        self.proposing(one, which, ISSUER, public, purpose, None, lasts, None, replaces)
        self.confirming(two, KEY_IDS[which])

    @rule(
        who=st.sampled_from(["first", "first", "second", "other", "council", "machine"]),
        which=st.sampled_from([0, 1, 2, 3, 0, 1, 2, 3, 4]),
        department=st.sampled_from([ISSUER, ISSUER, ISSUER, OTHER]),
        public=st.sampled_from([*PUBLIC_KEYS[:4] * 3, *PUBLIC_KEYS]),
        purpose=st.sampled_from([*[1] * 6, *[2] * 4, 3]),
        later=st.sampled_from([None, None, 100]),
        lasts=st.sampled_from([None, None, None, 150, 5000]),
        certified=st.sampled_from([*[None] * 5, 200, 0]),
        replaces=st.sampled_from([*[None] * 5, 0, 1]),
    )
    def proposes(self, **drawn) -> None:
        self.proposing(**drawn)

    def proposing(self, who, which, department, public, purpose, later, lasts, certified, replaces) -> None:
        id_ = NONE if which == len(KEY_IDS) else KEY_IDS[which]
        start = now()
        new = NewKey(
            department=department,
            suite=public[0],
            purpose=purpose,
            public_key=public[1],
            certificate=None if certified is None else digest("certificate"),
            certificate_until=start + certified if certified else None,
            since=0 if later is None else start + later,
            until=None if lasts is None else start + lasts,
            replaces=None if replaces is None else KEY_IDS[replaces],
        )
        given = (
            new.suite,
            new.purpose,
            new.public_key,
            new.certificate or NONE,
            new.certificate_until or 0,
            new.since,
            new.until or 0,
            new.replaces or NONE,
        )
        self.on_keys(
            self.world.keys.proposeKey,
            who,
            department,
            (id_, left(department), given, NONE),
            lambda by, at: propose(self.keys, id_, new, by, member=self.standing(department, at), now=at),
        )

    def department_of(self, id_: bytes) -> str:
        kept = self.keys.get(id_)
        return kept.key.department if kept else ""

    @rule(
        who=st.sampled_from(["first", "second", "second", "machine", "other", "other two", "council"]),
        id_=st.sampled_from(KEY_IDS),
    )
    def confirms(self, who, id_) -> None:
        self.confirming(who, id_)

    def confirming(self, who, id_) -> None:
        department = self.department_of(id_)
        self.on_keys(
            self.world.keys.confirmKey,
            who,
            department,
            (id_,),
            lambda by, at: confirm(self.keys, id_, by, member=self.standing(department, at), now=at),
        )

    @rule(
        who=st.sampled_from(["first", "machine", "other", "council"]),
        id_=st.sampled_from([KEY_IDS[0], *KEY_IDS]),
        later=st.sampled_from([0, 50, 5000]),
    )
    def ends(self, who, id_, later) -> None:
        until = now() + later
        self.on_keys(
            self.world.keys.endKey,
            who,
            self.department_of(id_),
            (id_, until, 1, NONE),
            lambda by, at: end(self.keys, id_, until, by, at),
        )

    @rule(
        who=st.sampled_from(["first", "council", "machine", "first", "council", "other"]),
        id_=st.sampled_from([KEY_IDS[0], KEY_IDS[0], *KEY_IDS]),
        ago=st.sampled_from([30, 300, 0, -100, 1000, None]),
    )
    def reports(self, who, id_, ago) -> None:
        since = 0 if ago is None else now() - ago
        self.instants.add(since)
        self.on_keys(
            self.world.keys.compromiseKey,
            who,
            self.department_of(id_),
            (id_, since, 1, NONE),
            lambda by, at: compromise(self.keys, id_, since, by, at),
        )

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

    @invariant()
    def same_keys(self) -> None:
        if not self.keys or "keys" not in self.touched:
            return
        self.touched -= {"keys"}
        for department in (ISSUER, OTHER):
            kept = tuple(
                (
                    k.key_id,
                    left(k.department),
                    int(k.suite),
                    int(k.purpose),
                    k.public_key,
                    k.certificate or NONE,
                    k.certificate_until or 0,
                    k.since,
                    k.until or 0,
                    k.compromised_since or 0,
                    k.claimed_since or 0,
                    k.replaces or NONE,
                    k.proposed_at,
                    k.confirmed_at or 0,
                )
                for k in (held.key for held in self.keys.values())
                if k.department == department
            )
            assert plain(self.world.keys.keysOf(left(department))) == kept
        numbers = {Validity.VALID: 1, Validity.INVALID: 2, Validity.UNKNOWN: 3}
        latest = next(reversed(self.keys.values())).key
        instants = {now(), latest.since, latest.since - 1, latest.claimed_since, latest.compromised_since, latest.end}
        for instant in {t for t in instants if t is not None and t >= 0}:
            found = self.world.keys.validityAt(latest.key_id, instant)
            assert found == numbers[validity_at(latest, instant)], instant


@pytest.fixture(scope="module")
def world(module_isolation):
    made = KeysWorld()
    by_council = {"from": made.council}
    made.departments.admit(left(THIRD), DIVISION, NONE, by_council)
    made.departments.admitServiceOperator(left(COMPANY), DIVISION, NONE, by_council)
    made.departments.defineType(left(OTHER_TYPE), left(COMPETENT), NONE, by_council)
    return made


def test_departments_machine__any_steps__contracts_and_twins_agree(world) -> None:
    DepartmentsMachine.world = world
    for code in MEMBERS:
        kind, admitted, division, *_ = plain(world.departments.memberOf(left(code)))
        DepartmentsMachine.base[code] = DepartmentHistory(code, division, admitted, (), MemberKind(kind))
    run_state_machine_as_test(
        DepartmentsMachine,
        settings=settings(
            max_examples=max(1, EXAMPLES // 3),  # each of them is long
            stateful_step_count=25,
            deadline=None,
            derandomize=False,
            suppress_health_check=HealthCheck.all(),
        ),
    )


def test_twin__what_is_not_there__refused() -> None:
    with pytest.raises(NotFoundError):
        succeed({}, {}, ISSUER, OTHER, asked=0, parts=(), now=1)
