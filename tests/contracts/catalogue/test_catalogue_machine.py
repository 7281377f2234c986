"""Catalogue beside its twin, ledger.catalogue: the same acts by the same people, right and wrong, at the same times.

After each act resource, draft, clocks, duty and demand are compared; a refusal of one must be the other's refusal.
"""

from __future__ import annotations

import re
from dataclasses import replace

from catalogue_world import (
    APPROVER,
    AUTHORITY,
    BASIS,
    CODE,
    CONSUMER,
    HANDLER,
    ID,
    PROVIDER,
    V1,
    V2,
    CatalogueWorld,
)
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule
from machines import TakenBack, drive
from mining import ask, transact
from world import NONE, digest, left, now, plain

from ledger import catalogue as twin
from ledger.calendar import Calendar, day_number, day_of, set_days
from ledger.errors import ChuzhengError
from ledger.evm.reverts import error_code

DEPARTMENTS = (PROVIDER, CONSUMER, AUTHORITY)
VERSIONS = st.sampled_from([V1, V1, V2, digest("withdrawal")])
WHO = st.sampled_from([PROVIDER, PROVIDER, PROVIDER, AUTHORITY, CONSUMER, "both", "machine"])
DESK = st.sampled_from([AUTHORITY, AUTHORITY, AUTHORITY, PROVIDER])


