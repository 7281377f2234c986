"""A notary whose files have places, for the tests of them: folders, and a node in memory that may be down or die."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from ledger.errors import NotFoundError, UnavailableError
from notary.cid import LEAF_BYTES
from notary.content_care import Fault, check, move
from notary.content_keeper import ContentKeeper
from notary.filing import Filing
from notary.stores.blocks import CheckedStore
from notary.stores.content import EmbeddedStore
from notary.stores.content_index import ContentIndex
from notary.stores.placed import PlacedContent, Places
from tests.fakes.notary import ISSUER, ORIGIN, Rig

READER = X25519PrivateKey.generate()


class Died(Exception):
    """The process ended here."""


class PinningStore(CheckedStore):
    """A node in memory: keeps what is pinned, forgets the rest when told; may be down, and may die at any call."""

    def __init__(self) -> None:
        self.held: dict[str, bytes] = {}
        self.pinned: set[str] = set()
        self.down = False
        self.die_at: int | None = None
        self.calls = 0

    def _call(self) -> None:
        if self.down:
            raise UnavailableError("content.node_unavailable", address="memory", reason="down")
        self.calls += 1
        if self.calls == self.die_at:
            raise Died

    def pins(self) -> Iterator[str]:
        self._call()
        return iter(sorted(self.pinned))

    def keeps(self, cid: str) -> bool:
        self._call()
        return cid in self.pinned

    def _put_block(self, cid: str, block: bytes) -> None:
        self._call()
        self.held.setdefault(cid, block)

    def _get_block(self, cid: str) -> bytes:
        self._call()
        if cid not in self.held:
            raise NotFoundError("content.not_found", cid=cid)
        return self.held[cid]

    def _has_block(self, cid: str) -> bool:
        self._call()
        return cid in self.held

    def _keep(self, cid: str) -> None:
        self._call()
        self.pinned.add(cid)

    def _let_go(self, cid: str) -> None:
        self._call()
        self.pinned.discard(cid)

    def _drop_block(self, cid: str) -> None:
        self._call()
        self.held.pop(cid, None)


class House:
    """A notary whose files have places: `embedded`, `second`, and nodes in memory by other addresses."""

    def __init__(
        self, folder: Path, configured: str = "embedded", second: str | None = None, *, database: str = ""
    ) -> None:
        self.rig = Rig(folder / "home", database=database)
        self.stores: dict[str, Any] = {
            "embedded": EmbeddedStore(folder / "one"),
            "folder:/two": EmbeddedStore(folder / "two"),
            "kubo:a": PinningStore(),
        }
        self.index = ContentIndex(self.rig.notary.store)
        self.again(configured, second)

    def again(self, configured: str, second: str | None = None) -> None:
        """As after a restart with these settings."""
        self.places = Places(self.index, self.stores.__getitem__, configured, second)
        self.content = PlacedContent(self.places)
        self.rig.notary.filing = Filing(self.content)
        self.keeper = ContentKeeper(self.rig.notary, self.places, self.rig.clock)

    def file(self, data: bytes) -> str:
        """Register a file; its CID."""
        accepted = self.rig.notary.accept_document(
            ISSUER, ORIGIN, io.BytesIO(data), media_type="text/plain", readers={ISSUER: READER.public_key()}
        )
        return str(self.rig.notary.record(ORIGIN, accepted.receipt.index)["document"]["cid"])

    def keep(self) -> None:
        """Let the keeper work until nothing is left."""
        while self.keeper.step():
            pass

    def check(self, address: str, **more: Any) -> list[Fault]:
        return check(self.places, self.rig.clock, address, **more).faults

    def move(self, target: str, **more: Any) -> Any:
        return move(self.keeper, self.rig.clock, target, **more)


def files(house: House, count: int = 3) -> list[str]:
    return [house.file(bytes([n]) * (n * LEAF_BYTES + 100)) for n in range(count)]


def whole(store: CheckedStore, cids: list[str]) -> bool:
    return all(store.holds(cid) and store.verify(cid) for cid in cids)
