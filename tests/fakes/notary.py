"""A notary in a folder, its clock and its view of a FakeChain: real parts, only time and chain are in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from ledger.codes.certificate_ids import make_identifier
from ledger.codes.uscc import check_uscc
from ledger.crypto.keys import create_signing_key, load_signer
from ledger.evm.artifacts import encode_call
from ledger.store.engine import open_engine, upgrade
from ledger.types import Address, Anchor, DepartmentCode, Digest, LogId, Millis, Origin
from notary.entry import make_origin
from notary.merkle import verify_consistency
from notary.service import Notary
from notary.stores.disk import Disk
from notary.stores.tiles import TileLog
from tests.databases import begin_sqlite
from tests.fakes.chain import FakeChain

ISSUER = DepartmentCode("11420000MB9543829Q")
OTHER = DepartmentCode("11429021009997812P")
ORIGIN = make_origin("test", ISSUER)
MEMBERS = make_origin("test", ISSUER, "shares")
SECOND = make_origin("test", ISSUER, "second")
FOREIGN = make_origin("test", OTHER)
STORAGE_KEY = hashlib.sha256(b"a key for tests").digest()
START = Millis(1_770_000_000_000)
LANE = Address("0x" + "12" * 20)
TYPE = "11100000009985328F011"

assert check_uscc(ISSUER) is None
assert check_uscc(OTHER) is None


@dataclass
class FakeClock:
    """Goes on by `tick` ms at each look, or where it is put."""

    at: int = START
    tick: int = 1

    def now(self) -> Millis:
        self.at += self.tick
        return Millis(self.at)


class ChainIndex:
    """The index of a chain, always up to date."""

    def __init__(self, chain: FakeChain) -> None:
        self.chain = chain

    def anchor_for(self, log_id: LogId, index: int) -> Anchor | None:
        found = self.chain.anchors(log_id, above_size=index, limit=1)
        return found[0] if found else None

    def log_head(self, log_id: LogId) -> tuple[int, Digest] | None:
        return self.chain.log_head(log_id)

    def closed_at(self, log_id: LogId) -> int | None:
        return self.chain.closed_at(log_id)

    def log_heads(self) -> dict[LogId, tuple[int, Digest]]:
        heads = {log_id: self.chain.log_head(log_id) for log_id in self.chain.logs()}
        return {log_id: head for log_id, head in heads.items() if head is not None}

    def mark(self) -> object:
        return self.chain.head()


@dataclass
class Intent:
    state: str
    sender: Address
    contract: str
    function: str
    args: Sequence[Any]


@dataclass
class FakeOutbox:
    """An outbox that remembers; `deliver` plays sender and contract, with the consistency proof checked."""

    intents: dict[str, Intent] = field(default_factory=dict)

    def enqueue(
        self, connection: Connection, *, intent_key: str, sender: Address, contract: str, function: str, args: Any
    ) -> int:
        assert connection.in_transaction()
        encode_call(contract, function, args)  # the contract's own types must take them
        self.intents.setdefault(intent_key, Intent("queued", sender, contract, function, args))
        return list(self.intents).index(intent_key)

    def status(self, intent_key: str) -> Intent | None:
        return self.intents.get(intent_key)

    def deliver(self, chain: FakeChain) -> int:
        """Execute what is queued, in order; how many anchors the chain took."""
        taken = 0
        for intent in self.intents.values():
            if intent.state != "queued" or intent.function != "anchor":
                continue
            log_id, size, root, proof = intent.args
            head = chain.log_head(log_id)
            assert head is not None
            if head == (size, root):
                intent.state = "final"
            elif size > head[0] and (not head[0] or verify_consistency(head[0], size, head[1], root, proof)):
                chain.anchor(log_id, size, root)
                intent.state, taken = "final", taken + 1
            else:
                intent.state = "reverted"
        return taken


def sqlite_at(home: Path) -> str:
    return f"sqlite:///{home}/chuzheng.sqlite"


database_of: Callable[[Path], str] = sqlite_at
"""Where a rig's database is that wasn't told; the fixture `each_kind` puts PostgreSQL there."""


@dataclass
class Rig:
    """A notary and what surrounds it; `again` is a restart of the process on the same disk."""

    home: Path
    origins: tuple[Origin, ...] = (ORIGIN,)
    members: tuple[Origin, ...] = ()
    clock: FakeClock = field(default_factory=FakeClock)
    chain: FakeChain = field(default_factory=FakeChain)
    outbox: FakeOutbox = field(default_factory=FakeOutbox)
    hook: Callable[[str], None] = lambda step: None
    disk: Disk | None = None
    database: str = ""
    """address of an upgraded one (tests/databases.py); without it SQLite in `home`"""

    def __post_init__(self) -> None:
        self.index = ChainIndex(self.chain)
        for origin in self.origins:
            self.chain.open_log(origin)
        self.notary = self._open()

    def logs_dir(self) -> Path:
        """Where the logs' files are; another machine on the same database has its own."""
        return self.home / "logs"

    def key_address(self, origin: Origin) -> str:
        path = self.home / "keys" / hashlib.sha256(origin.encode()).hexdigest()[:16]
        if not path.exists():
            create_signing_key(path)
        return f"file:{path}"

    def _open(self) -> Notary:
        self.home.mkdir(parents=True, exist_ok=True)
        address = self.database or database_of(self.home)
        begun = address == sqlite_at(self.home) and begin_sqlite(self.home / "chuzheng.sqlite")
        engine = open_engine(address)
        if not begun:
            upgrade(engine)
        return Notary(
            engine,
            self.logs_dir(),
            {origin: load_signer(self.key_address(origin)) for origin in self.origins},
            storage_key=STORAGE_KEY,
            clock=self.clock,
            anchors=self.index,
            member_logs=self.members,
            hook=lambda step: self.hook(step),  # noqa: PLW0108 - tests change it later
            disk=self.disk,
        )

    def again(self) -> Notary:
        self.notary.close()
        self.notary = self._open()
        return self.notary

    @property
    def log(self) -> TileLog:
        return self.notary.logs[ORIGIN]

    def entries(self, origin: Origin = ORIGIN) -> list[bytes]:
        log = self.notary.logs[origin]
        return log.entries(0, log.durable_size())


