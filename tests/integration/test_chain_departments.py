"""Departments on a real anvil: keys, gateways and a succession as the wrappers send them and the reader tells them."""

from __future__ import annotations

import secrets
import time
from dataclasses import replace

import pytest
from sqlalchemy.engine import Engine

from ledger.departments import MemberKind
from ledger.errors import DeniedError, NotFoundError, UnavailableError
from ledger.evm import council, department_keys, departments
from ledger.evm.department_keys import DepartmentKeysView
from ledger.evm.departments import CallIntent, DepartmentsView
from ledger.evm.deploy import deploy
from ledger.evm.deployment import Deployment
from ledger.evm.launcher import EmbeddedChain
from ledger.evm.outbox import Outbox
from ledger.evm.profiles import ANVIL
from ledger.evm.reader import EvmChainReader
from ledger.evm.reverts import stored_error
from ledger.evm.rpc import Rpc
from ledger.evm.sender import Sender
from ledger.evm.transactions import EvmKey
from ledger.keys import Gateway, KeyId, NewKey, Suite, Validity, validity_at
from ledger.store.engine import writing
from ledger.store.outbox import IntentState
from ledger.types import Block, BlockTime, DepartmentCode, Digest, Role, TypeCode

OLD, NEW, COMPANY = (
    DepartmentCode(code) for code in ("11420503087246977F", "11420000MB9543829Q", "91420526MA9986781L")
)
TYPE = TypeCode(f"{OLD}001")
ITEM = b"\x05" * 32


class Site:
    """A deployment with a council of one, two people of OLD, and everything sent by the outbox."""

    def __init__(self, rpc: Rpc, engine: Engine) -> None:
        self.rpc, self.engine = rpc, engine
        self.owner, self.one, self.two = (EvmKey(secrets.token_bytes(32)) for _ in range(3))
        self.deployment: Deployment = deploy(rpc, ANVIL, self.owner, "test")
        self.reader = EvmChainReader(rpc, ANVIL, self.deployment)
        signers = {key.address: key for key in (self.owner, self.one, self.two)}
        self.sender, self.outbox = Sender(engine, rpc, ANVIL, self.deployment, signers), Outbox(engine)
        self.sent = 0

    def send(self, key: EvmKey, intent: CallIntent) -> Block:
        """Until it is final; its block. The contract's own error if it refused."""
        self.sent += 1
        contract, function, args = intent
        with writing(self.engine) as connection:
            self.outbox.enqueue(
                connection,
                intent_key=f"step/{self.sent}",
                sender=key.address,
                contract=contract,
                function=function,
                args=args,
            )
        end = time.monotonic() + 120
        while (row := self.outbox.status(f"step/{self.sent}")) is None or not row.done:
            assert time.monotonic() < end
            if not self.sender.step():
                time.sleep(0.02)
        if row.state is not IntentState.FINAL:
            raise stored_error(row.error_code or "", row.error_params or {})
        assert row.block_number is not None
        block = self.reader.block(row.block_number)
        assert block is not None
        return block

    def decide(self, *intents: CallIntent) -> Block:
        """The council of one has its will at once."""
        calls = [council.as_call(self.deployment, intent) for intent in intents]
        return self.send(self.owner, council.enact(Digest(secrets.token_bytes(32)), calls))

    @property
    def block(self) -> int:
        return self.reader.head().number


@pytest.fixture
def site(anvil: EmbeddedChain, engine: Engine) -> Site:
    made = Site(Rpc(anvil.url), engine)
    roles = Role.STATUS | Role.GATEWAY
    made.decide(
        departments.admit(OLD, 420000),
        departments.admit(NEW, 420100),
        departments.admit_service_operator(COMPANY, 420500),
        departments.define_type(TYPE, OLD),
        departments.accredit(OLD, TYPE, BlockTime(1000), None),
        departments.appoint_operator(made.one.address, OLD, roles, None, b"\x01" * 32),
        departments.appoint_operator(made.two.address, OLD, roles, None, b"\x02" * 32),
    )
    return made


