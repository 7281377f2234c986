"""Bringing a network to life: departments, types, operators, accreditations and logs as a plan says, once each.

What is the Council's to do it does by proposals of many calls, for a council whose one member decides alone and at once
(an embedded test network); in others the members propose and approve.

May run at every start. What the chain has already is left as it is, also where it was ended or withdrawn since: a plan
begins things, it never undoes what people decided later. Everything goes through the outbox, so that a chain that
falls back gets it again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from sqlalchemy.engine import Engine

from ledger.errors import ConfigurationError, InputError, UnavailableError
from ledger.evm import council
from ledger.evm import departments as calls
from ledger.evm.anchor_log import AnchorLogView, open_log
from ledger.evm.blocks import latest_block
from ledger.evm.departments import CallIntent, DepartmentsView
from ledger.evm.deployment import Deployment
from ledger.evm.outbox import IntentState, Outbox
from ledger.evm.profiles import EngineProfile
from ledger.evm.reverts import stored_error
from ledger.evm.rpc import Rpc
from ledger.evm.sender import Sender
from ledger.evm.transactions import TransactionSigner
from ledger.store.engine import writing
from ledger.types import Address, BlockTime, DepartmentCode, Digest, LogId, Origin, TypeCode

ATTEMPTS = 100
BATCH = 100
"""calls of one proposal: about eight million gas"""
Progress = Callable[[int, int], None]
"""told (done, of how many) whenever it moves"""


@dataclass(frozen=True, slots=True)
class Operator:
    """`roles`: the sum of ledger.types.Role values; `person_hash`: 32 bytes, one person the same in all accounts."""

    address: Address
    department: DepartmentCode
    roles: int
    person_hash: bytes
    until: BlockTime | None = None


@dataclass(frozen=True, slots=True)
class NetworkPlan:
    """What is to be there; each part may be empty."""

    departments: Sequence[tuple[DepartmentCode, int]] = ()
    """(code, division)"""
    types: Sequence[tuple[TypeCode, DepartmentCode]] = ()
    """(type, competent department)"""
    operators: Sequence[Operator] = ()
    accreditations: Sequence[tuple[DepartmentCode, TypeCode, BlockTime, BlockTime | None]] = ()
    """(issuer, type, since, until)"""
    logs: Sequence[tuple[Origin, LogId, Address]] = ()
    """(origin, its log id, the operator with ANCHOR who opens it)"""
    trust_file: tuple[Digest, int] | None = None
    """(hash, sequence) of the first trust file, to be pinned"""


def bootstrap(
    engine: Engine,
    rpc: Rpc,
    profile: EngineProfile,
    deployment: Deployment,
    signers: Mapping[Address, TransactionSigner],
    *,
    plan: NetworkPlan,
    progress: Progress | None = None,
    timeout: float = 120.0,
) -> int:
    """Make the chain hold what `plan` says, and wait until it is final; how many of the plan's things were missing.

    The contracts are named too. `signers` has the key of a delegate of the council and those of the logs' operators.
    Raises the contract's error for the first call that it refuses, UnavailableError if it isn't done after `timeout`
    seconds (calling again goes on from there).
    """
    sender = Sender(engine, rpc, profile, deployment, signers)
    work = _Bootstrap(engine, rpc, profile, deployment, sender, frozenset(signers))
    try:
        work.sender.step()  # what the chain lost goes again as it was, before anyone looks what is missing
        owned = work.settle(work.owned(plan), progress, timeout)
        opened = work.settle(work.logs(plan), progress, timeout)
    finally:
        work.sender.release()
    return owned + opened


Wanted = tuple[str, Address, Callable[[int], CallIntent], int]
"""(key, account, call of the n-th attempt, how many of the plan's things are in it)"""


@dataclass(frozen=True)
class _Bootstrap:
    engine: Engine
    rpc: Rpc
    profile: EngineProfile
    deployment: Deployment
    sender: Sender
    signers: frozenset[Address]

    def owned(self, plan: NetworkPlan) -> list[Wanted]:
        """What the Council still has to do, as proposals, in the order in which it builds on itself.

        After a crash, and after a chain that fell back, what is missing is what some of the earlier proposals held,
        whole: their calls, ids and keys come out the same again.
        """
        missing = [council.as_call(self.deployment, call) for call in self._missing(plan)]
        batches = [missing[i : i + BATCH] for i in range(0, len(missing), BATCH)]
        return [
            (f"council/{council.content_of(batch).hex()}", self._delegate(), _enacting(batch), self._planned(batch))
            for batch in batches
        ]

    def _planned(self, batch: Sequence[council.Call]) -> int:
        """How many of these calls are for the plan; the others are for the Council's own registry."""
        return sum(target != self.deployment.address(council.NAME) for target, _ in batch)

    def _missing(self, plan: NetworkPlan) -> Iterator[CallIntent]:
        """Calls for what isn't there yet."""
        head = latest_block(self.rpc).number
        names = council.CouncilView(self.rpc, self.deployment)
        for contract in self.deployment.contracts:
            if contract.until_block is None and not names.versions(contract.name, head):
                yield council.name_contract(contract.name, contract.address)
        if plan.trust_file is not None and names.pinned_trust_files(head) is None:
            yield council.pin_trust_file(*plan.trust_file)
        view = DepartmentsView(self.rpc, self.deployment)
        for code, division in plan.departments:
            if view.department(code, head) is None:
                yield calls.admit(code, division)
        for type_code, competent in plan.types:
            if view.competent_for(type_code, head) is None:
                yield calls.define_type(type_code, competent)
        for o in plan.operators:
            known = view.operator(o.address, head)
            if known is None or known[0] != o.department:
                yield calls.appoint_operator(o.address, o.department, o.roles, o.until, o.person_hash)
        for issuer, type_code, since, until in plan.accreditations:
            if not any(a.since == since for a in view.accreditations(issuer, type_code, head)):
                yield calls.accredit(issuer, type_code, since, until)

    def _delegate(self) -> Address:
        """An account that acts for a member of the council, and whose key is here."""
        founding = self.deployment.council
        found = [d.account for d in founding.delegates if d.account in self.signers] if founding else []
        if not found:
            raise ConfigurationError("network.no_delegate")
        return found[0]

    def logs(self, plan: NetworkPlan) -> list[Wanted]:
        """The logs that aren't opened yet."""
        head = latest_block(self.rpc).number
        view = AnchorLogView(self.rpc, self.deployment)
        return [
            (f"log/{origin}", operator, _each_time(open_log(origin)), 1)
            for origin, log_id, operator in plan.logs
            if view.owner(log_id, head) is None
        ]

    def settle(self, wanted: Sequence[Wanted], progress: Progress | None, timeout: float) -> int:
        """Send them all and wait until each is final."""
        outbox = Outbox(self.engine)
        keys = self._enqueue(outbox, wanted)
        waiting, total = list(keys), sum(keys.values())
        end = time.monotonic() + timeout
        while waiting:
            if time.monotonic() > end:
                raise UnavailableError("network.not_settled", retry_after=5.0, waiting=len(waiting))
            did = self.sender.step()
            still: list[str] = []
            for key in waiting:
                row = outbox.status(key)
                if row is not None and row.state in (IntentState.FAILED, IntentState.REVERTED):
                    raise stored_error(row.error_code or "chain.reverted", row.error_params)
                if row is None or row.state is not IntentState.FINAL:
                    still.append(key)
            if progress is not None and len(still) != len(waiting):
                progress(total - sum(keys[key] for key in still), total)
            waiting = still
            if waiting and not did:
                time.sleep(self.profile.poll)
        return total

    def _enqueue(self, outbox: Outbox, wanted: Sequence[Wanted]) -> dict[str, int]:
        """Keys of their intents, and how many calls are in each: one under way is taken up, one that ended without
        effect is made again under a new number."""
        keys: dict[str, int] = {}
        fresh: list[tuple[str, Address, CallIntent]] = []
        for name, account, call, size in wanted:
            for attempt in range(ATTEMPTS):
                key = f"network/{name}/{attempt}"
                row = outbox.status(key)
                if row is None:
                    fresh.append((key, account, call(attempt)))
                if row is None or not row.done:
                    keys[key] = size
                    break
            else:
                raise InputError("network.attempts", name=name, limit=ATTEMPTS)
        with writing(self.engine) as connection:
            for key, account, (contract, function, args) in fresh:
                outbox.enqueue(
                    connection, intent_key=key, sender=account, contract=contract, function=function, args=args
                )
        return keys


def _enacting(batch: Sequence[council.Call]) -> Callable[[int], CallIntent]:
    """The proposal of these calls; each attempt has an id of its own, the same one in each run."""
    content = council.content_of(batch)

    def attempt(number: int) -> CallIntent:
        made = sha256(b"chuzheng/bootstrap/v1\0" + content + number.to_bytes(4, "big")).digest()
        return council.enact(Digest(made), batch)

    return attempt


def _each_time(call: CallIntent) -> Callable[[int], CallIntent]:
    return lambda _: call
