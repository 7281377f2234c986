"""Some years of affairs on a real chain: veterans with items by eight departments, grants, queries, emergencies,
certificates. Everything goes the way the program goes: commitments by `notary.commitment`, intents through the outbox.

Nobody in it exists: numbers have the area code 420999, which was never given out, and names say that they are samples.
"""

from __future__ import annotations

import datetime as dt
import hmac
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy.engine import Engine

from ledger import calendar
from ledger.authorities import Domain
from ledger.catalogue import SharingClass
from ledger.codes.resident_ids import check_character
from ledger.credits import Contribution, Field, FileClass, Measure, Period, Polarity
from ledger.evm import authorities, catalogue, council, credit_records, departments, working_calendar
from ledger.evm.deploy import deploy
from ledger.evm.deployment import Deployment
from ledger.evm.outbox import IntentState, Outbox
from ledger.evm.profiles import ANVIL
from ledger.evm.rpc import Rpc
from ledger.evm.sender import Sender
from ledger.evm.transactions import EvmKey
from ledger.store.engine import writing
from ledger.types import BlockTime, DepartmentCode, Digest, Role, TypeCode
from notary.commitment import commit
from scripts.samples import sample_network
from tests.integration.linking.attacker import Person

NETWORK = "linkability"
COUNTY_DIVISION, PROVINCE_DIVISION = 420984, 420000
KEEPER, POLICE, WORK, FINANCE, SCHOOL, HEALTH, CIVIL, DRAFT, PROVINCE, AUTHORITY, GOVERNMENT = (
    d.code for d in sample_network().departments[:11]
)
EIGHT = (KEEPER, POLICE, WORK, FINANCE, SCHOOL, HEALTH, CIVIL, DRAFT)
"""Who writes about one veteran: veterans' affairs (which keeps the file), police, human resources, finance, education,
health, civil affairs, conscription office."""
FILES = FileClass(KEEPER, Field.BENEFITS)
MERIT, FACT, NEGATIVE = 101, 203, 303
CARD = TypeCode(f"{KEEPER}001")
Call = tuple[str, str, list[Any]]
PATIENCE = 180.0


def person(number: int) -> Person:
    first = f"42099919700101{number:03d}"
    return Person(first + check_character(first), f"样例第{number + 1}人")


def random() -> Digest:
    """A random id, salt or secret."""
    return Digest(secrets.token_bytes(32))


@dataclass
class Office:
    """A department's accounts, one person behind each but the machine."""

    handler: EvmKey
    approver: EvmKey
    machine: EvmKey