def test_keys__two_people_on_the_chain__read_as_they_stand(site: Site) -> None:
    key_id, rotated, gateway = (KeyId(secrets.token_bytes(32)) for _ in range(3))
    new = NewKey(OLD, Suite.ED25519, 1, secrets.token_bytes(32))
    assert site.reader.keys(OLD) == ()
    site.send(site.one, department_keys.propose_key(key_id, new))
    proposed = site.block
    with pytest.raises(DeniedError, match="same_person"):
        site.send(site.one, department_keys.confirm_key(key_id))
    site.send(site.two, department_keys.confirm_key(key_id))
    (before,), (key,) = site.reader.keys(OLD, proposed), site.reader.keys(OLD)
    assert before.confirmed_at is None
    assert (key.key_id, key.public_key, key.suite) == (key_id, new.public_key, Suite.ED25519)
    assert validity_at(key, key.since) is Validity.VALID

    site.send(site.one, department_keys.register_gateway(
        Gateway(Digest(gateway), OLD, key_id, None, 0, BlockTime(0), None)
    ))  # fmt: skip
    view = DepartmentKeysView(site.rpc, site.deployment)
    (told,) = view.gateways(OLD, site.block)
    assert (told.key_id, told.division, told.until) == (key_id, 420000, None)

    other = replace(new, public_key=secrets.token_bytes(32), replaces=key_id)
    site.send(site.one, department_keys.propose_key(rotated, other))
    site.send(site.two, department_keys.confirm_key(rotated))
    site.send(site.one, department_keys.change_gateway_key(Digest(gateway), rotated))
    site.send(site.two, department_keys.compromise_key(key_id, key.since, 1))
    old, fresh = site.reader.keys(OLD)
    assert old.until == fresh.since
    assert validity_at(old, key.since) is Validity.UNKNOWN
    site.decide(department_keys.compromise_key(key_id, key.since, 1))
    assert validity_at(site.reader.keys(OLD)[0], key.since) is Validity.INVALID
    site.send(site.one, department_keys.end_key(rotated, None, 2))
    site.send(site.one, department_keys.end_gateway(Digest(gateway), 2))
    assert view.gateway(Digest(gateway), site.block).until is not None
    assert view.key(rotated, site.block).until is not None
    with pytest.raises(NotFoundError, match="key_unknown"):
        view.key(KeyId(b"\x09" * 32), site.block)


def test_succession__on_the_chain__told_with_who_carries_what(site: Site) -> None:
    view = DepartmentsView(site.rpc, site.deployment)
    assert site.reader.carrier(OLD, bytes(32)) == OLD
    before = site.block
    decided = site.decide(departments.succeed(OLD, NEW, BlockTime(0)))
    history = site.reader.department(OLD)
    assert history is not None
    assert (history.kind, history.successor) == (MemberKind.DEPARTMENT, NEW)
    at = history.succeeded_at
    assert at == decided.time
    assert (site.reader.carrier(OLD, ITEM), site.reader.carrier(OLD, ITEM, before)) == (NEW, OLD)
    assert view.competent_for(TYPE, site.block) == NEW
    assert view.predecessors(NEW, site.block) == (OLD,)
    assert [a.since for a in site.reader.accreditations(NEW, TYPE)] == [at]
    with pytest.raises(DeniedError, match=r"departments\.succeeded") as caught:
        site.send(site.one, departments.end_operator(site.two.address, 1))
    assert caught.value.params == {"department": OLD, "to": NEW}
    company = site.reader.department(COMPANY)
    assert company is not None
    assert company.kind is MemberKind.SERVICE_OPERATOR
    assert view.paused(site.block) is False


def test_reader__deployment_without_the_keys__an_outage_and_no_answer(site: Site) -> None:
    contracts = tuple(c for c in site.deployment.contracts if c.name != department_keys.NAME)
    reader = EvmChainReader(site.rpc, ANVIL, replace(site.deployment, contracts=contracts))
    with pytest.raises(UnavailableError, match="contract_absent"):
        reader.keys(OLD)
