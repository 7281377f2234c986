"""ShareAuthorisations beside its Python twin, ledger.shares: what both are asked, which acts are apt now, and what must
be equal after each. test_shares_machine has the acts themselves."""

from __future__ import annotations

from functools import partial

from hypothesis.stateful import (
    invariant,
)
from mining import ask, transact
from shares_world import (
    AUTHORITY,
    BASIS,
    CONDITIONAL,
    ELSEWHERE,
    FAR,
    as_kept,
    terms,
    terms_tuple,
)
from turning_world import TurningWorld
from world import digest, left, plain

from ledger.errors import ChuzhengError
from ledger.shares import acts, applications, disputes, lifetime
from ledger.shares.grants import Book, Profile, disposal, effective_state, is_overdue

IDS = (digest("id 1"), digest("id 2"))
# Each act's usual person first, so that histories get far; the odd one is drawn as well.
USUAL = {
    "submit": "approver",
    "preReview": "authority",
    "review": "provider_handler",
    "returnForMore": "provider_handler",
    "resubmit": "approver",
    "withdraw": "handler",
    "askExtension": "provider_handler",
    "extend": "authority",
    "grant": "provider_approver",
    "reject": "provider_approver",
    "dispute": "approver",
    "escalate": "approver",
    "settle": "government",
    "activate": "provider_handler",
    "fileStop": "provider_handler",
    "suspend": "provider_approver",
    "resume": "provider_approver",
    "revoke": "provider_approver",
    "surrender": "approver",
    "exhaust": "gateway",
    "recordUse": "handler",
    "acknowledge": "gateway",
}
FAR_PEOPLE = {f"provider_{role}": f"far_{role}" for role in ("handler", "approver")} | {"gateway": "far_gateway"}


