"""What the tests of sharing stand on: consumer, provider, their sharing authority and government, people with roles.

Calendar, authorities and catalogue are FakeSharingPlaces, so that tests turn them as they like; Departments is the real
one. `as_kept` writes a twin's record as the contract's struct.
"""

from __future__ import annotations

from itertools import combinations_with_replacement

from brownie import AuthorisedQueries, Departments, EmergencyShares, FakeSharingPlaces, ShareAuthorisations, accounts
from mining import ask, does
from world import CODES, NONE, digest, left, now, plain, wait

from ledger.shares.grants import Grant, Terms
from ledger.shares.setting import NOT_SHARED, Actor, Resource, Setting

HANDLER, APPROVER, GATEWAY = 4, 8, 32
CONSUMER, PROVIDER, AUTHORITY, GOVERNMENT, ELSEWHERE = CODES[2:7]
DIVISIONS = {CONSUMER: 420106, PROVIDER: 420106, AUTHORITY: 420100, GOVERNMENT: 420000, ELSEWHERE: 420500}
GOVERNED = {420106, 420100, 420500}
"""Divisions whose sharing authority and government are set."""
OPEN, CONDITIONAL, CLOSED, FAR, OWN, DRAFT = (digest(f"resource {i}") for i in range(6))
RESOURCES = {
    OPEN: Resource(PROVIDER, 1),
    CONDITIONAL: Resource(PROVIDER, 2, 4),
    CLOSED: Resource(PROVIDER, NOT_SHARED),
    FAR: Resource(ELSEWHERE, 2),
    OWN: Resource(CONSUMER, 1),
    DRAFT: Resource(PROVIDER, 2, 2),
}
DAY = 86_400
BASIS = digest("basis")
ID, OTHER_ID = digest("an id"), digest("another id")
"""Of what a test is about."""
ANOTHER = f"0x{0xFB00:040x}"
"""An address that is none of anvil's."""
PEOPLE = (
    "handler",
    "approver",
    "provider_handler",
    "provider_approver",
    "gateway",
    "authority",
    "government",
    "both",
    "both_consumer",
)
"""Who may act in a machine, apt or not; `SharesWorld.people` says who they are."""
(
    INTERNAL,
    SUBMITTED,
    REVIEW,
    RETURNED,
    WITHDRAWN,
    REJECTED,
    DISPUTED,
    FINAL,
    GRANTED,
    ACTIVE,
    SUSPENDED,
    EXPIRED,
    EXHAUSTED,
    REVOKED,
    SURRENDERED,
    SUPERSEDED,
) = STATES = range(1, 17)
PAUSED = "0x600160005260206000f3"
"""Code that answers every call with true: a Council that has paused."""
# How an application gets to each state: function, who, arguments after the id.
_SUBMIT, _REVIEW = ("submit", "approver"), ("review", "provider_handler")
_REJECT = ("reject", "provider_approver", 401, 10_021, BASIS)
_GRANT = (_SUBMIT, _REVIEW, ("grant", "provider_approver", BASIS))
_ACTIVE = (*_GRANT, ("activate", "provider_handler", BASIS))
_DISPUTE = (_SUBMIT, _REVIEW, _REJECT, ("dispute", "approver", BASIS))
_UP = tuple(("escalate", "approver", stage, BASIS) for stage in (2, 3))
WAYS = {
    INTERNAL: (),
    SUBMITTED: (_SUBMIT,),
    REVIEW: (_SUBMIT, _REVIEW),
    RETURNED: (_SUBMIT, ("returnForMore", "provider_handler", None)),
    WITHDRAWN: (("withdraw", "handler", 501, BASIS),),
    REJECTED: (_SUBMIT, _REVIEW, _REJECT),
    DISPUTED: _DISPUTE,
    FINAL: (*_DISPUTE, *_UP, ("settle", "government", False, BASIS)),
    GRANTED: _GRANT,
    ACTIVE: _ACTIVE,
    SUSPENDED: (*_ACTIVE, ("suspend", "provider_approver", 101, 3, BASIS)),
    EXPIRED: _ACTIVE,
    EXHAUSTED: (*_ACTIVE, ("exhaust", "gateway", 5, BASIS)),
    REVOKED: (*_ACTIVE, ("revoke", "authority", 301, BASIS)),
    SURRENDERED: (*_ACTIVE, ("surrender", "approver", 503, BASIS)),
    SUPERSEDED: _ACTIVE,
}


