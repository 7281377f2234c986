"""A verifier's own view of the world: a chain node by JSON-RPC, a log by its public files. Neither has to be ours.

What the log serves is checked by `verify` against signed checkpoints; nothing here is believed.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import quote

from ledger.errors import NotFoundError, UnavailableError, UnreadableError
from ledger.ports import ChainReader
from ledger.types import Origin
from notary.checkpoint import decode_entries, entries_path, parse_checkpoint, tile_path
from notary.entry import Entry
from notary.erasures import parse_erasures, proves
from notary.evidence import ErasedBy, Located
from notary.stores.tree import joined_paths
from scripts.client import Client
from scripts.problems import ServerError

if TYPE_CHECKING:
    from notary.trust_file import TrustFile

TILE = 256
HASH = 32


class RemoteLog:
    """A log's files over HTTP (C2SP tlog-tiles)."""

    def __init__(self, server: Client) -> None:
        self._server = server
        self._tile = lru_cache(maxsize=256)(self._read)

    def checkpoint(self, origin: str) -> str | None:
        """The newest signed note; None while the server has none."""
        return self._note(origin, "checkpoint")

    def checkpoint_at(self, origin: str, size: int) -> str | None:
        """The signed note of exactly this size; None where the server kept none."""
        return self._note(origin, f"checkpoints/{size}")

    def _note(self, origin: str, path: str) -> str | None:
        try:
            return self._get(origin, path).decode("utf-8")
        except NotFoundError:
            return None
        except UnicodeDecodeError:
            raise UnavailableError("cli.server_answer", url=self._server.url, status=200) from None

    def entry(self, origin: str, index: int) -> bytes | None:
        """The 92 bytes at `index`; None beyond the newest checkpoint."""
        size = self._size(origin)
        if index >= size:
            return None
        number, offset = divmod(index, TILE)
        entries = decode_entries(self._tile(origin, entries_path(number, min(TILE, size - number * TILE))))
        return entries[offset]

    def inclusion(self, origin: str, index: int, size: int) -> Sequence[bytes]:
        """The inclusion path of `index` in the tree of `size`, from the log's tiles."""

        def tile(level: int, number: int, width: int) -> bytes:
            return self._tile(origin, tile_path(level, number, width))

        joined = joined_paths(index, 1, size, tile)[0]
        return [joined[i : i + HASH] for i in range(0, len(joined), HASH)]

    def erased(self, origin: str, index: int) -> ErasedBy | None:
        """By which order and since when, where the log's list proves by an entry of its own that it was erased."""
        try:
            listed = parse_erasures(self._get(origin, "erasures"))[1]
            item = next((each for each in listed if each.index == index), None)
            if item is None or item.proof is None:
                return None
            raw = self.entry(item.proof.origin, item.proof.index)
        except NotFoundError:
            return None
        except UnreadableError:
            raise UnavailableError("cli.server_answer", url=self._server.url, status=200) from None
        if raw is None or not proves(item, Origin(origin), raw):
            return None
        return ErasedBy(item.order, Entry.from_bytes(raw).accepted_at)

    def locate(self, identifier: str) -> Sequence[Located]:
        """A log's files can't be searched by identifier; the server's own look-up answers that."""
        raise UnavailableError("cli.locate_remote")

    def _size(self, origin: str) -> int:
        note = self.checkpoint(origin)
        return 0 if note is None else parse_checkpoint(note).size

    def _read(self, origin: str, path: str) -> bytes:
        return self._get(origin, path)

    def _get(self, origin: str, path: str) -> bytes:
        try:
            return self._server.send("GET", f"logs/{quote(origin, safe='')}/{path}").content
        except ServerError as error:
            if error.status == 404:
                raise NotFoundError("log.tile_missing") from None
            raise UnavailableError("cli.server_answer", url=self._server.url, status=error.status) from None


def log_of(url: str) -> RemoteLog:
    """The logs that the server at `url` publishes."""
    return RemoteLog(Client(url, attempts=2))


def chain_of(rpc_url: str, trust: TrustFile) -> ChainReader:
    """The chain as the node at `rpc_url` tells it, with the trust file's contracts."""
    from ledger.evm.deployment import Deployment
    from ledger.evm.profiles import QUORUM_QBFT
    from ledger.evm.reader import EvmChainReader
    from ledger.evm.rpc import Rpc
    from ledger.types import Address

    deployment = Deployment(trust.network, trust.chain_id, trust.genesis_hash, trust.contracts, Address(""))
    # The careful limits of any node; how deep a block must lie is the trust file's rule, applied by the collector.
    return EvmChainReader(Rpc(rpc_url), QUORUM_QBFT, deployment)