def certificate(n: int, issuer: str = ISSUER, version: int = 1, *, of: str = TYPE, **changed: Any) -> dict[str, Any]:
    """A certificate/1 of type `of` with its own identifier for each n."""
    return {
        "schema": "certificate/1",
        "kind": "certificate",
        "issuer": issuer,
        "type": of,
        "identifier": make_identifier(of, issuer, f"{n:020d}", version),
        "version": version,
        "identifier_form": "issued",
        "capture": "data",
        "name": "食品经营许可证",
        "number": f"JY{n:014d}",
        "issuer_name": "湖北省市场监督管理局",
        "issue_date": "2024-02-28",
        "valid_from": "2024-02-28",
        "valid_to": "2029-02-27",
        "holders": [{"name": "兴山县和兴餐饮管理有限公司（样例）", "code_type": "001", "code": "91420526MA9986781L"}],
        **changed,
    }


def document(n: int, issuer: str = ISSUER) -> dict[str, Any]:
    """A document/1 about a file that nobody has."""
    digest = hashlib.sha256(str(n).encode()).hexdigest()
    file = {"media_type": "text/plain", "sha256": digest, "size": n, "sm3": digest}
    return {"schema": "document/1", "kind": "document", "issuer": issuer, "document": file, "title": f"第{n}号"}


def packed(count: int, kind: int = 1, start: int = 0) -> bytes:
    """`count` finished commitments, 65 bytes each."""
    rows = []
    for n in range(start, start + count):
        digest = hashlib.sha256(b"%d" % n).digest()
        rows.append(bytes((kind,)) + digest + hashlib.sha256(digest).digest())
    return b"".join(rows)