class SharesWorld:
    """Departments with their people, and the three contracts of sharing."""

    def __init__(self) -> None:
        council = self.council = accounts[0]
        by = {"from": council}
        self.departments = Departments.deploy(council, by)
        *places, catalogue = self.places_of_sharing()
        self.shares = ShareAuthorisations.deploy(self.departments, *places, catalogue, by)
        self.emergencies = EmergencyShares.deploy(self.departments, *places, catalogue, by)
        self.queries = AuthorisedQueries.deploy(self.departments, catalogue, by)
        for code, division in DIVISIONS.items():
            self.departments.admit(left(code), division, NONE, by)
        self.people: dict[str, Actor] = {}
        self.handler = self.person("handler", 1, CONSUMER, HANDLER)
        self.approver = self.person("approver", 2, CONSUMER, APPROVER | GATEWAY)
        self.provider_handler = self.person("provider_handler", 3, PROVIDER, HANDLER)
        self.provider_approver = self.person("provider_approver", 4, PROVIDER, APPROVER)
        self.gateway = self.person("gateway", 5, PROVIDER, HANDLER | APPROVER | GATEWAY, machine=True)
        self.authority = self.person("authority", 6, AUTHORITY, APPROVER | HANDLER)
        self.government = self.person("government", 7, GOVERNMENT, APPROVER)
        # One person who holds both roles, on the consumer's side and on the provider's.
        self.both = self.person("both", 8, PROVIDER, HANDLER | APPROVER, named="provider_handler")
        self.both_consumer = self.person("both_consumer", 9, CONSUMER, HANDLER | APPROVER, named="handler")
        # The far provider's people.
        for number, (name, roles) in enumerate((("handler", HANDLER), ("approver", APPROVER), ("gateway", GATEWAY))):
            self.stand_in(f"far_{name}", f"0x{0xFA00 + number:040x}", ELSEWHERE, roles)
        self.furnish()

    def places_of_sharing(self) -> tuple:
        """Authorities, calendar and catalogue."""
        self.places = FakeSharingPlaces.deploy({"from": self.council})
        return self.places, self.places, self.places

    def furnish(self) -> None:
        """Resources, and the authorities of the two providers' divisions."""
        at, by = self.places, {"from": self.council}
        for code, resource in RESOURCES.items():
            at.setResource(code, left(resource.provider), resource.sharing_class, resource.state, by)
        for pair in combinations_with_replacement(sorted(GOVERNED), 2):
            at.setAuthority(1, *pair, left(AUTHORITY), by)
            at.setAuthority(3, *pair, left(GOVERNMENT), by)

    def person(self, name: str, index: int, code: str, roles: int, *, machine: bool = False, named: str = ""):
        account = accounts[index]
        who = NONE if machine else digest(named or name)
        self.departments.appointOperator(account, left(code), roles, 0, who, {"from": self.council})
        self.people[name] = Actor(str(account), code, roles, None if machine else who)
        return account

    def stand_in(self, name: str, address: str, code: str, roles: int, *, machine: bool = False) -> str:
        """A person for `mining.transact` and `mining.asked`: anvil has ten accounts."""
        ask("anvil_impersonateAccount", address)
        who = None if machine else digest(name)
        given = (address, left(code), roles, 0, who or NONE)
        self.departments.appointOperator(*given, {"from": self.council})
        self.people[name] = Actor(address, code, roles, who)
        return address

    def propose(self, id_: bytes, **changes) -> tuple:
        """An application of its own commitments; the struct as it was given."""
        given = terms_tuple(terms(now(), id_.hex(), **changes))
        does(self.shares.propose, self.handler, id_, given)
        return given

    def bring(self, id_: bytes, state: int, **changes) -> bytes:
        """A new application, brought to `state`; its id."""
        if state == EXPIRED:
            changes = {"not_after": now() + 1800} | changes
        self.propose(id_, **changes)
        for name, who, *args in WAYS[state]:
            # Documents of its own: one behind two applications is refused.
            own = {None: digest(f"missing {id_.hex()}"), BASIS: digest(f"basis {id_.hex()}")}
            does(getattr(self.shares, name), self.people[who].operator, id_, *(own.get(a, a) for a in args))
        if state == EXPIRED:
            wait(3600)
        if state == SUPERSEDED:
            self.bring(digest(f"renewal of {id_.hex()}"), ACTIVE, supersedes=id_)
        return id_

    def pause(self, paused: bool = True) -> None:
        """The Council's address answers `paused()` with true from now on, or has no code again."""
        ask("anvil_setCode", str(self.council), PAUSED if paused else "0x")

    def setting(self, now: int, block: int, **changes) -> Setting:
        """The twin's view of the other contracts, as they were made here."""
        slip = changes.pop("slip", 0)

        def authority(domain: int, a: int, b: int) -> str | None:
            return {1: AUTHORITY, 3: GOVERNMENT}.get(domain) if {a, b} <= GOVERNED else None

        return Setting(
            now=now,
            block=block,
            deadline=lambda start, days: (start // DAY + 1 + days + slip) * DAY,
            authority=authority,
            divisions=DIVISIONS,
            **{"resources": RESOURCES, **changes},
        )


def terms(now: int, number: int | str = 0, **changes) -> Terms:
    """An application that fits; `number` makes its commitments its own."""
    given = {
        "resource": CONDITIONAL,
        "body": digest(f"body {number}"),
        "items": digest(f"items {number}"),
        "not_before": now,
        "not_after": now + 100 * DAY,
        "max_uses": 5,
        "rate_per_day": 2,
        "purpose": 1,
        "basis_kind": 1,
        "scope": 1,
        "method": 1,
        "mode": 2,
        "data_life": 30,
        "article": 10_021,
    } | changes
    return Terms(**given)


def terms_tuple(t: Terms) -> tuple:
    """In the order of the contract's struct."""
    return (
        t.resource,
        t.body or NONE,
        t.items or NONE,
        t.subjects or NONE,
        t.document or NONE,
        t.supersedes or NONE,
        t.not_before,
        t.not_after,
        t.max_uses,
        t.rate_per_day,
        t.article,
        t.purpose,
        t.basis_kind,
        t.scope,
        t.data_life,
        t.method,
        t.mode,
    )


def as_kept(g: Grant) -> tuple:
    """A twin's grant as the contract's struct Grant."""
    return (
        terms_tuple(g.terms),
        g.consumer.encode(),
        int(g.state),
        g.sharing_class,
        g.stage,
        g.records,
        g.extension,
        g.returned,
        g.extended,
        g.pre_review,
        g.provided,
        g.stops,
        g.provider.encode(),
        g.ground,
        g.filed_ground,
        g.article,
        (g.clock.start, g.clock.working_days, g.clock.deadline),
        g.ended_at,
        g.stop_block,
        g.uses,
        g.consumer_handler,
        g.provider_handler or NONE,
        g.successor or NONE,
    )


def clock(w: SharesWorld, id_: bytes = ID) -> tuple:
    """(start, working days, deadline)."""
    return plain(w.shares.grantOf(id_))[16]


def by(account) -> dict:
    """Who sends, as Brownie takes it."""
    return {"from": account}
