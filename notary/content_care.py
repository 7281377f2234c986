"""Files looked at and moved, on a person's word: every CID that a record names, in every store that should hold it.

Both can be cut at any moment and begun again. A check reads and hashes; with `repair` it mends from another store. A
move copies, hashes what the new store gives back, and only then takes the old copy away.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from ledger.errors import ConflictError, IntegrityError, NotFoundError, UnavailableError
from ledger.ports import Clock
from notary.cid import EMPTY_FILE
from notary.content_keeper import ContentKeeper, mend
from notary.stores.content_index import ContentIndex
from notary.stores.placed import Places

BATCH = 500
Wrong = Literal["missing", "incomplete", "damaged", "not_pinned", "not_asked"]


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a file in a store; `mended`: it isn't any more."""

    store: str
    cid: str
    what: Wrong
    mended: bool = False


@dataclass(slots=True)
class Checked:
    """Of one store: files looked at, their bytes, what was wrong; the node's pins, and those that no record names."""

    store: str
    files: int = 0
    size: int = 0
    faults: list[Fault] = field(default_factory=list)
    pins: int | None = None
    unnamed: int | None = None
    leftovers: int | None = None
    """Blocks that no registered file needs, a day old or older; None: not said, `faults` or the store being why."""
    leftover_size: int = 0
    removed: int = 0
    """Of them, how many `repair` took away."""


def check(
    places: Places,
    clock: Clock,
    address: str,
    *,
    repair: bool = False,
    seen_before: int | None = None,
    told: Callable[[Fault | None], None] = lambda fault: None,
) -> Checked:
    """Hash every file that the store should hold, and ask whether it is pinned; `told` after each file.

    `seen_before` (Unix ms) leaves out what was seen whole since then: so a check that was cut goes on.
    """
    result, index, began = Checked(address), places.index, clock.now()
    for cid in _all(index, address, seen_before):
        size, wrong = _look(places, address, cid)
        fault = None if wrong is None else Fault(address, cid, wrong)
        if fault is not None and fault.what != "not_asked":
            index.see(address, cid, None)
            if repair and _repair(places, address, cid):
                size, wrong = _look(places, address, cid)
                fault = Fault(address, cid, fault.what, mended=wrong is None)
        if wrong is None:
            index.see(address, cid, clock.now())
        if not index.named([cid]):  # erased meanwhile: no fault, and what `repair` put there goes again
            if repair:
                places.store(address).remove(cid)
            continue
        result.files += 1
        result.size += size
        if fault is not None:
            result.faults.append(fault)
        told(fault)
    result.pins, result.unnamed = _pins(places, address)
    _leftovers(places, began, result, repair=repair)
    return result


@dataclass(slots=True)
class Moved:
    """How a move went: files that are in the new store now, bytes of them, and what is in the way of the others."""

    source: str
    target: str
    files: int = 0
    size: int = 0
    faults: list[Fault] = field(default_factory=list)
    finished: bool = False


def move(
    keeper: ContentKeeper,
    clock: Clock,
    target: str,
    *,
    keep: bool = False,
    told: Callable[[Fault | None], None] = lambda fault: None,
) -> Moved:
    """Bring all files to the store at `target`; new ones go there from the first moment on, reading knows both.

    Begun again it goes on. `keep` leaves the old copies where they are. ConflictError `content.moving` while another
    move isn't finished, `content.there` if the files are there and no move is open.
    """
    places, index = keeper.places, keeper.places.index
    primary, open_moves = places.primary(), places.leaving()
    if open_moves and any(one.target != target for one in open_moves):
        raise ConflictError("content.moving", source=open_moves[0].source, target=open_moves[0].target)
    if not open_moves:
        if primary == target:
            raise ConflictError("content.there", target=target)
        places.store(target).has(EMPTY_FILE)  # it can be asked, before anything is decided
        index.begin_move(primary, target, clock.now())
    source = places.leaving()[0].source
    result = Moved(source, target)
    keeper.catch_up()
    for cid in _all(index, source, None):
        fault = _move_one(places, clock, result, cid, keep=keep)
        if fault is not None:
            result.faults.append(fault)
        told(fault)
    keeper.catch_up()
    if not result.faults and not index.all_of(source, "", 1):
        index.finish_move(source, clock.now())
        result.finished = True
    return result


