"""An item from its entry to its archiving: added, repaired, its statement, filing and the end of its event. Pure."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace

from ledger.credit_acts.acting import Now
from ledger.credit_acts.objections import answered
from ledger.credit_acts.rules import (
    claim,
    is_provincial,
    is_veterans,
    item_of,
    moved,
    put,
    repeats,
    require_day,
    require_in_use,
    require_move,
    require_open,
    require_owner,
    require_party,
    require_unsuspended,
    state_of,
)
from ledger.credits import (
    Answer,
    Book,
    Contribution,
    CreditItem,
    ItemId,
    ItemState,
    Measure,
    NewItem,
    Polarity,
    Severity,
    file_class_bytes,
    is_sealed,
    state_at,
)
from ledger.errors import ConflictError, DeniedError, InputError
from ledger.types import BlockTime, Digest


def add(book: Book, item_id: ItemId, new: NewItem, now: Now) -> Book:
    """Adds an item; who acts owns it."""
    require_unsuspended(now)
    known_class = book.classes.get(new.item_class)
    _require_contributor(book, new, now)
    _require_level(new.item_class, known_class.measure if known_class else Measure.NONE, now)
    act: Hashable = ("add", item_id, now.by, new)
    if book.acts.get(new.commitment) == act:
        return book
    require_open(now)
    if not any(item_id):
        raise InputError("credit_records.id_zero")
    if item_id in book.items:
        raise ConflictError("credit_records.item_exists", item_id=item_id.hex())
    if known_class is None or is_sealed(book, new.item_class):
        raise DeniedError("credit_records.item_class_sealed", item_class=new.item_class)
    _require_members(book, item_id, new, known_class.polarity == Polarity.NEGATIVE, now)
    for commitment in (new.commitment, new.notice, new.decision):
        if commitment is not None:
            book = claim(book, item_id, commitment, act)
    made = _made(book, new, now)
    if made.stop_at is not None and now.time >= made.stop_at:
        raise InputError("credit_records.too_old", item_id=item_id.hex(), stop_at=made.stop_at)
    return put(book, item_id, made)


def repair(book: Book, item_id: ItemId, decision: Digest | None, now: Now) -> Book:
    """Minimum period over, corrected, commitment given: publication, sharing, use and measures end."""
    item = item_of(book, item_id)
    require_owner(item, item_id, now)
    act = ("repair", item_id, now.by)
    if repeats(book, decision, act):
        return book
    book = claim(book, item_id, decision, act)
    require_in_use(book, item_id, now)
    if item.repair_from is None or now.time < item.repair_from:
        raise ConflictError("credit_records.repair_too_early", item_id=item_id.hex(), repair_from=item.repair_from or 0)
    book = answered(book, item_id, Answer.REPAIRED, decision, now)
    return moved(book, item_id, ItemState.REPAIRED, decision, now)


def archive(book: Book, item_id: ItemId, decision: Digest | None, now: Now) -> Book:
    """Ends an item. Once its time is up or its class sealed, anyone may say so (NOBODY too); before, the owner."""
    item = book.items.get(item_id)
    time_is_up = (
        item is not None
        and item.state != ItemState.ARCHIVED
        and state_at(book, item_id, now.time) == ItemState.ARCHIVED
    )
    why = None
    if not time_is_up:
        item = item_of(book, item_id)
        require_owner(item, item_id, now)
        if item.state == ItemState.ARCHIVED:
            return book
        act = ("archive", item_id, now.by)
        if repeats(book, decision, act):
            return book
        book = claim(book, item_id, decision, act)
        why = decision
    book = answered(book, item_id, Answer.ARCHIVED, why, now)
    return moved(book, item_id, ItemState.ARCHIVED, why, now)


def attach_statement(book: Book, item_id: ItemId, statement: Digest | None, now: Now) -> Book:
    """The person's own words go with the item."""
    item = item_of(book, item_id)
    require_party(item, item_id, now)
    act = ("statement", item_id)
    if statement is None or repeats(book, statement, act):
        return claim(book, item_id, None, act) if statement is None else book
    book = claim(book, item_id, statement, act)
    require_move(book, item_id, now, state_of(book, item_id, now) != ItemState.ARCHIVED)
    return put(book, item_id, replace(item, statements=(*item.statements, statement)))


