"""Sharing on a real anvil: from the catalogue to the revocation through the wrappers, beside the twins, at every block.

After each step the grant as the contract keeps it at that block, as the twin has it, and as the index makes it of the
events alone are one and the same.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ledger.errors import ChuzhengError, ConflictError, DeniedError, InputError
from ledger.evm import authorised_queries, catalogue, emergency_shares, share_authorisations
from ledger.evm.departments import CallIntent
from ledger.evm.launcher import start_anvil
from ledger.evm.rpc import Rpc
from ledger.shares import applications, emergencies, lifetime
from ledger.shares import authorised_queries as queries
from ledger.shares.grants import Clock, Profile, State, disposal, remaining_access, unacknowledged
from ledger.store.engine import open_engine, upgrade
from ledger.store.index.shares import emergency_from, query_from
from ledger.types import BlockTime
from tests.integration.conftest import PATIENCE
from tests.integration.sharing_site import AUTHORITY, CONSUMER, DAY, Grants, Site, application, granted, some, with_id
from tests.ports import free_port


@pytest.fixture(scope="module")
def site(anvil_program: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One for all, as each test has objects of its own; on a chain whose blocks come when they are asked for."""
    folder = tmp_path_factory.mktemp("shares")
    chain = start_anvil(folder / "chain", free_port(), binary=anvil_program, timeout=PATIENCE)
    engine = open_engine(f"sqlite:///{folder}/chuzheng.sqlite")
    upgrade(engine)
    yield Site(Rpc(chain.url), engine)
    engine.dispose()
    chain.stop(60)


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
        block, book = site.act(who, intent, book, partial(with_id(twin, id_), *args))
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
        site.act("handler", s.propose(id_, terms), book, partial(with_id(q.propose, id_), terms))
    for who, intent, twin, args in steps:
        block, book = site.act(who, intent, book, partial(with_id(twin, id_), *args))
        assert site.queries.query(id_, block) == book.by_id[id_]
        assert site.of_the_index(s.NAME, id_, query_from) == book.by_id[id_]
        at = BlockTime(end - 1)
        assert site.queries.effective_state(id_, at, block) == q.effective_state(book.by_id[id_], at)
