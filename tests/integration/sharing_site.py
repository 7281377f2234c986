"""What sharing stands on, on a real anvil: departments and their people, a catalogue, the twins beside every contract.

Each act is sent through the wrapper and told to the twin; `Grants` compares both with the index after every block.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable, Mapping
from functools import partial
from hashlib import sha256
from typing import Any, TypeVar

import pytest
from sqlalchemy.engine import Engine

from ledger.authorities import Authorities, Domain, common_authority, set_authority
from ledger.calendar import Calendar, day_of, deadline
from ledger.catalogue import SharingClass
from ledger.errors import ChuzhengError, DeniedError
from ledger.evm import authorities, catalogue, council, departments, share_authorisations, working_calendar
from ledger.evm.authorised_queries import AuthorisedQueriesView
from ledger.evm.catalogue import CatalogueView
from ledger.evm.departments import CallIntent
from ledger.evm.deploy import deploy
from ledger.evm.emergency_shares import EmergencySharesView
from ledger.evm.indexer import Indexer
from ledger.evm.outbox import Outbox
from ledger.evm.profiles import ANVIL
from ledger.evm.reverts import stored_error
from ledger.evm.rpc import Rpc
from ledger.evm.sender import Sender
from ledger.evm.share_authorisations import ShareAuthorisationsView
from ledger.evm.transactions import EvmKey
from ledger.shares import applications, disputes
from ledger.shares.grants import Book, Terms
from ledger.shares.setting import Actor, Resource, Setting
from ledger.store.engine import writing
from ledger.store.index import IndexReader
from ledger.store.index.shares import grant_from
from ledger.store.outbox import IntentState
from ledger.types import BlockTime, DepartmentCode, Digest, Role

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


class Grants:
    """Acts on one application, each compared."""

    def __init__(self, site: Site, id_: Digest) -> None:
        self.site, self.id_ = site, id_
        self.kept: dict[int, Any] = {}
        """block → the grant after it"""

    def __call__(self, who: str, intent: CallIntent, twin: Callable[..., Book], *args: Any) -> None:
        site = self.site
        block, site.book = site.act(who, intent, site.book, partial(with_id(twin, self.id_), *args))
        expected = site.book.grants[self.id_]
        assert site.shares.grant(self.id_, block) == expected
        assert site.of_the_index(share_authorisations.NAME, self.id_, grant_from) == expected
        self.kept[block] = expected


def with_id(twin: Callable[..., Any], id_: Digest) -> Callable[..., Any]:
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
