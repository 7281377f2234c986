"""Everything that the HTTP application stands on, in one process: real notary, database and log files, in-memory chain.

house = build_house(tmp_path)
receipt = house.anchored(house.certificate())     # promised, sealed, on the (fake) chain
house.client()                                    # a test client with nothing but public rights
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from api.auth import TokenStore
from api.own_logs import OwnLogs
from api.parts import Directory, Name, Parts
from api.settings import Settings
from api.trusted import TrustSource
from ledger.store.engine import open_engine, upgrade
from ledger.types import ChainHash, Contract, DepartmentCode, Millis, Origin, Role, TypeCode
from notary.checkpoint import parse_checkpoint
from notary.entry import log_id, make_origin
from notary.filing import Filing
from notary.receipt import Receipt
from notary.service import Notary
from notary.stores.content import EmbeddedStore
from notary.stores.records import CheckpointRow
from notary.trust import make_trust
from notary.trust_file import LogKey, TrustFile
from tests.databases import begin_sqlite
from tests.fakes.chain import ANCHOR_LOG, FakeChain
from tests.fakes.notary import ChainIndex, sqlite_at

NETWORK = "unit"
ISSUER = DepartmentCode("11420000MB9543829Q")
OTHER = DepartmentCode("11429021009997812P")
TYPE = TypeCode("11100000009985328F011")
IDENTIFIER = "1.2.156.3005.2.11100000009985328F011.11420000MB9543829Q.OOCUWY9H5T0RIQXCIZNZ.001.W"
CERTIFICATE: dict[str, Any] = {
    "schema": "certificate/1",
    "kind": "certificate",
    "issuer": ISSUER,
    "issuer_name": "湖北省市场监督管理局",
    "type": TYPE,
    "identifier": IDENTIFIER,
    "identifier_form": "issued",
    "version": 1,
    "capture": "data",
    "name": "食品经营许可证",
    "number": "JY14200000000001",
    "issue_date": "2024-02-28",
    "valid_from": "2024-02-28",
    "valid_to": "2029-02-25",
    "holders": [{"name": "兴山县和兴餐饮管理有限公司（样例）", "code_type": "001", "code": "91420526MA9986781L"}],
}


class Key:
    """An Ed25519 signer from a fixed seed."""

    suite = "intl"

    def __init__(self, seed: int) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)
        self.public_key = self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    def sign(self, message: bytes) -> bytes:
        return self._key.sign(message)


@dataclass
class FixedClock:
    """Stands at one instant until moved; milliseconds."""

    time: int = 1_770_000_100_000

    def now(self) -> Millis:
        return Millis(self.time)


@dataclass
class House:
    parts: Parts
    notary: Notary
    chain: FakeChain
    clock: FixedClock
    origin: Origin
    tokens: dict[Role, str] = field(default_factory=dict)

    def certificate(self, **changes: Any) -> dict[str, Any]:
        """A certificate's record; `changes` replace members."""
        return {**copy.deepcopy(CERTIFICATE), **changes}

    def headers(self, role: Role = Role.ANCHOR, *, key: str = "", media_type: str = "") -> dict[str, str]:
        """What a write sends: token, idempotency key and content type where they are given."""
        more = {"Idempotency-Key": key, "Content-Type": media_type}
        return {"Authorization": f"Bearer {self.tokens[role]}"} | {k: v for k, v in more.items() if v}

    def accept(self, record: Mapping[str, Any]) -> Receipt:
        """A promised receipt with its salt."""
        [accepted] = self.notary.accept_records(ISSUER, self.origin, [record])
        return accepted.receipt

    def anchor(self) -> None:
        """Seal what waits and put the head on the chain."""
        self.notary.seal(self.origin)
        note = self.notary.logs[self.origin].checkpoint_note()
        assert note is not None
        found = parse_checkpoint(note)
        self.chain.anchor(log_id(self.origin), found.size, found.root)
        with self.notary.store.transaction() as connection:
            row = self.notary.store.log(connection, self.origin)
            assert row is not None
            self.notary.store.put_checkpoint(
                connection, CheckpointRow(row.id, found.size, found.root, note, 0, f"anchor:{row.id}:{found.size}:0")
            )
        self.clock.time = max(self.clock.time, (self.chain.head().time + 1) * 1000)

    def anchored(self, record: Mapping[str, Any]) -> Receipt:
        """The newest receipt, with salt, of a record that was just registered and anchored."""
        receipt = self.accept(record)
        self.anchor()
        return self.notary.receipt(self.origin, receipt.index, salted=True)


def trust_file(
    chain: FakeChain,
    log_keys: list[LogKey],
    *,
    expires: int,
    after: TrustFile | None = None,
    council: int = 8,
    finality: str = "none",
) -> bytes:
    """A signed trust file of the house's network: the first, or the next `after` another."""
    return make_trust(
        network=NETWORK,
        chain_id=chain.chain_id(),
        genesis_hash=chain.genesis_hash(),
        finality=finality,
        council=[("owner", Key(council))],
        contracts=[Contract("AnchorLog", ANCHOR_LOG, ChainHash("0x" + "00" * 32), 0)],
        log_keys=log_keys,
        issued_at=Millis(0),
        expires=Millis(expires),
        as_of_block=0,
        after=after,
    )


def build_house(folder: Path, *, finality: str = "none", **settings: Any) -> House:
    """A fresh one under `folder`, with one department that is admitted and accredited for TYPE."""
    clock, chain = FixedClock(), FakeChain()
    origin = make_origin(NETWORK, ISSUER)
    chosen = Settings(home=folder, chain_max_age=10**10, **settings)
    key = Key(7)
    begun = chosen.database == sqlite_at(folder) and begin_sqlite(folder / "chuzheng.sqlite")
    engine = open_engine(chosen.database)
    if not begun:
        upgrade(engine)
    chain.admit(ISSUER)
    chain.accredit(ISSUER, TYPE, 0)
    chain.open_log(origin)
    notary = Notary(
        engine,
        chosen.logs_dir,
        {origin: key},
        storage_key=bytes(range(32)),
        clock=clock,
        anchors=ChainIndex(chain),
        filing=Filing(EmbeddedStore(chosen.content_dir)),
    )
    trust_bytes = trust_file(
        chain, [LogKey(origin, origin, key.public_key, Millis(0))], expires=clock.now() * 2, finality=finality
    )
    chosen.trust_path.parent.mkdir()
    chosen.trust_path.write_bytes(trust_bytes)
    tokens = TokenStore(chosen.tokens_path)
    parts = Parts(
        settings=chosen,
        clock=clock,
        tokens=tokens,
        network=NETWORK,
        chain=chain,
        notary=notary,
        log_reader=OwnLogs(notary),
        trusted=TrustSource(chosen.trust_path),
        content=notary.filing.content if notary.filing else None,
        wrap_keys={ISSUER: X25519PrivateKey.from_private_bytes(bytes([9]) * 32).public_key()},
        engine=engine,
        directory=Directory(
            {ISSUER: Name("湖北省市场监督管理局", "Hubei Market Regulation Administration", "027-12345")}
        ),
    )
    house = House(parts, notary, chain, clock, origin)
    for role in (Role.ANCHOR, Role.STATUS):
        house.tokens[role] = tokens.issue(ISSUER, role)
    return house