class CatalogueMachine(TakenBack):
    town: CatalogueWorld
    calendar: Calendar

    def __init__(self) -> None:
        super().__init__()
        self.kept = twin.Catalogue()
        self.known = self.calendar
        self.suspended: set[str] = set()

    def office(self, at: int) -> twin.Office:
        return twin.Office(
            now=at,
            calendar=self.known,
            authority_of=lambda _: AUTHORITY,
            common_authority=lambda _, __: AUTHORITY,
            carrier=lambda department, _: department,
            is_department=lambda department: department in DEPARTMENTS,
        )

    def act(self, name: str, who: str, role: int, args: tuple, **given) -> None:
        """One call on both sides, by a department's handler or approver, or by one of the two odd operators."""
        if who in ("both", "machine"):
            account, department = getattr(self.town, who), PROVIDER
            person = digest(f"{PROVIDER} handler") if who == "both" else None
        else:
            account = (self.town.handlers if role == HANDLER else self.town.approvers)[who]
            department, person = who, digest(f"{who} {'handler' if role == HANDLER else 'approver'}")
        method = re.sub(r"_(\w)", lambda m: m[1].upper(), name)
        error, done, at = transact(getattr(self.town.catalogue, method), account, *args)
        actor = twin.Actor(department, person, department in self.suspended)
        try:
            after = getattr(twin, name)(self.kept, actor, **given, office=self.office(at))
        except ChuzhengError as refused:
            assert error is not None, (name, who, refused)
            assert refused.code == error_code(f"Catalogue_{error}"), (name, who, error)
            return
        assert (error, done) == (None, after is not self.kept), (name, who)
        self.kept = after

    @initialize(sharing_class=st.integers(1, 3), owed=st.booleans())
    def begins(self, sharing_class: int, owed: bool) -> None:
        if owed:
            self.owes(AUTHORITY, PROVIDER)
        self.draws_up(PROVIDER, V1, sharing_class, bytes([1, 2]), BASIS)

    @rule(who=WHO, provider=st.sampled_from([PROVIDER, PROVIDER, CONSUMER]))
    def owes(self, who: str, provider: str) -> None:
        self.act("add_duty", who, HANDLER, (CODE, left(provider), BASIS), code=CODE, provider=provider)

    @rule(who=DESK)
    def no_longer_owes(self, who: str) -> None:
        self.act("end_duty", who, APPROVER, (CODE, 1, BASIS), code=CODE)

    @rule(
        who=WHO,
        version=st.sampled_from([V1, V2, digest("version 3")]),
        sharing_class=st.sampled_from([1, 2, 2, 3, 4]),
        levels=st.sampled_from([bytes([1, 2]), bytes([1, 2]), bytes([6]), bytes([7]), b""]),
        basis=st.sampled_from([BASIS, BASIS, None]),
    )
    def draws_up(self, who: str, version: bytes, sharing_class: int, levels: bytes, basis: bytes | None) -> None:
        given = {"version_hash": version, "sharing_class": sharing_class, "item_levels": levels, "basis": basis}
        args = (CODE, version, sharing_class, levels, basis or NONE)
        self.act("draw_up", who, HANDLER, args, code=CODE, **given)

    @rule(who=WHO, decision=st.sampled_from([digest("withdrawal"), digest("withdrawal"), V1]))
    def draws_up_a_withdrawal(self, who: str, decision: bytes) -> None:
        self.act("draw_up_withdrawal", who, HANDLER, (CODE, decision), code=CODE, decision=decision)

    @rule(name=st.sampled_from(["review", "approve"]), who=WHO, version=VERSIONS)
    def judges(self, name: str, who: str, version: bytes) -> None:
        self.act(name, who, APPROVER, (CODE, version, BASIS), code=CODE, version_hash=version)

    @rule(name=st.sampled_from(["publish", "publish", "send_back"]), who=DESK, version=VERSIONS)
    def answers(self, name: str, who: str, version: bytes) -> None:
        args = (CODE, version, BASIS) if name == "publish" else (CODE, version, 1, BASIS)
        self.act(name, who, APPROVER, args, code=CODE, version_hash=version)

    @rule(until=st.sampled_from([1, 2, 3, 3, 3]))
    def goes_its_way(self, until: int) -> None:
        """The draft there is, reviewed, approved and published: what random acts seldom come to."""
        kept = self.kept.resources.get(CODE)
        if kept is None or kept.draft is None:
            return
        version = kept.draft.version.version_hash
        for name in ("review", "approve")[:until]:
            self.judges(name, PROVIDER, version)
        if until == 3:
            self.answers("publish", AUTHORITY, version)

    @rule(who=WHO)
    def connects(self, who: str) -> None:
        self.act("connect", who, HANDLER, (CODE, BASIS), code=CODE)

    @rule(who=WHO)
    def disconnects(self, who: str) -> None:
        self.act("disconnect", who, HANDLER, (CODE, 1, BASIS), code=CODE)

    @rule(who=WHO, ago=st.sampled_from([0, 1000, 200_000, -5000]))
    def records_a_change(self, who: str, ago: int) -> None:
        at = now() - ago
        self.act("record_change", who, HANDLER, (CODE, at, BASIS), code=CODE, changed_at=at)

    @rule(replaced=st.booleans())
    def a_change_meets_a_submission(self, replaced: bool) -> None:
        """Recorded before, and another one while the draft lies with the authority; then it is taken back."""
        kept = self.kept.resources.get(CODE)
        if kept is None or kept.draft is None or not kept.is_open:
            return
        version = kept.draft.version.version_hash
        self.records_a_change(PROVIDER, 5000)
        self.goes_its_way(2)
        self.records_a_change(PROVIDER, 0)
        self.same_resource()
        if replaced:
            self.draws_up(PROVIDER, digest("version 3"), 2, bytes([1]), BASIS)
        else:
            self.answers("send_back", AUTHORITY, version)

    @rule(who=DESK)
    def extends(self, who: str) -> None:
        self.act("extend_update", who, APPROVER, (CODE, BASIS), code=CODE)

    @rule(who=WHO, provider=st.sampled_from([None, PROVIDER]), basis=st.sampled_from([BASIS, BASIS, V1]))
    def demands(self, who: str, provider: str | None, basis: bytes) -> None:
        wanted = twin.Demand(ID, "", provider, None, basis)
        args = (ID, left(provider) if provider else NONE, NONE, basis)
        self.act("demand", who, HANDLER, args, wanted=wanted)

    @rule(who=DESK, provider=st.sampled_from([PROVIDER, CONSUMER]), code=st.sampled_from([CODE, None]))
    def assigns(self, who: str, provider: str, code: bytes | None) -> None:
        args = (ID, left(provider), code or NONE, BASIS)
        self.act("assign_demand", who, APPROVER, args, id=ID, provider=provider, code=code)

    @rule(who=WHO)
    def closes(self, who: str) -> None:
        self.act("close_demand", who, HANDLER, (ID, 1, BASIS), id=ID)

    @rule(seconds=st.sampled_from([1, 3600, 86_400, 86_400 * 9]))
    def time_passes(self, seconds: int) -> None:
        ask("evm_increaseTime", hex(seconds))
        ask("evm_mine")

    @rule(days=st.integers(1, 20), working=st.sampled_from([False, False, True]))
    def calendar_is_corrected(self, days: int, working: bool) -> None:
        day = day_of(now() + days * 86_400)
        error, _, at = transact(self.town.calendar.setDays, self.town.council, [day_number(day)], working, NONE)
        assert error is None
        self.known = set_days(self.known, [day], working, at)
        error, moved, _ = transact(self.town.catalogue.moveDeadline, self.town.stranger, CODE)
        after = twin.move_deadlines(self.kept, CODE, self.known)
        assert (error, moved) == (None, after is not self.kept)
        self.kept = after

    @rule(department=st.sampled_from([PROVIDER, AUTHORITY]))
    def suspension_turns(self, department: str) -> None:
        departments = self.town.departments
        if department in self.suspended:
            transact(departments.reinstate, self.town.council, left(department), NONE)
        else:
            transact(departments.suspend, self.town.council, left(department), 1, NONE)
        self.suspended ^= {department}

    @invariant()
    def same_resource(self) -> None:
        contract, kept = self.town.catalogue, self.kept.resources.get(CODE)
        if kept is None:
            assert plain(contract.resource(CODE)) == (NONE, 0, 0, 0, 0, NONE)
            return
        v = kept.published
        told = (int(v.sharing_class), v.level, v.item_count, v.version_hash) if v else (0, 0, 0, NONE)
        expected = (left(kept.provider), told[0], told[1], int(kept.state), told[2], told[3])
        assert plain(contract.resource(CODE)) == expected
        basis = kept.decision or (v.basis if v else None)
        assert bytes(contract.basisOf(CODE)) == (basis or NONE)
        assert bytes(contract.dutyOf(CODE)) == (left(kept.provider) if kept.owed else NONE)
        d = kept.draft
        assert plain(contract.draft(CODE)) == (
            (
                int(d.stage),
                int(d.version.sharing_class),
                d.version.level,
                d.version.item_count,
                d.version.version_hash,
                d.version.basis or NONE,
                d.drawn_up_by,
            )
            if d
            else (0, 0, 0, 0, NONE, NONE, NONE)
        )
        for kind in twin.ClockKind:
            c = kept.clocks.get(kind)
            expected = (c.start, c.working_days, c.deadline, c.ended_at or 0) if c else (0, 0, 0, 0)
            assert plain(contract.clock(CODE, int(kind))) == expected, kind

    @invariant()
    def same_demand(self) -> None:
        kept = self.kept.demands.get(ID)
        expected = (
            (
                left(kept.consumer),
                left(kept.provider) if kept.provider else NONE,
                kept.code or NONE,
                kept.basis,
                kept.closed,
            )
            if kept
            else (NONE, NONE, NONE, NONE, False)
        )
        assert plain(self.town.catalogue.demandOf(ID)) == expected


def test_catalogue_machine__any_steps__contract_and_twin_agree(module_isolation) -> None:
    CatalogueMachine.town = CatalogueWorld()
    CatalogueMachine.calendar = replace(CatalogueMachine.town.known)
    drive(CatalogueMachine, share=3)
