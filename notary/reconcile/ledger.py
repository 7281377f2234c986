"""The ledger's side of a comparison: the newest version under every identifier, in order, with its status.

The look-ups of each log are read once, in the order of positions up to the end that was noted, and sorted on the disk
with all that is said of them; after that the ledger isn't asked any more. Memory stays flat.

What goes away while this is read gives no false finding:

- A reopening (notary/reopening.py) moves look-ups to another log, perhaps past where it was read. `settled` says
  whether there was one since the ends were noted; if so all is read again under new ends (`noted_anew`).
- An erasure takes a look-up away for good, before it is read or long before the comparison began: a library's row
  whose name was erased (docs/adr/0032) isn't called unregistered (`erased_rows`). Erased after it was read, it counts
  as it stood then, and the sorted runs that hold its keyed hash go at the end.
- What is registered after the ends were noted isn't looked at.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ledger.errors import ConflictError, IntegrityError
from ledger.types import DepartmentCode, LogId, Millis, Origin
from notary.entry import Entry, parse_origin
from notary.prove import AnchorIndex
from notary.reconcile.compare import LedgerRow, LibraryRow
from notary.reconcile.look_ups import (
    ANCHORED,
    KEY_BYTES,
    LATE,
    RECORD,
    RUN_RECORDS,
    newest,
    run_path,
    write_look_ups,
)
from notary.reconcile.statuses import STATUSES, Statuses
from notary.service import Notary
from notary.stores.erased_names import erased_among, erased_name
from notary.stores.reconciling import logs_of_issuers, lookup_pages
from notary.stores.records import position_of

if TYPE_CHECKING:
    from notary.reconcile.look_ups import Records

_HASH, _ISSUER = 32, 18


@dataclass(frozen=True, slots=True)
class LogEnd:
    """A log when the comparison began: entries from `count` on aren't looked at, entries from `late` on were registered
    after the library's export, entries from `anchored` on weren't on the chain; those of a closed log beyond its last
    good size count for neither."""

    log: int
    count: int
    anchored: int
    late: int


def log_ends(notary: Notary, index: AnchorIndex, exported_at: Millis | None) -> dict[str, Any]:
    """Each log as it is now, for the plan: `ends`, and the `closings` that `settled` looks at."""
    closings = _closings(notary)  # before the ends: a reopening between the two is noticed
    ends = {}
    for origin in notary.logs:
        row = notary.log(origin)
        head = index.log_head(LogId(row.log_id))
        late = row.next_index if exported_at is None else first_after(notary, origin, row.next_index, exported_at)
        ends[origin] = LogEnd(row.id, row.next_index, head[0] if head else 0, late)
    return {"closings": closings, "ends": {origin: asdict(end) for origin, end in ends.items()}}


def noted_anew(
    notary: Notary, index: AnchorIndex, exported_at: Millis | None, before: Mapping[str, Any]
) -> dict[str, Any]:
    """The same once more, where a log was closed and reopened after `before` was noted, or where `before` was noted by
    a version that read the ledger otherwise. What was late then is late still; all of a new log is.

    ConflictError `reconcile.reopened` where the look-ups may be in a log that this notary was started without.
    """
    now = log_ends(notary, index, exported_at)
    known = {log for log, _ in before.get("closings", now["closings"])}
    for row in logs_of_issuers(notary.store, notary.logs):
        if row.next_index and row.id not in known and row.origin not in notary.logs:
            raise ConflictError("reconcile.reopened", origin=row.origin)
    late = {origin: end["late"] for origin, end in before["ends"].items()}
    return {**now, "ends": {origin: {**end, "late": late.get(origin, 0)} for origin, end in now["ends"].items()}}


def settled(notary: Notary, noted: Mapping[str, Any]) -> bool:
    """Whether no look-up was moved from log to log since this was noted."""
    if "closings" not in noted:
        return False
    now = dict(_closings(notary))
    return all(now.get(log) == struck for log, struck in noted["closings"])


def first_after(notary: Notary, origin: Origin, count: int, moment: Millis) -> int:
    """The first index of the log whose entry was accepted after `moment`; entries say it to the hour, which here
    counts as its end."""
    low, high = 0, count
    while low < high:
        middle = (low + high) // 2
        accepted = Entry.from_bytes(notary.prover.entry(origin, middle)).accepted_at
        if accepted + 3_600_000 > moment:
            high = middle
        else:
            low = middle + 1
    return low


def sort_look_ups(
    folder: Path,
    notary: Notary,
    issuers: Sequence[DepartmentCode],
    ends: Mapping[Origin, LogEnd],
    *,
    runs: int,
    start: int,
) -> Iterator[tuple[int, int]]:
    """Sorted runs of the look-ups of these issuers in the noted logs, from position `start` on, named from `runs` on.

    After each run: how many there are now, and the position to go on from.
    """
    statuses = Statuses(folder / STATUSES)
    held: list[Records] = []
    try:
        for origin, end in sorted(ends.items(), key=lambda item: item[1].log):
            issuer = parse_origin(origin).issuer
            if issuer not in issuers:
                continue
            first = max(start, position_of(end.log, 0))
            for page in lookup_pages(notary.store, first, position_of(end.log, end.count)):
                held.append(_records(issuer, page, end))
                statuses.add_to(held[-1])
                if sum(map(len, held)) >= RUN_RECORDS:
                    yield _run(folder, runs, held)
                    runs, held = runs + 1, []
        if held:
            yield _run(folder, runs, held)
    finally:
        statuses.close()


def _records(issuer: DepartmentCode, page: Sequence[tuple[bytes, int, int]], end: LogEnd) -> Records:
    macs, versions, positions = zip(*page, strict=True)
    joined = b"".join(macs)
    if len(joined) != _HASH * len(page):
        raise IntegrityError("reconcile.order", side="ledger")
    records = np.zeros(len(page), RECORD)
    records["issuer"] = issuer.encode("ascii")
    records["mac"] = np.frombuffer(joined, f"S{_HASH}")
    records["version"] = versions
    records["position"] = positions
    flags = np.where(records["position"] < position_of(end.log, end.anchored), ANCHORED, 0)
    records["flags"] = flags | np.where(records["position"] >= position_of(end.log, end.late), LATE, 0)
    return records


def _run(folder: Path, number: int, held: list[Records]) -> tuple[int, int]:
    last = int(held[-1]["position"][-1])
    write_look_ups(run_path(folder, number), held)
    return number + 1, last + 1


def ledger_rows(folder: Path, runs: int, after: bytes) -> Iterator[LedgerRow]:
    """The ledger's rows beyond the key `after`, in order, from its sorted runs."""
    for block in newest([run_path(folder, number) for number in range(runs)], after):
        data, flags = block.tobytes(), block["flags"]
        rows = zip(
            range(0, len(data), RECORD.itemsize),
            block["position"].tolist(),
            block["status"].tolist(),
            (flags & ANCHORED != 0).tolist(),
            (flags & LATE != 0).tolist(),
            strict=True,
        )
        for at, position, status, anchored, late in rows:
            yield LedgerRow(data[at : at + KEY_BYTES], position, status, anchored, late)