def _move_one(places: Places, clock: Clock, result: Moved, cid: str, *, keep: bool) -> Fault | None:
    # The order is what makes it safe: whole and kept there, hashed as it comes back from there, noted; then, and only
    # then, gone here; then forgotten. Cut anywhere, the row of the old store is still there and all is done again.
    try:
        size, wrong = _bring_whole(places, clock, result, cid)
        if not places.index.named([cid]):  # erased meanwhile
            places.store(result.target).remove(cid)
            return None
        if wrong is not None:
            return wrong
        if not keep:
            places.store(result.source).remove(cid)
    except UnavailableError:
        return Fault(result.source, cid, "not_asked")
    places.index.forget(result.source, cid)
    result.files += 1
    result.size += size
    return None


def _bring_whole(places: Places, clock: Clock, result: Moved, cid: str) -> tuple[int, Fault | None]:
    try:
        mend(cid, result.target, places)
        size = places.store(result.target).verify(cid)
    except NotFoundError:
        return 0, Fault(result.source, cid, "missing")
    except IntegrityError as error:
        return 0, Fault(result.source, cid, "incomplete" if error.code == "content.incomplete" else "damaged")
    if not places.store(result.target).keeps(cid):
        return 0, Fault(result.target, cid, "not_pinned")
    places.index.see(result.target, cid, clock.now())
    return size, None


def _all(index: ContentIndex, address: str, seen_before: int | None) -> Iterator[str]:
    after = ""
    while found := index.all_of(address, after, BATCH, seen_before=seen_before):
        yield from found
        after = found[-1]


def _look(places: Places, address: str, cid: str) -> tuple[int, Wrong | None]:
    store = places.store(address)
    try:
        size = store.verify(cid)
        return size, None if store.keeps(cid) else "not_pinned"
    except UnavailableError:
        return 0, "not_asked"
    except NotFoundError:
        return 0, "missing"
    except IntegrityError as error:
        return 0, "incomplete" if error.code == "content.incomplete" else "damaged"


def _repair(places: Places, address: str, cid: str) -> bool:
    try:
        mend(cid, address, places)
    except (NotFoundError, IntegrityError, UnavailableError):
        return False
    return True


def _leftovers(places: Places, began: int, result: Checked, *, repair: bool) -> None:
    """What crashes left of uploads and removals a day before the check `began`: what came in since may be unnamed yet.
    Looked for only where every file is whole here: a block of one that isn't would look as if nobody needed it."""
    if any(not fault.mended for fault in result.faults):
        return
    try:
        found = places.store(result.store).leftovers(_named(places.index), began)
        if found is None:
            return
        count = size = removed = 0
        for leftover in found:
            count, size = count + 1, size + leftover.size
            removed += repair and leftover.drop()
    except (NotFoundError, IntegrityError, UnavailableError):
        return
    result.leftovers, result.leftover_size, result.removed = count, size, removed


def _named(index: ContentIndex) -> Iterator[str]:
    after = ""
    while found := index.all_named(after, BATCH):
        yield from found
        after = found[-1]


def _pins(places: Places, address: str) -> tuple[int | None, int | None]:
    """(pins of the node, of them unnamed): what no record names is somebody else's, or an upload that was cut."""
    pins = unnamed = 0
    batch: list[str] = []
    try:
        found = places.store(address).pins()
        if found is None:
            return None, None
        for cid in found:
            pins += 1
            batch.append(cid)
            if len(batch) == BATCH:
                unnamed += BATCH - len(places.index.named(batch))
                batch.clear()
    except UnavailableError:
        return None, None
    return pins, unnamed + len(set(batch)) - len(places.index.named(batch))
