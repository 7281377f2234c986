"""The costly work of a back-fill: handed to worker processes, or done here where there are none."""

from __future__ import annotations

import marshal
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from notary.bulk.chunks import (
    Asked,
    Part,
    Promised,
    prepare_packed,
    prepare_part,
    promise_packed,
    promise_part,
    unpack_own,
    unpack_part,
)
from notary.bulk.sources import Chunk
from notary.processes import Processes
from notary.service import Notary

CHUNK = 10_000
"""Records of one chunk: one transaction, one line of the journal, one bundle for each log."""
PART = 500
"""Records of one task: long enough that its overhead is lost in it, short enough that all cores end together."""


@dataclass(frozen=True, slots=True)
class Options:
    """`every`: commit to every record again and verify every promise, instead of one in chunks.SAMPLE; `salts`: the
    folder for salts, None: they stay with the notary."""

    capture: str = "data"
    every: bool = False
    salts: Path | None = None
    chunk: int = CHUNK


class Work:
    """The costly work: in worker processes, or here where there are none."""

    def __init__(self, notary: Notary, issuers: frozenset[str], options: Options, processes: Processes | None) -> None:
        self._notary, self._issuers, self._options, self._processes = notary, issuers, options, processes

    def prepare(self, chunk: Chunk) -> list[Future[Part]]:
        futures: list[Future[Part]] = []
        for start in range(0, len(chunk.numbers), PART):
            numbers, cells = chunk.numbers[start : start + PART], chunk.cells[start : start + PART]
            if self._processes is None:
                part = prepare_part(numbers, cells, self._issuers, self._options.capture, self._notary.vault)
                futures.append(_done(part))
            else:
                packed = marshal.dumps((numbers, cells))
                sent = self._processes.submit(prepare_packed, packed, self._issuers, self._options.capture)
                futures.append(_Unpacked(sent, unpack_part))
        chunk.cells = []
        return futures

    def promise(self, asked: Asked, own: bytes) -> Future[Promised]:
        every = self._options.every
        if self._processes is not None:
            sent = self._processes.submit(promise_packed, tuple(asked), own, every)
            return _Unpacked(sent, lambda told: Promised(*told))
        signer, vault = self._notary.signers[asked.origin], self._notary.vault
        mine = unpack_own(own, asked.chosen)
        return _done(promise_part(asked, mine, signer=signer, vault=vault, every=every))

    def result(self, future: Future[Any]) -> Any:
        if isinstance(future, _Unpacked):
            assert self._processes is not None
            return future.unpack(self._processes.result(future.sent))
        return future.result()


class _Unpacked(Future[Any]):
    """What a worker process answers, still closed."""

    def __init__(self, sent: Future[Any], unpack: Callable[[Any], Any]) -> None:
        super().__init__()
        self.sent, self.unpack = sent, unpack


def _done(value: Any) -> Future[Any]:
    future: Future[Any] = Future()
    future.set_result(value)
    return future
