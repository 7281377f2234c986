"""The pipeline of a back-fill: rows are read ahead and prepared while earlier ones are placed, promised and written.

One chunk after the other goes through four steps, each chunk in another: prepare (worker processes), place (the
notary's own thread, one transaction and one append for each log), promise and check (worker processes), write down
(the manifest; durable before the next chunk is). A crash between placing and writing leaves entries that the next run
finds under the chunk's key and takes for its own.
Over 300 lines: the steps share one order, and a crash between any two is answered by the next run.
"""

from __future__ import annotations

import gc
import hashlib
import time
from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field

from ledger.crypto.suites import verify
from ledger.errors import ChuzhengError, ConflictError, IntegrityError, NotFoundError, UnavailableError
from ledger.types import DepartmentCode, Origin
from notary.bulk.again import MadeAgain, make_again
from notary.bulk.chunks import PROMISE_BYTES, Asked, Part, Promised, Ready, without_collecting
from notary.bulk.manifest import ACCEPTED, DUPLICATE, REFUSED, Accepted, Manifest, Outcome, Progress, SaltFile
from notary.bulk.salts import write_salts
from notary.bulk.sources import Chunk, Source
from notary.bulk.work import PART, Options, Work
from notary.checkpoint import promise_bytes
from notary.details import Columns
from notary.entry import leaf_of, log_id
from notary.packed import join
from notary.processes import Processes
from notary.receipts import Bundle
from notary.service import Notary
from notary.stores.records import index_of, log_of
from notary.submission import GONE, Answer, Submission

_PREPARED_AHEAD, _PLACED_AHEAD, _PROMISED_AHEAD = 2, 1, 1
_COLLECT_EVERY = 50
_PATIENCE = 600.0
_ATTEMPTS = 6
OPERATION = "backfill"
_UNTOLD = Outcome(0, "", "")

Report = Callable[[Progress, float], None]
"""Called after each chunk: how far it has come, and how much of the source is done, 0 to 1."""


@dataclass
class _Group:
    """Rows of a chunk that go to one log: those of its pieces, one after the other."""

    origin: Origin
    department: DepartmentCode
    rows: list[bytes] = field(default_factory=list)
    details: Columns = field(default_factory=Columns)
    offsets: list[int] = field(default_factory=list)
    """In the chunk, of each row."""
    own: list[bytes] = field(default_factory=list)
    """Of each piece, closed."""
    ends: list[int] = field(default_factory=list)
    """How many rows there are up to the end of each piece."""
    key: bytes = b""
    content: bytes = b""
    answer: Future[Answer] = field(default_factory=Future)
    promised: list[Future[Promised]] = field(default_factory=list)

    def add(self, start: int, piece: Ready) -> None:
        """A piece of the part that begins at `start` in the chunk."""
        details = self.details
        self.rows.append(piece.rows)
        details.contents.extend(piece.contents)
        details.identifiers.extend(piece.identifiers)
        details.versions.extend(piece.versions)
        details.sealed_keys.extend(piece.sealed_keys)
        details.sealed_bodies.extend(piece.sealed_bodies)
        self.offsets.extend([start + offset for offset in piece.offsets])
        self.own.append(piece.own)
        self.ends.append(len(self.offsets))


@dataclass
class _Under:
    """A chunk under way."""

    chunk: Chunk
    parts: list[Future[Part]]
    groups: list[_Group] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    accepted: Accepted | None = None
    """All of them, instead of `outcomes`."""


def origins_of(notary: Notary, departments: Sequence[DepartmentCode]) -> dict[str, Origin]:
    """The log that each department's records go to; NotFoundError, ConflictError where one can't be written."""
    found: dict[str, Origin] = {}
    for department in departments:
        origin = notary.current_log(department)
        if origin is None:
            raise NotFoundError("backfill.no_log", department=department)
        notary.writable(department, origin)
        found[department] = origin
    return found


