"""fsck of the index: every entry is in it, where it stands, and nothing else is.

Trusts the database's entries only (notary/fsck.py compares them with the log's files). Counting makes the second half:
no two entries have one position, so an index that has them all and no more of them than there are has nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator

from ledger.errors import ChuzhengError, IntegrityError
from notary.entry import ENTRY_BYTES
from notary.packed import keys_of_entries
from notary.stores.places import PlaceIndex
from notary.stores.record_tables import position_of
from notary.stores.records import LogRow, RecordStore
from notary.stores.runs import digest_of, rises
from notary.stores.standing import FOLLOW

MAX_FINDINGS = 100


def check_index(store: RecordStore, index: PlaceIndex) -> list[ChuzhengError]:
    """What is wrong with the runs on disk, at most MAX_FINDINGS findings; memory doesn't grow with their size."""
    index.refresh()
    findings: list[ChuzhengError] = [index.damage] if index.damage is not None else []
    for named, run in index.runs:
        if digest_of(run) != named.sha256 or not rises(run):
            findings.append(IntegrityError("index.run_changed", name=named.name))
    with store.reading() as connection:
        logs = {log.id: log for log in store.all_logs(connection)}
    covers = index.covers
    for number, cover in covers.items():
        log = logs.get(number)
        if log is None or log.next_index < cover.upto:
            origin = str(number) if log is None else log.origin
            findings.append(IntegrityError("index.ahead", origin=origin, expected=cover.upto))
            continue
        for error in _missing(store, index, log, cover.upto):
            findings.append(error)
            if len(findings) >= MAX_FINDINGS:
                return findings
    expected, found = sum(cover.upto for cover in covers.values()), sum(run.count for _, run in index.runs)
    if expected != found:
        findings.append(IntegrityError("index.count", expected=expected, found=found))
    return findings


def _missing(store: RecordStore, index: PlaceIndex, log: LogRow, upto: int) -> Iterator[ChuzhengError]:
    for first in range(0, upto, FOLLOW):
        with store.reading() as connection:
            joined = store.joined_from(connection, log.id, first, min(FOLLOW, upto - first))
        if len(joined) != ENTRY_BYTES * min(FOLLOW, upto - first):
            yield IntegrityError("records.gap", index=first + len(joined) // ENTRY_BYTES)
            return
        keys = keys_of_entries(joined)
        found = index.find(keys)
        for at, key in enumerate(keys, first):
            if position_of(log.id, at) not in found.get(key, ()):
                yield IntegrityError("index.entry_missing", origin=log.origin, index=at)
