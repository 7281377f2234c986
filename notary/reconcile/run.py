"""One comparison in a folder: sort the library, note the statuses, go through both. Run again it goes on where it was.

    plan.json       what is compared, and each log's end when it began
    NNN.run         sorted parts of the library (identifiers!); gone when all is done
    done.json       how far it came: rows read, or the last key compared and how long each list was then
    WHAT.ndjson     a list for each kind of finding, appended to
    report.json     the counts, at the end

A list may be longer than `done.json` says, where a run died between the two: it is cut back before anything goes on.
"""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

from ledger.codes.certificate_ids import parse_identifier
from ledger.codes.uscc import check_uscc
from ledger.errors import ConflictError, InputError
from ledger.ports import Clock
from ledger.types import DepartmentCode, Millis, Origin
from notary.bulk.durable import append, cut, write_durably
from notary.bulk.sources import Chunk, Mark, Source, changed
from notary.entry import parse_origin
from notary.feed import Changes
from notary.reconcile.compare import Found, LibraryRow, Step, What, compare
from notary.reconcile.ledger import Decided, LogEnd, Statuses, StatusIndex, ledger_rows, log_ends, write_statuses
from notary.reconcile.runs import merge_down, merged, run_name, write_run
from notary.reconcile.words import NAMES
from notary.service import Notary
from notary.stores.records import index_of

SCHEMA = "chuzheng-reconciled/1"
RUN_ROWS = 100_000
STEPS = 50_000
_ISSUER, _KEY, _HEAD = 18, 50, 59
FIELDS = ("row", "identifier", "issuer", "origin", "index", "library", "ledger", "reason")


@dataclass(frozen=True, slots=True)
class Asked:
    """What to compare: `words` the library's statuses → our numbers; `issuers` empty: all of this notary, and whatever
    else the library names; `exported_at` when the library was written out (Unix ms): later entries aren't missed."""

    words: dict[str, int]
    issuers: tuple[DepartmentCode, ...] = ()
    exported_at: Millis | None = None
    form: str = "ndjson"


class ChangesAndDecided(Changes, Decided, Protocol):
    """What ledger.store.index.changes answers."""


@dataclass(frozen=True, slots=True)
class Ledger:
    """Our side: the notary, and what the index says of the chain."""

    notary: Notary
    index: StatusIndex
    changes: ChangesAndDecided
    clock: Clock


@dataclass(slots=True)
class Done:
    """How far a comparison came. `mark` of the library; `key` the last one compared, hex; `sizes` of the lists."""

    rows: int = 0
    skipped: int = 0
    runs: int = 0
    mark: list[Any] | None = None
    read: bool = False
    key: str = ""
    compared: bool = False
    agreed: int = 0
    late: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)


