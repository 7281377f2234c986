"""What else happens on the chain of `linking`, so that every event of every contract is told at least once.

Over 300 lines: one life after another, an act of each kind.
"""

from __future__ import annotations

import datetime as dt
import secrets
from dataclasses import dataclass, field

from ledger import calendar
from ledger.authorities import Domain
from ledger.catalogue import SharingClass
from ledger.council import Delegate, Rules
from ledger.credits import Contribution, ItemId, Measure, NewItem, Period, Polarity, Profile, Severity
from ledger.evm import (
    anchor_log,
    authorised_queries,
    authorities,
    catalogue,
    certificate_status,
    council,
    credit_records,
    department_keys,
    departments,
    emergency_shares,
    nodes,
    share_authorisations,
    working_calendar,
)
from ledger.evm.artifacts import artifact
from ledger.evm.deploy import deploy, deploy_version
from ledger.evm.founding import SAMPLE_MEMBER
from ledger.evm.profiles import ANVIL
from ledger.evm.sender import Sender
from ledger.evm.transactions import EvmKey
from ledger.keys import Gateway, KeyId, NewKey, Suite
from ledger.nodes import NewNode, NodeId, NodeKey
from ledger.shares import authorised_queries as queries
from ledger.shares import emergencies, grants
from ledger.types import Address, BlockTime, DepartmentCode, Digest, Role, TypeCode
from notary.entry import log_id, make_origin
from tests.integration.linking.affairs import (
    AUTHORITY,
    CIVIL,
    COUNTY_DIVISION,
    DRAFT,
    FACT,
    FILES,
    FINANCE,
    GOVERNMENT,
    HEALTH,
    KEEPER,
    MERIT,
    NEGATIVE,
    NETWORK,
    POLICE,
    PROVINCE,
    SCHOOL,
    WORK,
    Call,
    random,
)
from tests.integration.linking.years import DAY, Years

COMPANY = DepartmentCode("91420526MA9986781L")
CRIME, SEALED = 402, 777
ALL_ROLES = Role.STATUS | Role.NODE | Role.GATEWAY


