"""What is submitted under load: a deployment with anchored entries, and the calls of each second, made beforehand.

A state change is one decision, or one anchor, on the chain: `RATE` a second, shared out as bench_chain says.
"""

from __future__ import annotations

import hashlib
import time
from collections import deque
from pathlib import Path

from ledger.evm import anchor_log, certificate_status
from ledger.evm.artifacts import encode_call
from ledger.evm.certificate_status import DecisionInput, EntryProof
from ledger.evm.network import NetworkPlan, Operator, bootstrap
from ledger.evm.outbox import IntentState, wall_clock
from ledger.lanes import lane_of
from ledger.statuses import DecisionCode
from ledger.store import outbox as rows
from ledger.store.engine import open_engine, upgrade, writing
from ledger.types import Address, BlockTime, Digest, LogId, Origin, Role, TypeCode
from tests.integration.bursts import CODE, Site
from tests.integration.networks import Network

RATE = 510
"""state changes submitted a second: the time until the last is in a block counts too"""
ANCHORED_LOGS = 24
ANCHORS = 4
"""a second, so that each log has its turn every six: a log's next head goes out when its last is in a block, as the
notary's worker does it, and isn't refused before, with all behind it in its lane"""
MANY = 25
"""decisions in one call of decideMany"""
ALONE = 31
"""decisions a second that come alone"""
RESUMED_AFTER = 12
"""seconds; both are then in their order in every block, and the first is final as a rule"""
LOG_SIZE = 8_192
LANES = 4
SINCE = BlockTime(1_700_000_000)
Call = tuple[str, Address, str, str, bytes, int]
"""(key, account, contract, function, calldata, state changes in it)"""


