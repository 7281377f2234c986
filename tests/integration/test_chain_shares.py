"""Sharing on a real anvil: from the catalogue to the revocation through the wrappers, beside the twins, at every block.

After each step the grant as the contract keeps it at that block, as the twin has it, and as the index makes it of the
events alone are one and the same.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

import pytest
from sqlalchemy.engine import Engine

from ledger.authorities import Authorities, Domain, common_authority, set_authority
from ledger.calendar import Calendar, day_of, deadline
from ledger.catalogue import SharingClass
from ledger.errors import ChuzhengError, ConflictError, DeniedError, InputError
from ledger.evm import (
    authorised_queries,
    authorities,
    catalogue,
    council,
    departments,
    emergency_shares,
    share_authorisations,
    working_calendar,
)
from ledger.evm.authorised_queries import AuthorisedQueriesView
from ledger.evm.catalogue import CatalogueView
from ledger.evm.departments import CallIntent
from ledger.evm.deploy import deploy
from ledger.evm.emergency_shares import EmergencySharesView
from ledger.evm.indexer import Indexer
from ledger.evm.launcher import start_anvil
from ledger.evm.outbox import Outbox
from ledger.evm.profiles import ANVIL
from ledger.evm.reverts import stored_error
from ledger.evm.rpc import Rpc
from ledger.evm.sender import Sender
from ledger.evm.share_authorisations import ShareAuthorisationsView
from ledger.evm.transactions import EvmKey
from ledger.shares import applications, disputes, emergencies, lifetime
from ledger.shares import authorised_queries as queries
from ledger.shares.grants import Book, Clock, Profile, State, Terms, disposal, remaining_access, unacknowledged
from ledger.shares.setting import Actor, Resource, Setting
from ledger.store.engine import open_engine, upgrade, writing
from ledger.store.index import IndexReader
from ledger.store.index.shares import emergency_from, grant_from, query_from
from ledger.store.outbox import IntentState
from ledger.types import BlockTime, DepartmentCode, Digest, Role
from tests.ports import free_port

CONSUMER, PROVIDER, AUTHORITY = (
    DepartmentCode(code) for code in ("11420503087246977F", "11420000MB9543829Q", "11420000009991840C")
)
DIVISION = 420100
HANDLER, APPROVER, GATEWAY = Role.SHARE_HANDLER, Role.SHARE_APPROVER, Role.GATEWAY
PEOPLE: Mapping[str, tuple[DepartmentCode, int]] = {
    "handler": (CONSUMER, HANDLER),
    "approver": (CONSUMER, APPROVER),
    "consumer_gateway": (CONSUMER, GATEWAY),
    "provider_handler": (PROVIDER, HANDLER),
    "provider_approver": (PROVIDER, APPROVER),
    "both": (PROVIDER, HANDLER | APPROVER),
    "gateway": (PROVIDER, GATEWAY),
    "authority": (AUTHORITY, APPROVER),
}
MACHINES = {"gateway", "consumer_gateway"}
DAY = 86_400
EVERY_DAY = (1 << 365) - 1
"""A year whose every day is a working day: the test may run in any year."""

B = TypeVar("B")
T = TypeVar("T")


def some() -> Digest:
    return Digest(secrets.token_bytes(32))


def _person(name: str) -> Digest | None:
    """A machine is nobody; one of the provider's people has two addresses."""
    who = "provider_handler" if name == "both" else name
    return None if name in MACHINES else Digest(sha256(who.encode()).digest())


