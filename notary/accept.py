"""Acceptance: how a submission becomes entries with log indexes, durable before anyone is told.

The commit order (architecture.md), for all submissions that wait at one moment together:

1. take the log's append lock, and the lease (ADR 0022); append rows of the database that the log's files don't hold
   yet, with the same bytes;
2. one database transaction: find what was answered before, give the next indexes to what is new, write the finished
   92 bytes with record, salt, wraps and idempotency key;
3. the same entries as one pending bundle, file and folder synced;
4. release the lock, answer.

A crash before the end of 2 leaves nothing. A crash after it leaves rows that step 1 of the next submission or of the
worker appends: nobody was told an index yet, and a retry finds it under its key. So recovery is this path, run again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import nullcontext
from typing import TYPE_CHECKING

import structlog

from ledger.errors import ChuzhengError, ConflictError, IntegrityError
from ledger.ports import Clock
from ledger.types import DepartmentCode, Origin
from notary.heads import Heads
from notary.log_queues import LogQueues
from notary.packed import Packed, keys_of_rows
from notary.placing import Placing, accepted_at
from notary.stores.answers import Answers
from notary.stores.leases import Leases
from notary.stores.names import Names
from notary.stores.records import LogRow, RecordStore
from notary.stores.standing import Standing
from notary.stores.tiles import Appending, TileLog
from notary.submission import Answer, Submission

if TYPE_CHECKING:
    from sqlalchemy import Connection

MAX_WAITING = 4096
"""Submissions that may wait; more are told to come again."""
MAX_GROUP = 20_000
"""Rows of one transaction, unless one submission alone has more."""
THREADS = 4
"""Logs that are committed at the same time."""
CATCH_UP = 10_000
_log = structlog.get_logger("notary.accept")


def catch_up(store: RecordStore, connection: Connection, row: LogRow, files: Appending) -> int:
    """Append what the database has and the log's files don't, with the same bytes; how many entries that were.

    `files` is the held append lock. IntegrityError if the files have more than the database: it was restored from an
    older copy, and giving out those indexes again would contradict promises.
    """
    first = files.durable_size
    if first > row.next_index:
        raise IntegrityError("notary.log_ahead", origin=row.origin, records=row.next_index, log=first)
    while files.durable_size < row.next_index:
        found = Packed(store.joined_from(connection, row.id, files.durable_size, CATCH_UP))
        if not found:
            raise IntegrityError("records.gap", index=files.durable_size)
        files.append(files.durable_size, found)
    return files.durable_size - first


class Acceptance:
    """Threads that commit what waits, as groups; submissions of many callers share a transaction and an fsync. One log
    is committed by one thread at a time; the files of one are synced while another has the database.

    `hook` is called with the name of each step passed; tests end the process there.
    """

    def __init__(
        self,
        standing: Standing,
        names: Names,
        logs: Mapping[Origin, TileLog],
        issuers: Mapping[Origin, DepartmentCode],
        clock: Clock,
        *,
        max_waiting: int = MAX_WAITING,
        hook: Callable[[str], None] = lambda step: None,
        answers: Answers,
        leases: Leases,
        heads: Heads,
    ) -> None:
        self._store, self._standing, self._names, self._answers = standing.store, standing, names, answers
        self._logs, self._issuers, self._clock = logs, issuers, clock
        self._leases, self._heads = leases, heads
        self._waiting, self._hook = LogQueues(max_waiting), hook
        # SQLite has one writer: threads that ask it wait asleep, and for longer than need be.
        self._turn = threading.Lock() if standing.store.engine.dialect.name == "sqlite" else nullcontext()
        count = min(THREADS, max(1, len(logs)))
        self._threads = [threading.Thread(target=self._run, name=f"accept-{n}", daemon=True) for n in range(count)]
        for thread in self._threads:
            thread.start()

    def submit(self, submission: Submission) -> Future[Answer]:
        """Queue a submission. UnavailableError at once if too many wait, or none are taken any more."""
        self._make_ready(submission)
        self._waiting.put(submission)
        return submission.answer

    def submit_all(self, submissions: Sequence[Submission]) -> None:
        """Queue several of one log together; one that finds no place is told so as its answer."""
        for submission in submissions:
            self._make_ready(submission)
        for submission, error in self._waiting.put_all(submissions):
            submission.answer.set_exception(error)

    def _make_ready(self, submission: Submission) -> None:
        submission.answer.set_running_or_notify_cancel()  # whoever stops waiting can't take it back
        submission.keys = keys_of_rows(self._issuers[submission.origin], submission.rows)

    def close(self) -> None:
        """Commit what waits, then stop."""
        self._waiting.close()
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        while (taken := self._waiting.take(MAX_GROUP)) is not None:
            origin, group = taken
            try:
                self._settle(origin, group)
            finally:
                self._waiting.done(origin)

    def _settle(self, origin: Origin, group: list[Submission]) -> None:
        try:
            answers = self.commit(origin, group)
        except IntegrityError as error:
            # Where several processes write, a row of another log may collide between look-up and insert
            # (records.constraint): one at a time, the look-up now finds it. Alone, it is what it says.
            if len(group) == 1:
                group[0].answer.set_exception(error)
            else:
                for submission in group:
                    self._settle(origin, [submission])
        except Exception as error:  # whoever waits must hear of it, and the thread must live
            if not isinstance(error, ChuzhengError):
                _log.error("accept.failed", origin=origin, error=type(error).__name__)
            for submission in group:
                submission.answer.set_exception(error)
        else:
            for submission, answer in zip(group, answers, strict=True):
                if isinstance(answer, ChuzhengError):
                    submission.answer.set_exception(answer)
                else:
                    submission.answer.set_result(answer)

    def commit(self, origin: Origin, group: Sequence[Submission]) -> list[Answer | ChuzhengError]:
        """The commit order, for submissions to one log; an error in one of them leaves the others alone."""
        store = self._store
        self._heads.hear(origin)
        self._standing.make_ready()
        self._names.make_ready()
        self._answers.make_ready()
        with self._logs[origin].appending() as files:
            issuer = self._issuers[origin]
            with self._turn, store.transaction(f"issuer/{issuer}") as connection:  # its logs share commitments
                row = store.log(connection, origin, lock=True)
                if row is None:
                    raise IntegrityError("notary.log_unknown", origin=origin)
                if row.struck_from is not None:
                    # Begun anew elsewhere since the sender was let in: it would count nowhere.
                    raise ConflictError("notary.log_closed", origin=origin, size=row.struck_from)
                token = self._leases.hold(connection, row)
                self._heads.check(row)
                self._hook("locked")
                catch_up(store, connection, row, files)
                self._hook("caught_up")
                now = accepted_at(self._clock.now(), row.accepted_at)
                if row.accepted_at > now:
                    _log.warning("accept.clock_stepped_back", origin=origin, last=row.accepted_at, now=now)
                placing = Placing(self._standing, self._names, connection, row, now, answers=self._answers)
                answers = placing.place_all(group)
                placing.write()
                self._hook("written")
            self._hook("committed")
            if new := placing.entries:
                with store.reading() as connection:  # whoever slept until another took over appends nothing late
                    self._leases.fence(connection, row, token)
                files.append(row.next_index, new)
                self._standing.index.add(row.id, row.next_index, placing.keys)
                self._names.index.add_some(row.id, row.next_index, placing.cover, placing.named)
                self._answers.index.add_some(row.id, row.next_index, placing.cover, placing.asked)
                self._heads.given(row, files.durable_size)
            self._hook("appended")
        return answers
