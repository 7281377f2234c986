"""Erasing a record: the order of acts, from one person's proposal to the last free page. formats.md §7, ADR 0025.

1. one transaction: the second person's word, and key, salt, record, wraps and look-ups are gone;
2. the log's list names the index, durable: a database restored from before 1 is held to it before it serves;
3. an entry of kind 6 that names (log, index, order code) is in the log, the list names that entry;
4. the file's ciphertext is deleted, stored answers are cleaned, the runs of identifiers are written without it,
   deleted bytes leave the database's files.

A crash between any two leaves a state in which nothing of the record is served, and `step`, called by the worker, goes
on from there: each act is done again without harm. Nobody is ever told `done` before 4. Over 300 lines: both persons'
words, and every act that follows, change one row's state.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import structlog

from ledger.errors import ChuzhengError, ConflictError, DeniedError, InputError, NotFoundError, UnavailableError
from ledger.ports import Clock
from ledger.types import DepartmentCode, Kind, Millis, Origin
from notary.canonical import parse_record
from notary.commitment import commit_and_canonicalise
from notary.details import Detail
from notary.documents import file_of
from notary.entry import Entry, parse_origin
from notary.erasures import ERASED, Erased, Proof, State, check_order, check_state_move, erasure_record
from notary.intake import prepare
from notary.packed import pack_rows
from notary.releasing import names_of
from notary.stores.erased_names import keep_names
from notary.stores.erasure_list import add_to_list, read_list
from notary.stores.erasures import ErasureRow, ErasureStore
from notary.stores.records import index_of, log_of, position_of
from notary.submission import Row, Submission

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from notary.service import Notary

OPERATION = "erasure"
OPEN = (State.DESTROYED, State.ENTERED)
"""States in which there is something left to do."""
AGAIN = 10_000
"""Milliseconds until the database's files are cleaned again where readers were in the way: writers wait meanwhile."""
_NOT_ERASED = frozenset({Kind.ERASURE, Kind.CHECKPOINT})
_log = structlog.get_logger("notary.erasing")


@dataclass(frozen=True, slots=True)
class Target:
    """What an erasure would take, as both persons are shown it before they act."""

    origin: Origin
    index: int
    entry: Entry
    kept: bool
    """False: the client committed and kept the record; there is nothing here to destroy."""
    file: bool
    readers: tuple[DepartmentCode, ...]
    row: ErasureRow | None
    only_freed: tuple[str, ...] = ()
    """Once it is erased: tables whose files may hold bytes of it until a person has them written anew."""


