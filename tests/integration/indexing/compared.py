"""Every record that the index folds of its events, beside what the contract itself tells at the same block."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from ledger.authorities import Domain
from ledger.catalogue import Resource
from ledger.credits import ItemId
from ledger.evm import authorities as authorities_
from ledger.evm import working_calendar
from ledger.evm.anchor_log import AnchorLogView
from ledger.evm.authorised_queries import AuthorisedQueriesView
from ledger.evm.catalogue import CatalogueView
from ledger.evm.certificate_status import CertificateStatusView
from ledger.evm.council import CouncilView
from ledger.evm.credit_records import CreditRecordsView
from ledger.evm.department_keys import DepartmentKeysView
from ledger.evm.departments import DepartmentsView
from ledger.evm.deployment import Deployment
from ledger.evm.emergency_shares import EmergencySharesView
from ledger.evm.nodes import NodesView
from ledger.evm.rpc import Rpc
from ledger.evm.share_authorisations import ShareAuthorisationsView
from ledger.keys import KeyId
from ledger.nodes import NodeId
from ledger.store import object_tables as tables
from ledger.store.engine import reading
from ledger.store.index import (
    IndexReader,
    ToldEvent,
    catalogue,
    council,
    credits,
    departments,
    keys,
    nodes,
    shares,
    working_rules,
)
from ledger.store.tables import decisions, events, logs, type_proofs
from ledger.types import Address, BlockTime, DepartmentCode, Digest, LogId, TypeCode

Pair = tuple[str, Any, Any]
"""(what, as the index has it, as the contract tells it)"""


@dataclass
class Compared:
    """The index in `engine`, of the chain at `rpc`, as of its last block."""

    engine: Engine
    rpc: Rpc
    deployment: Deployment
    block: int

    def differences(self) -> list[Pair]:
        pairs = list(self.pairs())
        assert pairs
        return [(what, ours, theirs) for what, ours, theirs in pairs if ours != theirs]

    def pairs(self) -> Iterator[Pair]:
        yield from self._sharing()
        yield from self._credit()
        yield from self._departments()
        yield from self._rules()
        yield from self._catalogue()
        yield from self._council()
        yield from self._logs()

    def rows(self, table: sa.Table) -> list[Any]:
        with reading(self.engine) as connection:
            return list(connection.execute(sa.select(table)).all())

    def _each(
        self, table: sa.Table, contract: str, fold: Callable[[list[ToldEvent]], Any], view: Callable[[Digest], Any]
    ) -> Iterator[Pair]:
        reader = IndexReader(self.engine)
        for row in self.rows(table):
            id_ = Digest(bytes(row.id))
            yield f"{table.name} {id_.hex()}", fold(reader.history(contract, id_)), view(id_)

    def _sharing(self) -> Iterator[Pair]:
        at, given = self.block, (self.rpc, self.deployment)
        grants, emergencies = ShareAuthorisationsView(*given), EmergencySharesView(*given)
        queries = AuthorisedQueriesView(*given)
        yield from self._each(tables.grants, grants.contract, shares.grant_from, lambda i: grants.grant(i, at))
        emergency = shares.emergency_from
        shown = tables.emergency_shares
        yield from self._each(shown, emergencies.contract, emergency, lambda i: emergencies.emergency(i, at))
        yield from self._each(
            tables.authorised_queries, queries.contract, shares.query_from, lambda i: queries.query(i, at)
        )
        for row in self.rows(tables.acknowledgements):
            told = grants.acknowledged(Digest(bytes(row.grant_id)), Address(row.gateway), at)
            yield "acknowledgement", (row.stop, row.applied_at), told
        for row in self.rows(tables.share_profiles):
            profile = grants.profile(DepartmentCode(row.authority), at)
            yield "share profile", (row.pre_review, row.return_clock), (profile.pre_review, profile.return_clock)

    def _credit(self) -> Iterator[Pair]:
        view, at, reader = CreditRecordsView(self.rpc, self.deployment), self.block, IndexReader(self.engine)
        name = view.contract
        yield from self._each(tables.credit_items, name, credits.item_from, lambda i: view.item(ItemId(i), at))
        seen = {bytes(row.id)[:32] for row in self.rows(tables.credit_contributors)}
        for files in seen:
            for contribution, period in credits.contributors_from(reader.history(name, files)).items():
                yield f"{contribution}", period, view.contributor(contribution, at)
        for row in self.rows(tables.credit_classes):
            found = credits.class_from(reader.history(name, bytes(row.id)))
            yield f"class {row.number}", found, view.item_class(row.number, at)
        for row in self.rows(tables.credit_rules):
            yield "rules", Digest(bytes(row.hash)), view.rules(row.version, at)[0]
        yield "profile", credits.profile_from(reader.history(name, bytes(32))), view.profile(at)

    def _departments(self) -> Iterator[Pair]:
        at, given, reader = self.block, (self.rpc, self.deployment), IndexReader(self.engine)
        view, key_view, node_view = DepartmentsView(*given), DepartmentKeysView(*given), NodesView(*given)
        name = view.contract
        for row in self.rows(tables.departments):
            code = DepartmentCode(row.code)
            yield f"{code}", departments.department_from(reader.history(name, bytes(row.id))), view.department(code, at)
        for row in self.rows(tables.operators):
            who = reader.history(name, bytes(row.id)[:32])
            o = departments.operators_from(who)[Address(row.account)]
            ours = (o.department, o.roles, o.until or 0, o.person or bytes(32))
            yield f"operator {o.account}", ours, view.operator(o.account, at)
        for key in {bytes(row.id)[:32] for row in self.rows(tables.accreditations)}:
            for type_code, own in departments.accreditations_from(reader.history(name, key)).items():
                told = view.accreditations(own[0].issuer, type_code, at)
                yield f"{type_code}", own, told[: len(own)]  # then come those that came by succession
        for row in self.rows(tables.types):
            yield f"type {row.code}", row.competent, view.competent_for(TypeCode(row.code), at)
        for row in self.rows(tables.parts):
            yield "part", row.successor, view.carrier(DepartmentCode(row.department), bytes(row.what), at)
        newest = max(self.rows(tables.owners), key=lambda row: row.changed_block)
        yield "council", newest.owner, view.read("council", [], at)[0].lower()
        keys_name = key_view.contract
        yield from self._each(tables.department_keys, keys_name, keys.key_from, lambda i: key_view.key(KeyId(i), at))
        yield from self._each(tables.gateways, keys_name, keys.gateway_from, lambda i: key_view.gateway(i, at))
        yield from self._each(
            tables.nodes, node_view.contract, nodes.node_from, lambda i: node_view.node(NodeId(i), at)
        )

    def _rules(self) -> Iterator[Pair]:
        at, given, reader = self.block, (self.rpc, self.deployment), IndexReader(self.engine)
        authorities, calendar = authorities_.AuthoritiesView(*given), working_calendar.WorkingCalendarView(*given)
        for domain in Domain:
            history = reader.history(authorities.contract, int(domain).to_bytes(32, "big"))
            ours = working_rules.authorities_from(history).departments
            for event in history:
                division = event.args["division"]
                what = f"authority {domain} {division}"
                yield what, ours.get((domain, division)), authorities.authority_at(domain, division, at)
        told = working_rules.calendar_from(self._told(calendar.contract))
        assert told.years
        yield "calendar", told, calendar.calendar(told.years, at)
        assert {row.year for row in self.rows(tables.calendar_years)} == set(told.years)

    def _catalogue(self) -> Iterator[Pair]:
        view, at = CatalogueView(self.rpc, self.deployment), self.block
        yield from self._each(tables.resources, view.contract, _resource, lambda i: view.resource(i, at))
        yield from self._each(tables.demands, view.contract, catalogue.demand_from, lambda i: view.demand(i, at))

    def _council(self) -> Iterator[Pair]:
        view, at, reader = CouncilView(self.rpc, self.deployment), self.block, IndexReader(self.engine)
        name = view.contract
        for row in self.rows(tables.proposals):
            found = council.proposal_from(reader.history(name, bytes(row.id)))
            told = view.proposal(Digest(bytes(row.id)), at)
            assert found is not None
            assert told is not None
            ours = (found.member, found.delegate, found.basis, found.proposed_at, found.expires_at, found.executed_at)
            theirs = (told.member, told.delegate, told.basis, told.proposed_at, told.expires_at, told.executed_at)
            yield "proposal", ours, theirs
            given = [(a.member, a.delegate, a.at) for a in view.approvals(Digest(bytes(row.id)), at)]
            yield "approvals", list(found.approvals), given
        members = {DepartmentCode(row.code) for row in self.rows(tables.council_members)}
        yield "members", members, view.members(at)
        for member in members:
            history = reader.history(name, member.encode().ljust(32, b"\0"))
            known = sorted(council.delegates_from(history).values(), key=lambda d: d.account)
            yield f"delegates of {member}", tuple(known), view.delegates(member, at)
        rules = reader.history(name, bytes(32))
        yield "rules", council.rules_from(rules), view.rules(at)
        yield "pause", council.last_pause_from(rules), view.last_pause(at)
        for row in self.rows(tables.pause_requests):
            yield "request", row.requested_at, view.pause_requested_at(DepartmentCode(row.member), at)
        for named in {row.name for row in self.rows(tables.named_contracts)}:
            history = reader.history(name, named.encode().ljust(32, b"\0"))
            yield f"versions of {named}", council.versions_from(history), view.versions(named, at)
        for row in self.rows(tables.trust_files):
            yield f"trust file {row.sequence}", bytes(row.hash), view.trust_file(row.sequence, at)

    def _logs(self) -> Iterator[Pair]:
        at, given, reader = self.block, (self.rpc, self.deployment), IndexReader(self.engine)
        log_view, status = AnchorLogView(*given), CertificateStatusView(*given)
        for row in self.rows(logs):
            log_id = LogId(bytes(row.log_id))
            yield f"log {row.origin}", reader.log_head(log_id), log_view.head(log_id, at)
            told = log_view.log(log_id, at)
            assert told is not None
            yield f"closed {row.origin}", reader.closed_at(log_id), told.size if told.closed else None
        for key in {Digest(bytes(row.status_key)) for row in self.rows(decisions)}:
            yield f"decisions {key.hex()}", tuple(reader.decisions(key)), status.decisions(key, at)
        for row in self.rows(type_proofs):
            yield "type", row.type_code, status.type_of(Digest(bytes(row.status_key)), at)
        followed = sorted(self.rows(tables.followed_logs), key=lambda row: row.changed_block)
        for row in followed[-1:]:
            yield "followed", row.log, status.log(at)

    def _told(self, contract: str) -> list[ToldEvent]:
        found = IndexReader(self.engine).events(contract)
        return [ToldEvent(number, BlockTime(0), 0, event, args) for number, event, args in found]


def _resource(history: list[ToldEvent]) -> Resource | None:
    """As the contract can tell it: where it is withdrawn, its one basis is the decision's."""
    found = catalogue.resource_from(history)
    if found is None or found.decision is None or found.published is None:
        return found
    return replace(found, published=replace(found.published, basis=None))


def seen(engine: Engine) -> set[tuple[str, str]]:
    """(contract, event) of all that is in the index."""
    with reading(engine) as connection:
        return {(c, e) for c, e in connection.execute(sa.select(events.c.contract, events.c.event).distinct())}