class Site:
    """A deployment with a published resource; what is sent goes through the outbox, and to the twin."""

    def __init__(self, rpc: Rpc, engine: Engine) -> None:
        self.rpc, self.engine = rpc, engine
        self.owner = EvmKey(secrets.token_bytes(32))
        self.keys = {name: EvmKey(secrets.token_bytes(32)) for name in PEOPLE}
        self.deployment = deploy(rpc, ANVIL, self.owner, "test")
        signers = {key.address: key for key in (self.owner, *self.keys.values())}
        self.sender, self.outbox = Sender(engine, rpc, ANVIL, self.deployment, signers), Outbox(engine)
        self.indexer, self.index = Indexer(engine, rpc, ANVIL, self.deployment), IndexReader(engine)
        self.actors = {
            name: Actor(self.keys[name].address, code, int(roles), _person(name))
            for name, (code, roles) in PEOPLE.items()
        }
        self.shares = ShareAuthorisationsView(rpc, self.deployment)
        self.emergencies = EmergencySharesView(rpc, self.deployment)
        self.queries = AuthorisedQueriesView(rpc, self.deployment)
        self.sent = 0
        self.book = Book()
        self.published: list[Digest] = []
        self.resource = self._furnish()

    def _furnish(self) -> Digest:
        year = day_of(int(time.time())).year
        self.calendar = Calendar({y: EVERY_DAY for y in (year, year + 1)})
        self.authorities = set_authority(Authorities(), Domain.SHARING, DIVISION, AUTHORITY)
        self.decide(
            *(departments.admit(code, DIVISION) for code in (CONSUMER, PROVIDER, AUTHORITY)),
            *(
                departments.appoint_operator(a.operator, a.department, a.roles, None, a.person or bytes(32))
                for a in self.actors.values()
            ),
            *(working_calendar.set_year(y, EVERY_DAY) for y in (year, year + 1)),
            authorities.set_authority(Domain.SHARING, DIVISION, AUTHORITY),
        )
        return self.publish()

    def publish(self) -> Digest:
        """A new resource, from its draft to its publication; its code."""
        code, version = some(), some()
        self.send("provider_handler", catalogue.draw_up(
            code, catalogue.NewVersion(version, SharingClass.CONDITIONAL, b"\x01")
        ))  # fmt: skip
        self.send("provider_approver", catalogue.review(code, version))
        self.send("provider_approver", catalogue.approve(code, version))
        self.send("authority", catalogue.publish(code, version))
        self.published.append(code)
        return code

    def send(self, who: str, intent: CallIntent) -> int:
        """Until it is final; the block. The contract's own error if it refused."""
        self.sent += 1
        key = self.owner if who == "council" else self.keys[who]
        contract, function, args = intent
        name = f"step/{self.sent}"
        with writing(self.engine) as connection:
            self.outbox.enqueue(
                connection, intent_key=name, sender=key.address, contract=contract, function=function, args=args
            )
        end = time.monotonic() + 120
        while (row := self.outbox.status(name)) is None or not row.done:
            assert time.monotonic() < end
            self.sender.step()
            self.rpc.call("evm_mine")
        if row.state is not IntentState.FINAL:
            raise stored_error(row.error_code or "", row.error_params or {})
        assert row.block_number is not None
        return row.block_number

    def decide(self, *intents: CallIntent) -> None:
        calls = [council.as_call(self.deployment, intent) for intent in intents]
        self.send("council", council.enact(some(), calls))

    def setting(self, block: int) -> Setting:
        """What the other contracts say at this block, by their own twins; the resource as the catalogue tells it."""
        view, resources = CatalogueView(self.rpc, self.deployment), {}
        for code in self.published:
            if (told := view.resource(code, block)) is not None:
                resources[code] = Resource(told.provider, int(SharingClass.CONDITIONAL), int(told.state))
        now = int(self.rpc.call("eth_getBlockByNumber", hex(block), False)["timestamp"], 16)
        return Setting(
            now=BlockTime(now),
            block=block,
            deadline=partial(deadline, self.calendar),
            authority=lambda domain, a, b: common_authority(
                self.authorities, domain, a, b, lambda department: department
            ),
            divisions=dict.fromkeys((CONSUMER, PROVIDER, AUTHORITY), DIVISION),
            resources=resources,
        )

    def act(self, who: str, intent: CallIntent, book: B, twin: Callable[..., B]) -> tuple[int, B]:
        """The step on the chain, and the twin's at that block; a refusal is the same one, and leaves nothing behind."""
        by = self.actors[who]
        try:
            block = self.send(who, intent)
        except ChuzhengError as refused:
            with pytest.raises(type(refused), match=re.escape(refused.code)):
                twin(book, by=by, setting=self.setting(self.head))
            raise
        return block, twin(book, by=by, setting=self.setting(block))

    @property
    def head(self) -> int:
        return int(self.rpc.call("eth_blockNumber"), 16)

    def of_the_index(self, contract: str, id_: Digest, made: Callable[[Any], T]) -> T:
        """What the index makes of the events alone."""
        self.indexer.catch_up()
        return made(self.index.history(contract, id_))