@dataclass
class Further:
    """After those years."""

    years: Years
    owner: EvmKey = field(init=False)
    person: EvmKey = field(init=False)
    """of the keeper, with the roles that nobody had"""
    second: EvmKey = field(init=False)
    """delegate of a second member of the Council, for a while"""

    def __post_init__(self) -> None:
        a = self.a = self.years.affairs
        self.owner = a.owner
        self.person, self.second = (EvmKey(secrets.token_bytes(32)) for _ in range(2))
        self._keys = [a.owner, *(k for o in a.offices.values() for k in (o.handler, o.approver, o.machine))]
        self._keys += [self.person, self.second]
        self._send_by()

    def _send_by(self) -> None:
        a = self.a
        a.sender.release()
        a.sender = Sender(a.engine, a.rpc, ANVIL, a.deployment, {k.address: k for k in self._keys})

    def live(self) -> None:
        """All of it."""
        self.members()
        self.keys()
        self.nodes()
        self.catalogue()
        self.grants()
        self.emergencies_and_queries()
        self.credit()
        self.calendar()
        self.council()
        self.logs()

    def decide(self, *calls: Call) -> None:
        """The council of one has its will."""
        a = self.a
        a.do((a.owner, council.enact(random(), [council.as_call(a.deployment, call) for call in calls])))

    def members(self) -> None:
        a = self.a
        other = TypeCode(f"{KEEPER}002")
        self.decide(
            departments.admit_service_operator(COMPANY, COUNTY_DIVISION, random()),
            departments.appoint_operator(self.person.address, KEEPER, ALL_ROLES, None, random()),
            departments.appoint_operator(self.second.address, COMPANY, Role.NODE, None, random()),
            departments.define_type(other, KEEPER),
            departments.accredit(KEEPER, other, a.day(9), a.day(3)),
            departments.accredit(KEEPER, other, a.day(2), None),
            departments.suspend(WORK, 1, random()),
        )
        self.decide(
            departments.reinstate(WORK),
            departments.withdraw_accreditation(KEEPER, other, a.now, 1),
            departments.end_operator(self.second.address, 1),
            departments.succeed(FINANCE, SCHOOL, BlockTime(0), [(random(), POLICE)]),
            authorities.set_authority(Domain.SHARING, COUNTY_DIVISION, DRAFT, random()),
            ("Departments", "transferOwnership", [self.second.address]),
        )
        self.decide(authorities.set_authority(Domain.SHARING, COUNTY_DIVISION, None, random()))

    def keys(self) -> None:
        first, proposed, then, last = (KeyId(random()) for _ in range(4))
        gateway = Digest(random())

        def new(replaces: KeyId | None = None) -> NewKey:
            return NewKey(KEEPER, Suite.ED25519, 1, random(), replaces=replaces)

        self.decide(department_keys.propose_key(first, new()))
        self.decide(department_keys.propose_key(then, new(first)), department_keys.propose_key(last, new()))
        who = Gateway(gateway, KEEPER, then, None, 0, BlockTime(0), None)
        self.a.do(
            (self.person, department_keys.propose_key(proposed, new())),
            (self.person, department_keys.compromise_key(first, self.a.day(1), 1)),
            (self.person, department_keys.register_gateway(who)),
            (self.person, department_keys.change_gateway_key(gateway, last)),
            (self.person, department_keys.end_gateway(gateway, 1)),
            (self.person, department_keys.end_key(proposed, None, 1)),
        )

    def nodes(self) -> None:
        one, two = NodeId(random()), NodeId(random())

        def new() -> NewNode:
            return NewNode(COMPANY, COUNTY_DIVISION, NodeKey(random()), random(), random())

        self.a.do((self.person, nodes.apply_for(one, new())), (self.person, nodes.apply_for(two, new())))
        self.decide(nodes.admit(one, KEEPER))
        self.a.do((self.person, nodes.release(one)), (self.person, nodes.accept(one, random())))
        self.decide(nodes.promote(one))
        self.decide(nodes.change(one, KEEPER, random()))
        self.a.do((self.person, nodes.retire(two, 1)))
        self.decide(nodes.demote(one, 1))

    def catalogue(self) -> None:
        a, health = self.a, self.years.resources[HEALTH]
        authority = a.offices[AUTHORITY].approver
        office, police, keeper = a.offices[HEALTH], a.offices[POLICE], a.offices[KEEPER]
        a.do((office.handler, catalogue.connect(health, random())))
        a.do((office.handler, catalogue.disconnect(health, 1, random())))
        a.do((office.handler, catalogue.record_change(health, a.day(2), random())))
        a.do((authority, catalogue.extend_update(health, random())))
        (gone,) = a.publish(POLICE)
        a.do((police.handler, catalogue.add_duty(gone, POLICE)))
        decision = random()
        a.do((police.handler, catalogue.draw_up_withdrawal(gone, decision)))
        a.do((police.approver, catalogue.review(gone, decision)))
        a.do((police.approver, catalogue.approve(gone, decision)))
        a.do((authority, catalogue.publish(gone, decision)))
        owed, sent_back, version, wish = (random() for _ in range(4))
        a.do((police.handler, catalogue.add_duty(owed, POLICE)))
        a.do((authority, catalogue.end_duty(owed, 1)))
        drawn = catalogue.NewVersion(version, SharingClass.NOT_SHARED, b"\2", random())
        a.do((police.handler, catalogue.draw_up(sent_back, drawn)))
        a.do((police.approver, catalogue.review(sent_back, version)))
        a.do((police.approver, catalogue.approve(sent_back, version)))
        a.do((authority, catalogue.send_back(sent_back, version, 1)))
        a.do((keeper.handler, catalogue.demand(wish, None, None, random())))
        a.do((authority, catalogue.assign_demand(wish, POLICE, owed)))
        a.do((keeper.handler, catalogue.close_demand(wish, 1)))

    def grants(self) -> None:
        a, s = self.a, share_authorisations
        applicant, provider = a.offices[KEEPER], a.offices[HEALTH]
        authority, government = a.offices[AUTHORITY].approver, a.offices[GOVERNMENT].approver

        def applied(steps: int = 3) -> Digest:
            id_ = random()
            terms = self.years.application(0, None)
            taken = [(applicant.handler, s.propose(id_, terms)), (applicant.approver, s.submit(id_))]
            for act in [*taken, (provider.handler, s.review(id_))][:steps]:
                a.do(act)
            return id_

        def granted() -> Digest:
            id_ = applied()
            a.do((provider.approver, s.grant(id_)))
            a.do((provider.handler, s.activate(id_)))
            return id_

        self.decide(s.set_profile(AUTHORITY, grants.Profile(False, 1)))
        returned = applied()
        a.do((provider.handler, s.return_for_more(returned, random())))
        taken_back = applied()
        a.do((provider.handler, s.ask_extension(taken_back, 5, 801)))
        a.do((authority, s.extend(taken_back)))
        a.do((applicant.handler, s.withdraw(taken_back, 501)))
        self.waiting = applied(2)

        stopped = granted()
        for _ in range(2):
            a.do((provider.handler, s.file_stop(stopped, 201, random())))
            a.do((provider.approver, s.suspend(stopped, 201)))
            a.do((provider.approver, s.resume(stopped)))
        a.do((authority, s.revoke(stopped, 301)))
        block = a.rpc.call("eth_blockNumber")
        a.do((provider.machine, s.acknowledge(stopped, 1, 1)), (applicant.machine, s.acknowledge(stopped, 2, 1)))
        a.do((provider.machine, s.acknowledge(stopped, 3, int(block, 16))))
        a.do(*((applicant.handler, s.record_use(stopped, kind, random())) for kind in (1, 3)))
        a.do((applicant.approver, s.surrender(granted(), 503)))
        a.do((provider.machine, s.exhaust(granted(), 10)))

        refused = applied()
        a.do((provider.approver, s.reject(refused, 401, 10_021)))
        a.do((applicant.approver, s.dispute(refused)))
        a.do((applicant.approver, s.escalate(refused, 2)), (applicant.approver, s.escalate(refused, 3)))
        a.do((government, s.settle(refused, False)))
        self.decide(s.set_profile(AUTHORITY, grants.Profile(True, 2)))
        passed, stays = applied(2), applied(2)
        a.do((authority, s.pre_review(passed, True, 0, 0, None)))
        a.do((authority, s.pre_review(stays, False, 406, 10_021, None)))
        self.decide(s.set_profile(AUTHORITY, grants.Profile()))

    def emergencies_and_queries(self) -> None:
        a, office, keeper = self.a, self.a.offices[CIVIL], self.a.offices[KEEPER]
        self.open = random()
        terms = emergencies.Terms(self.years.resources[DRAFT], random(), random(), 1_030_012, 601, 24, 50)
        a.do((office.handler, emergency_shares.propose(self.open, terms)))
        a.do((office.approver, emergency_shares.open_(self.open)))
        refused, used = random(), random()
        for id_ in (refused, used):
            resource, end = self.years.resources[KEEPER], BlockTime(a.day(-30))
            asked = queries.Terms(resource, random(), random(), random(), random(), end, 1, 10)
            a.do((keeper.handler, authorised_queries.propose(id_, asked)))
        a.do((keeper.approver, authorised_queries.refuse(refused, 401, 10_021)))
        a.do((keeper.approver, authorised_queries.consent(used)))
        a.do((keeper.machine, authorised_queries.exhaust(used, 1)))

    def credit(self) -> None:
        a, c = self.a, credit_records
        keeper, province, police = (a.offices[code].machine for code in (KEEPER, PROVINCE, POLICE))
        self.decide(
            c.set_item_class(CRIME, Polarity.NEGATIVE, Measure.CRIME, random()),
            c.seal_item_class(SEALED, random()),
            c.set_profile(Profile(mark_days=2), random()),
            c.set_rules(1, random()),
        )
        a.do((keeper, c.authorise_contributor(Contribution(FILES, PROVINCE, CRIME), Period(a.day(9)), random())))
        a.do((keeper, c.end_contributor(Contribution(FILES, SCHOOL, MERIT), 1, random())))
        filed, repaired, lasting, objected, uphold = (ItemId(random()) for _ in range(5))

        def negative(number: int, severity: Severity, before: int) -> NewItem:
            said = (random(), severity, random(), random())
            return NewItem(FILES, number, *said, a.day(before), a.day(before + 1), 0)

        a.do((province, c.add(filed, negative(CRIME, Severity.SERIOUS, 9))))
        a.do((province, c.record_filing(filed, random())))
        a.do((police, c.add(repaired, negative(NEGATIVE, Severity.GENERAL, 120))))
        a.do((police, c.repair(repaired, random())))
        for id_ in (lasting, objected, uphold):
            a.do((police, c.add(id_, NewItem(FILES, FACT, random()))))
        a.do((police, c.end_event(lasting, a.day(1))))
        for id_ in (objected, uphold):
            a.do((keeper, c.object_to(id_, random(), a.day(0))))
        a.do((police, c.uphold(uphold, random())))
        self.objected = objected

    def calendar(self) -> None:
        """Days become free that were working days: deadlines move."""
        a, today = self.a, calendar.day_of(self.a.now)
        days = [today + dt.timedelta(n) for n in range(1, 12)]
        free = [day for day in days if day.isoweekday() < 6]
        self.decide(working_calendar.set_days(free, False, random()))
        self.decide(working_calendar.set_days(free[:1], True, random()))
        a.do((a.owner, share_authorisations.move_deadline(self.waiting)))
        a.do((a.owner, emergency_shares.move_deadline(self.open)))
        a.do((a.owner, credit_records.move_deadline(self.objected)))
        a.do((a.owner, catalogue.move_deadline(self.years.resources[HEALTH])))

    def council(self) -> None:
        """A second member for a while; a proposal that is approved, forgotten and carried out; a pause."""
        a = self.a
        self.decide(
            council.appoint_delegate(Delegate(a.owner.address, SAMPLE_MEMBER, random())),
            council.add_member(POLICE),
            council.appoint_delegate(Delegate(self.second.address, POLICE, random())),
        )
        proposed, calls = random(), [council.as_call(a.deployment, council.pin_trust_file(random(), 3))]
        a.do((self.second, council.propose(proposed, calls)))
        a.do((self.second, council.withdraw_approval(proposed)))
        a.do((a.owner, council.approve(proposed, council.content_of(calls))))
        a.do((a.owner, council.execute(proposed, calls)))
        a.do((a.owner, council.pause(1)))
        self.decide(council.end_pause(), council.set_rules(Rules(1, 1, 0, 2 * DAY)), council.remove_member(POLICE))

    def logs(self) -> None:
        """A log is closed; another AnchorLog takes over, and another CertificateStatus, which annuls a decision."""
        a = self.a
        topic = next(e.topic for e in artifact("CertificateStatus").events.values() if e.name == "Decided")
        asked = {"address": a.deployment.address("CertificateStatus"), "topics": [topic], "fromBlock": "0x0"}
        made = a.rpc.call("eth_getLogs", asked)[0]
        key, by = (Digest(bytes.fromhex(made["topics"][n][2:])) for n in (1, 2))
        machine = a.offices[DepartmentCode(by[:18].decode())].machine
        closed = log_id(make_origin(NETWORK, KEEPER))
        self.decide(anchor_log.close_log(closed, 0, random()))
        new = self.version(anchor_log.NAME)
        self.follow(
            council.name_contract(anchor_log.NAME, new),
            anchor_log.retire(new),
            certificate_status.follow_log(new),
        )
        a.do((a.owner, anchor_log.carry([closed])))
        new = self.version(certificate_status.NAME)
        self.follow(council.name_contract(certificate_status.NAME, new), certificate_status.retire(new))
        a.do((a.owner, certificate_status.carry([key])))
        a.do((machine, certificate_status.annul(key, 1, random())))

    def version(self, name: str) -> Address:
        """A new version of that contract; nobody uses it yet."""
        a = self.a
        a.rpc.call("evm_setIntervalMining", 1)
        new = deploy_version(a.rpc, ANVIL, a.owner, name, a.folder / "deployment.json")
        a.rpc.call("evm_setIntervalMining", 0)
        self._send_by()
        return new.address

    def follow(self, *calls: Call) -> None:
        """The council decides so, and everyone follows its registry."""
        a = self.a
        self.decide(*calls)
        a.deployment = deploy(a.rpc, ANVIL, a.owner, NETWORK, a.folder / "deployment.json")
        self._send_by()
