"""One network with all contracts, the departments that the tables speak of and their operators.

Everything after the deployments goes to the node itself, from any address (anvil impersonates): Brownie's own
transactions would wait for blocks that a snapshot took back. Any address is an operator's: SHA-256 of who it is.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from brownie import (
    AnchorLog,
    AuthorisedQueries,
    Authorities,
    Catalogue,
    CertificateStatus,
    Council,
    CreditRecords,
    DepartmentKeys,
    Departments,
    EmergencyShares,
    Nodes,
    ShareAuthorisations,
    WorkingCalendar,
    accounts,
    project,
    web3,
)
from catalogue_world import weekdays
from certificates import SIZE, TREE
from mining import COUNTER, ask
from world import CODES, NETWORK, NOBODY, TYPE, digest, left, log_id, now, origin_of

from ledger.calendar import day_of, words

from .callers import (
    ANCHOR,
    APPROVER,
    CREDIT,
    EVERY_ROLE,
    GATEWAY,
    HANDLER,
    NODE,
    SERVICE_ROLES,
    STATUS,
    Caller,
)

PROVIDER, CONSUMER, COMPETENT, OTHER, AUTHORITY, GOVERNMENT, KEEPER, PROVINCE, SUCCESSOR = CODES[2:11]
COMPANY, SECOND_COMPANY = CODES[11:13]
"""PROVIDER issues, owns logs, items and nodes, and provides; CONSUMER asks it; the others are what they are called."""
COUNTY, PREFECTURE, REGION = 420106, 420500, 420000
DIVISIONS = {
    PROVIDER: COUNTY,
    CONSUMER: COUNTY,
    KEEPER: COUNTY,
    OTHER: PREFECTURE,
    COMPETENT: REGION,
    AUTHORITY: REGION,
    GOVERNMENT: REGION,
    PROVINCE: REGION,
    SUCCESSOR: REGION,
}
SHARING, VETERANS, GOVERNING = 1, 2, 3
ROLES = (ANCHOR, STATUS, HANDLER, APPROVER, CREDIT, GATEWAY, NODE)
BASIS = digest("basis")
RESOURCE, DRAFT = digest("resource"), digest("draft")
MEMBERS = (PROVIDER, CONSUMER, AUTHORITY)
ORIGIN = origin_of(PROVIDER)
LOG = log_id(ORIGIN)
DAY = 86_400
GAS = 5_000_000


def some(*about: Any) -> bytes:
    """A commitment or an id: the same for the same words."""
    return digest(f"permissions {about}")


@dataclass(frozen=True)
class Answer:
    """What a call found: the custom error's name, or whether what it returned says that something changed."""

    error: str
    changed: bool


def _selectors() -> dict[str, str]:
    found = {}
    for contract in project.get_loaded_projects()[0]:
        for item in contract.abi:
            if item["type"] == "error":
                words_ = f"{item['name']}({','.join(_kind(i) for i in item['inputs'])})"
                found["0x" + bytes(web3.keccak(text=words_)[:4]).hex()] = item["name"]
    return found


def _kind(given: dict[str, Any]) -> str:
    if not given["type"].startswith("tuple"):
        return given["type"]
    return f"({','.join(_kind(part) for part in given['components'])})" + given["type"][5:]