@pytest.fixture(scope="module")
def site(anvil_program: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One for all, as each test has objects of its own; on a chain whose blocks come when they are asked for."""
    folder = tmp_path_factory.mktemp("shares")
    chain = start_anvil(folder / "chain", free_port(), binary=anvil_program)
    engine = open_engine(f"sqlite:///{folder}/chuzheng.sqlite")
    upgrade(engine)
    yield Site(Rpc(chain.url), engine)
    engine.dispose()
    chain.stop(60)


class Grants:
    """Acts on one application, each compared."""

    def __init__(self, site: Site, id_: Digest) -> None:
        self.site, self.id_ = site, id_
        self.kept: dict[int, Any] = {}
        """block → the grant after it"""

    def __call__(self, who: str, intent: CallIntent, twin: Callable[..., Book], *args: Any) -> None:
        site = self.site
        block, site.book = site.act(who, intent, site.book, partial(_with(twin, self.id_), *args))
        expected = site.book.grants[self.id_]
        assert site.shares.grant(self.id_, block) == expected
        assert site.of_the_index(share_authorisations.NAME, self.id_, grant_from) == expected
        self.kept[block] = expected


def _with(twin: Callable[..., Any], id_: Digest) -> Callable[..., Any]:
    return lambda *args, by, setting: twin(args[-1], id_, *args[:-1], by=by, setting=setting)


def application(site: Site, **changes: Any) -> Terms:
    now = BlockTime(int(time.time()))
    given: dict[str, Any] = {
        "resource": site.resource, "body": some(), "items": some(), "not_before": now,
        "not_after": BlockTime(now + 30 * DAY), "max_uses": 5, "rate_per_day": 2, "purpose": 1, "basis_kind": 1,
        "scope": 1, "method": 1, "mode": 2, "data_life": 7, "article": 10_021,
    }  # fmt: skip
    return Terms(**given | changes)


def granted(site: Site) -> Grants:
    """An application, returned once, rejected, disputed, reviewed anew and granted by two people."""
    s, a, d = share_authorisations, applications, disputes
    id_, missing, body, basis = some(), some(), some(), some()
    grant, terms = Grants(site, id_), application(site)
    grant("handler", s.propose(id_, terms), a.propose, terms)
    grant("approver", s.submit(id_), a.submit)
    grant("provider_handler", s.return_for_more(id_, missing), a.return_for_more, missing)
    grant("approver", s.resubmit(id_, body), a.resubmit, body)
    grant("provider_handler", s.review(id_), a.review)
    grant("provider_handler", s.ask_extension(id_, 5, 801), a.ask_extension, 5, 801)
    grant("authority", s.extend(id_, basis), a.extend)
    assert grant.kept[max(grant.kept)].clock.working_days == 15
    grant("provider_approver", s.reject(id_, 402, 10_021, basis), a.reject, 402, 10_021)
    grant("approver", s.dispute(id_, basis), d.dispute)
    grant("approver", s.escalate(id_, 2, basis), d.escalate, 2)
    with pytest.raises(DeniedError, match="not_final"):
        grant("authority", s.settle(id_, False, basis), d.settle, False)
    grant("authority", s.settle(id_, True, basis), d.settle, True)
    with pytest.raises(DeniedError, match="same_person"):
        grant("both", s.grant(id_, basis), a.grant)
    grant("provider_approver", s.grant(id_, basis), a.grant)
    return grant


def test_grant__from_the_catalogue_to_its_revocation__as_the_twin_at_every_block(site: Site) -> None:
    s, g = share_authorisations, lifetime
    grant = granted(site)
    id_, basis, storage = grant.id_, some(), some()
    grant("provider_handler", s.activate(id_, basis), g.activate)
    grant("handler", s.record_use(id_, 1, storage), g.record_use, 1, storage)
    with pytest.raises(ConflictError, match="not_filed"):
        grant("provider_approver", s.revoke(id_, 201, basis), g.revoke, 201)
    grant("provider_approver", s.suspend(id_, 101, 3, basis), g.suspend, 101, 3)
    with pytest.raises(ConflictError, match="mend_pending"):
        grant("provider_approver", s.revoke(id_, 101, basis), g.revoke, 101)
    stopped = max(grant.kept)
    grant("gateway", s.acknowledge(id_, 1, stopped), g.acknowledge, 1, stopped)
    grant("provider_approver", s.resume(id_, basis), g.resume)
    grant("provider_handler", s.file_stop(id_, 201, some()), g.file_stop, 201, basis)
    grant("provider_approver", s.revoke(id_, 201, basis), g.revoke, 201)
    last = max(grant.kept)

    # Each block still tells what it told then.
    for block, kept in grant.kept.items():
        assert site.shares.grant(id_, block) == kept
    assert site.shares.grant(id_, min(grant.kept) - 1) is None
    ended = site.book.grants[id_]
    assert site.shares.effective_state(id_, ended.ended_at, last) is State.REVOKED
    assert site.shares.disposal(id_, ended.ended_at, last) == disposal(ended, ended.ended_at)
    assert site.shares.is_overdue(id_, ended.ended_at, last) is False
    # Who acknowledged the first stop hasn't the second.
    gateways = [site.actors[name].operator for name in ("gateway", "consumer_gateway")]
    told = {gateway: site.shares.acknowledged(id_, gateway, last)[0] for gateway in gateways}
    assert told == {gateways[0]: 1, gateways[1]: 0}
    assert unacknowledged(ended, told, gateways) == set(gateways)
    # The retry of what is done changes nothing, and isn't an error.
    before = len(site.index.history(s.NAME, id_))
    site.send("provider_approver", s.revoke(id_, 201, basis))
    site.indexer.catch_up()
    assert len(site.index.history(s.NAME, id_)) == before


def test_second_grant__of_the_same_two__is_the_access_that_a_revocation_leaves(site: Site) -> None:
    s, a = share_authorisations, applications
    first, second = Grants(site, some()), Grants(site, some())
    for grant in (first, second):
        id_, terms = grant.id_, application(site)
        grant("handler", s.propose(id_, terms), a.propose, terms)
        grant("approver", s.submit(id_), a.submit)
        grant("provider_handler", s.review(id_), a.review)
        grant("provider_approver", s.grant(id_), a.grant)
    first("authority", s.revoke(first.id_, 301), lifetime.revoke, 301)
    now = site.book.grants[first.id_].ended_at
    assert second.id_ in remaining_access(site.book, first.id_, now)
    assert first.id_ not in remaining_access(site.book, first.id_, now)
    assert site.shares.grant(first.id_, site.head).clock == Clock()  # type: ignore[union-attr]


def test_catalogue_withdrawn__profile_of_an_area__and_terms_that_lack__as_the_twin(site: Site) -> None:
    s, a, c = share_authorisations, applications, catalogue
    site.decide(s.set_profile(AUTHORITY, Profile(pre_review=True, return_clock=1)))
    site.book = a.set_profile(site.book, AUTHORITY, Profile(pre_review=True, return_clock=1))
    resource = site.publish()
    assert site.shares.profile(AUTHORITY, site.head) == Profile(pre_review=True, return_clock=1)
    grant, terms, lacks = Grants(site, some()), application(site, resource=resource), application(site, article=0)
    with pytest.raises(InputError, match="term_invalid"):
        grant("handler", s.propose(grant.id_, lacks), a.propose, lacks)
    grant("handler", s.propose(grant.id_, terms), a.propose, terms)
    grant("approver", s.submit(grant.id_), a.submit)
    assert site.book.grants[grant.id_].pre_review
    with pytest.raises(ConflictError, match="pre_review_pending"):
        grant("provider_handler", s.review(grant.id_), a.review)
    grant("authority", s.pre_review(grant.id_, True, 0, 0, None), a.pre_review, True, 0, 0)
    grant("provider_handler", s.review(grant.id_), a.review)
    decision = some()
    site.send("provider_handler", c.draw_up_withdrawal(resource, decision))
    site.send("provider_approver", c.review(resource, decision))
    site.send("provider_approver", c.approve(resource, decision))
    site.send("authority", c.publish(resource, decision))
    with pytest.raises(ChuzhengError, match="not_published"):
        grant("provider_approver", s.grant(grant.id_), a.grant)
    grant("handler", s.withdraw(grant.id_, 501), a.withdraw, 501)
    site.decide(s.set_profile(AUTHORITY, Profile()))
    site.book = a.set_profile(site.book, AUTHORITY, Profile())


def test_emergency__opened_by_two_and_judged__as_the_twin(site: Site) -> None:
    s, e = emergency_shares, emergencies
    id_, account, basis = some(), some(), some()
    terms = e.Terms(site.resource, some(), some(), 1_010_052, 603, 4, 20)
    book = e.Emergencies()
    steps: list[tuple[str, CallIntent, Callable[..., Any], tuple[Any, ...]]] = [
        ("handler", s.propose(id_, terms), e.propose, (terms,)),
        ("approver", s.open_(id_), e.open_, ()),
        ("gateway", s.close(id_, 0, 20, basis), e.close, (0, 20)),
        ("handler", s.report(id_, account), e.report, (account,)),
        ("authority", s.judge(id_, True, 653, basis), e.judge, (True, 653, basis)),
    ]
    for who, intent, twin, args in steps:
        block, book = site.act(who, intent, book, partial(_with(twin, id_), *args))
        assert site.emergencies.emergency(id_, block) == book.by_id[id_]
        assert site.of_the_index(s.NAME, id_, emergency_from) == book.by_id[id_]
        assert site.emergencies.pending(CONSUMER, block) == e.pending(book, CONSUMER)
    review_by = book.by_id[id_].review_by
    assert site.emergencies.effective_state(id_, review_by, block) is e.State.JUSTIFIED
    assert site.emergencies.is_overdue(id_, review_by, block) is False


def test_authorised_query__consented_and_exhausted__as_the_twin(site: Site) -> None:
    s, q = authorised_queries, queries
    id_, basis, end = some(), some(), BlockTime(int(time.time()) + DAY)
    terms = q.Terms(site.resource, some(), some(), some(), some(), end, 2, 10)
    book = q.Queries()
    steps: list[tuple[str, CallIntent, Callable[..., Any], tuple[Any, ...]]] = [
        ("provider_handler", s.propose(id_, terms), q.propose, (terms,)),
        ("provider_approver", s.consent(id_, basis), q.consent, ()),
        ("gateway", s.exhaust(id_, 2, basis), q.exhaust, (2,)),
    ]
    with pytest.raises(DeniedError, match="not_party"):
        site.act("handler", s.propose(id_, terms), book, partial(_with(q.propose, id_), terms))
    for who, intent, twin, args in steps:
        block, book = site.act(who, intent, book, partial(_with(twin, id_), *args))
        assert site.queries.query(id_, block) == book.by_id[id_]
        assert site.of_the_index(s.NAME, id_, query_from) == book.by_id[id_]
        at = BlockTime(end - 1)
        assert site.queries.effective_state(id_, at, block) == q.effective_state(book.by_id[id_], at)
