"""Departments and DepartmentKeys beside their Python twins, ledger.successions and ledger.keys.

Hypothesis draws successions with splits, suspensions, accreditations, keys (proposed, confirmed, ended, compromised)
and waiting; after each step carriers, accreditations, recognition and keys are compared, at instants around all that
happened. A refusal of one must be the other's refusal.
"""

from __future__ import annotations

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule
from keys_world import ED, P256_POINT, SM2_POINT, KeysWorld
from machines import drive
from turning_departments import COMPANY, MEMBERS, THIRD, TurningDepartments
from world import COMPETENT, DIVISION, ISSUER, NONE, OTHER, OTHER_TYPE, digest, left, now, plain

from ledger.departments import DepartmentHistory, MemberKind
from ledger.errors import NotFoundError
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
from ledger.successions import carrier, succeed

KEY_IDS = tuple(digest(f"key {i}") for i in range(4))
PUBLIC_KEYS = ((1, ED), (1, digest("b")), (2, P256_POINT), (3, SM2_POINT), (3, P256_POINT), (1, ED[1:]))


class DepartmentsMachine(TurningDepartments):
    """Keys too, which go with the departments."""

    def __init__(self) -> None:
        super().__init__()
        self.keys: dict[KeyId, KeptKey] = {}

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
    drive(DepartmentsMachine)


def test_twin__what_is_not_there__refused() -> None:
    with pytest.raises(NotFoundError):
        succeed({}, {}, ISSUER, OTHER, asked=0, parts=(), now=1)