def erased_rows(notary: Notary, rows: Sequence[LibraryRow]) -> set[int]:
    """The numbers of those rows of the library whose name was erased in a log of this notary; by the version that the
    identifier ends in."""
    by_issuer: dict[bytes, list[LibraryRow]] = {}
    for row in rows:
        by_issuer.setdefault(row.key[:_ISSUER], []).append(row)
    found: set[int] = set()
    own = {parse_origin(origin).issuer.encode("ascii"): notary.log(origin).issuer for origin in notary.logs}
    for code, issuer in own.items():
        asked = by_issuer.get(code)
        if not asked:
            continue
        names: dict[bytes, list[int]] = {}

        def made(asked: Sequence[LibraryRow] = asked, names: dict[bytes, list[int]] = names) -> list[bytes]:
            for row in asked:
                names.setdefault(erased_name(row.key[_ISSUER:], _version(row.identifier), b""), []).append(row.number)
            return list(names)

        with notary.store.reading() as connection:
            for name in erased_among(connection, issuer, made):
                found.update(names[name])
    return found


def _version(identifier: str) -> int:
    version = identifier.split(".")[-2:-1]
    return int(version[0]) if version and version[0].isascii() and version[0].isdecimal() else 1


def _closings(notary: Notary) -> list[tuple[int, int | None]]:
    """Of each log that has entries, from which index on they count for nothing; a reopening begins an empty one."""
    return [(row.id, row.struck_from) for row in logs_of_issuers(notary.store, notary.logs) if row.next_index]
