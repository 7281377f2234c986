"""What `log fsck` looks at on one machine: logs against entries, chain, database; records and files against entries.

Nothing is changed but the note of how far a long audit has come (`fsck/` in the data folder), and proofs of
contradictions, which are kept for good (`equivocations/`).
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ledger.errors import ChuzhengError, IntegrityError, UnavailableError
from ledger.types import Anchor, DepartmentCode, Digest, Origin

if TYPE_CHECKING:
    from api.parts import Parts
    from api.settings import Settings
    from notary.fsck import LogReport
    from notary.fsck_records import Counts, WrapKeys
    from notary.stores.tiles import TileLog

ROWS_AT_ONCE = 10_000
ANCHORS_AT_ONCE = 10_000
STEP = 20_000
"""Records after which a long audit writes down how far it is."""
RECENT = 10_240
SAMPLE = 1_000
"""Entries at a log's end, and records anywhere in it, that the daily look takes."""
RECENT_HEADS = 200


@dataclass(frozen=True, slots=True)
class Choice:
    """How much is looked at. `since`: from this index on; `quick`: the newest part and a sample."""

    quick: bool = False
    since: int | None = None
    resume: bool = False
    records: bool = True
    files: bool = True


@dataclass(frozen=True, slots=True)
class ChainLook:
    """What the chain was asked: at which block, about how many heads. `why`: it couldn't be, which is no pass."""

    block: int | None = None
    heads: int = 0
    why: str | None = None


@dataclass(slots=True)
class Audit:
    """One log's report: `log` of its tree, and of what is stored beside it."""

    log: LogReport
    chain: ChainLook
    counts: Counts | None = None
    first: int = 0
    end: int = 0
    sampled: bool = False
    records: list[ChuzhengError] = field(default_factory=list)
    untold: int = 0
    """Findings about records beyond MAX_FINDINGS: counted, not listed."""
    proofs: list[Path] = field(default_factory=list)
    """Files with both pieces of a contradiction."""

    @property
    def findings(self) -> list[ChuzhengError]:
        return [*self.log.findings, *self.records]

    @property
    def sound(self) -> bool:
        return not self.findings


def audit_logs(
    settings: Settings,
    origin: str | None,
    choice: Choice,
    *,
    progress: Callable[[str, int, int], None] = lambda name, done, of: None,
    damaged: Callable[[ChuzhengError], None] = lambda error: None,
) -> list[Audit]:
    """Audit this machine's logs, or one of them; `damaged` is told of a file of the machine that can't be read and that
    the logs don't need."""
    from api import wiring
    from api.keyring import Keyring

    keyring = Keyring(settings.keys_dir)

    def wrap_key(reader: DepartmentCode) -> Any:
        try:
            return keyring.wrap_key(reader)
        except ChuzhengError:
            return None  # another machine's: what it can open, that one can check

    def told(path: Path, error: ChuzhengError) -> None:
        own = path != settings.trust_path
        damaged(error if own else IntegrityError("fsck.trust_file", path=str(path), reason=error.code))

    with wiring.open_parts(settings, damaged=told) as parts:
        notary = parts.the_notary()
        names = [name for name in notary.logs if origin is None or name == origin]
        return [
            _Auditor(
                settings,
                parts,
                name,
                choice,
                wrap_key=wrap_key,
                progress=lambda d, of, n=name: progress(n, d, of),  # type: ignore[misc]
            ).run()
            for name in names
        ]


