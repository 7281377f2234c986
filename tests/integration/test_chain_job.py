"""One run through every contract on every engine: founded by the Council, then an anchor and a decision, a resource
and a grant, a credit item, a node; told alike by the contracts and by the index."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from sqlalchemy.engine import Engine

from ledger.authorities import Domain
from ledger.calendar import bitmap
from ledger.catalogue import SharingClass
from ledger.credits import Contribution, Field, FileClass, ItemId, ItemState, Measure, NewItem, Period, Polarity
from ledger.evm import anchor_log, authorities, catalogue, council, credit_records, nodes, working_calendar
from ledger.evm import certificate_status as status
from ledger.evm import share_authorisations as shares
from ledger.evm.anchor_log import AnchorLogView
from ledger.evm.blocks import latest_block
from ledger.evm.certificate_status import CertificateStatusView, DecisionInput, EntryProof
from ledger.evm.council import CouncilView
from ledger.evm.credit_records import CreditRecordsView
from ledger.evm.departments import CallIntent
from ledger.evm.deploy import CONTRACTS
from ledger.evm.indexer import Indexer, IndexReader
from ledger.evm.network import NetworkPlan, Operator, bootstrap
from ledger.evm.nodes import NodesView
from ledger.evm.outbox import IntentState
from ledger.evm.share_authorisations import ShareAuthorisationsView
from ledger.evm.transactions import EvmKey
from ledger.nodes import NewNode, NodeId, NodeKey, NodeState
from ledger.shares.grants import State, Terms
from ledger.statuses import DecisionCode
from ledger.store.engine import writing
from ledger.types import BlockTime, DepartmentCode, Digest, LogId, Origin, Role, TypeCode
from scripts.samples import sample_network
from tests.integration.bursts import Site
from tests.integration.conftest import Chain
from tests.integration.networks import digest

PROVIDER, CONSUMER, AUTHORITY = (d.code for d in sample_network().departments[:3])
DIVISION = 420000
TYPE = TypeCode(PROVIDER + "001")
FILES = FileClass(CONSUMER, Field.BENEFITS)
FACT = 201
DAY = 86_400
MINED = (IntentState.MINED, IntentState.FINAL)


def some(name: str) -> Digest:
    return Digest(digest(name))


def weekdays(year: int) -> int:
    first = dt.date(year, 1, 1)
    days = (first + dt.timedelta(days=n) for n in range(366))
    return bitmap(day for day in days if day.year == year and day.isoweekday() < 6)


class Job(Site):
    """A deployment, and one account for each role of each department."""

    def begin(self, account: dict[tuple[DepartmentCode, int], EvmKey]) -> None:
        self.by = account
        self.steps = self.sender(*account.values())
        self.done = 0

    def together(self, *calls: tuple[EvmKey, CallIntent]) -> None:
        """Send calls that don't build on each other, and wait until each is in a block."""
        names = []
        with writing(self.engine) as connection:
            for key, (contract, function, args) in calls:
                self.done += 1
                name = f"job/{self.done}/{contract}.{function}"
                self.outbox.enqueue(
                    connection, intent_key=name, sender=key.address, contract=contract, function=function, args=args
                )
                names.append(name)
        self.wait(names, MINED)

    def wait(self, names: Sequence[str], states: Sequence[IntentState]) -> None:
        end = time.monotonic() + 240
        for name in names:
            while (row := self.outbox.status(name)) is None or row.state not in states:
                assert row is None or row.error_code is None, (name, row.error_code, row.error_params)
                assert time.monotonic() < end, name
                if not self.steps.step():
                    time.sleep(0.05)


