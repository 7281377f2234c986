"""The costly, stateless work of acceptance spread over processes: prepare records, sign promises.

Each process has the storage key and opens the log keys itself; both reach it through a pipe, never as an argument
that others on the machine could list. Results cross as marshalled tuples, which costs a fifth of pickling objects.
"""

from __future__ import annotations

import gc
import os
import signal
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from multiprocessing import get_context
from typing import Any
from weakref import WeakKeyDictionary

from ledger.crypto.keys import load_signer
from ledger.errors import UnavailableError
from ledger.ports import Signer
from ledger.types import DepartmentCode, LogId, Origin
from notary.checkpoint import promise_bytes
from notary.entry import leaf_of
from notary.intake import Prepared, Wrong, pack, prepare_many, unpack
from notary.vault import Vault

CHUNK = 400
"""Records of one task: some 50 ms, so that two cores end together and a task's overhead is lost in it."""
MIN_RECORDS = 200
"""Fewer records are prepared where they are."""

_vault: Vault
_signers: dict[Origin, Signer]


class Processes:
    """A pool of worker processes, started by `warm` or the first large call; a process that died is replaced."""

    def __init__(self, count: int, storage_key: bytes, log_keys: Mapping[Origin, str]) -> None:
        self._count, self._arguments = count, (storage_key, dict(log_keys), os.getpid())
        self._pool: ProcessPoolExecutor | None = None
        self._given: WeakKeyDictionary[Future[Any], ProcessPoolExecutor] = WeakKeyDictionary()
        """Which pool each task is in: one that died is heard of by many, and another may have begun since."""
        self._lock = threading.Lock()
        self._closed = False

    def start(self) -> ProcessPoolExecutor:
        """The pool; starts it if need be. Not forked: our threads' locks would be copied in whatever state they are."""
        with self._lock:
            if self._closed:
                raise UnavailableError("notary.stopping", retry_after=5.0)
            if self._pool is None:
                self._pool = ProcessPoolExecutor(
                    self._count, mp_context=get_context("spawn"), initializer=_enter, initargs=self._arguments
                )
            return self._pool

    def warm(self) -> None:
        """Start the processes beside whatever the caller does next: it takes each a second, and the first large call
        shouldn't be the one that waits. What goes wrong here is told to that call."""

        def begin() -> None:
            with suppress(UnavailableError, RuntimeError):  # closed again meanwhile
                for _ in range(self._count):
                    self.submit(_enter_nothing)

        threading.Thread(target=begin, name="processes-warm", daemon=True).start()

    def close(self) -> None:
        """Stop the processes; work under way is finished first."""
        with self._lock:
            pool, self._pool, self._closed = self._pool, None, True
        if pool is not None:
            pool.shutdown()

    def prepare(
        self, records: Sequence[bytes | Mapping[str, Any]], issuer: DepartmentCode
    ) -> tuple[list[Prepared], list[Wrong]]:
        """prepare_many over all processes; numbers from 1, results in the order sent."""
        tasks = [(_prepare, (records[at : at + CHUNK], at + 1, issuer)) for at in range(0, len(records), CHUNK)]
        prepared: list[Prepared] = []
        wrong: list[Wrong] = []
        for data, errors in self._all(tasks):
            prepared += unpack(data)
            wrong += errors
        return prepared, wrong

    def sign(self, origin: Origin, log_id: LogId, first: int, entries: Sequence[bytes]) -> list[bytes]:
        """Promises for consecutive entries from index `first`."""
        tasks: list[tuple[Callable[..., Any], tuple[Any, ...]]] = []
        for at in range(0, len(entries), CHUNK * 2):
            part = b"".join(entries[at : at + CHUNK * 2])
            tasks.append((_sign, (origin, log_id, first + at, part)))
        joined = b"".join(self._all(tasks))
        return [joined[at : at + 64] for at in range(0, len(joined), 64)]

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Run a module's function in one of the processes; everything crosses by pickle."""
        pool = self.start()
        # A terminal sends Ctrl-C to all of its processes, and ours end with their parent. The pool may start one here;
        # it inherits what is held back, so that not even its first imports are interrupted.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            future = pool.submit(function, *arguments)
        except BrokenProcessPool as error:
            raise self._died(pool) from error
        except RuntimeError as error:  # closed since `start`
            raise UnavailableError("notary.stopping", retry_after=5.0) from error
        else:
            self._given[future] = pool
            return future
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def result(self, future: Future[Any]) -> Any:
        """What it returned; UnavailableError if its process died, and the next call starts a new pool."""
        try:
            return future.result()
        except BrokenProcessPool as error:
            raise self._died(self._given.get(future)) from error

    def _all(self, tasks: Sequence[tuple[Callable[..., Any], tuple[Any, ...]]]) -> list[Any]:
        futures = [self.submit(function, *arguments) for function, arguments in tasks]
        return [self.result(future) for future in futures]

    def _died(self, pool: ProcessPoolExecutor | None) -> UnavailableError:
        with self._lock:
            if self._pool is pool:
                self._pool = None
        return UnavailableError("notary.process_died", retry_after=1.0)


def sign_promises(signer: Signer, log_id: LogId, first: int, entries: Sequence[bytes]) -> list[bytes]:
    """Promises for consecutive entries from index `first`; only for durable indexes (formats.md §4)."""
    return [signer.sign(promise_bytes(log_id, first + at, leaf_of(entry))) for at, entry in enumerate(entries)]


def process_vault() -> Vault:
    """The vault of this worker process."""
    return _vault


def process_signer(origin: Origin) -> Signer:
    """The log's key, in this worker process."""
    return _signers[origin]


def _enter(storage_key: bytes, log_keys: Mapping[Origin, str], parent: int) -> None:
    global _vault, _signers  # noqa: PLW0603 a process's own state, set once
    threading.Thread(target=_end_with_parent, args=(parent,), name="parent", daemon=True).start()
    _vault = Vault(storage_key)
    _signers = {origin: load_signer(address) for origin, address in log_keys.items()}
    gc.freeze()  # modules stay: looking through them for garbage after every task took a twentieth of its time


def _end_with_parent(parent: int) -> None:
    """A server that was killed can't end its processes, and they hold keys: each looks for itself, and asks for the
    parent that made the pool, which may be gone before this process has begun."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(0)


def _enter_nothing() -> None:
    """A task that makes the pool start one more process."""


def _prepare(
    records: Sequence[bytes | Mapping[str, Any]], first: int, issuer: DepartmentCode
) -> tuple[bytes, list[Wrong]]:
    prepared, wrong = prepare_many(records, first, issuer, _vault)
    return pack(prepared), wrong


def _sign(origin: Origin, log_id: LogId, first: int, joined: bytes) -> bytes:
    entries = [joined[at : at + 92] for at in range(0, len(joined), 92)]
    return b"".join(sign_promises(_signers[origin], log_id, first, entries))
