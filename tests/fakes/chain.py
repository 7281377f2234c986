"""An in-memory chain: a real implementation of ledger.ports.ChainReader, with blocks, rollbacks and fail hooks.

Facts carry the number of the block that made them, so every read can be asked of a named block, and `shorten` loses
the last blocks as a crashed development chain does. The rules of the contracts are kept where a reader could notice
(an anchor never shrinks, one root a size); who may act is the contracts' own test.

    chain = FakeChain()
    chain.admit(CODE); log = chain.open_log("chuzheng/test/" + CODE)
    chain.anchor(log, 3, root)
    chain.fail("anchored_root")            # this call raises UnavailableError from now on
    chain.fail("*", times=2)               # the next two calls of any kind
    chain.mend()
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from ledger import keys as key_rules
from ledger.departments import Accreditation, DepartmentHistory, Suspension
from ledger.errors import UnavailableError
from ledger.keys import COUNCIL, Acting, DepartmentKey, KeyId, Keys, NewKey
from ledger.statuses import Decision, DecisionCode
from ledger.successions import Succession, accreditations_of, carrier, type_part
from ledger.types import Address, Anchor, Block, BlockTime, ChainHash, DepartmentCode, Digest, LogId, TypeCode

GENESIS_TIME = 1_770_000_000
ANCHOR_LOG = Address("0x" + "a1" * 20)


def log_id_of(origin: str) -> LogId:
    """formats.md §4: H("chuzheng/log/v1"0 || origin)."""
    return LogId(hashlib.sha256(b"chuzheng/log/v1\0" + origin.encode()).digest())


@dataclass
class _Fault:
    method: str
    error: Exception
    times: int | None


@dataclass
class FakeChain:
    """`depth`: blocks above a block until it is final. Each mutating call mines one block, `seconds` after the last."""

    chain: int = 420_000
    depth: int = 0
    seconds: int = 1
    calls: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._branch = 0
        self._blocks: list[Block] = []
        self._faults: list[_Fault] = []
        self._logs: dict[LogId, int] = {}
        self._anchors: dict[LogId, list[Anchor]] = {}
        self._closings: dict[LogId, list[tuple[int, int]]] = {}
        self._decisions: dict[Digest, list[tuple[int, Decision]]] = {}
        self._annulled: dict[tuple[Digest, int], int] = {}
        self._departments: list[tuple[int, DepartmentHistory]] = []
        self._accreditations: list[tuple[int, Accreditation]] = []
        self._successions: list[tuple[int, Succession]] = []
        self._keys: list[tuple[int, Keys]] = []
        self.mine()

    # -- faults ------------------------------------------------------------------------------------------------

    def fail(self, method: str = "*", *, error: Exception | None = None, times: int | None = None) -> None:
        """Let `method` (or every one) raise, for ever or `times` times; by default as an unreachable chain does."""
        self._faults.append(_Fault(method, error or UnavailableError("chain.unreachable", url="fake:"), times))

    def mend(self) -> None:
        self._faults.clear()

    def _asked(self, method: str) -> None:
        self.calls.append(method)
        for fault in list(self._faults):
            if fault.method not in ("*", method):
                continue
            if fault.times is not None:
                fault.times -= 1
                if fault.times <= 0:
                    self._faults.remove(fault)
            raise fault.error

    # -- what happens on the chain -------------------------------------------------------------------------------

    def mine(self, count: int = 1, *, at: int | None = None) -> Block:
        """Mine empty blocks; `at` is the block time of the last one (seconds)."""
        for i in range(count):
            number = len(self._blocks)
            parent = self._blocks[-1].hash if self._blocks else ChainHash("0x" + "00" * 32)
            time = self._blocks[-1].time + self.seconds if self._blocks else GENESIS_TIME
            if at is not None and i == count - 1:
                time = at
            digest = hashlib.sha256(f"{self.chain}/{self._branch}/{number}/{parent}".encode()).hexdigest()
            self._blocks.append(Block(number, ChainHash("0x" + digest), BlockTime(time), parent))
        return self._blocks[-1]

    def shorten(self, blocks: int) -> None:
        """Lose the last blocks with all that they held; what is mined next has other hashes."""
        self._branch += 1
        keep = max(1, len(self._blocks) - blocks)
        del self._blocks[keep:]
        top = keep - 1
        self._logs = {k: n for k, n in self._logs.items() if n <= top}
        self._anchors = {k: [a for a in v if a.block_number <= top] for k, v in self._anchors.items()}
        self._closings = {k: [c for c in v if c[0] <= top] for k, v in self._closings.items()}
        self._decisions = {k: [d for d in v if d[0] <= top] for k, v in self._decisions.items()}
        self._annulled = {k: n for k, n in self._annulled.items() if n <= top}
        self._departments = [d for d in self._departments if d[0] <= top]
        self._accreditations = [a for a in self._accreditations if a[0] <= top]
        self._successions = [s for s in self._successions if s[0] <= top]
        self._keys = [k for k in self._keys if k[0] <= top]

    def logs(self) -> list[LogId]:
        """Every log that is opened."""
        return list(self._logs)

    def open_log(self, origin: str) -> LogId:
        log_id = log_id_of(origin)
        self._logs.setdefault(log_id, self.mine().number)
        return log_id

    def anchor(self, log_id: LogId, size: int, root: bytes, *, at: int | None = None) -> Anchor:
        """AnchorLog.anchor without its proof: sizes only grow, one root a size. AssertionError otherwise."""
        assert log_id in self._logs, "log not opened"
        held = self._anchors.setdefault(log_id, [])
        assert not held or size > held[-1].size, "an anchor never shrinks"
        block = self.mine(at=at)
        tx_hash = ChainHash("0x" + hashlib.sha256(b"tx" + log_id + root + bytes.fromhex(block.hash[2:])).hexdigest())
        anchor = Anchor(
            log_id, size, Digest(root), self.chain, self._blocks[0].hash, ANCHOR_LOG, tx_hash,
            block.number, block.hash, block.time,
        )  # fmt: skip
        held.append(anchor)
        return anchor

    def close_log(self, log_id: LogId, last_good_size: int) -> None:
        """AnchorLog.closeLog: anchors above count as not recorded from the next block on."""
        self._closings.setdefault(log_id, []).append((self.mine().number, last_good_size))

    def _counting(self, log_id: LogId, at: int) -> list[Anchor]:
        last = self._closed(log_id, at)
        held = (a for a in self._anchors.get(log_id, []) if a.block_number <= at)
        return [a for a in held if last is None or a.size <= last]

    def _closed(self, log_id: LogId, at: int) -> int | None:
        return min((size for block, size in self._closings.get(log_id, []) if block <= at), default=None)

    def decide(
        self,
        key: bytes,
        code: DecisionCode,
        department: str,
        *,
        cause: int = 0,
        effective_from: int | None = None,
        basis: bytes | None = None,
        successor: bytes | None = None,
        until: int | None = None,
        ends: int | None = None,
        at: int | None = None,
    ) -> Decision:
        block = self.mine(at=at)
        held = self._decisions.setdefault(Digest(key), [])
        decision = Decision(
            number=len(held) + 1,
            code=code,
            cause=cause,
            department=DepartmentCode(department),
            effective_from=BlockTime(block.time if effective_from is None else effective_from),
            recorded_at=block.time,
            basis=None if basis is None else Digest(basis),
            successor=None if successor is None else Digest(successor),
            until=None if until is None else BlockTime(until),
            ends=ends,
        )
        held.append((block.number, decision))
        return decision

    def annul(self, key: bytes, number: int) -> None:
        self._annulled[(Digest(key), number)] = self.mine().number

    def admit(self, code: str, division: int = 420100, *, at: int | None = None) -> DepartmentHistory:
        block = self.mine(at=at)
        history = DepartmentHistory(DepartmentCode(code), division, block.time)
        self._departments.append((block.number, history))
        return history

    def suspend(self, code: str, reason: int = 1, *, at: int | None = None) -> None:
        block = self.mine(at=at)
        old = self._newest(code)
        change = replace(old, suspensions=(*old.suspensions, Suspension(block.time, None, reason)))
        self._departments.append((block.number, change))

    def reinstate(self, code: str, *, at: int | None = None) -> None:
        block = self.mine(at=at)
        old = self._newest(code)
        ended = replace(old.suspensions[-1], until=block.time)
        self._departments.append((block.number, replace(old, suspensions=(*old.suspensions[:-1], ended))))

    def accredit(self, issuer: str, type_code: str, since: int, until: int | None = None) -> Accreditation:
        block = self.mine()
        accreditation = Accreditation(
            DepartmentCode(issuer), TypeCode(type_code), BlockTime(since), None if until is None else BlockTime(until)
        )
        self._accreditations.append((block.number, accreditation))
        return accreditation

    def withdraw_accreditation(self, issuer: str, type_code: str, from_time: int) -> None:
        """The newest accreditation of issuer and type counts as withdrawn from `from_time` on."""
        block = self.mine()
        last = [a for _, a in self._accreditations if (a.issuer, a.type_code) == (issuer, type_code)][-1]
        self._accreditations.append((block.number, replace(last, withdrawn_from=BlockTime(from_time))))

    def succeed(
        self, old: str, new: str, *, since: int | None = None, types: Mapping[str, str] | None = None
    ) -> Succession:
        """`types`: a type's code → who carries it instead."""
        block = self.mine()
        at = BlockTime(block.time if since is None else since)
        split = tuple((type_part(TypeCode(code)), DepartmentCode(to)) for code, to in (types or {}).items())
        succession = Succession(DepartmentCode(old), DepartmentCode(new), at, at, split)
        self._successions.append((block.number, succession))
        kept = self._newest(old)
        self._departments.append((block.number, replace(kept, succeeded_at=at, successor=DepartmentCode(new))))
        return succession

    def add_key(self, key_id: bytes, key: NewKey, *, proposed_only: bool = False) -> None:
        """By the Council; `proposed_only`: by the department, and nobody has confirmed it."""
        block = self.mine()
        by = Acting(key.department, b"person") if proposed_only else COUNCIL
        changed = key_rules.propose(self._keys_at(block.number), KeyId(key_id), key, by, member=True, now=block.time)
        self._keys.append((block.number, changed))

    def compromise_key(self, key_id: bytes, since: int, *, by_council: bool = False) -> BlockTime:
        """The block time of the report."""
        block = self.mine()
        held = self._keys_at(block.number)
        by = COUNCIL if by_council else Acting(held[KeyId(key_id)].key.department)
        changed = key_rules.compromise(held, KeyId(key_id), BlockTime(since), by, block.time)
        self._keys.append((block.number, changed))
        return block.time

    def end_key(self, key_id: bytes, until: int = 0) -> None:
        block = self.mine()
        changed = key_rules.end(self._keys_at(block.number), KeyId(key_id), BlockTime(until), COUNCIL, block.time)
        self._keys.append((block.number, changed))

    def _keys_at(self, number: int) -> Keys:
        held = [keys for n, keys in self._keys if n <= number]
        return held[-1] if held else {}

    def _successions_at(self, number: int) -> dict[DepartmentCode, Succession]:
        return {s.old: s for n, s in self._successions if n <= number}

    def _newest(self, code: str) -> DepartmentHistory:
        return [h for _, h in self._departments if h.code == code][-1]

    # -- ChainReader -----------------------------------------------------------------------------------------------

    def _at(self, block: int | None) -> int:
        if block is None:
            return max(0, len(self._blocks) - 1 - self.depth)
        if block >= len(self._blocks):
            raise UnavailableError("chain.block_unknown", block=block)
        return block

    def chain_id(self) -> int:
        self._asked("chain_id")
        return self.chain

    def genesis_hash(self) -> str:
        self._asked("genesis_hash")
        return self._blocks[0].hash

    def head(self) -> Block:
        self._asked("head")
        return self._blocks[-1]

    def final_head(self) -> Block:
        self._asked("final_head")
        return self._blocks[self._at(None)]

    def block(self, number: int) -> Block | None:
        self._asked("block")
        return self._blocks[number] if 0 <= number < len(self._blocks) else None

    def log_head(self, log_id: LogId, block: int | None = None) -> tuple[int, Digest] | None:
        self._asked("log_head")
        at = self._at(block)
        if self._logs.get(log_id, at + 1) > at:
            return None
        held = self._counting(log_id, at)
        return (held[-1].size, held[-1].root) if held else (0, Digest(bytes(32)))

    def anchored_root(self, log_id: LogId, size: int, block: int | None = None) -> Digest | None:
        self._asked("anchored_root")
        at = self._at(block)
        return next((a.root for a in self._counting(log_id, at) if a.size == size), None)

    def closed_at(self, log_id: LogId, block: int | None = None) -> int | None:
        self._asked("closed_at")
        return self._closed(log_id, self._at(block))

    def anchors(self, log_id: LogId, above_size: int = 0, limit: int = 1) -> Sequence[Anchor]:
        self._asked("anchors")
        at = self._at(None)
        held = (a for a in self._counting(log_id, at) if a.size > above_size)
        return tuple(held)[:limit]

    def decisions(self, status_key: Digest, block: int | None = None) -> Sequence[Decision]:
        self._asked("decisions")
        at = self._at(block)
        found = []
        for number, decision in self._decisions.get(Digest(status_key), []):
            if number > at:
                continue
            annulled = self._annulled.get((Digest(status_key), decision.number))
            struck = annulled is not None and annulled <= at
            found.append(replace(decision, annulled_at=self._blocks[annulled or 0].time) if struck else decision)
        return tuple(found)

    def department(self, code: DepartmentCode, block: int | None = None) -> DepartmentHistory | None:
        self._asked("department")
        at = self._at(block)
        held = [h for n, h in self._departments if h.code == code and n <= at]
        return held[-1] if held else None

    def accreditations(
        self, issuer: DepartmentCode, type_code: TypeCode, block: int | None = None
    ) -> Sequence[Accreditation]:
        self._asked("accreditations")
        at = self._at(block)
        held: dict[tuple[str, str, int], Accreditation] = {}
        for number, a in self._accreditations:
            if number > at:
                continue
            if a.withdrawn_from is not None:  # a withdrawal changes the accreditation, it doesn't add one
                held[a.issuer, a.type_code, a.since] = a
            else:
                held.setdefault((a.issuer, a.type_code, a.since), a)
        return accreditations_of(held.values(), self._successions_at(at), issuer, type_code)

    def keys(self, department: DepartmentCode, block: int | None = None) -> Sequence[DepartmentKey]:
        self._asked("keys")
        kept = self._keys_at(self._at(block)).values()
        return tuple(k.key for k in kept if k.key.department == department)

    def carrier(self, code: DepartmentCode, what: bytes, block: int | None = None) -> DepartmentCode:
        self._asked("carrier")
        at = self._at(block)
        return carrier(self._successions_at(at), code, what, self._blocks[at].time)
