"""One comparison in a folder: sort the library, note the statuses, go through both. Run again it goes on where it was.

    plan.json       what is compared, and each log's end when it began
    NNN.run         sorted parts of the library (identifiers!); gone when all is done
    statuses.bin    what isn't simply in force
    NNN.look        sorted parts of the ledger's look-ups; both gone when all is done
    done.json       how far it came: rows read, look-ups sorted, or the last key compared; how long each list was then
    WHAT.ndjson     a list for each kind of finding, appended to
    report.json     the counts, at the end

A list may be longer than `done.json` says, where a run died between the two: it is cut back before anything goes on.
"""

from __future__ import annotations

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
from notary.bulk.durable import write_durably
from notary.bulk.sources import ChangedError, Chunk, Mark, Source, cells_in
from notary.entry import parse_origin
from notary.feed_items import Changes
from notary.reconcile.compare import Found, LibraryRow, What, compare
from notary.reconcile.ledger import (
    LogEnd,
    erased_rows,
    ledger_rows,
    log_ends,
    noted_anew,
    settled,
    sort_look_ups,
)
from notary.reconcile.lists import Lists, json_line, line_of
from notary.reconcile.look_ups import PATTERN
from notary.reconcile.runs import merge_down, merged, run_name, write_run
from notary.reconcile.statuses import STATUSES, Decided, StatusIndex, write_statuses
from notary.service import Notary

SCHEMA = "chuzheng-reconciled/1"
RUN_ROWS = 100_000
STEPS = 50_000
_KEY, _HEAD = 50, 59


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
    """How far a comparison came. `mark` of the library; `looks` sorted parts of the look-ups, all below position
    `position`, or all there are where it's `sorted`; `key` the last one compared, hex; `sizes` of the lists."""

    rows: int = 0
    skipped: int = 0
    runs: int = 0
    mark: list[Any] | None = None
    read: bool = False
    looks: int = 0
    position: int = 0
    sorted: bool = False
    key: str = ""
    compared: bool = False
    agreed: int = 0
    late: int = 0
    erased: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)