class Comparison:
    """A comparison in `folder`. ConflictError `reconcile.other` if another one was begun there."""

    def __init__(self, folder: Path, ledger: Ledger, source: Source, asked: Asked) -> None:
        self.folder, self._source, self._asked = folder, source, asked
        self._notary, self._index = ledger.notary, ledger.index
        self._decided, self._clock = ledger.changes, ledger.clock
        self.done = Done()

    def run(self, told: Callable[[Done, float], None] = lambda done, share: None) -> Done:
        """Go on to the end; `told` how far it came, and which share of the library is read."""
        plan = self._open()
        ends = {Origin(origin): LogEnd(**end) for origin, end in plan["ends"].items()}
        if self.done.read:
            self._require_same()
        else:
            self._read(told)
        if not (self.folder / "statuses.bin").exists() and not self.done.compared:
            write_statuses(self.folder, self._notary, self._index, self._decided, Millis(plan["started_at"]))
        if not self.done.compared:
            self._compare(ends, told)
        self._report(plan)
        return self.done

    def _open(self) -> dict[str, Any]:
        plan_file = self.folder / "plan.json"
        same = {
            "schema": SCHEMA, "source": self._source.identity, "issuers": list(self._asked.issuers),
            "exported_at": self._asked.exported_at, "words": self._asked.words, "form": self._asked.form,
        }  # fmt: skip
        plan: dict[str, Any]
        if plan_file.exists():
            plan = json.loads(plan_file.read_bytes())
            if any(plan.get(name) != json.loads(json.dumps(value)) for name, value in same.items()):
                raise ConflictError("reconcile.other", folder=str(self.folder))
            if (self.folder / "done.json").exists():
                self.done = Done(**json.loads((self.folder / "done.json").read_bytes()))
        else:
            now = self._clock.now()
            ends = log_ends(self._notary, self._index, self._asked.exported_at)
            plan = {**same, "started_at": now, "ends": {origin: asdict(end) for origin, end in ends.items()}}
            write_durably(plan_file, _json(plan))
        for what in What:
            path = self._list(what)
            if what.value in self.done.sizes:
                cut(path, self.done.sizes[what.value])
            else:
                write_durably(path, b"" if self._asked.form == "ndjson" else _csv(FIELDS))
                self.done.sizes[what.value] = path.stat().st_size
        return plan

    # -- the library, sorted ------------------------------------------------------------------------------------------

    def _read(self, told: Callable[[Done, float], None]) -> None:
        mark = None if self.done.mark is None else Mark(*self.done.mark)
        for chunk in self._source.chunks(RUN_ROWS, mark, self.done.runs):
            self._sort(chunk)
            told(self.done, self._source.share(chunk.mark))
            del chunk  # before the next one is read: one at a time in memory
        self.done.read = True
        self._note()

    def _sort(self, chunk: Chunk) -> None:
        records, found = [], []
        for offset, cells in enumerate(chunk.cells):
            record = self._record(chunk, offset, cells)
            if isinstance(record, bytes):
                records.append(record)
            elif record is not None:
                found.append(record)
        records.sort()
        write_run(self.folder / f"{run_name(self.done.runs)}.run", records)
        self._write({What.WRONG_ROW: found})
        self.done.rows += len(chunk.numbers)
        self.done.runs += 1
        self.done.mark = chunk.mark.to_value()
        self._note()

    def _require_same(self) -> None:
        """ConflictError `backfill.changed` where the library isn't the one that was sorted: yesterday's half and
        today's make no report, and a report that is there is of the library that it read."""
        mark = None if self.done.mark is None else Mark(*self.done.mark)
        for chunk in self._source.chunks(1, mark, self.done.runs):
            if chunk.numbers:
                raise changed()

    def _record(self, chunk: Chunk, offset: int, cells: Sequence[str]) -> bytes | dict[str, Any] | None:
        """A row as it is sorted; what is wrong with it; None for a row of an issuer that wasn't asked for."""
        number = chunk.numbers[offset]
        if offset in chunk.wrong:
            return {"row": number, "reason": chunk.wrong[offset][1].code}
        identifier, word, *rest = (cell.strip() for cell in cells)
        if not identifier or len(identifier) > 200:
            return {"row": number, "reason": "identifier"}
        try:
            issuer = rest[0] if rest else parse_identifier(identifier).issuer
        except InputError:
            return {"row": number, "identifier": identifier, "reason": "identifier"}
        if check_uscc(issuer):
            return {"row": number, "identifier": identifier, "reason": "issuer"}
        if self._asked.issuers and issuer not in self._asked.issuers:
            self.done.skipped += 1
            return None
        status = self._asked.words.get(word)
        if status is None:
            return {"row": number, "identifier": identifier, "library": word[:60], "reason": "status"}
        mac = self._notary.vault.identifier_mac(DepartmentCode(issuer), identifier)
        return issuer.encode("ascii") + mac + number.to_bytes(8) + bytes([status]) + identifier.encode()

    # -- both sides ---------------------------------------------------------------------------------------------------

    def _compare(self, ends: dict[Origin, LogEnd], told: Callable[[Done, float], None]) -> None:
        after = bytes.fromhex(self.done.key)
        parts = merge_down(self.folder, "*.run")
        statuses = Statuses(self.folder / "statuses.bin")
        issuers = self._asked.issuers or tuple({parse_origin(origin).issuer for origin in ends})
        try:
            theirs = (_row(record) for record in merged(parts, after))
            ours = ledger_rows(self._notary, issuers, ends, statuses, after)
            lists: dict[What, list[dict[str, Any]]] = {}
            last = b""
            for count, step in enumerate(compare(theirs, ours), 1):
                last = step.key
                self._take(step, lists)
                if count % STEPS == 0:
                    self._settle(last, lists)
                    told(self.done, 1.0)
            self._settle(last or after, lists)
            self.done.compared = True
            self._note()
        finally:
            statuses.close()

    def _take(self, step: Step, lists: dict[What, list[dict[str, Any]]]) -> None:
        self.done.agreed += step.agreed
        self.done.late += step.late
        for found in step.found:
            lists.setdefault(found.what, []).append(self._told(found))

    def _settle(self, key: bytes, lists: dict[What, list[dict[str, Any]]]) -> None:
        # Lists first, then how far they go: what is in a list and not noted is cut off and found again.
        self._write(lists)
        lists.clear()
        self.done.key = key.hex()
        self._note()

    def _told(self, found: Found) -> dict[str, Any]:
        """A line of a list. What only the ledger has goes by its place in the log: nothing of the record is told."""
        line: dict[str, Any] = {}
        if found.library is not None:
            line |= {"row": found.library.number, "identifier": found.library.identifier}
        if found.ledger is not None:
            origin = self._notary.origin_of(found.ledger.position)
            line |= {"origin": origin, "index": index_of(found.ledger.position)}
        if found.what is What.STATUS_DIFFERS and found.library is not None and found.ledger is not None:
            line |= {"library": NAMES[found.library.status], "ledger": NAMES[found.ledger.status]}
        elif found.what is What.NOT_IN_LIBRARY and found.ledger is not None:
            line |= {"issuer": found.ledger.key[:_ISSUER].decode(), "ledger": NAMES[found.ledger.status]}
        return line

    # -- the folder ---------------------------------------------------------------------------------------------------

    def _list(self, what: What) -> Path:
        return self.folder / f"{what.value}.{self._asked.form}"

    def _write(self, lists: dict[What, list[dict[str, Any]]]) -> None:
        for what, lines in lists.items():
            if not lines:
                continue
            if self._asked.form == "ndjson":
                data = b"".join(_json(line) for line in lines)
            else:
                data = b"".join(_csv([str(line.get(name, "")) for name in FIELDS]) for line in lines)
            self.done.sizes[what.value] = append(self._list(what), data)
            self.done.counts[what.value] = self.done.counts.get(what.value, 0) + len(lines)

    def _note(self) -> None:
        write_durably(self.folder / "done.json", _json(asdict(self.done)))

    def _report(self, plan: dict[str, Any]) -> None:
        counts = Counter({what.value: 0 for what in What}) + Counter(self.done.counts)
        report = {
            "schema": SCHEMA, "rows": self.done.rows, "other_issuers": self.done.skipped, "agreed": self.done.agreed,
            "registered_later": self.done.late, **{what.value: counts[what.value] for what in What},
            "started_at": plan["started_at"], "finished_at": self._clock.now(), "exported_at": plan["exported_at"],
        }  # fmt: skip
        if not (self.folder / "report.json").exists():
            write_durably(self.folder / "report.json", _json(report))
        for pattern in ("*.run", "*.status", "statuses.*", ".*.new"):
            for path in self.folder.glob(pattern):
                path.unlink()


def _row(record: bytes) -> LibraryRow:
    return LibraryRow(record[:_KEY], int.from_bytes(record[_KEY : _KEY + 8]), record[_KEY + 8], record[_HEAD:].decode())


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _csv(cells: Sequence[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerow(cells)
    return text.getvalue().encode()
