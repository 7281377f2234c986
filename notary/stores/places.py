"""Key → positions of the entries of all logs: sorted runs on disk, and the newest in memory.

One refuses duplicates and finds status keys (docs/adr/0021), one finds identifiers (0035), one what was answered under
a key (0038). Nothing here is the truth: the rows of the database are, and what the runs don't cover is read from there
(notary/stores/following.py), at the start and whenever another process wrote. So a crash loses nothing, a missing or
damaged file only costs reading all rows once. Over 300 lines: memory, list and runs change together under one lock.

    list.json        which runs count; replaced by rename
    0000000012.run   a run (notary/stores/runs.py), never changed
    write.lock       held by whoever writes a run or merges some; submissions don't wait for it
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import structlog

from ledger.errors import ChuzhengError, IntegrityError
from notary.stores.disk import Disk, translated
from notary.stores.place_tail import Pair, Tail
from notary.stores.record_tables import index_of, log_of, position_of
from notary.stores.run_list import EMPTY, Cover, RunList, RunName, merge_due, parse_run_list
from notary.stores.runs import NONE, Run, digest_of, left_out, merged, open_run, run_of, sorted_keys

if TYPE_CHECKING:
    from notary.stores.runs import Numbers

FLUSH = 1 << 17
"""Entries in memory (some 25 MB) that are written as a run."""
BEHIND = 4
"""Times FLUSH that may be in memory while a run is being written; then submissions wait for it."""
FAN = 4
LIST = "list.json"
_log = structlog.get_logger("notary.index")


class _BegunAnewError(Exception):
    """Another thread forgot what is on disk while files were being made from it: they must not count."""


class PlaceIndex:
    """The index of one notary, shared by its processes through the folder; each has a tail of its own.

    `beside` writes runs in a thread, as a server does; else whoever adds writes them too. `gone` says which positions
    between two (both included) are to be left out of a run: what was destroyed since it was added.
    """

    def __init__(
        self,
        folder: Path,
        disk: Disk | None = None,
        *,
        flush_at: int = FLUSH,
        fan: int = FAN,
        beside: bool = True,
        gone: Callable[[int, int], Collection[int]] = lambda low, high: (),
    ) -> None:
        """Nothing is read or written here; `folder`'s parent must exist."""
        self.folder, self.disk, self.gone = folder, disk or Disk(), gone
        self._flush_at, self._fan, self._beside = flush_at, fan, beside
        self._lock = threading.RLock()
        self._mark: object = ()
        self._list, self._runs = EMPTY, tuple[Run, ...]()
        self._tail, self._frozen = Tail(), Tail()
        self._seen: dict[int, Cover] = {}
        self._trusted: set[int] = set()
        self._forgotten = False
        self._begun = 0
        """Rises whenever everything is read anew."""
        self.damage: IntegrityError | None = None
        """Why the files that were found last aren't used; they are replaced when the next run is written."""
        self._keeper: threading.Thread | None = None

    # -- what is known --------------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Take over what another process wrote."""
        with self._lock, translated():
            mark = self._disk_mark()
            if mark != self._mark:
                self._take(*self._open(), mark)

    def upto(self, log: int) -> int:
        """Entries of the log below this index are known here; the caller adds the others from the database."""
        with self._lock:
            return self._seen[log].upto if log in self._seen else 0

    def unproven(self, log: int) -> Cover | None:
        """What the list says of a log, until the caller has compared it with the database (`trust` or `forget`)."""
        with self._lock:
            return None if log in self._trusted else self._list.covers.get(log)

    def trust(self, log: int) -> None:
        """The database has what the runs were made from."""
        with self._lock:
            self._trusted.add(log)

    def forget(self) -> None:
        """What is on disk isn't this database's, or is damaged: everything is read again from the database. The files
        go when the next run is written."""
        with self._lock:
            self._list, self._runs, self._forgotten = RunList(self._list.serial, (), {}), (), True
            self._begun += 1
            self._tail, self._frozen, self._seen = Tail(), Tail(), {}

    def find(self, keys: Sequence[bytes]) -> dict[bytes, list[int]]:
        """Positions under each key that has any, lowest first. Another entry may have the same key: compare."""
        found: dict[bytes, set[int]] = {}
        if not keys:
            return {}
        with self._lock:
            for tail in (self._tail, self._frozen):
                for key, position in tail.find(keys):
                    found.setdefault(key, set()).add(position)
            runs = self._runs
        if runs:
            wanted, order = sorted_keys(keys)
            for run in runs:
                for offset, position in run.find(wanted):
                    found.setdefault(keys[int(order[offset])], set()).add(position)
        return {key: sorted(positions) for key, positions in found.items()}

    def count(self) -> int:
        """Entries in runs and memory."""
        with self._lock:
            return sum(run.count for run in self._runs) + len(self._tail) + len(self._frozen)

    @property
    def runs(self) -> Sequence[tuple[RunName, Run]]:
        """Of the list that is in force, for fsck."""
        with self._lock:
            return list(zip(self._list.runs, self._runs, strict=True))

    @property
    def covers(self) -> dict[int, Cover]:
        """Up to where the runs say everything, by log."""
        return dict(self._list.covers)

    # -- new entries ----------------------------------------------------------------------------------------------

    def add(self, log: int, first: int, keys: Sequence[bytes]) -> None:
        """Entries that are committed, from index `first` of a log; what is known already is skipped, and a gap is left
        to be followed from the database."""
        start = position_of(log, first)
        pairs = list(zip(keys, range(start, start + len(keys)), strict=True))
        self.add_some(log, first, Cover(first + len(keys), keys[-1].hex() if keys else ""), pairs)

    def add_some(self, log: int, first: int, cover: Cover, pairs: Sequence[Pair]) -> None:
        """The same where not every entry has a key: `pairs` are all there are from index `first` up to `cover`'s."""
        with self._lock:
            known = self.upto(log)
            if first > known or cover.upto <= known:
                return
            if first < known:
                pairs = [pair for pair in pairs if index_of(pair[1]) >= known]
            self._tail.add(pairs)
            self._seen[log] = cover
            waiting = len(self._tail)
        if waiting >= self._flush_at:
            self._keep(wait=waiting >= BEHIND * self._flush_at)

    def close(self) -> None:
        """Wait for a run that is being written."""
        if (keeper := self._keeper) is not None:
            keeper.join()

    def flush(self) -> None:
        """Write what is in memory as a run, then merge what is due. Another process may do so at the same time."""
        disk = self.disk
        with translated():
            disk.make_folder(self.folder)
            disk.sync_folder(self.folder.parent)
            with disk.locked(self.folder / "write.lock"), suppress(_BegunAnewError):  # then the next one writes it all
                self.refresh()
                begun = self._begun
                self._write_tail(begun)
                while due := merge_due([run.count for _, run in self.runs], base=self._flush_at, fan=self._fan):
                    there, covers = self.runs, self.covers
                    self._require(begun)
                    kept = [name for number, (name, _) in enumerate(there) if number not in due]
                    self._put([*kept, self._write([there[number][1] for number in due])], covers, begun)
                if not self._forgotten:
                    self._sweep(begun)

    def remove(self, positions: Collection[int]) -> None:
        """Nothing stands at these positions any more: they vanish from memory and files. What another process still has
        in memory of them is left out when it writes it (`gone`)."""
        disk, unwanted = self.disk, np.array(sorted(positions), np.uint64)
        with translated():
            disk.make_folder(self.folder)
            with disk.locked(self.folder / "write.lock"):
                while True:
                    with suppress(_BegunAnewError):
                        return self._remove(positions, unwanted)

    def adopt(self, other: PlaceIndex) -> None:
        """Take the runs of another index, all of whose entries are in runs, in place of ours, in one step."""
        disk = self.disk
        with translated():
            disk.make_folder(self.folder)
            with disk.locked(self.folder / "write.lock"):
                self.refresh()
                taken = []
                for ahead, (run, _) in enumerate(other.runs, 1):
                    disk.rename(other.folder / run.name, self.folder / self._name(ahead))
                    taken.append(RunName(self._name(ahead), run.count, run.sha256))
                self._put(taken, other.covers, None)
                with self._lock:
                    self._tail, self._frozen, self._seen = Tail(), Tail(), self.covers
                    begun = self._begun
                with suppress(_BegunAnewError):
                    self._sweep(begun)

    # -- inside ---------------------------------------------------------------------------------------------------

    def _keep(self, *, wait: bool) -> None:
        if not self._beside:
            self.flush()
            return
        with self._lock:
            keeper = self._keeper
            if keeper is None or not keeper.is_alive():
                keeper = self._keeper = threading.Thread(target=self._flush_beside, name="index", daemon=True)
                keeper.start()
        if wait:
            keeper.join()

    def _flush_beside(self) -> None:
        try:
            self.flush()
        except ChuzhengError as error:  # the rows are durable; what isn't in a run stays in memory
            _log.warning("index.not_written", code=error.code, params=error.params)

    def _remove(self, positions: Collection[int], unwanted: Numbers) -> None:
        self.refresh()
        begun = self._begun
        if self._forgotten or self.damage is not None:  # files that don't count may hold them as well
            self._put([], {}, begun)
        with self._lock:
            self._leave_out(positions.__contains__)
        for name, run in self.runs:
            if left_out(run, unwanted):
                kept, covers = [other for other, _ in self.runs if other.name != name.name], self.covers
                self._put([*kept, self._write([run], unwanted)], covers, begun)
        self._sweep(begun)  # a crash may have left one that was replaced

    def _write_tail(self, begun: int) -> None:
        """Entries move from memory to a run: while it is written they are found in `_frozen`."""
        with self._lock:
            if not len(self._tail) and not len(self._frozen):
                return
            whole, self._tail = self._tail, Tail()
            if len(self._frozen):  # a run that couldn't be written before
                whole.add(list(self._frozen.pairs()))
            self._frozen, covers = whole, {**self._list.covers, **self._seen}
        keys, positions = whole.columns()
        unwanted = np.array(sorted(self.gone(min(positions), max(positions))), np.uint64)
        run = self._write([run_of("", keys, positions, len(whole))], unwanted)
        self._put([*[name for name, _ in self.runs], run], covers, begun)
        with self._lock:
            self._frozen = Tail()

    def _write(self, parts: Sequence[Run], unwanted: Numbers = NONE) -> RunName:
        """A file with the entries of `parts` but the unwanted. It counts only when the list says so; what a crash left
        is replaced."""
        disk, name = self.disk, self._name(1)
        path, count = self.folder / name, sum(part.count - left_out(part, unwanted) for part in parts)
        disk.remove(path)
        disk.create_at(path, merged(parts, unwanted))
        return RunName(name, count, digest_of(open_run(name, disk.mapped(path), count)))

    def _put(self, runs: Sequence[RunName], covers: Mapping[int, Cover], begun: int | None) -> None:
        """The list in force from here on, unless all was begun anew since `begun`. A crash before the rename leaves
        files that nobody counts, one after it files that nobody counts any more; they are removed at the end, when
        memory agrees with the list."""
        disk, temporary = self.disk, self.folder / f"{LIST}.new"
        last = max([int(run.name.partition(".")[0]) for run in runs], default=0)
        found = RunList(max(last, self._list.serial + 1), tuple(runs), dict(covers))
        disk.remove(temporary)
        disk.create([(temporary, found.to_bytes())])
        disk.sync_folder(self.folder)  # the run's name, before the list names it
        with self._lock:
            self._require(begun)
            held = {run.name: run for run in self._runs}
            opened = [held.get(run.name) or self._mapped(run) for run in runs]
            disk.rename(temporary, self.folder / LIST)
            self._list, self._runs, self._mark = found, tuple(opened), self._disk_mark()
            self._forgotten = False
        try:
            disk.sync_folder(self.folder)
        except OSError:
            self._mark = ()  # the list is taken over again, and what it covers leaves memory
            raise

    def _require(self, begun: int | None) -> None:
        if begun not in (None, self._begun):
            raise _BegunAnewError

    def _name(self, ahead: int) -> str:
        return f"{self._list.serial + ahead:010}.run"

    def _mapped(self, run: RunName) -> Run:
        return open_run(run.name, self.disk.mapped(self.folder / run.name), run.count)

    def _sweep(self, begun: int) -> None:
        """Files that don't count: left by a crash, merged, or of a list that was damaged."""
        with self._lock:
            self._require(begun)
            counted = {run.name for run in self._list.runs}
        for name in self.disk.names(self.folder):
            if name not in counted and (name.endswith(".run") or name == f"{LIST}.new"):
                self.disk.remove(self.folder / name)

    def _disk_mark(self) -> object:
        path = self.folder / LIST
        try:
            return self.disk.identity(path), self.disk.modified(path)
        except FileNotFoundError:
            return None

    def _open(self) -> tuple[RunList, tuple[Run, ...]]:
        """The list on disk and its runs; an empty one where something is missing or damaged."""
        self.damage = None
        for _ in range(5):
            try:
                data = self.disk.read(self.folder / LIST)
            except FileNotFoundError:
                return EMPTY, ()
            try:
                found = parse_run_list(data)
                return found, tuple([self._mapped(run) for run in found.runs])
            except FileNotFoundError as error:
                missing = Path(str(error.filename or error)).name
                try:
                    if self.disk.read(self.folder / LIST) != data:
                        continue  # merged meanwhile
                except FileNotFoundError:
                    continue
                self.damage = IntegrityError("index.run_missing", name=missing)
            except IntegrityError as error:
                self.damage = error
            _log.error("index.damaged", code=self.damage.code, params=self.damage.params)
            return EMPTY, ()
        return EMPTY, ()

    def _take(self, found: RunList, runs: tuple[Run, ...], mark: object) -> None:
        before = self._list
        shorter = any(log not in found.covers or found.covers[log].upto < c.upto for log, c in before.covers.items())
        self._list, self._runs, self._mark, self._forgotten = found, runs, mark, False
        self._trusted.clear()
        if shorter:  # begun anew by another process, or damaged: what is in memory doesn't join it
            self._begun += 1
            self._tail, self._frozen, self._seen = Tail(), Tail(), dict(found.covers)
            return
        for log, cover in found.covers.items():
            if self.upto(log) < cover.upto:
                self._seen[log] = cover
        self._leave_out(self._covered)

    def _leave_out(self, unwanted: Callable[[int], bool]) -> None:
        self._tail, self._frozen = self._tail.without(unwanted), self._frozen.without(unwanted)

    def _covered(self, position: int) -> bool:
        cover = self._list.covers.get(log_of(position))
        return cover is not None and index_of(position) < cover.upto
