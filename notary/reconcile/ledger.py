"""The ledger's side of a comparison: the newest version under every identifier, in order, with its status.

What stands differs for few, and those are looked up beforehand: a sorted file of (position, status) that is searched as
it lies on the disk. So nothing is asked of the chain per row, and memory stays flat.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ledger.statuses import Decision, DecisionCode, status_at
from ledger.types import BlockTime, DepartmentCode, Digest, LogId, Millis, Origin
from notary.entry import Entry, parse_origin
from notary.prove import AnchorIndex
from notary.reconcile.compare import LedgerRow
from notary.reconcile.runs import merge_down, merged, run_name, write_run
from notary.reconcile.words import IN_FORCE
from notary.service import Notary
from notary.stores.reconciling import newest_versions
from notary.stores.records import index_of, log_of, position_of

BATCH = 50_000
_RECORD = 9
_HASH = 32


class StatusIndex(AnchorIndex, Protocol):
    """What a comparison asks of the index of the chain."""

    def decisions(self, status_key: Digest) -> Sequence[Decision]: ...


class Decided(Protocol):
    """The status keys about which anything was decided, in order, beyond `after`."""

    def decided_keys(self, after: bytes, limit: int) -> list[Digest]: ...


@dataclass(frozen=True, slots=True)
class LogEnd:
    """A log when the comparison began: entries from `late` on were registered after the library's export, entries
    from `anchored` on weren't on the chain; those of a closed log beyond its last good size count for neither."""

    log: int
    anchored: int
    late: int


def log_ends(notary: Notary, index: AnchorIndex, exported_at: Millis | None) -> dict[Origin, LogEnd]:
    """Each log as it is now."""
    ends = {}
    for origin in notary.logs:
        row = notary.log(origin)
        head = index.log_head(LogId(row.log_id))
        late = row.next_index if exported_at is None else first_after(notary, origin, row.next_index, exported_at)
        ends[origin] = LogEnd(row.id, head[0] if head else 0, late)
    return ends


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


def write_statuses(folder: Path, notary: Notary, index: StatusIndex, decided: Decided, now: Millis) -> Path:
    """The file of all entries of this notary that aren't simply in force at `now`, sorted by position."""
    path = folder / "statuses.bin"
    for old in folder.glob("*.status"):
        old.unlink()
    batch: list[bytes] = []
    runs, after = 0, b""
    while keys := decided.decided_keys(after, 1_000):
        for key in keys:
            place = notary.place_of(key)
            if place is None:
                continue
            status = status_number(index.decisions(key), now)
            if status != IN_FORCE:
                batch.append(position_of(notary.log(place[0]).id, place[1]).to_bytes(8) + bytes([status]))
        after = keys[-1]
        if len(batch) >= BATCH:
            write_run(folder / f"{run_name(runs)}.status", sorted(batch))
            batch, runs = [], runs + 1
    write_run(folder / f"{run_name(runs)}.status", sorted(batch))
    parts = merge_down(folder, "*.status")
    draft = path.with_suffix(".new")
    with draft.open("wb") as file:
        for record in merged(parts):
            file.write(record)
    draft.replace(path)
    for part in parts:
        part.unlink()
    return path


def status_number(decisions: Sequence[Decision], now: Millis) -> int:
    """What is in force at `now`, as our number; a suspension that ended is none."""
    standing = status_at(decisions, BlockTime(now // 1000), BlockTime(now // 1000))
    return IN_FORCE if standing is None or standing.code is DecisionCode.RESUMED else int(standing.code)


class Statuses:
    """The file that `write_statuses` made."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        self._count = path.stat().st_size // _RECORD
        self._map = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ) if self._count else b""

    def of(self, position: int) -> int:
        """Our number for the status of the entry at a position."""
        wanted = position.to_bytes(8)
        low, high = 0, self._count
        while low < high:
            middle = (low + high) // 2
            if self._map[middle * _RECORD : middle * _RECORD + 8] < wanted:
                low = middle + 1
            else:
                high = middle
        at = low * _RECORD
        return self._map[at + 8] if low < self._count and self._map[at : at + 8] == wanted else IN_FORCE

    def close(self) -> None:
        if isinstance(self._map, mmap.mmap):
            self._map.close()
        self._file.close()


def ledger_rows(
    notary: Notary, issuers: Sequence[DepartmentCode], ends: Mapping[Origin, LogEnd], statuses: Statuses, after: bytes
) -> Iterator[LedgerRow]:
    """Rows of the ledger of these issuers beyond the key `after`, in order."""
    by_log = {end.log: end for end in ends.values()}
    own = {parse_origin(origin).issuer for origin in ends}
    for issuer in sorted(own.intersection(issuers)):
        prefix = issuer.encode("ascii")
        if after[: len(prefix)] > prefix:
            continue
        start = after[len(prefix) :] if after[: len(prefix)] == prefix else b""
        for mac, position in newest_versions(notary.store, issuer, start[:_HASH]):
            end = by_log.get(log_of(position))
            if end is None:
                continue
            index = index_of(position)
            yield LedgerRow(
                prefix + mac, position, statuses.of(position), anchored=index < end.anchored, late=index >= end.late
            )