def test_job__every_contract_in_turn__done_and_indexed(chain: Chain, engine: Engine, tmp_path: Path) -> None:
    job = Job(engine, chain.url, chain.profile, chain.account(), tmp_path)
    roles = {
        PROVIDER: (Role.ANCHOR | Role.STATUS, Role.SHARE_HANDLER, Role.SHARE_APPROVER),
        CONSUMER: (Role.SHARE_HANDLER, Role.SHARE_APPROVER, Role.CREDIT, Role.NODE),
        AUTHORITY: (Role.SHARE_APPROVER,),
    }
    by = {(code, int(role)): chain.account() for code, several in roles.items() for role in several}
    anchoring, credit = by[PROVIDER, Role.ANCHOR | Role.STATUS], by[CONSUMER, Role.CREDIT]
    origin = Origin(f"chuzheng/drill/{PROVIDER}")
    log = LogId(digest("chuzheng/log/v1\0" + origin))
    now = latest_block(chain.rpc).time
    plan = NetworkPlan(
        departments=[(code, DIVISION) for code in roles],
        types=[(TYPE, PROVIDER)],
        operators=[Operator(key.address, code, role, digest(f"{code} {role}")) for (code, role), key in by.items()],
        accreditations=[(PROVIDER, TYPE, BlockTime(now - DAY), None)],
        logs=[(origin, log, anchoring.address)],
    )
    signers = {key.address: key for key in (job.owner, *by.values())}
    bootstrap(engine, chain.rpc, chain.profile, job.deployment, signers, plan=plan)
    job.begin(by)

    # What the Council sets, and first steps that need nothing else.
    year = dt.datetime.fromtimestamp(now, dt.UTC).year
    set_up = [working_calendar.set_year(y, weekdays(y)) for y in (year, year + 1)]
    set_up += [
        authorities.set_authority(Domain.SHARING, DIVISION, AUTHORITY),
        authorities.set_authority(Domain.VETERANS, DIVISION, CONSUMER),
        authorities.set_authority(Domain.GOVERNMENT, DIVISION, AUTHORITY),
    ]
    entry = b"\x01\x01" + PROVIDER.encode() + bytes(8) + b"\x0c" * 32 + b"\x0d" * 32
    root = Digest(sha256(b"\0" + entry).digest())
    job.together(
        (job.owner, council.enact(some("set up"), [council.as_call(job.deployment, call) for call in set_up])),
        (anchoring, anchor_log.anchor(log, 1, root, [])),
    )
    key = Digest(sha256(b"chuzheng/status/v1\0" + PROVIDER.encode() + b"\x0c" * 32).digest())
    suspended = DecisionInput(DecisionCode.SUSPENDED, BlockTime(now - DAY), cause=1)
    resource, version, node = some("resource"), some("version"), NodeId(digest("node"))
    handler, approver = by[PROVIDER, Role.SHARE_HANDLER], by[PROVIDER, Role.SHARE_APPROVER]
    asker, asking = by[CONSUMER, Role.SHARE_HANDLER], by[CONSUMER, Role.SHARE_APPROVER]
    owns = by[CONSUMER, Role.NODE]
    drawn = catalogue.NewVersion(version, SharingClass.CONDITIONAL, bytes([1, 2]), some("basis"))
    applied = NewNode(CONSUMER, DIVISION, NodeKey(digest("key")), some("contact"), some("application"))
    job.together(
        (anchoring, status.decide_first(key, suspended, EntryProof(log, entry, 0, 1, ()))),
        (handler, catalogue.draw_up(resource, drawn)),
        (credit, credit_records.set_item_class(FACT, Polarity.FACT, Measure.NONE, some("law"))),
        (owns, nodes.apply_for(node, applied)),
    )
    contribution = Contribution(FILES, CONSUMER, FACT)
    job.together(
        (approver, catalogue.review(resource, version)),
        (credit, credit_records.authorise_contributor(contribution, Period(BlockTime(now - DAY)))),
        (job.owner, council.enact(some("admit"), [council.as_call(job.deployment, nodes.admit(node, CONSUMER))])),
    )
    item = ItemId(digest("item"))
    job.together(
        (approver, catalogue.approve(resource, version)),
        (credit, credit_records.add(item, NewItem(FILES, FACT, some("fact")))),
        (owns, nodes.release(node)),
    )
    grant = some("grant")
    terms = Terms(
        resource=resource, body=some("body"), items=some("items"), not_before=BlockTime(now),
        not_after=BlockTime(now + 100 * DAY), max_uses=5, rate_per_day=2, purpose=1, basis_kind=1, scope=1, method=1,
        mode=2, data_life=30, article=10_021,
    )  # fmt: skip
    job.together(
        (by[AUTHORITY, Role.SHARE_APPROVER], catalogue.publish(resource, version)),
        (owns, nodes.accept(node, some("report"))),
    )
    job.together((asker, shares.propose(grant, terms)))
    job.together((asking, shares.submit(grant)))
    job.together((handler, shares.review(grant)))
    job.together((approver, shares.grant(grant)))
    job.together((handler, shares.activate(grant)))

    head = latest_block(chain.rpc).number
    at = (chain.rpc, job.deployment)
    assert AnchorLogView(*at).owner(log, head) == PROVIDER
    assert [d.code for d in CertificateStatusView(*at).decisions(key, head)] == [DecisionCode.SUSPENDED]
    given = ShareAuthorisationsView(*at).grant(grant, head)
    assert given
    assert (given.state, given.provider, given.consumer) == (State.ACTIVE, PROVIDER, CONSUMER)
    kept = CreditRecordsView(*at).item(item, head)
    assert kept
    assert kept.state is ItemState.ACTIVE
    seen = NodesView(*at).node(node, head)
    assert seen
    assert seen.state is NodeState.OBSERVER
    versions = CouncilView(*at)
    assert {name for name in CONTRACTS if versions.versions(name, head)} == set(CONTRACTS)
    Indexer(engine, chain.rpc, chain.profile, job.deployment).catch_up()
    index = IndexReader(engine)
    told = {name: len(index.events(name)) for name in ("Catalogue", "ShareAuthorisations", "CreditRecords", "Nodes")}
    assert all(count >= 3 for count in told.values()), told
    assert [d.code for d in index.decisions(key)] == [DecisionCode.SUSPENDED]