class Erasing:
    """Proposals, confirmations and what follows from them, for the logs of one notary. `hook` is called after each act
    with its name; tests end the process there."""

    def __init__(self, notary: Notary, clock: Clock, *, hook: Callable[[str], None] = lambda act: None) -> None:
        self._notary, self._clock, self._hook = notary, clock, hook
        self._rows = ErasureStore(notary.store)
        self._held: tuple[int, frozenset[int]] = 0, frozenset()
        """Until when these erasures, of which only the last acts are left, wait for readers."""

    # -- two persons --------------------------------------------------------------------------------------------------

    def target(self, department: DepartmentCode, origin: Origin, index: int) -> Target:
        """What stands there; DeniedError for another department's log, InputError for what can't be erased."""
        position, entry = self._own(department, origin, index)
        with self._notary.store.reading() as connection:
            row = self._rows.get(connection, position)
            kept = self._rows.kept(connection, [position])
            cid = file_of(self._record(connection, position))
            readers = tuple(sorted(self._notary.store.wraps(connection, position)))
        if row is not None and row.state in ERASED:
            readers = row.readers
            freed = tuple(self._rows.only_freed())
        else:
            freed = ()
        return Target(origin, index, entry, kept, cid is not None, readers, row, freed)

    def propose(
        self, department: DepartmentCode, origin: Origin, index: int, order: str, person: bytes,
        *, seen: int | None = None,
    ) -> ErasureRow:  # fmt: skip
        """The first person's word; nothing is destroyed. `person` is a keyed hash, `order` will be public. `seen`: when
        the last proposal that they know of was made, 0 for none; what was taken back since isn't made again.

        The same proposal again is the same, also when the other person has acted on it meanwhile; ConflictError
        `erasure.state` where another one stands.
        """
        position, _ = self._own(department, origin, index)
        check_order(order)
        with self._notary.store.transaction() as connection:
            before = self._rows.get(connection, position)
            if before is not None and before.state is not State.WITHDRAWN:
                if (before.order_code, before.proposer) == (order, person):
                    return before
                raise ConflictError("erasure.state", found=before.state.value)
            last = 0 if before is None else before.proposed_at
            if seen not in (None, last):
                raise ConflictError("erasure.not_acknowledged")
            made = Millis(max(self._clock.now(), last + 1))  # its time names it, whatever the clock says
            row = ErasureRow(position, order, State.PROPOSED, person, None, made)
            self._rows.put(connection, row)
        _log.info("erasure.proposed", origin=origin, index=index, order=order)
        return row

    def withdraw(self, department: DepartmentCode, origin: Origin, index: int, *, proposed_at: int) -> ErasureRow:
        """Take the proposal of this time (its row's, of this entry no other has it) back, while nothing is destroyed.

        Sent again it is answered as it stands; ConflictError `erasure.other_proposal` where another one stands by now.
        """
        position, _ = self._own(department, origin, index)
        with self._notary.store.transaction() as connection:
            row = self._found(connection, position)
            if row.state is State.WITHDRAWN:
                return row
            check_state_move(row.state, State.WITHDRAWN)
            if row.proposed_at != proposed_at:
                raise ConflictError("erasure.other_proposal", found=row.proposed_at)
            self._rows.put(connection, row := replace(row, state=State.WITHDRAWN))
        _log.info("erasure.withdrawn", origin=origin, index=index, order=row.order_code)
        return row

    def confirm(self, department: DepartmentCode, origin: Origin, index: int, order: str, person: bytes) -> ErasureRow:
        """The second person's word: destroyed when this returns, and not to be undone. `order` is the proposal's.

        DeniedError `erasure.same_person`. What follows may be unfinished when something stands in its way: the state
        says so, and `step` goes on.
        """
        position, _ = self._own(department, origin, index)
        with self._notary.store.transaction() as connection:
            row = self._found(connection, position)
            if row.order_code != order:
                raise ConflictError("erasure.other_order")
            if row.proposer == person:
                raise DeniedError("erasure.same_person")
            if row.state not in ERASED or row.confirmer != person:
                check_state_move(row.state, State.DESTROYED)
                self._destroy(connection, replace(row, confirmer=person))
                _log.warning("erasure.destroyed", origin=origin, index=index, order=order)
        self._hook("destroyed")
        try:
            stuck = self._go_on()[1].get(position)
        except ChuzhengError as error:
            stuck = error
        if stuck is not None:  # what was said above is so, and `step` goes on
            _log.warning("erasure.later", origin=origin, index=index, code=stuck.code)
        with self._notary.store.reading() as connection:
            return self._found(connection, position)

    def check_release(self, department: DepartmentCode, origin: Origin, record: dict[str, Any], order: str) -> None:
        """Refuses another department's log, a wrong order code, and a record that no log would take."""
        self._require_own(department, origin)
        check_order(order)
        prepare(record, department, self._notary.vault)

    # -- what follows -------------------------------------------------------------------------------------------------

    def step(self) -> bool:
        """Go on with every erasure that isn't done; True if one came further. Part of the worker's loop."""
        further, stuck = self._go_on()
        for error in stuck.values():
            raise error
        return further

    def finish(self, lists: Mapping[Origin, Iterable[Erased]]) -> None:
        """Go on as `step` does until nothing comes further; raises what stands in the way of one that the lists name,
        and nothing that stands in another's."""
        named = {position_of(self._notary.log(o).id, each.index) for o, erased in lists.items() for each in erased}
        with self._notary.store.reading() as connection:
            named.update(*[self._notary.standing.twins(connection, place) for place in sorted(named)])
        further = True
        while further:
            further, stuck = self._go_on()
            for place in sorted(named & stuck.keys()):
                raise stuck[place]

    def _go_on(self) -> tuple[bool, dict[int, ChuzhengError]]:
        """Whether one came further, and which couldn't, by position."""
        with self._notary.store.reading() as connection:
            rows = self._rows.in_states(connection, OPEN)
        (until, held), now = self._held, self._clock.now()
        if now < until <= now + AGAIN:  # further away only where the clock was set back since
            rows = [row for row in rows if row.position not in held]
        ready, stuck = list[ErasureRow](), dict[int, ChuzhengError]()
        for row in rows:
            if (origin := self._notary.origin_of(row.position)) is not None:
                try:
                    ready.append(self._told(row, origin))
                except ChuzhengError as error:  # one whose file can't be deleted now holds up no other
                    stuck[row.position] = error
        return self._finish(ready), stuck

    def listed(self, origin: Origin) -> tuple[Erased, ...]:
        """What the log's list names."""
        return read_list(self._notary.logs[origin])

    def apply(self, origin: Origin, erased: Iterable[Erased]) -> int:
        """Hold the database to a list (the log's own, a mirror's, a snapshot's): destroy what it names and is still
        here; how many. What follows is `step`'s."""
        log, count = self._notary.log(origin), 0
        for each in erased:
            if each.index >= log.next_index:
                continue  # a database older than the log: refused elsewhere, and nothing here to destroy
            position = position_of(log.id, each.index)
            with self._notary.store.transaction() as connection:
                row = self._rows.get(connection, position)
                if row is not None and row.state in ERASED and not self._rows.kept(connection, [position]):
                    continue
                now = self._clock.now()
                row = ErasureRow(position, each.order, State.PROPOSED, None, None, now)
                self._destroy(connection, row)
                count += 1
            _log.warning("erasure.applied_again", origin=origin, index=each.index, order=each.order)
        return count

    def reapply(self) -> int:
        """Hold the database to the lists of all logs, before anything is served: it may come from a backup."""
        return sum(self.apply(origin, read_list(log)) for origin, log in self._notary.logs.items())

    # -- inside -------------------------------------------------------------------------------------------------------

    def _require_own(self, department: DepartmentCode, origin: Origin) -> None:
        if origin not in self._notary.logs:
            raise NotFoundError("notary.no_log", origin=origin)
        if parse_origin(origin).issuer != department:
            raise DeniedError("notary.other_log", origin=origin)

    def _own(self, department: DepartmentCode, origin: Origin, index: int) -> tuple[int, Entry]:
        self._require_own(department, origin)
        entry = Entry.from_bytes(self._notary.prover.entry(origin, index))
        if entry.kind in _NOT_ERASED:
            raise InputError("erasure.kind", found=entry.kind.word)
        return self._notary.prover.position(origin, index), entry

    def _found(self, connection: Connection, position: int) -> ErasureRow:
        row = self._rows.get(connection, position)
        if row is None:
            raise NotFoundError("erasure.unknown")
        return row

    def _destroy(self, connection: Connection, row: ErasureRow) -> None:
        """Of this position, and of its twins where a reopening copied the record: each gets a row of its own."""
        places = self._notary.standing.twins(connection, row.position)
        held = {place: self._record(connection, place) for place in places}
        cid = next((name for record in held.values() if (name := file_of(record))), None)
        readers = tuple(sorted({r for place in places for r in self._notary.store.wraps(connection, place)}))
        keep_names(connection, [n for place, record in held.items() for n in self._again(connection, place, record)])
        back = {place for place in places if self._rows.kept(connection, [place])}
        self._rows.destroy(connection, places)
        now = Millis(self._clock.now())
        for place in places:
            known = self._rows.get(connection, place)
            if known is None or known.state not in ERASED:
                known = replace(row, position=place, erased_at=now, readers=readers)
            elif place not in back:
                continue
            # Also what was erased once and came back with an old file: all that follows is done again.
            self._rows.put(connection, replace(known, state=State.DESTROYED, cid=cid or known.cid))

    def _record(self, connection: Connection, position: int) -> dict[str, Any] | None:
        store, vault = self._notary.store, self._notary.vault
        raw, body = store.entry(connection, position), store.body(connection, position)
        sealed = store.salted(connection, [position]).get(position)
        if raw is None or body is None or sealed is None:
            return None
        commitment = Entry.from_bytes(raw).sha256
        return parse_record(vault.open_body(commitment, vault.open_keys(commitment, sealed)[0], body))

    def _again(self, connection: Connection, position: int, record: dict[str, Any] | None) -> list[tuple[int, bytes]]:
        """Under what the record would be registered again: (issuer's row, name), docs/adr/0032."""
        if record is None:
            return []
        log = self._notary.store.log_by_id(connection, log_of(position))
        return [(log.issuer, name) for name in names_of(self._notary.vault, parse_origin(log.origin).issuer, record)]

    def _told(self, row: ErasureRow, origin: Origin) -> ErasureRow:
        """Listed, entered, without its file, and named by no stored answer any more."""
        log, index = self._notary.logs[origin], index_of(row.position)
        if row.state is State.DESTROYED:
            add_to_list(log, [Erased(index, row.order_code)])
            self._hook("listed")
            row = self._entered(row, origin, index)
            self._hook("entered")
        add_to_list(log, [Erased(index, row.order_code, self._proof(row))])
        self._hook("proved")
        self._drop(row)
        self._hook("dropped")
        row = self._note(row, cid=None)
        self._rows.forget_answers([row.position])
        self._hook("forgotten")
        return row

    def _finish(self, rows: Sequence[ErasureRow]) -> bool:
        """What is done for all together, since it goes through whole files: deleted bytes leave them."""
        if not rows:
            return False
        for made in (self._notary.names, self._notary.answers):
            made.forget({row.position for row in rows})
        self._hook("unnamed")
        clean = self._rows.scrub()
        ours = frozenset([row.position for row in rows])
        self._held = (0, frozenset()) if clean else (self._clock.now() + AGAIN, self._held[1] | ours)
        if not clean:
            return False  # a long reader holds the old pages
        self._hook("scrubbed")
        for row in rows:
            self._move(row, State.DONE, done_at=self._clock.now())
            origin, index = self._notary.origin_of(row.position), index_of(row.position)
            _log.info("erasure.done", origin=origin, index=index, order=row.order_code)
        return True

    def _entered(self, row: ErasureRow, origin: Origin, index: int) -> ErasureRow:
        """The entry of kind 6, found again if it was made before a crash; in the department's log that is open."""
        notary, issuer = self._notary, parse_origin(origin).issuer
        target = origin if notary.is_open(origin) else notary.current_log(issuer)
        if target is None:
            raise UnavailableError("erasure.no_log", retry_after=60)
        salt = os.urandom(32)
        commitment, canonical = commit_and_canonicalise(erasure_record(origin, index, row.order_code), salt)
        # By (log, index) and not by the order code: one entry for one erasure, whatever a list calls the order.
        key = hashlib.sha256(b"chuzheng/erasure/v1\0" + f"{origin}/{index}".encode()).digest()
        content = notary.vault.content_mac(issuer, key)
        detail = Detail(content, None, 0, *notary.vault.seal(commitment.sha256, salt, canonical))
        made = Row(int(Kind.ERASURE), commitment.sha256, commitment.sm3)
        answer = notary.submit(Submission(issuer, target, OPERATION, key, content, pack_rows([made]), [detail]))
        sealed = answer.repeated.get(0)
        if sealed is not None:
            salt = notary.vault.open_keys(answer.entries[0][28:60], sealed)[1]
        return self._move(row, State.ENTERED, entry=answer.positions[0], salt=salt)

    def _move(self, row: ErasureRow, state: State, **changes: Any) -> ErasureRow:
        """Write a step's end down, unless another process did it meanwhile."""
        with self._notary.store.transaction() as connection:
            now = self._found(connection, row.position)
            if now.state is not row.state or now.state is state:  # what was read last may be the other's end already
                return now
            check_state_move(now.state, state)
            now = replace(now, state=state, **changes)
            self._rows.put(connection, now)
        return now

    def _note(self, row: ErasureRow, **changes: Any) -> ErasureRow:
        """Write something down that is no step by itself."""
        with self._notary.store.transaction() as connection:
            now = replace(self._found(connection, row.position), **changes)
            self._rows.put(connection, now)
        return now

    def _proof(self, row: ErasureRow) -> Proof | None:
        if row.entry is None or row.salt is None:
            return None
        with self._notary.store.reading() as connection:
            origin = self._notary.store.log_by_id(connection, log_of(row.entry)).origin
        return Proof(origin, index_of(row.entry), row.salt)

    def _drop(self, row: ErasureRow) -> None:
        """Delete the file's ciphertext, unless another record's file is the same one."""
        if row.cid is None:
            return
        filing = self._notary.filing
        if filing is None:
            raise UnavailableError("erasure.no_content_store", retry_after=60)
        if not self._named_elsewhere(row.cid):
            filing.content.remove(row.cid)

    def _named_elsewhere(self, cid: str) -> bool:
        """Whether a record that is kept names this file: every record with a file is read, since names are sealed."""
        after = -1
        while True:
            with self._notary.store.reading() as connection:
                places = self._rows.filed(connection, after)
                if any(file_of(self._record(connection, place)) == cid for place in places):
                    return True
            if not places:
                return False
            after = places[-1]