class Load:
    """One deployment with enough anchored entries to decide about, and the calls that decide about them."""

    def __init__(self, network: Network, folder: Path, entries: int) -> None:
        self.network, self.profile = network, network.profile
        self.engine = open_engine(f"sqlite:///{folder}/chuzheng.sqlite")
        upgrade(self.engine)
        first = next(n for n in network.nodes if n.running)
        self.site = Site(self.engine, first.url, self.profile, network.account(), folder)
        self.site.relays = [node.url for node in network.nodes if node is not first]
        self.keys = [network.account() for _ in range(LANES)]
        self.lanes = [key.address for key in self.keys]
        self.trees = [Tree(n) for n in range(-(-entries // LOG_SIZE))]
        self.logs = [Origin(f"chuzheng/drill/{CODE}/{n}") for n in range(ANCHORED_LOGS)]
        self.sizes = [0] * ANCHORED_LOGS
        self.next = self.second_number = 0
        self.suspended: dict[bool, deque[tuple[int, range]]] = {True: deque(), False: deque()}
        """by whether they came alone: in which second they were suspended, and which entries"""
        self.changes = self.decided = 0
        self.borne = float(RATE)
        """state changes a second that the sustained run reached"""
        self._prepare()

    def _prepare(self) -> None:
        origins = [Origin(f"chuzheng/drill/{CODE}/decided-{n}") for n in range(len(self.trees))]
        self.decided_logs = [_log_id(origin) for origin in origins]
        kind = TypeCode(CODE + "001")
        plan = NetworkPlan(
            departments=[(CODE, 420000)],
            types=[(kind, CODE)],
            operators=[
                Operator(key.address, CODE, Role.ANCHOR | Role.STATUS, hashlib.sha256(b"bench").digest())
                for key in self.keys
            ],
            accreditations=[(CODE, kind, SINCE, None)],
            logs=[(o, _log_id(o), lane_of(self.lanes, _log_id(o))) for o in (*origins, *self.logs)],
        )
        signers = {key.address: key for key in (self.site.owner, *self.keys)}
        bootstrap(self.engine, self.site.rpc, self.profile, self.site.deployment, signers, plan=plan)
        for log, tree in zip(self.decided_logs, self.trees, strict=True):
            contract, function, args = anchor_log.anchor(log, LOG_SIZE, tree.root, [])
            data = encode_call(contract, function, args)
            self.submit([(f"bench/{log.hex()}", lane_of(self.lanes, log), contract, function, data, 0)])
        sender = self.site.sender(*self.keys)
        while (found := self.site.outbox.counts()).keys() - {IntentState.FINAL}:
            if IntentState.FAILED in found or IntentState.REVERTED in found:
                raise RuntimeError(f"not anchored: {found}")
            if not sender.step():
                time.sleep(0.1)
        sender.release()

    def second(self, rate: int) -> list[Call]:
        """The calls of one second, made ready before the clock runs."""
        alone = ALONE * rate // RATE
        many = (rate - ANCHORS - alone) // MANY
        made = [self._decide(1, n % 2 == 1) for n in range(alone)]
        made += [self._decide(MANY, n % 2 == 1) for n in range(many)]
        turn = self.second_number * ANCHORS
        self.second_number += 1
        return made + [self._anchor((turn + n) % ANCHORED_LOGS) for n in range(ANCHORS)]

    def _decide(self, count: int, resume: bool) -> Call:
        """Resume some that were suspended long enough ago, if there are any; else suspend the next. A call and the one
        that undoes it go by the same lane."""
        waiting = self.suspended[count == 1]
        if resume and waiting and waiting[0][0] + RESUMED_AFTER <= self.second_number:
            places, resumed = waiting.popleft()[1], True
            wanted = DecisionInput(DecisionCode.RESUMED, SINCE, ends=1)
        else:
            places, resumed = range(self.next, self.next + count), False
            self.next += count
            waiting.append((self.second_number, places))
            wanted = DecisionInput(DecisionCode.SUSPENDED, SINCE, cause=1)
        items = [(Tree.key(i), wanted, None if resumed else self._proof(i)) for i in places]
        key, _, proof = items[0]
        if count > 1:
            contract, function, args = certificate_status.decide_many([(*item, None) for item in items])
        elif proof is None:
            contract, function, args = certificate_status.decide(key, wanted)
        else:
            contract, function, args = certificate_status.decide_first(key, wanted, proof)
        name = f"{'resume' if resumed else 'suspend'}/{places[0]}"
        lane = lane_of(self.lanes, key)
        return name, lane, contract, function, encode_call(contract, function, args), count

    def _proof(self, place: int) -> EntryProof:
        tree, index = divmod(place, LOG_SIZE)
        return self.trees[tree].proof(self.decided_logs[tree], index)

    def _anchor(self, number: int) -> Call:
        log = _log_id(self.logs[number])
        size = self.sizes[number] = self.sizes[number] + 1
        proof = _grown(size)
        contract, function, args = anchor_log.anchor(log, size, _uniform_root(size), proof)
        data = encode_call(contract, function, args)
        return f"anchor/{number}/{size}", lane_of(self.lanes, log), contract, function, data, 1

    def submit(self, calls: list[Call]) -> None:
        now = wall_clock()
        with writing(self.engine) as connection:
            for key, sender, contract, function, data, _ in calls:
                rows.insert(
                    connection, intent_key=key, sender=sender, contract=contract, function=function,
                    calldata=data, now=now,
                )  # fmt: skip


class Tree:
    """The `number`th log of LOG_SIZE entries of our own making, so that every proof is a row of siblings."""

    def __init__(self, number: int) -> None:
        self.first = number * LOG_SIZE
        self.layers = [[hashlib.sha256(b"\0" + self.entry(self.first + i)).digest() for i in range(LOG_SIZE)]]
        while len(self.layers[-1]) > 1:
            below = self.layers[-1]
            self.layers.append(
                [hashlib.sha256(b"\1" + below[i] + below[i + 1]).digest() for i in range(0, len(below), 2)]
            )
        self.root = Digest(self.layers[-1][0])

    @staticmethod
    def entry(index: int) -> bytes:
        digest = hashlib.sha256(index.to_bytes(8, "big")).digest()
        return b"\1\1" + CODE.encode() + bytes(8) + digest + digest

    @staticmethod
    def key(index: int) -> Digest:
        digest = hashlib.sha256(index.to_bytes(8, "big")).digest()
        return Digest(hashlib.sha256(b"chuzheng/status/v1\0" + CODE.encode() + digest).digest())

    def proof(self, log: LogId, index: int) -> EntryProof:
        path = tuple(layer[(index >> level) ^ 1] for level, layer in enumerate(self.layers[:-1]))
        entry = self.entry(self.first + index)
        return EntryProof(log, entry, index, LOG_SIZE, path)


def _log_id(origin: Origin) -> LogId:
    return LogId(hashlib.sha256(b"chuzheng/log/v1\0" + origin.encode()).digest())


def _leaves(size: int) -> list[bytes]:
    return [hashlib.sha256(b"\0" + Tree.entry(i)).digest() for i in range(size)]


def _uniform_root(size: int) -> Digest:
    from notary.merkle import root_from_leaves

    return root_from_leaves(_leaves(size))


def _grown(size: int) -> list[bytes]:
    """From one entry less; nothing to prove for the first."""
    from notary.merkle import consistency_proof

    return list(consistency_proof(_leaves(size), size - 1)) if size > 1 else []