class Stage:
    def __init__(self) -> None:
        mine = {"from": accounts[0]}
        delegates = [(self.delegate(code), left(code), some("delegate", code)) for code in MEMBERS]
        self.council_contract = Council.deploy([left(code) for code in MEMBERS], delegates, (2, 1, 0, DAY), mine)
        self.council = str(self.council_contract)
        self.departments = Departments.deploy(self.council, mine)
        at = self.departments
        self.keys = DepartmentKeys.deploy(at, mine)
        self.authorities = Authorities.deploy(at, mine)
        self.log = AnchorLog.deploy(at, NETWORK, NOBODY, mine)
        self.next_log = AnchorLog.deploy(at, NETWORK, self.log, mine)
        self.status = CertificateStatus.deploy(at, self.log, NOBODY, mine)
        self.next_status = CertificateStatus.deploy(at, self.log, self.status, mine)
        self.calendar = WorkingCalendar.deploy(at, mine)
        self.catalogue = Catalogue.deploy(at, self.calendar, self.authorities, mine)
        places = (self.authorities, self.calendar, self.catalogue)
        self.shares = ShareAuthorisations.deploy(at, *places, mine)
        self.emergencies = EmergencyShares.deploy(at, *places, mine)
        self.queries = AuthorisedQueries.deploy(at, self.catalogue, mine)
        self.credits = CreditRecords.deploy(at, self.authorities, self.calendar, mine)
        self.nodes = Nodes.deploy(at, self.authorities, mine)
        self.stranger = _address("stranger")
        self._errors = _selectors()
        self._impersonate(True)
        self._settle()

    def close(self) -> None:
        self._impersonate(False)

    def _impersonate(self, yes: bool) -> None:
        ask("anvil_autoImpersonateAccount", yes)

    # Who

    def roles_of(self, code: str) -> int:
        return SERVICE_ROLES if code in (COMPANY, SECOND_COMPANY) else EVERY_ROLE

    def other_than(self, code: str) -> str:
        return OTHER if code != OTHER else SUCCESSOR

    def company_beside(self, code: str) -> str:
        return COMPANY if code != COMPANY else SECOND_COMPANY

    def operator(self, code: str, roles: int) -> str:
        """The operator of a department that has exactly these roles: a person of its own."""
        return _address("operator", code, roles)

    def ended(self, code: str, roles: int) -> str:
        """One that had them."""
        return _address("ended", code, roles)

    def delegate(self, code: str, ended: bool = False) -> str:
        """Who acts for a member of the Council."""
        return _address("delegate", code, ended)

    def department_of(self, account: str) -> str:
        """Its code; empty for nobody's operator."""
        return bytes(self.departments.operatorOf(account)[0])[:18].rstrip(b"\0").decode()

    # Calls

    def send(self, sender: str, function: Any, *args: Any) -> list[Any]:
        """A transaction that must succeed; its events."""
        # A limit of its own for each: a hash that was taken back and mined again would have the first one's receipt.
        request = self._request(sender, function, args) | {"gas": hex(GAS + next(COUNTER)), "gasPrice": "0x0"}
        sent = ask("eth_sendTransaction", request)
        patience = time.monotonic() + 30
        while (receipt := ask("eth_getTransactionReceipt", sent)) is None:
            assert time.monotonic() < patience, f"not mined: {function} {args}"
            time.sleep(0.001)
        assert int(receipt["status"], 16) == 1, (function, args, self.attempt(sender, function, *args))
        return list(receipt["logs"])

    def attempt(self, sender: str, function: Any, *args: Any) -> Answer:
        """The same on the newest block, leaving nothing behind."""
        request = self._request(sender, function, args)
        reply = web3.provider.make_request("eth_call", [request, "latest"])
        if "error" in reply:
            data = reply["error"].get("data") or ""
            return Answer(self._errors.get(data[:10], f"no custom error: {reply['error']}"), False)
        # Nothing where nothing is returned: such a call either reverts or changes something.
        return Answer("", reply["result"] == "0x" or int(reply["result"], 16) != 0)

    def _request(self, sender: str, function: Any, args: tuple[Any, ...]) -> dict[str, str]:
        data = function.encode_input(*args)
        return {"from": str(sender), "to": function._address, "data": data, "gas": hex(GAS)}

    def decree(self, function: Any, *args: Any) -> list[Any]:
        """By the Council."""
        return self.send(self.council, function, *args)

    @contextmanager
    def apart(self) -> Iterator[None]:
        """What happens inside is taken back."""
        snapshot = ask("evm_snapshot")
        try:
            yield
        finally:
            # A receipt comes before the pool is cleared of its transaction; after the revert the next one of that
            # account and nonce would be cleared away with it and never be mined.
            while int(ask("txpool_status")["pending"], 16):
                time.sleep(0.001)
            assert ask("evm_revert", snapshot) is True

    def befall(self, caller: Caller, code: str) -> None:
        """Makes the department one that was suspended, or succeeded by another from now on."""
        if caller is Caller.SUSPENDED:
            self.decree(self.departments.suspend, left(code), 1, BASIS)
        elif caller is Caller.SUCCEEDED:
            to = SECOND_COMPANY if code == COMPANY else SUCCESSOR if code != SUCCESSOR else GOVERNMENT
            self.decree(self.departments.succeed, left(code), left(to), 0, [], BASIS)

    def block(self) -> int:
        return int(ask("eth_blockNumber"), 16)

    def wait(self, seconds: int) -> None:
        ask("evm_increaseTime", seconds)
        ask("evm_mine")

    # What every row finds

    def _settle(self) -> None:
        at = self.departments
        # Each member had another delegate once.
        for code in MEMBERS:
            account = self.delegate(code, ended=True)
            self.decree(self.council_contract.appointDelegate, account, left(code), some("delegate", account))
            self.decree(self.council_contract.endDelegate, account)
        for code, division in DIVISIONS.items():
            self.decree(at.admit, left(code), division, BASIS)
        for code in (COMPANY, SECOND_COMPANY):
            self.decree(at.admitServiceOperator, left(code), REGION, BASIS)
        for code in DIVISIONS:
            for roles in (EVERY_ROLE, *ROLES):
                self._appoint(code, roles)
                if roles != EVERY_ROLE:
                    self._appoint(code, EVERY_ROLE & ~roles, past=False)
        for code in (COMPANY, SECOND_COMPANY):
            for roles in (SERVICE_ROLES, GATEWAY, NODE):
                self._appoint(code, roles)
        self.decree(at.defineType, left(TYPE), left(COMPETENT), BASIS)
        for domain, division, code in (
            (SHARING, REGION, AUTHORITY),
            (GOVERNING, REGION, GOVERNMENT),
            (VETERANS, REGION, PROVINCE),
            (VETERANS, COUNTY, KEEPER),
        ):
            self.decree(self.authorities.setAuthority, domain, division, left(code), BASIS)
        year = day_of(now()).year
        for one in range(year, year + 6):
            self.decree(self.calendar.setYear, one, *words(weekdays(one)), BASIS)
        self._open_log()
        self.publish(RESOURCE)

    def _appoint(self, code: str, roles: int, past: bool = True) -> None:
        for account in (self.operator(code, roles), *([self.ended(code, roles)] if past else ())):
            self.decree(self.departments.appointOperator, account, left(code), roles, 0, some("person", account))
        if past:
            self.decree(self.departments.endOperator, self.ended(code, roles), 1)

    def _open_log(self) -> None:
        anchorer = self.operator(PROVIDER, ANCHOR)
        self.send(anchorer, self.log.openLog, ORIGIN)
        self.send(anchorer, self.log.anchor, LOG, SIZE, TREE.root(SIZE), [])

    def draw_up(self, code: bytes, version: bytes = BASIS) -> None:
        self.send(self.operator(PROVIDER, HANDLER), self.catalogue.drawUp, code, version, 2, bytes([1, 3]), BASIS)

    def hand_in(self, code: bytes, version: bytes = BASIS) -> None:
        """Drawn up, reviewed and approved."""
        self.draw_up(code, version)
        for step in (self.catalogue.review, self.catalogue.approve):
            self.send(self.operator(PROVIDER, APPROVER), step, code, version, BASIS)

    def publish(self, code: bytes) -> None:
        self.hand_in(code)
        self.send(self.operator(AUTHORITY, APPROVER), self.catalogue.publish, code, BASIS, BASIS)


def _address(*who: Any) -> str:
    return web3.to_checksum_address("0x" + digest(repr(who))[:20].hex())
