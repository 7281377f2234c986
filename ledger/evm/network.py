"""Bringing a network to life: departments, types, operators, accreditations and logs as a plan says, once each.

May run at every start. What the chain has already is left as it is, also where it was ended or withdrawn since: a plan
begins things, it never undoes what people decided later. Everything goes through the outbox, so that a chain that
falls back gets it again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.engine import Engine

from ledger.errors import InputError, UnavailableError
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
from ledger.types import Address, BlockTime, DepartmentCode, LogId, Origin, TypeCode

ATTEMPTS = 100
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
    """Make the chain hold what `plan` says, and wait until it is final; how many calls that took.

    `signers` has the owner's key and those of the logs' operators. Raises the contract's error for the first call
    that it refuses, UnavailableError if it isn't done after `timeout` seconds (calling again goes on from there).
    """
    work = _Bootstrap(engine, rpc, profile, deployment, Sender(engine, rpc, profile, deployment, signers))
    try:
        work.sender.step()  # what the chain lost goes again as it was, before anyone looks what is missing
        owned = work.settle(work.owned(plan), progress, timeout)
        opened = work.settle(work.logs(plan), progress, timeout)
    finally:
        work.sender.release()
    return owned + opened


Wanted = tuple[str, Address, CallIntent]
"""(key, account, call)"""


@dataclass(frozen=True)
class _Bootstrap:
    engine: Engine
    rpc: Rpc
    profile: EngineProfile
    deployment: Deployment
    sender: Sender

    def owned(self, plan: NetworkPlan) -> list[Wanted]:
        """What the owner still has to do, in the order in which it builds on itself."""
        head = latest_block(self.rpc).number
        view = DepartmentsView(self.rpc, self.deployment)
        wanted: list[tuple[str, CallIntent]] = []
        for code, division in plan.departments:
            if view.department(code, head) is None:
                wanted.append((f"admit/{code}", calls.admit(code, division)))
        for type_code, competent in plan.types:
            if view.competent_for(type_code, head) is None:
                wanted.append((f"type/{type_code}", calls.define_type(type_code, competent)))
        for o in plan.operators:
            known = view.operator(o.address, head)
            if known is None or known[0] != o.department:
                call = calls.appoint_operator(o.address, o.department, o.roles, o.until, o.person_hash)
                wanted.append((f"operator/{o.department}/{o.address}", call))
        for issuer, type_code, since, until in plan.accreditations:
            if not any(a.since == since for a in view.accreditations(issuer, type_code, head)):
                call = calls.accredit(issuer, type_code, since, until)
                wanted.append((f"accredit/{issuer}/{type_code}/{since}", call))
        return [(key, self.deployment.owner, call) for key, call in wanted]

    def logs(self, plan: NetworkPlan) -> list[Wanted]:
        """The logs that aren't opened yet."""
        head = latest_block(self.rpc).number
        view = AnchorLogView(self.rpc, self.deployment)
        return [
            (f"log/{origin}", operator, open_log(origin))
            for origin, log_id, operator in plan.logs
            if view.owner(log_id, head) is None
        ]

    def settle(self, wanted: Sequence[Wanted], progress: Progress | None, timeout: float) -> int:
        """Send them all and wait until each is final."""
        outbox = Outbox(self.engine)
        keys = self._enqueue(outbox, wanted)
        waiting = list(keys)
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
                progress(len(keys) - len(still), len(keys))
            waiting = still
            if waiting and not did:
                time.sleep(self.profile.poll)
        return len(keys)

    def _enqueue(self, outbox: Outbox, wanted: Sequence[Wanted]) -> list[str]:
        """Their intents: one under way is taken up, one that ended without effect is made again under a new number."""
        keys: list[str] = []
        fresh: list[tuple[str, Address, CallIntent]] = []
        for name, account, call in wanted:
            for attempt in range(ATTEMPTS):
                key = f"network/{name}/{attempt}"
                row = outbox.status(key)
                if row is None:
                    fresh.append((key, account, call))
                if row is None or not row.done:
                    keys.append(key)
                    break
            else:
                raise InputError("network.attempts", name=name, limit=ATTEMPTS)
        with writing(self.engine) as connection:
            for key, account, (contract, function, args) in fresh:
                outbox.enqueue(
                    connection, intent_key=key, sender=account, contract=contract, function=function, args=args
                )
        return keys
