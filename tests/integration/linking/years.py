"""What happens in those years: items with their disputes, applications with theirs, queries, an emergency, cards."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ledger.credits import Answer, ItemId, NewItem, Severity, replacement_of
from ledger.evm import (
    anchor_log,
    authorised_queries,
    certificate_status,
    credit_records,
    emergency_shares,
    share_authorisations,
)
from ledger.evm.certificate_status import DecisionInput, EntryProof
from ledger.evm.transactions import EvmKey
from ledger.shares import authorised_queries as queries
from ledger.shares import emergencies
from ledger.shares.grants import Terms
from ledger.shares.subjects import padding_needed, subject_leaves, subjects_root
from ledger.statuses import DecisionCode
from ledger.types import BlockTime, DepartmentCode, Digest, Kind, LogId, Millis
from notary.entry import Entry, log_id, make_origin, status_key
from notary.merkle import inclusion_path, leaf_hash, root_from_leaves
from tests.integration.linking.affairs import (
    AUTHORITY,
    CIVIL,
    DRAFT,
    EIGHT,
    FACT,
    FILES,
    HEALTH,
    KEEPER,
    MERIT,
    NEGATIVE,
    NETWORK,
    POLICE,
    PROVINCE,
    WORK,
    Affairs,
    Call,
    interleaved,
    person,
    random,
)
from tests.integration.linking.attacker import Person

DAY = 86_400
VETERANS = tuple(person(number) for number in range(6))


@dataclass
class Years:
    """What happened, and whom it was about."""

    affairs: Affairs
    about: dict[bytes, Person] = field(default_factory=dict)
    """id or status key → whom"""
    meant: set[frozenset[bytes]] = field(default_factory=set)
    """pairs that the design joins on purpose: a certificate and its successor, a grant and its renewal"""

    def __post_init__(self) -> None:
        providers = (HEALTH, KEEPER, DRAFT)
        self.resources = dict(zip(providers, self.affairs.publish(*providers), strict=True))

    def item(self, about: Person, owner: DepartmentCode, item_class: int) -> tuple[ItemId, Call]:
        """A new item of one person, to be added."""
        a, id_ = self.affairs, ItemId(random())
        self.about[id_] = about
        text = f"{owner}关于{about.name}的信息项 {item_class}"
        negative = item_class == NEGATIVE
        new = NewItem(
            FILES,
            item_class,
            a.committed(about, text=text),
            Severity.GENERAL if negative else Severity.NONE,
            a.committed(about, text=f"告知书：{text}") if negative else None,
            a.committed(about, text=f"决定书：{text}") if negative else None,
            a.day(40) if negative else None,
            a.day(60),
            6 if negative else 0,
        )
        return id_, credit_records.add(id_, new)

    def credit(self) -> None:
        """Four to five items of each veteran; objections, an appeal, a correction, a withdrawal, a statement."""
        a = self.affairs
        machines = {code: a.offices[code].machine for code in EIGHT}
        lists = []
        negative: list[tuple[DepartmentCode, ItemId, Person]] = []
        for n, veteran in enumerate(VETERANS):
            mine: list[tuple[EvmKey, Call]] = []
            owners = [EIGHT[(n + i) % 8] for i in range(4)]
            classes = [NEGATIVE, FACT, MERIT, NEGATIVE if n % 2 else FACT]
            for owner, item_class in zip(owners, classes, strict=True):
                id_, call = self.item(veteran, owner, item_class)
                mine.append((machines[owner], call))
                if item_class == NEGATIVE:
                    negative.append((owner, id_, veteran))
            lists.append(mine)
        a.do(*interleaved(lists))
        # One office writes twice about each: the pairs that an attacker would like best.
        a.do(*((machines[POLICE], self.item(veteran, POLICE, FACT)[1]) for veteran in (*VETERANS, *VETERANS)))
        (first, second, third, *rest) = negative
        today = a.day(0)
        for owner, id_, veteran in (first, second, third):
            request = a.committed(veteran, text="异议申请书")
            a.do((machines[owner], credit_records.object_to(id_, request, today)))
        owner, id_, veteran = first
        a.do((machines[owner], credit_records.uphold(id_, a.committed(veteran, text="维持决定"))))
        a.do((machines[owner], credit_records.appeal(id_, a.committed(veteran, text="复核申请"), today)))
        authority = a.offices[KEEPER if owner != KEEPER else PROVINCE].machine
        a.do((authority, credit_records.rule(id_, Answer.ORDERED, a.committed(veteran, text="复核决定"))))
        for owner, id_, veteran in (first, second):
            new, call = self.item(veteran, owner, NEGATIVE)
            replaced = replacement_of(id_, new, random())
            a.do((machines[owner], credit_records.correct(id_, replaced, a.committed(veteran, text="更正决定"))))
            # The new item comes later, and not as the next act of that office.
            _, between = self.item(rest[0][2], owner, FACT)
            a.do((machines[owner], between))
            a.do((machines[owner], call))
        owner, id_, veteran = third
        a.do((machines[owner], credit_records.withdraw(id_, 1, a.committed(veteran, text="撤销决定"))))
        owner, id_, veteran = rest[0]
        a.do((machines[owner], credit_records.attach_statement(id_, a.committed(veteran, text="本人说明"))))
        a.do((machines[owner], credit_records.archive(id_, a.committed(veteran, text="删除决定"))))

    def shares(self) -> None:
        """A list of veterans, a court's case, a renewal, a dispute; every text a commitment."""
        a, s = self.affairs, share_authorisations
        applicant, provider = a.offices[KEEPER], a.offices[HEALTH]
        ids = [random() for _ in range(4)]
        first, second, renewal, disputed = ids

        def each(key: EvmKey, call: Callable[[Digest], Call], among: Sequence[Digest]) -> None:
            a.do(*((key, call(id_)) for id_ in among))

        def said(text: str) -> Digest:
            return a.committed(None, text=text)

        terms = {id_: self.application(n, first if id_ == renewal else None) for n, id_ in enumerate(ids)}

        def applied(among: Sequence[Digest]) -> None:
            each(applicant.handler, lambda i: s.propose(i, terms[i]), among)
            each(applicant.approver, s.submit, among)
            each(provider.handler, s.review, among)

        granted = (first, second, disputed)
        applied(granted)
        a.do((provider.handler, s.return_for_more(second, said("补充材料清单"))))
        a.do((applicant.approver, s.resubmit(second, said("补充后的申请"))))
        a.do((provider.handler, s.review(second)))
        a.do((provider.approver, s.reject(disputed, 402, 10_021, said("不予同意的理由"))))
        a.do((applicant.approver, s.dispute(disputed, said("争议说明"))))
        a.do((applicant.approver, s.escalate(disputed, 2, said("提请协调"))))
        a.do((a.offices[AUTHORITY].approver, s.settle(disputed, True, said("协调意见"))))
        each(provider.approver, lambda i: s.grant(i, said("同意")), granted)
        each(provider.handler, lambda i: s.activate(i, said("开通")), granted)
        applied((renewal,))
        a.do((provider.approver, s.grant(renewal, said("同意延续"))))
        a.do((provider.handler, s.activate(renewal, said("延续"))))
        self.meant.add(frozenset((first, renewal)))
        a.do((applicant.handler, s.record_use(second, 1, said("留存记录"))))
        stopped = a.committed(VETERANS[1], text="超出目的使用")
        a.do((provider.approver, s.suspend(second, 101, 5, stopped)))

    def application(self, number: int, renews: Digest | None) -> Terms:
        """For a list of veterans, on the authorisation of the last of them."""
        a, now = self.affairs, self.affairs.now
        chosen = VETERANS[: number + 1]
        secret, padding = random(), [random() for _ in range(padding_needed(len(chosen)))]
        leaves = subject_leaves(secret, [(p.type, p.number) for p in chosen], padding)
        return Terms(
            resource=self.resources[HEALTH],
            body=a.committed(None, text=f"为{chosen[-1].name}办理优待证，申请查询体检结论", purpose=4),
            items=a.committed(None, items=["结论", "日期"]),
            subjects=subjects_root(leaves),
            document=a.committed(chosen[-1], text="授权书"),
            supersedes=renews,
            not_before=now,
            not_after=BlockTime(now + 90 * DAY),
            max_uses=10,
            rate_per_day=5,
            purpose=4,
            basis_kind=2,
            scope=2,
            method=1,
            mode=2,
            data_life=30,
        )

    def queries(self) -> None:
        """A bank asks about four veterans, about one of them twice; one dies."""
        a = self.affairs
        resource = self.resources[KEEPER]
        office = a.offices[KEEPER]
        asked: list[tuple[Person, Digest]] = []
        proposed: list[tuple[EvmKey, Call]] = []
        for n, veteran in enumerate((*VETERANS[:4], VETERANS[0])):
            id_ = random()
            self.about[id_] = veteran
            asked.append((veteran, id_))
            terms = queries.Terms(
                resource,
                a.committed(veteran, text=f"本人授权样例银行查询信用档案（{n}）"),
                a.committed(None, text="样例银行", code="91420000000000000X"),
                a.committed(None, text="贷款审批", case="2026-0001"),
                a.committed(None, items=["等级", "依据"]),
                BlockTime(a.day(-30)),
                1,
                10,
            )
            proposed.append((office.handler, authorised_queries.propose(id_, terms)))
        a.do(*proposed)
        a.do(*((office.approver, authorised_queries.consent(i, a.committed(p, text="同意查询"))) for p, i in asked))
        for veteran, id_ in (asked[0], asked[-1]):
            a.do((office.handler, authorised_queries.withdraw(id_, 701, a.committed(veteran, text="死亡证明"))))

    def emergency(self) -> None:
        """A flood: the civil affairs department reads at once, is closed and judged."""
        a = self.affairs
        resource, id_, veteran = self.resources[DRAFT], random(), VETERANS[5]
        self.about[id_] = veteran
        office = a.offices[CIVIL]
        decision, items = a.committed(None, text="防汛应急决定"), a.committed(veteran, items=["住址"])
        terms = emergencies.Terms(resource, decision, items, 1_030_012, 601, 24, 50)
        a.do((office.handler, emergency_shares.propose(id_, terms)))
        a.do((office.approver, emergency_shares.open_(id_)))
        a.do((office.handler, emergency_shares.report(id_, a.committed(veteran, text="使用情况说明"))))
        a.do((office.approver, emergency_shares.close(id_, 651, 3, a.committed(None, text="应急结束"))))
        judged = a.committed(None, text="核查意见")
        a.do((a.offices[AUTHORITY].approver, emergency_shares.judge(id_, True, 653, judged)))

    def cards(self) -> None:
        """Two certificates of each veteran by two offices, in one anchor each; one replaced, two lapsed."""
        a = self.affairs
        for code in (KEEPER, WORK):
            machine = a.offices[code].machine
            origin = make_origin(NETWORK, code)
            log = _Log(log_id(origin))
            keys: list[Digest] = []
            for n, veteran in enumerate((*VETERANS, VETERANS[2])):
                commitment = a.committed(veteran, text=f"{code}签发的样例证", issuer=code)
                made = Entry(Kind.CERTIFICATE, code, Millis(a.now * 1000 + n), commitment, random())
                log.entries.append(made.to_bytes())
                keys.append(status_key(code, commitment))
                self.about[keys[-1]] = veteran
            a.do((machine, anchor_log.open_log(origin)))
            a.do((machine, anchor_log.anchor(log.id, len(log.entries), root_from_leaves(log.leaves), [])))
            for index in (0, 4):
                basis = a.committed(VETERANS[index], text="注销决定")
                decision = DecisionInput(DecisionCode.DEREGISTERED, a.now, basis=basis)
                a.do((machine, certificate_status.decide_first(keys[index], decision, log.proof(index))))
            newer = DecisionInput(DecisionCode.SUPERSEDED, a.now, successor=keys[6])
            a.do((machine, certificate_status.supersede(keys[2], newer, log.proof(2), log.proof(6))))
            self.meant.add(frozenset((keys[2], keys[6])))


@dataclass
class _Log:
    """A log in memory."""

    id: LogId
    entries: list[bytes] = field(default_factory=list)

    @property
    def leaves(self) -> list[Digest]:
        return [leaf_hash(entry) for entry in self.entries]

    def proof(self, index: int) -> EntryProof:
        path = tuple(inclusion_path(self.leaves, index))
        return EntryProof(self.id, self.entries[index], index, len(self.entries), path)


def live(affairs: Affairs) -> Years:
    """All of it."""
    years = Years(affairs)
    years.credit()
    years.shares()
    years.queries()
    years.emergency()
    years.cards()
    return years