class Comparison:
    """A comparison in `folder`. ConflictError `reconcile.other` if another one was begun there."""

    def __init__(self, folder: Path, ledger: Ledger, source: Source, asked: Asked) -> None:
        self.folder, self._source, self._asked = folder, source, asked
        self._notary, self._index = ledger.notary, ledger.index
        self._decided, self._clock = ledger.changes, ledger.clock
        self._lists = Lists(folder, asked.form)
        self.done = Done()

    def run(self, told: Callable[[Done, float], None] = lambda done, share: None) -> Done:
        """Go on to the end; `told` how far it came, and which share of the library is read."""
        plan = self._open()
        try:
            if self.done.read:
                self._require_same()
            else:
                self._read(told)
        except ChangedError:  # the reader speaks of a back-fill's manifest
            raise ConflictError("reconcile.changed", folder=str(self.folder)) from None
        if not self.done.compared:
            self._sort_ledger(plan, told)
            self._compare(told)
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
            plan = {**same, "started_at": now, **log_ends(self._notary, self._index, self._asked.exported_at)}
            write_durably(plan_file, json_line(plan))
        self._lists.open(self.done.sizes)
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
            record = self._record(chunk, offset, cells_in(cells))
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
        """ConflictError `reconcile.changed` where the library isn't the one that was sorted: yesterday's half and
        today's make no report, and a report that is there is of the library that it read."""
        mark = None if self.done.mark is None else Mark(*self.done.mark)
        for chunk in self._source.chunks(1, mark, self.done.runs):
            if chunk.numbers:
                raise ChangedError

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

    # -- the ledger, sorted -------------------------------------------------------------------------------------------

    def _sort_ledger(self, plan: dict[str, Any], told: Callable[[Done, float], None]) -> None:
        """Statuses and look-ups as they stand now, up to the ends in the plan; all anew where look-ups went from log to
        log since those were noted."""
        notary = self._notary
        while not self.done.sorted:
            if "closings" not in plan:  # begun by a version that read the ledger while it compared
                self._begin_ledger_anew(plan)
            if not (self.folder / STATUSES).exists():
                write_statuses(self.folder, notary, self._index, self._decided, Millis(plan["started_at"]))
            ends = {Origin(origin): LogEnd(**end) for origin, end in plan["ends"].items()}
            issuers = self._asked.issuers or tuple({parse_origin(origin).issuer for origin in ends})
            runs, start = self.done.looks, self.done.position
            for looks, position in sort_look_ups(self.folder, notary, issuers, ends, runs=runs, start=start):
                self.done.looks, self.done.position = looks, position
                self._note()
                told(self.done, 1.0)
            if settled(notary, plan):
                self.done.sorted = True
                self._note()
            else:
                self._begin_ledger_anew(plan)

    def _begin_ledger_anew(self, plan: dict[str, Any]) -> None:
        # The plan last: with the old one the same is found again, with the new one nothing old may be left.
        self.done.looks = self.done.position = 0
        self._note()
        (self.folder / STATUSES).unlink(missing_ok=True)
        plan |= noted_anew(self._notary, self._index, self._asked.exported_at, plan)
        write_durably(self.folder / "plan.json", json_line(plan))

    # -- both sides ---------------------------------------------------------------------------------------------------

    def _compare(self, told: Callable[[Done, float], None]) -> None:
        after = bytes.fromhex(self.done.key)
        theirs = (_row(record) for record in merged(merge_down(self.folder, "*.run"), after))
        ours = ledger_rows(self.folder, self.done.looks, after)
        found: list[Found] = []
        last = after
        for count, step in enumerate(compare(theirs, ours), 1):
            last = step.key
            self.done.agreed += step.agreed
            self.done.late += step.late
            found += step.found
            if count % STEPS == 0:
                self._settle(last, found)
                found = []
                told(self.done, 1.0)
        self._settle(last, found)
        self.done.compared = True
        self._note()

    def _settle(self, key: bytes, found: Sequence[Found]) -> None:
        """Lists first, then how far they go: what is in a list and not noted is cut off and found again."""
        absent = [each.library for each in found if each.what is What.NOT_REGISTERED and each.library is not None]
        erased = erased_rows(self._notary, absent)
        self.done.erased += len(erased)
        lists: dict[What, list[dict[str, Any]]] = {}
        for each in found:
            if each.what is What.NOT_REGISTERED and each.library is not None and each.library.number in erased:
                continue
            lists.setdefault(each.what, []).append(line_of(each, self._notary.origin_of))
        self._write(lists)
        self.done.key = key.hex()
        self._note()

    # -- the folder ---------------------------------------------------------------------------------------------------

    def _write(self, lists: dict[What, list[dict[str, Any]]]) -> None:
        self._lists.write(lists, self.done.sizes, self.done.counts)

    def _note(self) -> None:
        write_durably(self.folder / "done.json", json_line(asdict(self.done)))

    def _report(self, plan: dict[str, Any]) -> None:
        counts = Counter({what.value: 0 for what in What}) + Counter(self.done.counts)
        report = {
            "schema": SCHEMA, "rows": self.done.rows, "other_issuers": self.done.skipped, "agreed": self.done.agreed,
            "registered_later": self.done.late, "erased": self.done.erased,
            **{what.value: counts[what.value] for what in What},
            "started_at": plan["started_at"], "finished_at": self._clock.now(), "exported_at": plan["exported_at"],
        }  # fmt: skip
        if not (self.folder / "report.json").exists():
            write_durably(self.folder / "report.json", json_line(report))
        for pattern in ("*.run", PATTERN, "*.status", "statuses.*", ".*.new"):
            for path in self.folder.glob(pattern):
                path.unlink()


def _row(record: bytes) -> LibraryRow:
    return LibraryRow(record[:_KEY], int.from_bytes(record[_KEY : _KEY + 8]), record[_KEY + 8], record[_HEAD:].decode())