@dataclass
class Affairs:
    """The chain with its departments, and what was committed to in it."""

    url: str
    engine: Engine
    folder: Path
    records: list[dict[str, Any]] = field(default_factory=list)
    """every record that was committed to, as an attacker might guess it"""
    texts: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rpc = Rpc(self.url, batch_limit=ANVIL.batch_limit)
        # A block when this says so: what goes into one together is part of the story.
        self.rpc.call("evm_setIntervalMining", 1)
        self.owner = EvmKey(secrets.token_bytes(32))
        self.deployment: Deployment = deploy(self.rpc, ANVIL, self.owner, NETWORK, self.folder / "deployment.json")
        self.rpc.call("evm_setIntervalMining", 0)
        codes = (*EIGHT, PROVINCE, AUTHORITY, GOVERNMENT)
        self.offices = {code: Office(*(EvmKey(secrets.token_bytes(32)) for _ in range(3))) for code in codes}
        self.officers = [person(number) for number in range(6, 8)]
        self.outbox = Outbox(self.engine)
        keys = [self.owner, *(k for o in self.offices.values() for k in (o.handler, o.approver, o.machine))]
        self.sender = Sender(self.engine, self.rpc, ANVIL, self.deployment, {k.address: k for k in keys})
        self._count = 0
        self._found()

    @property
    def now(self) -> BlockTime:
        return BlockTime(int(self.rpc.call("eth_getBlockByNumber", "latest", False)["timestamp"], 16))

    def day(self, before: int) -> BlockTime:
        """First second of the day `before` days ago."""
        return BlockTime(self.now - (self.now + calendar.OFFSET) % calendar.DAY - before * calendar.DAY)

    def committed(self, about: Person | None, salt: bytes | None = None, /, **members: Any) -> Digest:
        """Commitment of an entry of its own, under a salt of its own."""
        record: dict[str, Any] = {"schema": "entry/1", "kind": "credit", **members}
        if about is not None:
            record["holder"] = {"name": about.name, "code_type": about.type, "code": about.number}
        self.records.append(record)
        self.texts += [members["text"]] if "text" in members else []
        return commit(record, salt or random()).sha256

    def do(self, *acts: tuple[EvmKey, Call]) -> None:
        """Have these acts done, in this order where one account does several; all are on the chain afterwards."""
        names = []
        with writing(self.engine) as connection:
            for key, (contract, function, args) in acts:
                self._count += 1
                names.append(f"act/{self._count}")
                self.outbox.enqueue(
                    connection,
                    intent_key=names[-1],
                    sender=key.address,
                    contract=contract,
                    function=function,
                    args=args,
                )
        end = time.monotonic() + PATIENCE
        while waiting := [row for name in names if (row := self.outbox.status(name)) is None or not row.done]:
            assert time.monotonic() < end, waiting
            self.sender.step()
            self.rpc.call("evm_mine")
        rows = [self.outbox.status(name) for name in names]
        failed = [
            (r.contract, r.function, r.error_code, r.error_params)
            for r in rows
            if r and r.state is not IntentState.FINAL
        ]
        assert not failed, failed

    def refused(self, key: EvmKey, call: Call) -> str:
        """The code of the error with which the contract refuses."""
        self._count += 1
        name = f"refused/{self._count}"
        contract, function, args = call
        with writing(self.engine) as connection:
            self.outbox.enqueue(
                connection, intent_key=name, sender=key.address, contract=contract, function=function, args=args
            )
        while (row := self.outbox.status(name)) is None or not row.done:
            self.sender.step()
        assert row.state is IntentState.FAILED
        return str(row.error_code)

    def _found(self) -> None:
        """Departments, people, authorities, calendar, classes; then what the keeper and the providers lay down."""
        salt = secrets.token_bytes(32)
        everyone = iter([*self.officers, *(person(n) for n in range(100, 200))])
        calls: list[Call] = []
        for code, office in self.offices.items():
            county = code in EIGHT
            calls.append(departments.admit(code, COUNTY_DIVISION if county else PROVINCE_DIVISION, random()))
            machine = Role.CREDIT | Role.ANCHOR | Role.STATUS | Role.GATEWAY
            for key, roles, someone in (
                (office.handler, Role.SHARE_HANDLER, next(everyone)),
                (office.approver, Role.SHARE_APPROVER, next(everyone)),
                (office.machine, machine, None),
            ):
                who = bytes(32) if someone is None else _officer(salt, someone)
                calls.append(departments.appoint_operator(key.address, code, roles, None, who))
        calls.append(departments.define_type(CARD, KEEPER))
        for domain, division, code in (
            (Domain.VETERANS, COUNTY_DIVISION, KEEPER),
            (Domain.VETERANS, PROVINCE_DIVISION, PROVINCE),
            (Domain.SHARING, PROVINCE_DIVISION, AUTHORITY),
            (Domain.GOVERNMENT, PROVINCE_DIVISION, GOVERNMENT),
        ):
            calls.append(authorities.set_authority(domain, division, code, random()))
        year = calendar.day_of(self.now).year
        calls += [working_calendar.set_year(y, weekdays(y), random()) for y in range(year, year + 3)]
        for number, polarity in ((MERIT, Polarity.MERIT), (FACT, Polarity.FACT), (NEGATIVE, Polarity.NEGATIVE)):
            calls.append(credit_records.set_item_class(number, polarity, Measure.NONE, random()))
        batches = [calls[i : i + 40] for i in range(0, len(calls), 40)]
        for batch in batches:
            inner = [council.as_call(self.deployment, call) for call in batch]
            self.do((self.owner, council.enact(random(), inner)))
        since = Period(self.day(3000))
        keeper = self.offices[KEEPER].machine
        self.do(
            *(
                (keeper, credit_records.authorise_contributor(Contribution(FILES, code, number), since, random()))
                for code in EIGHT
                for number in (MERIT, FACT, NEGATIVE)
            )
        )

    def publish(self, *providers: DepartmentCode) -> list[Digest]:
        """A resource of each, shared on conditions, in the catalogue; their codes."""
        made = [(random(), random(), self.offices[provider]) for provider in providers]
        levels, authority = bytes([1, 3, 2]), self.offices[AUTHORITY].approver
        versions = [(c, catalogue.NewVersion(v, SharingClass.CONDITIONAL, levels, random()), o) for c, v, o in made]
        self.do(*((o.handler, catalogue.draw_up(c, version)) for c, version, o in versions))
        self.do(*((o.approver, catalogue.review(c, v, random())) for c, v, o in made))
        self.do(*((o.approver, catalogue.approve(c, v, random())) for c, v, o in made))
        self.do(*((authority, catalogue.publish(c, v, random())) for c, v, _ in made))
        return [code for code, _, _ in made]


def weekdays(year: int) -> int:
    """The bitmap of a year's days from Monday to Friday."""
    first = dt.date(year, 1, 1).toordinal()
    days = (dt.date.fromordinal(n) for n in range(first, dt.date(year + 1, 1, 1).toordinal()))
    return calendar.bitmap(day for day in days if day.isoweekday() < 6)


def interleaved(lists: Sequence[Sequence[Any]]) -> list[Any]:
    """One of each in turn: how an office's post lies on its table, and never two of one file together."""
    longest = max(map(len, lists))
    return [one[i] for i in range(longest) for one in lists if i < len(one)]


def _officer(salt: bytes, someone: Person) -> bytes:
    """An officer's person hash under the Council's salt (contracts.md)."""
    return hmac.digest(salt, someone.number.encode(), "sha256")