class SharesBeside(TurningWorld):
    area = acts.AREA
    ids = IDS

    def __init__(self) -> None:
        super().__init__()
        self.book = Book()
        self.born = self.now()

    def act(self, name: str, who: str | None, id_: bytes, twin, *args) -> None:
        function = getattr(self.world.shares, name)
        self.both(who or self.near(USUAL[name], id_), function, twin, id_, *args)

    def near(self, who: str, id_: bytes) -> str:
        """The provider's person, of who carries the provider that this application is for."""
        grant = self.book.grants.get(id_)
        return FAR_PEOPLE.get(who, who) if grant and self.carrier(grant.provider, id_) == ELSEWHERE else who

    def apt(self, id_: bytes) -> list[tuple]:
        """(function, who, twin, arguments) of acts that would change something now: how histories get far."""
        a, d, g = applications, disputes, lifetime
        new = digest(f"new {len(self.book.used_by)}")
        known = [
            ("submit", "approver", partial(a.submit, id_=id_), ()),
            (
                "preReview",
                "authority",
                partial(a.pre_review, id_=id_, passed=True, reason=0, article=0),
                (True, 0, 0, BASIS),
            ),
            ("review", "provider_handler", partial(a.review, id_=id_), ()),
            ("returnForMore", "provider_handler", partial(a.return_for_more, id_=id_, missing=new), (new,)),
            ("resubmit", "approver", partial(a.resubmit, id_=id_, body=new), (new,)),
            (
                "askExtension",
                "provider_handler",
                partial(a.ask_extension, id_=id_, working_days=5, reason=801),
                (5, 801, BASIS),
            ),
            ("extend", "authority", partial(a.extend, id_=id_), (BASIS,)),
            ("grant", "provider_approver", partial(a.grant, id_=id_), (BASIS,)),
            (
                "reject",
                "provider_approver",
                partial(a.reject, id_=id_, reason=401, article=10_021),
                (401, 10_021, BASIS),
            ),
            ("dispute", "approver", partial(d.dispute, id_=id_), (BASIS,)),
            ("extend", "government", partial(a.extend, id_=id_), (BASIS,)),
            ("settle", "government", partial(d.settle, id_=id_, again=True), (True, BASIS)),
            ("settle", "authority", partial(d.settle, id_=id_, again=True), (True, BASIS)),
            ("settle", "government", partial(d.settle, id_=id_, again=False), (False, BASIS)),
            *(("escalate", "authority", partial(d.escalate, id_=id_, stage=n), (n, BASIS)) for n in (2, 3)),
            ("activate", "provider_handler", partial(g.activate, id_=id_), (BASIS,)),
            (
                "fileStop",
                "provider_handler",
                partial(g.file_stop, id_=id_, ground=201, negotiation=BASIS),
                (201, BASIS),
            ),
            ("suspend", "provider_approver", partial(g.suspend, id_=id_, ground=101, mend_days=3), (101, 3, BASIS)),
            ("suspend", "provider_approver", partial(g.suspend, id_=id_, ground=201, mend_days=0), (201, 0, BASIS)),
            ("suspend", "authority", partial(g.suspend, id_=id_, ground=301, mend_days=0), (301, 0, BASIS)),
            ("resume", "provider_approver", partial(g.resume, id_=id_), (BASIS,)),
            ("resume", "authority", partial(g.resume, id_=id_), (BASIS,)),
            ("revoke", "provider_approver", partial(g.revoke, id_=id_, ground=101), (101, BASIS)),
            ("revoke", "provider_approver", partial(g.revoke, id_=id_, ground=201), (201, BASIS)),
            ("exhaust", "gateway", partial(g.exhaust, id_=id_, uses=5), (5, BASIS)),
            *(
                ("recordUse", "handler", partial(g.record_use, id_=id_, record=n, commitment=new), (n, new))
                for n in (1, 2, 3)
            ),
        ]
        block = int(ask("eth_blockNumber"), 16)
        setting = self.setting(self.now() + 1, block + 1)
        found = []
        for act in known:
            try:
                by = self.world.people[self.near(act[1], id_)]
                changes = act[2](self.book, by=by, setting=setting) is not self.book
            except ChuzhengError:
                continue
            if changes:
                found.append(act)
        return found

    def goes(self, id_: bytes, way: tuple[str, ...]) -> None:
        for step in way:
            for name, who, twin, args in self.apt(id_):
                if name == step:
                    self.act(name, self.near(who, id_), id_, twin, *args)

    def what_is_apt_for(self, id_: bytes, picks: list[int]) -> None:
        for pick in picks:
            if apt := self.apt(id_):
                name, who, twin, args = apt[pick % len(apt)]
                self.act(name, self.near(who, id_), id_, twin, *args)

    def start(self, pre_review: bool, clock: int, far: bool) -> None:
        self.far = far
        done = transact(self.world.shares.setProfile, self.world.council, left(AUTHORITY), pre_review, clock, BASIS)
        self.book = applications.set_profile(self.book, AUTHORITY, Profile(pre_review, clock))
        assert done[:2] == (None, int(pre_review or clock > 0))
        self.propose(0, {}, None)

    def propose(self, number: int, changes: dict, who: str | None) -> None:
        resource = FAR if self.far and "resource" not in changes else changes.get("resource", CONDITIONAL)
        given = terms(self.born, number, **{**changes, "resource": resource})
        twin = partial(applications.propose, id_=IDS[number], terms=given)
        self.both(who or "handler", self.world.shares.propose, twin, IDS[number], terms_tuple(given))

    # What must be equal

    @invariant()
    def same_book(self) -> None:
        # A refusal leaves nothing behind.
        if self.looked_at is self.book:
            return
        shares = self.world.shares
        for id_ in IDS:
            kept = plain(shares.grantOf(id_))
            if id_ not in self.book.grants:
                assert kept[2] == 0
                continue
            assert kept == as_kept(self.book.grants[id_])
            for name in ("gateway", "approver", "both"):
                operator = self.world.people[name].operator
                assert plain(shares.acknowledged(id_, operator)) == self.book.acks.get((id_, operator), (0, 0))

    @invariant()
    def same_answers(self) -> None:
        if self.looked_at is self.book:
            return
        self.looked_at = self.book
        shares = self.world.shares
        for id_, grant in self.book.grants.items():
            successor = self.book.grants.get(grant.successor)
            # Just before and at the next instant that changes an answer.
            turns = grant.clock.deadline or grant.terms.not_after
            for at in (self.now(), turns - 1, turns):
                assert shares.effectiveState(id_, at) == int(effective_state(grant, at))
                assert shares.isOverdue(id_, at) == is_overdue(grant, at)
                assert plain(shares.disposal(id_, at)) == (disposal(grant, at, successor) or (0, False))