def record_filing(book: Book, item_id: ItemId, filing: Digest | None, now: Now) -> Book:
    """The provincial authority's decision was filed with the ministry (art. 79)."""
    item = item_of(book, item_id)
    require_owner(item, item_id, now)
    act = ("filing", item_id)
    if repeats(book, filing, act):
        return book
    book = claim(book, item_id, filing, act)
    if book.classes[item.item_class].measure != Measure.CRIME or item.filing is not None:
        raise ConflictError("credit_records.filing_unexpected", item_id=item_id.hex())
    return put(book, item_id, replace(item, filing=filing))


def end_event(book: Book, item_id: ItemId, event_end: BlockTime, now: Now) -> Book:
    """What lasted has ended: from that day on the item's years count."""
    item = item_of(book, item_id)
    require_owner(item, item_id, now)
    if item.event_end is not None:
        if item.event_end == event_end:
            return book
        raise ConflictError("credit_records.event_ended", item_id=item_id.hex(), event_end=item.event_end)
    require_day(event_end, now)
    stop_at = _months(event_end, book.profile.stop_months, now)
    return put(book, item_id, replace(item, event_end=event_end, stop_at=stop_at))


def _require_contributor(book: Book, new: NewItem, now: Now) -> None:
    period = book.contributors.get(Contribution(new.file_class, now.by, new.item_class))
    if period is None or not period.holds(now.time):
        raise DeniedError(
            "credit_records.not_contributor",
            file_class=file_class_bytes(new.file_class).hex(),
            department=now.by,
            item_class=new.item_class,
        )


def _require_level(item_class: int, measure: Measure, now: Now) -> None:
    if measure == Measure.NONE:
        return
    if not is_veterans(now.by, now):
        raise DeniedError("credit_records.not_veterans", department=now.by)
    if measure == Measure.CRIME and not is_provincial(now):
        raise DeniedError("credit_records.level_too_low", department=now.by, item_class=item_class)


def _require_members(book: Book, item_id: ItemId, new: NewItem, negative: bool, now: Now) -> None:
    if (new.severity == Severity.NONE) == negative:
        raise InputError("credit_records.severity_invalid", item_id=item_id.hex(), severity=int(new.severity))
    if negative and new.notice is None:
        raise InputError("credit_records.notice_missing", item_id=item_id.hex())
    if negative and new.decision is None:
        raise InputError("credit_records.decision_missing", item_id=item_id.hex())
    if negative or new.decided_at is not None or new.publish_months != 0:
        require_day(new.decided_at or BlockTime(0), now)
    if negative or new.event_end is not None:
        require_day(new.event_end or BlockTime(0), now)
    least, most = book.profile.publication(new.severity)
    if new.publish_months != 0 and not least <= new.publish_months <= most:
        raise InputError("credit_records.publication_invalid", months=new.publish_months, least=least, most=most)


def _months(date: BlockTime, months: int, now: Now) -> BlockTime:
    return date if months == 0 else now.around.months_after(date, months)


def _made(book: Book, new: NewItem, now: Now) -> CreditItem:
    decided, ended = new.decided_at, new.event_end
    least, _ = book.profile.publication(new.severity)
    return CreditItem(
        owner=now.by,
        file_class=new.file_class,
        item_class=new.item_class,
        severity=new.severity,
        state=ItemState.ACTIVE,
        commitment=new.commitment,
        notice=new.notice,
        decision=new.decision,
        decided_at=decided,
        event_end=ended,
        publish_until=_months(decided, new.publish_months, now) if decided and new.publish_months else None,
        repair_from=_months(decided, least, now) if decided and new.severity != Severity.NONE else None,
        stop_at=_months(ended, book.profile.stop_months, now) if ended else None,
        added_at=now.time,
        changed_at=now.time,
    )
