"""fsck of the three indexes: every row is in its index, where it stands, and nothing else is.

Trusts the database's rows only (notary/fsck.py compares entries with the log's files, fsck_records.py look-ups with
their records). Counting makes the second half: no two rows have one position, so an index that has them all and no more
of them than there are has nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

import sqlalchemy as sa

from ledger.errors import ChuzhengError, IntegrityError
from notary.entry import ENTRY_BYTES
from notary.erasures import State
from notary.packed import keys_of_entries
from notary.stores.answers import Answers
from notary.stores.erasures import erasures
from notary.stores.following import FollowingSome
from notary.stores.place_tail import Pair
from notary.stores.places import PlaceIndex
from notary.stores.record_tables import index_of, log_of, position_of
from notary.stores.records import LogRow, RecordStore
from notary.stores.runs import PIECE, digest_of, rises
from notary.stores.standing import FOLLOW, Standing

MAX_FINDINGS = 100
_UNDER_WAY = (State.DESTROYED.value, State.ENTERED.value)
_MANY = 900


def check_entries(standing: Standing) -> list[ChuzhengError]:
    """What is wrong with the runs of commitments on disk, at most MAX_FINDINGS findings; memory doesn't grow with their
    size."""
    store, index = standing.store, standing.index
    found = _files(index)
    for log, upto in _covered(store, index, found):
        found += islice(_missing_entries(store, index, log, upto), MAX_FINDINGS - len(found))
        if len(found) >= MAX_FINDINGS:
            return found
    expected, held = sum(cover.upto for cover in index.covers.values()), sum(run.count for _, run in index.runs)
    if expected != held:
        found.append(IntegrityError("index.count", expected=expected, found=held))
    return found


def check_some(made: FollowingSome) -> list[ChuzhengError]:
    """The same of the runs of identifiers, or of answered keys. Where a closing takes rows elsewhere, what it struck
    out may still be in them."""
    index = made.index
    found = _files(index)
    expected = 0
    for log, upto in _covered(made.store, index, found):
        for pairs in _pages(made, log, upto):
            expected += len(pairs)
            found += islice(_missing(index, log, pairs), MAX_FINDINGS - len(found))
            if isinstance(made, Answers):
                found += islice(_twice(made, log, pairs), MAX_FINDINGS - len(found))
            if len(found) >= MAX_FINDINGS:
                return found
    held = sum(run.count for _, run in index.runs)
    if expected < held:
        held = expected + sum(1 for _ in _strays(made))
    if expected != held:
        found.append(IntegrityError("index.count", expected=expected, found=held))
    return found


def _files(index: PlaceIndex) -> list[ChuzhengError]:
    index.refresh()
    found: list[ChuzhengError] = [index.damage] if index.damage is not None else []
    for named, run in index.runs:
        if digest_of(run) != named.sha256 or not rises(run):
            found.append(IntegrityError("index.run_changed", name=f"{index.folder.name}/{named.name}"))
    return found


def _covered(store: RecordStore, index: PlaceIndex, found: list[ChuzhengError]) -> Iterator[tuple[LogRow, int]]:
    """(log, up to where the runs say everything); a cover beyond the log's end is a finding."""
    with store.reading() as connection:
        logs = {log.id: log for log in store.all_logs(connection)}
    for number, cover in index.covers.items():
        log = logs.get(number)
        if log is None or log.next_index < cover.upto:
            origin = str(number) if log is None else log.origin
            found.append(IntegrityError("index.ahead", origin=origin, expected=cover.upto))
        else:
            yield log, cover.upto


def _missing(index: PlaceIndex, log: LogRow, pairs: Sequence[Pair]) -> Iterator[ChuzhengError]:
    found = index.find([key for key, _ in pairs])
    for key, position in pairs:
        if position not in found.get(key, ()):
            yield IntegrityError("index.entry_missing", origin=log.origin, index=index_of(position))


def _missing_entries(store: RecordStore, index: PlaceIndex, log: LogRow, upto: int) -> Iterator[ChuzhengError]:
    for first in range(0, upto, FOLLOW):
        with store.reading() as connection:
            joined = store.joined_from(connection, log.id, first, min(FOLLOW, upto - first))
        if len(joined) != ENTRY_BYTES * min(FOLLOW, upto - first):
            yield IntegrityError("records.gap", index=first + len(joined) // ENTRY_BYTES)
            return
        start = position_of(log.id, first)
        yield from _missing(index, log, [(key, start + n) for n, key in enumerate(keys_of_entries(joined))])


def _pages(made: FollowingSome, log: LogRow, upto: int) -> Iterator[list[Pair]]:
    first = 0
    while first < upto:
        with made.store.reading() as connection:
            pairs = made.keys_from(connection, log, first, upto)
        if not pairs:
            return
        yield pairs
        first = index_of(pairs[-1][1]) + 1


def _twice(answers: Answers, log: LogRow, pairs: Sequence[Pair]) -> Iterator[ChuzhengError]:
    """Keys of a page under which something else was answered as well: no constraint of the database forbids it."""
    several = [places for places in answers.index.find([key for key, _ in pairs]).values() if len(places) > 1]
    seen: dict[tuple[int, str, str, bytes], int] = {}
    with answers.store.reading() as connection:
        for row in answers.store.rows_at(connection, answers.TABLE, sorted({p for places in several for p in places})):
            position, department, operation, key, *_ = row
            if seen.setdefault((log_of(position), department, operation, key), position) != position:
                yield IntegrityError(
                    "fsck.answer_twice", origin=log.origin, index=index_of(position), operation=operation
                )


def _strays(made: FollowingSome) -> Iterator[int]:
    """Positions in the runs at which nothing stands, though nothing was struck out there nor is being erased."""
    store = made.store
    with store.reading() as connection:
        logs = {log.id: log for log in store.all_logs(connection)}
    for _, run in made.index.runs:
        for at in range(0, run.count, PIECE):
            positions = [p for p in run.positions[at : at + PIECE].tolist() if not made.CARRIED or _counts(logs, p)]
            for start in range(0, len(positions), _MANY):
                part = positions[start : start + _MANY]
                under_way = sa.select(erasures.c.position).where(erasures.c.state.in_(_UNDER_WAY))
                with store.reading() as connection:
                    stands = sa.select(made.TABLE.c.position).where(made.TABLE.c.position.in_(part))
                    known = set(connection.scalars(stands))
                    known |= set(connection.scalars(under_way.where(erasures.c.position.in_(part))))
                yield from (position for position in part if position not in known)


def _counts(logs: dict[int, LogRow], position: int) -> bool:
    log = logs.get(log_of(position))
    return log is None or log.counts(index_of(position))