class Backfill:
    """One run over a source; what an earlier run finished is skipped by the manifest's mark."""

    def __init__(
        self,
        notary: Notary,
        source: Source,
        manifest: Manifest,
        *,
        origins: Mapping[str, Origin],
        options: Options,
        processes: Processes | None = None,
    ) -> None:
        self._notary, self._source, self._manifest, self._options = notary, source, manifest, options
        self._origins, self._work = origins, Work(notary, frozenset(origins), options, processes)
        self._logs: dict[int, Origin] = {}
        self.again = MadeAgain()

    def run(self, report: Report = lambda progress, share: None, stop: Callable[[], bool] = lambda: False) -> Progress:
        """To the end of the source, or until `stop` says so: what is under way then is finished and written.

        What hides where the source goes on is raised after everything before it was written down.
        """
        manifest, progress = self._manifest, self._manifest.progress
        # Reading all that was handed out takes minutes for hundreds of millions: not before a run goes on.
        self.again = make_again(self._notary, manifest, self._options.salts, read=progress.complete)
        chunks = self._source.chunks(self._options.chunk, progress.mark, progress.chunks, soon=True)
        preparing: deque[_Under] = deque()
        placing: deque[_Under] = deque()
        promising: deque[_Under] = deque()
        ended: ChuzhengError | None = None
        open_ = True
        with _collecting_seldom():
            while open_ or preparing or placing or promising:
                while open_ and len(preparing) <= _PREPARED_AHEAD:
                    chunk = None
                    try:
                        chunk = None if stop() else next(chunks, None)
                    except ChuzhengError as error:
                        ended = error
                    if chunk is None:
                        stopped = stop()
                        open_ = False
                        break
                    preparing.append(_Under(chunk, self._work.prepare(chunk)))
                if preparing and (len(placing) <= _PLACED_AHEAD):
                    placing.append(self._place(preparing.popleft()))
                if placing and (len(placing) > _PLACED_AHEAD or not preparing):
                    promising.append(self._promise(placing.popleft()))
                if promising and (len(promising) > _PROMISED_AHEAD or not placing):
                    under = promising.popleft()
                    self._write(under)
                    report(manifest.progress, self._source.share(under.chunk.mark))
        if ended is not None:
            raise ended
        if not stopped:
            manifest.complete()
        return manifest.progress

    # -- the steps ----------------------------------------------------------------------------------------------------

    def _place(self, under: _Under) -> _Under:
        """Wait for the prepared rows, and send them to their logs."""
        groups: dict[str, _Group] = {}
        chunk = under.chunk
        outcomes = [_UNTOLD] * len(chunk.numbers)
        for offset, problem in chunk.wrong.items():
            outcomes[offset] = Outcome(chunk.numbers[offset], chunk.keys[offset], REFUSED).refused([problem])
        for number, future in enumerate(under.parts):
            part, start = self._work.result(future), number * PART
            for piece in part.ready:
                if piece.issuer not in groups:
                    groups[piece.issuer] = _Group(self._origins[piece.issuer], DepartmentCode(piece.issuer))
                groups[piece.issuer].add(start, piece)
            for offset, wrong in part.wrong.items():
                at = start + offset
                errors = [(problem.member, problem.error()) for problem in wrong]
                outcomes[at] = Outcome(chunk.numbers[at], chunk.keys[at], REFUSED).refused(errors)
        under.parts.clear()
        under.groups = list(groups.values())
        under.outcomes = outcomes
        for group in under.groups:
            group.content = self._notary.vault.content_mac(group.department, b"".join(group.details.contents))
            named = f"{self._manifest.header['id']}/{chunk.number}/{group.origin}".encode()
            group.key = hashlib.sha256(b"chuzheng/backfill/v1\0" + named + group.content).digest()
            group.answer = self._submit(group)
        return under

    def _promise(self, under: _Under) -> _Under:
        """Wait for the indexes; have each receipt checked against its own record and promised."""
        for group in under.groups:
            answer = self._answered(group)
            group.rows, group.details = [], Columns()
            self._tell(under, group, answer)
            for number, start, end in _by_piece(group, answer):
                offsets = answer.taken[start:end]
                before = group.ends[number - 1] if number else 0
                whole = len(offsets) == group.ends[number] - before
                asked = Asked(
                    group.origin,
                    log_id(group.origin),
                    index_of(answer.positions[offsets[0]]),
                    _entries(answer, offsets),
                    None if whole else [offset - before for offset in offsets],
                    [answer.repeated.get(offset) for offset in offsets] if answer.repeated else [],
                )
                group.promised.append(self._work.promise(asked, group.own[number]))
        return under

    def _tell(self, under: _Under, group: _Group, answer: Answer) -> None:
        """What became of a group's rows."""
        chunk, outcomes = under.chunk, under.outcomes
        if isinstance(answer.positions, range) and len(answer.taken) == len(group.offsets) == len(outcomes):
            under.accepted = Accepted(chunk.numbers, chunk.keys, group.origin, index_of(answer.positions[0]))
            return
        taken = frozenset(answer.taken)
        for offset, position in enumerate(answer.positions):
            at = group.offsets[offset]
            if position == GONE:
                told = Outcome(chunk.numbers[at], chunk.keys[at], REFUSED)
                outcomes[at] = told.refused([("identifier", answer.refused[offset])])
                continue
            origin, index = self._log_of(position), index_of(position)
            told = Outcome(chunk.numbers[at], chunk.keys[at], DUPLICATE, origin, index)
            if offset in taken:
                told = told._replace(outcome=ACCEPTED)
            elif offset in answer.refused:
                told = told.refused([("identifier", ConflictError("backfill.other_content", index=index))])
            outcomes[at] = told

    def _log_of(self, position: int) -> Origin:
        """Also one that was begun since this run was."""
        if log_of(position) not in self._logs:
            with self._notary.store.reading() as connection:
                self._logs = {log.id: log.origin for log in self._notary.store.all_logs(connection)}
        return self._logs[log_of(position)]

    def _write(self, under: _Under) -> None:
        """Bundles, rows, journal: in this order, each durable before the next."""
        bundles: list[Bundle] = []
        salts: list[SaltFile] = []
        for group in under.groups:
            answer = group.answer.result()
            if not answer.taken:
                continue
            parts: list[Promised] = []
            for (_, start, _), future in zip(_by_piece(group, answer), group.promised, strict=True):
                promised = self._work.result(future)
                if promised.foreign is not None:
                    at = group.offsets[answer.taken[start + promised.foreign]]
                    raise IntegrityError("backfill.receipt_differs", row=under.chunk.numbers[at], origin=group.origin)
                parts.append(promised)
            first = index_of(answer.positions[answer.taken[0]])
            entries = _entries(answer, answer.taken)
            bundle = Bundle(group.origin, first, entries, b"".join([part.promises for part in parts]))
            self._check_ends(bundle)
            bundles.append(bundle)
            if self._options.salts is not None:
                digest = write_salts(self._options.salts, bundle, b"".join([part.salts for part in parts]))
                salts.append(SaltFile(bundle.origin, bundle.first, digest))
        self._manifest.write(under.accepted or under.outcomes, under.chunk.mark, bundles, salts)
        if self._manifest.progress.chunks % _COLLECT_EVERY == 0:
            gc.collect()

    def _check_ends(self, bundle: Bundle) -> None:
        """The finished bundle's first and last promise, under the log's public key: parts can't have changed places."""
        signer = self._notary.signers[bundle.origin]
        assert bundle.promises is not None
        for offset in {0, bundle.count - 1}:
            leaf = leaf_of(bundle.entry(offset))
            message = promise_bytes(log_id(bundle.origin), bundle.first + offset, leaf)
            promise = bundle.promises[offset * PROMISE_BYTES : (offset + 1) * PROMISE_BYTES]
            if not verify(signer.suite, signer.public_key, promise, message):
                raise IntegrityError("backfill.promise_differs", index=bundle.first + offset, origin=bundle.origin)

    def _submit(self, group: _Group) -> Future[Answer]:
        self._notary.writable(group.department, group.origin)  # the Council may close a log at any moment
        rows, details = b"".join(group.rows), group.details
        return self._notary.acceptance.submit(
            Submission(group.department, group.origin, OPERATION, group.key, group.content, rows, details, each=True)
        )

    def _answered(self, group: _Group) -> Answer:
        """The answer; an outage is waited out for a while, since the same rows under the same key are taken once."""
        for attempt in range(_ATTEMPTS):
            try:
                return group.answer.result(_PATIENCE)
            except TimeoutError:
                raise UnavailableError("notary.slow", retry_after=5.0) from None
            except (UnavailableError, IntegrityError) as error:
                again = isinstance(error, UnavailableError) or error.code == "records.constraint"
                if not again or attempt == _ATTEMPTS - 1:
                    raise
                time.sleep(min(0.5 * 2**attempt, 10.0))
                group.answer = self._submit(group)
        raise AssertionError("unreachable")


def _by_piece(group: _Group, answer: Answer) -> Iterator[tuple[int, int, int]]:
    """(piece, start, end) of the stretches of `answer.taken` whose rows were prepared together."""
    taken, ends = answer.taken, group.ends
    start = 0
    while start < len(taken):
        piece = bisect_right(ends, taken[start])
        end = bisect_left(taken, ends[piece], start)  # they rise: an index later is a row later
        yield piece, start, end
        start = end


def _entries(answer: Answer, offsets: Sequence[int]) -> bytes:
    """The entries of the rows at `offsets`, joined."""
    if isinstance(offsets, range) and offsets.step == 1:
        return join(answer.entries[offsets.start : offsets.stop])
    return b"".join([answer.entries[offset] for offset in offsets])


@contextmanager
def _collecting_seldom() -> Iterator[None]:
    """Chunks hold hundreds of thousands of tuples and no cycles; looking through them for one takes a tenth of the
    time. What little others leave behind is collected now and then (`_write`), without what was there before."""
    gc.freeze()
    try:
        with without_collecting():
            yield
    finally:
        gc.unfreeze()
