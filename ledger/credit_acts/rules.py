"""What the acts on credit records share: who may, what is, which commitment stands behind which act. Pure."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace

from ledger.authorities import Domain, above, upwards
from ledger.credit_acts.acting import NOBODY, Now
from ledger.credits import IN_USE, Book, CreditItem, FileClass, ItemId, ItemState, file_class_bytes, is_day, state_at
from ledger.errors import ConflictError, DeniedError, InputError, NotFoundError
from ledger.types import BlockTime, DepartmentCode, Digest


def authority_of(item: CreditItem, item_id: ItemId, now: Now) -> DepartmentCode | None:
    """Who rules on the item. Nobody rules on its own: the next authority above does, and above the province the
    government."""
    around = now.around
    owner = around.carrier_of(item.owner, item_id)
    divisions = list(upwards(around.division_of(_keeper_of(item.file_class, now))))
    for division in divisions:
        authority = around.authority_for(Domain.VETERANS, division)
        if authority != owner:
            return authority
    government = around.authority_for(Domain.GOVERNMENT, divisions[-1])
    return None if government == owner else government


def _keeper_of(file_class: FileClass, now: Now) -> DepartmentCode:
    return now.around.carrier_of(file_class.keeper, file_class_bytes(file_class))


def is_veterans(department: DepartmentCode, now: Now) -> bool:
    around = now.around
    return around.authority_for(Domain.VETERANS, around.division_of(department)) == department


def is_provincial(now: Now) -> bool:
    return above(now.around.division_of(now.by)) is None


def require_council_or_province(now: Now) -> None:
    if now.by == NOBODY:
        return
    if not is_veterans(now.by, now) or not is_provincial(now):
        raise DeniedError("credit_records.not_provincial", department=now.by)
    require_unsuspended(now)


def require_keeper(file_class: FileClass, now: Now) -> None:
    keeper = _keeper_of(file_class, now)
    if now.by != keeper:
        raise DeniedError(
            "credit_records.not_keeper", file_class=file_class_bytes(file_class).hex(), keeper=keeper, department=now.by
        )


def require_owner(item: CreditItem, item_id: ItemId, now: Now) -> None:
    owner = now.around.carrier_of(item.owner, item_id)
    if now.by != owner:
        raise DeniedError("credit_records.not_owner", item_id=item_id.hex(), owner=owner, department=now.by)


def require_party(item: CreditItem, item_id: ItemId, now: Now) -> bool:
    """True if who acts owns the item, False if it keeps the file or rules on the item."""
    owns = now.by == now.around.carrier_of(item.owner, item_id)
    if not owns and now.by not in (_keeper_of(item.file_class, now), authority_of(item, item_id, now)):
        raise DeniedError("credit_records.not_party", item_id=item_id.hex(), department=now.by)
    return owns


def require_unsuspended(now: Now) -> None:
    if now.around.is_suspended(now.by):
        raise DeniedError("credit_records.suspended", department=now.by)


def require_open(now: Now) -> None:
    if now.around.is_paused():
        raise ConflictError("credit_records.paused")


def item_of(book: Book, item_id: ItemId) -> CreditItem:
    item = book.items.get(item_id)
    if item is None:
        raise NotFoundError("credit_records.item_unknown", item_id=item_id.hex())
    return item


def state_of(book: Book, item_id: ItemId, now: Now) -> ItemState | None:
    return state_at(book, item_id, now.time)


def require_move(book: Book, item_id: ItemId, now: Now, allowed: bool) -> None:
    if allowed:
        return
    last = book.items[item_id].last_objection
    raise ConflictError(
        "credit_records.move_not_allowed",
        item_id=item_id.hex(),
        state=int(state_of(book, item_id, now) or 0),
        objection=last.number if last else 0,
        stage=int(last.stage) if last else 0,
        answer=int(last.answer) if last else 0,
    )


def require_in_use(book: Book, item_id: ItemId, now: Now) -> None:
    require_move(book, item_id, now, state_of(book, item_id, now) in IN_USE)


def require_day(date: BlockTime, now: Now) -> None:
    if date > now.time or not is_day(date):
        raise InputError("credit_records.date_invalid", date=date)


def repeats(book: Book, commitment: Digest | None, act: Hashable) -> bool:
    return commitment is not None and book.acts.get(commitment) == act


def claim(book: Book, item_id: ItemId, commitment: Digest | None, act: Hashable) -> Book:
    """A commitment is one act's own: a shared one would join two items."""
    if commitment is None or not any(commitment):
        raise InputError("credit_records.commitment_missing", item_id=item_id.hex())
    if commitment in book.acts:
        raise ConflictError("credit_records.commitment_used", commitment=commitment.hex())
    return replace(book, acts={**book.acts, commitment: act})


def moved(book: Book, item_id: ItemId, to: ItemState, outcome: Digest | None, now: Now) -> Book:
    item = book.items[item_id]
    moved = replace(item, state=to, changed_at=now.time, outcome=outcome or item.outcome)
    return put(book, item_id, moved)


def put(book: Book, item_id: ItemId, item: CreditItem) -> Book:
    return replace(book, items={**book.items, item_id: item})
