"""One large file (5 GiB): taken, read back, verified, in flat memory; on our disk, and in Kubo where there is a node.

The plain file is made as it is read, so that only store and target take disk: twice its size in all. A node is taken
from CHUZHENG_IPFS_API.
"""

from __future__ import annotations

import io
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from ledger.types import DepartmentCode
from notary.documents import describe, open_file, same_file, store_file
from notary.stores.blocks import CheckedStore
from notary.stores.content import EmbeddedStore
from tests.bench.figures import Figure, forget_peak, peak_mib

SIZE = 5 << 30
MEMORY = 200
READER = DepartmentCode("11420503087246977F")
_PIECE = os.urandom(1 << 20)


class Made(io.RawIOBase):
    """`size` bytes that are no copy of one another, from nowhere; may be read again from its beginning."""

    def __init__(self, size: int) -> None:
        self._size, self._at = size, 0

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        assert (offset, whence) == (0, 0)
        self._at = 0
        return 0

    def read(self, size: int = -1) -> bytes:
        left = self._size - self._at
        count = min(left, 1 << 20 if size < 0 else size, 1 << 20)
        data = self._at.to_bytes(8) + _PIECE[8:count] if count >= 8 else bytes(count)
        self._at += count
        return data


def run(scale: float) -> Iterator[Figure]:
    """`scale` 1: 5 GiB."""
    size = int(SIZE * scale)
    folder = Path(tempfile.mkdtemp(prefix="chuzheng-bench-", dir=os.environ.get("CHUZHENG_BENCH_DIR")))
    try:
        yield from _through(EmbeddedStore(folder / "content"), "embedded", size, folder)
        if node := os.environ.get("CHUZHENG_IPFS_API"):
            from notary.stores.kubo import KuboStore

            yield from _through(KuboStore(node), "Kubo", size, folder)
    finally:
        shutil.rmtree(folder)


def _through(store: CheckedStore, name: str, size: int, folder: Path) -> Iterator[Figure]:
    key, target, mib = X25519PrivateKey.generate(), folder / "opened", size >> 20
    peaks = []

    def figure(what: str, started: float) -> Figure:
        peaks.append(peak_mib())
        return Figure(f"{mib:,} MiB file, {name}: {what}", mib / (time.perf_counter() - started), "MiB/s")

    forget_peak()
    started = time.perf_counter()
    source = Made(size)
    facts = describe(source, "application/zip")  # type: ignore[arg-type]
    source.seek(0)
    stored = store_file(source, facts.media_type, {READER: key.public_key()}, content=store)  # type: ignore[arg-type]
    yield figure("hashed, encrypted, stored", started)
    try:
        forget_peak()
        started = time.perf_counter()
        store.verify(stored.document["cid"])
        yield figure("checked in the store", started)
        forget_peak()
        started = time.perf_counter()
        open_file(stored.document, wrap=stored.wraps[READER], reader=READER, key=key, content=store, target=target)
        yield figure("fetched, decrypted, compared", started)
    finally:
        store.remove(stored.document["cid"])
    forget_peak()
    started = time.perf_counter()
    with target.open("rb") as plain:
        assert same_file(describe(plain, facts.media_type), stored.document)
    yield figure("digests for verification", started)
    target.unlink()
    yield Figure(f"{mib:,} MiB file, {name}: memory at most", max(peaks), "MiB", target=MEMORY)