class _Auditor:
    def __init__(
        self,
        settings: Settings,
        parts: Parts,
        origin: Origin,
        choice: Choice,
        *,
        wrap_key: WrapKeys,
        progress: Callable[[int, int], None],
    ) -> None:
        self._settings, self._parts, self._notary, self._origin = settings, parts, parts.the_notary(), origin
        self._choice, self._wrap_key, self._progress = choice, wrap_key, progress
        self._log = self._notary.logs[origin]
        self._anchors: list[Anchor] = []

    def run(self) -> Audit:
        chain = self._ask_chain()
        report = self._tree()
        if not report.sound:
            # A log that grows while it is read contradicts itself in passing: what stays counts, looked at again
            # while nobody appends or seals. Submissions wait for that, and are not refused.
            with _still(self._log):
                report = self._tree()
        audit = Audit(report, chain)
        audit.proofs = list(self._proofs(report))
        if self._choice.records:
            self._records(audit)
        return audit

    # -- the chain ----------------------------------------------------------------------------------------------------

    def _ask_chain(self) -> ChainLook:
        """Every anchored head, confirmed at the newest final block; an outage leaves all of them unknown."""
        from notary.entry import log_id

        own = log_id(self._origin)
        try:
            chain = self._parts.the_chain()
            block = chain.final_head().number
            above = 0
            while True:
                found = list(chain.anchors(own, above, ANCHORS_AT_ONCE))
                self._anchors += found
                if len(found) < ANCHORS_AT_ONCE:
                    break
                above = found[-1].size
            newest = chain.log_head(own, block)
        except UnavailableError as error:
            self._anchors = []
            return ChainLook(why=error.code)
        if newest is not None and newest[0] and all(a.size != newest[0] for a in self._anchors):
            return ChainLook(why="chain.anchors_incomplete")
        return ChainLook(block, len(self._anchors))

    # -- the tree -----------------------------------------------------------------------------------------------------

    def _tree(self) -> LogReport:
        from notary.checkpoint import VerifierKey
        from notary.fsck import fsck
        from notary.fsck_quick import fsck_since
        from notary.log import Head
        from notary.rotation import LogKeys, former_keys
        from notary.stores.audit_rows import kept_checkpoints

        signer, trusted = self._notary.signers[self._origin], self._parts.trusted
        trust = trusted.now() if trusted is not None else None
        former = former_keys(signer, self._origin, None if trust is None else trust.file)
        keys = LogKeys(VerifierKey(self._origin, signer.public_key), former)
        heads = [Head(a.size, Digest(a.root)) for a in self._anchors]
        row = self._notary.log(self._origin)
        kept = kept_checkpoints(self._notary.store, row.id)
        since = self._since()
        if since is None:
            rows = self._rows(0)
            return fsck(self._log, keys=keys, anchors=heads, rows=rows, kept=kept, progress=self._progress)
        first = min(since, self._log.sealed_size()) // 256 * 256
        recent = [one for one in kept if one[0] > since][-RECENT_HEADS:]
        near = [head for head in heads if head.size > since][-RECENT_HEADS:]
        rows = self._rows(first)
        return fsck_since(self._log, since, keys=keys, anchors=near, kept=recent, rows=rows)

    def _since(self) -> int | None:
        if self._choice.since is not None:
            return self._choice.since
        return max(0, self._log.sealed_size() - RECENT) if self._choice.quick else None

    def _rows(self, first: int) -> Iterator[tuple[int, bytes]]:
        row = self._notary.log(self._origin)
        while True:
            with self._notary.store.reading() as connection:
                found = self._notary.store.entries_from(connection, row.id, first, ROWS_AT_ONCE)
            if not found:
                return
            yield from enumerate(found, first)
            first += len(found)

    def _proofs(self, report: LogReport) -> Iterator[Path]:
        """Heads that the log signed, or the chain holds, and that its own signed checkpoint contradicts."""
        from notary.equivocation import ChainHead, Piece, Prefix, SignedHead, find
        from notary.receipt import NoEvidence, ReceiptAnchor
        from notary.stores.audit_rows import kept_checkpoints
        from notary.stores.equivocations import FOLDER, Equivocations

        unsigned = {f.params["size"] for f in report.findings if f.code == "fsck.kept_note"}
        told = [f for f in report.findings if f.code in _CONTRADICTIONS and f.params["size"] not in unsigned]
        wrong = {f.params["size"]: f.code for f in told}
        note = self._log.checkpoint_note() if wrong else None
        if note is None:
            return
        folder = Equivocations(self._settings.home / FOLDER)
        others: list[tuple[int, Piece]] = [
            (a.size, ChainHead(a.size, a.root, ReceiptAnchor.of(a), NoEvidence()))
            for a in self._anchors
            if wrong.get(a.size) == "fsck.anchor_differs"
        ]
        row = self._notary.log(self._origin)
        stored = kept_checkpoints(self._notary.store, row.id) if "fsck.kept_differs" in wrong.values() else iter(())
        others += [(size, SignedHead(kept)) for size, _, kept in stored if wrong.get(size) == "fsck.kept_differs"]
        for size, piece in others:
            with suppress(ChuzhengError):  # where our own files are what is wrong, they prove nothing
                sealed = self._log.sealed_size()
                prefix = None
                if 0 < size < sealed:
                    prefix = Prefix(self._log.root(size), tuple(self._log.consistency_proof(size, sealed)))
                found = find(self._origin, SignedHead(note), piece, prefix)
                if found is not None:
                    yield folder.keep(found)

    # -- the records --------------------------------------------------------------------------------------------------

    def _records(self, audit: Audit) -> None:
        from notary.fsck import MAX_FINDINGS
        from notary.fsck_records import RecordAudit, spans

        def note(found: ChuzhengError) -> None:
            if len(audit.records) < MAX_FINDINGS:
                audit.records.append(found)
            else:
                audit.untold += 1

        records = RecordAudit(self._notary, self._origin, note, files=self._choice.files, wrap_keys=self._wrap_key)
        audit.counts = records.counts
        end = records.log.next_index
        if self._choice.quick:
            audit.first, audit.end, audit.sampled = 0, end, True
            records.some(random.SystemRandom().sample(range(end), min(SAMPLE, end)))
            return
        marker = _Marker(self._settings.home / "fsck" / f"{quote(self._origin, safe='')}.json")
        first = self._choice.since or 0
        if self._choice.resume:
            first, audit.records[:], audit.untold = marker.read(first)
        audit.first, audit.end = first, end
        for start, stop in spans(first, end, STEP):
            records.span(start, stop)
            marker.write(stop, audit.records, audit.untold)
            self._progress(stop, end)
        if self._choice.since is None:
            records.rest()
        marker.clear()


class _Marker:
    """How far the audit of one log's records has come, and what it had found by then."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self, first: int) -> tuple[int, list[ChuzhengError], int]:
        try:
            value = json.loads(self._path.read_text(encoding="utf-8"))
            found: list[ChuzhengError] = [IntegrityError(code, **params) for code, params in value["findings"]]
            return max(first, int(value["next"])), found, int(value["untold"])
        except (OSError, ValueError, KeyError, TypeError):
            return first, [], 0

    def write(self, next_index: int, findings: list[ChuzhengError], untold: int) -> None:
        from scripts.commands.files import replace_file

        self._path.parent.mkdir(mode=0o700, exist_ok=True)
        value = {"next": next_index, "findings": [[f.code, f.params] for f in findings], "untold": untold}
        replace_file(self._path, json.dumps(value).encode())

    def clear(self) -> None:
        self._path.unlink(missing_ok=True)


_CONTRADICTIONS = frozenset({"fsck.anchor_differs", "fsck.kept_differs"})


@contextmanager
def _still(log: TileLog) -> Iterator[None]:
    """Nobody seals or appends meanwhile; a log on a disk that can't be written stands still by itself."""
    with ExitStack() as stack:
        with suppress(OSError):
            for name in ("seal.lock", "append.lock"):
                stack.enter_context(log.disk.locked(log.directory / name))
        yield
